// Work on several threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <future>
#include <system_error>
#include <vector>

namespace hans::checker {

/// Calls work(k) for each k below count, on that many threads.
template <class Work>
void on_threads(std::size_t threads, std::size_t count, Work work) {
  std::atomic<std::size_t> next = 0;
  const auto some = [&] {
    for (std::size_t k = next++; k < count; k = next++) work(k);
  };
  std::vector<std::future<void>> others;
  try {
    for (std::size_t t = 1; t < std::min(threads, count); ++t) others.push_back(std::async(std::launch::async, some));
  } catch (const std::system_error&) {  // no more threads to be had here: those that started do the work
  }
  some();
  for (std::future<void>& other : others) other.get();
}

}  // namespace hans::checker
