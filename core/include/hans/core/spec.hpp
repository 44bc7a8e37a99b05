// The text form of an attack, a defence, a layer: name@version:key=value,key=[other:key=value].
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hans {

/// A name with parameters, as written: what they mean is for the reader of the name to say.
///
///     SPEC  = name ["@" version] [":" key "=" value {"," key "=" value}]
///     value = word | "[" SPEC "]" {"/[" SPEC "]"}
///
/// Names and keys are letters, digits, "-", "_" and "."; versions also "+"; words also "+" and "/".
struct Spec {
  struct Item {
    std::string key;
    std::string value;    ///< as written, without the outermost brackets
    bool nested = false;  ///< the value stood in brackets and is a SPEC itself, or several

    friend bool operator==(const Item&, const Item&) = default;
  };

  static constexpr std::size_t longest = 4096;  ///< bytes of one SPEC
  static constexpr int deepest = 8;             ///< brackets inside brackets

  std::string name;
  std::string version;  ///< empty if none was written
  std::vector<Item> items;

  /// The item called `key`, or null.
  const Item* find(std::string_view key) const&;
  void find(std::string_view key) const&& = delete;  // would dangle: name the SPEC first

  /// Reads one SPEC. Throws UsageError, one line that says where and what is allowed, on anything else: a
  /// space, an empty part, a repeated key, unbalanced or too deep brackets, too long a text.
  static Spec parse(std::string_view text);

  friend bool operator==(const Spec&, const Spec&) = default;
};

/// The SPEC as text; Spec::parse gives the same SPEC back.
void append(std::string& out, const Spec& spec);

/// The SPECs in `text`, of which at least one, with exactly one `separator` (such as ';' or ' ') between two.
/// A separator inside brackets does not count.
std::vector<Spec> parse_list(std::string_view text, char separator);

/// Whether `word` can stand as a plain value in a SPEC: not empty, only letters, digits and "-_.+/".
bool is_spec_word(std::string_view word);

}  // namespace hans
