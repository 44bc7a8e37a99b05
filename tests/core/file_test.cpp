// Files: read whole or not at all, replaced whole or not at all.
#include <hans/core/file.hpp>

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <hans/core/error.hpp>

namespace hans::file_test {
namespace {

namespace fs = std::filesystem;
using hans::check_writable;
using hans::read_file;
using hans::write_file;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "hans-file-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    fs::permissions(folder_, fs::perms(0777));
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path at(std::string_view name) const { return folder_ / name; }

  void put(std::string_view name, std::string_view bytes) const { std::ofstream(at(name), std::ios::binary) << bytes; }

  std::string get(std::string_view name) const {
    std::ifstream file(at(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::ptrdiff_t entries() const { return std::distance(fs::directory_iterator(folder_), {}); }

  /// Whether `work` is true in a process of its own, so that it may change limits, streams and rights.
  static bool in_child(const std::function<bool()>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
      bool ok = false;
      try {
        ok = work();
      } catch (...) {
      }
      ::_exit(ok ? 0 : 1);
    }
    int status = 0;
    return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  static bool without_rights(const std::function<bool()>& work) {
    return in_child([&] { return (::geteuid() != 0 || ::setuid(65534) == 0) && work(); });
  }

 private:
  fs::path folder_;
};

std::string failure(const std::function<void()>& work) {
  try {
    work();
  } catch (const hans::Error& error) {
    return error.what();
  }
  return "";
}

bool fails(const std::function<void()>& work) { return !failure(work).empty(); }

TEST_F(Files, ComeBackAsTheyWereWritten) {
  std::string all;
  for (int k = 0; k < 300000; ++k) all += static_cast<char>(static_cast<unsigned char>(k * 7));
  for (const std::string& bytes : {std::string(), std::string("\0\r\n\x1a", 4), all}) {
    write_file(at("f"), bytes);
    EXPECT_TRUE(get("f") == bytes);
    EXPECT_TRUE(read_file(at("f")) == bytes);
  }
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, AreReadUpToALimit) {
  put("f", "12345");
  EXPECT_EQ(read_file(at("f"), 5), "12345");
  EXPECT_NE(failure([&] { read_file(at("f"), 4); }).find("longer than the 4 bytes"), std::string::npos);
  EXPECT_TRUE(fails([&] { read_file("/dev/zero", 1000); }));
}

TEST_F(Files, SayWhyTheyCannotBeRead) {
  EXPECT_NE(failure([&] { read_file(at("missing")); }).find("No such file"), std::string::npos);
  EXPECT_NE(failure([&] { read_file(at("missing")); }).find("missing'"), std::string::npos);
  EXPECT_NE(failure([&] { read_file(at("")); }).find("it is a directory"), std::string::npos);
  EXPECT_TRUE(fails([&] { read_file(""); }));
}

TEST_F(Files, KeepTheirPermissions) {
  put("f", "old");
  fs::permissions(at("f"), fs::perms(0640));
  write_file(at("f"), "new");
  EXPECT_EQ(get("f"), "new");
  EXPECT_EQ(fs::status(at("f")).permissions(), fs::perms(0640));
  const mode_t mask = ::umask(0027);
  write_file(at("g"), "");
  ::umask(mask);
  EXPECT_EQ(fs::status(at("g")).permissions(), fs::perms(0640));
}

TEST_F(Files, AreWrittenThroughLinks) {
  fs::create_directory(at("deep"));
  put("deep/target", "old");
  fs::create_symlink("deep/target", at("link"));
  fs::create_symlink("link", at("link to link"));
  fs::create_symlink("deep/new", at("dangling"));
  write_file(at("link to link"), "new");
  EXPECT_EQ(get("deep/target"), "new");
  EXPECT_TRUE(fs::is_symlink(at("link")));
  EXPECT_TRUE(fs::is_symlink(at("link to link")));
  write_file(at("dangling"), "made");
  EXPECT_EQ(get("deep/new"), "made");
  EXPECT_TRUE(fs::is_symlink(at("dangling")));
  fs::create_symlink("loop", at("loop"));
  EXPECT_TRUE(fails([&] { write_file(at("loop"), ""); }));
  EXPECT_TRUE(fails([&] { check_writable(at("loop")); }));
}

TEST_F(Files, InTheWorkingFolderNeedNoFolderName) {
  EXPECT_TRUE(in_child([&] {
    fs::current_path(at(""));
    check_writable("plain");
    write_file("plain", "here");
    return read_file("plain") == "here" && entries() == 1;
  }));
}

TEST_F(Files, MayHaveTheLongestName) {
  const std::string name(255, 'n');
  check_writable(at(name));
  write_file(at(name), "x");
  EXPECT_EQ(get(name), "x");
  EXPECT_TRUE(fails([&] { write_file(at(name + "n"), "x"); }));
}

TEST_F(Files, StayAsTheyWereWhenTheDiskIsFull) {
  put("f", "old");
  const auto write_too_much = [&](std::string_view name) {
    return in_child([&] {
      const rlimit limit{1000, 1000};
      ::signal(SIGXFSZ, SIG_IGN);
      return ::setrlimit(RLIMIT_FSIZE, &limit) == 0 && fails([&] { write_file(at(name), std::string(100000, 'x')); });
    });
  };
  EXPECT_TRUE(write_too_much("f"));
  EXPECT_TRUE(write_too_much("new"));
  EXPECT_EQ(get("f"), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, HalfWrittenAreRemovedByASignalHandler) {
  put("f", "old");
  // The write itself raises the signal, after its first 1000 bytes.
  const auto written_with = [&](void (*handler)(int)) {
    return in_child([&] {
      const rlimit limit{1000, 1000};
      ::signal(SIGXFSZ, handler);
      if (::setrlimit(RLIMIT_FSIZE, &limit) == 0) write_file(at("f"), std::string(100000, 'x'));
      return false;
    });
  };
  EXPECT_TRUE(written_with([](int) { ::_exit(0); }));
  EXPECT_EQ(entries(), 2);  // without it
  EXPECT_TRUE(written_with([](int) {
    hans::remove_unfinished_files();
    ::_exit(0);
  }));
  EXPECT_EQ(entries(), 2);
  check_writable(at("f"));
  EXPECT_EQ(entries(), 1);
  EXPECT_EQ(get("f"), "old");
}

TEST_F(Files, LeftBehindByTheDeadAreRemoved) {
  const pid_t dead = ::fork();
  if (dead == 0) ::_exit(0);
  ASSERT_EQ(::waitpid(dead, nullptr, 0), dead);
  const auto left = [](std::string_view target, const auto& process, std::string_view number) {
    return hans::text('.', target, ".tmp-", process, number);
  };
  const std::string gone = left("f", dead, "-3");
  const std::vector<std::string> stay{
      left("f", ::getpid(), "-3"), left("g", dead, "-3"), left("f", dead, ""),
      left("f", dead, "-"),        left("f", "x", "-3"),  left("f", dead, "-3x"),
      left("f", "0", "-3"),        left("f", "-1", "-3"), left("f", "4294967296", "-3")};
  put(gone, "");
  for (const std::string& name : stay) put(name, "");
  check_writable(at("f"));
  EXPECT_FALSE(fs::exists(at(gone)));
  for (const std::string& name : stay) EXPECT_TRUE(fs::exists(at(name))) << name;
  put(gone, "");
  EXPECT_TRUE(in_child([&] {
    fs::current_path(at(""));
    check_writable("f");
    return !fs::exists(gone);
  }));
}

TEST_F(Files, ANameEndsNotAtAZeroByte) {
  put("f", "old");
  const fs::path name = at(std::string_view("f\0x", 3));
  EXPECT_NE(failure([&] { read_file(name); }).find("f\\x00x'"), std::string::npos);
  EXPECT_TRUE(fails([&] { write_file(name, "new"); }));
  EXPECT_EQ(get("f"), "old");
}

TEST_F(Files, AreRefusedWhereNoneCanBe) {
  fs::create_directory(at("folder"));
  put("file", "old");
  fs::create_symlink("folder", at("link"));
  for (const char* name : {"folder", "folder/", "link", "missing/f", "file/f", "missing/", "", "folder/."}) {
    EXPECT_TRUE(fails([&] { write_file(at(name), "x"); })) << name;
    EXPECT_TRUE(fails([&] { check_writable(at(name)); })) << name;
  }
  EXPECT_TRUE(fails([] { write_file("", "x"); }));
  EXPECT_TRUE(fails([] { check_writable(""); }));
  EXPECT_NE(failure([&] { write_file(at("folder"), "x"); }).find("it is a directory"), std::string::npos);
  EXPECT_NE(failure([&] { check_writable(at("missing/f")); }).find("is not there; create it"), std::string::npos);
  EXPECT_EQ(entries(), 3);
  EXPECT_EQ(get("file"), "old");
}

TEST_F(Files, AreRefusedWithoutTheRight) {
  fs::create_directory(at("closed"));
  put("closed/f", "old");
  put("fixed", "old");
  fs::permissions(at("closed"), fs::perms(0555));
  fs::permissions(at("fixed"), fs::perms(0444));
  for (const char* name : {"closed/f", "closed/new", "fixed"}) {
    EXPECT_TRUE(without_rights([&] {
      return fails([&] { check_writable(at(name)); }) && fails([&] { write_file(at(name), "new"); });
    })) << name;
  }
  EXPECT_EQ(get("closed/f"), "old");
  EXPECT_EQ(get("fixed"), "old");
  fs::permissions(at("closed"), fs::perms(0777));
}

TEST_F(Files, AreCheckedWithoutATrace) {
  put("f", "old");
  check_writable(at("f"));
  check_writable(at("new"));
  check_writable("/dev/null");
  EXPECT_EQ(get("f"), "old");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, ThatAreDevicesAreWrittenDirectly) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "there is no /dev/full here";
  EXPECT_NO_THROW(write_file("/dev/null", "x"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  EXPECT_TRUE(fails([] { write_file("/dev/full", "x"); }));
  EXPECT_TRUE(fs::is_character_file("/dev/full"));
  fs::create_symlink("/dev/full", at("link"));
  EXPECT_TRUE(fails([&] { write_file(at("link"), "x"); }));
}

TEST_F(Files, ThatArePipesAreWrittenAndReadDirectly) {
  ASSERT_EQ(::mkfifo(at("pipe").c_str(), 0600), 0);
  const std::string bytes(200000, 'p');  // more than a pipe holds at once
  std::string got;
  check_writable(at("pipe"));
  std::thread reader([&] { got = read_file(at("pipe")); });
  write_file(at("pipe"), bytes);
  reader.join();
  EXPECT_TRUE(got == bytes);
  EXPECT_TRUE(fs::is_fifo(at("pipe")));
}

TEST_F(Files, ThatAreTheStandardOutputGoOnWhereItStands) {
  if (!fs::exists("/dev/stdout")) GTEST_SKIP() << "there is no /dev/stdout here";
  EXPECT_TRUE(in_child([&] {
    const int file = ::open(at("out").c_str(), O_WRONLY | O_CREAT, 0600);
    if (::dup2(file, 1) != 1 || ::write(1, "a", 1) != 1) return false;
    check_writable("/dev/stdout");
    write_file("/dev/stdout", "b");
    return ::write(1, "c", 1) == 1;
  }));
  EXPECT_EQ(get("out"), "abc");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, WrittenByManyThreadsAreAlwaysWhole) {
  std::vector<std::thread> writers;
  for (char c = 'a'; c < 'e'; ++c) {
    writers.emplace_back([this, c] {
      for (int k = 0; k < 10; ++k) write_file(at("f"), std::string(10000, c));
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::string found = get("f");
  EXPECT_EQ(found, std::string(10000, found.front()));
  EXPECT_EQ(entries(), 1);
}

}  // namespace
}  // namespace hans::file_test
