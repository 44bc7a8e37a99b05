// The nearest point of a plane: what attacks do that take the model to be linear.
#include <hans/attacks/planes.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <hans/core/error.hpp>

namespace hans::attacks {
namespace {

// How far feature i may go the way that brings the plane nearer.
double room(std::span<const real> point, std::span<const real> low, std::span<const real> high, bool up,
            std::size_t i) {
  const double from = point[i];
  return up ? static_cast<double>(high[i]) - from : from - static_cast<double>(low[i]);
}

/// The features with the largest |w| go as far as they can; the last one as far as is needed.
void fill_largest_first(std::span<const double> size, std::span<const double> most, double rise,
                        std::span<double> length) {
  std::vector<std::size_t> order(size.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order,
                    [&](std::size_t a, std::size_t b) { return size[a] != size[b] ? size[a] > size[b] : a < b; });
  for (const std::size_t i : order) {
    if (!(rise > 0) || size[i] == 0) return;
    length[i] = std::min(most[i], rise / size[i]);
    rise -= length[i] * size[i];
  }
}

}  // namespace

void step_to_plane(std::span<const real> point, std::span<const real> w, double rise, std::span<const real> low,
                   std::span<const real> high, Norm norm, std::span<real> change) {
  check(norm != Norm::l0, "a plane has no nearest point in l0");
  const std::size_t n = point.size();
  const bool down = rise < 0;
  const double needed = std::abs(rise);
  std::vector<double> size(n);  // |w|
  std::vector<double> most(n);
  std::vector<double> length(n);
  for (std::size_t i = 0; i < n; ++i) {
    size[i] = std::abs(static_cast<double>(w[i]));
    most[i] = size[i] == 0 ? 0 : std::max(room(point, low, high, (w[i] > 0) != down, i), 0.0);
  }
  if (norm == Norm::l1) {
    fill_largest_first(size, most, needed, length);
  } else {
    // Feature i goes min(cut * speed_i, most_i) far, with speed 1 in linf and |w_i| in l2. What that raises w . x by is
    // a concave function of the cut, so Newton's method from below ends at the cut that is needed after a few steps.
    double cut = 0;
    double kept = 0;  // by those at their end
    for (;;) {
      double pull = 0;  // of those that are not
      double ended = 0;
      for (std::size_t i = 0; i < n; ++i) {
        const double speed = norm == Norm::l2 ? size[i] : 1;
        const bool ends = cut * speed >= most[i];
        ended += ends ? size[i] * most[i] : 0;
        pull += ends ? 0 : size[i] * speed;
      }
      kept = ended;
      if (pull == 0) break;  // all are at their end
      const double next = (needed - kept) / pull;
      if (!(next > cut)) break;
      cut = next;
    }
    for (std::size_t i = 0; i < n; ++i) length[i] = std::min(cut * (norm == Norm::l2 ? size[i] : 1), most[i]);
  }
  for (std::size_t i = 0; i < n; ++i) {
    const bool up = (w[i] > 0) != down;
    change[i] = static_cast<real>(up ? length[i] : -length[i]);
  }
}

}  // namespace hans::attacks
