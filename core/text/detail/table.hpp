// Tables of text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hans {

using TextTable = std::vector<std::vector<std::string>>;

/// One line a row, columns as wide as their longest cell and three spaces apart. `alignment` has an 'l' or 'r' for each
/// column; empty: all to the right but the last.
std::string table_text(const TextTable& rows, std::string_view alignment = "");

}  // namespace hans
