// Text tables.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hans {

using TextTable = std::vector<std::vector<std::string>>;

/// Formats one line per row, with columns as wide as their longest cell and three spaces apart. `alignment` has an 'l'
/// or 'r' per column; empty: the last column to the left, all others to the right.
std::string table_text(const TextTable& rows, std::string_view alignment = "");

}  // namespace hans
