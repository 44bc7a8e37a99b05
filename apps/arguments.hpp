// Command-line arguments out of field lists (law 3): reading, checking and the help text come from one description.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/core/fields.hpp>
#include <hans/nn/models.hpp>
#include "nets.hpp"

namespace hans::apps {

using hans::append_value;  // the overloads for numbers beside those below
using hans::read_value;

/// What follows the command's name.
using Arguments = std::span<const std::string_view>;

// A command describes its arguments by an aggregate with, beside the fields() of core/fields.hpp,
//
//     static constexpr std::string_view command = "eval";
//     static constexpr std::string_view meaning = "how many images a model gets right";   // one line
//     static constexpr std::string_view details = "...";                        // optional: paragraphs for the help
//     static constexpr std::string_view example = "hans eval v1.hans --data mnist-5k";    // a line for each
//     static constexpr bool publishes = true;                                   // optional: see CommandText
//
// A field named in capitals is positional, in order. A bool is a switch (--quiet); a Many may be given several times;
// the others are --name VALUE or --name=VALUE.

/// Whether a field of this name is positional.
constexpr bool is_positional(std::string_view name) { return name[0] >= 'A' && name[0] <= 'Z'; }

/// What an argument is called in messages and on the help page: "MODEL", "--data".
std::string shown_name(std::string_view name);

/// What a word stands for.
enum class Names { file, output, sharded_output, file_or_output, data, start, model };

/// A value taken as it stands (a path, a name), anything but nothing at all.
template <Names kind>
struct Word {
  std::string text;
};

template <Names kind>
void read_value(std::string_view word, Word<kind>& out) {
  check_usage(!word.empty(), "it is empty");
  out.text = word;
}

template <Names kind>
void append_value(std::string& out, const Word<kind>& value) {
  append(out, value.text);
}

template <Names kind>
std::string value_help(const Word<kind>&) {
  return kind == Names::data                            ? "DATA"
         : kind == Names::model || kind == Names::start ? "MODEL"
         : kind == Names::file_or_output                ? "FILE|-"
                                                        : "FILE";
}

using FileName = Word<Names::file>;                 ///< a file that is read
using OutputName = Word<Names::output>;             ///< a file that is written
using ShardedOutput = Word<Names::sharded_output>;  ///< the same, with {shard} for the number of a part
using FileOrOutput = Word<Names::file_or_output>;   ///< an output; "-" is standard output
using DataName = Word<Names::data>;                 ///< what data::load reads
using StartName = Word<Names::start>;               ///< a model whose file the result may replace
using ModelName = Word<Names::model>;               ///< a built-in model, an architecture or a model file

/// Whether a MODEL is the path of a file, not the name of a model or a network, nor an architecture.
inline bool is_path(std::string_view model) {
  return model.find_first_of("/.") != std::string_view::npos && !nn::is_architecture(model) &&
         find_net(model) == nullptr;
}

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
  bool positional, is_switch, repeatable;
};

/// What was given for an argument: its number in the list, and the text.
struct Given {
  std::size_t argument;
  std::string_view value;  ///< "true" for a switch
};

/// Sorts `given` by the list. Throws UsageError for what is unknown (naming what is nearest and what is allowed), given
/// twice, without a value, or missing.
std::vector<Given> match_arguments(std::string_view command, std::span<const Argument> known, Arguments given);

/// Calls `use` with each part of `words` that `separator` divides: "1,2,3".
template <class Use>
void each_part(std::string_view words, std::string_view separator, Use use) {
  for (std::size_t end = 0; end != words.npos;) {
    end = words.find(separator);
    use(words.substr(0, end));
    if (end != words.npos) words.remove_prefix(end + separator.size());
  }
}

/// `words` with each `place` replaced by `value`.
std::string replaced(std::string_view words, std::string_view place, std::string_view value);

/// What `name` says of each of `all`: "one, two, three".
template <class All, class Name>
std::string listed(const All& all, Name name, std::string_view between = ", ") {
  std::string out;
  for (const auto& one : all) append(out, text(out.empty() ? "" : between, std::invoke(name, one)));
  return out;
}

/// What a command says of itself.
struct CommandText {
  std::string_view command, meaning, details, example;
  bool publishes = false;  ///< a number, of which exit code 3 says that it is UNRELIABLE

  /// "0 when done, 1 when the work failed, ...".
  std::string exit_codes() const;
};

/// "--limit N".
std::string shown_form(const Argument& argument);

/// What is known of its values: "(>= 1; default all)"; empty for a switch.
std::string default_note(const FieldInfo& info);

/// The page that --help prints.
std::string help_page(const CommandText& said, std::span<const Argument> known);

/// Breaks `text` into lines of at most `width` characters, the first of them beginning at column `at`, the others
/// indented by `indent` blanks. A line end in `text` stays one.
std::string wrapped(std::string_view text, std::size_t indent, std::size_t at, std::size_t width = 100);

/// What there is to say, by name.
using Facts = std::vector<std::pair<std::string, std::string>>;

/// How facts stand below each other: blanks before the name, blanks behind the longest one, the width of a line.
struct Layout {
  std::size_t indent = 2, gap = 2, width = 100;
};

/// A line for each fact: its name and, all in one column, wrapped(), its value.
std::string aligned(const Facts& facts, const Layout& layout = {});

namespace detail {

/// How a refused value is reported: "--limit 0 is refused: ...".
[[noreturn]] void refuse_argument(std::string_view command, const Argument& argument, std::string_view value,
                                  std::string_view why);

template <class T>
constexpr bool is_many = false;
template <class T>
constexpr bool is_many<Many<T>> = true;

}  // namespace detail

/// The arguments that Options describes, in order.
template <class Options>
std::vector<Argument> arguments_of() {
  std::vector<FieldInfo> infos = describe<Options>();
  std::vector<Argument> all;
  const auto add = [&]<class Owner, class Member>(const Field<Owner, Member>& field) {
    using Value = hans::detail::Bare<Member>;
    all.push_back(
        {std::move(infos[all.size()]), is_positional(field.name), std::same_as<Value, bool>, detail::is_many<Value>});
  };
  std::apply([&add](const auto&... fields) { (add(fields), ...); }, Options::fields());
  return all;
}

/// Reads the arguments. Throws UsageError, one line.
template <class Options>
Options read_arguments(Arguments given) {
  const std::vector<Argument> known = arguments_of<Options>();
  auto out = FieldAccess::blank<Options>();
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

/// What the command that Options describes says of itself.
template <class Options>
CommandText text_of() {
  CommandText said{Options::command, Options::meaning, "", Options::example};
  if constexpr (requires { Options::details; }) said.details = Options::details;
  if constexpr (requires { Options::publishes; }) said.publishes = Options::publishes;
  return said;
}

}  // namespace hans::apps
