// Shards: their sizes, their text, and what engines put into the environment.
#include <gtest/gtest.h>

#include <cstdlib>
#include <hans/core/error.hpp>
#include <string>
#include <utility>
#include <vector>
#include "../../../apps/manifest/shard.hpp"

#include "../../data/data_testing.hpp"

namespace hans::apps::shard_test {
namespace {

using testing_data::error_of;

/// Variables set for as long as it lives, all others of the engines unset.
class Environment {
 public:
  explicit Environment(const std::vector<std::pair<std::string, std::string>>& variables) {
    clear();
    for (const auto& [name, value] : variables) setenv(name.c_str(), value.c_str(), 1);
  }
  ~Environment() { clear(); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  static void clear() {
    for (const char* name :
         {"PARALLEL_SEQ", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "PMI_RANK", "PMI_SIZE", "SLURM_ARRAY_TASK_ID",
          "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_COUNT", "SLURM_PROCID", "SLURM_NTASKS", "JOB_COMPLETION_INDEX"}) {
      unsetenv(name);
    }
  }
};

std::string read(const std::string& word) {
  Shard shard;
  read_value(word, shard);
  std::string out;
  append_value(out, shard);
  return out;
}

TEST(Shard, PartsAreTheWholeAndDifferByOne) {
  for (std::size_t whole = 0; whole < 40; ++whole) {
    for (std::size_t count = 1; count < 12; ++count) {
      std::size_t next = 0;
      for (std::size_t number = 1; number <= count; ++number) {
        const Shard shard{number, count};
        EXPECT_EQ(shard.first(whole), next);
        EXPECT_LE(shard.size(whole), whole / count + 1);
        EXPECT_GE(shard.size(whole), whole / count);
        next += shard.size(whole);
      }
      EXPECT_EQ(next, whole);
    }
  }
}

TEST(Shard, ReadsNumberAndCount) {
  const Environment none({});
  EXPECT_EQ(read("1/1"), "1/1");
  EXPECT_EQ(read("7/12"), "7/12");
  for (const char* wrong : {"", "1", "/", "1/", "/2", "0/2", "3/2", "-1/2", "1/2/3", "1/0", "a/b", "1.5/2", "auto/0",
                            "auto/", "auto/x", "auto/1/2", "1/99999999999999999999"}) {
    EXPECT_NE(error_of([&] { read(wrong); }), "") << wrong;
  }
}

TEST(Shard, AsksTheEngine) {
  struct Row {
    const char* word;
    std::vector<std::pair<std::string, std::string>> environment;
    const char* found;
  };
  for (const Row& row : std::vector<Row>{
           {"auto/8", {{"PARALLEL_SEQ", "3"}}, "3/8"},
           {"auto", {{"OMPI_COMM_WORLD_RANK", "0"}, {"OMPI_COMM_WORLD_SIZE", "4"}}, "1/4"},
           {"auto", {{"PMI_RANK", "3"}, {"PMI_SIZE", "4"}}, "4/4"},
           {"auto",
            {{"SLURM_ARRAY_TASK_ID", "12"}, {"SLURM_ARRAY_TASK_MIN", "10"}, {"SLURM_ARRAY_TASK_COUNT", "5"}},
            "3/5"},
           {"auto", {{"SLURM_PROCID", "1"}, {"SLURM_NTASKS", "2"}}, "2/2"},
           {"auto/6", {{"JOB_COMPLETION_INDEX", "5"}}, "6/6"},
           // The inner engine counts.
           {"auto",
            {{"SLURM_PROCID", "0"},
             {"SLURM_NTASKS", "1"},
             {"OMPI_COMM_WORLD_RANK", "2"},
             {"OMPI_COMM_WORLD_SIZE", "3"}},
            "3/3"}}) {
    const Environment environment(row.environment);
    EXPECT_EQ(read(row.word), row.found);
  }
}

TEST(Shard, RefusesWhatTheEngineDoesNotSay) {
  struct Row {
    const char* word;
    std::vector<std::pair<std::string, std::string>> environment;
    const char* part;
  };
  for (const Row& row : std::vector<Row>{
           {"auto", {}, "no shard in the environment"},
           {"auto/4", {}, "no shard in the environment"},
           {"auto", {{"PARALLEL_SEQ", "3"}}, "write auto/COUNT"},
           {"auto", {{"JOB_COMPLETION_INDEX", "3"}}, "write auto/COUNT"},
           {"auto/2", {{"PARALLEL_SEQ", "3"}}, "is 3, but the 2 shards are 1 to 2"},
           {"auto/2", {{"JOB_COMPLETION_INDEX", "2"}}, "is 2, but the 2 shards are 0 to 1"},
           {"auto/2", {{"PARALLEL_SEQ", "0"}}, "is 0"},
           {"auto/2", {{"PARALLEL_SEQ", "x"}}, "no number of a shard"},
           {"auto", {{"OMPI_COMM_WORLD_RANK", "0"}}, "OMPI_COMM_WORLD_SIZE is missing"},
           {"auto", {{"SLURM_ARRAY_TASK_ID", "0"}, {"SLURM_ARRAY_TASK_COUNT", "2"}}, "SLURM_ARRAY_TASK_MIN"}}) {
    const Environment environment(row.environment);
    const std::string message = error_of([&] { read(row.word); });
    EXPECT_NE(message.find(row.part), std::string::npos) << message;
  }
}

TEST(Shard, NumbersTheFile) {
  EXPECT_EQ(with_shard("a-{shard}.json", Shard{3, 8}), "a-3.json");
  EXPECT_EQ(with_shard("{shard}/{shard}", Shard{12, 12}), "12/12");
  EXPECT_EQ(with_shard("a.json", Shard{3, 8}), "a.json");
  EXPECT_EQ(with_shard("{shard}.json", std::nullopt), "{shard}.json");
}

}  // namespace
}  // namespace hans::apps::shard_test
