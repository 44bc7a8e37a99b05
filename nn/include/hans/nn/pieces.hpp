// Splitting a batch into pieces, one per thread where that is faster.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>

#include <hans/nn/classifier.hpp>

namespace hans::nn {

/// The maximum number of samples per piece by default; enough to keep the kernels busy.
constexpr std::size_t most_together = 128;

/// How a batch is split into pieces.
struct Cut {
  std::size_t pieces;  ///< of nearly equal size
  std::size_t size;    ///< samples of the largest piece
  bool apart;  ///< pieces run in parallel, each on one thread; otherwise one after another, with all threads on each
};

/// The best split of `count` samples. Parallel pieces have model.piece() samples, at most most_together; if that leaves
/// threads idle they are smaller, down to a quarter. If only one piece results, or if piece() is 0, pieces run one
/// after another with at most `most` samples.
Cut cut(const Classifier& model, std::size_t count, std::size_t most = most_together);

/// Calls body(tape, first, count) for every piece of `count` samples, on several threads if the pieces run in parallel.
/// Each call gets exclusive use of `tape` or one of its helpers, rewound before and after. The result of `body` for a
/// sample must not depend on the other samples of its piece. Rethrows the exception of the first piece that fails;
/// later pieces may or may not have run.
void for_pieces(const Classifier& model, std::size_t count, Tape& tape,
                const std::function<void(Tape& tape, std::size_t first, std::size_t count)>& body,
                std::size_t most = most_together);

/// The basis of for_pieces: calls body(tape, unit) for each unit 0 .. units - 1.
void on_tapes(std::size_t units, Tape& tape, const std::function<void(Tape& tape, std::size_t unit)>& body);

/// Counts finished samples and reports them to a callback, which may be empty. One thread at a time calls it, with
/// rising numbers.
class Finished {
 public:
  explicit Finished(const std::function<void(std::size_t done)>& tell) : tell_(tell) {}
  void add(std::size_t samples);

 private:
  const std::function<void(std::size_t)>& tell_;
  std::mutex mutex_;
  std::size_t done_ = 0;
};

}  // namespace hans::nn
