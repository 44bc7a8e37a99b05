// Learning rate schedules: how the rate changes over a run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/fields.hpp>
#include <hans/core/tensor.hpp>

namespace hans::nn {

/// Factor 1.
struct ConstantRate {
  static constexpr std::string_view name = "constant";
  static constexpr std::string_view meaning = "the same rate throughout";
  static constexpr auto fields() { return std::tuple<>(); }
  real operator()(std::uint64_t step, std::uint64_t total) const;
};

/// Factor (1 + cos(pi * step / total)) / 2.
struct CosineRate {
  static constexpr std::string_view name = "cosine";
  static constexpr std::string_view meaning = "down to 0 along half a cosine (Loshchilov 2017)";
  static constexpr auto fields() { return std::tuple<>(); }
  real operator()(std::uint64_t step, std::uint64_t total) const;
};

/// Shares of a run, each above 0 and below 1, rising. Written `0.7/0.85`.
struct Shares {
  std::vector<double> all;
};
void read_value(std::string_view word, Shares& out);
void append_value(std::string& out, const Shares& value);
std::string value_help(const Shares&);

/// Factor `factor` to the power of how many of the shares lie at or before step / total, as a running product. The
/// default is that of CTBench (Mao 2024).
struct StepRate {
  Shares at = {{0.7, 0.85}};
  float factor = 0.2F;

  static constexpr std::string_view name = "steps";
  static constexpr std::string_view meaning = "times a factor at some points of the run";
  static constexpr auto fields() {
    return std::tuple(field("at", &StepRate::at, "where, as shares of the run"),
                      field("factor", &StepRate::factor, at_least(0), "of the rate at each point"));
  }
  void validate() const;
  real operator()(std::uint64_t step, std::uint64_t total) const;
};

/// Factor t / peak up to t = peak, then (1 - t) / (1 - peak), where t = (step + 1) / total: the last step has rate 0,
/// as in the code of Wong 2020.
struct CyclicRate {
  double peak = 0.4;

  static constexpr std::string_view name = "cyclic";
  static constexpr std::string_view meaning = "from 0 straight up to the rate, and straight down to 0 (Smith 2017)";
  static constexpr auto fields() {
    return std::tuple(
        field("peak", &CyclicRate::peak, between(0, 1), "where the rate is highest, as a share of the run"));
  }
  real operator()(std::uint64_t step, std::uint64_t total) const;
};

/// Any schedule; immutable and cheap to copy. The constructor throws UsageError if a setting is out of range.
class Schedule {
 public:
  static constexpr ConstantRate constant{};
  static constexpr CosineRate cosine{};

  template <class Settings>
  requires requires { Settings::meaning; }
  Schedule(Settings settings) : self_(std::make_shared<Model<Settings>>(std::move(settings))) {}

  /// Throws UsageError with the list of all schedules for an unknown name.
  static Schedule from_spec(const Spec& spec);
  Spec spec() const { return self_->spec(); }

  /// The factor of the learning rate at step `step` (from 0) of `total`.
  real operator()(std::uint64_t step, std::uint64_t total) const { return self_->factor(step, total); }

 private:
  struct Concept {
    virtual ~Concept() = default;
    virtual Spec spec() const = 0;
    virtual real factor(std::uint64_t step, std::uint64_t total) const = 0;
  };
  template <class Settings>
  struct Model final : Concept {
    explicit Model(Settings given) : settings(std::move(given)) { check_fields(settings); }
    Spec spec() const override { return to_spec(settings); }
    real factor(std::uint64_t step, std::uint64_t total) const override { return settings(step, total); }
    Settings settings;
  };

  std::shared_ptr<const Concept> self_;
};

struct ScheduleInfo {
  std::string name, meaning;
  std::vector<FieldInfo> fields;

  template <class Settings>
  static ScheduleInfo of() {
    return {std::string(Settings::name), std::string(Settings::meaning), describe<Settings>()};
  }
};
std::vector<ScheduleInfo> list_schedules();

}  // namespace hans::nn
