// A share, part of whole, with its confidence interval: the source of every percentage.
#pragma once

#include <cstddef>

namespace hans::attacks {

/// The 95 % confidence interval of a share (Wilson 1927). {0, 1} if the whole is 0.
struct Interval {
  double low, high;
};

/// `part` of `whole`.
class Share {
 public:
  Share() = default;  ///< 0 of 0
  /// Throws Error if part > whole.
  Share(std::size_t part, std::size_t whole);

  std::size_t part() const { return part_; }
  std::size_t whole() const { return whole_; }
  double value() const;  ///< in [0, 1]; 0 if the whole is 0
  Interval interval() const;

  friend bool operator==(const Share&, const Share&) = default;

 private:
  std::size_t part_ = 0, whole_ = 0;
};

}  // namespace hans::attacks
