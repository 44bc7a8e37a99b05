// Weights with PyTorch's names and layouts, in safetensors and NPZ files.
#include <hans/nn/state_dict.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>

#include <hans/autodiff/arrays.hpp>
#include <hans/core/error.hpp>
#include <hans/data/npz.hpp>
#include <hans/nn/safetensors.hpp>
#include <hans/nn/walk.hpp>

namespace hans::nn {
namespace {

/// One tensor of a layer, with our layout and PyTorch's.
struct Entry {
  std::string name;
  bool trainable;
  std::size_t index;               ///< among the layer's parameters, or its buffers
  Shape own;                       ///< our extents before the permutation; empty if no axes are permuted
  std::vector<std::size_t> order;  ///< our axis for each of PyTorch's
  Shape torch;
  bool may_lack = false;
};

/// The feature order of a layer's output, if that is a single row.
struct Features {
  Shape image{};       ///< the features are a flattened image of this shape
  bool mixed = false;  ///< some are, in an order that PyTorch would not produce

  bool plain() const { return image.rank() == 0 && !mixed; }
};

/// The effect of a layer on the order of features in a row.
enum class Effect { replaces, flattens, moves, keeps };
struct EffectOf {
  Effect operator()(const Linear&) const { return Effect::replaces; }
  Effect operator()(const OneOf<Flatten, Reshape> auto&) const { return Effect::flattens; }
  Effect operator()(const OneOf<Take, Concat, Reduce, Transpose, Matmul> auto&) const { return Effect::moves; }
  template <class L>
  requires(L::reach == Reach::place || OneOf<L, LeakyRelu, Elu, Selu, HardSigmoid, Gelu, Clip, Dropout, GaussianNoise,
                                             Normalize, Where, BatchNorm, InstanceNorm, LayerNorm, Softmax, LogSoftmax,
                                             Constant, Conv2d, ConvTranspose2d, MaxPool2d, AveragePool2d>) Effect
  operator()(const L&) const {
    return Effect::keeps;
  }
};

/// The feature order of every layer's output.
std::vector<Features> features_of(const Sequential& net) {
  std::vector<Features> all(net.layers().size());
  for (std::size_t layer = 0; layer < all.size(); ++layer) {
    const LayerAt at{net, layer};
    const Effect effect = visit(at.layer(), EffectOf{});
    if (at.out().rank() != 1 || effect == Effect::replaces) continue;
    const Shape before = at.in();
    if (effect == Effect::flattens && before.rank() == 3) {
      if (before[2] > 1 && before[0] * before[1] > 1) all[layer].image = before;
      continue;
    }
    for (const Source& source : at.sources) {
      if (source.layer == Source::images || all[source.layer].plain()) continue;
      const Features& given = all[source.layer];
      const bool other = all[layer].image.rank() != 0 && all[layer].image != given.image;
      all[layer].mixed = all[layer].mixed || given.mixed || effect == Effect::moves || other;
      all[layer].image = given.image;
    }
    // Constants with a number per feature have the order of the features.
    for (const Source& source : at.sources) {
      if (source.layer == Source::images || net.layers()[source.layer].as<Constant>() == nullptr) continue;
      if (net.shapes()[source.layer].elements() == all[layer].image.elements() && !all[layer].mixed) {
        all[source.layer].image = all[layer].image;
      }
    }
  }
  return all;
}

Shape shape_in(const Shape& own, std::span<const std::size_t> order) {
  std::vector<std::size_t> extents;
  for (const std::size_t axis : order) extents.push_back(own[axis]);
  return Shape(std::span<const std::size_t>(extents));
}

/// Collects the entries of one layer.
struct Entries {
  void operator()(const OneOf<Conv2d, ConvTranspose2d> auto&) {
    const Shape& shape = at.weights()[0].shape();
    weight_and_bias(shape, shape_in(shape, filters_first));
  }
  void operator()(const Linear&) {
    const Shape& shape = at.weights()[0].shape();
    const Shape image = before.image.rank() == 0 ? Shape{1, 1, shape[0]} : before.image;
    weight_and_bias({image[0], image[1], image[2], shape[1]}, {shape[1], shape[0]});
  }
  void operator()(const LayerNorm&) {
    const Shape& shape = at.weights()[0].shape();
    check(shape.rank() <= 1 || shape.rank() == 3 || at.in().rank() != 3, "layer ", at.position,
          ", layer_norm over two axes of an image: PyTorch would normalise two other axes");
    per_feature("weight", true, 0, shape.rank() == 3 ? shape : before.image);
    per_feature("bias", true, 1, shape.rank() == 3 ? shape : before.image);
  }
  void operator()(const OneOf<BatchNorm, InstanceNorm> auto& layer) {
    per_feature("weight", true, 0, before.image);
    per_feature("bias", true, 1, before.image);
    if constexpr (std::same_as<decltype(layer), const BatchNorm&>) {
      per_feature("running_mean", false, 0, before.image);
      per_feature("running_var", false, 1, before.image);
    }
  }
  void operator()(const Constant& layer) {
    per_feature("weight", layer.trainable, 0, given.image);
    all.back().may_lack = !layer.trainable;
  }
  void operator()(const Take&) {
    as_it_is("indices", false, 0);
    all.back().may_lack = true;
  }
  void operator()(const Normalize&) {}
  template <class L>
  requires(!HasWeights<L>) void operator()(const L&) {}

