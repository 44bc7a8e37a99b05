// Wrong input of people who know another library, another unit or another file: the answer names the right one.
#include <hans/data/npz.hpp>

#include "cli_testing.hpp"

namespace hans::cli_meant_test {
namespace {

using CliMeant = cli::Test;
using cli::expect_refused;

std::string repeated(std::string_view part, std::size_t count) {
  std::string all;
  for (std::size_t k = 0; k < count; ++k) all += part;
  return all;
}

TEST_F(CliMeant, WrongInputIsAnsweredByTheRightOne) {
  train("m.hans");
  const data::Array labels = data::Array::of({2}, std::vector<std::int64_t>{3, 4});
  const auto images = [](const Shape& shape, float value) {
    return data::Array::of(shape, std::vector<float>(shape.elements(), value));
  };
  write("bytes.npz", data::write_npz({{"images", images({2, 28, 28}, 255)}, {"labels", labels}}));
  write("longs.npz", data::write_npz({{"images", labels}, {"originals", labels}, {"labels", labels}}));
  write("floats.npz",
        data::write_npz(
            {{"images", images({2, 28, 28}, 0)}, {"originals", images({2, 28, 28}, 0)}, {"labels", images({2}, 3)}}));
  write("text.npz", data::write_npz({{"0.weight", data::Array::of("x")}}));
  write("flat.npz", data::write_npz({{"images", images({2, 784}, 0)}, {"labels", labels}}));
  write("other.npz", data::write_npz({{"data", images({2, 28, 28}, 0)}, {"target", labels}}));
  write("m.pt", "PK\x03\x04" + std::string(26, '\0') + "m/data.pkl" + std::string(90, '\0'));
  write("old.pth", "\x80\x02\x8a\x0al\xfc\x9c" + std::string(90, 'x'));
  write("m.h5", "\x89HDF\r\n\x1a\n" + std::string(90, '\0'));
  write("a.json", R"({"hans": "1", "model": "m"})");
  for (const char* folder : {"photos", "pickles", "short"}) std::filesystem::create_directory(folder_ / folder);
  write("photos/one.png", "x");
  write("pickles/data_batch_1", "x");
  write("short/test_batch.bin", repeated("x", 100));
  const auto before = folder_.state();

  struct Wrong {
    std::string_view line, answer;
    int code = 2;
  };
  const std::string attack = "attack m.hans --data mnist-5k --limit 1 --attack ";
  const std::string train = "train --data mnist-5k --epochs 1 --out x.hans --model ";
  const std::vector<std::pair<std::string, std::vector<Wrong>>> groups{
      {attack,
       {{"bim:eps=0.3", "did you mean pgd:start=original?"},
        {"mim:eps=0.3", "did you mean mi-fgsm?"},
        {"carlini", "did you mean cw?"},
        {"'c&w'", "did you mean cw?"},
        {"fgms:eps=0.3", "did you mean fgsm?"},
        {"PGD:eps=0.3", "did you mean pgd?"},
        {"LinfPGD:eps=0.3", "did you mean pgd?"},
        {"L2CarliniWagnerAttack", "did you mean cw?"},
        {"ProjectedGradientDescent:eps=0.3", "did you mean pgd?"},
        {"FastGradientMethod:eps=0.3", "did you mean fgsm?"},
        {"BasicIterativeMethod:eps=0.3", "did you mean pgd:start=original?"},
        {"SquareAttack:eps=0.3", "did you mean square?"},
        {"SaliencyMapMethod", "did you mean jsma?"},
        {"HopSkipJumpAttack", "did you mean hopskipjump?"},
        {"DeepFoolAttack", "did you mean deepfool?"},
        {"aa:eps=0.3", "did you mean autoattack?"},
        {"auto-attack:eps=0.3", "did you mean autoattack?"},
        {"apgd-ce:eps=0.3", "did you mean apgd?"},
        {"simba:eps=0.3", "did you mean square?"},
        {"fgsm:epsilon=0.3", "did you mean eps?"},
        {"fgsm:EPS=0.3", "did you mean eps?"},
        {"pgd:eps=0.3,step=0.1", "did you mean alpha?"},
        {"pgd:eps=0.3,nb_iter=10", "did you mean steps?"},
        {"pgd:eps=0.3,random_start=true", "did you mean start?"},
        {"fgsm:eps=0.3,norm=Linf", "did you mean linf?"},
        {"fgsm:eps=0.3,norm=L2", "did you mean l2?"},
        {"fgsm:eps=0.3,norm=2", "did you mean l2?"},
        {"fgsm:eps=0.3,norm=inf", "did you mean linf?"},
        {"fgsm:eps=0.3,norm=l∞", "did you mean linf?"},
        {"fgsm:eps=0,3", "write a decimal point as '.': eps=0.3"},
        {"fgsm:0.3", "such as fgsm:eps=0.3"},
        {"'fgsm(eps=0.3)'", "such as fgsm:eps=0.3"},
        {"fgsm:eps=76.5", "give it in the units of the data, such as 8/255"},
        {"fgsm:eps=8", "such as 8/255 and not 8"},
        {"fgsm:eps=0.3:norm=l2", "a ',' stands between parameters: eps=0.3,norm=l2"},
        {"fgsm:eps=30%", "cannot stand here"},
        {"cw:eps=0.1", "--at 0.1"}}},
      {train,
       {{"linear --defense pgd:eps=0.3", "did you mean adversarial:attack=[pgd:eps=0.1]?"},
        {"linear --defense adversarial:attack=fgsm:eps=0.3", "attack=[fgsm:eps=0.3]"},
        {"linear --defense trades:eps=8", "trades: eps = 8"},
        {"linear --optimizer momentum", "did you mean sgd:momentum=0.9?"},
        {"linear --optimizer adam:lr=0.1", "did you mean rate?"},
        {"linear --lr 0.1", "did you mean --optimizer adam:rate="},
        {"linear --batch-size 8", "did you mean --batch?"},
        {"resnet18", "did you mean resnet20?"},
        {"LeNet-5", "did you mean lenet5?"},
        {"'28x28x1;flatten;dense:units=10'", "did you mean linear?"},
        {"'28x28x1;flatten;linear:out_features=10'", "did you mean units?"}}},
      {"",
       {{"test m.hans --data mnist-5k", "did you mean eval?"},
        {"fit", "did you mean train?"},
        {"eval", "MODEL, --data DATA are missing"},
        {"train", "--data DATA, --model MODEL, --epochs N, --out FILE are missing"},
        {"attack m.hans --data mnist-5k --eps 0.3", "did you mean --attack fgsm:eps=0.3?"},
        {"eval --model m.hans --data mnist-5k", "write MODEL without --model"},
        {"eval m.hans --dataset mnist-5k", "did you mean --data?"},
        {"eval m.hans --data mnist-5k -n 10", "did you mean --limit?"},
        {"eval m.hans data mnist-5k", "did you mean --data?"},
        {"eval m.hans --data MNIST", "did you mean mnist?"},
        {"eval m.hans --data FashionMNIST", "did you mean fashion-mnist?"},
        {"eval m.hans --data cifar10", "a folder of CIFAR-10's binary files"},
        {"eval m.onnx --data mnist-5k --preprocess mean=0.49,0.48,0.45", "write several numbers as mean=0.49/0.48"},
        {"list attack", "did you mean attacks?"},
        {"list attacks fgms", "did you mean fgsm?"},
        {"help fgms", "unknown command 'fgms'"},
        {"eval m.pt --data mnist-5k", "is a PyTorch pickle", 1},
        {"attack m.pt --data mnist-5k --attack fgsm:eps=0.3", "torch.onnx.export(", 1},
        {"convert old.pth x.hans", "dynamo=False", 1},
        {"show m.pt", "safetensors.torch.save_file(", 1},
        {"eval m.h5 --data mnist-5k", "tf2onnx.convert.from_keras(", 1},
        {"show m.h5", "tf2onnx.convert.from_keras(", 1},
        {"eval m.hans --data ./photos", "numpy.savez('data.npz'", 1},
        {"eval m.hans --data ./pickles", "cifar-10-binary.tar.gz", 1},
        {"eval m.hans --data ./short", "records of 3073", 1},
        {"eval m.hans --data bytes.npz", "'bytes.npz': image 0 holds 255; pixels must be in [0, 1]", 1},
        {"eval m.hans --data flat.npz", "array 'images' has shape 2x784; count x height x width", 1},
        {"eval m.hans --data other.npz", "'other.npz': there is no array 'images' in the file; it holds 'data'", 1},
        {"transfer longs.npz m.hans", "images in longs.npz have shape 2;", 1},
        {"transfer floats.npz m.hans", "floats.npz: array 'labels': the array has elements of type float32", 1},
        {"convert text.npz x.hans --model linear", "array '0.weight': the array has elements of type text", 1},
        {"reproduce other.npz", "other.npz: it is an .npz file, not a manifest", 1},
        {"reproduce a.json", "a.json: it is no manifest", 1},
        {"reproduce none.json", "cannot read 'none.json'", 1}}},
  };
  std::size_t lines = 0;
  for (const auto& [start, group] : groups) {
    for (const Wrong& wrong : group) {
      const std::string line = text(start, wrong.line);
      SCOPED_TRACE(text("hans ", line));
      expect_refused(hans(line), wrong.code, wrong.answer);
      ++lines;
    }
  }
  EXPECT_GE(lines, 50U);
  EXPECT_EQ(folder_.state(), before);
}

TEST_F(CliMeant, HelpAnswersNamesAndVersions) {
  EXPECT_EQ(output("version"), output("--version"));
  EXPECT_EQ(output("help pgd"), output("list attacks pgd"));
  EXPECT_EQ(output("help layers"), output("list layers"));
  EXPECT_NE(output("help jsma@cleverhans-1.0.0").find("faults included"), std::string::npos);
  const std::string table = output("list attacks");
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 32) << table;
  for (const std::string_view part : {"\nfgsm ", "norms", "gradients", "one step along the sign of the gradient\n"}) {
    EXPECT_NE(table.find(part), std::string::npos) << part << table;
  }
  const std::string pages = output("list layers linear");
  EXPECT_NE(pages.find("units"), std::string::npos) << pages;
}

TEST_F(CliMeant, EvalAsksForThePreprocessingWhereAlmostNothingIsRight) {
  output(
      "train --data mnist-5k --model '28x28x1;normalize:scale=-1;flatten;linear:units=10' --epochs 1 --quiet --out m.hans");
  EXPECT_EQ(hans("eval m.hans --data mnist-5k").err, "");
  write("m.npz",
        data::write_npz({{"images", data::Array::of({20, 28, 28}, std::vector<float>(20 * 784))},
                         {"labels", data::Array::of({20}, std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9,
                                                                                    0, 1, 2, 3, 4, 5, 6, 7, 8, 9})}}));
  const cli::Outcome outcome = hans("eval m.hans --data m.npz");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(outcome.err.find("hans: note: 2 of 20 unmodified images are right, with 10 classes: are these"),
            std::string::npos)
      << outcome.err;
}

TEST_F(CliMeant, ANoteSaysHowOthersDataWereTaken) {
  const Shape planes{3, 1, 28, 28};
  write("c.npz", data::write_npz({{"x_test", data::Array::of(planes, std::vector<double>(planes.elements(), 0.5))},
                                  {"y_test", data::Array::of({3, 1}, std::vector<std::int64_t>{1, 2, 3})}}));
  const cli::Outcome outcome = hans("eval linear --data c.npz");
  EXPECT_EQ(outcome.code, 0);
  EXPECT_NE(
      outcome.err.find("hans: note: c.npz: takes 'x_test' (3x1x28x28 float64, channels first) as images of 28x28x1 "
                       "float32 and 'y_test' (3x1) as labels\n"),
      std::string::npos)
      << outcome.err;
}

}  // namespace
}  // namespace hans::cli_meant_test
