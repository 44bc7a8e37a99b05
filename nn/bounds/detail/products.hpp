// Layers with weights as affine maps.
#pragma once

#include <hans/nn/walk.hpp>
#include "affine.hpp"

namespace hans::nn::bounds {

AffineMap product_of(const Linear& layer, const LayerAt& at, const Given& given);
AffineMap product_of(const Conv2d& layer, const LayerAt& at, const Given& given);
AffineMap product_of(const ConvTranspose2d& layer, const LayerAt& at, const Given& given);

}  // namespace hans::nn::bounds
