// Labelled images: one part of a data set as stored, and batches of samples taken from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/core/tensor.hpp>

namespace hans::data {

/// The range of valid feature values.
struct Box {
  float lo = 0;
  float hi = 1;

  friend bool operator==(const Box&, const Box&) = default;
};

/// A batch of labelled images.
struct Samples {
  Tensor images;                     ///< n x height x width x channels, float(byte) / 255.0f
  std::vector<int> labels;           ///< n
  std::vector<std::uint32_t> index;  ///< n, position in the data set; keys every random number of the sample
  Box box;

  std::size_t size() const { return labels.size(); }

  /// Samples first .. first+count-1. Shares the images, no copy. Throws Error if out of range, or if the numbers of
  /// images, labels and positions differ.
  Samples rows(std::size_t first, std::size_t count) const;

  /// The samples at these places of the batch, in this order. Throws Error as rows() does.
  Samples select(std::span<const std::size_t> which) const;
};

/// One part (train or test) of a data set. Pixels are kept as stored, bytes or float32, and converted one batch at a
/// time. Copies share the pixels.
class Dataset {
 public:
  Dataset() = default;

  /// `pixels` are count x height x width x channels, row-major. `classes` = 0 means 1 + the largest label. Throws Error
  /// if the counts differ, there are no images, a label is outside 0 .. classes-1 (0 .. 999 without `classes`), or a
  /// pixel is outside [0, 1].
  Dataset(std::string name, const Shape& image, std::string pixels, std::vector<int> labels, std::size_t classes = 0);
  Dataset(std::string name, const Shape& image, std::vector<float> pixels, std::vector<int> labels,
          std::size_t classes = 0);

  const std::string& name() const;  ///< "mnist/test"
  std::size_t size() const;
  const Shape& image_shape() const;  ///< height x width x channels
  std::size_t classes() const;
  std::span<const int> labels() const;
  Box box() const { return {}; }

  /// How its file was read, where that had to be guessed: for the user to check; empty where nothing was.
  const std::string& note() const { return note_; }
  void set_note(std::string note) { note_ = std::move(note); }

  /// SHA-256 of count, height, width and channels (u64), pixels as stored, labels (int32), all little-endian.
  /// Reads every pixel on each call.
  std::string sha256() const;

  /// The first `count` samples, or all if there are fewer.
  Samples first(std::size_t count) const;

  /// Samples first .. first+count-1. Throws Error if out of range.
  Samples samples(std::size_t first, std::size_t count) const;

  /// The samples at these positions, in this order. Throws Error if one is out of range.
  Samples gather(std::span<const std::uint32_t> which) const;

  /// gather() into existing memory. `images` must be which.size() x height x width x channels; otherwise throws Error.
  /// Allocates only if `labels` has to grow or `images` is shared.
  void gather_into(std::span<const std::uint32_t> which, Tensor& images, std::vector<int>& labels) const;

 private:
  struct Store;
  const Store& store() const;

  std::shared_ptr<const Store> store_;
  std::string note_;
};

struct Split {
  Dataset train;
  Dataset test;
};

enum class Part { train, test };

/// "train" or "test".
std::string_view to_text(Part part);

/// MNIST from the four IDX files in `folder`, plain or gzipped. Throws Error that names the missing or broken file.
Split mnist(const std::string& folder);

/// Loads the data set that `name` means on the command line: NAME, FOLDER or FILE, optionally followed by "/train" or
/// "/test" (unless the whole is an existing folder). Without it, loads `part`.
///   - A NAME that list() shows is built in or searched for.
///   - A path has a '/', exists as a file, or ends in ".npz". The first of list_formats() that recognises it reads it.
/// `classes` is the number of classes in a folder or file, if known (see Dataset). Throws UsageError for an unknown
/// name, and Error that says where the files were searched for or what is wrong with one.
Dataset load(std::string_view name, Part part = Part::test, std::size_t classes = 0);

/// A named data set.
struct DataInfo {
  std::string name;
  std::string meaning;
  std::string licence;
  std::string package = {};  ///< Debian package that contains the files; empty: none
  Shape image;               ///< height x width x channels
  std::size_t classes = 0;
  Box box = {};
  std::vector<std::string> searched = {};  ///< folders, in search order; empty for embedded data
  std::string found;                       ///< the first folder that holds it, or "embedded"; empty if none
};
std::vector<DataInfo> list();

/// A file format of data sets.
struct FormatInfo {
  std::string_view name, meaning;
};
std::vector<FormatInfo> list_formats();

}  // namespace hans::data
