// Command-line arguments: sorting what was given by what is known, and the help page.
#include "arguments.hpp"

#include <algorithm>

#include "../core/text/detail/meant.hpp"

namespace hans::apps {
namespace {

std::string all_names(std::span<const Argument> known) {
  return listed(known, [](const Argument& argument) { return shown_name(argument.info.name); });
}

/// What is said of a word that is no option here.
std::string allowed_after(std::string_view word, std::span<const Argument> known) {
  std::vector<std::string_view> names;
  for (const Argument& argument : known) {
    if (!argument.positional) names.push_back(argument.info.name);
  }
  const bool option = word.starts_with('-');
  word.remove_prefix(std::min(word.find_first_not_of('-'), word.size()));
  const auto is_meant = [&](const Argument& argument) {
    std::string name = argument.info.name;
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return option && argument.positional && name == word;
  };
  if (const auto found = std::ranges::find_if(known, is_meant); found != known.end()) {
    return text("; write ", found->info.name, " without --", word, "; allowed: ", all_names(known));
  }
  return text(did_you_mean(word, names, "--"), "allowed: ", all_names(known));
}

std::size_t find_option(std::string_view command, std::span<const Argument> known, std::string_view word) {
  for (std::size_t k = 0; k < known.size(); ++k) {
    if (!known[k].positional && text("--", known[k].info.name) == word) return k;
  }
  throw UsageError(text(command, ": unknown option ", in_quotes(word), allowed_after(word, known)));
}

}  // namespace

std::string shown_name(std::string_view name) { return text(is_positional(name) ? "" : "--", name); }

std::string shown_form(const Argument& argument) {
  const std::string name = shown_name(argument.info.name), kind = argument.info.kind;
  if (argument.positional || argument.is_switch) return name;
  return text(name, " ", kind == "integer" ? "N" : kind == "number" ? "X" : kind);
}

std::string default_note(const FieldInfo& info) {
  std::string note = info.range;
  if (!info.required && info.kind != "true|false") {
    append(note, text(note.empty() ? "" : "; ", "default ", info.default_text.empty() ? "none" : info.default_text));
  }
  return note.empty() ? note : text(" (", note, ")");
}

std::vector<Given> match_arguments(std::string_view command, std::span<const Argument> known, Arguments given) {
  std::vector<Given> found;
  const auto was_given = [&](std::size_t k) {
    return std::any_of(found.begin(), found.end(), [&](const Given& item) { return item.argument == k; });
  };
  const auto positional =
      static_cast<std::size_t>(std::count_if(known.begin(), known.end(), [](const auto& a) { return a.positional; }));
  std::size_t next_positional = 0;
  bool options_ended = false;
  for (std::size_t k = 0; k < given.size(); ++k) {
    const std::string_view word = given[k];
    if (!options_ended && word == "--") {
      options_ended = true;
      continue;
    }
    if (options_ended || !word.starts_with('-') || word == "-") {
      const bool another = positional > 0 && next_positional == positional && known[positional - 1].repeatable;
      check_usage(next_positional < positional || another, command, ": unexpected argument ", in_quotes(word),
                  allowed_after(word, known));
      found.push_back({another ? positional - 1 : next_positional++, word});
      continue;
    }
    const std::size_t equals = word.find('=');
    const bool has_value = equals != std::string_view::npos;
    const std::size_t number = find_option(command, known, word.substr(0, equals));
    const Argument& argument = known[number];
    check_usage(argument.repeatable || !was_given(number), command, ": ", shown_name(argument.info.name),
                " is given twice; it is allowed once");
    if (argument.is_switch) {
      check_usage(!has_value, command, ": ", shown_name(argument.info.name), " takes no value");
      found.push_back({number, "true"});
    } else if (has_value) {
      found.push_back({number, word.substr(equals + 1)});
    } else {
      const bool follows = k + 1 < given.size() && !given[k + 1].starts_with("--");
      check_usage(follows, command, ": ", shown_name(argument.info.name), " needs a value: ", shown_form(argument));
      found.push_back({number, given[++k]});
    }
  }
  std::vector<const Argument*> missing;
  for (std::size_t k = 0; k < known.size(); ++k) {
    if (known[k].info.required && !was_given(k)) missing.push_back(&known[k]);
  }
  check_usage(missing.empty(), command, ": ", listed(missing, [](const Argument* one) { return shown_form(*one); }),
              missing.size() > 1 ? " are missing" : " is missing: ",
              missing.size() == 1 ? missing.front()->info.meaning : "", " (see hans ", command, " --help)");
  return found;
}

std::string replaced(std::string_view words, std::string_view place, std::string_view value) {
  std::string out;
  for (std::size_t at = words.find(place); at != words.npos; at = words.find(place)) {
    append(out, text(words.substr(0, at), value));
    words.remove_prefix(at + place.size());
  }
  return text(out, words);
}

std::string wrapped(std::string_view text, std::size_t indent, std::size_t at, std::size_t width) {
  std::string out;
  std::size_t column = at;
  bool line_begins = true;
  const auto break_line = [&](bool indented) {
    out += '\n';
    if (indented) out.append(indent, ' ');
    column = indent;
    line_begins = true;
  };
  while (!text.empty()) {
    if (text.front() == '\n') {
      text.remove_prefix(1);
      break_line(!text.empty() && text.front() != '\n');
      continue;
    }
    const std::size_t length = std::min(text.find_first_of(" \n"), text.size());
    if (!line_begins && column + 1 + length > width) break_line(true);
    const std::string_view space = line_begins ? "" : " ";
    append(out, hans::text(space, text.substr(0, length)));
    column += space.size() + length;
    line_begins = false;
    text.remove_prefix(length);
    if (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  }
  return out;
}

std::string aligned(const Facts& facts, const Layout& layout) {
  std::size_t longest = 0;
  for (const auto& [name, value] : facts) longest = std::max(longest, name.size());
  const std::size_t column = layout.indent + longest + layout.gap;
  std::string out;
  for (const auto& [name, value] : facts) {
    std::string line = text(std::string(layout.indent, ' '), name);
    line.resize(column, ' ');
    append(out, text(line, wrapped(value, column, column, layout.width), "\n"));
  }
  return out;
}

std::string CommandText::exit_codes() const {
  return text("0 when done, 1 when the work failed, 2 when the request was wrong",
              publishes ? ", 3 when the number is UNRELIABLE" : "");
}

std::string help_page(const CommandText& said, std::span<const Argument> known) {
  constexpr std::size_t margin = 2;
  std::string usage = text("hans ", said.command);
  Facts facts;
  for (const Argument& argument : known) {
    // Options are kept whole on a line: a space that must not be broken stands for the ones inside them.
    std::string form = shown_form(argument);
    if (argument.repeatable) append(form, text(" [", form, " ...]"));
    if (!argument.info.required) form = text("[", form, "]");
    std::replace(form.begin(), form.end(), ' ', '\x1f');
    append(usage, text(" ", form));
    facts.emplace_back(shown_form(argument), text(argument.info.meaning, default_note(argument.info)));
  }
  constexpr std::string_view usage_head = "usage: ";
  usage = wrapped(usage, usage_head.size() + margin, usage_head.size());
  std::replace(usage.begin(), usage.end(), '\x1f', ' ');

  std::string page = text("hans ", said.command, ": ", said.meaning, "\n\n", usage_head, usage, "\n\n", aligned(facts));
  if (!said.details.empty()) append(page, text("\n", wrapped(said.details, 0, 0), "\n"));
  append(page, text("\nexample\n  ", wrapped(said.example, margin, margin, 1000), "\n\nexit code\n  ",
                    said.exit_codes(), "\n"));
  return page;
}

namespace detail {

void refuse_argument(std::string_view command, const Argument& argument, std::string_view value, std::string_view why) {
  // A SPEC's own message says which part of it is refused.
  const std::string what = argument.info.kind == "SPEC" ? "" : text(" ", in_quotes(value), " is refused");
  throw UsageError(text(command, ": ", shown_name(argument.info.name), what, ": ", why));
}

}  // namespace detail
}  // namespace hans::apps
