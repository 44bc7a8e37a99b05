// Trained networks that hans ships: their files, how each was made, and what is known of them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/attacks/share.hpp>

namespace hans::apps {

/// A network in the box. Every figure is of all images of `data`, as the manifest data/nets/NAME.json says.
struct Net {
  std::string_view name, meaning;
  std::string_view input;  ///< height x width x channels of an image, as text
  std::size_t parameters;
  std::string_view command;  ///< that trains it
  std::string_view sha256;   ///< of the file
  std::string_view weights_sha256;
  std::string_view data;                           ///< "mnist/test"
  float eps;                                       ///< radius of the linf ball
  std::size_t images, right, certified, attacked;  ///< attacked: those for which an adversarial image was found
  std::string_view embedded = {};                  ///< the file's bytes, if the command holds them

  attacks::Share clean() const { return {right, images}; }
  attacks::Share proved() const { return {certified, images}; }
  attacks::Share unbroken() const { return {right - attacked, images}; }
};

/// All of them.
std::span<const Net> list_nets();

/// The network with this name or with a file of this SHA-256, or null.
const Net* find_net(std::string_view word);

/// The folders in which files of networks are looked for, in order: $HANS_NETS, data/nets below the working folder, and
/// share/hans/nets beside the folder of the command.
std::vector<std::string> net_folders();

/// The path of its file: the first of these folders with a file NAME.hans of this hash; none if it is embedded or not
/// there.
std::optional<std::string> net_path(const Net& net);

/// The bytes of its file. Throws Error that says where it was looked for.
std::string net_bytes(const Net& net);

}  // namespace hans::apps
