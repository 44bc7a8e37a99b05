// The subcommands: what every one takes, and the table that the program chooses from.
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

/// What every command takes: derive the options from it and list your own fields by with_common().
struct Common {
  std::optional<FileOrOutput> json = {};
  std::uint64_t seed = 0;
  std::optional<unsigned> threads = {};
  bool quiet = false;

  bool json_only() const { return json && json->text == "-"; }  ///< standard output holds the JSON and nothing else
};

/// What fields() of a command returns: its own, then these.
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

/// A file that a command reads or writes, and what the message calls it.
struct NamedFile {
  std::string what;
  std::string path;
  bool output = true;
};

/// Whether two paths name one file, which need not exist. Devices and pipes are no files that could be lost.
bool same_file(const std::string& one, const std::string& other);

/// Applies --threads. Throws UsageError if an output is another of these files as well, so that one would be lost, and
/// Error if an output cannot be written.
void begin_with(const Common& common, std::span<const NamedFile> files);

namespace detail {

template <Names kind>
void add_files(std::vector<NamedFile>& files, const std::string& what, const Word<kind>& word) {
  constexpr bool output = kind == Names::output || kind == Names::file_or_output;
  if (kind == Names::sharded_output || kind == Names::start) return;  // which the command adds itself
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

/// Every command calls it before the work: begin_with() of all files that its options name, and of `more`.
template <class Options>
void begin(const Options& options, std::vector<NamedFile> more = {}) {
  const auto add = [&](const auto& field) { detail::add_files(more, shown_name(field.name), options.*field.member); };
  std::apply([&](const auto&... fields) { (add(fields), ...); }, Options::fields());
  begin_with(options, more);
}

/// Writes to standard output, nothing in it but '\n' unescaped that a terminal would act on (utf8.hpp). Throws Error if
/// that fails.
void print(std::string_view text);

/// A line on standard error: "hans: " and `message`, whatever that holds.
void complain(std::string_view message);

/// The same for what does not end the command.
void note(std::string_view message);

/// The facts as an object.
Json facts_json(const Facts& facts);

/// The end of a command: `text` on standard output, or the JSON, as --json asks.
void finish(const Common& common, std::string_view text, const Json& json);

/// Throws UsageError if the name of an output ends otherwise than in one of `endings` (".npz"), and so says that it is
/// something else than what is written. A name without any ending is taken only where "" is one of them. `instead` is
/// what to do then; without it that is another ending.
void check_ending(std::string_view option, const std::string& path, std::span<const std::string_view> endings,
                  std::string_view instead = {});

/// A command as the program sees it.
struct Command {
  std::string_view name, meaning;
  int (*run)(Arguments given);  ///< returns the exit code; throws UsageError (exit code 2) or another exception (1)
  std::string (*help)();
};

/// The command of `body`, which takes what Options describes and returns the exit code.
template <class Options, int (*body)(const Options&)>
Command make_command() {
  return {Options::command, Options::meaning, [](Arguments given) { return body(read_arguments<Options>(given)); },
          [] { return help_of<Options>(); }};
}

Command demo_command();
Command train_command();
Command eval_command();
Command attack_command();
Command benchmark_command();
Command reproduce_command();
Command merge_command();
Command report_command();
Command check_command();
Command transfer_command();
Command convert_command();
Command show_command();
Command list_command();
Command bench_command();

}  // namespace hans::apps
