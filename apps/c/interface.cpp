// The C interface: handles, pointers and text become the library's types, exceptions a status. Nothing is computed
// here.
#include <algorithm>
#include <cstring>
#include <limits>
#include <memory>
#include <new>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/hans.h>
#include <hans/attacks/judge.hpp>
#include <hans/autodiff/grad.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/reduce.hpp>
#include <hans/core/version.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/model_file.hpp>
#include <hans/nn/models.hpp>
#include <hans/nn/onnx_import.hpp>
#include <hans/nn/pieces.hpp>
#include <hans/nn/trainer.hpp>
#include "arguments.hpp"
#include "calls.hpp"

namespace {

using namespace hans;
using namespace hans::apps;

thread_local std::string last_error;

}  // namespace

hans_status hans::apps::fail(hans_status status, const char* why) {
  try {
    last_error = why;
  } catch (const std::bad_alloc&) {
    last_error = "out of memory";  // so short that it needs none
  }
  return status;
}

struct hans_trainer {
  hans_trainer(std::shared_ptr<Shared> given, nn::Optimizer chosen, nn::Loss loss, const hans_trainer_options& options)
      : shared(std::move(given)),
        record{{"continued_from_sha256", shared->sha256()},
               {"recipe", text("optimizer=", chosen.spec(), " clip=", options.clip, " loss=", loss.spec())},
               {"seed", text(options.seed)},
               {"hans", std::string(build_version())},
               {"steps", "0"}},
        optimizer(std::move(chosen)),
        trainer(shared->model.net, optimizer, std::move(loss), Rng(options.seed), options.clip) {
    batch.box = {options.box_lo, options.box_hi};
  }

  std::shared_ptr<Shared> shared;
  std::vector<std::pair<std::string, std::string>> record;  // of the training; the model's own after the first step
  nn::Optimizer optimizer;
  nn::Trainer trainer;
  data::Samples batch;
  float factor = 1;
  std::uint64_t steps = 0;
};

namespace {

hans_status make_model(hans_model** model, std::string_view name, const auto& make) noexcept {
  return make_handle(model, name, [&] { return std::make_unique<hans_model>(make()); });
}

static_assert(HANS_REASON_SUCCESS == static_cast<int>(attacks::Reason::success) &&
              HANS_REASON_UNCHANGED_PREDICTION == static_cast<int>(attacks::Reason::unchanged_prediction) &&
              HANS_REASON_OTHER_CLASS == static_cast<int>(attacks::Reason::other_class) &&
              HANS_REASON_OUTSIDE_BALL == static_cast<int>(attacks::Reason::outside_ball) &&
              HANS_REASON_OUTSIDE_BOX == static_cast<int>(attacks::Reason::outside_box) &&
              HANS_REASON_NOT_A_NUMBER == static_cast<int>(attacks::Reason::not_a_number));

hans_attack_result result_of(const attacks::Finding& found) {
  const attacks::Distances& distance = found.distance;
  return {found.success ? 1 : 0, found.evades ? 1 : 0, found.prediction, static_cast<std::int32_t>(found.reason),
          distance.linf,         distance.l2,          distance.l1,      distance.l0};
}

}  // namespace

// ---- the library -----------------------------------------------------------------------------------------

const char* hans_version() { return build_version().data(); }

std::int32_t hans_abi_version() { return HANS_ABI_VERSION; }

const char* hans_last_error() { return last_error.c_str(); }

hans_status hans_set_threads(std::size_t threads) {
  return guarded([&] { set_thread_count(threads); });
}

hans_status hans_kernels(const char** name) {
  return guarded([&] { need(name, "name") = kernels::selected().data(); });
}

// ---- models ----------------------------------------------------------------------------------------------

hans_status hans_model_load(const char* path, hans_model** model) {
  return make_model(model, "model", [&] { return nn::load_model(read_path(path)); });
}

