// How far the work is: a line on a terminal, and a file to go on from.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/core/text.hpp>

namespace hans::apps {

/// A duration for people: "42 s", "3 min 05 s", "2 h 10 min"; "long" from 1e7 s.
std::string duration_text(double seconds);

/// The progress line, without line end: "train  [=====>    ]  50 %  1234 images/s  12 s left  loss 0.123". Cut to
/// `width`.
std::string progress_line(std::string_view label, double share, double rate, std::string_view unit, double seconds_left,
                          std::string_view note, std::size_t width);

/// A progress bar with rate and time left, on standard error; silent unless that is a terminal. Drawn at most ten times
/// a second, so updates cost next to nothing.
class ProgressBar {
 public:
  /// `unit`: what is counted, such as "images".
  ProgressBar(std::string label, std::string unit, bool quiet);
  ~ProgressBar();
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  /// Shows `done` of `total`, followed by `note`. The rate counts from the first call, so a resumed run starts right.
  void update(std::uint64_t done, std::uint64_t total, std::string_view note = {});

  /// Changes the label from the next update on.
  void label(std::string label) { label_ = std::move(label); }

  /// Changes the label and restarts the rate, if the label differs.
  void restart(std::string label);

  /// Removes the line, so that something else can be printed.
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

/// A file with the work done, to go on from after a kill.
class SavedWork {
 public:
  explicit SavedWork(std::string path) : path_(std::move(path)), saved_(Clock::now()) {}

  const std::string& path() const { return path_; }
  bool exists() const;  ///< false without a path

  /// What `parse` makes of its bytes. Errors name the file and say what to do.
  template <class Parse>
  auto read(const Parse& parse) const {
    const std::string bytes = read_file(path_);
    try {
      return parse(std::string_view(bytes));
    } catch (const MemoryError&) {
      throw;
    } catch (const Error& error) {
      throw Error(text(path_, " holds no progress that fits: ", error.what(), "; remove the file"));
    }
  }

  /// Throws Error unless it is the progress of this run.
  void check_same(bool same) const;

  /// Writes what `bytes` returns, if the work since the last time was long enough: the file grows, and a tenth of the
  /// time is the most that it may take. Without a path it writes nothing.
  void save(const std::function<std::string()>& bytes);

  /// The results are written: the progress is not needed any more.
  void remove() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::string path_;
  Clock::time_point saved_;
  Clock::duration cost_{};
};

}  // namespace hans::apps
