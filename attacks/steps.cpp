// Steps of attacks that stay in a ball, and where they begin.
#include <hans/attacks/steps.hpp>

#include <algorithm>
#include <cmath>

namespace hans::attacks {
namespace {

real sign_of(real g) { return g > 0 ? real{1} : g < 0 ? real{-1} : real{0}; }

// An equal share of `size` for the features of the largest 5 % of |g|, at least one, that can move.
void spread(const LabelOracle& sample, std::span<const real> gradient, real size, std::span<real> image) {
  std::vector<real> sizes;
  const auto moves = [&](std::size_t i) {
    return gradient[i] > 0 ? image[i] < sample.high()[i] : gradient[i] < 0 && image[i] > sample.low()[i];
  };
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    if (moves(i)) sizes.push_back(std::abs(gradient[i]));
  }
  if (sizes.empty()) return;
  const std::size_t count = std::min(std::max<std::size_t>(image.size() / 20, 1), sizes.size());
  std::ranges::nth_element(sizes, sizes.begin() + static_cast<std::ptrdiff_t>(count - 1), std::greater<>());
  const real least = sizes[count - 1];
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) chosen += moves(i) && std::abs(gradient[i]) >= least ? 1U : 0U;
  const real share = size / static_cast<real>(chosen);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    if (moves(i) && std::abs(gradient[i]) >= least) image[i] += share * sign_of(gradient[i]);
  }
}

}  // namespace

double length_l1(std::span<const real> values) {
  double total = 0;
  for (const real value : values) total += std::abs(static_cast<double>(value));
  return total;
}

double length_l2(std::span<const real> values) {
  double squares = 0;
  for (const real value : values) squares += static_cast<double>(value) * static_cast<double>(value);
  return std::sqrt(squares);
}

void start_in_ball(const LabelOracle& sample, std::string_view purpose, std::uint32_t restart) {
  Stream stream = sample.random(purpose, restart);
  const std::span<real> image = sample.image();
  if (sample.budget().norm == Norm::linf) {
    for (std::size_t i = 0; i < image.size(); ++i) image[i] += sample.eps() * (2 * stream.uniform() - 1);
  } else {
    std::vector<real> way(image.size());
    stream.normals(way);
    const double length = sample.budget().norm == Norm::l2 ? length_l2(way) : length_l1(way);
    const real scale = static_cast<real>(sample.budget().size * static_cast<double>(stream.uniform()) / length);
    for (std::size_t i = 0; i < image.size(); ++i) image[i] += scale * way[i];
  }
  sample.project(image);
}

void step_up(const LabelOracle& sample, std::span<const real> gradient, real size, std::span<real> image) {
  switch (sample.budget().norm) {
    case Norm::linf:
      for (std::size_t i = 0; i < image.size(); ++i) image[i] += size * sign_of(gradient[i]);
      break;
    case Norm::l2: {
      const double length = length_l2(gradient);
      if (length == 0) return;
      const real scale = static_cast<real>(static_cast<double>(size) / length);
      for (std::size_t i = 0; i < image.size(); ++i) image[i] += scale * gradient[i];
      break;
    }
    case Norm::l1:
      spread(sample, gradient, size, image);
      project_l1(sample.original(), sample.low(), sample.high(), sample.budget().size, image);
      break;
    case Norm::l0:
      break;
  }
  sample.project(image);
}

void project_l1(std::span<const real> original, std::span<const real> low, std::span<const real> high, double eps,
                std::span<real> image) {
  // The nearest image changes feature i by min(max(|v_i| - cut, 0), most_i): v the change so far, most what the box
  // leaves on that side, and the one cut >= 0 for which the changes sum to eps, or 0 if they already sum to less.
  const std::size_t n = image.size();
  std::vector<double> size(n);
  std::vector<double> most(n);
  double total = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double from = original[i];
    const double change = static_cast<double>(image[i]) - from;
    size[i] = std::abs(change);
    most[i] = change > 0 ? static_cast<double>(high[i]) - from : from - static_cast<double>(low[i]);
    total += std::min(size[i], most[i]);
  }
  double cut = 0;
  if (total > eps) {
    // The sum falls with the cut, by one more for each feature whose change begins to shrink, by one less for each
    // whose change is used up: those are the corners, from the largest down.
    struct Corner {
      double at;
      int slope;
    };
    std::vector<Corner> corners;
    for (std::size_t i = 0; i < n; ++i) {
      if (size[i] <= 0 || most[i] <= 0) continue;
      corners.push_back({size[i], 1});
      corners.push_back({std::max(size[i] - most[i], 0.0), -1});
    }
    std::ranges::sort(corners,
                      [](const Corner& a, const Corner& b) { return a.at != b.at ? a.at > b.at : a.slope > b.slope; });
    double sum = 0;
    double slope = 0;
    double at = corners.front().at;
    for (const Corner& corner : corners) {
      const double next = sum + slope * (at - corner.at);
      if (next >= eps && slope > 0) break;
      sum = next;
      at = corner.at;
      slope += corner.slope;
    }
    cut = slope > 0 ? std::max(at - (eps - sum) / slope, 0.0) : at;
  }
  for (std::size_t i = 0; i < n; ++i) {
    const double change = std::min(std::max(size[i] - cut, 0.0), most[i]);
    const double way = image[i] > original[i] ? 1 : -1;
    image[i] = static_cast<real>(static_cast<double>(original[i]) + way * change);
  }
}

}  // namespace hans::attacks
