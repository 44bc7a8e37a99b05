// Which part of the images this process works on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace hans::apps {

/// Which images: `count` from `first` on, of the first `whole` of the data set. With fewer than `whole` it is a part of
/// a run.
struct Slice {
  std::size_t first = 0, count = 0, whole = 0;
  bool complete() const { return count == whole; }
};

/// The value of --shard: part `number` (from 1) of `count`.
struct Shard {
  std::size_t number = 1, count = 1;

  /// The first image of this part, and how many it has, of `whole`. The parts in order make up the whole, and their
  /// sizes differ by at most one image.
  std::size_t first(std::size_t whole) const {
    return whole / count * (number - 1) + std::min(whole % count, number - 1);
  }
  std::size_t size(std::size_t whole) const { return whole / count + (number <= whole % count ? 1 : 0); }

  Slice slice(std::size_t whole) const { return {first(whole), size(whole), whole}; }
};
inline constexpr std::string_view shard_meaning =
    "only this part of the images; auto asks Slurm, MPI, Kubernetes or GNU parallel which";

/// Reads "2/8". "auto" and "auto/8" take the number, and "auto" also the count, from the environment of Slurm arrays,
/// mpirun, srun, indexed Kubernetes Jobs and GNU parallel.
void read_value(std::string_view word, Shard& out);
void append_value(std::string& out, const Shard& shard);
std::string value_help(const Shard&);

/// `path` with each {shard} replaced by the number.
std::string with_shard(std::string_view path, const std::optional<Shard>& shard);

}  // namespace hans::apps
