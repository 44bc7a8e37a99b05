// Which part of the images a process works on, of several that know nothing of each other.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

#include <hans/core/error.hpp>
#include <hans/core/fields.hpp>
#include <hans/core/text.hpp>
#include "../arguments.hpp"
#include "shard.hpp"

namespace hans::apps {
namespace {

constexpr std::uint64_t most_shards = 1000000;

/// Where an engine puts a process's number, the lowest there is, and how many there are ("" : it does not say).
struct Engine {
  const char* name;
  const char* number;
  const char* lowest;  ///< a variable, or a number
  const char* count;
};
// A job inside a job has the variables of both: the inner one comes first.
constexpr std::array<Engine, 6> engines{
    {{"GNU parallel", "PARALLEL_SEQ", "1", ""},
     {"Open MPI", "OMPI_COMM_WORLD_RANK", "0", "OMPI_COMM_WORLD_SIZE"},
     {"MPICH", "PMI_RANK", "0", "PMI_SIZE"},
     {"a Slurm array", "SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_COUNT"},
     {"srun", "SLURM_PROCID", "0", "SLURM_NTASKS"},
     {"Kubernetes", "JOB_COMPLETION_INDEX", "0", ""}}};

/// The number in a variable, or the one written in its place.
std::uint64_t value_of(const char* variable) {
  const bool itself = *variable >= '0' && *variable <= '9';
  const char* value = itself ? variable : std::getenv(variable);
  check_usage(value != nullptr, variable, " is missing in the environment");
  std::uint64_t number = 0;
  check_usage(hans::read_number(value, number) && number <= most_shards, variable, " in the environment is ",
              in_quotes(value), ", no number of a shard");
  return number;
}

/// From the environment; `count` = 0: that too.
Shard from_environment(std::uint64_t count) {
  for (const Engine& engine : engines) {
    if (std::getenv(engine.number) == nullptr) continue;
    check_usage(count > 0 || *engine.count != '\0', engine.name,
                " does not say how many shards there are: write auto/COUNT");
    if (count == 0) count = value_of(engine.count);
    const std::uint64_t lowest = value_of(engine.lowest), own = value_of(engine.number);
    check_usage(own >= lowest && own - lowest < count, engine.number, " in the environment is ", own, ", but the ",
                count, " shards are ", lowest, " to ", lowest + count - 1);
    return {static_cast<std::size_t>(own - lowest + 1), static_cast<std::size_t>(count)};
  }
  throw UsageError(text("auto finds no shard in the environment, which has none of ", listed(engines, &Engine::number),
                        "; write NUMBER/COUNT"));
}

}  // namespace

void read_value(std::string_view word, Shard& out) {
  const std::size_t slash = std::min(word.find('/'), word.size());
  const std::string_view number = word.substr(0, slash), count = word.substr(std::min(slash + 1, word.size()));
  std::uint64_t shards = 0, own = 0;
  const bool counted = slash < word.size();
  check_usage(!counted || (hans::read_number(count, shards) && shards >= 1 && shards <= most_shards), "a shard is ",
              value_help(out), ", such as 2/8");
  if (number == "auto") {
    out = from_environment(shards);
    return;
  }
  check_usage(counted && hans::read_number(number, own) && own >= 1 && own <= shards, "a shard is ", value_help(out),
              ", such as 2/8: NUMBER from 1 to COUNT");
  out = {static_cast<std::size_t>(own), static_cast<std::size_t>(shards)};
}

void append_value(std::string& out, const Shard& shard) { append(out, text(shard.number, "/", shard.count)); }
std::string value_help(const Shard&) { return "NUMBER/COUNT|auto|auto/COUNT"; }

std::string with_shard(std::string_view path, const std::optional<Shard>& shard) {
  return shard ? replaced(path, "{shard}", text(shard->number)) : std::string(path);
}

}  // namespace hans::apps
