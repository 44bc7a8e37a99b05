// Runs a fuzz target on every file of a folder, and on cut and damaged copies of each, without libFuzzer.
#include <algorithm>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::string current;  // what is being run, for the message when it dies

void died(int) {
  std::fprintf(stderr, "the target aborted on %s\n", current.c_str());
  std::_Exit(1);
}

void run(const std::string& bytes, std::string name) {
  current = std::move(name);
  // A copy of the exact size on the heap, so that a sanitizer sees the first byte read behind the end.
  const std::vector<std::uint8_t> exact(bytes.begin(), bytes.end());
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

/// The file itself, prefixes of it, and copies with one byte changed; at most about 300 runs a file.
void run_with_damage(const std::string& bytes, const std::string& name) {
  run(bytes, name);
  const std::size_t step = std::max<std::size_t>(1, bytes.size() / 100);
  std::uint32_t random = 12345;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    run(bytes.substr(0, at), name + " cut to " + std::to_string(at) + " bytes");
    for (int i = 0; i < 2; ++i) {
      random = random * 1664525U + 1013904223U;
      std::string changed = bytes;
      const std::size_t place = at + (random >> 16) % std::min(step, bytes.size() - at);
      changed[place] = static_cast<char>(static_cast<unsigned char>(changed[place]) ^ (1U + (random >> 8) % 255U));
      run(changed, name + " with byte " + std::to_string(place) + " changed by seed " + std::to_string(random));
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  std::signal(SIGABRT, died);
  std::size_t files = 0;
  for (int i = 1; i < count; ++i) {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i])) paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    for (const auto& path : paths) {
      std::ifstream file(path, std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      try {
        run_with_damage(bytes, path.string());
      } catch (const std::exception& error) {
        std::fprintf(stderr, "on %s the target threw %s\n", current.c_str(), error.what());
        return 1;
      }
      ++files;
    }
  }
  if (files == 0) {
    std::fprintf(stderr, "no files to replay; give the folder of a corpus\n");
    return 1;
  }
  std::printf("%zu files replayed\n", files);
  return 0;
}
