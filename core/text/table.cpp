// Text tables.
#include "detail/table.hpp"

#include <algorithm>

namespace hans {

std::string table_text(const TextTable& rows, std::string_view alignment) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t c = 0; c < row.size(); ++c) {
      const bool last = c + 1 == row.size();
      const bool left = alignment.empty() ? last : alignment[c] == 'l';
      const std::string space(widths[c] - row[c].size(), ' ');
      out += left ? row[c] : space + row[c];
      if (!last) out += (left ? space : "") + "   ";
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  return out;
}

}  // namespace hans
