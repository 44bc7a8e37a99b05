// Selection of the instruction set.
#include <atomic>
#include <cstdlib>
#include <hans/core/error.hpp>
#include <hans/core/kernels.hpp>
#include "detail/kernel_set.hpp"

namespace hans::kernels {
namespace {

#if defined(__wasm__) && !defined(HANS_DOUBLE)
/// The set of another module, or null.
const Set* added = nullptr;

/// Whether the set rounds a * b + c once: 1,024 times a = 1 + m * 2^-23, b = 1 + n * 2^-23, and c such that m * n *
/// 2^-46 is left of them, or 0 if a * b is rounded. A relaxed multiply-add may do either.
bool rounds_once(const Set& set) {
  constexpr real ulp = 0x1p-23F;
  for (std::size_t i = 1; i <= 1024; ++i) {
    const real m = static_cast<real>(i) * ulp, n = static_cast<real>(2 * i - 1) * ulp;
    if (set.fused(1 + m, 1 + n, -(1 + (m + n))) != m * n) return false;
  }
  return true;
}
#endif

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
#if !defined(HANS_NO_SSE2)
  sets.push_back(&sse2::set);
#endif
#elif defined(__aarch64__) && !defined(HANS_DOUBLE)
  sets.push_back(&neon::set);
#elif defined(__wasm__) && !defined(HANS_DOUBLE)
  if (added != nullptr) sets.push_back(added);
#if defined(HANS_SIMD128) || defined(__wasm_simd128__)
  sets.push_back(&simd128::set);
#endif
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

#if defined(__wasm__) && !defined(HANS_DOUBLE)
/// Makes the set of another module (kernels_relaxed.cpp) the first of available() and, unless HANS_KERNELS is set, the
/// one in use. Returns 1, or 0 and does nothing if the set does not round once.
extern "C" [[gnu::used]] int hans_add_kernels(const void* set) {
  const Set* const given = static_cast<const Set*>(set);
  if (!rounds_once(*given)) return 0;
  added = given;
  if (std::getenv("HANS_KERNELS") == nullptr) chosen() = given;
  return 1;
}
#endif

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
