// The command: finds the subcommand, runs it, and turns exceptions into one line and an exit code.
#include <array>
#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include <hans/apps/commands.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {
namespace {

constexpr int done = 0;
constexpr int failed = 1;
constexpr int wrong_usage = 2;

std::vector<Command> commands() {
  return {demo_command(),      train_command(), eval_command(),   attack_command(), benchmark_command(),
          reproduce_command(), merge_command(), report_command(), check_command(),  transfer_command(),
          convert_command(),   show_command(),  list_command(),   bench_command()};
}

std::string main_page(const std::vector<Command>& all) {
  std::size_t width = 0;
  for (const Command& command : all) width = std::max(width, command.name.size() + 4);
  std::string page = text("hans ", version,
                          ": attacks small networks, defends them, and says what is left of their accuracy\n\n"
                          "usage: hans COMMAND [ARGUMENTS] [--json FILE|-] [--seed N] [--threads N] [--quiet]\n\n");
  for (const Command& command : all) {
    append(page, text("  ", command.name, std::string(width - command.name.size(), ' '), command.meaning, "\n"));
  }
  append(page,
         "\nhans help COMMAND explains a command, hans --version prints the version.\n"
         "Results go to standard output, progress and errors to standard error. The exit code is 0 when done,\n"
         "1 when the work failed, 2 when the request was wrong.\n\n"
         "first steps\n"
         "  hans demo\n"
         "  hans train --data mnist-5k --model v1 --epochs 6 --out v1.hans\n"
         "  hans eval v1.hans --data mnist-5k\n"
         "  hans attack v1.hans --data mnist-5k --attack fgsm:eps=0.3\n");
  return page;
}

const Command& find(const std::vector<Command>& all, std::string_view name) {
  std::vector<std::string> names;
  std::string joined;
  for (const Command& command : all) {
    if (command.name == name) return command;
    names.emplace_back(command.name);
    append(joined, text(joined.empty() ? "" : ", ", command.name));
  }
  const std::string hint = nearest(name, names);
  throw UsageError(text("unknown command ", in_quotes(name), hint.empty() ? "" : text("; did you mean ", hint, "?"),
                        hint.empty() ? ";" : "", " allowed: ", joined, "; hans --help explains them"));
}

bool asks_for_help(Arguments given) {
  for (const std::string_view word : given) {
    if (word == "--") return false;
    if (word == "--help" || word == "-h") return true;
  }
  return false;
}

int run(Arguments given) {
  check_usage(!given.empty(), "a command is missing; hans --help lists them, hans demo shows what it is all about");
  const std::string_view first = given.front();
  const Arguments rest = given.subspan(1);
  if (first == "--version") {
    check_usage(rest.empty(), "--version stands alone");
    const std::string_view reservation = kernels::reservation();
    print(text("hans ", build_version(), reservation.empty() ? "" : ", ", reservation, "\n"));
    return done;
  }
  const std::vector<Command> all = commands();
  if (first == "--help" || first == "-h" || first == "help") {
    check_usage(rest.size() <= 1, "help takes one command, not ", rest.size());
    print(rest.empty() ? main_page(all) : find(all, rest.front()).help());
    return done;
  }
  check_usage(!first.starts_with('-'), "a command is wanted before options such as ", in_quotes(first),
              "; hans --help lists them");
  const Command& command = find(all, first);
  if (asks_for_help(rest)) {
    print(command.help());
    return done;
  }
  (void)kernels::selected();  // a wrong HANS_KERNELS is a wrong request, and is said before any work
  return command.run(rest);
}

// One line, whatever the message holds.
int complain(std::string message, int code) {
  for (char& c : message) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  std::fprintf(stderr, "hans: %s\n", message.c_str());
  return code;
}

}  // namespace
}  // namespace hans::apps

int main(int count, char** words) {
  using namespace hans::apps;
  try {
    const std::vector<std::string_view> given(words + (count > 0 ? 1 : 0), words + count);
    return run(given);
  } catch (const hans::UsageError& error) {
    return complain(error.what(), wrong_usage);
  } catch (const std::bad_alloc&) {
    return complain("out of memory; use a smaller --limit, --batch or model", failed);
  } catch (const std::exception& error) {
    return complain(error.what(), failed);
  }
}
