// SPEC, the text form of an attack, a defence or a layer: name@version:key=value,key=[other:key=value].
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace hans {

/// A name with parameters, as text. Their meaning depends on the name.
///
///     SPEC  = name ["@" version] [":" key "=" value {"," key "=" value}]
///     value = word | "[" SPEC "]" {"/[" SPEC "]"}
///
/// Names and keys are letters, digits, "-", "_" and "."; versions also "+"; words also "+" and "/".
struct Spec {
  struct Item {
    std::string key;
    std::string value;    ///< as written, without the outermost brackets
    bool nested = false;  ///< the value stood in brackets: one SPEC or several

    friend bool operator==(const Item&, const Item&) = default;
  };

  static constexpr std::size_t longest = 4096;  ///< maximum length in bytes
  static constexpr int deepest = 8;             ///< maximum depth of brackets

  std::string name;
  std::string version;  ///< empty if not given
  std::vector<Item> items;

  /// The item called `key`; null if there is none.
  const Item* find(std::string_view key) const&;
  void find(std::string_view key) const&& = delete;  // would dangle: name the SPEC first

  /// Parses one SPEC. Throws UsageError for a space, an empty part, a repeated key, unbalanced or too deeply nested
  /// brackets, or too long a text; the message is one line with the position and what is allowed there.
  static Spec parse(std::string_view text);

  friend bool operator==(const Spec&, const Spec&) = default;
};

/// Writes the SPEC as text; Spec::parse reads it back unchanged.
void append(std::string& out, const Spec& spec);

/// Parses at least one SPEC, separated by exactly one `separator` (such as ';' or ' '). Separators inside brackets do
/// not count.
std::vector<Spec> parse_list(std::string_view text, char separator);

/// Whether `word` may be a plain value in a SPEC: not empty, and only letters, digits and "-_.+/".
bool is_spec_word(std::string_view word);

}  // namespace hans
