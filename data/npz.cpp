// Arrays as entries of a ZIP archive.
#include <hans/data/npz.hpp>

#include <set>

#include <hans/core/error.hpp>
#include "detail/inflate.hpp"
#include "detail/zip.hpp"

namespace hans::data {

namespace {

constexpr std::string_view suffix = ".npy";

Array read_entry(std::string_view file, const ZipEntry& entry, std::string_view name, std::uint64_t most) {
  return of_array(name, [&] { return read_npy(read_zip_entry(file, entry, most)); });
}

std::string name_of(const ZipEntry& entry) { return entry.name.substr(0, entry.name.size() - suffix.size()); }

}  // namespace

bool is_npz(std::string_view file) { return file.starts_with("PK\x03\x04"); }

Array read_npz(std::string_view file, std::string_view name, std::uint64_t most) {
  const ZipEntry* found = nullptr;
  const std::vector<ZipEntry> entries = read_zip_directory(file);
  for (const ZipEntry& entry : entries) {
    if (entry.name != text(name, suffix)) continue;
    check(found == nullptr, "the file holds two arrays ", in_quotes(name));
    found = &entry;
  }
  if (found == nullptr) {
    std::string names;
    for (const std::string& other : npz_names(file)) names += text(names.empty() ? "" : ", ", in_quotes(other));
    throw Error(text("there is no array ", in_quotes(name), " in the file; it holds ", names.empty() ? "none" : names));
  }
  return read_entry(file, *found, name, most);
}

Array read_npz(std::string_view file, std::string_view name) {
  return read_npz(file, name, most_expanded(file.size()));
}

void each_npz(std::string_view file, const std::function<void(const std::string& name, const Array& array)>& take) {
  std::set<std::string> names;
  for (const ZipEntry& entry : read_zip_directory(file)) {
    if (!entry.name.ends_with(suffix)) continue;
    const std::string name = name_of(entry);
    check(names.insert(name).second, "the file holds two arrays ", in_quotes(name));
    const Array array = read_entry(file, entry, name, most_expanded(file.size()));
    of_array(name, [&] { take(name, array); });
  }
}

std::vector<std::string> npz_names(std::string_view file) {
  std::vector<std::string> names;
  for (const ZipEntry& entry : read_zip_directory(file)) {
    if (entry.name.ends_with(suffix)) names.push_back(name_of(entry));
  }
  return names;
}

std::string write_npz(const std::vector<NamedArray>& arrays) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (const auto& [name, array] : arrays) entries.push_back({text(name, suffix), write_npy(array)});
  return write_zip(entries);
}

}  // namespace hans::data
