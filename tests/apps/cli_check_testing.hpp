// Files of adversarial images to be changed, and the command that checks them.
#pragma once

#include <algorithm>
#include <map>
#include <span>
#include <string>
#include <vector>

#include <hans/data/npz.hpp>
#include "cli_testing.hpp"

namespace cli_check {

using namespace hans;
using data::Array;

/// A file of adversarial images, to be changed.
struct File {
  explicit File(std::string_view bytes) : images(Array::of(Shape{0}, std::span<const float>{})), originals(images) {
    for (const std::string& name : data::npz_names(bytes)) others.push_back({name, data::read_npz(bytes, name)});
    images = take("images");
    originals = take("originals");
    features = images.shape.elements() / images.shape[0];
    pixels = images.floats();
    before = originals.floats();
    for (const char* name : {"labels", "targets", "index", "attack", "success"}) columns[name] = take(name).integers();
    spec = take("spec").text();
  }

  std::string bytes() const {
    std::vector<data::NamedArray> all = others;
    all.push_back({"images", Array::of(images.shape, pixels)});
    all.push_back({"originals", Array::of(originals.shape, before)});
    for (const auto& [name, values] : columns) all.push_back({name, Array::of(Shape{values.size()}, values)});
    if (!spec.empty()) all.push_back({"spec", Array::of(spec)});
    return data::write_npz(all);
  }

  float& pixel(std::size_t row, std::size_t feature) { return pixels[row * features + feature]; }
  float original(std::size_t row, std::size_t feature) const { return before[row * features + feature]; }
  std::span<float> row(std::size_t k) { return std::span(pixels).subspan(k * features, features); }
  std::span<float> original_row(std::size_t k) { return std::span(before).subspan(k * features, features); }

  /// The first row that is, or is not, a success.
  std::size_t first(bool success) {
    const auto& flags = columns["success"];
    const auto found = std::ranges::find(flags, success ? 1 : 0);
    EXPECT_NE(found, flags.end());
    return static_cast<std::size_t>(found - flags.begin());
  }

  /// The feature of a row that changed most, or least of those that may go on in the same direction.
  std::size_t changed(std::size_t k) {
    for (std::size_t f = 0; f < features; ++f) {
      const float value = pixel(k, f);
      if (value != original(k, f) && value > 0.01F && value < 0.99F) return f;
    }
    ADD_FAILURE() << "no feature of row " << k << " was changed";
    return 0;
  }

  Array take(const std::string& name) {
    const auto at = std::ranges::find(others, name, &data::NamedArray::first);
    Array found = at->second;
    others.erase(at);
    return found;
  }

  Array images, originals;
  std::size_t features = 0;
  std::vector<float> pixels, before;
  std::map<std::string, std::vector<std::int64_t>> columns;
  std::string spec;
  std::vector<data::NamedArray> others;
};

class CliCheck : public cli::Test {
 protected:
  void SetUp() override {
    cli::Test::SetUp();
    if (!IsSkipped()) train("m.hans");
  }

  File attacked(std::string_view spec, std::string_view rest = "") {
    output(text("attack m.hans --data mnist-5k --limit 40 --quiet --out a.npz --attack ", spec, " ", rest));
    return File(bytes("a.npz"));
  }

  cli::Outcome check(const File& file, std::string_view rest = "") {
    write("lie.npz", file.bytes());
    return hans(text("check lie.npz --model m.hans --data mnist-5k --json lie.json ", rest));
  }
};

}  // namespace cli_check
