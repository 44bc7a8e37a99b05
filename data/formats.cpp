// The readers of data sets, one a format.
#include "detail/formats.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <optional>

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

/// What to do with the files of a folder that holds no IDX files; empty where nobody knows.
std::string remedy(const fs::path& folder) {
  std::error_code ignored;
  if (is_file(folder / "data_batch_1")) return "; of CIFAR-10 get the binary version, cifar-10-binary.tar.gz";
  const auto end = fs::recursive_directory_iterator();
  std::size_t left = 1000;
  for (auto at = fs::recursive_directory_iterator(folder, ignored); !ignored && at != end && left > 0; --left) {
    const std::string ending = at->path().extension().string();
    for (const std::string_view picture : {".png", ".PNG", ".jpg", ".jpeg", ".JPEG"}) {
      if (ending != picture) continue;
      return text("; it holds pictures: make an .npz of them, in Python: numpy.savez('data.npz', images=numpy.stack([",
                  "numpy.asarray(PIL.Image.open(f)) for f in files]), labels=labels)");
    }
    at.increment(ignored);
  }
  return "";
}

Dataset read_idx_folder(const Source& source) {
  const fs::path images_path = find_images(source.path, source.part),
                 labels_path = find_idx(source.path, source.part, "labels", "idx1");
  const auto there = [&](const fs::path& path, std::string_view what, std::string_view type) {
    check(!path.empty(), "there is no ", idx_name(source.part, what, "-", type), " (or .gz) in ",
          in_quotes(source.path.string()), path.empty() ? remedy(source.path) : "");
  };
  there(images_path, "images", "idx3");
  there(labels_path, "labels", "idx1");
  Images images = within(images_path.string(), [&] { return images_of(read_perhaps_gzipped(images_path)); });
  std::vector<int> labels = within(labels_path.string(), [&] { return labels_of(read_perhaps_gzipped(labels_path)); });
  return Dataset(source.name, images.image, std::move(images.pixels), std::move(labels), source.classes);
}

// ---- .npz ---------------------------------------------------------------------------------------------------

bool is_npz_path(const fs::path& path) { return path.extension() == ".npz"; }

/// The names of two arrays that belong together, and the part that they are.
struct Pair {
  std::string_view images, labels;
  std::optional<Part> part;
};
constexpr std::array<Pair, 5> known_pairs{{{"images", "labels", {}},
                                           {"x_test", "y_test", Part::test},
                                           {"test_images", "test_labels", Part::test},
                                           {"x_train", "y_train", Part::train},
                                           {"train_images", "train_labels", Part::train}}};

/// A file that holds one pair has no parts, whatever the pair is called.
Pair find_pair(const std::vector<std::string>& names, const Source& source) {
  std::vector<Pair> there;
  std::ranges::copy_if(known_pairs, std::back_inserter(there),
                       [&](const Pair& pair) { return std::ranges::find(names, pair.images) != names.end(); });
  if (there.empty()) there.push_back(known_pairs[0]);  // whose reader says what there is
  const auto wanted = std::ranges::find(there, source.part, &Pair::part);
  const bool has_parts = source.names_part || (there.size() > 1 && there.front().part.has_value());
  if (has_parts && wanted != there.end()) return *wanted;
  check_usage(!source.names_part, in_quotes(source.path.string()), " has no parts; leave '/", to_text(source.part),
              "' away");
  return {there.front().images, there.front().labels, {}};
}

std::string array_text(std::string_view name) { return text("array ", in_quotes(name)); }

/// How the images of an array lie: height x width, perhaps x channels behind or, where so few can be no height, before.
struct ImageLayout {
  Shape image;
  bool channels_first = false;
};
ImageLayout layout_of(const Shape& shape, std::string_view name) {
  constexpr std::size_t most_channels = 4;
  const std::size_t rank = shape.rank();
  check(rank == 3 || rank == 4, array_text(name), " has shape ", shape,
        "; count x height x width, perhaps x channels, is needed");
  check_count(shape[0]);
  if (rank == 3) return {{shape[1], shape[2], 1}};
  if (shape[1] <= most_channels && shape[3] > most_channels) return {{shape[2], shape[3], shape[1]}, true};
  return {{shape[1], shape[2], shape[3]}};
}

template <class Pixels>
Pixels channels_last(Pixels from, const ImageLayout& layout) {
  if (!layout.channels_first) return from;
  const std::size_t channels = layout.image[2], plane = layout.image[0] * layout.image[1];
  const std::size_t count = layout.image.elements() == 0 ? 0 : from.size() / layout.image.elements();
  Pixels to(from.size(), 0);
  std::size_t next = 0;
  for (std::size_t k = 0; k < count * channels; k += channels) {
    for (std::size_t pixel = 0; pixel < plane; ++pixel) {
      for (std::size_t c = 0; c < channels; ++c) to[next++] = from[(k + c) * plane + pixel];
    }
  }
  return to;
}

