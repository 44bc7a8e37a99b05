// Lookup of layers by name or by function.
#include <hans/nn/all_layers.hpp>

#include <algorithm>

#include "../core/text/detail/registry.hpp"

namespace hans::nn {
namespace {

template <class... Layers>
std::span<const Kind<Layer>> kinds_in(LayerTypes<Layers...>) {
  return kinds_of<Layer, Layers...>;
}

template <class... Layers>
std::vector<LayerInfo> list_in(LayerTypes<Layers...>) {
  return list_kinds<LayerInfo, Layers...>();
}

template <class Function, class... Layers>
Layer layer_of(Function function, LayerTypes<Layers...>) {
  std::optional<Layer> found;
  const auto compare = [&]<class L>(const L*) {
    if constexpr (requires { requires std::same_as<decltype(L::function), const Function>; }) {
      if (L::function == function) found = L{};
    }
  };
  (compare(static_cast<const Layers*>(nullptr)), ...);
  check_usage(found.has_value(), "a network can only hold functions it can save by name; hans list layers shows them");
  return *found;
}

std::vector<Source> read_sources(std::string_view word) {
  std::vector<Source> all;
  for (std::size_t end = 0; end != std::string_view::npos; word.remove_prefix(std::min(end, word.size() - 1) + 1)) {
    end = word.find('/');
    const std::string_view one = word.substr(0, end);
    std::uint64_t layer = 0;
    check_usage(one == "input" || (read_number(one, layer) && layer < Source::images),
                "a layer works on others, by their numbers from 0 on, or on input: of=input/3, not ", in_quotes(one));
    all.push_back(one == "input" ? Source{} : Source{static_cast<std::size_t>(layer)});
  }
  return all;
}

}  // namespace

std::string sources_text(std::span<const Source> sources) {
  std::string out;
  for (const Source& source : sources) {
    append(out, text(out.empty() ? "" : "/", source.layer == Source::images ? "input" : text(source.layer)));
  }
  return out;
}

Var or_straight_through(const Var& x, const Var& result, const Run& run) {
  const bool stuck = run.mode.query.straight_through && !result.tracked() && result.shape() == x.shape();
  return stuck ? straight_through(x, result.value()) : result;
}

Layer::Layer(const Concept* made) : self_(made) {
  hans::detail::check_members(made->name, made->members());
  made->validate();
}

Spec Layer::spec() const {
  Spec spec{std::string(self_->name), std::string(self_->version), {}};
  hans::detail::write_members(self_->members(), spec);
  return spec;
}

Layer::Layer(Var (*function)(const Var&)) : Layer(layer_of(function, AllLayers())) {}

Layer::Layer(Var (*function)(const Var&, const Var&)) : Layer(layer_of(function, AllLayers())) {}

Layer Layer::from_spec(const Spec& spec) {
  Spec own = spec;
  const auto of = std::ranges::find(own.items, "of", &Spec::Item::key);
  if (of == own.items.end()) return make_kind("layer", kinds_in(AllLayers()), own);
  check_usage(!of->nested, "of=[", of->value, "] is refused: it takes no brackets");
  const std::vector<Source> sources = read_sources(of->value);
  own.items.erase(of);
  return from_spec(own).of(sources);
}

Layer Layer::of(std::vector<Source> sources) const {
  const auto [least, most] = operands();
  check_usage(least <= sources.size() && sources.size() <= most, "layer '", spec().name, "' works on ",
              least == most ? text(least) : text(least, " to ", most), " operands, not ", sources.size());
  Layer copy = *this;
  copy.sources_ = std::move(sources);
  return copy;
}

std::vector<LayerInfo> list_layers() { return list_in(AllLayers()); }

}  // namespace hans::nn
