// What the tests of data/ share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <hans/core/error.hpp>

namespace testing_data {

inline bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

/// The message of the Error that `run` throws, or "no error".
template <class Run>
std::string error_of(const Run& run) {
  try {
    run();
  } catch (const hans::Error& error) {
    return error.what();
  }
  return "no error";
}

/// The bytes that pairs of hexadecimal digits spell; spaces are skipped.
inline std::string from_hex(std::string_view hex) {
  std::string out;
  int high = -1;
  for (const char c : hex) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : c - 'a' + 10;
    if (high >= 0) out.push_back(static_cast<char>(high * 16 + digit));
    high = high >= 0 ? -1 : digit;
  }
  return out;
}

/// Bytes that a generator makes: `kinds` different ones, so that a small number compresses well.
inline std::string noise(std::size_t size, unsigned kinds, std::uint32_t state) {
  std::string out;
  for (std::size_t k = 0; k < size; ++k) {
    state = state * 1664525u + 1013904223u;
    out.push_back(static_cast<char>((state >> 24) % kinds));
  }
  return out;
}

/// The folder with data for tests only, or an empty path.
inline std::filesystem::path shared_folder() {
  const char* own = std::getenv("HANS_SHARED");
  const std::filesystem::path folder = own != nullptr ? own : std::filesystem::path(HANS_SOURCE_DIR) / ".." / "shared";
  return std::filesystem::is_directory(folder) ? folder : std::filesystem::path{};
}

/// A folder that exists while the object does.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    const std::string unique = std::to_string(std::random_device{}());  // other builds may run the same test now
    path_ = std::filesystem::path(testing::TempDir()) /
            (std::string("hans_") + test->test_suite_name() + "_" + test->name() + "_" + unique);
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string write(const std::string& name, std::string_view bytes) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return (path_ / name).string();
  }

 private:
  std::filesystem::path path_;
};

}  // namespace testing_data
