// How samples go through a model: in pieces, each on a thread of its own where that pays.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>

#include <hans/nn/classifier.hpp>

namespace hans::nn {

/// So many samples at most go through a model together: enough to keep the kernels busy.
constexpr std::size_t most_together = 128;

/// How samples are cut into pieces.
struct Cut {
  std::size_t pieces;  ///< nearly equal ones
  std::size_t size;    ///< of the largest
  bool apart;          ///< they run side by side, each on one thread; otherwise in turn, and all threads share each
};

/// What is best for `count` samples: pieces of model.piece(), though not more than most_together, or smaller ones so
/// that every thread has some, but not less than a quarter. Where that makes only one, and for a model with piece() =
/// 0, they have `most` samples at most.
Cut cut(const Classifier& model, std::size_t count, std::size_t most = most_together);

/// Calls body(tape, first, count) for all pieces of `count` samples, by several threads at the same time if they run
/// side by side. Each time the tape is `tape` or one of its helpers, used by nobody else and rewound afterwards. What
/// body does to a sample must not depend on the others of its piece. Throws what the first piece of those that fail
/// throws; the pieces behind it may have run or not.
void for_pieces(const Classifier& model, std::size_t count, Tape& tape,
                const std::function<void(Tape& tape, std::size_t first, std::size_t count)>& body,
                std::size_t most = most_together);

/// What for_pieces is made of: calls body(tape, unit) for each unit 0 .. units - 1.
void on_tapes(std::size_t units, Tape& tape, const std::function<void(Tape& tape, std::size_t unit)>& body);

/// Counts finished samples for a callback, which may be empty. Its numbers rise: one thread at a time calls it.
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
