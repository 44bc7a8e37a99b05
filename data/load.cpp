// From a name, a folder or a file to a data set.
#include <algorithm>
#include <array>
#include <cstdlib>

#include <hans/core/error.hpp>
#include "../core/text/detail/meant.hpp"
#include "detail/formats.hpp"

namespace hans::data {

namespace {

namespace fs = std::filesystem;

constexpr std::array parts{Part::train, Part::test};

struct Named {
  std::string_view name, meaning, licence;
  std::string_view package;  // of Debian, with its files
  std::array<std::size_t, 3> image;
  std::size_t classes;
  std::string_view format;                   // that a folder is read by
  Dataset (*built_in)(Part, std::string){};  // null: the files are looked for

  Shape shape() const { return Shape(image); }
};

constexpr std::array<Named, 3> names{{
    {.name = "mnist-5k",
     .meaning = "handwritten digits: the first 500 MNIST training images of each class; train 4,500, test 500",
     .licence = "CC BY-SA 3.0, Yann LeCun and Corinna Cortes",
     .package = "",
     .image = {28, 28, 1},
     .classes = 10,
     .format = "idx",
     .built_in = read_mnist_5k},
    {.name = "mnist",
     .meaning = "handwritten digits; train 60,000, test 10,000",
     .licence = "CC BY-SA 3.0, Yann LeCun and Corinna Cortes",
     .package = "",
     .image = {28, 28, 1},
     .classes = 10,
     .format = "idx"},
    {.name = "fashion-mnist",
     .meaning = "pieces of clothing; train 60,000, test 10,000",
     .licence = "MIT, Zalando SE",
     .package = "dataset-fashion-mnist",
     .image = {28, 28, 1},
     .classes = 10,
     .format = "idx"},
}};

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
  for (const std::string_view system : {"/usr/local/share", "/usr/share", "/usr/share/datasets"}) {
    folders.push_back((fs::path(system) / name).string());
  }
  return folders;
}

Dataset from_search(const Named& named, Part part, const std::string& name) {
  const Format& reader = format(named.format);
  const std::vector<std::string> folders = search_folders(named.name);
  const auto holds = [&](const std::string& folder) { return reader.lacks(folder, part).empty(); };
  if (const auto found = std::ranges::find_if(folders, holds); found != folders.end()) {
    Dataset data = reader.read({*found, part, true, name, named.classes});
    check(data.image_shape() == named.shape(), "the images of ", name, " in ", *found, " are ", data.image_shape(),
          ", not ", named.shape(), "; give that folder by its path");
    return data;
  }
  std::string looked;
  for (const std::string& folder : folders) looked += text(looked.empty() ? "" : ", ", folder);
  throw Error(text("no ", reader.lacks(folders.back(), part), " for ", in_quotes(name), " in ", looked,
                   "; set HANS_DATA to the folder that holds it",
                   named.package.empty() ? "" : text(", install Debian's ", named.package),
                   ", or use mnist-5k, which is built in"));
}

/// "an .npz file with images and labels, a folder of CIFAR-10's binary files or a folder of IDX files"
std::string all_formats_text() {
  std::string all;
  for (const Format& one : formats()) {
    const bool last = &one == &formats().back();
    append(all, text(all.empty() ? "" : last ? " or " : ", ", one.meaning));
  }
  return all;
}

}  // namespace

std::string_view to_text(Part part) { return part == Part::train ? "train" : "test"; }

Dataset load(std::string_view name, Part part, std::size_t classes) {
  std::string rest(name);
  std::error_code ignored;
  bool names_part = false;
  for (const Part candidate : parts) {
    if (!name.ends_with(text("/", to_text(candidate))) || fs::is_directory(name, ignored)) continue;
    rest.resize(name.size() - to_text(candidate).size() - 1);
    part = candidate;
    names_part = true;
  }
  // "digits/" keeps its '/': without one it would be a name, and the name of the data set must mean the same again.
  while (rest.ends_with('/') && rest.find('/') + 1 < rest.size()) rest.pop_back();
  const std::string full = text(rest, "/", to_text(part));
  if (const auto named = std::ranges::find(names, rest, &Named::name); named != names.end()) {
    return named->built_in != nullptr ? named->built_in(part, full) : from_search(*named, part, full);
  }
  const bool is_file = fs::exists(rest, ignored) && !fs::is_directory(rest, ignored);
  if (rest.find('/') == std::string::npos && !is_file && !rest.ends_with(".npz")) {
    std::string known;
    for (const Named& named : names) append(known, text(known.empty() ? "" : ", ", named.name));
    throw UsageError(text("there is no data set ", in_quotes(rest), did_you_mean(rest, names, &Named::name),
                          "there are ", known, "; else give ", all_formats_text(),
                          "; a folder is written with a '/', such as './digits'"));
  }
  const auto reader = std::ranges::find_if(formats(), [&](const Format& one) { return one.recognises(rest); });
  check(reader != formats().end(), in_quotes(rest), is_file ? " is in no known format" : " does not exist",
        "; data are ", all_formats_text());
  return reader->read({rest, part, names_part, full, classes});
}

std::vector<DataInfo> list() {
  std::vector<DataInfo> infos;
  for (const Named& named : names) {
    DataInfo info{.name = std::string(named.name),
                  .meaning = std::string(named.meaning),
                  .licence = std::string(named.licence),
                  .package = std::string(named.package),
                  .image = named.shape(),
                  .classes = named.classes,
                  .found = "embedded"};
    if (named.built_in == nullptr) {
      info.searched = search_folders(named.name);
      const auto holds = [&](const std::string& folder) {
        return std::ranges::any_of(parts, [&](Part part) { return format(named.format).lacks(folder, part).empty(); });
      };
      const auto found = std::ranges::find_if(info.searched, holds);
      info.found = found == info.searched.end() ? "" : *found;
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

}  // namespace hans::data
