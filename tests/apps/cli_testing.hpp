// Runs the built command in a folder of its own.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/text.hpp>
#include <map>
#include <string>
#include <vector>

#ifndef HANS_COMMAND
#define HANS_COMMAND ""  // a build without the command
#endif

namespace hans::cli {

using Words = std::vector<std::string>;

/// What a run left behind.
struct Outcome {
  int code = -1;  ///< -1: ended by a signal
  std::string out, err;
};

/// How a run differs from an ordinary one.
struct Surroundings {
  std::string output_to = {};  ///< instead of being kept
  rlim_t largest_file = 0;     ///< in bytes; 0: no limit
  std::string variable = {};   ///< NAME=VALUE for the environment
  rlim_t most_memory = 0;      ///< in bytes, of what is allocated, stacks of threads included; 0: no limit
};

/// A folder that is removed with its content.
class Folder {
 public:
  Folder() {
    std::string name = testing::TempDir() + "hans_cli_XXXXXX";
    if (mkdtemp(name.data()) == nullptr) throw Error("no temporary folder");
    path_ = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string operator/(std::string_view name) const { return (path_ / name).string(); }
  const std::filesystem::path& path() const { return path_; }

  /// The hash of every file in it, by name: two equal states are the same files with the same bytes.
  std::map<std::string, std::string> state() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_)) {
      files[entry.path().string()] = entry.is_regular_file() ? sha256(read_file(entry.path())) : "";
    }
    return files;
  }

 private:
  std::filesystem::path path_;
};

inline bool available() { return *HANS_COMMAND != '\0'; }

/// Starts the command with the folder as its working folder; output goes to files outside of it.
inline pid_t start(const Words& words, const Folder& folder, const std::string& out, const std::string& err,
                   const Surroundings& surroundings = {}) {
  Words copy{HANS_COMMAND};
  copy.insert(copy.end(), words.begin(), words.end());
  std::vector<char*> pointers;
  for (std::string& word : copy) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const pid_t child = fork();
  if (child != 0) return child;
  const std::string& to = surroundings.output_to.empty() ? out : surroundings.output_to;
  const int out_file = open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const int err_file = open(err.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  std::string variable = surroundings.variable;
  if (!variable.empty()) putenv(variable.data());
  if (surroundings.largest_file != 0) {
    const rlimit limit{surroundings.largest_file, surroundings.largest_file};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  if (surroundings.most_memory != 0) {
    const rlimit limit{surroundings.most_memory, surroundings.most_memory};
    setrlimit(RLIMIT_DATA, &limit);
  }
  if (out_file < 0 || err_file < 0 || dup2(out_file, 1) < 0 || dup2(err_file, 2) < 0 ||
      chdir(folder.path().c_str()) != 0) {
    _exit(99);
  }
  execv(copy[0].c_str(), pointers.data());
  _exit(98);
}

inline int wait_for(pid_t child) {
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -2;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Runs the command to its end.
inline Outcome run(const Words& words, const Folder& folder, const Surroundings& surroundings = {}) {
  const Folder outside;
  Outcome outcome;
  outcome.code = wait_for(start(words, folder, outside / "out", outside / "err", surroundings));
  if (surroundings.output_to.empty()) outcome.out = read_file(outside / "out");
  outcome.err = read_file(outside / "err");
  return outcome;
}

/// "a b c" as three words. What is between two ' is one word.
inline Words words(std::string_view line) {
  Words all;
  bool quoted = false, open_word = false;
  for (const char c : line) {
    if (c == ' ' && !quoted) {
      open_word = false;
      continue;
    }
    if (!open_word) all.emplace_back();
    open_word = true;
    if (c == '\'') {
      quoted = !quoted;
    } else {
      all.back() += c;
    }
  }
  return all;
}

/// A line that is refused, with which exit code and which words in the message.
struct Refusal {
  std::string_view line;
  int code;
  std::string_view part;
};

/// A test that runs the command in a folder of its own.
class Test : public testing::Test {
 protected:
  void SetUp() override {
    if (!available()) GTEST_SKIP() << "the command was not built (HANS_APPS is OFF)";
  }

  Outcome hans(std::string_view line, const Surroundings& surroundings = {}) {
    return run(words(line), folder_, surroundings);
  }

  // Runs a line that must succeed in silence on stderr.
  std::string output(std::string_view line) {
    const Outcome outcome = hans(line);
    EXPECT_EQ(outcome.code, 0) << line << "\n" << outcome.err;
    EXPECT_EQ(outcome.err, "") << line;
    return outcome.out;
  }

  std::string bytes(std::string_view name) { return read_file(folder_ / name); }
  void write(std::string_view name, std::string_view content) { write_file(folder_ / name, content); }
  void train(std::string_view name) {
    output(text("train --data mnist-5k --model linear --epochs 2 --quiet --out ", name));
  }

  Folder folder_;
};

/// One line that begins with "hans: " and nothing else anywhere; no file is new, gone or changed.
inline void expect_refused(const Outcome& outcome, int code, std::string_view part) {
  EXPECT_EQ(outcome.code, code) << outcome.err;
  EXPECT_EQ(outcome.out, "");
  EXPECT_TRUE(outcome.err.starts_with("hans: ")) << outcome.err;
  EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
  EXPECT_TRUE(outcome.err.ends_with('\n')) << outcome.err;
  EXPECT_NE(outcome.err.find(part), std::string::npos) << "no '" << part << "' in: " << outcome.err;
}

}  // namespace hans::cli
