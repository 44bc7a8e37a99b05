// The subcommands: their common options, and the table the program chooses from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <hans/core/json.hpp>
#include "../core/text/detail/utf8.hpp"
#include "arguments.hpp"

namespace hans::apps {

/// The options that every command takes. Derive your options from it, and list your own fields with with_common().
struct Common {
  std::optional<FileOrOutput> json = {};
  std::uint64_t seed = 0;
  std::optional<unsigned> threads = {};
  bool quiet = false;

  bool json_only() const { return json && json->text == "-"; }  ///< standard output holds only the JSON
};

/// The fields() of a command: its own, then the common ones.
template <class... Own>
constexpr auto with_common(const Own&... own) {
  return std::tuple(
      own...,
      field("json", &Common::json, "also write the results as JSON to FILE; - puts only the JSON on standard output",
            "none"),
      field("seed", &Common::seed, "seed of all random numbers; the same seed gives the same bytes"),
      field("threads", &Common::threads, between(1, 1024), "threads to use; changes no result", "all processors"),
      field("quiet", &Common::quiet, "no progress"));
}

/// A file that a command reads or writes, and its name in messages.
struct NamedFile {
  std::string what;
  std::string path;
  bool output = true;
};

/// Whether two paths name the same file, even if it does not exist yet. false for devices and pipes, where nothing can
/// be lost.
bool same_file(const std::string& one, const std::string& other);

/// Applies --threads. Throws UsageError if an output is also another of these files, which would be lost, and Error if
/// an output cannot be written.
void begin_with(const Common& common, std::span<const NamedFile> files);

namespace detail {

template <Names kind>
void add_files(std::vector<NamedFile>& files, const std::string& what, const Word<kind>& word) {
  constexpr bool output = kind == Names::output || kind == Names::file_or_output;
  if (kind == Names::sharded_output || kind == Names::start) return;  // the command adds these itself
  if (kind == Names::file_or_output && word.text == "-") return;
  if (kind == Names::model && !is_path(word.text)) return;
  files.push_back({what, word.text, output});
}
template <class Value>
void add_files(std::vector<NamedFile>& files, const std::string& what, const Value& value) {
  if constexpr (requires { value.has_value(); }) {
    if (value.has_value()) add_files(files, what, *value);
  } else if constexpr (requires { value.values; }) {
    for (const auto& one : value.values) add_files(files, what, one);
  } else if constexpr (requires { value.value(); }) {
    add_files(files, what, value.value());
  }
}

}  // namespace detail

/// Every command calls this before its work: begin_with() for all files that its options name, and for `more`.
template <class Options>
void begin(const Options& options, std::vector<NamedFile> more = {}) {
  const auto add = [&](const auto& field) { detail::add_files(more, shown_name(field.name), options.*field.member); };
  std::apply([&](const auto&... fields) { (add(fields), ...); }, Options::fields());
  begin_with(options, more);
}

/// Writes `text` to standard output; all control characters but '\n' are escaped (utf8.hpp). Throws Error if that
/// fails.
void print(std::string_view text);

/// Writes an error as one line to standard error: "hans: " and `message`, whatever it holds.
void complain(std::string_view message);

/// As complain(), for what does not end the command.
void note(std::string_view message);

/// The facts as a JSON object.
Json facts_json(const Facts& facts);

/// Ends a command: writes `text` to standard output, and the JSON as --json asks.
void finish(const Common& common, std::string_view text, const Json& json);

/// Throws UsageError if the name of an output does not end in one of `endings` (".npz"), which would promise another
/// format than is written. "" among them allows names without an ending. `instead` tells the user what to do; without
/// it the message asks for another ending.
void check_ending(std::string_view option, const std::string& path, std::span<const std::string_view> endings,
                  std::string_view instead = {});

/// An entry of the table of commands.
struct Command : CommandText {
  int (*run)(Arguments given);  ///< returns the exit code; throws UsageError (exit code 2) or another exception (1)
  std::vector<Argument> (*arguments)();

  std::string help() const { return help_page(*this, arguments()); }
};

/// The command that runs `body`, which takes Options and returns the exit code.
template <class Options, int (*body)(const Options&)>
Command make_command() {
  return {text_of<Options>(), [](Arguments given) { return body(read_arguments<Options>(given)); },
          arguments_of<Options>};
}

Command demo_command();
Command train_command();
Command eval_command();
Command attack_command();
Command benchmark_command();
Command certify_command();
Command reproduce_command();
Command merge_command();
Command report_command();
Command check_command();
Command transfer_command();
Command convert_command();
Command page_command();
Command show_command();
Command list_command();
Command bench_command();

/// The names in one of the lists of `hans list`, each with its meaning.
Facts listed_names(std::string_view topic);

/// All that `hans list` says of what is called so, in any of its lists, or of the list of that name; empty for a name
/// that is in none.
std::string help_of_name(std::string_view name);

}  // namespace hans::apps
