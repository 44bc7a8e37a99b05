// What the command says of itself: a man page, and what bash completes by.
#include "manual.hpp"

#include <algorithm>
#include <array>

#include <hans/core/version.hpp>

namespace hans::apps {
namespace {

/// As roff shows it as it stands: dashes that can be copied, no line that is taken for a request.
std::string roff(std::string_view words) {
  std::string out;
  for (const char c : words) {
    const bool begins = out.empty() || out.back() == '\n';
    if (begins && (c == '.' || c == '\'')) append(out, "\\&");
    append(out, c == '\\' ? std::string("\\e") : c == '-' ? std::string("\\-") : std::string(1, c));
  }
  return out;
}

/// Paragraphs that an empty line divides.
std::string paragraphs(std::string_view words) {
  return words.empty() ? "" : text(".PP\n", replaced(roff(words), "\n\n", "\n.PP\n"), "\n");
}

/// What is said of a name, indented below it.
std::string item(std::string_view name, std::string_view said) {
  return text(".TP\n.B ", roff(name), "\n", roff(said), "\n");
}

std::string preformatted(std::string_view words) { return text(".PP\n.nf\n", roff(words), "\n.fi\n"); }

/// Which lists an option of this name or kind takes a name of.
std::string_view topic_of(const FieldInfo& info) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 7> topics{{{"attack", "attacks"},
                                                                                 {"defense", "defenses"},
                                                                                 {"optimizer", "optimizers"},
                                                                                 {"schedule", "schedules"},
                                                                                 {"DATA", "data"},
                                                                                 {"MODEL", "models"},
                                                                                 {"TOPIC", "attacks"}}};
  for (const auto& [what, topic] : topics) {
    if (info.name == what || info.kind == what) return topic;
  }
  return "";
}

std::string names_in(std::string_view topic) {
  return listed(
      listed_names(topic), [](const auto& fact) { return fact.first; }, " ");
}

/// The words that the value of an argument may be; empty: a file, or a number.
std::string values_of(const FieldInfo& info) {
  if (info.kind.find('|') != std::string::npos) {
    std::string words = replaced(info.kind, "|", " ");
    std::erase_if(words, [](char c) { return c >= 'A' && c <= 'Z'; });  // FILE and N are no words
    return words;
  }
  return topic_of(info).empty() ? "" : names_in(topic_of(info));
}

}  // namespace

std::string man_page(const std::vector<Command>& all) {
  std::string page =
      text(".TH HANS 1 \"\" \"hans ", version, "\" \"User Commands\"\n.SH NAME\nhans \\- ",
           "attacks small networks, defends them, and measures their robust accuracy\n", ".SH SYNOPSIS\n.B hans\n",
           roff("COMMAND [ARGUMENTS] [--json FILE|-] [--seed N] [--threads N] [--quiet]"), "\n.SH COMMANDS\n");
  for (const Command& command : all) {
    append(page, text(".SS hans ", roff(command.command), "\n", roff(command.meaning), "\n"));
    for (const Argument& argument : command.arguments()) {
      append(page, item(shown_form(argument), text(argument.info.meaning, default_note(argument.info))));
    }
    append(page, text(paragraphs(command.details), preformatted(command.example),
                      ".PP\nExit code: ", roff(command.exit_codes()), ".\n"));
  }
  for (const std::string_view topic : {"attacks", "defenses", "optimizers", "schedules", "models", "data"}) {
    std::string head(topic);
    for (char& c : head) c = static_cast<char>(c - 'a' + 'A');
    append(page, text(".SH ", head, "\n", roff(text("hans list ", topic, " NAME shows all of one.")), "\n"));
    for (const auto& [name, meaning] : listed_names(topic)) append(page, item(name, meaning));
  }
  append(page, text(".SH ENVIRONMENT\n", item("HANS_DATA", "folder that named data sets are looked for in"),
                    item("HANS_KERNELS", "the instruction set to use; changes no result")));
  return page;
}

std::string bash_completion(const std::vector<Command>& all) {
  std::string options, values;
  for (const Command& command : all) {
    std::string words;
    for (const Argument& argument : command.arguments()) {
      const FieldInfo& info = argument.info;
      const std::string some = argument.is_switch ? "" : values_of(info);
      if (argument.positional) {
        append(words, text(some, some.empty() ? "" : " "));
        continue;
      }
      append(words, text("--", info.name, " "));
      const std::string pattern = text("    ", command.command, ":--", info.name, ") words=\"");
      if (!some.empty()) append(values, text(pattern, some, "\" ;;\n"));
      if (some.empty() && !argument.is_switch) append(values, text(pattern, "\" ;;\n"));
    }
    append(options, text("    ", command.command, ":*) words=\"", words, "--help\" ;;\n"));
  }
  const std::string names = listed(all, &Command::command, " ");
  return text(
      "# bash completion of hans ", version, "; made by hans help --completion\n_hans() {\n",
      "  local word=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\" words=\"\"\n",
      "  [ \"$COMP_CWORD\" = 1 ] && before=\n", "  case \"${COMP_WORDS[1]}:$before\" in\n", "    *:) words=\"", names,
      " help --version\" ;;\n    help:*) words=\"", names, " ", names_in("attacks"), " ", names_in("defenses"),
      " --man --completion\" ;;\n", values, options,
      "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$word\"))\n}\ncomplete -o bashdefault -o default -F _hans hans\n");
}

}  // namespace hans::apps
