// How far the work is: a line on a terminal, and a file to go on from.
#include "progress.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "../../core/text/detail/utf8.hpp"

#ifdef _WIN32
#include <io.h>
#else
#include <sys/ioctl.h>
#include <unistd.h>
#endif

namespace hans::apps {
namespace {

#ifdef _WIN32
bool on_terminal() { return _isatty(2) != 0; }
std::size_t terminal_width() { return 80; }
#else
bool on_terminal() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDERR_FILENO) != 0 && (terminal == nullptr || std::string_view(terminal) != "dumb");
}
std::size_t terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}
#endif

std::string padded(std::string_view text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + std::string(text);
}

std::string two_digits(std::uint64_t value) { return text(value < 10 ? "0" : "", value); }

}  // namespace

std::string duration_text(double seconds) {
  if (!(seconds < 1e7)) return "long";
  const auto whole = static_cast<std::uint64_t>(std::max(0.0, std::ceil(seconds)));
  if (whole < 60) return text(whole, " s");
  if (whole < 3600) return text(whole / 60, " min ", two_digits(whole % 60), " s");
  return text(whole / 3600, " h ", two_digits(whole / 60 % 60), " min");
}

std::string progress_line(std::string_view label, double share, double rate, std::string_view unit, double seconds_left,
                          std::string_view note, std::size_t width) {
  share = std::clamp(share, 0.0, 1.0);
  std::string tail = text("  ", padded(fixed(std::floor(100 * share), 0), 3), " %");
  if (rate > 0) {
    tail += text("  ", fixed(rate, rate < 10 ? 1 : 0), " ", unit, "/s  ", duration_text(seconds_left), " left");
  }
  if (!note.empty()) tail += text("  ", note);
  std::string line = text(label, "  ");
  const std::size_t taken = line.size() + tail.size() + 2;
  constexpr std::size_t widest = 30;
  const std::size_t bar = width > taken ? std::min(widest, width - taken) : 0;
  if (bar >= 5) {
    const auto filled = static_cast<std::size_t>(share * static_cast<double>(bar));
    line += text("[", std::string(filled, '='), std::string(bar - filled, ' '), "]");
  }
  line += tail;
  if (line.size() > width) line.resize(width);
  return line;
}

ProgressBar::ProgressBar(std::string label, std::string unit, bool quiet)
    : label_(std::move(label)), unit_(std::move(unit)), visible_(!quiet && on_terminal()) {}

ProgressBar::~ProgressBar() { clear(); }

void ProgressBar::update(std::uint64_t done, std::uint64_t total, std::string_view note) {
  if (!visible_ || total == 0) return;
  const Clock::time_point now = Clock::now();
  if (!started_) {
    started_ = true;
    first_ = done;
    start_ = now;
  } else if (now - last_ < std::chrono::milliseconds(100)) {
    return;
  }
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double rate = elapsed > 0 && done > first_ ? static_cast<double>(done - first_) / elapsed : 0;
  const double left = rate > 0 ? static_cast<double>(total - std::min(done, total)) / rate : 0;
  const double share = static_cast<double>(done) / static_cast<double>(total);
  const std::string line = progress_line(label_, share, rate, unit_, left, note, terminal_width() - 1);
  std::fprintf(stderr, "\r%s\x1b[K", hans::visible(line).c_str());
  std::fflush(stderr);
  drawn_ = true;
}

void ProgressBar::restart(std::string label) {
  if (label == label_) return;
  label_ = std::move(label);
  started_ = false;
}

void ProgressBar::clear() {
  if (!drawn_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

bool SavedWork::exists() const {
  std::error_code ignored;
  return !path_.empty() && std::filesystem::exists(path_, ignored);
}

void SavedWork::remove() const {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove(path_, ignored);
}

void SavedWork::check_same(bool same) const {
  check(same, path_, " holds the progress of another run; finish that one, remove the file or give another name");
}

void SavedWork::save(const std::function<std::string()>& bytes) {
  const Clock::time_point begin = Clock::now();
  if (path_.empty() || begin - saved_ < 10 * cost_) return;
  write_file(path_, bytes());
  saved_ = Clock::now();
  cost_ = saved_ - begin;
}

}  // namespace hans::apps
