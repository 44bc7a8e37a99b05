// Conditions in disjunctive normal form.
#include "disjunction.hpp"

#include <iterator>
#include <utility>

namespace hans::apps::vnnlib {
namespace {

void extend(Conjunction& to, const Conjunction& from) {
  to.bounds.insert(to.bounds.end(), from.bounds.begin(), from.bounds.end());
  to.atoms.insert(to.atoms.end(), from.atoms.begin(), from.atoms.end());
}

}  // namespace

bool Disjunction::or_also(Disjunction other, std::size_t most) {
  if (size_ + other.size_ > most) return false;
  size_ += other.size_;
  parts_.insert(parts_.end(), std::make_move_iterator(other.parts_.begin()),
                std::make_move_iterator(other.parts_.end()));
  return true;
}

bool Disjunction::and_also(const Disjunction& other, std::size_t most) {
  const std::size_t count = parts_.size(), other_count = other.parts_.size();
  // A pair's members are those of both; both sizes count the pair itself. No factor exceeds 2^32.
  const std::uint64_t size =
      std::uint64_t{size_} * other_count + std::uint64_t{other.size_} * count - std::uint64_t{count} * other_count;
  if (size > most) return false;
  size_ = static_cast<std::size_t>(size);
  if (other_count == 1) {
    for (Conjunction& part : parts_) extend(part, other.parts_.front());
    return true;
  }
  std::vector<Conjunction> pairs;
  pairs.reserve(count * other_count);
  for (const Conjunction& part : parts_) {
    for (const Conjunction& other_part : other.parts_) {
      pairs.push_back(part);
      extend(pairs.back(), other_part);
    }
  }
  parts_ = std::move(pairs);
  return true;
}

}  // namespace hans::apps::vnnlib
