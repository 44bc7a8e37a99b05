// Coefficients of linear forms of a value: of all its features, or of a window of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <vector>

#include "graph.hpp"

namespace hans::nn::bounds {

/// Elements of one row, and where they begin.
inline std::size_t width(const Tensor& rows) { return rows.size() / std::max<std::size_t>(1, rows.shape()[0]); }
inline real* row_of(Tensor& rows, std::size_t row) { return rows.mutable_data() + row * width(rows); }
inline const real* row_of(const Tensor& rows, std::size_t row) { return rows.data() + row * width(rows); }

/// Where a window begins; it may begin before the value and end behind it.
struct Corner {
  std::ptrdiff_t top = 0, left = 0;

  friend bool operator==(const Corner&, const Corner&) = default;
};

/// One linear form of a value in each row. With corners, `rows` are rows x window height x window width x channels of a
/// value of height x width x channels, and all coefficients outside the windows, and in them outside the value, are 0.
struct Coefficients {
  Tensor rows;
  std::vector<Corner> corners = {};  ///< one a row; none: each row has all features

  bool windowed() const { return !corners.empty(); }
  std::size_t count() const { return rows.shape()[0]; }
  std::size_t width() const { return bounds::width(rows); }
  real* row(std::size_t k) { return row_of(rows, k); }
  const real* row(std::size_t k) const { return row_of(rows, k); }
};

/// The forms with all features of the value.
Coefficients spread(Coefficients forms, const Shape& value);

/// Passes windows back through an affine op that has `local`, to its operand of shape `value`. Where windows no longer
/// pay, they are spread.
Coefficients pass_back(const AffineMap& map, const Coefficients& forms, const Shape& value, Tape& tape);

/// The parts of arrays that belong to the features of a row: pointers to the sample, or copies of the windows.
class Parts {
 public:
  /// Of `forms` of a value of shape `value`. Each array has samples x features, or features for all samples.
  Parts(const Shape& value, const Coefficients& forms, std::initializer_list<const Tensor*> arrays);

  /// Goes to the features of a row, which is of `sample`.
  void go_to(std::size_t row, std::size_t sample);
  const real* operator[](std::size_t array) const { return at_[array]; }

 private:
  void copy(const real* from, const Corner& corner, real* to) const;

  const Shape value_;
  const Coefficients& forms_;
  std::vector<const Tensor*> arrays_;
  std::vector<const real*> at_;
  std::vector<std::vector<real>> copies_;
  std::size_t sample_ = 0;
  Corner corner_;
  bool first_ = true;
};

}  // namespace hans::nn::bounds
