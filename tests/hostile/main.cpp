// Makes hostile files by rules and looks how the library takes them: each is used, or refused by an Error of one line,
// in bounded memory and time. Memory is counted by an allocator of the program's own, so it is one of its own.
//
//     hans_hostile [--seed N] [--seconds N | --cases N] [--kind NAME] [--first N] [--write FILE]
//
// A case is known by kind, seed and number: `--first N --cases 1` runs it again, `--write` keeps its file.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>

#include "hostile.hpp"
#include "use_network.hpp"

// ---- memory: how much there is at a time, and the most there was -------------------------------------------

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool counts = false;  // the sanitizer has an allocator of its own
namespace {
std::atomic<std::size_t> used{0}, most_used{0};
}
#else
constexpr bool counts = true;
namespace {

std::atomic<std::size_t> used{0}, most_used{0};
constexpr std::size_t header = 64;  // keeps every alignment that is asked for

void* take(std::size_t bytes) noexcept {
  void* block = bytes > ~std::size_t{0} - 2 * header
                    ? nullptr
                    : std::aligned_alloc(header, (bytes + 2 * header - 1) / header * header);
  if (block == nullptr) return nullptr;
  *static_cast<std::size_t*>(block) = bytes;
  const std::size_t now = used += bytes;
  std::size_t before = most_used;
  while (now > before && !most_used.compare_exchange_weak(before, now)) {
  }
  return static_cast<char*>(block) + header;
}

void* take_or_throw(std::size_t bytes) {
  void* block = take(bytes);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void give(void* memory) noexcept {
  if (memory == nullptr) return;
  void* block = static_cast<char*>(memory) - header;
  used -= *static_cast<std::size_t*>(block);
  std::free(block);
}

}  // namespace

void* operator new(std::size_t bytes) { return take_or_throw(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return take(bytes); }
void* operator new(std::size_t bytes, std::align_val_t) { return take_or_throw(bytes); }
void* operator new(std::size_t bytes, std::align_val_t, const std::nothrow_t&) noexcept { return take(bytes); }
void operator delete(void* memory) noexcept { give(memory); }
void operator delete(void* memory, std::size_t) noexcept { give(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { give(memory); }
#endif

namespace hostile {
namespace {

constexpr std::array all_kinds{Kind{"onnx", make_onnx, use_onnx}, Kind{"model", make_model, use_model},
                               Kind{"json", make_json, use_json}, Kind{"data", make_data, use_data}};

}  // namespace

std::span<const Kind> kinds() { return all_kinds; }

}  // namespace hostile

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

char current[200];  // the case that is being run, for the message when it dies

void died(int signal) {
  std::fprintf(stderr, "signal %d in: %s\n", signal, current);
  std::_Exit(1);
}

struct Options {
  std::uint64_t seed = 1, first = 0, cases = ~std::uint64_t{0};
  double seconds = 1e9;
  std::string kind, write;
};

struct Counts {
  std::size_t cases = 0, used = 0, failed = 0;
  std::size_t most_memory = 0;
  double longest = 0;
};

void run(const hostile::Kind& kind, std::uint64_t number, const Options& options, Counts& counts_) {
  std::snprintf(current, sizeof current, "--kind %.*s --seed %llu --first %llu --cases 1",
                static_cast<int>(kind.name.size()), kind.name.data(), static_cast<unsigned long long>(options.seed),
                static_cast<unsigned long long>(number));
  const auto failed = [&](const std::string& why) {
    std::fprintf(stderr, "FAILED %s: %s\n", current, why.c_str());
    ++counts_.failed;
  };
  hostile::Random random(options.seed * 0x100000001b3 + number);
  try {
    const std::string bytes = kind.make(random);
    if (!options.write.empty()) hans::write_file(options.write, bytes);
    const std::size_t before = used;
    most_used = before;
    const Clock::time_point start = Clock::now();
    try {
      kind.use(bytes);
      ++counts_.used;
    } catch (const hans::Error& error) {
      hostile::check_message(error);
      if (options.cases == 1) std::printf("%s\n", error.what());
    }
    const double seconds = seconds_since(start);
    const std::size_t memory = most_used - before;
    counts_.longest = std::max(counts_.longest, seconds);
    counts_.most_memory = std::max(counts_.most_memory, memory);
    const std::size_t allowed = (std::size_t{200} << 20) + 20 * bytes.size();
    if (counts && memory > allowed)
      failed(std::to_string(memory) + " bytes for a file of " + std::to_string(bytes.size()));
    if (seconds > 5) failed(std::to_string(seconds) + " seconds");
  } catch (const std::exception& error) {
    failed(error.what());
  }
  ++counts_.cases;
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  for (int k = 1; k + 1 < count; k += 2) {
    const std::string name = arguments[k], value = arguments[k + 1];
    if (name == "--seed")
      options.seed = std::strtoull(value.c_str(), nullptr, 10);
    else if (name == "--first")
      options.first = std::strtoull(value.c_str(), nullptr, 10);
    else if (name == "--cases")
      options.cases = std::strtoull(value.c_str(), nullptr, 10);
    else if (name == "--seconds")
      options.seconds = std::strtod(value.c_str(), nullptr);
    else if (name == "--kind")
      options.kind = value;
    else if (name == "--write")
      options.write = value;
    else {
      std::fprintf(stderr, "unknown: %s\n", name.c_str());
      return 2;
    }
  }
  for (const int signal : {SIGSEGV, SIGFPE, SIGABRT, SIGILL}) std::signal(signal, died);
  const Clock::time_point start = Clock::now();
  std::size_t failed = 0;
  std::array<Counts, 16> counted{};
  const auto kinds = hostile::kinds();
  for (std::uint64_t n = 0; n < options.cases && seconds_since(start) < options.seconds; ++n) {
    for (std::size_t k = 0; k < kinds.size(); ++k) {
      if (options.kind.empty() || options.kind == kinds[k].name) run(kinds[k], options.first + n, options, counted[k]);
    }
  }
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    const Counts& each = counted[k];
    if (each.cases == 0) continue;
    std::printf("%-8.*s %zu cases, %zu could be used, %zu failed; most memory %.1f MB, longest %.2f s\n",
                static_cast<int>(kinds[k].name.size()), kinds[k].name.data(), each.cases, each.used, each.failed,
                static_cast<double>(each.most_memory) / 1e6, each.longest);
    failed += each.failed;
  }
  std::printf("%.1f s\n", seconds_since(start));
  return failed == 0 ? 0 : 1;
}
