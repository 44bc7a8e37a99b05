// Activations with settings.
#include <hans/nn/activation_layers.hpp>

#include <hans/autodiff/functions.hpp>

namespace hans::nn {

Var LeakyRelu::operator()(const Var& x, const Run&) const { return leaky_relu(x, static_cast<real>(slope)); }
Var Elu::operator()(const Var& x, const Run&) const { return elu(x, static_cast<real>(alpha)); }
Var Selu::operator()(const Var& x, const Run&) const {
  return selu(x, static_cast<real>(alpha), static_cast<real>(gamma));
}
Var HardSigmoid::operator()(const Var& x, const Run&) const {
  return hard_sigmoid(x, static_cast<real>(alpha), static_cast<real>(beta));
}
Var Gelu::operator()(const Var& x, const Run&) const { return gelu(x, form == Form::tanh); }
Var Clip::operator()(const Var& x, const Run&) const {
  return clamp(x, static_cast<real>(low), static_cast<real>(high));
}

}  // namespace hans::nn
