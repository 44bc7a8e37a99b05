// A share, part of whole, with its confidence interval: the source of every percentage.
#include <hans/attacks/share.hpp>

#include <cmath>

#include <hans/core/error.hpp>

namespace hans::attacks {

Share::Share(std::size_t part, std::size_t whole) : part_(part), whole_(whole) {
  check(part <= whole, "a share of ", part, " of ", whole, " is more than all");
}

double Share::value() const { return whole_ == 0 ? 0 : static_cast<double>(part_) / static_cast<double>(whole_); }

Interval Share::interval() const {
  if (whole_ == 0) return {0, 1};
  constexpr double z = 1.959963984540054;  // 97.5 % point of the normal distribution
  const auto count = static_cast<double>(whole_);
  const double scale = 1 + z * z / count;
  const double middle = (value() + z * z / (2 * count)) / scale;
  const double half = z * std::sqrt(value() * (1 - value()) / count + z * z / (4 * count * count)) / scale;
  return {part_ == 0 ? 0 : middle - half, part_ == whole_ ? 1 : middle + half};
}

}  // namespace hans::attacks
