// From a name, a folder or a file to a data set.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <optional>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/data/dataset.hpp>
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
constexpr std::array parts{Part::train, Part::test};

struct Named {
  std::string_view name, meaning, licence;
  std::size_t classes;
};

constexpr std::array<Named, 3> names{{
    {"mnist-5k", "handwritten digits: the first 500 MNIST training images of each class; train 4,500, test 500",
     "CC BY-SA 3.0, Yann LeCun and Corinna Cortes", 10},
    {"mnist", "handwritten digits: 28x28 grey, 10 classes; train 60,000, test 10,000",
     "CC BY-SA 3.0, Yann LeCun and Corinna Cortes", 10},
    {"fashion-mnist", "pieces of clothing: 28x28 grey, 10 classes; train 60,000, test 10,000", "MIT, Zalando SE", 10},
}};
constexpr const Named& embedded = names[0];

/// Runs `read` and puts `what` before the message of an Error.
template <class Read>
auto within(std::string_view what, const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    throw Error(text(in_quotes(what), ": ", error.what()));
  }
}

bool is_file(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored) && !fs::is_directory(path, ignored);
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// The file in `folder` with the images (labels) of a part, or an empty path.
fs::path find_idx(const fs::path& folder, Part part, std::string_view what, std::string_view type) {
  for (const std::string_view mark : {"-", "."}) {
    for (const std::string_view ending : {"", ".gz"}) {
      fs::path path = folder / text(part == Part::train ? "train-" : "t10k-", what, mark, type, "-ubyte", ending);
      if (is_file(path)) return path;
    }
  }
  return {};
}

fs::path find_images(const fs::path& folder, Part part) {
  fs::path path = find_idx(folder, part, "images", "idx3");
  return path.empty() ? find_idx(folder, part, "images", "idx4") : path;
}

fs::path find_labels(const fs::path& folder, Part part) { return find_idx(folder, part, "labels", "idx1"); }

std::string images_name(Part part) {
  return part == Part::train ? "train-images-idx3-ubyte" : "t10k-images-idx3-ubyte";
}
std::string labels_name(Part part) {
  return part == Part::train ? "train-labels-idx1-ubyte" : "t10k-labels-idx1-ubyte";
}

/// So many that their labels fit into memory whatever the images are.
void check_count(std::size_t count) {
  constexpr std::size_t most = std::size_t{1} << 23;
  check(count <= most, "there are ", count, " images, more than ", most);
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

Dataset from_folder(const fs::path& folder, Part part, std::string name, std::size_t classes) {
  const fs::path images_path = find_images(folder, part), labels_path = find_labels(folder, part);
  check(!images_path.empty(), "there is no ", images_name(part), " (or .gz) in ", in_quotes(folder.string()));
  check(!labels_path.empty(), "there is no ", labels_name(part), " (or .gz) in ", in_quotes(folder.string()));
  Images images = within(images_path.string(), [&] { return images_of(read_perhaps_gzipped(images_path)); });
  std::vector<int> labels = within(labels_path.string(), [&] { return labels_of(read_perhaps_gzipped(labels_path)); });
  return Dataset(std::move(name), images.image, std::move(images.pixels), std::move(labels), classes);
}

Dataset from_npz(const std::string& path, std::size_t classes) {
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
    if (images.kind == Array::Kind::floating) return Dataset(path, image, images.floats(), std::move(labels), classes);
    check(images.type_name() == "uint8", "the images have elements of type ", images.type_name(),
          "; uint8, or float32 in [0, 1], is needed");
    return Dataset(path, image, std::move(images.content), std::move(labels), classes);
  });
}

// The first 450 images of each class are the train part, the last 50 the test part: the stored order is 0, 1, ..., 9,
// 0, 1, ... so that both are stretches.
Dataset from_memory(Part part, std::string name) {
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
  return Dataset(std::move(name), all.image, std::move(all.pixels), std::move(labels), embedded.classes);
}

std::string environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value == nullptr ? "" : value;
}

