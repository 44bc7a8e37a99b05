// What functions of the C interface share: handles of models, and exceptions that become a status.
#pragma once

#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <utility>

#include <hans/hans.h>
#include <hans/core/error.hpp>
#include <hans/core/hash.hpp>
#include <hans/nn/model_file.hpp>
#include "arguments.hpp"

namespace hans::apps {

/// What a model's handle and its trainers hold in common.
struct Shared {
  explicit Shared(nn::Model made) : model(std::move(made)), architecture(model.net.architecture()) {}
  std::string sha256() const { return model.sha256.empty() ? hans::sha256(nn::dump_model(model)) : model.sha256; }

  nn::Model model;
  const std::string architecture;
};

/// Keeps the message for hans_last_error() and returns the status.
hans_status fail(hans_status status, const char* why);

/// Runs the body of a function of the interface.
template <class Body>
hans_status guarded(const Body& body) noexcept {
  try {
    body();
    return HANS_OK;
  } catch (const UsageError& error) {
    return fail(HANS_USAGE, error.what());
  } catch (const MemoryError& error) {
    return fail(HANS_NO_MEMORY, error.what());
  } catch (const std::bad_alloc&) {
    return fail(HANS_NO_MEMORY, "out of memory");
  } catch (const std::exception& error) {
    return fail(HANS_ERROR, error.what());
  } catch (...) {
    return fail(HANS_ERROR, "an exception of an unknown kind");
  }
}

/// The handle that `make` gives, or NULL if it throws.
template <class Handle, class Make>
hans_status make_handle(Handle** handle, std::string_view name, const Make& make) noexcept {
  if (handle != nullptr) *handle = nullptr;
  return guarded([&] {
    need(handle, name);
    *handle = make().release();
  });
}

}  // namespace hans::apps

struct hans_model {
  explicit hans_model(hans::nn::Model made) : shared(std::make_shared<hans::apps::Shared>(std::move(made))) {}
  std::shared_ptr<hans::apps::Shared> shared;
};

namespace hans::apps {

inline const nn::Model& model_of(const hans_model* model) { return need(model, "model").shared->model; }

}  // namespace hans::apps
