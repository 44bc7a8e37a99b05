// Weights under PyTorch's names and in its layouts, in safetensors and NPZ files.
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

/// The numbers of the network as torch.nn.Sequential of the same layers would hold them: "0.weight", "0.bias",
/// "1.running_mean", ... Convolutions are filters x channels x height x width (transposed ones channels first), linear
/// layers units x features, features of a flattened image counted channel by channel; the numbers are bit for bit the
/// network's. Constants (slopes of prelu) are "weight", chosen indices "indices". Throws Error for a layer whose
/// features mix those of a flattened image, and for normalisations of two axes of an image: PyTorch has no equal.
StateDict state_dict(const Sequential& net);

/// Which tensors became whose: all those named `prefix`.weight and so on.
struct StateOf {
  std::size_t layer;
  std::string prefix;
};

/// Gives the network the numbers of `dict`. Each layer that has any takes, in turn, the tensors of the first prefix
/// (what stands before the last '.', in natural order: conv2 before conv10) that nobody took yet and whose names and
/// shapes are the layer's; or, with `prefixes`, of the one said for it. Everything in `dict` must be used, but
/// num_batches_tracked; indices and constants that no training changes may be missing. Throws Error that says what does
/// not fit; the network is then as it was.
std::vector<StateOf> load_state_dict(Sequential& net, const StateDict& dict,
                                     std::span<const std::string> prefixes = {});

/// The tensors of an .npz file or, if `bytes` is none, of a safetensors file; numbers of other types are rounded to
/// float32. Throws Error, with `where` in it, for a file that is malformed or holds other things.
StateDict parse_state_dict(std::string_view bytes, std::string_view where);

/// The files of a model's state dict. The safetensors file also says architecture and preprocessing in its metadata.
std::string dump_safetensors(const Model& model);
std::string dump_npz(const Model& model);

}  // namespace hans::nn
