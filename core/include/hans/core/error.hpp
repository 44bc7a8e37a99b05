// How the library fails: it throws, and the message says what happened, the values, and what to do.
#pragma once

#include <stdexcept>

#include <hans/core/text.hpp>

namespace hans {

/// Anything that went wrong. The message is one line, complete in itself.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The request itself is wrong (an unknown name, a value out of range): nothing was tried.
/// The command ends with exit code 2 on these, with 1 on every other Error.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// There is no room for what is to be done.
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
