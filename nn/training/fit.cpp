// Training a network: epochs, batches, checkpoints.
#include <hans/nn/fit.hpp>

#include <algorithm>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/version.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/safetensors.hpp>
#include <hans/nn/trainer.hpp>

namespace hans::nn {
namespace {

constexpr std::string_view checkpoint_format = "hans checkpoint 1";
constexpr std::string_view kept_prefix = "kept.";  // prefix of the training method's tensors

std::uint64_t steps_per_epoch(std::size_t images, unsigned batch) { return (images + batch - 1) / batch; }

/// The position of a run between two steps. With the network's numbers, the optimizer's state and the method's tensors,
/// this is the complete state.
struct Position {
  std::uint64_t step = 0;
  double loss_sum = 0;  // over the samples of this epoch so far
  std::uint64_t loss_count = 0;
  std::uint64_t collapsed = 0;  // epochs in a row that ended with a collapsed network
};

// The properties that must match for a checkpoint to belong to this run.
std::vector<std::pair<std::string, std::string>> identity(const Sequential& net, const data::Dataset& train,
                                                          const FitOptions& options) {
  Sha256 start;
  for (const Tensor& weight : net.weights()) start.add(std::as_bytes(weight.values()));
  for (const Tensor& other : net.buffers()) start.add(std::as_bytes(other.values()));
  return {{"format", std::string(checkpoint_format)},
          {"architecture", net.architecture()},
          {"recipe", recipe(options)},
          {"data_sha256", train.sha256()},
          {"hans", std::string(build_version())},
          {"start_sha256", start.hex()}};
}

// Throws unless an existing file at `path` is empty or a checkpoint. Devices and pipes lose nothing and pass.
void check_replaceable(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored) || std::filesystem::is_empty(path, ignored)) return;
  bool is_checkpoint = false;
  try {
    const Safetensors file = Safetensors::parse(read_file(path), path.string());
    const std::string* format = file.find("format");
    is_checkpoint = format != nullptr && format->starts_with(checkpoint_format.substr(0, checkpoint_format.rfind(' ')));
  } catch (const MemoryError&) {
    throw;
  } catch (const Error&) {  // not a checkpoint
  }
  check_usage(
      is_checkpoint, in_quotes(path.string()),
      " is no checkpoint of hans and would be overwritten; give the checkpoint another name, or remove the file");
}

void write_checkpoint(const FitOptions& options, const std::vector<std::pair<std::string, std::string>>& id,
                      const Sequential& net, const Kept& kept, const Position& position) {
  Safetensors file;
  file.metadata = id;
  file.metadata.emplace_back("step", text(position.step));
  file.metadata.emplace_back("loss_sum", text(position.loss_sum));
  file.metadata.emplace_back("loss_count", text(position.loss_count));
  file.metadata.emplace_back("collapsed", text(position.collapsed));
  for (std::size_t w = 0; w < net.weights().size(); ++w) {
    file.tensors.emplace_back(net.weight_names()[w], net.weights()[w]);
  }
  for (std::size_t k = 0; k < net.buffers().size(); ++k)
    file.tensors.emplace_back(net.buffer_names()[k], net.buffers()[k]);
  for (std::size_t k = 0; k < options.optimizer.state().size(); ++k) {
    file.tensors.emplace_back(text("optimizer.", k), options.optimizer.state()[k]);
  }
  for (const auto& [name, tensor] : kept.tensors) file.tensors.emplace_back(text(kept_prefix, name), tensor);
  write_file(options.checkpoint, file.dump());
}

Position read_checkpoint(FitOptions& options, const std::vector<std::pair<std::string, std::string>>& id,
                         Sequential& net, Kept& kept, std::uint64_t total) {
  const std::string where = options.checkpoint.string();
  const Safetensors file = Safetensors::parse(read_file(options.checkpoint), where);
  check(file.find("sha256") != nullptr, "the checkpoint ", where, " has no checksum");
  for (const auto& [key, value] : id) {
    check(file.at(key) == value, "the checkpoint ", where, " is from another run: its ", key, " is ",
          in_quotes(file.at(key)), ", this run's '", value, "'; remove it or repeat the options it was made with");
  }
  Position position;
  check(read_number(file.at("step"), position.step) && read_number(file.at("loss_sum"), position.loss_sum) &&
            read_number(file.at("loss_count"), position.loss_count) &&
            read_number(file.at("collapsed"), position.collapsed) && position.step <= total,
        "the checkpoint ", where, " does not say where it stands");
  std::vector<Tensor> weights, buffers, state;
  for (const std::string& name : net.weight_names()) weights.push_back(file.tensor(name));
  for (const std::string& name : net.buffer_names()) buffers.push_back(file.tensor(name));
  for (const auto& [name, tensor] : file.tensors) {
    if (name.starts_with(kept_prefix)) kept.tensors.emplace_back(name.substr(kept_prefix.size()), tensor);
  }
  while (weights.size() + buffers.size() + kept.tensors.size() + state.size() < file.tensors.size()) {
    state.push_back(file.tensor(text("optimizer.", state.size())));
  }
  net.set_weights(weights);
  net.set_buffers(buffers);
  options.optimizer.restore(position.step, std::move(state));
  return position;
}

/// Some of the first `count` images, drawn at random.
data::Samples some_of(const data::Dataset& train, std::uint32_t count, const Rng& rng) {
  constexpr std::size_t most = 256;
  std::vector<std::uint32_t> which = permutation(rng.stream("collapse"), count);
  which.resize(std::min(which.size(), most));
  return train.gather(which);
}

