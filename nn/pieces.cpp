// Splitting a batch into pieces, one per thread where that is faster.
#include <hans/nn/pieces.hpp>

#include <algorithm>
#include <exception>
#include <vector>

#include <hans/core/parallel.hpp>

namespace hans::nn {
namespace {

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

}  // namespace

Cut cut(const Classifier& model, std::size_t count, std::size_t most) {
  const std::size_t piece = std::min(model.piece(), most_together);
  if (piece > 0) {
    const std::size_t threads = thread_count();
    const std::size_t least = divide_up(piece, 4);
    const std::size_t size = std::clamp(divide_up(count, threads), least, piece);
    // A multiple of the thread count, so that threads finish together.
    const std::size_t even = divide_up(divide_up(count, size), threads) * threads;
    const std::size_t pieces = std::min(even, count / least);
    if (pieces > 1) return {pieces, divide_up(count, pieces), true};
  }
  const std::size_t size = std::max<std::size_t>(most, 1);
  const std::size_t pieces = divide_up(count, size);
  return {pieces, pieces <= 1 ? count : size, false};
}

void for_pieces(const Classifier& model, std::size_t count, Tape& tape,
                const std::function<void(Tape& tape, std::size_t first, std::size_t count)>& body, std::size_t most) {
  const Cut pieces = cut(model, count, most);
  if (pieces.apart) {
    on_tapes(pieces.pieces, tape, [&](Tape& own, std::size_t piece) {
      const std::size_t first = count * piece / pieces.pieces;
      body(own, first, count * (piece + 1) / pieces.pieces - first);
    });
    return;
  }
  for (std::size_t first = 0; first < count; first += pieces.size) {
    tape.rewind();
    body(tape, first, std::min(pieces.size, count - first));
  }
  tape.rewind();
}

void on_tapes(std::size_t units, Tape& tape, const std::function<void(Tape& tape, std::size_t unit)>& body) {
  std::mutex mutex;
  std::vector<Tape*> idle{&tape};
  std::size_t helpers = 0;
  // Units start in rising order, so the first one that would fail always runs, whatever the other threads do.
  std::size_t failed = units;
  std::exception_ptr error;
  tape.rewind();
  parallel_for(units, [&](std::size_t unit) {
    Tape* own = nullptr;
    {
      const std::lock_guard lock(mutex);
      if (unit > failed) return;
      if (idle.empty()) idle.push_back(&tape.helper(helpers++));
      own = idle.back();
      idle.pop_back();
    }
    try {
      body(*own, unit);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (unit < failed) {
        failed = unit;
        error = std::current_exception();
      }
    }
    own->rewind();
    const std::lock_guard lock(mutex);
    idle.push_back(own);
  });
  if (error) std::rethrow_exception(error);
}

void Finished::add(std::size_t samples) {
  if (!tell_) return;
  const std::lock_guard lock(mutex_);
  done_ += samples;
  tell_(done_);
}

}  // namespace hans::nn
