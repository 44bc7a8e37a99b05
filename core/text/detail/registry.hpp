// Things that a SPEC names: looked up, listed and refused in one way.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/fields.hpp>
#include <hans/core/spec.hpp>

namespace hans {

/// A row of a table of kinds: how a SPEC becomes a Thing. A SPEC may leave out the version of the one kind of a name
/// that has none itself, or give its specification: name and name@1 are the same until a change of results makes name@2
/// of name, and the old kind stays as name@1, with "1" for its version.
template <class Thing>
struct Kind {
  std::string_view name, version, specification;
  Thing (*make)(const Spec&);
};

/// A row for each of Ts, aggregates with fields (see core/fields.hpp) of which a Thing can be made.
template <class Thing, class... Ts>
constexpr std::array<Kind<Thing>, sizeof...(Ts)> kinds_of{
    {{detail::name_of_type<Ts>(), detail::version_of_type<Ts>(), detail::specification_of_type<Ts>(),
      [](const Spec& spec) -> Thing { return from_spec<Ts>(spec); }}...}};

/// What lists say of each of Ts. Apart from the table, so that a program that lists nothing does without.
template <class Info, class... Ts>
std::vector<Info> list_kinds() {
  return {Info::template of<Ts>()...};
}

/// Throws UsageError: there is no `what` of this name and version; there are ...
[[noreturn]] void refuse_kind(std::string_view what, const Spec& spec, std::span<const std::string> names);

/// The row `spec` names, or null.
template <class Thing>
const Kind<Thing>* find_kind(std::span<const Kind<Thing>> kinds, const Spec& spec) {
  for (const auto& kind : kinds) {
    if (kind.name == spec.name && (spec.version == kind.version || spec.version == kind.specification)) return &kind;
  }
  return nullptr;
}

/// The Thing `spec` asks for. Throws UsageError, which lists all kinds where there is none of this name.
template <class Thing>
Thing make_kind(std::string_view what, std::span<const Kind<Thing>> kinds, const Spec& spec) {
  if (const auto* kind = find_kind(kinds, spec)) return kind->make(spec);
  std::vector<std::string> names;
  for (const auto& kind : kinds) {
    names.push_back(kind.version.empty() ? std::string(kind.name) : text(kind.name, "@", kind.version));
  }
  refuse_kind(what, spec, names);
}

}  // namespace hans
