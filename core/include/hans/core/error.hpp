// How the library reports errors: exceptions that say what happened, the values involved, and what to do.
#pragma once

#include <stdexcept>

#include <hans/core/text.hpp>

namespace hans {

/// Any failure. The message is one self-contained line.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The request itself is invalid (an unknown name, a value out of range); nothing was attempted. The command exits with
/// code 2 on these and with 1 on every other Error.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Not enough memory for the requested work.
class MemoryError : public Error {
 public:
  using Error::Error;
};

/// Throws Error with the joined parts unless `ok`.
template <class... Parts>
void check(bool ok, const Parts&... parts) {
  if (!ok) throw Error(text(parts...));
}

/// Throws UsageError with the joined parts unless `ok`.
template <class... Parts>
void check_usage(bool ok, const Parts&... parts) {
  if (!ok) throw UsageError(text(parts...));
}

}  // namespace hans