  void as_it_is(const char* name, bool trainable, std::size_t index) {
    all.push_back({name, trainable, index, {}, {}, (trainable ? at.weights() : at.buffers())[index].shape()});
  }
  void weight_and_bias(const Shape& own, const Shape& torch) {
    all.push_back({"weight", true, 0, own, filters_first, torch});
    if (at.weights().size() > 1) as_it_is("bias", true, 1);
  }
  /// A tensor with a number per feature. For an image, flattened or not, PyTorch orders features channel first.
  void per_feature(const char* name, bool trainable, std::size_t index, const Shape& image) {
    as_it_is(name, trainable, index);
    Shape& torch = all.back().torch;
    if (image.rank() == 0 || (torch.rank() != 1 && torch != image)) return;
    all.back().own = image;
    all.back().order = channels_first;
    if (torch.rank() == 3) torch = shape_in(image, channels_first);
  }

  const LayerAt& at;
  const Features &before, &given;  ///< of the first operand and of the result
  std::vector<Entry> all = {};
  const std::vector<std::size_t> filters_first{3, 2, 0, 1}, channels_first{2, 0, 1};
};

std::vector<Entry> entries_of(const Sequential& net, std::size_t layer, const std::vector<Features>& features) {
  const LayerAt at{net, layer};
  if (at.weights().empty() && at.buffers().empty()) return {};
  const bool of_layer = !at.sources.empty() && at.sources[0].layer != Source::images;
  const Features before = of_layer ? features[at.sources[0].layer] : Features{};
  check(!before.mixed || at.layer().as<Take>() != nullptr, "layer ", layer, ", ", at.layer().spec().name,
        ", works on features of a flattened image beside others: PyTorch would count them in another order");
  Entries entries{at, before, features[layer]};
  visit(at.layer(), entries);
  return std::move(entries.all);
}

Tensor to_torch(const Tensor& own, const Entry& entry) {
  if (entry.order.empty()) return own;
  return transposed(own.reshaped(entry.own), entry.order).reshaped(entry.torch);
}

Tensor from_torch(const Tensor& torch, const Entry& entry, const Shape& own) {
  if (entry.order.empty()) return torch;
  std::vector<std::size_t> back(entry.order.size());
  for (std::size_t axis = 0; axis < back.size(); ++axis) back[entry.order[axis]] = axis;
  return transposed(torch.reshaped(shape_in(entry.own, entry.order)), back).reshaped(own);
}

/// Natural order: digits compare as numbers.
bool natural_less(std::string_view a, std::string_view b) {
  const auto is_digit = [](char c) { return '0' <= c && c <= '9'; };
  const auto digits = [&](std::string_view& word) {
    std::size_t length = 0;
    while (length < word.size() && is_digit(word[length])) ++length;
    std::string_view number = word.substr(0, length);
    word.remove_prefix(length);
    while (number.size() > 1 && number.front() == '0') number.remove_prefix(1);
    return number;
  };
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const std::string_view first = digits(a), second = digits(b);
      if (first.size() != second.size()) return first.size() < second.size();
      if (first != second) return first < second;
    } else {
      if (a.front() != b.front()) return a.front() < b.front();
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  return a.size() < b.size();
}

/// The tensors that share a prefix, by the rest of their names.
struct Group {
  std::string prefix;
  std::map<std::string, const Tensor*, std::less<>> tensors;
  bool taken = false;

