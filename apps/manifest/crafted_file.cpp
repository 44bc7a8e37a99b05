// The .npz file of adversarial images.
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

  /// What the file says of its attacks: SPECs, or balls.
  std::vector<CraftedBy> made_by(const Shape& image, data::Box box) const {
    std::vector<CraftedBy> all;
    if (has("spec")) {
      for (const Spec& spec : parse_list(array("spec").text(), ' ')) {
        const attacks::Attack attack = attacks::Attack::from_spec(spec);
        all.push_back({text(attack.pinned()), attack.budget(image, box)});
      }
    } else if (has("eps")) {
      attacks::Norm norm{};
      of_file(path_, [&] { data::of_array("norm", [&] { read_value(array("norm").text(), norm); }); });
      for (const float eps : of_file(path_, [&] { return array("eps").floats(); })) {
        all.push_back({text(enum_name(norm), " within ", eps), attacks::budget_of(path_, &eps, norm, image, box)});
      }
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
  made.made_by = rows.made_by(model.input(), made.originals.box);
  const auto attacks = static_cast<std::int64_t>(std::max<std::size_t>(made.made_by.size(), 1));
  made.attack = rows.column<std::size_t>("attack", 0, attacks - 1, 0);
  if (rows.has("success")) made.success = rows.column<bool>("success", 0, 1);
  if (rows.has("model_sha256")) made.model_sha256 = rows.array("model_sha256").text();
  return made;
}

std::string crafted_file(const CraftedSet& set, std::vector<data::NamedArray> more) {
  using data::Array;
  const auto column = [](const auto& values) {
    return Array::of(Shape{values.size()}, std::vector<std::int64_t>(values.begin(), values.end()));
  };
  const data::Samples& originals = set.originals;
  const std::vector<std::uint8_t> success(set.success.begin(), set.success.end());
  std::vector<data::NamedArray> arrays{{"images", Array::of(set.images.shape(), set.images.values())},
                                       {"originals", Array::of(originals.images.shape(), originals.images.values())},
                                       {"labels", column(originals.labels)},
                                       {"targets", column(set.targets)},
                                       {"index", column(originals.index)},
                                       {"attack", column(set.attack)},
                                       {"success", Array::of(Shape{success.size()}, success)}};
  arrays.insert(arrays.end(), more.begin(), more.end());
  arrays.emplace_back("model_sha256", Array::of(set.model_sha256));
  return data::write_npz(arrays);
}

std::string crafted_file(const Run& run) {
  const attacks::Evaluation& found = run.found;
  CraftedSet set;
  set.model_sha256 = run.plan.subject.model_sha256;
  std::string specs;
  std::vector<std::size_t> sample;
  for (std::size_t a = 0; a < found.attacks.size(); ++a) {
    append(specs, text(specs.empty() ? "" : " ", found.attacks[a].attack.pinned()));
    for (const attacks::Attempt& attempt : found.attacks[a].attempts) {
      sample.push_back(attempt.sample);
      set.targets.push_back(attempt.target.value_or(-1));
      set.attack.push_back(a);
      set.success.push_back(attempt.finding.success);
    }
  }
  set.originals = found.samples.select(sample);
  set.images = Tensor::uninitialised(set.originals.images.shape());
  real* out = set.images.mutable_data();
  for (const attacks::AttackResult& result : found.attacks) {
    for (const attacks::Attempt& attempt : result.attempts) {
      check(attempt.image.shape() == run.plan.image.with_front(1), "the images of ", result.attack.spec(),
            " were not kept");
      out = std::ranges::copy(attempt.image.values(), out).out;
    }
  }
  return crafted_file(set, {{"spec", data::Array::of(specs)}});
}

}  // namespace hans::apps
