// The subcommands: what every one takes, and the table that the program chooses from.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include <hans/apps/arguments.hpp>
#include <hans/core/json.hpp>

namespace hans::apps {

/// What every command takes: derive the options from it and put common_fields() behind your own with std::tuple_cat.
struct Common {
  std::optional<FileOrOutput> json = {};
  std::uint64_t seed = 0;
  std::optional<unsigned> threads = {};
  bool quiet = false;

  bool json_only() const { return json && json->text == "-"; }  ///< standard output holds the JSON and nothing else
};

constexpr auto common_fields() {
  return std::tuple(
      field("json", &Common::json, "also write the results as JSON to FILE; - puts only the JSON on standard output",
            "none"),
      field("seed", &Common::seed, "seed of all random numbers; the same seed gives the same bytes"),
      field("threads", &Common::threads, between(1, 1024), "threads to use; changes no result", "all processors"),
      field("quiet", &Common::quiet, "no progress"));
}

/// Applies --threads and checks that --json can be written. Call it before the work.
void begin(const Common& common);

/// Writes to standard output; throws Error if that fails.
void print(std::string_view text);

/// The end of a command: `text` on standard output, or the JSON, as --json asks.
void finish(const Common& common, std::string_view text, const Json& json);

/// The file that --json names; empty for none and for standard output.
std::string json_file(const Common& common);

/// A file that a command reads or writes, and what the message calls it.
struct NamedFile {
  std::string_view what;
  std::string path;  ///< empty: not given
  bool output = true;
};

/// Throws UsageError if an output is another of these files as well: one would be lost.
void check_distinct(std::span<const NamedFile> files);

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
