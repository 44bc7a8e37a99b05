// Labelled images: a part of a data set as it is stored, and the samples taken from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/core/tensor.hpp>

namespace hans::data {

/// The range that features may take.
struct Box {
  float lo = 0;
  float hi = 1;

  friend bool operator==(const Box&, const Box&) = default;
};

/// What an attack works on.
struct Samples {
  Tensor images;                     ///< n x height x width x channels, float(byte) / 255.0f
  std::vector<int> labels;           ///< n
  std::vector<std::uint32_t> index;  ///< n, position in the data set; keys every random number
  Box box;

  std::size_t size() const { return labels.size(); }

  /// Samples first .. first+count-1; the images are shared, not copied. Throws Error if out of range, or if the counts
  /// of images, labels and positions differ.
  Samples rows(std::size_t first, std::size_t count) const;

  /// The samples at these places, in this order. Throws Error as rows() does.
  Samples select(std::span<const std::size_t> which) const;
};

/// One part (train or test) of a data set. Pixels stay as they were stored, bytes or float32, and become
/// numbers a batch at a time. Copies share the pixels.
class Dataset {
 public:
  Dataset() = default;

  /// `pixels` are count x height x width x channels, row-major. `classes` = 0 means 1 + the largest label.
  /// Throws Error if the counts differ, a label is outside 0 .. classes-1 (without `classes`, 0 .. 999), there
  /// are no images, or a number is outside [0, 1].
  Dataset(std::string name, const Shape& image, std::string pixels, std::vector<int> labels, std::size_t classes = 0);
  Dataset(std::string name, const Shape& image, std::vector<float> pixels, std::vector<int> labels,
          std::size_t classes = 0);

  const std::string& name() const;  ///< "mnist/test"
  std::size_t size() const;
  const Shape& image_shape() const;  ///< height x width x channels
  std::size_t classes() const;
  std::span<const int> labels() const;
  Box box() const { return {}; }

  /// SHA-256 of count, height, width and channels (u64), pixels as stored, labels (int32), all little-endian.
  /// Reads every pixel on each call.
  std::string sha256() const;

  /// The first `count` samples, or all if there are fewer.
  Samples first(std::size_t count) const;

  /// Samples first .. first+count-1. Throws Error if out of range.
  Samples samples(std::size_t first, std::size_t count) const;

  /// The samples at these positions, in this order. Throws Error if one is out of range.
  Samples gather(std::span<const std::uint32_t> which) const;

  /// The same into memory that is already there: `images` must be which.size() x height x width x channels
  /// (throws Error otherwise); allocates only if `labels` has to grow or `images` is shared.
  void gather_into(std::span<const std::uint32_t> which, Tensor& images, std::vector<int>& labels) const;

 private:
  struct Store;
  const Store& store() const;

  std::shared_ptr<const Store> store_;
};

struct Split {
  Dataset train;
  Dataset test;
};

enum class Part { train, test };

/// "train" or "test".
std::string_view to_text(Part part);

/// MNIST from the four IDX files in `folder`, raw or gzipped. Throws Error naming what is missing or broken.
Split mnist(const std::string& folder);

/// The part that `name` means on the command line: NAME, FOLDER or FILE, then perhaps "/train" or "/test" (which is
/// left alone if it is a folder that exists); without it `part`.
///   - a name that list() shows: built in, or searched for;
///   - a path, which has a '/', exists as a file, or ends in ".npz": read by the first of list_formats() that knows it.
/// `classes` is the number of classes in a folder or file, if the caller knows it (see Dataset). Throws UsageError for
/// a name that does not exist, Error saying what was looked for and where, or what is wrong with a file.
Dataset load(std::string_view name, Part part = Part::test, std::size_t classes = 0);

/// A data set that has a name.
struct DataInfo {
  std::string name;
  std::string meaning;
  std::string licence;
  std::string package = {};  ///< of Debian, with its files; empty: none
  Shape image;               ///< height x width x channels
  std::size_t classes = 0;
  Box box = {};
  std::vector<std::string> searched = {};  ///< folders, in this order; empty for embedded data
  std::string found;                       ///< the first of them that holds it; "embedded"; empty if not here
};
std::vector<DataInfo> list();

/// A format that data sets are read from.
struct FormatInfo {
  std::string_view name, meaning;
};
std::vector<FormatInfo> list_formats();

}  // namespace hans::data
