// What the command says of itself, for other programs than a reader's eyes.
#pragma once

#include <string>
#include <vector>

#include "commands.hpp"

namespace hans::apps {

/// A man page in roff: all commands with their arguments, the names that SPECs have, exit codes.
std::string man_page(const std::vector<Command>& all);

/// A script that bash completes commands, options, their values and names by.
std::string bash_completion(const std::vector<Command>& all);

}  // namespace hans::apps
