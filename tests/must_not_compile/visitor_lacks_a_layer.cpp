// A visitor that does not say what it does with one of the layers.
#include "visitor.hpp"

int wrong(const hans::nn::Layer& layer) { return hans::nn::visit(layer, Visitor<hans::nn::Softplus>()); }
