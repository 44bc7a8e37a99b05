// Train: a small convolutional network on the built-in digits, saved as a model file.
#include <hans/hans.hpp>

#include <cstdio>

int main() {
  using namespace hans;
  const data::Dataset train = data::load("mnist-5k", data::Part::train);
  const data::Dataset test = data::load("mnist-5k", data::Part::test);

  // Shapes follow from the image's; the seed decides the weights.
  nn::Model model{{train.image_shape(), Rng{1}, nn::Conv2d{.filters = 8, .kernel = 5, .stride = 2}, relu, flatten,
                   nn::Linear{.units = 32}, relu, nn::Linear{.units = 10}}};
  nn::FitOptions fit{.epochs = 3, .batch = 64, .optimizer = nn::Adam{.rate = 2e-3F}, .seed = 1};
  fit.progress = [](const nn::Progress& at) {
    if (at.epoch_end) std::printf("epoch %d: loss %.3f\n", static_cast<int>(at.epoch), at.loss);
  };
  nn::fit(model.net, train, fit);

  model.training = {{"recipe", nn::recipe(fit)}, {"data", train.name()}};  // a record, for whoever reads the file
  nn::save_model(model, "mine.hans");
  const std::vector<int> predictions = nn::predict(model.net, test, test.size());
  std::printf("%zu of %zu test images are right\n", nn::count_correct(predictions, test.labels()), test.size());
}
