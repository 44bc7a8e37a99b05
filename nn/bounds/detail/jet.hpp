// A function of one number on an interval: its values, two derivatives, and the rounding of its evaluation.
#pragma once

namespace hans::nn::bounds {

/// Numbers from `low` to `high`, either of which may be infinite. Results of operations hold all results, rounded
/// outward.
struct Range {
  double low = 0, high = 0;

  double size() const;  ///< the largest magnitude
};
Range operator+(const Range& a, const Range& b);
Range operator-(const Range& a);
Range operator*(const Range& a, const Range& b);

/// What is known of f on an interval of its argument x (interval Taylor arithmetic of order two, Moore 1979).
struct Jet {
  Range value;          ///< of f(x) in real arithmetic
  Range first, second;  ///< of f'(x) and f''(x); at corners, of both sides, and infinite
  double error = 0;     ///< of any float32 program that computes f step by step, and of this library
};

Jet constant_jet(double value);
Jet argument_jet(double low, double high);

Jet operator+(const Jet& a, const Jet& b);
Jet operator-(const Jet& a);
Jet operator*(const Jet& a, const Jet& b);
Jet operator/(const Jet& a, double divisor);
/// f^exponent, computed by a function of its own; exponent is 2 or 3.
Jet power(const Jet& a, int exponent);
Jet erf(const Jet& a);
Jet tanh(const Jet& a);
Jet sigmoid(const Jet& a);
/// slope * f + shift, cut off below `low` and above `high`; evaluation errs by curve_error * max(scale, |result|).
Jet ramp(const Jet& a, double slope, double shift, double low, double high, double scale);

}  // namespace hans::nn::bounds