// Where a named data set may be. Data sets share MNIST's file names, so a folder is taken for another one than `mnist`
// only if it is called so, and never for `mnist` if it is called like another.
std::vector<std::string> search_folders(std::string_view name) {
  std::vector<std::string> folders;
  if (const std::string own = environment("HANS_DATA"); !own.empty()) {
    const fs::path path(own);
    const std::string last = (path.has_filename() ? path : path.parent_path()).filename().string();
    const bool is_other =
        std::any_of(names.begin(), names.end(), [&](const Named& n) { return n.name == last && n.name != name; });
    if (last == name || (name == "mnist" && !is_other)) folders.push_back(own);
    folders.push_back((path / name).string());
  }
  if (const std::string home = environment("HOME"); !home.empty()) {
    folders.push_back((fs::path(home) / ".local/share" / name).string());
  }
  for (const std::string_view system : {"/usr/local/share", "/usr/share"}) {
    folders.push_back((fs::path(system) / name).string());
  }
  return folders;
}

Dataset from_search(const Named& named, Part part, std::string name) {
  const std::vector<std::string> folders = search_folders(named.name);
  for (const std::string& folder : folders) {
    if (!find_images(folder, part).empty()) return from_folder(folder, part, std::move(name), named.classes);
  }
  std::string looked;
  for (const std::string& folder : folders) looked += text(looked.empty() ? "" : ", ", folder);
  throw Error(text("no ", images_name(part), " (or .gz) for ", in_quotes(name), " in ", looked,
                   "; set HANS_DATA to the folder that holds it, or use mnist-5k, which is built in"));
}

}  // namespace

std::string_view to_text(Part part) { return part == Part::train ? "train" : "test"; }

Split mnist(const std::string& folder) {
  const auto part = [&](Part which) { return from_folder(folder, which, text(folder, "/", to_text(which)), 10); };
  return {part(Part::train), part(Part::test)};
}

Dataset load(std::string_view name, Part part, std::size_t classes) {
  std::string rest(name);
  bool names_part = false;
  for (const Part candidate : parts) {
    if (!name.ends_with(text("/", to_text(candidate))) || is_folder(name)) continue;
    rest.resize(name.size() - to_text(candidate).size() - 1);
    part = candidate;
    names_part = true;
  }
  // "digits/" keeps its '/': without one it would be a name, and the name of the data set must mean the same again.
  while (rest.ends_with('/') && rest.find('/') + 1 < rest.size()) rest.pop_back();
  const std::string full = text(rest, "/", to_text(part));
  if (rest.find('/') == std::string::npos) {
    std::string known;
    for (const Named& named : names) {
      if (named.name == rest) return &named == &embedded ? from_memory(part, full) : from_search(named, part, full);
      known += text(named.name, ", ");
    }
    throw UsageError(text("there is no data set ", in_quotes(rest), "; there are ", known,
                          "folders of IDX files and .npz files, which are written with a '/', such as './digits'"));
  }
  if (rest.ends_with(".npz")) {
    check_usage(!names_part, in_quotes(rest), " has no parts; leave '/", to_text(part), "' away");
    return from_npz(rest, classes);
  }
  check(is_folder(rest), in_quotes(rest), " is no folder", is_file(rest) ? " and does not end in .npz" : "",
        "; data are a folder of IDX files or an .npz file");
  return from_folder(rest, part, full, classes);
}

std::vector<DataInfo> list() {
  std::vector<DataInfo> infos;
  for (const Named& named : names) {
    DataInfo info{std::string(named.name), std::string(named.meaning), std::string(named.licence), {}, "embedded"};
    if (&named != &embedded) {
      info.searched = search_folders(named.name);
      const auto holds = [](const std::string& folder) {
        return !find_images(folder, Part::train).empty() || !find_images(folder, Part::test).empty();
      };
      const auto found = std::find_if(info.searched.begin(), info.searched.end(), holds);
      info.found = found == info.searched.end() ? "" : *found;
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

}  // namespace hans::data
