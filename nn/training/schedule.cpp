// Learning rate schedules: how the rate changes over a run.
#include <hans/nn/schedule.hpp>

#include <algorithm>

#include <hans/core/error.hpp>
#include <hans/core/math.hpp>
#include "../../core/text/detail/registry.hpp"

namespace hans::nn {
namespace {

// To add a schedule, add its type here and in list_schedules().
constexpr const auto& schedules = kinds_of<Schedule, ConstantRate, CosineRate, StepRate, CyclicRate>;

double share_of(std::uint64_t step, std::uint64_t total) {
  return static_cast<double>(step) / static_cast<double>(std::max<std::uint64_t>(total, 1));
}

}  // namespace

real ConstantRate::operator()(std::uint64_t, std::uint64_t) const { return 1; }

real CosineRate::operator()(std::uint64_t step, std::uint64_t total) const {
  constexpr double pi = 3.14159265358979323846;
  const double angle = pi * static_cast<double>(step) / static_cast<double>(std::max<std::uint64_t>(total, 1));
  return (1 + hans::cos(static_cast<real>(angle))) / 2;
}

void read_value(std::string_view word, Shares& out) {
  out.all.clear();
  for (std::size_t end = 0; end != std::string_view::npos; word.remove_prefix(std::min(end, word.size() - 1) + 1)) {
    end = word.find('/');
    check_usage(read_number(word.substr(0, end), out.all.emplace_back()), "not ", value_help(out));
  }
}
void append_value(std::string& out, const Shares& value) {
  for (std::size_t k = 0; k < value.all.size(); ++k) append(out, text(k == 0 ? "" : "/", value.all[k]));
}
std::string value_help(const Shares&) { return "rising shares above 0 and below 1 such as 0.7/0.85"; }

void StepRate::validate() const {
  std::string given;
  append_value(given, at);
  double last = 0;
  for (const double share : at.all) {
    check_usage(share > last && share < 1, "steps: at=", given, " is not ", value_help(at));
    last = share;
  }
  check_usage(!at.all.empty(), "steps: at has no share of the run");
}

real StepRate::operator()(std::uint64_t step, std::uint64_t total) const {
  real product = 1;
  for (const double share : at.all) {
    if (share_of(step, total) >= share) product *= factor;
  }
  return product;
}

real CyclicRate::operator()(std::uint64_t step, std::uint64_t total) const {
  const double now = std::min(share_of(step + 1, total), 1.0), top = peak;
  return static_cast<real>(now < top ? now / top : top < 1 ? (1 - now) / (1 - top) : 1);
}

Schedule Schedule::from_spec(const Spec& spec) { return make_kind<Schedule>("schedule", schedules, spec); }

std::vector<ScheduleInfo> list_schedules() {
  return list_kinds<ScheduleInfo, ConstantRate, CosineRate, StepRate, CyclicRate>();
}

}  // namespace hans::nn
