// Where the embedded files are in memory.
#include "detail/mnist_5k.hpp"

namespace hans::data {

namespace embedded {  // in the source that embed.cmake makes
extern const unsigned char images[];
extern const unsigned long images_size;
extern const unsigned char labels[];
extern const unsigned long labels_size;
}  // namespace embedded

std::span<const unsigned char> mnist_5k_images_gz() { return {embedded::images, embedded::images_size}; }
std::span<const unsigned char> mnist_5k_labels_gz() { return {embedded::labels, embedded::labels_size}; }

}  // namespace hans::data
