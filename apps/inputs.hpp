// The models and data that commands are told to use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <hans/data/dataset.hpp>
#include <hans/nn/fit.hpp>
#include <hans/nn/model_file.hpp>
#include <hans/nn/onnx_import.hpp>
#include <hans/nn/preprocess.hpp>
#include "arguments.hpp"
#include "run/sentence.hpp"

namespace hans::apps {

/// A model with the name that reports give it.
struct NamedModel {
  std::string name;  ///< the file's name without its folder, visible() (utf8.hpp), the built-in name or architecture
  std::string path;  ///< that of the file, the name of a network in the box; empty: untrained
  nn::Model model;
};

/// What --preprocess says; read as nn::read_preprocess does.
struct PreprocessChoice {
  nn::Preprocess preprocess;
};
void read_value(std::string_view word, PreprocessChoice& out);
void append_value(std::string& out, const PreprocessChoice& choice);
std::string value_help(const PreprocessChoice&);
inline constexpr std::string_view preprocess_meaning =
    "for an ONNX file, what is done to the [0,1] image first: scale=255, mean=0.1307,std=0.3081, layout=nhwc, "
    "shape=1x784x1";

/// Radii that accuracy is asked for at: numbers separated by commas.
struct Radii {
  std::vector<float> values;
};
void read_value(std::string_view word, Radii& out);
void append_value(std::string& out, const Radii& radii);
std::string value_help(const Radii&);

/// Whether a path is that of an ONNX file: by its ending.
bool is_onnx(std::string_view path);

/// Whether a path is that of weights alone: by its ending.
bool is_state_dict(std::string_view path);

/// `word` is a built-in name, a network in the box, an architecture, or a path, which has a '/' or '.', of a .hans or
/// an ONNX file. What is no file starts from `seed`. What was noticed in an ONNX file goes to standard error. Throws
/// UsageError for a name that is none or for a preprocessing of something else than an ONNX file, Error for a file that
/// is none.
NamedModel load_model(std::string_view word, std::uint64_t seed, const std::optional<PreprocessChoice>& preprocess = {},
                      nn::OnnxOutput output = nn::OnnxOutput::logits);

/// The file that a model is written to under this name, by its ending: .onnx, .safetensors and .npz as hans convert
/// makes them, else .hans. Throws Error for a layer that ONNX does not have.
std::string dump_as(const nn::Model& model, std::string_view path);

/// What a model file says of its training: enough to repeat the training, nothing that differs between machines.
/// `model` is the built-in name or the architecture; `continued_from` the hash of the file that it went on from, if
/// any.
Facts training_record(std::string_view model, const data::Dataset& train, const nn::FitOptions& fit,
                      std::string_view continued_from = {});

/// Says on standard error that a model is untrained: its numbers mean little.
void warn_if_untrained(const NamedModel& model);

/// The name that reports and model files give data: without the folders above the last, so that it is the same on every
/// machine.
std::string short_name(std::string_view data_name);

/// What results say of a model and data.
Subject subject_of(const NamedModel& model, const data::Dataset& data, std::uint64_t seed);

/// How many samples --limit leaves of `size`.
std::size_t first_count(const std::optional<std::uint64_t>& limit, std::size_t size);

/// What MODEL and --data are, for the help.
inline constexpr std::string_view model_meaning = "a model file, as hans train writes it, or an ONNX file";
inline constexpr std::string_view data_meaning_test =
    "the images: mnist-5k (built in), a folder, a file or another name that hans list data shows; the test part unless "
    "it ends in /train";

/// What --targets says.
struct TargetsChoice {
  attacks::Targets targets;
};
void read_value(std::string_view word, TargetsChoice& out);
void append_value(std::string& out, const TargetsChoice& choice);
std::string value_help(const TargetsChoice&);

/// The data `word` means (see data::load) for `model`. Throws Error if the images or the labels do not fit it.
data::Dataset load_data(std::string_view word, data::Part part, const nn::Sequential& model);

}  // namespace hans::apps
