// The .npz file of adversarial images that `hans attack --out` writes.
#include <hans/apps/crafted_file.hpp>

#include <algorithm>
#include <vector>

#include <hans/data/npz.hpp>

namespace hans::apps {

std::string crafted_file(const Subject& subject, const attacks::Evaluation& found) {
  const data::Samples& samples = found.samples;
  const std::size_t features = samples.images.shape().row_elements();
  std::size_t rows = 0;
  for (const attacks::AttackResult& result : found.attacks) rows += result.attempts.size();

  std::vector<float> images, originals;
  std::vector<std::int64_t> labels, targets, index, attack;
  std::vector<std::uint8_t> success;
  images.reserve(rows * features);
  originals.reserve(rows * features);
  std::string specs;
  for (std::size_t a = 0; a < found.attacks.size(); ++a) {
    const attacks::AttackResult& result = found.attacks[a];
    check(result.images.size() == result.attempts.size(), "the images of ", result.attack.spec(), " were not kept");
    append(specs, text(specs.empty() ? "" : " ", result.attack.spec()));
    for (std::size_t k = 0; k < result.attempts.size(); ++k) {
      const attacks::Attempt& attempt = result.attempts[k];
      const auto image = result.images[k].values();
      const auto original = samples.images.values().subspan(attempt.sample * features, features);
      images.insert(images.end(), image.begin(), image.end());
      originals.insert(originals.end(), original.begin(), original.end());
      labels.push_back(samples.labels[attempt.sample]);
      targets.push_back(attempt.target.value_or(-1));
      index.push_back(samples.index[attempt.sample]);
      attack.push_back(static_cast<std::int64_t>(a));
      success.push_back(attempt.finding.success ? 1 : 0);
    }
  }
  using data::Array;
  const Shape all = samples.images.shape().without_front().with_front(rows);
  const Shape column{rows};
  const std::vector<data::NamedArray> arrays{{"images", Array::of(all, images)},
                                             {"originals", Array::of(all, originals)},
                                             {"labels", Array::of(column, labels)},
                                             {"targets", Array::of(column, targets)},
                                             {"index", Array::of(column, index)},
                                             {"attack", Array::of(column, attack)},
                                             {"success", Array::of(column, success)},
                                             {"spec", Array::of(specs)},
                                             {"model_sha256", Array::of(subject.model_sha256)}};
  return data::write_npz(arrays);
}

}  // namespace hans::apps
