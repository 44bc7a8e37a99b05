// What is done with a network that could be loaded.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include <hans/core/error.hpp>
#include <hans/nn/walk.hpp>

namespace hostile {

/// A failure of the product rather than of the file.
struct Wrong : std::logic_error {
  using std::logic_error::logic_error;
};

/// Throws Wrong unless the message is one line of a length that can be read.
inline void check_message(const hans::Error& error) {
  const std::string_view message = error.what();
  if (message.empty() || message.size() > 4000)
    throw Wrong("a message of " + std::to_string(message.size()) + " bytes");
  for (const char c : message) {
    if (static_cast<unsigned char>(c) < 32 || c == 127) throw Wrong("a control character in: " + std::string(message));
  }
}

/// One image goes through it, if that takes no more than a moment.
inline void use_network(const hans::nn::Sequential& net) {
  if (net.classes() == 0) throw Wrong("a network of no classes");
  double work = 0;
  for (std::size_t k = 0; k < net.layers().size(); ++k) {
    double numbers = 1;
    for (const hans::Tensor& each : net.weights(k)) numbers += static_cast<double>(each.size());
    const double before = static_cast<double>(hans::nn::LayerAt{net, k}.in().elements());
    work += static_cast<double>(net.shapes()[k].elements()) * (numbers + before);
  }
  if (work > 1e8) return;
  hans::Tape tape;
  const hans::Tensor images = hans::Tensor::full(net.input().with_front(2), hans::real{0.5});
  const hans::Tensor logits = net.logits(tape.constant(images)).value();
  if (!(logits.shape() == hans::Shape{2, net.classes()})) throw Wrong("logits of another shape than the network says");
}

}  // namespace hostile
