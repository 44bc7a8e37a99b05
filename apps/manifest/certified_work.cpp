// The work of `hans certify --eps`.
#include "certified_work.hpp"

#include <algorithm>

#include <hans/core/file.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/version.hpp>
#include <hans/data/npz.hpp>
#include "../commands.hpp"
#include "../run/run.hpp"
#include "crafted_file.hpp"

namespace hans::apps {
namespace {

using data::Array;
using defenses::Certainty;

constexpr std::string_view certify_array = "certify", images_array = "counterexamples";

/// Puts the counterexamples back to their certificates.
void attach(std::span<CertifiedBall> balls, const Array& images) {
  const std::vector<float> pixels = images.floats();
  check(images.shape.rank() == 4, "they have shape ", images.shape);
  std::size_t row = 0;
  for (CertifiedBall& ball : balls) {
    for (defenses::Certificate& one : ball.all) {
      if (one.certainty != Certainty::attacked) continue;
      check(row < images.shape[0], "there are ", images.shape[0]);
      const std::size_t size = images.shape.row_elements();
      one.counterexample =
          Tensor(images.shape.without_front().with_front(1), std::span(pixels).subspan(row * size, size));
      ++row;
    }
  }
  check(row == images.shape[0], "there are ", images.shape[0], " for ", row, " attacked images");
}

/// The file of progress: an .npz archive of `certify` (the JSON of the part done) and, if they are kept, the arrays of
/// the file of proofs and those of `counterexamples`, ball after ball.
class CertifiedJournal {
 public:
  explicit CertifiedJournal(const Kept& kept) : kept_(kept), file_(kept.progress) {}

  /// Takes over what the file has of `count` images, if there is one.
  void load(CertifiedWork& work, std::size_t count) const {
    if (!file_.exists()) return;
    bool same = false;
    CertifiedWork done = file_.read([&](std::string_view bytes) {
      CertifiedWork read{parse_certified_part(data::read_npz(bytes, certify_array).content)};
      const std::vector<std::string> names = data::npz_names(bytes);
      const auto has = [&](std::string_view name) { return std::ranges::count(names, name) > 0; };
      same = question_json(read.part).dump() == question_json(work.part).dump() &&
             read.part.slice.first == work.part.slice.first && read.part.slice.count <= count &&
             has("tree") == kept_.proofs && has(images_array) == kept_.counterexamples;
      if (same && kept_.proofs) read.proofs = defenses::parse_proof(bytes);
      if (same && kept_.counterexamples) {
        data::of_array(images_array, [&] { attach(read.part.balls, data::read_npz(bytes, images_array)); });
      }
      return read;
    });
    file_.check_same(same);
    note(text(file_.path(), " has the first ", done.part.slice.count, " images, going on from there"));
    done.proofs.part = work.proofs.part;
    for (const std::size_t b : places(work.part.balls.size()))
      extend(work.part.balls[b], std::move(done.part.balls[b]));
    work.part.slice.count = done.part.slice.count;
    if (kept_.proofs) work.proofs = std::move(done.proofs);
  }

  void save(const CertifiedWork& work) {
    file_.save([&] {
      const std::string json = part_json(work.part).dump();
      const std::vector<std::uint8_t> bytes(json.begin(), json.end());
      std::vector<data::NamedArray> arrays{{std::string(certify_array), Array::of(Shape{bytes.size()}, bytes)}};
      if (kept_.proofs) {
        for (data::NamedArray& array : defenses::proof_arrays(work.proofs)) arrays.push_back(std::move(array));
      }
      if (kept_.counterexamples) {
        std::vector<float> pixels;
        std::size_t rows = 0;
        Shape image{1, 1, 1};
        for (const CertifiedBall& ball : work.part.balls) {
          for (const defenses::Certificate& one : ball.all) {
            if (one.certainty != Certainty::attacked) continue;
            const auto values = one.counterexample.values();
            pixels.insert(pixels.end(), values.begin(), values.end());
            image = one.counterexample.shape().without_front();
            ++rows;
          }
        }
        arrays.emplace_back(images_array, Array::of(image.with_front(rows), pixels));
      }
      return data::write_npz(arrays);
    });
  }

 private:
  const Kept& kept_;
  SavedWork file_;
};

/// Moves the proofs of the last images into the file. Images that were certified by splitting boxes have none.
void take_proofs(defenses::ProofFile& file, const data::Samples& samples, std::span<defenses::Certificate> last) {
  for (const std::size_t k : places(last.size())) {
    defenses::Certificate& one = last[k];
    if (!one.proof) continue;
    add_proof(file, one, samples.rows(k, 1).images.values());
    one.proof.reset();
  }
}

}  // namespace

CertifiedWork work_of(const Subject& subject, const Slice& slice, std::span<const defenses::CertifyOptions> asked,
                      bool is_part) {
  CertifiedWork work{{subject, {slice.first, 0, slice.whole}, false, {}}};
  for (const defenses::CertifyOptions& one : asked) work.part.balls.push_back({one});
  defenses::ProofFile& file = work.proofs;
  file.version = build_version();
  file.model_sha256 = subject.model_sha256;
  file.data_sha256 = subject.data_sha256;
  file.eps = asked.front().eps;
  file.box = subject.box;
  if (is_part) {
    file.part = {static_cast<std::int64_t>(slice.first), static_cast<std::int64_t>(slice.count),
                 static_cast<std::int64_t>(slice.whole)};
  }
  return work;
}

void certify_slice(CertifiedWork& work, const nn::Sequential& net, const data::Dataset& data, std::size_t count,
                   const Kept& kept, bool quiet) {
  CertifiedJournal journal(kept);
  journal.load(work, count);
  Slice& slice = work.part.slice;
  constexpr std::size_t images_of_a_thread = 32;  // fewer take longer, more are lost in a kill: they may take hours
  const std::size_t at_once = std::min(images_of_a_thread * thread_count(), images_at_once);
  ProgressBar bar("certify", "images", quiet);
  while (slice.count < count) {
    const std::size_t done = slice.count;
    const data::Samples samples = data.samples(slice.first + done, std::min(at_once, count - done));
    certify_next(work.part.balls, net, samples, kept.counterexamples,
                 [&](std::size_t decided) { bar.update(done + decided, count); });
    if (kept.proofs) take_proofs(work.proofs, samples, std::span(work.part.balls.front().all).last(samples.size()));
    slice.count += samples.size();
    if (slice.count < count) journal.save(work);
  }
  check_consistent(work.part.balls);
}

std::string counterexamples_file(const CertifiedPart& part, const data::Dataset& data) {
  const std::vector<CertifiedBall>& balls = part.balls;
  CraftedSet set;
  std::vector<float> radii, pixels;
  for (const std::size_t b : places(balls.size())) {
    radii.push_back(balls[b].asked.eps);
    for (const defenses::Certificate& one : balls[b].all) {
      if (one.certainty != defenses::Certainty::attacked) continue;
      const auto image = one.counterexample.values();
      pixels.insert(pixels.end(), image.begin(), image.end());
      set.originals.index.push_back(one.index);
      set.attack.push_back(b);
    }
  }
  const std::size_t rows = set.attack.size();
  set.originals = data.gather(set.originals.index);
  set.images = Tensor(data.image_shape().with_front(rows), pixels);
  set.targets.assign(rows, -1);
  set.success.assign(rows, true);
  set.model_sha256 = part.subject.model_sha256;
  return crafted_file(set, {{"norm", data::Array::of(enum_name(balls.front().asked.norm))},
                            {"eps", data::Array::of(Shape{radii.size()}, radii)}});
}

}  // namespace hans::apps
