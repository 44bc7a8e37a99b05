// What the readers of JSON files share.
#pragma once

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <hans/core/error.hpp>
#include <hans/core/fields.hpp>
#include <hans/core/file.hpp>
#include <hans/core/json.hpp>
#include <hans/core/text.hpp>

namespace hans::apps {

/// The value with that name. Throws Error, with the list of names, if there is none.
template <class Enum>
Enum enum_of(const Json& json) {
  Enum value{};
  try {
    hans::read_value(json.string(), value);
  } catch (const UsageError& error) {
    throw Error(text(in_quotes(json.string()), " is ", error.what()));
  }
  return value;
}

/// The same, or nothing for null.
template <class Enum>
std::optional<Enum> optional_of(const Json& json) {
  return json.is_null() ? std::nullopt : std::optional(enum_of<Enum>(json));
}

inline constexpr std::uint64_t most_images = std::uint64_t{1} << 32;

/// A number of things. Throws Error, which names `what`, for more than `most`.
inline std::size_t count_of(const Json& json, std::string_view what, std::uint64_t most = most_images) {
  const std::uint64_t value = json.natural();
  check(value <= most, what, " is ", value, "; the most is ", most);
  return static_cast<std::size_t>(value);
}

/// The same, of the member `key`.
inline std::size_t count_at(const Json& json, std::string_view key) { return count_of(json.at(key), key); }

/// The nearest float. Throws Error, which names `what`, for a number beyond all floats.
inline float float_of(const Json& json, std::string_view what) {
  const double value = json.number();
  check(std::abs(value) <= double{std::numeric_limits<float>::max()}, what, " is ", value);
  return static_cast<float>(value);
}

/// What `parse` makes of the bytes of a file, whose name is put in front of errors.
template <class Parse>
auto of_json_file(const std::filesystem::path& path, const Parse& parse) {
  const std::string bytes = read_file(path);
  try {
    return parse(std::string_view(bytes));
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    throw Error(text(path.string(), ": ", error.what()));
  }
}

/// The text of an object without some of its members. Makes no copy of them: they may be all that fits into memory.
std::string dump_without(const Json& json, std::span<const std::string_view> names);

/// Throws Error, which names the first member that differs, unless `said`, the text of an object, is that of `made`.
/// Compares member by member, so that the text is held once. `made_by`: the version of hans that wrote it.
void check_follows(const Json& made, std::string_view said, std::string_view what, std::string_view made_by);

}  // namespace hans::apps
