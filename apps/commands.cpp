// What every command does at its beginning and its end.
#include <hans/apps/commands.hpp>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include <hans/core/file.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>

namespace hans::apps {
namespace {

constexpr int json_indent = 2;

}  // namespace

void begin(const Common& common) {
  if (common.threads) set_thread_count(*common.threads);
  if (common.json && !common.json_only()) check_writable(common.json->text);
}

void print(std::string_view text) {
  errno = 0;
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written) throw Error(hans::text("cannot write to standard output: ", std::generic_category().message(errno)));
}

void finish(const Common& common, std::string_view report, const Json& results) {
  std::string text(report);
  Json json = results;
  if (const std::string_view reservation = kernels::reservation(); !reservation.empty() && json.is_object()) {
    json.set("reservation", reservation);
    append(text, hans::text("\nThis hans is ", reservation, ".\n"));
  }
  if (common.json) {
    const std::string page = json.dump(json_indent) + "\n";
    if (common.json_only()) {
      print(page);
      return;
    }
    write_file(common.json->text, page);
  }
  print(text);
}

std::string json_file(const Common& common) { return common.json && !common.json_only() ? common.json->text : ""; }

void check_distinct(std::span<const NamedFile> files) {
  for (std::size_t a = 0; a < files.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const bool both = !files[a].path.empty() && !files[b].path.empty() && (files[a].output || files[b].output);
      std::error_code ignored;  // a file that does not exist yet is no other file
      const bool same = both && (files[a].path == files[b].path ||
                                 (std::filesystem::is_regular_file(files[a].path, ignored) &&
                                  std::filesystem::equivalent(files[a].path, files[b].path, ignored)));
      check_usage(!same, files[b].what, " and ", files[a].what, " are the same file, ", in_quotes(files[a].path),
                  "; give two");
    }
  }
}

}  // namespace hans::apps
