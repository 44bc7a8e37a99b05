// The boundary attack.
#include <hans/attacks/boundary.hpp>

#include <algorithm>
#include <cmath>
#include <deque>

#include <hans/attacks/decisions.hpp>
#include <hans/attacks/steps.hpp>

namespace hans::attacks {
namespace {

/// The share of successes among the last `most` trials.
class Record {
 public:
  explicit Record(std::size_t most) : most_(most) {}
  void add(bool success) {
    last_.push_back(success);
    if (last_.size() > most_) last_.pop_front();
  }
  bool full() const { return last_.size() == most_; }
  double share() const {
    return static_cast<double>(std::ranges::count(last_, true)) / static_cast<double>(last_.size());
  }
  void clear() { last_.clear(); }

 private:
  std::size_t most_;
  std::deque<bool> last_;
};

/// Proposes a random image at the same distance from the original, a share `along` of that distance away from the
/// current image (`on_sphere`), and one nearer to the original by a share `towards` (`nearer`).
void propose(const LabelOracle& sample, unsigned step, double along, double towards, std::span<real> on_sphere,
             std::span<real> nearer) {
  const std::span<const real> original = sample.original();
  const std::span<const real> image = sample.image();
  const std::size_t n = image.size();
  std::vector<real> way(n);
  sample.random("boundary", step).normals(way);
  double product = 0;
  double squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double source = static_cast<double>(original[i]) - static_cast<double>(image[i]);
    product += static_cast<double>(way[i]) * source;
    squares += source * source;
  }
  const double distance = std::sqrt(squares);
  for (std::size_t i = 0; i < n; ++i) way[i] -= static_cast<real>(product / squares) * (original[i] - image[i]);
  const real scale = static_cast<real>(along * distance / std::max(length_l2(way), 1e-12));
  const real shrink = static_cast<real>(1 / std::sqrt(along * along + 1));
  for (std::size_t i = 0; i < n; ++i) {
    on_sphere[i] = original[i] + shrink * (scale * way[i] - (original[i] - image[i]));
  }
  sample.project(on_sphere);
  const double reached = distances(original, on_sphere).l2;
  const double length = std::max(towards * distance + (reached - distance), 0.0) / std::max(reached, 1e-12);
  for (std::size_t i = 0; i < n; ++i) {
    nearer[i] = on_sphere[i] + static_cast<real>(length) * (original[i] - on_sphere[i]);
  }
}

}  // namespace

Task<Stop> BoundaryAttack::search(LabelOracle& sample) const {
  const std::span<real> image = sample.image();
  unsigned tried = 0;
  for (unsigned start = 0; start < starts && (start == 0 || tried > 0); ++start) {  // 0: the original reaches it
    const Task<bool> begin = find_start(sample, tries, tried);
    const bool begun = co_await begin;
    if (!begun) break;
    const Task<Stop> to_boundary = move_to_boundary(sample, image);
    co_await to_boundary;
  }
  if (sample.kept().empty()) co_return Stop::limit;
  std::ranges::copy(sample.kept(), image.begin());  // the nearest so far
  double along = spherical_step;
  double towards = source_step;
  Record on_sphere_record(100);
  Record nearer_record(30);
  std::vector<real> on_sphere(image.size());
  std::vector<real> nearer(image.size());
  for (unsigned step = 1; step <= steps && towards >= 1e-7; ++step) {
    const double distance = distances(sample.original(), image).l2;
    if (distance == 0) break;
    propose(sample, step, along, towards, on_sphere, nearer);
    const int prediction = co_await sample.prediction(nearer);
    const bool there = sample.reached(prediction);
    ++sample.note().steps;
    if (step % 10 == 0) {
      const int on_it = co_await sample.prediction(on_sphere);
      on_sphere_record.add(sample.reached(on_it));
      nearer_record.add(there);
      if (on_sphere_record.full() && (on_sphere_record.share() > 0.5 || on_sphere_record.share() < 0.2)) {
        const double factor =
            on_sphere_record.share() > 0.5 ? static_cast<double>(adaptation) : 1 / static_cast<double>(adaptation);
        along *= factor;
        towards *= factor;
        on_sphere_record.clear();
      }
      if (nearer_record.full() && (nearer_record.share() > 0.25 || nearer_record.share() < 0.1)) {
        towards *= nearer_record.share() > 0.25 ? static_cast<double>(adaptation) : 1 / static_cast<double>(adaptation);
        nearer_record.clear();
      }
    }
    if (there && distances(sample.original(), nearer).l2 < distance) std::ranges::copy(nearer, image.begin());
  }
  co_return Stop::finished;
}

}  // namespace hans::attacks
