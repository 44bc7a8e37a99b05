// How the certificate of one image comes about, layer by layer.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <hans/core/shape.hpp>
#include <hans/defenses/certify.hpp>

namespace hans::defenses {

/// How wide the intervals of a layer's outputs are: upper bound less lower bound. NaN if a bound is none.
struct Widths {
  double least = 0, mean = 0, most = 0;
};

/// The inputs of a layer that bends at 0 (relu, leaky_relu): those that are never below 0 for any image of ball and
/// box, never above, and the others.
struct Units {
  std::size_t active = 0, inactive = 0, unstable = 0;
};

/// What is known of a layer, by intervals from layer to layer (ibp), and with linear bounds where they are better
/// (crown), as certify uses them.
struct LayerBounds {
  std::size_t layer = 0;  ///< position in the network
  std::string name = {};  ///< such as "conv2d"
  Shape shape = {};       ///< of its output for one image
  Widths ibp = {}, crown = {};
  std::optional<Units> units_by_ibp = {}, units_by_crown = {};  ///< of a layer that bends at 0
};

/// The label's logit less that of another class: on the image itself, and the lower bounds on ball and box in real
/// arithmetic by each method, as nn::bound_margins gives them.
struct MarginSteps {
  int other = 0;
  double image = 0, ibp = 0, crown = 0, alpha = 0;
};

struct Explanation {
  Certificate certificate;  ///< with what branching split
  std::vector<LayerBounds> layers = {};
  std::vector<MarginSteps> margins = {};  ///< one for each class but the label, in order
};

/// Certifies one sample and says how. A softmax at the end has no entry among the layers, nor have layers that do not
/// depend on the image. Throws what certify() throws, and Error unless there is one sample. Costs a certificate and the
/// bounds of the three methods.
Explanation explain(const nn::Sequential& net, const data::Samples& sample, CertifyOptions options);

}  // namespace hans::defenses