hans_status hans_model_parse(const void* bytes, std::size_t length, hans_model** model) {
  return make_model(model, "model", [&] {
    return nn::parse_model({&need(static_cast<const char*>(bytes), "bytes"), length}, "the model in memory");
  });
}

hans_status hans_model_import(const char* path, const char* preprocess, hans_model** model) {
  return make_model(model, "model", [&] {
    nn::Preprocess wanted;
    if (preprocess != nullptr) wanted = nn::read_preprocess(read_text(preprocess, "preprocess"));
    std::vector<std::string> notes;
    return nn::load_onnx(read_path(path), wanted, notes);
  });
}

hans_status hans_model_create(const char* architecture, std::uint64_t seed, hans_model** model) {
  return make_model(model, "model",
                    [&] { return nn::Model{nn::make_model(read_text(architecture, "architecture"), Rng(seed))}; });
}

hans_status hans_model_clone(const hans_model* model, hans_model** copy) {
  return make_model(copy, "copy", [&] { return model_of(model); });
}

hans_status hans_model_save(const hans_model* model, const char* path) {
  return guarded([&] { nn::save_model(model_of(model), read_path(path)); });
}

void hans_model_free(hans_model* model) { delete model; }

hans_status hans_model_input_shape(const hans_model* model, std::size_t shape[3]) {
  return guarded([&] { std::ranges::copy(model_of(model).net.input(), &need(shape, "shape")); });
}

hans_status hans_model_classes(const hans_model* model, std::size_t* classes) {
  return guarded([&] { need(classes, "classes") = model_of(model).net.classes(); });
}

hans_status hans_model_architecture(const hans_model* model, const char** architecture) {
  return guarded([&] { need(architecture, "architecture") = need(model, "model").shared->architecture.c_str(); });
}

hans_status hans_model_sha256(const hans_model* model, char sha256[HANS_SHA256_SIZE]) {
  return guarded([&] {
    const std::string found = need(model, "model").shared->sha256();
    std::memcpy(&need(sha256, "sha256"), found.c_str(), HANS_SHA256_SIZE);
  });
}

// ---- using a model ---------------------------------------------------------------------------------------

hans_status hans_predict(const hans_model* model, const float* images, std::size_t count, std::int32_t* classes) {
  return guarded([&] {
    const nn::Sequential& net = model_of(model).net;
    need(classes, "classes");
    std::ranges::copy(nn::predict(net, read_images(net, images, count)), classes);
  });
}

hans_status hans_logits(const hans_model* model, const float* images, std::size_t count, float* logits) {
  return guarded([&] {
    const nn::Sequential& net = model_of(model).net;
    need(logits, "logits");
    const Tensor given = read_images(net, images, count);
    Tape tape;
    nn::for_pieces(net, count, tape, [&](Tape& own, std::size_t first, std::size_t size) {
      const Tensor found = net.logits(own.constant(given.rows(first, size))).value();
      std::ranges::copy(found.values(), logits + first * net.classes());
    });
  });
}

hans_status hans_gradient(const hans_model* model, const float* images, const std::int32_t* labels, std::size_t count,
                          float* gradient, float* losses) {
  return guarded([&] {
    const nn::Sequential& net = model_of(model).net;
    need(gradient, "gradient");
    const Tensor given = read_images(net, images, count);
    const std::vector<int> wanted = read_classes(net, labels, count, "labels");
    Tape tape;
    nn::for_pieces(net, count, tape, [&](Tape& own, std::size_t first, std::size_t size) {
      const auto loss = [&](const Var& x) {
        return cross_entropy(net.logits(x), std::span(wanted).subspan(first, size));
      };
      const ValueAndGrad found = value_and_grad(own, loss, given.rows(first, size));
      for (std::size_t i = 0; i < size; ++i) {
        check(all_finite(found.value.values().subspan(i, 1)) && all_finite(found.gradient.rows(i, 1).values()),
              "the loss or the gradient of image ", first + i, " is not finite");
      }
      std::ranges::copy(found.gradient.values(), gradient + first * net.input().elements());
      if (losses != nullptr) std::ranges::copy(found.value.values(), losses + first);
    });
  });
}

