// The embedded data set mnist-5k: the first 500 MNIST training images of each class (see README.md).
#pragma once

#include <span>

namespace hans::data {

/// The gzip files mnist-5k/*.gz, as in the source tree. Internal; use load("mnist-5k").
std::span<const unsigned char> mnist_5k_images_gz();
std::span<const unsigned char> mnist_5k_labels_gz();

}  // namespace hans::data
