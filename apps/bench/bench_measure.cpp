// How a figure is measured: rounds of many calls, between two measurements of the peak.
#include "bench.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <hans/core/parallel.hpp>

namespace hans::apps {
namespace {

double seconds_of(const std::function<void()>& work, std::size_t calls) {
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < calls; ++i) work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// What all threads together reach now.
class Peak {
 public:
  explicit Peak(double seconds) : seconds_(seconds) {}

  double operator()() {
    const std::size_t units = 4 * thread_count();
    double flop = 0;
    const std::function<void()> work = [&] {
      std::vector<double> done(units);
      parallel_for(units, [&](std::size_t unit) { done[unit] = kernels::peak_chains(steps_); });
      flop = 0;
      for (const double each : done) flop += each;
    };
    double seconds = seconds_of(work, 1);
    while (seconds < seconds_ / 2) {
      steps_ *= 2;
      seconds = seconds_of(work, 1);
    }
    return flop / seconds;
  }

 private:
  double seconds_;
  std::size_t steps_ = 1000;
};

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
  return {median, values.front(), values.back()};
}

/// Seconds of one call. The first call, which takes memory and arranges weights, does not count.
Spread time_of(const std::function<void()>& work, unsigned rounds, double seconds) {
  std::size_t calls = 1;
  double taken = seconds_of(work, calls);
  if (taken < seconds) taken = seconds_of(work, calls);
  while (taken < seconds / 4) {
    calls *= 4;
    taken = seconds_of(work, calls);
  }
  calls = static_cast<std::size_t>(std::max(1.0, std::ceil(static_cast<double>(calls) * seconds / taken)));
  std::vector<double> each;
  for (unsigned round = 0; round < rounds; ++round) {
    each.push_back(seconds_of(work, calls) / static_cast<double>(calls));
  }
  return spread_of(std::move(each));
}

Spread rate(double amount, const Spread& seconds) {
  return {amount / seconds.median, amount / seconds.max, amount / seconds.min};
}

}  // namespace

double Figure::share() const { return 2 * flop / seconds.median / (peak_before + peak_after); }
Spread Figure::gflops() const { return rate(flop / 1e9, seconds); }
Spread Figure::per_second() const { return rate(count, seconds); }

std::vector<Figure> measure(const std::vector<Job>& jobs, const BenchPlan& plan,
                            const std::function<void(std::size_t done, const std::string& label)>& progress) {
  Peak peak(plan.seconds / 5);
  std::vector<Figure> figures;
  for (const Job& job : jobs) {
    Figure figure = job.figure;
    if (progress) progress(figures.size(), figure.label);
    const std::function<void()> work = job.prepare(figure);
    figure.peak_before = peak();
    figure.seconds = time_of(work, plan.rounds, plan.seconds);
    figure.peak_after = peak();
    figures.push_back(std::move(figure));
  }
  return figures;
}

Tensor bench_noise(const Shape& shape, std::uint64_t seed, std::string_view purpose) {
  Tensor made = Tensor::uninitialised(shape);
  Stream stream = Rng(seed).stream(purpose);
  const std::span<real> values = made.mutable_values();
  const std::size_t own = std::min<std::size_t>(values.size(), 65537);  // the others repeat them: quick to make
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = i < own ? stream.uniform() : values[i - own];
  return made;
}

}  // namespace hans::apps