  std::string described() const {
    std::string all;
    for (const auto& [name, tensor] : tensors) {
      const std::string full = text(prefix, prefix.empty() ? "" : ".", name);
      append(all, text(all.empty() ? "" : ", ", in_quotes(full), " ", tensor->shape()));
    }
    return all;
  }
};

std::vector<Group> groups_of(const StateDict& dict) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> places;
  for (const auto& [name, tensor] : dict) {
    const std::size_t dot = name.rfind('.');
    const std::string prefix = dot == std::string::npos ? "" : name.substr(0, dot);
    const std::string last = dot == std::string::npos ? name : name.substr(dot + 1);
    if (last == "num_batches_tracked") continue;
    const auto [place, is_new] = places.emplace(prefix, groups.size());
    if (is_new) groups.push_back({prefix, {}});
    check(groups[place->second].tensors.emplace(last, &tensor).second, "tensor ", in_quotes(name), " is there twice");
  }
  std::ranges::stable_sort(groups, natural_less, &Group::prefix);
  return groups;
}

std::string described(const std::vector<Entry>& entries) {
  std::string all;
  for (const Entry& entry : entries) append(all, text(all.empty() ? "" : ", ", entry.name, " ", entry.torch));
  return all;
}

bool fits(const Group& group, const std::vector<Entry>& entries) {
  std::size_t used = 0;
  for (const Entry& entry : entries) {
    const auto found = group.tensors.find(entry.name);
    if (found == group.tensors.end() ? !entry.may_lack : found->second->shape() != entry.torch) return false;
    if (found != group.tensors.end()) ++used;
  }
  return used > 0 && used == group.tensors.size();
}

/// Assigns tensors to layers, in layer order.
class Assignment {
 public:
  Assignment(const StateDict& dict, std::span<const std::string> prefixes)
      : groups_(groups_of(dict)), prefixes_(prefixes) {}

  /// Takes the tensors for a layer with these entries. Returns null if all of them are optional and missing. Errors
  /// name the layer by `layer`.
  const Group* take(const std::vector<Entry>& entries, const std::string& layer) {
    const bool needed = std::ranges::any_of(entries, [](const Entry& entry) { return !entry.may_lack; });
    Group* const group = !prefixes_.empty() && needed ? said_for(entries, layer) : first_for(entries);
    if (group == nullptr && !needed) return nullptr;
    check(group != nullptr, "there are no tensors for ", layer, ", which needs ", described(entries), "; left are ",
          left());
    group->taken = true;
    return group;
  }

  /// Throws Error if tensors or prefixes are left.
  void check_all_used() const {
    check(left() == "none", "no layer takes ", left());
    check(said_ == prefixes_.size(), "there are ", prefixes_.size(), " names for ", said_, " layers with weights");
  }

 private:
  Group* first_for(const std::vector<Entry>& entries) {
    const auto found =
        std::ranges::find_if(groups_, [&](const Group& each) { return !each.taken && fits(each, entries); });
    return found == groups_.end() ? nullptr : &*found;
  }

  Group* said_for(const std::vector<Entry>& entries, const std::string& layer) {
    check(said_ < prefixes_.size(), "there are ", prefixes_.size(), " names, but none for ", layer);
    const std::string& name = prefixes_[said_++];
    const auto found = std::ranges::find(groups_, name, &Group::prefix);
    const bool there = found != groups_.end();
    check(there && !found->taken && fits(*found, entries), "what is named ", in_quotes(name), " is not for ", layer,
          ", which needs ", described(entries), "; it has ", !there ? "nothing" : found->described(),
          there && found->taken ? ", which another layer took" : "");
    return &*found;
  }

