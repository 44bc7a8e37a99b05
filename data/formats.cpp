// The readers of data sets, one a format.
#include "detail/formats.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/data/npz.hpp>
#include "detail/gzip.hpp"
#include "detail/idx.hpp"
#include "detail/inflate.hpp"
#include "detail/mnist_5k.hpp"

namespace hans::data {

namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t most_bytes =
    std::min<std::uint64_t>(std::uint64_t{1} << 32, std::numeric_limits<std::ptrdiff_t>::max());

/// Runs `read` and puts `what` before the message of an Error.
template <class Read>
auto within(std::string_view what, const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    throw Error(text(in_quotes(what), ": ", error.what()));
  }
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) && !fs::is_directory(path, ignored);
}

/// So many that their labels fit into memory whatever the images are.
void check_count(std::size_t count) {
  constexpr std::size_t most = std::size_t{1} << 23;
  check(count <= most, "there are ", count, " images, more than ", most);
}

// ---- a folder of IDX files ----------------------------------------------------------------------------------

std::string idx_name(Part part, std::string_view what, std::string_view mark, std::string_view type) {
  return text(part == Part::train ? "train-" : "t10k-", what, mark, type, "-ubyte");
}

// The file in `folder` with the images (labels) of a part, or an empty path.
fs::path find_idx(const fs::path& folder, Part part, std::string_view what, std::string_view type) {
  for (const std::string_view mark : {"-", "."}) {
    for (const std::string_view ending : {"", ".gz"}) {
      fs::path path = folder / text(idx_name(part, what, mark, type), ending);
      if (is_file(path)) return path;
    }
  }
  return {};
}

fs::path find_images(const fs::path& folder, Part part) {
  fs::path path = find_idx(folder, part, "images", "idx3");
  return path.empty() ? find_idx(folder, part, "images", "idx4") : path;
}

std::string lacks_images(const fs::path& folder, Part part) {
  return find_images(folder, part).empty() ? text(idx_name(part, "images", "-", "idx3"), " (or .gz)") : "";
}

struct Images {
  Shape image;
  std::string pixels;
};

Images images_of(std::string file) {
  const Idx idx = read_idx(file);
  check(idx.shape.rank() >= 3, "these are numbers of shape ", idx.shape, ", not images: perhaps the labels?");
  check_count(idx.shape[0]);
  const Shape image{idx.shape[1], idx.shape[2], idx.shape.rank() == 4 ? idx.shape[3] : 1};
  file.erase(0, file.size() - idx.values.size());
  return {image, std::move(file)};
}

std::vector<int> labels_of(std::string_view file) {
  const Idx idx = read_idx(file);
  check(idx.shape.rank() == 1, "these are numbers of shape ", idx.shape, ", not labels: perhaps the images?");
  check_count(idx.shape[0]);
  std::vector<int> labels;
  labels.reserve(idx.values.size());
  for (const char label : idx.values) labels.push_back(static_cast<unsigned char>(label));
  return labels;
}

std::string read_perhaps_gzipped(const fs::path& path) {
  std::string file = read_file(path, most_bytes);
  if (path.extension() != ".gz" && !is_gzip(file)) return file;
  const std::string start = gunzip_start(file, longest_idx_header);
  const std::uint64_t size = idx_size(start), most = most_expanded(file.size());
  if (size == 0) return start;  // whose reader says what is wrong with it
  check(size <= most, "its header promises ", size, " bytes, but a gzip file of ", file.size(),
        " bytes may hold no more than ", most, "; store it without compression");
  return gunzip(file, size);
}

Dataset read_idx_folder(const Source& source) {
  const fs::path images_path = find_images(source.path, source.part),
                 labels_path = find_idx(source.path, source.part, "labels", "idx1");
  const auto there = [&](const fs::path& path, std::string_view what, std::string_view type) {
    check(!path.empty(), "there is no ", idx_name(source.part, what, "-", type), " (or .gz) in ",
          in_quotes(source.path.string()));
  };
  there(images_path, "images", "idx3");
  there(labels_path, "labels", "idx1");
  Images images = within(images_path.string(), [&] { return images_of(read_perhaps_gzipped(images_path)); });
  std::vector<int> labels = within(labels_path.string(), [&] { return labels_of(read_perhaps_gzipped(labels_path)); });
  return Dataset(source.name, images.image, std::move(images.pixels), std::move(labels), source.classes);
}

