// The .npz file of adversarial images that `hans attack --out` writes and `hans transfer` and `hans check` read.
#include "crafted_file.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <vector>

#include <hans/core/file.hpp>
#include <hans/data/npz.hpp>

namespace hans::apps {
namespace {

/// Images that were channels x height x width, as height x width x channels.
Tensor pixels_of(std::span<const float> planes, std::size_t count, const Shape& image) {
  const std::size_t channels = image[2], pixels = image.elements() / channels;
  Tensor made(image.with_front(count));
  real* out = made.mutable_data();
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t pixel = 0; pixel < pixels; ++pixel) {
      for (std::size_t c = 0; c < channels; ++c) *out++ = planes[(i * channels + c) * pixels + pixel];
    }
  }
  return made;
}

/// What `read` returns; an Error from it names the file.
template <class Read>
auto of_file(const std::string& path, const Read& read) {
  try {
    return read();
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    throw Error(text(path, ": ", error.what()));
  }
}

/// The arrays of a file, each checked against the number of rows.
class Rows {
 public:
  explicit Rows(const std::string& path) : path_(path), file_(read_file(path)) {
    check(data::is_npz(file_), path, " is no .npz file of adversarial images, as hans attack --out writes them");
    names_ = of_file(path, [&] { return data::npz_names(file_); });
  }

  bool has(std::string_view name) const { return std::ranges::count(names_, name) > 0; }
  data::Array array(std::string_view name) const {
    check(has(name), path_, " has no array ", in_quotes(name), "; images, originals and labels must be there");
    return of_file(path_, [&] { return data::read_npz(file_, name); });
  }

  /// Images, of which the first array says how many rows there are.
  Tensor images(std::string_view name, const Shape& image) {
    const data::Array found = array(name);
    const std::size_t height = image[0], width = image[1], channels = image[2];
    const Shape stored = found.shape.rank() > 0 ? found.shape.without_front() : Shape{};
    const bool by_channel = channels > 1 && stored == Shape{channels, height, width};
    const bool plane =
        stored == Shape{channels, height, width} || stored == Shape{height, width} || stored == Shape{image.elements()};
    const bool fits = stored == image || by_channel || (channels == 1 && plane);
    check(found.shape.rank() > 0 && fits, name, " in ", path_, " have shape ", found.shape,
          "; the model takes images of ", image);
    const std::vector<float> values =
        of_file(path_, [&] { return data::of_array(name, [&] { return found.floats(); }); });
    if (!count_) count_ = found.shape[0];
    check(found.shape[0] == *count_, path_, " has ", *count_, " images and ", found.shape[0], " ", name);
    Tensor made(image.with_front(*count_), std::vector<real>(values.begin(), values.end()));
    return by_channel ? pixels_of(values, *count_, image) : made;
  }

  /// A column of integers in a range; `otherwise` everywhere if it is not there.
  template <class T>
  std::vector<T> column(std::string_view name, std::int64_t low, std::int64_t high,
                        std::optional<T> otherwise = {}) const {
    if (!has(name) && otherwise) return std::vector<T>(*count_, *otherwise);
    const data::Array found = array(name);
    check(found.shape == Shape{*count_}, name, " in ", path_, " has shape ", found.shape, " for ", *count_, " images");
    std::vector<T> all;
    const auto read = [&] { return data::of_array(name, [&] { return found.integers(); }); };
    for (const std::int64_t one : of_file(path_, read)) {
      check(one >= low && one <= high, name, " in ", path_, " has a ", one, "; allowed are ", low, " to ", high);
      all.push_back(static_cast<T>(one));
    }
    return all;
  }

 private:
  const std::string& path_;
  std::string file_;
  std::vector<std::string> names_;
  std::optional<std::size_t> count_;
};

}  // namespace

CraftedSet read_crafted(const std::string& path, const nn::Classifier& model, const data::Dataset* data) {
  Rows rows(path);
  CraftedSet made;
  made.images = rows.images("images", model.input());
  const std::size_t count = made.images.shape()[0];
  const auto last = static_cast<std::int64_t>(model.classes()) - 1;
  std::vector<std::uint32_t> places(count);
  std::iota(places.begin(), places.end(), 0U);
  if (rows.has("index")) places = rows.column<std::uint32_t>("index", 0, 0xffffffff);
  if (data != nullptr) made.originals = data->gather(places);
  made.originals.index = places;
  if (data == nullptr || rows.has("originals")) made.originals.images = rows.images("originals", model.input());
  if (data == nullptr || rows.has("labels")) made.originals.labels = rows.column<int>("labels", 0, last);
  made.targets = rows.column<int>("targets", -1, last, -1);
  if (rows.has("spec")) {
    for (const Spec& spec : parse_list(rows.array("spec").text(), ' ')) {
      made.attacks.push_back(attacks::Attack::from_spec(spec));
    }
  }
  const auto attacks = static_cast<std::int64_t>(std::max<std::size_t>(made.attacks.size(), 1));
  made.attack = rows.column<std::size_t>("attack", 0, attacks - 1, 0);
  if (rows.has("success")) made.success = rows.column<bool>("success", 0, 1);
  if (rows.has("model_sha256")) made.model_sha256 = rows.array("model_sha256").text();
  return made;
}

std::string crafted_file(const Run& run) {
  const attacks::Evaluation& found = run.found;
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
    append(specs, text(specs.empty() ? "" : " ", result.attack.pinned()));
    for (const attacks::Attempt& attempt : result.attempts) {
      const auto image = attempt.image.values();
      check(image.size() == features, "the images of ", result.attack.spec(), " were not kept");
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
                                             {"model_sha256", Array::of(run.plan.subject.model_sha256)}};
  return data::write_npz(arrays);
}

}  // namespace hans::apps