  /// The tensors that no layer took; the list is cut if it is long.
  std::string left() const {
    constexpr std::size_t longest = 2000;
    std::string all;
    for (const Group& each : groups_) {
      if (all.size() > longest) return all + ", ...";
      if (!each.taken) append(all, text(all.empty() ? "" : ", ", each.described()));
    }
    return all.empty() ? "none" : all;
  }

  std::vector<Group> groups_;
  std::span<const std::string> prefixes_;
  std::size_t said_ = 0;
};

}  // namespace

StateDict state_dict(const Sequential& net) {
  StateDict dict;
  const std::vector<Features> features = features_of(net);
  for (std::size_t layer = 0; layer < net.layers().size(); ++layer) {
    for (const Entry& entry : entries_of(net, layer, features)) {
      const Tensor& own = (entry.trainable ? net.weights(layer) : net.buffers(layer))[entry.index];
      dict.emplace_back(text(layer, ".", entry.name), to_torch(own, entry));
    }
  }
  return dict;
}

std::vector<StateOf> load_state_dict(Sequential& net, const StateDict& dict, std::span<const std::string> prefixes) {
  Assignment assignment(dict, prefixes);
  const std::vector<Features> features = features_of(net);
  std::vector<Tensor> weights, buffers;
  std::vector<StateOf> made;
  for (std::size_t layer = 0; layer < net.layers().size(); ++layer) {
    const std::size_t first_weight = weights.size(), first_other = buffers.size();
    weights.insert(weights.end(), net.weights(layer).begin(), net.weights(layer).end());
    buffers.insert(buffers.end(), net.buffers(layer).begin(), net.buffers(layer).end());
    const std::vector<Entry> entries = entries_of(net, layer, features);
    if (entries.empty()) continue;
    const Group* group = assignment.take(entries, text("layer ", layer, " (", net.layers()[layer].spec(), ")"));
    if (group == nullptr) continue;
    made.push_back({layer, group->prefix});
    for (const Entry& entry : entries) {
      const auto found = group->tensors.find(entry.name);
      if (found == group->tensors.end()) continue;
      Tensor& own = entry.trainable ? weights[first_weight + entry.index] : buffers[first_other + entry.index];
      own = from_torch(*found->second, entry, own.shape());
    }
  }
  assignment.check_all_used();
  Sequential changed = net;  // a copy, because the numbers may be refused
  changed.set_weights(weights);
  changed.set_buffers(buffers);
  net = std::move(changed);
  return made;
}

StateDict parse_state_dict(std::string_view bytes, std::string_view where) {
  if (!data::is_npz(bytes)) return Safetensors::parse(bytes, where).tensors;
  try {
    StateDict dict;
    std::size_t left = (std::size_t{1} << 23) + bytes.size();  // numbers: weights hardly compress
    data::each_npz(bytes, [&](const std::string& name, const data::Array& array) {
      check(array.shape.elements() <= left, "its arrays hold more numbers than a file of ", bytes.size(),
            " bytes may; store it without compression");
      left -= array.shape.elements();
      Tensor tensor(array.shape);
      std::size_t next = 0;
      if (array.kind == data::Array::Kind::floating) {
        for (const double value : array.doubles()) tensor.mutable_values()[next++] = static_cast<real>(value);
      } else {
        for (const std::int64_t value : array.integers()) tensor.mutable_values()[next++] = static_cast<real>(value);
      }
      dict.emplace_back(name, std::move(tensor));
    });
    check(!dict.empty(), "it holds no arrays");
    return dict;
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    throw Error(text(where, " is not a usable state dict: ", error.what()));
  }
}

std::string dump_safetensors(const Model& model) {
  Safetensors file;
  file.metadata = {{"format", "pt"},  // as PyTorch's own writer sets it
                   {"architecture", model.net.architecture()},
                   {"preprocessing", model.preprocessing}};
  file.tensors = state_dict(model.net);
  return file.dump();
}

std::string dump_npz(const Model& model) {
  std::vector<data::NamedArray> arrays;
  for (const auto& [name, tensor] : state_dict(model.net)) {
    arrays.emplace_back(name, data::Array::of(tensor.shape(), tensor.values()));
  }
  return data::write_npz(arrays);
}

}  // namespace hans::nn