// ---- .npz ---------------------------------------------------------------------------------------------------

bool is_npz_path(const fs::path& path) { return path.extension() == ".npz"; }

Dataset read_npz_file(const Source& source) {
  const std::string path = source.path.string();
  check_usage(!source.names_part, in_quotes(path), " has no parts; leave '/", to_text(source.part), "' away");
  const std::string file = read_file(path, most_bytes);
  return within(path, [&] {
    Array images = read_npz(file, "images");
    const std::size_t rank = images.shape.rank();
    check(rank == 3 || rank == 4, "the images have shape ", images.shape,
          "; count x height x width, perhaps x channels, is needed");
    check_count(images.shape[0]);
    std::vector<int> labels;
    constexpr std::uint64_t widest_label = 8, longest_header = 65536;
    const Array stored = read_npz(file, "labels", images.shape[0] * widest_label + longest_header);
    check(stored.shape.rank() == 1, "the labels have shape ", stored.shape, "; one number for each image is needed");
    for (const std::int64_t label : stored.integers()) {
      check(label >= 0 && label <= std::numeric_limits<int>::max(), "label ", label, " of image ", labels.size(),
            " is outside every range");
      labels.push_back(static_cast<int>(label));
    }
    const Shape image{images.shape[1], images.shape[2], rank == 4 ? images.shape[3] : 1};
    if (images.kind == Array::Kind::floating) {
      return Dataset(path, image, images.floats(), std::move(labels), source.classes);
    }
    check(images.type_name() == "uint8", "the images have elements of type ", images.type_name(),
          "; uint8, or float32 in [0, 1], is needed");
    return Dataset(path, image, std::move(images.content), std::move(labels), source.classes);
  });
}

// ---- all ----------------------------------------------------------------------------------------------------

constexpr std::array<Format, 2> all_formats{{
    {{"npz", "an .npz file with images and labels"}, is_npz_path, nullptr, read_npz_file},
    {{"idx", "a folder of IDX files"}, is_folder, lacks_images, read_idx_folder},
}};

}  // namespace

std::span<const Format> formats() { return all_formats; }

const Format& format(std::string_view name) { return *std::ranges::find(all_formats, name, &Format::name); }

std::vector<FormatInfo> list_formats() { return {all_formats.begin(), all_formats.end()}; }

Split mnist(const std::string& folder) {
  const auto part = [&](Part which) {
    return read_idx_folder({folder, which, true, text(folder, "/", to_text(which)), 10});
  };
  return {part(Part::train), part(Part::test)};
}

// The first 450 images of each class are the train part, the last 50 the test part: the stored order is 0, 1, ..., 9,
// 0, 1, ... so that both are stretches.
Dataset read_mnist_5k(Part part, std::string name) {
  const auto gunzip_bytes = [](std::span<const unsigned char> bytes) {
    return gunzip({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, most_bytes);
  };
  Images all = images_of(gunzip_bytes(mnist_5k_images_gz()));
  std::vector<int> labels = labels_of(gunzip_bytes(mnist_5k_labels_gz()));
  constexpr std::size_t boundary = 4500;
  const std::size_t pixels = boundary * all.image.elements();
  const auto middle = labels.begin() + static_cast<std::ptrdiff_t>(boundary);
  if (part == Part::train) {
    all.pixels.resize(pixels);
    labels.erase(middle, labels.end());
  } else {
    all.pixels.erase(0, pixels);
    labels.erase(labels.begin(), middle);
  }
  return Dataset(std::move(name), all.image, std::move(all.pixels), std::move(labels), 10);
}

}  // namespace hans::data
