// Samples in pieces: every sample once, the same bits for any cut and any threads, order of progress, failures.
#include <hans/nn/pieces.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include <hans/attacks/fgsm.hpp>
#include <hans/attacks/jsma.hpp>
#include <hans/core/parallel.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/models.hpp>
#include "../attacks/attacks_testing.hpp"

namespace hans::pieces_test {
namespace {

using namespace testing_attacks;

/// A network that goes in pieces of a given size, and notes who asks it for logits.
class InPieces final : public nn::Classifier {
 public:
  InPieces(const nn::Sequential& net, std::size_t piece) : net_(net), piece_(piece) {}
  const Shape& input() const override { return net_.input(); }
  std::size_t classes() const override { return net_.classes(); }
  std::size_t piece() const override { return piece_; }
  Var logits(const Var& images) const override {
    if (std::this_thread::get_id() != caller_) elsewhere_ = true;
    std::size_t most = most_;
    while (most < images.shape()[0] && !most_.compare_exchange_weak(most, images.shape()[0])) {
    }
    return net_.logits(images);
  }
  bool elsewhere() const { return elsewhere_; }  ///< on another thread than the one that made this
  std::size_t most() const { return most_; }     ///< images together

 private:
  const nn::Sequential& net_;
  std::size_t piece_;
  std::thread::id caller_ = std::this_thread::get_id();
  mutable std::atomic<bool> elsewhere_{false};
  mutable std::atomic<std::size_t> most_{0};
};

class Threads {
 public:
  explicit Threads(std::size_t count) : before_(thread_count()) { set_thread_count(count); }
  ~Threads() { set_thread_count(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  std::size_t before_;
};

TEST(Pieces, HoldEverySampleOnce) {
  const std::vector<nn::Sequential> models = small_models();
  for (const std::size_t threads : {1U, 2U, 3U, 8U}) {
    const Threads set(threads);
    for (const std::size_t piece : {0U, 1U, 2U, 5U, 8U, 1000U}) {
      const InPieces model(models[0], piece);
      for (const std::size_t count : {0U, 1U, 2U, 7U, 16U, 17U, 128U, 129U, 300U}) {
        SCOPED_TRACE(text(threads, " threads, pieces of ", piece, ", ", count, " samples"));
        const nn::Cut cut = nn::cut(model, count, 100);
        std::vector<std::atomic<int>> seen(count);
        std::atomic<std::size_t> pieces{0}, largest{0};
        Tape tape;
        nn::for_pieces(
            model, count, tape,
            [&](Tape&, std::size_t first, std::size_t size) {
              ++pieces;
              std::size_t before = largest;
              while (before < size && !largest.compare_exchange_weak(before, size)) {
              }
              for (std::size_t i = first; i < first + size; ++i) ++seen[i];
            },
            100);
        for (const std::atomic<int>& times : seen) EXPECT_EQ(times, 1);
        EXPECT_EQ(pieces, cut.pieces);
        EXPECT_EQ(largest, cut.size);
        const std::size_t most = std::min(piece, nn::most_together);
        EXPECT_LE(largest, cut.apart ? most : 100);
        EXPECT_FALSE(cut.apart && (piece == 0 || cut.pieces <= 1));
        EXPECT_TRUE(cut.apart || piece == 0 || count <= most);
      }
    }
  }
}

TEST(Pieces, GiveEveryThreadSomething) {
  const std::vector<nn::Sequential> models = small_models();
  const InPieces model(models[0], 8);
  struct Case {
    std::size_t threads, count, pieces;
  };
  // From the largest pieces that leave no thread idle, but none below two samples.
  for (const Case c : {Case{2, 128, 16}, Case{2, 129, 18}, Case{2, 8, 2}, Case{2, 4, 2}, Case{2, 3, 1}, Case{2, 1, 1},
                       Case{3, 128, 18}, Case{8, 16, 8}, Case{8, 9, 4}, Case{1, 16, 2}, Case{1, 8, 1}}) {
    const Threads set(c.threads);
    EXPECT_EQ(nn::cut(model, c.count).pieces, c.pieces) << c.threads << ' ' << c.count;
  }
}

TEST(Pieces, AreForNetworksWhoseWeightsAreLight) {
  const auto piece_of = [](std::string_view name) { return nn::make_model(name, Rng(1)).piece(); };
  EXPECT_EQ(piece_of("small"), 16U);
  for (const std::string_view heavy : {"v1", "madry", "mlp"}) EXPECT_EQ(piece_of(heavy), 0U) << heavy;
  EXPECT_GT(piece_of("linear"), 128U);
  // More than 2 MiB for one sample: no less than the lanes.
  EXPECT_EQ(nn::Sequential::parse(
                "512x512x1;conv2d:filters=8,kernel=9,stride=2;relu;max_pool2d:kernel=8;flatten;linear:units=2", Rng(1))
                .piece(),
            16U);
}

TEST(Pieces, HaveATapeOfTheirOwn) {
  const Threads set(3);
  const std::vector<nn::Sequential> models = small_models();
  const InPieces model(models[0], 1);
  Tape tape;
  std::mutex mutex;
  std::set<Tape*> at_work, all;
  nn::for_pieces(model, 200, tape, [&](Tape& own, std::size_t, std::size_t) {
    {
      const std::lock_guard lock(mutex);
      EXPECT_TRUE(at_work.insert(&own).second);
      all.insert(&own);
    }
    EXPECT_EQ(own.operations(), 0U);
    own.watch(Tensor(Shape{3}));
    const std::lock_guard lock(mutex);
    at_work.erase(&own);
  });
  EXPECT_TRUE(all.contains(&tape));
  EXPECT_LE(all.size(), 3U);
  for (Tape* used : all) EXPECT_EQ(used->operations(), 0U);
}

TEST(Pieces, ThrowWhatTheFirstToFailThrows) {
  const std::vector<nn::Sequential> models = small_models();
  for (const std::size_t threads : {1U, 2U, 8U}) {
    const Threads set(threads);
    for (const std::size_t piece : {0U, 1U, 4U}) {
      const InPieces model(models[0], piece);
      Tape tape;
      for (int repeat = 0; repeat < 20; ++repeat) {
        std::string message = "none";
        try {
          nn::for_pieces(model, 64, tape, [&](Tape& own, std::size_t first, std::size_t size) {
            own.watch(Tensor(Shape{3}));
            if (first == 0) std::this_thread::yield();
            for (std::size_t i = first; i < first + size; ++i) check(i < 9, "sample ", i);
          });
        } catch (const Error& error) {
          message = error.what();
        }
        EXPECT_EQ(message, "sample 9") << threads << ' ' << piece;
      }
      std::atomic<std::size_t> done{0};
      nn::for_pieces(model, 64, tape, [&](Tape&, std::size_t, std::size_t size) { done += size; });
      EXPECT_EQ(done, 64U);
    }
  }
}

TEST(Pieces, AnAttackEndsWhenOneFails) {
  const std::vector<nn::Sequential> models = small_models();
  data::Samples samples = random_samples(models[2].input(), 60, 4, 3);
  samples.images.mutable_data()[41 * 36] = not_a_number;
  const attacks::Goal goal = towards(next_classes(samples.labels, 4));
  for (const std::size_t threads : {1U, 2U, 3U}) {
    const Threads set(threads);
    const InPieces model(models[2], 3);
    for (const std::string_view spec : {"fgsm:eps=0.3", "jsma:gamma=0.3"}) {
      EXPECT_THROW(attack(spec)(model, samples, goal), Error) << spec;
      const auto stop = [](std::size_t done) { check(done < 20, "stopped"); };
      EXPECT_THROW(attack(spec)(model, samples.rows(0, 40), towards(1), {0, stop, nullptr}), Error) << spec;
    }
  }
}

TEST(Pieces, OfOtherModelsAreNotCut) {
  const Threads set(3);
  const std::vector<nn::Sequential> models = small_models();
  const data::Samples samples = random_samples(models[2].input(), 200, 4, 4);
  const InPieces whole(models[2], 0);
  nn::predict(whole, samples.images);
  attack("fgsm:eps=0.3")(whole, samples, away_from(samples.labels));
  attack("jsma:gamma=0.1")(whole, samples, towards(1));
  EXPECT_FALSE(whole.elsewhere());
  EXPECT_EQ(whole.most(), nn::most_together);
  const InPieces cut(models[2], 5);
  nn::predict(cut, samples.images);
  attack("fgsm:eps=0.3")(cut, samples, away_from(samples.labels));
  attack("jsma:gamma=0.1")(cut, samples, towards(1));
  EXPECT_EQ(cut.most(), 5U);
}

// Predictions, images, notes and counts of attacks: as without pieces.
TEST(DeterminismOfPieces, SameBitsForAllCutsAndThreads) {
  const std::vector<nn::Sequential> models = small_models();
  for (const nn::Sequential& net : models) {
    const data::Samples samples = random_samples(net.input(), 70, 4, 5);
    for (const std::string_view spec :
         {"fgsm:eps=0.2", "fgsm:eps=1,norm=l2,label=model", "fgsm@cleverhans-1.0.0:eps=0.3", "jsma:gamma=0.3",
          "jsma:gamma=0.2,of=logits,theta=0.4", "jsma@cleverhans-1.0.0:theta=1,gamma=0.2"}) {
      const attacks::Attack made = attack(spec);
      const attacks::Goal goal = goal_for(made, samples.labels, 4);
      const attacks::Crafted whole = made(InPieces(net, 0), samples, goal);
      const std::vector<int> predicted = nn::predict(InPieces(net, 0), whole.images);
      for (const std::size_t threads : {1U, 2U, 3U, 8U}) {
        const Threads set(threads);
        for (const std::size_t piece : {1U, 3U, 16U, 64U}) {
          SCOPED_TRACE(text(spec, " on ", net.architecture(), ", ", threads, " threads, pieces of ", piece));
          const InPieces model(net, piece);
          std::vector<std::size_t> done;
          Tape tape;
          const attacks::Crafted found =
              made(model, samples, goal, {0, [&](std::size_t count) { done.push_back(count); }, &tape});
          EXPECT_TRUE(identical(found.images, whole.images));
          EXPECT_EQ(found.forwards, whole.forwards);
          EXPECT_EQ(found.gradients, whole.gradients);
          for (std::size_t i = 0; i < samples.size(); ++i) {
            EXPECT_EQ(found.notes[i].stop, whole.notes[i].stop);
            EXPECT_EQ(found.notes[i].steps, whole.notes[i].steps);
            EXPECT_EQ(found.notes[i].loss, whole.notes[i].loss);
            EXPECT_EQ(found.notes[i].gradient_norm, whole.notes[i].gradient_norm);
          }
          EXPECT_TRUE(std::ranges::is_sorted(done));
          EXPECT_EQ(done.back(), samples.size());
          EXPECT_EQ(nn::predict(model, found.images), predicted);
        }
      }
    }
  }
}

TEST(Pieces, OfADataSetReportInOrder) {
  const data::Dataset digits = data::load("mnist-5k/test");
  const nn::Sequential net = nn::Sequential::parse("28x28x1;flatten;linear:units=10", Rng(3));
  const std::vector<int> whole = nn::predict(InPieces(net, 0), digits, 300);
  EXPECT_EQ(whole.size(), 300U);
  for (const std::size_t threads : {1U, 3U}) {
    const Threads set(threads);
    std::vector<std::size_t> done;
    EXPECT_EQ(nn::predict(InPieces(net, 7), digits, 300, [&](std::size_t count) { done.push_back(count); }), whole);
    EXPECT_TRUE(std::ranges::is_sorted(done));
    EXPECT_EQ(done.back(), 300U);
    EXPECT_EQ(done.size(), nn::cut(InPieces(net, 7), 300).pieces);
  }
}

}  // namespace
}  // namespace hans::pieces_test