/// Whether the network gives one class for everything, and should not.
bool has_collapsed(const Sequential& net, const data::Samples& samples, Tape& tape) {
  const std::vector<int> classes = predict(net, samples.images, &tape);
  const auto all = static_cast<std::size_t>(std::ranges::count(classes, classes[0]));
  const auto right = static_cast<std::size_t>(std::ranges::count(samples.labels, classes[0]));
  return all == classes.size() && 4 * right < 3 * samples.size();
}

void check_alive(const FitOptions& options, const Position& position, std::uint64_t per_epoch, std::size_t images) {
  constexpr std::uint64_t least_steps = 200;
  const bool given_up =
      options.patience > 0 && position.collapsed >= options.patience && position.collapsed * per_epoch >= least_steps;
  check(!given_up, "the network has collapsed: after each of the last ", position.collapsed,
        " epochs it gave one class for all of ", images, " training images, up to step ", position.step,
        "; try a smaller learning rate, a limit for gradients or another seed, or train on with a patience of 0");
}

}  // namespace

std::string recipe(const FitOptions& options) {
  return text("epochs=", options.epochs, " batch=", options.batch, " optimizer=", options.optimizer.spec(),
              " schedule=", options.schedule.spec(), " clip=", options.clip, " loss=", options.loss.spec(),
              options.augment ? text(" augment=", options.augment->spec()) : "",
              options.held_out > 0 ? text(" held_out=", options.held_out) : "", " seed=", options.seed);
}

void fit(Sequential& net, const data::Dataset& train, FitOptions options) {
  check_usage(options.batch > 0, "a batch needs at least 1 sample, not 0");
  check_usage(options.checkpoint_steps > 0, "a checkpoint is written after at least 1 step, not 0");
  check_usage(options.clip >= 0, "the gradient norm limit must not be negative, but is ", options.clip);
  check(train.size() > 0, "there is nothing to train on: ", train.name(), " is empty");
  check(train.image_shape() == net.input(), "the network takes images of ", net.input(), ", ", train.name(), " has ",
        train.image_shape());
  check(train.classes() <= net.classes(), train.name(), " has ", train.classes(), " classes, the network only ",
        net.classes());
  check_usage(options.held_out < train.size(), "of ", train.size(), " images ", options.held_out,
              " are held out: none is left to learn from");
  const auto count = static_cast<std::uint32_t>(train.size() - options.held_out);
  const std::uint64_t per_epoch = steps_per_epoch(count, options.batch);
  const std::uint64_t total = per_epoch * options.epochs;
  check_usage(total < std::uint64_t{1} << 32, "a run has fewer than 2^32 steps, not ", total);

  const Rng rng(options.seed);
  Trainer trainer(net, options.optimizer, options.loss, rng, options.clip, static_cast<std::uint32_t>(total));
  const data::Samples watched = some_of(train, count, rng);
  Tape watching;
  Position position;
  std::vector<std::pair<std::string, std::string>> id;
  if (!options.checkpoint.empty()) {
    id = identity(net, train, options);
    check_writable(options.checkpoint);
    if (options.resume && std::filesystem::exists(options.checkpoint)) {
      position = read_checkpoint(options, id, net, trainer.kept(), total);
      check_alive(options, position, per_epoch, watched.size());
    } else {
      check_replaceable(options.checkpoint);
    }
  }

  std::vector<std::uint32_t> order;
  std::uint64_t order_epoch = ~std::uint64_t{0};
  data::Samples batch;
  batch.box = train.box();
  while (position.step < total) {
    const std::uint64_t epoch = position.step / per_epoch;
    if (order_epoch != epoch) {
      order = permutation(rng.stream("shuffle", 0, static_cast<std::uint32_t>(epoch)), count);
      order_epoch = epoch;
    }
    const std::size_t first = static_cast<std::size_t>(position.step % per_epoch) * options.batch;
    batch.index.assign(
        order.begin() + static_cast<std::ptrdiff_t>(first),
        order.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(first + options.batch, count)));
    const std::size_t size = batch.index.size();
    const Shape shape = train.image_shape().with_front(size);
    if (!(batch.images.shape() == shape)) batch.images = Tensor::uninitialised(shape);
    train.gather_into(batch.index, batch.images, batch.labels);
    const auto number = static_cast<std::uint32_t>(position.step);
    if (options.augment) options.augment->apply(batch, rng, number);

    const Tensor losses = trainer.step(batch, number, options.schedule(position.step, total));
    for (const real loss : losses.values()) position.loss_sum += static_cast<double>(loss);
    position.loss_count += losses.size();
    const bool epoch_end = (position.step + 1) % per_epoch == 0;
    if (options.progress) {
      const std::uint64_t done = position.step + 1;
      options.progress({done / per_epoch, options.epochs, done, total,
                        done / per_epoch * count + (epoch_end ? 0 : first + size),
                        position.loss_sum / static_cast<double>(position.loss_count), epoch_end});
    }
    Position next = position;
    ++next.step;
    if (epoch_end) next = {next.step, 0, 0, has_collapsed(net, watched, watching) ? next.collapsed + 1 : 0};
    if (!options.checkpoint.empty() && (epoch_end || next.step % options.checkpoint_steps == 0)) {
      write_checkpoint(options, id, net, trainer.kept(), next);
    }
    position = next;
    check_alive(options, position, per_epoch, watched.size());
  }
  const std::vector<Tensor> trained(net.weights().begin(), net.weights().end());
  net.set_weights(trained);  // throws if a number is not finite: no loss was computed after the last step
}

}  // namespace hans::nn
