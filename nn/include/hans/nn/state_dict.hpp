// Weights with PyTorch's names and layouts, in safetensors and NPZ files.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/nn/model_file.hpp>

namespace hans::nn {

/// Named tensors, as torch.nn.Module.state_dict() gives them.
using StateDict = std::vector<std::pair<std::string, Tensor>>;

/// The parameters and buffers of the network, as torch.nn.Sequential of the same layers would name them: "0.weight",
/// "0.bias", "1.running_mean", ... Convolutions are filters x channels x height x width (transposed ones channels
/// first), linear layers units x features, with the features of a flattened image in channel-first order. The values
/// are bit for bit the network's. Constants (e.g. slopes of prelu) are named "weight", indices of take layers
/// "indices". Throws Error for a layer that mixes the features of a flattened image, and for normalisations over two
/// axes of an image, because PyTorch has no equivalent.
StateDict state_dict(const Sequential& net);

/// Which layer took which tensors: layer `layer` took `prefix`.weight and so on.
struct StateOf {
  std::size_t layer;
  std::string prefix;
};

/// Loads `dict` into the network. Layers take tensors in order: each takes those of the first unused prefix whose names
/// and shapes match, or of its entry in `prefixes` if given. A prefix is the part of a name before the last '.';
/// prefixes are in natural order, conv2 before conv10. All of `dict` must be used except num_batches_tracked; indices
/// and constants that are not trained may be missing. Throws Error that names the mismatch and leaves the network
/// unchanged.
std::vector<StateOf> load_state_dict(Sequential& net, const StateDict& dict,
                                     std::span<const std::string> prefixes = {});

/// The tensors of an .npz file, or else of a safetensors file. Other number types are rounded to float32. Throws Error
/// that contains `where` if the file is malformed or holds anything else.
StateDict parse_state_dict(std::string_view bytes, std::string_view where);

/// The state dict of a model as a file. The safetensors file also stores architecture and preprocessing in its
/// metadata.
std::string dump_safetensors(const Model& model);
std::string dump_npz(const Model& model);

}  // namespace hans::nn
