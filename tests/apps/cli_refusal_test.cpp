// What the command refuses: one clear line, the right exit code, nothing changed.
#include <cmath>
#include <hans/core/kernels.hpp>
#include <hans/data/npz.hpp>

#include "cli_testing.hpp"

namespace hans::cli_refusal_test {
namespace {

using CliRefusal = cli::Test;
using cli::expect_refused;

std::string npz_of(std::vector<std::int64_t> labels, const Shape& image, float value = 0.5F) {
  const std::size_t n = labels.size();
  const std::vector<float> pixels(n * image.elements(), value);
  return data::write_npz(
      {{"images", data::Array::of(image.with_front(n), pixels)}, {"labels", data::Array::of(Shape{n}, labels)}});
}

TEST_F(CliRefusal, RefusesInOneLineAndChangesNothing) {
  train("m.hans");
  const std::string model = bytes("m.hans");
  write("cut.hans", std::string_view(model).substr(0, model.size() / 2));
  std::string broken = model;
  broken.back() = static_cast<char>(broken.back() ^ 1);
  write("changed.hans", broken);
  broken.replace(broken.size() - 4, 4, std::string_view("\0\0\xc0\x7f", 4));
  write("nan.hans", broken);
  write("long.hans", std::string(7, '\xff') + "\x7f" + model.substr(8));
  write("empty.hans", "");
  write("text.hans", "this is a text and not a model at all, whatever its name may say");
  write("old.txt", "precious");
  write("labels.npz", npz_of({3, 10}, {28, 28, 1}));
  write("negative.npz", npz_of({3, -1}, {28, 28, 1}));
  write("small.npz", npz_of({3, 4}, {8, 8, 1}));
  write("nan.npz", npz_of({3, 4}, {28, 28, 1}, std::nanf("")));
  write("bright.npz", npz_of({3, 4}, {28, 28, 1}, 255));
  write("cut.npz", npz_of({3, 4}, {28, 28, 1}).substr(0, 1000));
  write("threes.npz", npz_of({3, 3}, {28, 28, 1}));
  std::filesystem::create_directory(folder_ / "sub");
  std::filesystem::create_symlink("o.npz", folder_ / "link.json");  // to what is not there yet
  const auto before = folder_.state();

  struct Refusal {
    std::string_view line;
    int code;
    std::string_view part;
  };
  constexpr Refusal refusals[]{
      {"", 2, "hans --help"},
      {"atack", 2, "did you mean attack"},
      {"bogus-command", 2, "train, eval, attack"},
      {"--quiet", 2, "'--quiet'"},
      {"--version now", 2, "--version"},
      {"help bogus", 2, "'bogus'"},
      {"list", 2, "TOPIC"},
      {"list atacks", 2, "attacks|defenses|models"},
      {"list attacks pgd more", 2, "'more'"},
      {"eval", 2, "MODEL"},
      {"eval m.hans", 2, "--data"},
      {"eval m.hans --data", 2, "--data needs a value"},
      {"eval m.hans --data --quiet", 2, "--data needs a value"},
      {"eval m.hans --data mnist-5k --data mnist-5k", 2, "twice"},
      {"eval m.hans --data mnist-5k --limt 3", 2, "did you mean --limit"},
      {"eval m.hans --data mnist-5k -l 3", 2, "'-l'"},
      {"eval m.hans --data mnist-5k --quiet=yes", 2, "takes no value"},
      {"eval m.hans --data mnist-5k --limit 0", 2, "--limit '0'"},
      {"eval m.hans --data mnist-5k --limit -3", 2, "--limit '-3'"},
      {"eval m.hans --data mnist-5k --limit 1e3", 2, "--limit '1e3'"},
      {"eval m.hans --data mnist-5k --threads 0", 2, "--threads '0'"},
      {"eval m.hans --data mnist-5k --threads 99999", 2, "<= 1024"},
      {"eval m.hans --data mnist-5k --threads -1", 2, "not an integer from 1 to 1024"},
      {"eval m.hans --data mnist-5k --threads 99999999999999999999", 2, "not an integer from 1 to 1024"},
      {"eval m.hans --data mnist-5k --threads 1.5", 2, "not an integer from 1 to 1024"},
      {"eval m.hans --data mnist-5k --threads ''", 2, "not an integer from 1 to 1024"},
      {"eval m.hans --data mnist-5k --seed -1", 2, "--seed '-1'"},
      {"eval m.hans --data mnist-5k --seed 18446744073709551616", 2, "--seed"},
      {"eval m.hans --data mnist-5k --json ''", 2, "--json ''"},
      {"eval m.hans --data mnist-5k --json sub", 1, "directory"},
      {"eval m.hans --data mnist-5k --json none/x.json", 1, "none"},
      {"eval m.hans --data mnist-5k --json m.hans", 2, "same file"},
      {"eval m.hans --data digits", 2, "mnist-5k"},
      {"eval m.hans --data ./digits", 1, "./digits"},
      {"eval m.hans --data ./labels.npz", 1, "10"},
      {"eval m.hans --data ./negative.npz", 1, "-1"},
      {"eval m.hans --data ./small.npz", 1, "8x8x1"},
      {"eval m.hans --data ./nan.npz", 1, "nan.npz"},
      {"eval m.hans --data ./bright.npz", 1, "255"},
      {"eval m.hans --data ./cut.npz", 1, "cut.npz"},
      {"eval none.hans --data mnist-5k", 1, "none.hans"},
      {"eval none --data mnist-5k", 2, "v1, small, madry, mlp, linear"},
      {"eval sub/ --data mnist-5k", 1, "directory"},
      {"eval cut.hans --data mnist-5k", 1, "cut.hans"},
      {"eval changed.hans --data mnist-5k", 1, "changed.hans"},
      {"eval nan.hans --data mnist-5k", 1, "not finite"},
      {"eval long.hans --data mnist-5k", 1, "long.hans"},
      {"eval empty.hans --data mnist-5k", 1, "empty.hans"},
      {"eval text.hans --data mnist-5k", 1, "text.hans"},
      {"attack m.hans --data mnist-5k", 2, "--attack"},
      {"attack m.hans --data mnist-5k --attack ''", 2, "--attack"},
      {"attack m.hans --data mnist-5k --attack fgsm", 2, "eps is missing"},
      {"attack m.hans --data mnist-5k --attack fsgm:eps=0.1", 2, "fgsm, fgsm@cleverhans-1.0.0"},
      {"attack m.hans --data mnist-5k --attack fgsm@2:eps=0.1", 2, "fgsm@2"},
      {"attack m.hans --data mnist-5k --attack fgsm:epsilon=0.1", 2, "allowed: eps"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=0.1,eps=0.2", 2, "twice"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=", 2, "missing"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=nan", 2, "'nan'"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=inf", 2, "'inf'"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=-0.1", 2, ">= 0"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=8", 2, "is more than features from 0 to 1 can change"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=29,norm=l2", 2, "is more than features from 0 to 1 can change"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=0.1,norm=l3", 2, "none of linf|l2|l1"},
      {"attack m.hans --data mnist-5k --attack 'fgsm: eps=0.1'", 2, "space"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=[fgsm:eps=1]", 2, "eps"},
      {"attack m.hans --data mnist-5k --attack jsma", 2, "gamma"},
      {"attack m.hans --data mnist-5k --attack jsma:gamma=1.5", 2, "<= 1"},
      {"attack m.hans --data mnist-5k --attack jsma:gamma=0.1 --targets 12", 2, "12"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=0.1 --at 0.2", 2, "fgsm: eps = 0.1 is none of the radii"},
      {"attack m.hans --data mnist-5k --attack ddn --at 0.1,,0.2", 2, "not a number"},
      {"attack m.hans --data mnist-5k --attack ddn --at -1", 2, "from 0 up"},
      {"attack m.hans --data mnist-5k --attack jsma:gamma=0.1 --targets -1", 2, "-1"},
      {"attack m.hans --data mnist-5k --attack jsma:gamma=0.1 --targets some", 2, "next, all, random"},
      {"attack m.hans --data ./threes.npz --attack jsma:gamma=0.1 --targets 3", 2, "every sample"},
      {"attack m.hans --data mnist-5k --attack fgsm@cleverhans-1.0.0:eps=0.1 --targets next", 2, "takes no targets"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=0.1 --limit 0", 2, "--limit"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=0.1 --out sub", 1, "directory"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=0.1 --out none/x.npz", 1, "none"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=0.1 --out adv.png", 2,
       "--out takes a file that ends in .npz, not 'adv.png'; give 'adv.npz'"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=0.1 --picture a.jpg", 2,
       "--picture takes a file that ends in .png, not 'a.jpg'"},
      {"attack none.hans --data none --attack fgsm:eps=0.1 --picture none/a.npz", 2,
       "not 'none/a.npz'; give 'none/a.png'"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=0.1 --out x --json x", 2, "--out and --json are the same file"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=0.1 --out o.npz --json ./o.npz", 2, "same file"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=0.1 --out o.npz --json link.json", 2, "same file"},
      {"attack m.hans --data mnist-5k --attack fgsm:eps=0.1 --picture p.png --json ././p.png", 2,
       "--picture and --json are"},
      {"attack ./m.hans --data mnist-5k --attack fgsm:eps=0.1 --json m.hans", 2, "MODEL and --json are the same file"},
      {"benchmark m.hans --data mnist-5k --attack fgsm:eps=0.1 --out b.json --json ./b.json", 2, "same file"},
      {"benchmark m.hans --data mnist-5k --attack fgsm:eps=0.1 --out b.json --json b.json.part", 2,
       "the progress of --out and --json are the same file"},
      {"report b.json --out ./b.json", 2, "ending"},
      {"report b.html --out ./b.html", 2, "FILE and --out are the same file"},
      {"report b.json --out c.svg --json c-1.svg", 2, "a figure and --json are the same file"},
      {"train --data mnist-5k --model m.hans --epochs 1 --out x.hans --json ./m.hans", 2, "--model and --json are"},
      {"attack m.hans --data mnist-5k --limit 9 --attack fgsm:eps=0.1 --out /dev/full", 1, "/dev/full"},
      {"attack m.hans --data mnist-5k --limit 9 --attack fgsm:eps=0.1 --json /dev/full", 1, "/dev/full"},
      {"attack cut.hans --data mnist-5k --attack fgsm:eps=0.1 --out old.npz", 1, "cut.hans"},
      {"train --data mnist-5k --model linear --out x.hans", 2, "--epochs"},
      {"train --data mnist-5k --model linear --epochs 1", 2, "--out"},
      {"train --data mnist-5k --model linear --epochs 0 --out x.hans", 2, "--epochs '0'"},
      {"train --data mnist-5k --model linear --epochs 1.5 --out x.hans", 2, "--epochs '1.5'"},
      {"train --data mnist-5k --model linear --epochs 4000000000 --out x.hans", 2, "steps"},
      {"train --data mnist-5k --model linear --epochs 1 --batch 0 --out x.hans", 2, "--batch '0'"},
      {"train --data mnist-5k --model linear --epochs 1 --clip 0 --out x.hans", 2, "--clip '0'"},
      {"train --data mnist-5k --model linear --epochs 1 --clip nan --out x.hans", 2, "--clip 'nan'"},
      {"train --data mnist-5k --model linear --epochs 1 --smoothing 1 --out x.hans", 2, "--smoothing '1'"},
      {"train --data mnist-5k --model linear --epochs 1 --schedule step --out x.hans", 2,
       "constant, cosine, steps, cyclic"},
      {"train --data mnist-5k --model linear --epochs 1 --schedule steps:at=0.9/0.5 --out x.hans", 2, "0.9/0.5"},
      {"train --data mnist-5k --model linear --epochs 1 --optimizer adma --out x.hans", 2, "sgd, adadelta, adam"},
      {"train --data mnist-5k --model linear --epochs 1 --optimizer sgd:rate=-1 --out x.hans", 2, ">= 0"},
      {"train --data mnist-5k --model linear --epochs 1 --defense magic --out x.hans", 2, "adversarial"},
      {"train --data mnist-5k --model linear --epochs 1 --defense adversarial --out x.hans", 2, "attack is missing"},
      {"train --data mnist-5k --model linear --epochs 1 --defense adversarial:attack=[fgsm:eps=2] --out x.hans", 2,
       "is more than features from 0 to 1 can change"},
      {"train --data mnist-5k --model linear --epochs 1 --defense trades --out x.hans", 2, "eps is missing"},
      {"train --data mnist-5k --model linear --epochs 1 --defense ibp --out x.hans", 2, "eps is missing"},
      {"train --data mnist-5k --model linear --epochs 1 --defense ibp:eps=0.1,warmup=1 --out x.hans", 2,
       "longer than the run"},
      {"train --data mnist-5k --model linear --epochs 1 --init orthogonal --out x.hans", 2, "glorot|intervals"},
      {"train --data mnist-5k --model linear --epochs 1 --defense trades:eps=0.1,beta=-1 --out x.hans", 2, "beta"},
      {"train --data mnist-5k --model linear --epochs 1 --defense trades:eps=0.1,steps=0 --out x.hans", 2, "steps"},
      {"train --data mnist-5k --model linear --epochs 1 --defense trades:eps=2 --out x.hans", 2,
       "trades: eps = 2 is more than features from 0 to 1 can change"},
      {"train --data mnist-5k --model linear --epochs 1 --defense trades:eps=0.1,smoothing=0 --smoothing 0 --out x.hans",
       2, "given twice"},
      {"train --data mnist-5k --model linear --epochs 1 --augment shift:pixels=1 --out x.hans", 2, "augment"},
      {"train --data mnist-5k --model linear --epochs 1 --augment augment:shift=-1 --out x.hans", 2, "shift"},
      {"train --data mnist-5k --model linear --epochs 1 --augment augment:shift=28 --out x.hans", 2, "28x28 pixels"},
      {"train --data mnist-5k --model linear --epochs 1 --resume --out x.hans", 2, "--checkpoint"},
      {"train --data mnist-5k --model linear --epochs 1 --checkpoint x --out x", 2, "same file"},
      {"train --data mnist-5k --model linear --epochs 1 --checkpoint m.hans --resume --out x.hans", 1, "m.hans"},
      {"train --data mnist-5k --model linear --epochs 1 --eval ./nothing --out x.hans", 1, "./nothing"},
      {"train --data ./labels.npz --model linear --epochs 1 --out x.hans", 1, "10"},
      {"train --data ./small.npz --model linear --epochs 1 --out x.hans", 1, "8x8x1"},
      {"train --data mnist-5k --model lenear --epochs 1 --out x.hans", 2, "linear"},
      {"train --data mnist-5k --model cut.hans --epochs 1 --out old.onnx", 1, "cut.hans"},
      {"train --data mnist-5k --model linear --epochs 1 --checkpoint old.txt --out x.hans", 2, "no checkpoint"},
      {"train --data mnist-5k --model linear --epochs 1 --checkpoint m.hans --out x.hans", 2, "no checkpoint"},
      {"train --data none --model none --epochs 1 --out x.npz", 2, "then hans convert x.hans x.npz"},
      {"train --data none --model none --epochs 1 --out d.x/x.pt", 2,
       "safetensors.torch.load_file('d.x/x.safetensors')"},
      {"train --data none --model none --epochs 1 --out x.pth", 2, "torch.save"},
      {"train --data none --model none --epochs 1 --out x.h5", 2, "write .onnx"},
      {"train --data none --model none --epochs 1 --out old.txt", 2,
       ".hans, .onnx or .safetensors, not 'old.txt'; give 'old.hans'"},
      {"convert m.hans x.pt", 2, "ends in .hans, .onnx, .safetensors or .npz, not 'x.pt'"},
      {"convert m.hans x", 2, "OUT takes a file"},
      {"train --data mnist-5k --model linear --epochs 1 --out sub", 1, "directory"},
      {"train --data mnist-5k --model linear --epochs 1 --out none/x.hans", 1, "none"},
      {"train --data mnist-5k --model linear --epochs 1 --quiet --out /dev/full", 1, "/dev/full"},
      {"show", 2, "FILE"},
      {"show nothing", 2, "nothing"},
      {"show ./nothing", 1, "nothing"},
      {"show sub", 1, "directory"},
      {"show old.txt", 1, "old.txt"},
      {"show cut.hans", 1, "cut.hans"},
      {"show old.txt --memory", 2, "old.txt"},
      {"show linear --memory --batch 0", 2, "batch"},
      {"show linear --memory --batch 99999999999", 2, "--batch '99999999999'"},
      {"show cut.npz", 1, "cut.npz"},
      {"show m.hans --json m.hans", 2, "same file"},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(text("hans ", refusal.line));
    expect_refused(hans(refusal.line), refusal.code, refusal.part);
    ASSERT_EQ(folder_.state(), before);
  }
}

TEST_F(CliRefusal, AFullDiskLeavesTheOldFile) {
  train("m.hans");
  write("old.hans", "precious");
  write("old.npz", "precious");
  const auto before = folder_.state();
  const cli::Surroundings full{.largest_file = 4096};
  expect_refused(hans("train --data mnist-5k --model linear --epochs 1 --quiet --out old.hans", full), 1, "old.hans");
  expect_refused(hans("attack m.hans --data mnist-5k --limit 20 --attack fgsm:eps=0.1 --out old.npz", full), 1,
                 "old.npz");
  EXPECT_EQ(folder_.state(), before);
}

TEST_F(CliRefusal, AFullStandardOutputIsAFailure) {
  for (const std::string_view line : {"--version", "--help", "list attacks", "list models --json -", "show linear"}) {
    SCOPED_TRACE(line);
    expect_refused(hans(line, {.output_to = "/dev/full"}), 1, "standard output");
  }
}

TEST_F(CliRefusal, AnUnknownKernelSetIsAnErrorWithTheList) {
  for (const std::string_view set :
       {"fast", "", "avx512,portable", "Portable", kernels::available().front() == "neon" ? "avx2" : "neon"}) {
    const std::string variable = text("HANS_KERNELS=", set);
    SCOPED_TRACE(variable);
    expect_refused(hans("eval linear --data mnist-5k", {.variable = variable}), 2, "portable");
  }
  EXPECT_EQ(hans("--version", {.variable = "HANS_KERNELS=fast"}).code, 0);
}

}  // namespace
}  // namespace hans::cli_refusal_test
