// Starts, steps and projections of attacks that stay in a ball.
#include <hans/attacks/steps.hpp>

#include <algorithm>
#include <cmath>

#include <hans/attacks/judge.hpp>
#include <hans/core/error.hpp>
#include <hans/core/math.hpp>

namespace hans::attacks {
namespace {

// Shares `size` equally among the movable features with the largest |g|: 5 % of all features, at least one.
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
  std::nth_element(sizes.begin(), sizes.begin() + static_cast<std::ptrdiff_t>(count - 1), sizes.end(),
                   std::greater<>());
  const real least = sizes[count - 1];
  std::size_t chosen = 0;
  for (std::size_t i = 0; i < gradient.size(); ++i) chosen += moves(i) && std::abs(gradient[i]) >= least ? 1U : 0U;
  const real share = size / static_cast<real>(chosen);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    if (moves(i) && std::abs(gradient[i]) >= least) image[i] += share * sign(gradient[i]);
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

double length_linf(std::span<const real> values) {
  double most = 0;
  for (const real value : values) most = std::max(most, std::abs(static_cast<double>(value)));
  return most;
}

double length(Norm norm, std::span<const real> values) {
  check(norm != Norm::l0, "l0 counts features and has no length");
  return norm == Norm::l2 ? length_l2(values) : norm == Norm::l1 ? length_l1(values) : length_linf(values);
}

double dual_length(Norm norm, std::span<const real> values) {
  return length(norm == Norm::linf ? Norm::l1 : norm == Norm::l1 ? Norm::linf : norm, values);
}

real cosine(real first, real last, unsigned k, unsigned n) {
  constexpr real pi = 3.14159265F;
  return last + (first - last) * (1 + cos(pi * static_cast<real>(k) / static_cast<real>(n))) / 2;
}

real scaled(double factor, real value) {
  const real narrow = static_cast<real>(factor);
  return std::isinf(narrow) ? static_cast<real>(factor * static_cast<double>(value)) : narrow * value;
}

void project_to(const LabelOracle& sample, double eps, std::span<real> image) {
  const std::span<const real> original = sample.original();
  const Norm norm = sample.budget().norm;
  if (norm == Norm::l1) return project_l1(original, sample.low(), sample.high(), eps, image);
  sample.project(image);
  if (norm == Norm::l0) keep_largest(original, eps, image);
  std::vector<real> change(image.size());
  for (std::size_t i = 0; i < image.size(); ++i) change[i] = image[i] - original[i];
  if (norm == Norm::l2) {
    const double far = length_l2(change);
    const real scale = far > eps ? static_cast<real>(eps / far) : real{1};
    for (real& c : change) c *= scale;
  } else if (norm == Norm::linf) {
    const real most = static_cast<real>(eps);
    for (real& c : change) c = std::clamp(c, -most, most);
  }
  for (std::size_t i = 0; i < image.size(); ++i) image[i] = original[i] + change[i];
}

Task<Stop> refine_best(const LabelOracle& sample, unsigned steps) {
  const std::span<const real> original = sample.original();
  const std::vector<real> far(sample.kept().begin(), sample.kept().end());
  if (far.empty()) co_return Stop::finished;
  std::vector<real> image = far;
  if (sample.budget().norm == Norm::l0) {
    std::vector<std::size_t> changed;
    for (std::size_t i = 0; i < far.size(); ++i) {
      if (far[i] != original[i]) changed.push_back(i);
    }
    const auto size = [&](std::size_t i) { return std::abs(far[i] - original[i]); };
    std::ranges::sort(changed,
                      [&](std::size_t a, std::size_t b) { return size(a) != size(b) ? size(a) < size(b) : a < b; });
    for (std::size_t k = 0; k < std::min<std::size_t>(steps, changed.size()); ++k) {
      image[changed[k]] = original[changed[k]];
      const int prediction = co_await sample.prediction(image);
      if (!sample.reached(prediction)) image[changed[k]] = far[changed[k]];
    }
    co_return Stop::finished;
  }
  double low = 0;
  double high = distances(original, far).of(sample.budget().norm);
  double back = high / 16;  // first steps back, doubled each time until the goal is lost
  for (unsigned k = 0; k < steps; ++k) {
    const double next = low == 0 ? std::max(high - back, high / 2) : (low + high) / 2;
    std::ranges::copy(far, image.begin());
    project_to(sample, next, image);
    const int prediction = co_await sample.prediction(image);
    (sample.reached(prediction) ? high : low) = next;
    back *= 2;
  }
  co_return Stop::finished;
}

std::vector<real> random_direction(Stream& stream, Norm norm, std::size_t features) {
  std::vector<real> way(features);
  if (norm == Norm::linf) {
    for (real& w : way) w = 2 * stream.uniform() - 1;
  } else {
    stream.normals(way);
  }
  return way;
}

void start_in_ball(const LabelOracle& sample, std::string_view purpose, std::uint32_t restart) {
  Stream stream = sample.random(purpose, restart);
  const std::span<real> image = sample.image();
  const Norm norm = sample.budget().norm;
  const std::vector<real> way = random_direction(stream, norm, image.size());
  real scale = sample.eps();
  if (norm != Norm::linf) {
    scale = static_cast<real>(sample.budget().size * static_cast<double>(stream.uniform()) / length(norm, way));
  }
  for (std::size_t i = 0; i < image.size(); ++i) image[i] += scale * way[i];
  sample.project(image);
}

void start_at_extreme(const LabelOracle& sample, real way) {
  const std::span<real> image = sample.image();
  const double most = sample.budget().size / length(sample.budget().norm, std::vector<real>(image.size(), 1));
  for (real& value : image) value += way * static_cast<real>(most);
  sample.project(image);
}

void step_up(const LabelOracle& sample, std::span<const real> gradient, real size, std::span<real> image) {
  switch (sample.budget().norm) {
    case Norm::linf:
      for (std::size_t i = 0; i < image.size(); ++i) image[i] += size * sign(gradient[i]);
      break;
    case Norm::l2: {
      const double length = length_l2(gradient);
      if (length == 0) return;
      const double scale = static_cast<double>(size) / length;
      for (std::size_t i = 0; i < image.size(); ++i) image[i] += scaled(scale, gradient[i]);
      break;
    }
    case Norm::l1:
      spread(sample, gradient, size, image);
      project_l1(sample.original(), sample.low(), sample.high(), sample.reach(), image);
      break;
    case Norm::l0:
      break;
  }
  sample.project(image);
}

void project_l1(std::span<const real> original, std::span<const real> low, std::span<const real> high, double eps,
                std::span<real> image) {
  // The nearest image changes feature i by min(max(|v_i| - cut, 0), most_i), where v is the change so far and most what
  // the box leaves on that side. cut is 0 if the changes then sum to at most eps, else the value at which they sum to
  // eps.
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
    // As the cut rises the sum falls, by one more for each feature whose change begins to shrink and by one less for
    // each whose change reaches 0. These corners are visited from the largest down until the sum reaches eps; at cut 0
    // the sum is above eps, so the search ends before.
    struct Corner {
      double at;
      int slope;
    };
    std::vector<Corner> corners;
    for (std::size_t i = 0; i < n; ++i) {
      if (size[i] <= 0 || most[i] <= 0) continue;
      corners.push_back({size[i], 1});
      if (size[i] > most[i]) corners.push_back({size[i] - most[i], -1});
    }
    const auto later = [](const Corner& a, const Corner& b) { return a.at != b.at ? a.at < b.at : a.slope < b.slope; };
    std::make_heap(corners.begin(), corners.end(), later);
    double sum = 0;
    double slope = 0;
    double at = corners.front().at;
    for (auto end = corners.end(); end != corners.begin();) {
      std::pop_heap(corners.begin(), end, later);
      const Corner corner = *--end;
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
