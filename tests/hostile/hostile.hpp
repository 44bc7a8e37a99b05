// Hostile files by rules: each kind of file has one rule that makes them from random numbers and one use that must end
// well whatever they are. Used by the program hans_hostile.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

namespace hostile {

/// Random choices. The same seed gives the same ones everywhere (splitmix64).
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(bits() % n); }
  bool one_in(std::size_t n) { return below(n) == 0; }

  template <class All>
  const auto& of(const All& all) {
    return *(std::begin(all) + static_cast<std::ptrdiff_t>(below(std::size(all))));
  }
  template <class T>
  T of(std::initializer_list<T> all) {
    return *(all.begin() + below(all.size()));
  }

 private:
  std::uint64_t state_;
};

/// A number that files like to be wrong about: small, 0, -1, or as large as can be.
std::int64_t extent(Random& random);

/// Cuts, changed, doubled and swapped bytes.
std::string damaged(std::string bytes, Random& random);

/// A kind of file. `use` does with the bytes what the product does; it may throw hans::Error, and nothing else.
/// Another kind is another line in kinds().
struct Kind {
  std::string_view name;
  std::string (*make)(Random& random);
  void (*use)(std::string_view bytes);
};
std::span<const Kind> kinds();

std::string make_onnx(Random& random);
void use_onnx(std::string_view bytes);
std::string make_model(Random& random);
void use_model(std::string_view bytes);
std::string make_json(Random& random);
void use_json(std::string_view bytes);
std::string make_data(Random& random);
void use_data(std::string_view bytes);

}  // namespace hostile
