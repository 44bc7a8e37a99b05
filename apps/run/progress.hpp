// A line on a terminal that says how far the work is.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace hans::apps {

/// "  42 s", "3 min 05 s", "2 h 10 min": for people.
std::string duration_text(double seconds);

/// The line without its end: "train  [=====>    ]  50 %  1234 images/s  12 s left  loss 0.123".
std::string progress_line(std::string_view label, double share, double rate, std::string_view unit, double seconds_left,
                          std::string_view note, std::size_t width);

/// A bar with rate and time left on standard error; nothing unless that is a terminal. Drawn at most ten times a
/// second, so that an update costs next to nothing.
class ProgressBar {
 public:
  /// `unit` is what is counted: "images".
  ProgressBar(std::string label, std::string unit, bool quiet);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// `done` of `total`; `note` stands behind. The rate counts from the first call (a resumed run does not begin at 0).
  void update(std::uint64_t done, std::uint64_t total, std::string_view note = {});

  /// Another label, from the next update on.
  void label(std::string label) { label_ = std::move(label); }

  /// Begins again if the label is another.
  void restart(std::string label);

  /// Takes the line away, so that something else can be printed.
  void clear();

  bool visible() const { return visible_; }

 private:
  using Clock = std::chrono::steady_clock;

  std::string label_, unit_;
  bool visible_;
  bool drawn_ = false;
  bool started_ = false;
  std::uint64_t first_ = 0;
  Clock::time_point start_, last_;
};

}  // namespace hans::apps
