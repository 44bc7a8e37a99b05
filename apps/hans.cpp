// The command: finds the subcommand, runs it, and turns exceptions into one line and an exit code.
#include <algorithm>
#include <csignal>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include <hans/core/file.hpp>
#include <hans/core/kernels.hpp>
#include <hans/core/version.hpp>
#include "../core/text/detail/meant.hpp"
#include "commands.hpp"
#include "manual.hpp"

namespace hans::apps {
namespace {

constexpr int done = 0;
constexpr int failed = 1;
constexpr int wrong_usage = 2;

std::vector<Command> commands() {
  return {demo_command(),      train_command(),   eval_command(),      attack_command(),
          benchmark_command(), certify_command(), reproduce_command(), merge_command(),
          report_command(),    check_command(),   transfer_command(),  convert_command(),
          page_command(),      show_command(),    list_command(),      bench_command()};
}

std::string main_page(const std::vector<Command>& all) {
  Facts facts;
  for (const Command& command : all) facts.emplace_back(command.command, command.meaning);
  return text(
      "hans ", version,
      ": attacks small networks, defends them, and measures their robust accuracy\n\n"
      "usage: hans COMMAND [ARGUMENTS] [--json FILE|-] [--seed N] [--threads N] [--quiet]\n\n",
      aligned(facts, {2, 4}),
      "\nhans help COMMAND explains a command, hans help NAME an attack, a layer and whatever else hans list shows;\n"
      "hans --version prints the version, hans help --man a man page, hans help --completion what bash completes by.\n"
      "Results go to standard output, progress and errors to standard error. The exit code is 0 when done,\n"
      "1 when the work failed, 2 when the request was wrong, and 3 when benchmark or reproduce is done and the number is\n"
      "UNRELIABLE.\n\n"
      "first steps\n"
      "  hans demo\n"
      "  hans train --data mnist-5k --model v1 --epochs 6 --out v1.hans\n"
      "  hans eval v1.hans --data mnist-5k\n"
      "  hans attack v1.hans --data mnist-5k --attack fgsm:eps=0.3\n");
}

bool is_command(const std::vector<Command>& all, std::string_view name) {
  return std::ranges::find(all, name, &Command::command) != all.end();
}

const Command& find(const std::vector<Command>& all, std::string_view name) {
  const auto found = std::ranges::find(all, name, &Command::command);
  if (found != all.end()) return *found;
  throw UsageError(text("unknown command ", in_quotes(name), did_you_mean(name, all, &Command::command),
                        "allowed: ", listed(all, &Command::command), "; hans --help explains them"));
}

bool asks_for_help(Arguments given) {
  const Arguments options = given.first(static_cast<std::size_t>(std::ranges::find(given, "--") - given.begin()));
  return std::ranges::any_of(options, [](std::string_view word) { return word == "--help" || word == "-h"; });
}

int run(Arguments given) {
  check_usage(!given.empty(), "a command is missing; hans --help lists them, hans demo shows what it is all about");
  const std::string_view first = given.front();
  const Arguments rest = given.subspan(1);
  if (first == "--version" || first == "version" || first == "-V" || first == "-v") {
    check_usage(rest.empty(), "--version stands alone");
    const std::string_view reservation = kernels::reservation();
    print(text("hans ", build_version(), reservation.empty() ? "" : ", ", reservation, "\n"));
    return done;
  }
  const std::vector<Command> all = commands();
  if (first == "--help" || first == "-h" || first == "help") {
    if (!rest.empty() && (rest.front() == "--man" || rest.front() == "--completion")) {
      check_usage(rest.size() == 1, rest.front(), " stands alone");
      print(rest.front() == "--man" ? man_page(all) : bash_completion(all));
      return done;
    }
    check_usage(rest.size() <= 1, "help takes one command or name, not ", rest.size());
    const std::string of_name = rest.empty() || is_command(all, rest.front()) ? "" : help_of_name(rest.front());
    print(rest.empty() ? main_page(all) : of_name.empty() ? find(all, rest.front()).help() : of_name);
    return done;
  }
  check_usage(!first.starts_with('-'), "put the command before options such as ", in_quotes(first),
              "; hans --help lists them");
  const Command& command = find(all, first);
  if (asks_for_help(rest)) {
    print(command.help());
    return done;
  }
  (void)kernels::selected();  // a wrong HANS_KERNELS is a wrong request, and is said before any work
  return command.run(rest);
}

int ended_by(std::string_view message, int code) {
  complain(message);
  return code;
}

// Ends the process as the signal would have, but leaves no half-written file.
void clean_up_and_end(int signal) {
  remove_unfinished_files();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void handle_signals() {
#ifdef SIGXFSZ
  std::signal(SIGXFSZ, SIG_IGN);  // a file may grow no further: the write fails and says so
#endif
  for (const int signal : {SIGINT, SIGTERM}) {
    if (std::signal(signal, clean_up_and_end) == SIG_IGN) std::signal(signal, SIG_IGN);  // as nohup and & want it
  }
}

}  // namespace
}  // namespace hans::apps

int main(int count, char** words) {
  using namespace hans::apps;
  handle_signals();
  try {
    const std::vector<std::string_view> given(words + (count > 0 ? 1 : 0), words + count);
    return run(given);
  } catch (const hans::UsageError& error) {
    return ended_by(error.what(), wrong_usage);
  } catch (const std::bad_alloc&) {
    return ended_by("out of memory; use a smaller --limit, --batch or model", failed);
  } catch (const std::exception& error) {
    return ended_by(error.what(), failed);
  }
}
