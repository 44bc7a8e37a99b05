// Threads that compute in another way: refused wherever work begins, and no worker is ever one of them.
#include <gtest/gtest.h>

#include <atomic>
#include <cfenv>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

#include <hans/attacks/evaluate.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/core/parallel.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/trainer.hpp>

#include "../attacks/attacks_testing.hpp"
#include "../nn/fit_testing.hpp"

namespace hans::rounding_test {
namespace {

using testing_data::error_of;

/// Another way to compute: how it is entered, how it is left, and what the refusal says.
struct Way {
  std::string name;
  std::function<void()> enter, leave;
  std::string_view part;
};

std::vector<Way> other_ways() {
  std::vector<Way> ways;
#if defined(FE_UPWARD) && defined(FE_TOWARDZERO)
  for (const int mode : {FE_UPWARD, FE_TOWARDZERO}) {
    ways.push_back({text("rounding ", mode), [mode] { std::fesetround(mode); }, [] { std::fesetround(FE_TONEAREST); },
                    "does not round to nearest"});
  }
#endif
#if defined(__SSE__)
  for (const unsigned bit : {0x8000U, 0x0040U}) {
    ways.push_back({text("control bit ", bit), [bit] { _mm_setcsr(_mm_getcsr() | bit); },
                    [bit] { _mm_setcsr(_mm_getcsr() & ~bit); }, "flushes denormal numbers"});
  }
#endif
  return ways;
}

/// The message of the Error that `call` throws on a thread that computes that way.
std::string refusal_in(const Way& way, const std::function<void()>& call) {
  way.enter();
  const std::string error = error_of(call);
  way.leave();
  return error;
}

TEST(OtherWays, AreRefusedWhereWorkBegins) {
  const nn::Sequential net = testing_attacks::small_models()[0];
  const data::Dataset data = testing_fit::quarters(4);
  const data::Samples samples = data.first(4);
  const attacks::Attack fgsm = testing_attacks::attack("fgsm:eps=0.1");
  const attacks::Attack jsma = testing_attacks::attack("jsma:gamma=0.1");
  nn::Sequential trained = net;
  nn::Optimizer optimizer = nn::Sgd{};
  nn::Trainer trainer(trained, optimizer, nn::cross_entropy_loss(), Rng(0));
  Tape tape;
  std::vector<Tensor> gradients{Tensor::full({3}, 1)};
  const std::vector<std::pair<std::string, std::function<void()>>> cases{
      {"tape", [] { Tape another; }},
      {"network", [] { (void)testing_attacks::small_models(); }},
      {"predict", [&] { (void)nn::predict(net, samples.images); }},
      {"predict data", [&] { (void)nn::predict(net, data, 4, {}); }},
      {"attack", [&] { (void)fgsm(net, samples, away_from(samples.labels)); }},
      {"attack with a tape",
       [&] {
         (void)fgsm(net, samples, away_from(samples.labels), {0, {}, &tape});
       }},
      {"targeted attack", [&] { (void)jsma(net, samples, towards(1)); }},
      {"judge", [&] { (void)attacks::judge(net, samples, samples.images, towards(1), {}); }},
      {"evaluate", [&] { (void)attacks::evaluate(net, data.first(data.size()), std::span(&fgsm, 1), {}); }},
      {"fit", [&] { nn::fit(trained, data, testing_fit::short_run()); }},
      {"step", [&] { (void)trainer.step(samples, 0); }},
      {"clip", [&] { (void)nn::clip_gradients(gradients, 0.1); }},
  };
  for (const auto& [name, call] : cases) {
    EXPECT_EQ(error_of(call), "no error") << name;
    const std::string before = testing_fit::bytes(trained);
    const std::uint64_t steps = optimizer.steps();
    for (const Way& way : other_ways()) {
      const std::string error = refusal_in(way, call);
      EXPECT_NE(error.find(way.part), std::string::npos) << name << ", " << way.name << ": " << error;
    }
    EXPECT_EQ(testing_fit::bytes(trained), before) << name;
    EXPECT_EQ(optimizer.steps(), steps) << name;
  }
}

/// Runs many short units on 4 threads, and counts those that saw another way of rounding or flushing.
std::size_t wrong_units() {
  std::atomic<std::size_t> wrong{0};
  parallel_for(400, [&](std::size_t) {
    if (error_of([] { check_float_environment(); }) != "no error") ++wrong;
    std::this_thread::yield();
  });
  return wrong;
}

TEST(OtherWays, AreNotInheritedByWorkers) {
  const std::size_t before = thread_count();
  for (const Way& way : other_ways()) {
    set_thread_count(1);
    set_thread_count(4);  // new workers, started by the first job
    const std::string error = refusal_in(way, [] { parallel_for(8, [](std::size_t) {}); });
    EXPECT_NE(error.find(way.part), std::string::npos) << way.name;
    EXPECT_EQ(wrong_units(), 0U) << way.name;
    // And workers that are there already stay as they are.
    (void)refusal_in(way, [] { parallel_for(8, [](std::size_t) {}); });
    EXPECT_EQ(wrong_units(), 0U) << way.name;
  }
  set_thread_count(before);
}

/// What a unit leaves behind on its thread does not change the results of the units behind it: they are refused.
TEST(OtherWays, LeftBehindByAUnitAreRefused) {
  const std::size_t before = thread_count();
  for (const Way& way : other_ways()) {
    set_thread_count(1);
    set_thread_count(2);
    std::atomic<std::size_t> wrong{0};
    std::string error = error_of([&] {
      parallel_for(400, [&](std::size_t) {
        if (error_of([] { check_float_environment(); }) != "no error") ++wrong;
        way.enter();
      });
    });
    way.leave();
    EXPECT_NE(error.find(way.part), std::string::npos) << way.name << ": " << error;
    EXPECT_EQ(wrong, 0U) << way.name;
  }
  set_thread_count(1);  // the workers that were spoilt go
  set_thread_count(before);
}

}  // namespace
}  // namespace hans::rounding_test
