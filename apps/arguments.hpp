// Command-line arguments out of field lists (law 3): reading, checking and the help text come from one description.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/core/fields.hpp>

namespace hans::apps {

using hans::append_value;  // the overloads for numbers beside those below
using hans::read_value;

/// What follows the command's name.
using Arguments = std::span<const std::string_view>;

// A command describes its arguments by an aggregate with, beside the fields() of core/fields.hpp,
//
//     static constexpr std::string_view command = "eval";
//     static constexpr std::string_view meaning = "how many images a model gets right";   // one line
//     static constexpr std::string_view details = "...";                                  // optional: paragraphs for
//     the help static constexpr std::string_view example = "hans eval v1.hans --data mnist-5k";    // a line for each
//     static constexpr auto positional() { return std::tuple(field("MODEL", ...)); }      // optional: in order
//
// A bool field is a switch (--quiet); a Many may be given several times; the others are --name VALUE or --name=VALUE.

/// A value taken as it stands (a path, a name), anything but nothing at all. `Kind::help` is what the help calls it.
template <class Kind>
struct Word {
  std::string text;
};

template <class Kind>
void read_value(std::string_view word, Word<Kind>& out) {
  check_usage(!word.empty(), "it is empty");
  out.text = word;
}

template <class Kind>
void append_value(std::string& out, const Word<Kind>& value) {
  append(out, value.text);
}

template <class Kind>
std::string value_help(const Word<Kind>&) {
  return std::string(Kind::help);
}

struct FileKind {
  static constexpr std::string_view help = "FILE";
};
struct FileOrOutputKind {
  static constexpr std::string_view help = "FILE|-";
};
struct DataKind {
  static constexpr std::string_view help = "DATA";
};
struct ModelKind {
  static constexpr std::string_view help = "MODEL";
};
using FileName = Word<FileKind>;
using FileOrOutput = Word<FileOrOutputKind>;  ///< "-" is standard output
using DataName = Word<DataKind>;              ///< what data::load reads
using ModelName = Word<ModelKind>;            ///< a built-in model or a .hans file

/// A T with a static `from_spec`, written as a SPEC: an attack, an optimizer.
template <class T>
struct FromSpec {
  T value;
};

template <class T>
void read_value(std::string_view word, FromSpec<T>& out) {
  out.value = T::from_spec(Spec::parse(word));
}

template <class T>
void append_value(std::string& out, const FromSpec<T>& choice) {
  append(out, choice.value.spec());
}

template <class T>
std::string value_help(const FromSpec<T>&) {
  return "SPEC";
}

/// An option that may be given several times.
template <class T>
struct Many {
  std::vector<T> values;
};

template <class T>
void read_value(std::string_view word, Many<T>& out) {
  T value{};
  read_value(word, value);
  out.values.push_back(std::move(value));
}

template <class T>
void append_value(std::string& out, const Many<T>& many) {
  for (const T& value : many.values) {
    if (!out.empty()) append(out, ' ');
    append_value(out, value);
  }
}

template <class T>
std::string value_help(const Many<T>&) {
  return value_help(T{});
}

/// One argument as the reader and the help see it.
struct Argument {
  FieldInfo info;
  bool positional = false;
  bool is_switch = false;
  bool repeatable = false;
};

/// What was given for an argument: its number in the list, and the text.
struct Given {
  std::size_t argument;
  std::string_view value;  ///< "true" for a switch
};

/// Sorts `given` by the list. Throws UsageError for what is unknown (naming what is nearest and what is allowed), given
/// twice, without a value, or missing.
std::vector<Given> match_arguments(std::string_view command, std::span<const Argument> known, Arguments given);

/// The name that `word` was probably meant to be, or "".
std::string nearest(std::string_view word, std::span<const std::string> names);

/// The page that --help prints.
std::string help_page(std::string_view command, std::string_view meaning, std::string_view details,
                      std::string_view example, std::span<const Argument> known);

/// Breaks `text` into lines of at most `width` characters, the first of them beginning at column `at`, the others
/// indented by `indent` blanks. A line end in `text` stays one.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t at, std::size_t width = 100);

/// The same for a line whose first `indent` characters stand in front of the text: only what follows them is broken.
std::string wrapped_behind(std::string_view line, std::size_t indent, std::size_t width = 100);

namespace detail {

/// How a refused value is reported: "--limit 0 is refused: ...".
[[noreturn]] void refuse_argument(std::string_view command, const Argument& argument, std::string_view value,
                                  std::string_view why);

template <class T>
constexpr bool is_many = false;
template <class T>
constexpr bool is_many<Many<T>> = true;

template <class Options>
constexpr auto all_fields() {
  if constexpr (requires { Options::positional(); }) {
    return std::tuple_cat(Options::positional(), Options::fields());
  } else {
    return Options::fields();
  }
}

template <class Options>
constexpr std::size_t positional_count() {
  if constexpr (requires { Options::positional(); }) {
    return std::tuple_size_v<decltype(Options::positional())>;
  } else {
    return 0;
  }
}

/// `describe` looks for fields(): shows it the positional ones as well.
template <class Options>
struct Complete : Options {
  static constexpr auto fields() { return all_fields<Options>(); }
};

}  // namespace detail

/// The arguments that Options describes, in order.
template <class Options>
std::vector<Argument> arguments_of() {
  std::vector<Argument> all;
  for (FieldInfo& info : describe<detail::Complete<Options>>()) {
    Argument argument;
    argument.info = std::move(info);
    argument.positional = all.size() < detail::positional_count<Options>();
    all.push_back(std::move(argument));
  }
  std::size_t next = 0;
  const auto mark = [&]<class Owner, class Member>(const Field<Owner, Member>&) {
    using Value = hans::detail::Bare<Member>;
    all[next].is_switch = std::same_as<Value, bool>;
    all[next].repeatable = detail::is_many<Value>;
    ++next;
  };
  std::apply([&mark](const auto&... fields) { (mark(fields), ...); }, detail::all_fields<Options>());
  return all;
}

/// Reads the arguments. Throws UsageError, one line.
template <class Options>
Options read_arguments(Arguments given) {
  const std::vector<Argument> known = arguments_of<Options>();
  auto out = FieldAccess::blank<detail::Complete<Options>>();
  const std::vector<hans::detail::Member> members = hans::detail::members(out);
  for (const Given& item : match_arguments(Options::command, known, given)) {
    const hans::detail::Member& member = members[item.argument];
    try {
      member.kind->read(item.value, member.range, member.place);
    } catch (const UsageError& error) {
      detail::refuse_argument(Options::command, known[item.argument], item.value, error.what());
    }
  }
  return out;
}

/// The help of the command that Options describes.
template <class Options>
std::string help_of() {
  std::string_view details;
  if constexpr (requires { Options::details; }) details = Options::details;
  return help_page(Options::command, Options::meaning, details, Options::example, arguments_of<Options>());
}

}  // namespace hans::apps
