// What the sources of hans_bits share.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <hans/hans.hpp>

namespace bits {

/// The hash of numbers, of a tensor's, and of several tensors' as one.
std::string hash(std::span<const float> values);
std::string hash(const hans::Tensor& values);
std::string hash(std::span<const hans::Tensor> tensors);

/// Normal random numbers, made without the C library.
hans::Tensor noise(const hans::Shape& shape, std::string_view name);

/// What f makes of random tensors, and the gradients with respect to all of them under a random seed.
using Vars = std::span<const hans::Var>;
std::string op(const std::vector<hans::Shape>& shapes, const std::function<hans::Var(Vars)>& f);

/// Samples that are computed all at once and in parts, with the same bits. The parts lie across the 16 samples that
/// some kernels take together.
constexpr std::size_t parts[] = {1, 13, 6};
constexpr std::size_t parts_sum = 20;

/// So many random images with random labels.
hans::data::Dataset random_images(std::uint32_t count, const hans::Shape& image = {28, 28, 1});

/// Says that a row of the table computes with this, such as "layer relu".
void cover(const std::string& what);
/// Throws Error that names every layer, optimizer, attack, model and defence that no row covers.
void check_covered();

/// Prints the lines of single layers.
void print_layers();

/// Prints the lines of all attacks on a network that knows its digits.
void print_attacks(const hans::nn::Sequential& reader);

// Convolutions and pooling that no layer has.
std::string op_conv_groups();
std::string op_conv_depthwise();
std::string op_conv_transpose();
std::string op_max_pool_padded();
std::string op_average_pool();

// Layers that need more than a row, and a training step of each model.
std::string layer_gaussian_noise();
std::string layer_others();  ///< all others of version 1.0 in one
std::string model_v1();
std::string model_small();
std::string model_madry();
std::string model_mlp();
std::string model_linear();
std::string model_lenet5();
std::string model_convsmall();
std::string model_resnet8();
std::string model_resnet20();

// Bounds by each method and norm, and certificates with their proofs.
std::string bounds();
std::string certificates();

}  // namespace bits
