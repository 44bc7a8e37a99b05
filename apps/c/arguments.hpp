// What callers of the C interface give, checked. Each function throws UsageError that names the argument.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string_view>
#include <vector>

#include <hans/attacks/attack.hpp>
#include <hans/core/error.hpp>
#include <hans/core/spec.hpp>
#include <hans/core/version.hpp>
#include <hans/nn/loss.hpp>
#include <hans/nn/sequential.hpp>

namespace hans::apps {

/// What `pointer` points at, unless it is null.
template <class T>
T& need(T* pointer, std::string_view name) {
  check_usage(pointer != nullptr, name, " is NULL");
  return *pointer;
}

/// The text, if it is UTF-8 without control characters.
std::string_view read_text(const char* given, std::string_view name);
Spec read_spec(const char* given, std::string_view name);
std::filesystem::path read_path(const char* given);
std::string_view read_sha256(const char* given, std::string_view name);

/// A copy of `count` images of the network's input shape, if all values are finite.
Tensor read_images(const nn::Sequential& net, const float* images, std::size_t count);

/// `count` classes of the network.
std::vector<int> read_classes(const nn::Sequential& net, const std::int32_t* classes, std::size_t count,
                              std::string_view name);

data::Box read_box(float lo, float hi);

/// `count` labelled images, which stand in their data set from position `first` on.
data::Samples read_samples(const nn::Sequential& net, const float* images, const std::int32_t* labels,
                           std::size_t count, std::uint32_t first, data::Box box);

/// The number of a choice that is named in an enumeration of `count`.
int read_choice(std::int32_t given, int count, std::string_view name);

/// What an attack is to reach; `targets` may be null, and none may be its image's label.
attacks::Goal read_goal(const attacks::AttackInfo& info, const nn::Sequential& net, std::span<const int> labels,
                        const std::int32_t* targets);

/// The loss of a defence, or the plain one if that is null. `smoothing`: -1 for the usual one.
nn::Loss read_loss(const char* defense, float smoothing);

/// The caller's options, or `options` if there are none. They may come from a newer header: what that has more must be
/// left at 0.
template <class Options>
Options read_options(const Options* given, Options options) {
  if (given == nullptr) return options;
  constexpr std::size_t most = 4096;  // a larger size was never set
  const std::size_t size = given->size;
  check_usage(size >= sizeof(Options) && size <= most, "options->size is ", size, ", not ", sizeof(Options),
              ": start the options from the header's ..._OPTIONS_INIT");
  const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(given), size);
  const bool known = std::ranges::all_of(bytes.subspan(sizeof(Options)), [](std::byte b) { return b == std::byte{0}; });
  check_usage(known, "the options set something that is newer than hans ", version);
  std::memcpy(&options, bytes.data(), sizeof options);
  return options;
}

}  // namespace hans::apps
