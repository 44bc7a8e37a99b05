// Pixels as they are stored, and their conversion into the numbers a model works on.
#include <hans/data/dataset.hpp>

#include <algorithm>
#include <array>
#include <limits>

#include <hans/core/error.hpp>
#include <hans/core/hash.hpp>

namespace hans::data {

namespace {

constexpr std::size_t most_classes = 1000;  // where the caller does not know better: catches what are no labels

constexpr std::array<float, 256> pixel_values = [] {
  std::array<float, 256> values{};
  for (std::size_t byte = 0; byte < values.size(); ++byte) values[byte] = static_cast<float>(byte) / 255.0f;
  return values;
}();

void check_range(std::size_t first, std::size_t count, std::size_t size) {
  check(first <= size && count <= size - first, "there are no samples ", first, " to ", first, " + ", count, " in ",
        size);
}

void check_fit(const Samples& samples) {
  const Shape& shape = samples.images.shape();
  check(shape.rank() > 0 && shape[0] == samples.size() && samples.index.size() == samples.size(), samples.size(),
        " labels and ", samples.index.size(), " positions do not fit images of shape ", shape);
}

}  // namespace

Samples Samples::rows(std::size_t first, std::size_t count) const {
  check_fit(*this);
  check_range(first, count, size());
  const auto cut = [&](const auto& values) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(first);
    return std::vector(begin, begin + static_cast<std::ptrdiff_t>(count));
  };
  return {images.rows(first, count), cut(labels), cut(index), box};
}

Samples Samples::select(std::span<const std::size_t> which) const {
  check_fit(*this);
  Samples out{Tensor::uninitialised(images.shape().without_front().with_front(which.size())), {}, {}, box};
  const std::size_t features = images.shape().row_elements();
  real* to = out.images.mutable_data();
  for (const std::size_t k : which) {
    check_range(k, 1, size());
    to = std::copy_n(images.data() + k * features, features, to);
    out.labels.push_back(labels[k]);
    out.index.push_back(index[k]);
  }
  return out;
}

struct Dataset::Store {
  std::string name;
  Shape image{0, 0, 0};
  std::string bytes;  // one of these two is empty
  std::vector<float> floats;
  std::vector<int> labels;
  std::size_t classes = 0;

  // What both constructors check; `pixels` is how many there are.
  void check_all(std::size_t pixels) {
    const std::string what = in_quotes(name);
    check(image.rank() == 3 && image.elements() > 0, what, ": images must be height x width x channels, not ", image);
    check(pixels > 0, what, " holds no images");
    const std::size_t count = pixels / image.elements();
    check(pixels % image.elements() == 0 && count == labels.size(), what, " has ", count, " images of ", image, " but ",
          labels.size(), " labels");
    check(count <= std::numeric_limits<std::uint32_t>::max(), what, " has ", count, " images, more than 2^32 - 1");
    const std::size_t most = classes > 0 ? classes : most_classes;
    for (std::size_t k = 0; k < count; ++k) {
      check(labels[k] >= 0 && static_cast<std::size_t>(labels[k]) < most, what, ": label ", labels[k], " of image ", k,
            " is outside 0 to ", most - 1);
    }
    if (classes == 0) classes = static_cast<std::size_t>(*std::max_element(labels.begin(), labels.end())) + 1;
  }
};

Dataset::Dataset(std::string name, const Shape& image, std::string pixels, std::vector<int> labels,
                 std::size_t classes) {
  Store store{std::move(name), image, std::move(pixels), {}, std::move(labels), classes};
  store.check_all(store.bytes.size());
  store_ = std::make_shared<const Store>(std::move(store));
}

Dataset::Dataset(std::string name, const Shape& image, std::vector<float> pixels, std::vector<int> labels,
                 std::size_t classes) {
  Store store{std::move(name), image, {}, std::move(pixels), std::move(labels), classes};
  store.check_all(store.floats.size());
  const std::string what = in_quotes(store.name);
  for (std::size_t k = 0; k < store.floats.size(); ++k) {
    // Written so that a NaN fails as well.
    check(store.floats[k] >= 0.0f && store.floats[k] <= 1.0f, what, ": image ", k / image.elements(), " holds ",
          store.floats[k], "; pixels must be in [0, 1]: divide by what white is, or store bytes");
  }
  store_ = std::make_shared<const Store>(std::move(store));
}

const Dataset::Store& Dataset::store() const {
  static const Store empty;
  return store_ ? *store_ : empty;
}

const std::string& Dataset::name() const { return store().name; }
std::size_t Dataset::size() const { return store().labels.size(); }
const Shape& Dataset::image_shape() const { return store().image; }
std::size_t Dataset::classes() const { return store().classes; }
std::span<const int> Dataset::labels() const { return store().labels; }

std::string Dataset::sha256() const {
  Sha256 hash;
  hash.add_u64(size());
  for (const std::size_t extent : image_shape()) hash.add_u64(extent);
  hash.add(store().bytes).add(std::span(store().floats));
  for (const int label : labels()) hash.add_i32(label);
  return hash.hex();
}

Samples Dataset::first(std::size_t count) const { return samples(0, std::min(count, size())); }

Samples Dataset::samples(std::size_t first, std::size_t count) const {
  check_range(first, count, size());
  std::vector<std::uint32_t> which(count);
  for (std::size_t k = 0; k < count; ++k) which[k] = static_cast<std::uint32_t>(first + k);
  return gather(which);
}

Samples Dataset::gather(std::span<const std::uint32_t> which) const {
  Samples out{Tensor::uninitialised(image_shape().with_front(which.size())), {}, {which.begin(), which.end()}, box()};
  gather_into(which, out.images, out.labels);
  return out;
}

void Dataset::gather_into(std::span<const std::uint32_t> which, Tensor& images, std::vector<int>& labels) const {
  const Store& from = store();
  check(images.shape() == from.image.with_front(which.size()), which.size(), " images of ", from.image,
        " do not fit into a tensor of ", images.shape());
  const std::size_t features = from.image.elements();
  real* to = images.mutable_data();
  labels.clear();
  for (const std::uint32_t k : which) {
    check_range(k, 1, size());
    labels.push_back(from.labels[k]);
    if (from.floats.empty()) {
      for (const char pixel : std::string_view(from.bytes).substr(k * features, features)) {
        *to++ = real{pixel_values[static_cast<unsigned char>(pixel)]};
      }
    } else {
      for (const float pixel : std::span(from.floats).subspan(k * features, features)) *to++ = real{pixel};
    }
  }
}

}  // namespace hans::data
