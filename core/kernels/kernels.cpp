// Selection of the instruction set.
#include <atomic>
#include <cstdlib>
#include <hans/core/error.hpp>
#include <hans/core/kernels.hpp>
#include "detail/kernel_set.hpp"

namespace hans::kernels {
namespace {

std::vector<const Set*> usable() {
  std::vector<const Set*> sets;
#if defined(__x86_64__) && !defined(HANS_DOUBLE)
#if !defined(HANS_NO_AVX512)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq")) {
    sets.push_back(&avx512::set);
  }
#endif
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back(&avx2::set);
#elif defined(__aarch64__) && !defined(HANS_DOUBLE)
  sets.push_back(&neon::set);
#endif
  sets.push_back(&portable::set);
  return sets;
}

const Set* find(std::string_view name, std::string_view origin) {
  std::string names;
  for (const Set* set : usable()) {
    if (name == set->name) return set;
    names += names.empty() ? "" : ", ";
    names += set->name;
  }
  throw UsageError(
      text(origin, in_quotes(name), " is not a kernel set of this build and machine; choose one of ", names));
}

std::atomic<const Set*>& chosen() {
  static std::atomic<const Set*> set = [] {
    const char* const forced = std::getenv("HANS_KERNELS");
    return forced != nullptr ? find(forced, "HANS_KERNELS=") : usable().front();
  }();
  return set;
}

}  // namespace

const Set* current() { return chosen().load(std::memory_order_relaxed); }

std::vector<std::string> available() {
  std::vector<std::string> names;
  for (const Set* set : usable()) names.emplace_back(set->name);
  return names;
}

std::string_view selected() { return current()->name; }

void select(std::string_view name) { chosen().store(find(name, "kernel set ")); }

double peak_chains(std::size_t steps) {
  real kept[panel];
  return current()->peak(steps, kept);
}

}  // namespace hans::kernels
