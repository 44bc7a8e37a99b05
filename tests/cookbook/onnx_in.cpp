// ONNX in: a network made elsewhere becomes layers of this library, and every attack works on it.
#include <hans/hans.hpp>

#include <cstdio>

int main(int count, char** words) {
  using namespace hans;
  // Preprocessing is what was done to the [0, 1] image before it entered the network elsewhere, for example
  // nn::Preprocess{.mean = {0.1307F}, .std = {0.3081F}}. It becomes the first layers, so eps stays in [0, 1] units.
  const std::string path = count > 1 ? words[1] : "mine.onnx";
  std::vector<std::string> notes;
  const nn::Model model = nn::load_onnx(path, nn::Preprocess{}, notes);
  for (const std::string& note : notes) std::printf("note: %s\n", note.c_str());

  const data::Samples digits = data::load("mnist-5k").first(200);
  const std::vector<attacks::Attack> list{attacks::Fgsm{.eps = 0.1F}};
  const attacks::Evaluation evaluation = attacks::evaluate(model.net, digits, list, {});
  std::printf("%s: %zu of %zu right, %zu still right under fgsm:eps=0.1\n", path.c_str(), evaluation.right,
              evaluation.size(), evaluation.robust);
}
