// The logits of a network, computed a second time.
#include "network.hpp"

namespace hans::checker {
namespace {

constexpr std::size_t most_numbers = std::size_t{1} << 25;  // of all layers for one image, 512 more for each of them

/// NAME or NAME:KEY=VALUE,KEY=VALUE, of which of=... says what the layer works on. Takes its arrays out of the file.
Layer read_layer(std::string_view words, std::size_t index, HansFile& file) {
  const std::size_t colon = std::min(words.find(':'), words.size());
  Layer layer{&find_kind(words.substr(0, colon))};
  std::map<std::string, std::string> given{{"of", ""}};
  split(words.substr(std::min(colon + 1, words.size())), ',', [&](std::string_view item) {
    const std::size_t equals = item.find('=');
    check(equals < item.size(), in_quotes(item), " is not KEY=VALUE");
    std::string& value = given[std::string(item.substr(0, equals))];
    check(value.empty(), in_quotes(item), " stands twice");
    value = item.substr(equals + 1);
  });
  split(given.extract("of").mapped(), '/', [&](std::string_view word) {
    std::uint64_t source = 0;
    check(word == "input" || (read_number(word, source) && source < index), in_quotes(word), " is no layer before it");
    layer.operands.push_back(word == "input" ? 0 : static_cast<std::size_t>(source) + 1);
  });
  if (layer.operands.empty() && layer.kind->operands == 1) layer.operands.push_back(index);
  check(layer.operands.size() == layer.kind->operands, "it cannot work on ", layer.operands.size(), " operands");
  split(layer.kind->settings, ',', [&](std::string_view item) {
    const std::size_t equals = std::min(item.find('='), item.size());
    const auto found = given.extract(std::string(item.substr(0, equals)));
    check(!found.empty() || equals < item.size(), "it needs ", item);
    layer.settings.emplace(item.substr(0, equals), found.empty() ? item.substr(equals + 1) : found.mapped());
  });
  check(given.empty(), "it has no setting ", in_quotes(given.empty() ? "" : given.begin()->first));
  split(layer.kind->arrays, ',', [&](std::string_view name) {
    if (name == "bias" && layer.settings.contains("bias") && !layer.flag("bias")) return;
    auto found = file.arrays.extract(text(index, '.', name));
    check(!found.empty(), "it has no array ", in_quotes(text(index, '.', name)));
    layer.arrays.emplace(name, std::move(found.mapped()));
  });
  return layer;
}

void run(const Layer& layer, std::vector<Array>& made) {
  std::vector<const Array*> operands;
  for (const std::size_t operand : layer.operands) operands.push_back(&made[operand]);
  made.push_back(layer.kind->run(layer, operands));
}

}  // namespace

Network::Network(std::string_view bytes, std::string_view where) try {
  HansFile file = read_hans_file(bytes);
  std::vector<Array> made;
  std::size_t numbers = 0;
  split(file.architecture, ';', [&](std::string_view words) {
    if (made.empty()) return made.push_back(filled(read_shape(words), 0));
    try {
      layers_.push_back(read_layer(words, layers_.size(), file));
      run(layers_.back(), made);  // whether shapes fit
      layers_.back().output = made.back().shape;
      classes_ = made.back().values.size();
      check((numbers += classes_ + 512) <= most_numbers, "with it, layers give more than ", most_numbers, " numbers");
    } catch (const Error& error) {
      throw Error(text("layer ", made.size() - 1, " (", in_quotes(words), "): ", error.what()));
    }
  });
  check(!layers_.empty(), "its architecture is no shape and layers");
  check(file.arrays.empty(), "it holds ", file.arrays.size(), " arrays that no layer needs");
  check(made.back().shape.size() == 1, "it ends in ", shape_text(made.back().shape), ", not in a row of logits");
  input_ = made[0].shape;
  features_ = made[0].values.size();
} catch (const Error& error) {
  throw Error(text("the checker cannot use ", where, ": ", error.what()));
}

std::vector<double> Network::logits(std::span<const float> image) const {
  check(image.size() == features_, "the model takes images of ", features_, " numbers, not ", image.size());
  std::vector<Array> made{{input_, {image.begin(), image.end()}}};
  for (const Layer& layer : layers_) run(layer, made);
  return std::move(made.back().values);
}

}  // namespace hans::checker
