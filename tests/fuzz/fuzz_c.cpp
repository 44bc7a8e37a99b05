// Fuzz target: the C interface. Three lines (an attack, an optimizer, a defence) and the bytes of a model file behind
// them; whatever they are, each call works or says why not in one line.
#include <hans/hans.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

bool worked(hans_status status) {
  if (status == HANS_OK) return true;
  const std::string_view reason = hans_last_error();
  if (reason.empty() || reason.find('\n') != std::string_view::npos) std::abort();
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::array<std::string, 3> lines;
  for (std::string& line : lines) {
    const std::size_t end = rest.find('\n');
    line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  hans_model* model = nullptr;
  if (!worked(hans_model_parse(rest.data(), rest.size(), &model))) {
    if (model != nullptr) std::abort();
    return 0;
  }
  std::size_t shape[3], classes = 0;
  if (!worked(hans_model_input_shape(model, shape)) || !worked(hans_model_classes(model, &classes))) std::abort();
  const std::vector<float> image(shape[0] * shape[1] * shape[2], 0.5F);
  std::vector<float> made(image.size());
  const std::int32_t label = 0;
  hans_attack_result result;
  if (image.size() <= 1024 && classes <= 64) {
    worked(hans_attack(model, lines[0].c_str(), image.data(), &label, nullptr, 1, nullptr, made.data(), &result));
    hans_certify_options options = HANS_CERTIFY_OPTIONS_INIT;
    options.attack = lines[0].c_str();
    options.nodes = 4;
    hans_certificate certificate;
    hans_proofs* proofs = nullptr;
    worked(hans_certify(model, 0.1F, image.data(), &label, 1, &options, &certificate, made.data(), &proofs));
    hans_proofs_free(proofs);
    hans_trainer* trainer = nullptr;
    double loss = 0;
    if (worked(hans_trainer_create(model, lines[1].c_str(), lines[2].empty() ? nullptr : lines[2].c_str(), nullptr,
                                   &trainer))) {
      worked(hans_trainer_step(trainer, image.data(), &label, nullptr, 1, &loss));
    }
    hans_trainer_free(trainer);
  }
  hans_model_free(model);
  return 0;
}
