// Conditions in disjunctive normal form.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace hans::apps::vnnlib {

/// A conjunction: numbers of the bounds on inputs and of the atoms on outputs that must hold. Empty: always true.
struct Conjunction {
  std::vector<std::uint32_t> bounds, atoms;

  std::size_t size() const { return 1 + bounds.size() + atoms.size(); }
};

/// True where one of the conjunctions is.
class Disjunction {
 public:
  explicit Disjunction(Conjunction one = {}) : parts_{one}, size_(one.size()) {}

  const std::vector<Conjunction>& parts() const { return parts_; }
  /// The parts and their members, counted together: what memory is proportional to.
  std::size_t size() const { return size_; }

  /// Makes this true where it was or `other` is. False, and nothing is done, if its size would exceed `most`.
  bool or_also(Disjunction other, std::size_t most);
  /// Makes this true where it was and `other` is too. False, and nothing is done, if its size would exceed `most`.
  bool and_also(const Disjunction& other, std::size_t most);

 private:
  std::vector<Conjunction> parts_;
  std::size_t size_;
};

}  // namespace hans::apps::vnnlib
