// A network: a graph of layers, and their weights.
#include <hans/nn/sequential.hpp>

#include <algorithm>
#include <cmath>

#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/reduce.hpp>
#include <hans/nn/function_layers.hpp>
#include <hans/nn/normalization_layers.hpp>
#include "../core/text/detail/table.hpp"

namespace hans::nn {
namespace {

Tensor initial(const WeightInfo& info, Stream stream) {
  if (info.fan_in == 0) return Tensor::full(info.shape, info.start);
  Tensor made(info.shape);
  const real limit = std::sqrt(real{6} / static_cast<real>(info.fan_in + info.fan_out));
  for (real& value : made.mutable_values()) value = (2 * stream.uniform() - 1) * limit;
  return made;
}

Sequential::WeightSource started_from(Rng rng) {
  return
      [rng](const std::string& name, const WeightInfo& info) { return initial(info, rng.stream(text("init/", name))); };
}

void check_weight(const Tensor& weight, const Shape& shape, const std::string& name) {
  check(weight.shape() == shape, "weight ", name, " has shape ", shape, ", not ", weight.shape());
  if (all_finite(weight.values())) return;
  const auto bad = std::ranges::find_if_not(weight.values(), [](real value) { return std::isfinite(value); });
  throw Error(text("weight ", name, " holds a number that is not finite at position ", bad - weight.values().begin()));
}

/// The maximum number of multiply-adds in all products, per sample.
constexpr std::uint64_t most_work = std::uint64_t{1} << 37;

/// The maximum total of features per sample, over all layers, for a network of `numbers` numbers.
constexpr std::size_t most_in_all(std::size_t numbers) { return (std::size_t{1} << 25) + 16 * numbers; }

constexpr std::size_t piece_bytes = std::size_t{2} << 20;  // approximate size of a core's own cache

/// The operands of the layer at `position`.
std::vector<Source> sources_of(const Layer& layer, std::size_t position) {
  const auto [least, most] = layer.operands();
  if (!layer.sources()) {
    if (most == 0) return {};
    check_usage(least <= 1, "it works on ", least, " operands or more; say on which, such as of=input/0");
    return {Source{position == 0 ? Source::images : position - 1}};
  }
  for (const Source& source : *layer.sources()) {
    check_usage(source.layer == Source::images || source.layer < position, "it works on layer ", source.layer,
                ", which does not come before it");
  }
  return *layer.sources();
}

/// The layer's SPEC, with its operands unless they are the layer before.
Spec full_spec(const Layer& layer, std::size_t position) {
  Spec spec = layer.spec();
  const Source before{position == 0 ? Source::images : position - 1};
  if (layer.sources() && !layer.sources()->empty() && *layer.sources() != std::vector{before}) {
    spec.items.push_back({"of", sources_text(*layer.sources()), false});
  }
  return spec;
}

}  // namespace

Sequential::Sequential(const Shape& input, Rng rng, std::vector<Layer> layers)
    : Sequential(input, std::move(layers), started_from(rng)) {}

Sequential::Sequential(const Shape& input, std::vector<Layer> layers, const WeightSource& weights)
    : input_(input), layers_(std::move(layers)) {
  check(input.rank() == 3 && input.elements() > 0, "a network's input is height x width x channels, not ", input);
  check(input.elements() <= most_features, "an input of ", input, " has more than ", most_features, " features");
  check(!layers_.empty() && layers_.size() <= most_layers, "a network has 1 to ", most_layers, " layers, not ",
        layers_.size());
  // Infer shapes by running a batch of no samples, which allocates almost nothing.
  std::vector<bool> batched, tracked;  // whether a value depends on the images, and whether gradients pass
  std::vector<Tensor> constants(layers_.size());
  std::uint64_t work = 0;
  std::vector<std::vector<Source>> sources;
  for (std::size_t position = 0; position < layers_.size(); ++position) {
    const Layer& layer = layers_[position];
    try {
      Tape tape;
      sources.push_back(sources_of(layer, position));
      std::vector<Var> operands;
      std::vector<Shape> shapes;
      std::size_t most_rank = 0;
      bool any = sources.back().empty();  // constants have no operands
      for (const Source& source : sources.back()) {
        const bool image = source.layer == Source::images;
        const bool each = image || batched[source.layer];
        shapes.push_back(image ? input : shapes_[source.layer]);
        Tensor numbers = each ? Tensor(shapes.back().with_front(0)) : constants[source.layer];
        operands.push_back(image || tracked[source.layer] ? tape.watch(std::move(numbers))
                                                          : tape.constant(std::move(numbers)));
        if (each) most_rank = std::max(most_rank, shapes.back().rank());
        any = any || each;
      }
      check(any, "it works on numbers that do not depend on the images");
      for (const Shape& shape : shapes) {
        check(sources.back().size() < 2 || shape.rank() <= most_rank, "numbers of shape ", shape,
              " have more axes than what they are combined with");
      }
      add_numbers(position, shapes, weights);
      std::vector<Var> own;
      for (const Tensor& weight : weights_.of(this->weights(), position)) own.push_back(tape.constant(weight));
      const Var x = layer(tape, operands, {own, buffers_.of(buffers(), position), {}, position});
      batched.push_back(!sources.back().empty());
      tracked.push_back(x.tracked());
      shapes_.push_back(batched.back() ? x.shape().without_front() : x.shape());
      const std::size_t features = shapes_.back().elements();
      for (const WeightInfo& info : layer.weights(shapes)) {
        check(info.fan_in <= (most_work - work) / std::max<std::size_t>(features, 1), "the network takes more than ",
              most_work, " multiply-adds for one sample");
        work += info.fan_in * features;
      }
      check(0 < features && features <= most_features, "it gives ", features, " features for one sample, not 1 to ",
            most_features);
      if (!batched.back()) constants[position] = x.value();
    } catch (const MemoryError&) {
      throw;
    } catch (const Error& error) {
      throw Error(text("layer ", position, " (", layer.spec(), "): ", error.what()));
    }
  }
  check(batched.back() && shapes_.back().rank() == 1, "a classifier ends in one row of logits a sample, not in ",
        shapes_.back(), "; end with flatten and linear");
  classes_ = shapes_.back()[0];
  differentiable_ = tracked.back();
  plan_ = plan(sources, batched, false);
  plain_ = plan(sources, batched, true);
  std::size_t features = input.elements(), numbers = 0;
  for (const Shape& shape : shapes_) features += shape.elements();
  for (const Numbers* all : {&weights_, &buffers_}) {
    for (const Tensor& each : all->tensors) numbers += each.size();
  }
  check(features <= most_in_all(numbers), "its layers give ", features, " features for one sample, more than ",
        most_in_all(numbers), ", which are allowed for a network of ", numbers, " numbers");
  piece_ = best_piece();
  std::size_t most = 1;
  for (const Step& step : plain_.steps) {
    std::size_t elements = shapes_[step.gives].elements();
    for (const Source& source : sources[step.layer]) {
      elements += (source.layer == Source::images ? input : shapes_[source.layer]).elements();
    }
    most = std::max(most, elements);
  }
  few_ = std::max<std::size_t>(1, piece_bytes / sizeof(real) / most);
}

void Sequential::add_numbers(std::size_t position, std::span<const Shape> in, const WeightSource& source) {
  for (const WeightInfo& info : layers_[position].weights(in)) {
    check(info.shape.elements() <= most_weights, "its ", info.name, " of ", info.shape, " has more than ", most_weights,
          " numbers");
    Numbers& numbers = info.trainable ? weights_ : buffers_;
    numbers.names.push_back(text(position, ".", info.name));
    numbers.tensors.push_back(source(numbers.names.back(), info));
    check_weight(numbers.tensors.back(), info.shape, numbers.names.back());
  }
  for (Numbers* numbers : {&weights_, &buffers_}) numbers->first.push_back(numbers->tensors.size());
}

Sequential::Plan Sequential::plan(Sources sources, const std::vector<bool>& batched, bool plain) const {
  // The number of uses and the last use of each layer, and of the images (last entry).
  const std::size_t images = layers_.size();
  std::vector<std::size_t> uses(images + 1, 0), last(images + 1, 0);
  const auto index = [images](const Source& source) { return std::min(source.layer, images); };
  for (std::size_t position = 0; position < images; ++position) {
    for (const Source& source : sources[position]) {
      ++uses[index(source)];
      last[index(source)] = position;
    }
  }
  for (std::size_t position = 0; position + 1 < images; ++position) {
    check(uses[position] > 0, "layer ", position, " (", layers_[position].spec(),
          ") is used by no other; the last layer gives the logits");
  }
  Plan made;
  for (std::size_t position = 0; position < images; ++position) {
    Step step{position, position};
    // The settings of the next layer, if it is an L and the only user of this one; else null.
    const auto goes_to = [&]<class L>(std::in_place_type_t<L>) -> const L* {
      const std::size_t next = position + 1;
      if (next == images || uses[position] != 1 || std::ranges::count(sources[next], Source{position}) == 0)
        return nullptr;
      return layers_[next].as<L>();
    };
    const bool fuses = layers_[position].fuses();
    const auto* norm = goes_to(std::in_place_type<BatchNorm>);
    if (norm != nullptr && fuses && plain && layers_[position].as<BatchNorm>() == nullptr) {
      step.norm = ++position;
      step.eps = norm->eps;
    }
    if (fuses && plain && goes_to(std::in_place_type<Add>) != nullptr) {
      const std::vector<Source>& two = sources[position + 1];
      const Source other = two[0] == Source{position} ? two[1] : two[0];
      const bool each = other.layer == Source::images || batched[other.layer];
      if (each && (other.layer == Source::images ? input_ : shapes_[other.layer]) == shapes_[position]) {
        step.source = other;
        ++position;
      }
    }
    step.relu = fuses && goes_to(std::in_place_type<Relu>) != nullptr;
    if (step.relu) ++position;
    const auto* pool = goes_to(std::in_place_type<MaxPool2d>);
    if (pool != nullptr && plain && layers_[step.layer].as<Conv2d>() != nullptr) {
      step.pool = window_of(*pool, shapes_[position]);
      ++position;
    }
    step.gives = position;
    made.steps.push_back(std::move(step));
  }
  std::vector<std::size_t> place(images + 1, Step::before);
  std::size_t before = images;  // the layer whose output the previous step gives; the images at first
  const auto keep = [&](std::size_t of, std::size_t next) {
    if (next < made.steps.size() && last[of] > made.steps[next].gives) place[of] = made.places++;
    return place[of];
  };
  made.keep_images = keep(before, 0);
  for (std::size_t k = 0; k < made.steps.size(); ++k) {
    Step& step = made.steps[k];
    const auto take = [&](const Source& source) {
      const std::size_t from = index(source);
      const bool again = std::ranges::count(step.release, place[from]) > 0;
      if (place[from] != Step::before && last[from] <= step.gives && !again) step.release.push_back(place[from]);
      return from == before ? Step::before : place[from];
    };
    for (const Source& source : sources[step.layer]) step.operands.push_back(take(source));
    if (step.source) step.added = take(*step.source);
    before = step.gives;
    step.keep = keep(before, k + 1);
  }
  return made;
}

std::size_t Sequential::best_piece() const {
  std::size_t given = input_.elements();
  for (const Step& step : plan_.steps) given += shapes_[step.gives].elements();
  constexpr std::size_t large = std::size_t{1} << 21, together = std::size_t{1} << 24;
  if (given > large) return std::max(together / given, std::size_t{1});  // fewer, so that they fit into memory
  if (parameters() * sizeof(real) > piece_bytes) return 0;
  // Kernels with lanes across samples have 16 of them.
  constexpr std::size_t lanes = 16;
  return std::max(piece_bytes / (given * sizeof(real)) / lanes, std::size_t{1}) * lanes;
}

Sequential Sequential::parse(std::string_view architecture, Rng rng) { return parse(architecture, started_from(rng)); }

Sequential Sequential::parse(std::string_view architecture, const WeightSource& weights) {
  const std::size_t end = architecture.find(';');
  check_usage(end != std::string_view::npos,
              "an architecture is a shape and layers, such as 28x28x1;flatten;linear:units=10; not '",
              architecture.substr(0, 80), "'");
  check(std::ranges::count(architecture, ';') <= std::ptrdiff_t{most_layers}, "an architecture has at most ",
        most_layers, " layers");
  std::vector<Layer> layers;
  for (const Spec& spec : parse_list(architecture.substr(end + 1), ';')) layers.push_back(Layer::from_spec(spec));
  return Sequential(read_shape(architecture.substr(0, end)), std::move(layers), weights);
}

std::string Sequential::architecture() const {
  std::string all = text(input_);
  for (std::size_t position = 0; position < layers_.size(); ++position) {
    append(all, text(';', full_spec(layers_[position], position)));
  }
  return all;
}

Var Sequential::logits_for(const Var& images, const Query& how) const {
  std::vector<Var> constants;
  constants.reserve(weights_.tensors.size());
  for (const Tensor& weight : weights_.tensors) constants.push_back(images.tape().constant(weight));
  return forward(constants, images, {nullptr, nullptr, how});
}

bool Sequential::random() const {
  return std::ranges::any_of(layers_, [](const Layer& layer) { return layer.random(); });
}

Var Sequential::forward(std::span<const Var> weights, const Var& images, const Mode& mode) const {
  check(images.shape().rank() == 4 && images.shape().without_front() == input_, "the network takes images of ", input_,
        ", not ", images.shape());
  check(weights.size() == weights_.tensors.size(), "the network has ", weights_.tensors.size(), " weight tensors, not ",
        weights.size());
  const bool plain = !images.tracked() && mode.statistics == nullptr &&
                     std::ranges::none_of(weights, [](const Var& weight) { return weight.tracked(); });
  const std::size_t samples = images.shape()[0];
  if (plain && mode.training == nullptr && samples > few_ && piece_ > 0 && (in_parallel_for() || thread_count() == 1)) {
    Tensor made = images.tape().make({samples, classes_});
    for (std::size_t first = 0; first < samples; first += few_) {
      const Var some = images.tape().constant(images.value().rows(first, std::min(few_, samples - first)));
      std::ranges::copy(forward(weights, some, mode).value().values(), made.mutable_data() + first * classes_);
    }
    return images.tape().constant(std::move(made));
  }
  const Plan& plan = plain ? plain_ : plan_;
  Var x = images;
  std::vector<Var> kept(plan.places);
  std::vector<Var> several;
  if (plan.keep_images != Step::before) kept[plan.keep_images] = images;
  for (const Step& step : plan.steps) {
    std::span<const Var> operands(&x, 1);
    if (step.operands.size() != 1 || step.operands[0] != Step::before) {
      for (const std::size_t place : step.operands) several.push_back(place == Step::before ? x : kept[place]);
      operands = several;
    }
    Epilogue epilogue = step.relu ? Activation::relu : Activation::none;
    Affine norm;
    if (step.norm) {
      norm = affine_of(images.tape(), step.eps, weights_.of(weights, *step.norm), buffers_.of(buffers(), *step.norm));
      epilogue.factor = norm.factor.value().data();
      epilogue.summand = norm.summand.value().data();
    }
    if (step.source) epilogue.added = (step.added == Step::before ? x : kept[step.added]).value().data();
    Var made = layers_[step.layer](images.tape(), operands,
                                   {weights_.of(weights, step.layer), buffers_.of(buffers(), step.layer), mode,
                                    step.layer, epilogue, step.pool ? &*step.pool : nullptr});
    several.clear();
    x = std::move(made);
    if (step.keep != Step::before) kept[step.keep] = x;
    for (const std::size_t place : step.release) kept[place] = Var();
  }
  return x;
}

void Sequential::replace(Numbers& numbers, std::span<const Tensor> tensors) {
  check(tensors.size() == numbers.tensors.size(), "the network has ", numbers.tensors.size(), " such tensors, not ",
        tensors.size());
  for (std::size_t k = 0; k < tensors.size(); ++k) {
    check_weight(tensors[k], numbers.tensors[k].shape(), numbers.names[k]);
  }
  std::ranges::copy(tensors, numbers.tensors.begin());
}

void Sequential::follow(const BatchStatistics& batch) {
  const std::span<Tensor> own = buffers_.of(std::span<Tensor>(buffers_.tensors), batch.layer);
  const real momentum = batch.momentum;
  const real correction = static_cast<real>(batch.count) / static_cast<real>(std::max<std::size_t>(batch.count, 2) - 1);
  const auto move = [&](Tensor& stored, const Tensor& seen, real factor) {
    real* to = stored.mutable_data();
    for (std::size_t c = 0; c < seen.size(); ++c) to[c] += momentum * (seen.data()[c] * factor - to[c]);
  };
  move(own[0], batch.mean, 1);
  move(own[1], batch.variance, correction);
}

std::vector<Source> Sequential::sources(std::size_t layer) const { return sources_of(layers_[layer], layer); }

std::size_t Sequential::parameters() const {
  std::size_t total = 0;
  for (const Tensor& weight : weights_.tensors) total += weight.size();
  return total;
}

std::string Sequential::summary() const {
  TextTable rows{{"layer", "output", "parameters"}, {"input", text(input_), ""}};
  for (std::size_t position = 0; position < layers_.size(); ++position) {
    std::size_t count = 0;
    for (const Tensor& weight : weights_.of(weights(), position)) count += weight.size();
    rows.push_back(
        {text(full_spec(layers_[position], position)), text(shapes_[position]), count == 0 ? "" : text(count)});
  }
  rows.push_back({"total", text(classes_, " classes"), text(parameters())});
  return table_text(rows, "llr");
}

}  // namespace hans::nn