std::vector<int> labels_of(const Array& stored, std::string_view name) {
  const bool flat = stored.shape.rank() == 1 || (stored.shape.rank() == 2 && stored.shape[1] == 1);
  check(flat, array_text(name), " has shape ", stored.shape, "; one number for each image is needed");
  check(stored.kind != Array::Kind::floating, array_text(name), " holds ", stored.type_name(),
        ", not integers: labels are the numbers of the classes, from 0");
  std::vector<int> labels;
  for (const std::int64_t label : stored.integers()) {
    check(label >= 0 && label <= std::numeric_limits<int>::max(), "label ", label, " of image ", labels.size(),
          " is outside every range");
    labels.push_back(static_cast<int>(label));
  }
  return labels;
}

/// What was taken, where it is not what hans itself writes.
std::string taken_text(const Pair& pair, const Array& images, const ImageLayout& layout, const Shape& labels) {
  const bool wide = images.kind == Array::Kind::floating && images.width == 8;
  if (pair.images == "images" && !layout.channels_first && !wide && labels.rank() == 1) return "";
  return text("takes ", in_quotes(pair.images), " (", images.shape, " ", images.type_name(),
              layout.channels_first ? ", channels first" : "", ") as images of ", layout.image, wide ? " float32" : "",
              " and ", in_quotes(pair.labels), " (", labels, ") as labels");
}

Dataset read_npz_file(const Source& source) {
  const std::string path = source.path.string(), file = read_file(path, most_bytes);
  struct Parts {
    Array images;
    ImageLayout layout;
    std::vector<float> floats;
    std::vector<int> labels;
    std::string note;
  };
  const Pair pair = find_pair(within(path, [&] { return npz_names(file); }), source);
  Parts all = within(path, [&] {
    Parts parts{read_npz(file, pair.images), {}, {}, {}, ""};
    Array& images = parts.images;
    parts.layout = layout_of(images.shape, pair.images);
    constexpr std::uint64_t widest_label = 8, longest_header = 65536;
    const Array stored = read_npz(file, pair.labels, images.shape[0] * widest_label + longest_header);
    parts.labels = labels_of(stored, pair.labels);
    parts.note = taken_text(pair, images, parts.layout, stored.shape);
    if (images.kind == Array::Kind::floating) {
      // Each copy is freed before the next is made: they are most of the memory.
      const auto free = [&] { std::string().swap(images.content); };
      if (images.width == sizeof(float)) {
        parts.floats = images.floats();
      } else {
        const std::vector<double> wide = images.doubles();
        free();
        parts.floats.reserve(wide.size());
        for (const double value : wide) parts.floats.push_back(static_cast<float>(value));
      }
      free();
    } else {
      check(images.type_name() == "uint8", array_text(pair.images), " holds ", images.type_name(),
            "; uint8, or floats in [0, 1], are needed");
    }
    return parts;
  });
  const std::string name = pair.part ? source.name : path;
  Dataset data = all.images.kind == Array::Kind::floating
                     ? Dataset(name, all.layout.image, channels_last(std::move(all.floats), all.layout),
                               std::move(all.labels), source.classes)
                     : Dataset(name, all.layout.image, channels_last(std::move(all.images.content), all.layout),
                               std::move(all.labels), source.classes);
  data.set_note(std::move(all.note));
  return data;
}

// ---- CIFAR-10's binary files ----------------------------------------------------------------------------------

std::vector<std::string> cifar_files(Part part) {
  if (part == Part::test) return {"test_batch.bin"};
  return {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"};
}

bool is_cifar_folder(const fs::path& path) {
  return is_file(path / "test_batch.bin") || is_file(path / "data_batch_1.bin");
}

std::string lacks_cifar(const fs::path& folder, Part part) {
  for (const std::string& name : cifar_files(part)) {
    if (!is_file(folder / name)) return name;
  }
  return "";
}

// A record is a label and three planes of 32 x 32 bytes.
Dataset read_cifar_folder(const Source& source) {
  const ImageLayout layout{{32, 32, 3}, true};
  const std::size_t pixels = layout.image.elements(), record = 1 + pixels;
  const std::string missing = lacks_cifar(source.path, source.part);
  check(missing.empty(), "there is no ", missing, " in ", in_quotes(source.path.string()));
  std::string images;
  std::vector<int> labels;
  for (const std::string& name : cifar_files(source.part)) {
    const std::string path = (source.path / name).string(), file = read_file(path, most_bytes);
    check(!file.empty() && file.size() % record == 0, in_quotes(path), ": ", file.size(), " bytes are no whole number ",
          "of records of ", record, ", a label and 32x32x3 pixels each");
    for (std::size_t at = 0; at < file.size(); at += record) {
      labels.push_back(static_cast<unsigned char>(file[at]));
      images.append(file, at + 1, pixels);
    }
    check_count(labels.size());
  }
  return Dataset(source.name, layout.image, channels_last(std::move(images), layout), std::move(labels),
                 source.classes == 0 ? 10 : source.classes);
}

// ---- all ----------------------------------------------------------------------------------------------------

constexpr std::array<Format, 3> all_formats{{
    {{"npz", "an .npz file with images and labels"}, is_npz_path, nullptr, read_npz_file},
    {{"cifar", "a folder of CIFAR-10's binary files"}, is_cifar_folder, lacks_cifar, read_cifar_folder},
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