// ---- attacks ---------------------------------------------------------------------------------------------

hans_status hans_attack(const hans_model* model, const char* attack, const float* images, const std::int32_t* labels,
                        const std::int32_t* targets, std::size_t count, const hans_attack_options* options,
                        float* adversarial, hans_attack_result* results) {
  return guarded([&] {
    const nn::Sequential& net = model_of(model).net;
    need(adversarial, "adversarial");
    const attacks::Attack chosen = attacks::Attack::from_spec(read_spec(attack, "attack"));
    const hans_attack_options how = read_options<hans_attack_options>(options, HANS_ATTACK_OPTIONS_INIT);
    const data::Box box = read_box(how.box_lo, how.box_hi);
    const attacks::Budget budget = chosen.budget(net.input(), box);
    const data::Samples samples = read_samples(net, images, labels, count, how.first_index, box);
    const attacks::Goal goal = read_goal(chosen.info(), net, samples.labels, targets);

    const attacks::Crafted made = chosen(net, samples, goal, {how.seed});
    if (results != nullptr) {
      const attacks::Outcome outcome = attacks::judge(net, samples, made.images, goal, budget);
      std::ranges::transform(outcome.findings, results, result_of);
    }
    std::ranges::copy(made.images.values(), adversarial);
  });
}

// ---- training --------------------------------------------------------------------------------------------

hans_status hans_trainer_create(hans_model* model, const char* optimizer, const char* defense,
                                const hans_trainer_options* options, hans_trainer** trainer) {
  return make_handle(trainer, "trainer", [&] {
    const hans_trainer_options how = read_options<hans_trainer_options>(options, HANS_TRAINER_OPTIONS_INIT);
    read_box(how.box_lo, how.box_hi);
    return std::make_unique<hans_trainer>(need(model, "model").shared,
                                          nn::Optimizer::from_spec(read_spec(optimizer, "optimizer")),
                                          read_loss(defense, how.smoothing), how);
  });
}

hans_status hans_trainer_set_rate_factor(hans_trainer* trainer, float factor) {
  return guarded([&] {
    check_usage(factor >= 0 && factor <= std::numeric_limits<float>::max(),
                "the factor of the learning rate must be finite and at least 0, not ", factor);
    need(trainer, "trainer").factor = factor;
  });
}

hans_status hans_trainer_step(hans_trainer* trainer, const float* images, const std::int32_t* labels,
                              const std::uint32_t* indices, std::size_t count, double* mean_loss) {
  return guarded([&] {
    hans_trainer& run = need(trainer, "trainer");
    nn::Model& model = run.shared->model;
    data::Samples& batch = run.batch;
    batch.images = read_images(model.net, images, count);
    batch.labels = read_classes(model.net, labels, count, "labels");
    batch.index.resize(count);
    if (indices != nullptr) {
      std::copy_n(indices, count, batch.index.begin());
    } else {
      std::iota(batch.index.begin(), batch.index.end(), 0U);
    }
    check(run.steps <= std::numeric_limits<std::uint32_t>::max(), "a trainer makes at most 2^32 steps");
    const Tensor losses = run.trainer.step(batch, static_cast<std::uint32_t>(run.steps), run.factor);
    if (run.steps == 0) model.training = std::exchange(run.record, {});
    ++run.steps;
    model.training.back().second = text(run.steps);
    model.sha256.clear();
    if (mean_loss != nullptr) {
      *mean_loss = std::accumulate(losses.values().begin(), losses.values().end(), 0.0) / static_cast<double>(count);
    }
  });
}

void hans_trainer_free(hans_trainer* trainer) { delete trainer; }
