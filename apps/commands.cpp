// What every command does at its beginning and its end.
#include "commands.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <system_error>
#include <vector>

#include <hans/core/file.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/parallel.hpp>

namespace hans::apps {
namespace {

constexpr int json_indent = 2;

void print_as(std::string_view text) {
  errno = 0;
  const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (!written) throw Error(hans::text("cannot write to standard output: ", std::generic_category().message(errno)));
}

void check_distinct(std::span<const NamedFile> files) {
  for (std::size_t b = 0; b < files.size(); ++b) {
    for (std::size_t a = 0; a < b; ++a) {
      const bool lost = (files[a].output || files[b].output) && same_file(files[a].path, files[b].path);
      check_usage(!lost, files[a].what, " and ", files[b].what, " are the same file, ", in_quotes(files[b].path),
                  "; give two");
    }
  }
}

}  // namespace

bool same_file(const std::string& one, const std::string& other) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  if (fs::exists(one, ignored) && fs::exists(other, ignored)) {
    return fs::is_regular_file(one, ignored) && fs::equivalent(one, other, ignored);
  }
  const auto place = [&](const std::string& path) {
    fs::path at = fs::absolute(path, ignored);
    // A link may lead to a file that does not exist yet.
    for (int links = 0; links < 40 && fs::is_symlink(at, ignored); ++links) {
      at = at.parent_path() / fs::read_symlink(at, ignored);
    }
    return fs::weakly_canonical(at, ignored);
  };
  return place(one) == place(other);
}

void begin_with(const Common& common, std::span<const NamedFile> files) {
  if (common.threads) set_thread_count(*common.threads);
  check_distinct(files);
  for (const NamedFile& file : files) {
    if (file.output) check_writable(file.path);
  }
}

void print(std::string_view text) { print_as(visible(text, "\n")); }

void complain(std::string_view message) { std::fprintf(stderr, "hans: %s\n", visible(message).c_str()); }

void note(std::string_view message) { complain(text("note: ", message)); }

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
      print_as(visible(page, "\n", Escape::json));
      return;
    }
    write_file(common.json->text, page);
  }
  print(text);
}

Json facts_json(const Facts& facts) {
  Json json = Json::object();
  for (const auto& [name, value] : facts) json.set(name, value);
  return json;
}

void check_ending(std::string_view option, const std::string& path, std::span<const std::string_view> endings,
                  std::string_view instead) {
  const std::string ending = std::filesystem::path(path).extension().string();
  if (path.empty() || std::ranges::find(endings, ending) != endings.end()) return;
  std::vector<std::string_view> named(endings.begin(), endings.end());
  std::erase(named, "");
  std::string allowed;
  for (std::size_t k = 0; k < named.size(); ++k) {
    append(allowed, text(k == 0 ? "" : k + 1 < named.size() ? ", " : " or ", named[k]));
  }
  const std::string better = std::filesystem::path(path).replace_extension(named[0]).string();
  throw UsageError(text(option, " takes a file that ends in ", allowed, ", not ", in_quotes(path), "; ",
                        instead.empty() ? text("give ", in_quotes(better)) : instead));
}

}  // namespace hans::apps
