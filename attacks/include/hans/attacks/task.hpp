// The coroutine type of attacks, each written for one sample.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace hans::attacks {

/// The coroutine of a sample to resume next. Coroutines never resume each other, only the driver does: the stack stays
/// flat without tail calls, which WebAssembly may lack.
struct Turn {
  std::coroutine_handle<> next;
};

/// An attack on one sample, or a part of one, that returns a T. It starts when it is awaited, and suspends at every
/// question to the model (see oracle.hpp). What it takes by reference must outlive it.
template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type {
    std::optional<T> value;
    std::exception_ptr error;
    Turn* turn = nullptr;
    std::coroutine_handle<> behind;  ///< the coroutine that awaits this one

    Task get_return_object() { return Task(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    auto final_suspend() noexcept { return HandOver{}; }
    void return_value(T made) { value = std::move(made); }
    void unhandled_exception() { error = std::current_exception(); }
  };
  using Handle = std::coroutine_handle<promise_type>;

  Task() = default;
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  /// co_await starts the task and returns its result.
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> who) const noexcept {
    begin(*who.promise().turn);
    handle_.promise().behind = who;
  }
  T await_resume() const { return result(); }

  /// For the driver, which cannot co_await: makes this task the next to resume.
  void begin(Turn& turn) const noexcept {
    handle_.promise().turn = &turn;
    turn.next = handle_;
  }
  bool done() const { return handle_.done(); }

  /// The result, once done(); rethrows what the task threw.
  T result() const {
    if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
    return std::move(*handle_.promise().value);
  }

 private:
  struct HandOver {
    bool await_ready() const noexcept { return false; }
    void await_suspend(Handle ended) const noexcept { ended.promise().turn->next = ended.promise().behind; }
    void await_resume() const noexcept {}
  };
  explicit Task(Handle handle) : handle_(handle) {}

  Handle handle_;
};

}  // namespace hans::attacks
