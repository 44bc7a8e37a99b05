// What callers of the C interface give, checked.
#include <algorithm>
#include <cstring>
#include <limits>
#include <numeric>
#include <type_traits>
#include <utility>

#include <hans/core/reduce.hpp>
#include <hans/defenses/defense.hpp>
#include "../../core/text/detail/utf8.hpp"
#include "arguments.hpp"

namespace hans::apps {

static_assert(std::is_same_v<real, float> && std::is_same_v<std::int32_t, int>, "the types of hans.h");

std::string_view read_text(const char* given, std::string_view name) {
  const std::string_view all(&need(given, name));
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t length = utf8_length(all, at);
    const auto byte = static_cast<unsigned char>(all[at]);
    check_usage(length > 0 && byte >= 0x20 && byte != 0x7f, name,
                " is not UTF-8 without control characters: ", in_quotes(all));
    at += length;
  }
  return all;
}

Spec read_spec(const char* given, std::string_view name) { return Spec::parse(read_text(given, name)); }

std::filesystem::path read_path(const char* given) {
  const std::string_view all = read_text(given, "path");
  return {std::u8string(all.begin(), all.end())};
}

std::string_view read_sha256(const char* given, std::string_view name) {
  const std::string_view all = read_text(given, name);
  check_usage(all.size() == 64 && all.find_first_not_of("0123456789abcdef") == std::string_view::npos, name,
              " is not 64 hexadecimal digits in lower case: ", in_quotes(all));
  return all;
}

Tensor read_images(const nn::Sequential& net, const float* images, std::size_t count) {
  need(images, "images");
  check_usage(count > 0, "count is 0, but must be at least 1");
  const std::size_t features = net.input().elements();
  check_usage(count <= std::numeric_limits<std::ptrdiff_t>::max() / sizeof(double) / features, "count is ", count,
              ": so many images of ", net.input(), " are more than memory can address");
  Tensor copy = Tensor::uninitialised(net.input().with_front(count));
  std::memcpy(copy.mutable_data(), images, copy.size() * sizeof(float));
  if (!all_finite(copy.values())) {
    std::size_t at = 0;
    while (all_finite(copy.values().subspan(at, 1))) ++at;
    throw UsageError(text("image ", at / features, " holds ", copy.data()[at], " at position ", at % features,
                          "; every value must be finite"));
  }
  return copy;
}

std::vector<int> read_classes(const nn::Sequential& net, const std::int32_t* classes, std::size_t count,
                              std::string_view name) {
  const std::span<const int> all(&need(classes, name), count);
  for (std::size_t i = 0; i < count; ++i) {
    check_usage(all[i] >= 0 && static_cast<std::size_t>(all[i]) < net.classes(), name, "[", i, "] is ", all[i],
                ", but the ", net.classes(), " classes are 0 to ", net.classes() - 1);
  }
  return {all.begin(), all.end()};
}

data::Box read_box(float lo, float hi) {
  check_usage(lo <= hi, "the box must reach from box_lo up to box_hi, not from ", lo, " to ", hi);
  return {lo, hi};
}

data::Samples read_samples(const nn::Sequential& net, const float* images, const std::int32_t* labels,
                           std::size_t count, std::uint32_t first, data::Box box) {
  data::Samples samples;
  samples.box = box;
  samples.images = read_images(net, images, count);
  samples.labels = read_classes(net, labels, count, "labels");
  check_usage(count - 1 <= std::numeric_limits<std::uint32_t>::max() - first, "the position of image ", count - 1,
              " in its data set is not below 2^32, with ", first, " for the first");
  samples.index.resize(count);
  std::iota(samples.index.begin(), samples.index.end(), first);
  return samples;
}

int read_choice(std::int32_t given, int count, std::string_view name) {
  check_usage(given >= 0 && given < count, name, " is ", given, ", but must be from 0 to ", count - 1,
              " (see the enumeration in hans.h)");
  return given;
}

attacks::Goal read_goal(const attacks::AttackInfo& info, const nn::Sequential& net, std::span<const int> labels,
                        const std::int32_t* targets) {
  check_usage(net.classes() > 1, "the model has 1 class: there is no other to attack it for");
  if (targets == nullptr) return usual_goal(info, labels, net.classes());
  check_usage(info.takes_targets, "the attack ", info.name, info.version.empty() ? "" : "@", info.version,
              " takes no targets");
  std::vector<int> wanted = read_classes(net, targets, labels.size(), "targets");
  for (std::size_t i = 0; i < labels.size(); ++i) {
    check_usage(wanted[i] != labels[i], "targets[", i, "] is the image's label, ", labels[i],
                ": there is nothing to attack");
  }
  return towards(std::move(wanted));
}

nn::Loss read_loss(const char* defense, float smoothing) {
  const bool usual = smoothing == -1;
  check_usage(usual || (smoothing >= 0 && smoothing < 1), "smoothing must be in [0, 1), or -1 for the usual one, not ",
              smoothing);
  if (defense == nullptr) return nn::cross_entropy_loss(usual ? 0 : smoothing);
  return defenses::Defense::from_spec(read_spec(defense, "defense"),
                                      usual ? std::nullopt : std::optional<float>(smoothing));
}

}  // namespace hans::apps
