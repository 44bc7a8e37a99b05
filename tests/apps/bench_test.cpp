// hans bench: the figures are there, are what they say, and bad requests are refused.
#include "../../apps/bench/bench.hpp"
#include <hans/core/json.hpp>
#include <hans/core/version.hpp>
#include <hans/nn/models.hpp>

#include "cli_testing.hpp"

namespace hans::bench_test {
namespace {

using apps::Step;
using cli::expect_refused;
using BenchCommand = cli::Test;

double positive(const Json& json, std::string_view key) {
  const double value = json.at(key).number();
  EXPECT_GT(value, 0) << key << " in " << json.dump();
  return value;
}

void expect_spread(const Json& figure, std::string_view key) {
  const Json& spread = figure.at(key);
  const double median = positive(spread, "median");
  EXPECT_LE(positive(spread, "min"), median);
  EXPECT_GE(positive(spread, "max"), median);
}

void expect_share(const Json& figure) {
  const double mean = (positive(figure, "peak_before") + positive(figure, "peak_after")) / 2;
  EXPECT_NEAR(positive(figure, "share_of_peak"), figure.at("gflops").at("median").number() / mean, 1e-9);
}

TEST(Bench, CountsOperations) {
  struct Row {
    std::string_view model;
    double forward, first;  // multiply-adds of one image
    std::size_t layers;
  };
  constexpr Row rows[]{{"v1", 8586496, 14 * 14 * 64 * 64, 4},
                       {"small", 9952400, 26 * 26 * 9 * 32, 7},
                       {"madry", 13883904, 28 * 28 * 25 * 32, 4},
                       {"mlp", 1794000, 784000, 3}};
  for (const Row& row : rows) {
    const nn::Sequential net = nn::make_model(row.model, Rng(0));
    EXPECT_EQ(apps::products_of(net, 1).size(), row.layers) << row.model;
    EXPECT_EQ(apps::multiply_adds(apps::products_of(net, 3).front().conv), 3 * row.first) << row.model;
    EXPECT_EQ(apps::step_flop(net, Step::infer), 2 * row.forward) << row.model;
    EXPECT_EQ(apps::step_flop(net, Step::xgrad), 4 * row.forward) << row.model;
    EXPECT_EQ(apps::step_flop(net, Step::train), 6 * row.forward - 2 * row.first) << row.model;
  }
}

TEST(Bench, LayersAreTheProductsTheNetworkComputes) {
  // The last layer's logits, computed from the products' own geometry.
  struct Row {
    std::string_view architecture;
    double first;  // multiply-adds of the first layer, for one image
  };
  constexpr Row rows[]{
      {"9x8x2;conv2d:filters=5,kernel=3,stride=2,padding=same;conv2d:filters=4,kernel=2,"
       "padding=0x1x1x0;flatten;linear:units=3",
       5 * 4 * 9 * 2 * 5},
      {"9x8x4;conv2d:filters=6,kernel=3,groups=2,dilation=2;conv2d:filters=6,kernel=2,groups=6;flatten;"
       "linear:units=3",
       5 * 4 * 9 * 2 * 6}};
  for (const Row& row : rows) {
    const nn::Sequential net = nn::Sequential::parse(row.architecture, Rng(3));
    const Tensor images = apps::bench_noise(net.input().with_front(2), 1, "images");
    Tensor x = images;
    for (const apps::LayerProduct& layer : apps::products_of(net, 2)) {
      const std::size_t place = layer.position == 0 ? 0 : layer.position == 1 ? 2 : 4;
      const kernels::Conv& c = layer.conv;
      EXPECT_EQ(c.samples, 2U) << row.architecture;
      if (layer.position == 0) {
        EXPECT_EQ(apps::multiply_adds(c), 2 * row.first) << row.architecture;
      }
      Tensor packed({kernels::forward_pack_size(c)});
      kernels::pack_forward(c, net.weights()[place].data(), packed.mutable_data());
      Tensor out({c.samples, c.out_height, c.out_width, c.filters});
      kernels::conv_forward(c, x.data(), packed.data(), net.weights()[place + 1].data(), kernels::Activation::none,
                            out.mutable_data());
      x = out;
    }
    Tape tape;
    EXPECT_TRUE(identical(x.reshaped({2, 3}), net.logits(tape.constant(images)).value())) << row.architecture;
  }
}

TEST(Bench, PeakCountsWhatItDoes) {
  const double once = kernels::peak_chains(1);
  EXPECT_GE(once, 2 * 16);  // a vector at least
  EXPECT_EQ(kernels::peak_chains(1000), 1000 * once);
  EXPECT_EQ(kernels::peak_chains(0), 0);
}

TEST(Bench, AttacksAreMeasuredOnATrainedNetwork) {
  apps::BenchPlan plan;
  plan.rounds = 2;
  plan.seconds = 1e-3;
  plan.attacked = "linear";
  plan.attacked_epochs = 1;
  plan.attacked_images = 20;
  plan.attacked_by_jsma = 2;
  std::vector<std::string> labels;
  const std::vector<apps::Figure> figures =
      apps::measure(apps::attack_jobs(plan), plan, [&](std::size_t done, const std::string& label) {
        EXPECT_EQ(done, labels.size());
        labels.push_back(label);
      });
  ASSERT_EQ(figures.size(), 3U);
  EXPECT_EQ(labels[1], figures[1].label);
  EXPECT_EQ(figures[0].count, 20);
  EXPECT_EQ(figures[0].flop, 20 * 4 * 7840);
  EXPECT_EQ(figures[1].count, 18);  // two images, nine classes each
  EXPECT_EQ(figures[2].count, 18);
  const Json report = bench_json(figures, plan);
  const Json& all = report.at("attacks");
  constexpr std::string_view attacks[]{"fgsm:eps=0.3,", "jsma:gamma=0.145,", "of=logits"};
  for (std::size_t i = 0; i < 3; ++i) {
    const Json& figure = all.items()[i];
    EXPECT_NE(figure.at("attack").string().find(attacks[i]), std::string::npos) << figure.dump();
    EXPECT_EQ(figure.at("model").string(), "linear");
    EXPECT_EQ(figure.at("trained_epochs").integer(), 1);
    expect_spread(figure, i == 0 ? "images_per_second" : "attempts_per_second");
    expect_spread(figure, "gflops");
    expect_share(figure);
  }
}

TEST_F(BenchCommand, GivesEveryKey) {
  const Json json = Json::parse(
      output("bench --only peak,layers --only steps --model linear --batch 2,3 --rounds 2 --seconds 0.001 --threads 2 "
             "--json -"));
  EXPECT_EQ(json.at("hans").string(), build_version());
  EXPECT_EQ(json.at("kernels").string(), kernels::selected());
  EXPECT_EQ(json.at("threads").integer(), 2);
  EXPECT_FALSE(json.at("compiler").string().empty());
  EXPECT_TRUE(json.at("cpu").is_null() || !json.at("cpu").string().empty());
  EXPECT_EQ(json.at("rounds").integer(), 2);
  EXPECT_EQ(json.at("round_seconds").number(), 0.001);
  EXPECT_EQ(json.at("seed").integer(), 0);
  EXPECT_EQ(json.find("sgemm"), nullptr);
  EXPECT_EQ(json.find("attacks"), nullptr);
  for (const std::string_view section : {"peak", "bandwidth"}) {
    const Json::Array& all = json.at(section).items();
    ASSERT_EQ(all.size(), 2U) << section;
    for (std::size_t i = 0; i < 2; ++i) {
      EXPECT_EQ(all[i].at("threads").natural(), i + 1);
      expect_spread(all[i], section == "peak" ? "gflops" : "gigabytes_per_second");
    }
  }
  const Json::Array& layers = json.at("layers").items();
  ASSERT_EQ(layers.size(), 6U);
  constexpr std::string_view passes[]{"forward", "input_gradient", "weight_gradient"};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    EXPECT_EQ(layers[i].at("model").string(), "linear");
    EXPECT_EQ(layers[i].at("layer").integer(), 1);
    EXPECT_EQ(layers[i].at("shape").string(), "linear 784x10");
    EXPECT_EQ(layers[i].at("batch").natural(), i / 3 + 2);
    EXPECT_EQ(layers[i].at("pass").string(), passes[i % 3]);
    expect_spread(layers[i], "gflops");
    expect_share(layers[i]);
  }
  const Json::Array& steps = json.at("steps").items();
  ASSERT_EQ(steps.size(), 6U);
  constexpr std::string_view names[]{"train", "infer", "xgrad"};
  for (std::size_t i = 0; i < steps.size(); ++i) {
    EXPECT_EQ(steps[i].at("model").string(), "linear");
    EXPECT_EQ(steps[i].at("step").string(), names[i % 3]);
    EXPECT_EQ(steps[i].at("batch").natural(), i / 3 + 2);
    expect_spread(steps[i], "images_per_second");
    expect_spread(steps[i], "gflops");
    expect_share(steps[i]);
  }
}

TEST_F(BenchCommand, MeasuresProductsAndPrintsATable) {
  const std::string table = output("bench --only sgemm --rounds 1 --seconds 0.0001 --json b.json");
  for (const std::string_view part :
       {"GFLOP/s", "of peak", "1024x1024x1024, packed before", "60x128x73728, packed in"}) {
    EXPECT_NE(table.find(part), std::string::npos) << part << "\n" << table;
  }
  const Json json = Json::parse(bytes("b.json"));
  const Json::Array& products = json.at("sgemm").items();
  ASSERT_EQ(products.size(), 16U);
  for (std::size_t i = 0; i < products.size(); ++i) {
    EXPECT_EQ(products[i].at("packed").string(), i % 2 == 0 ? "before" : "each_call");
    expect_share(products[i]);
  }
  EXPECT_EQ(products[2].at("m").integer(), 128);
  EXPECT_EQ(products[2].at("n").integer(), 1000);
  EXPECT_EQ(products[2].at("k").integer(), 1152);
}

TEST_F(BenchCommand, RefusesBadArguments) {
  struct Refusal {
    std::string_view line, part;
  };
  constexpr Refusal refusals[]{
      {"--only speed", "peak, sgemm, layers, steps and attacks"},
      {"--only peak,", "''"},
      {"--only bandwidth", "'bandwidth'"},
      {"--rounds 0", ">= 1"},
      {"--rounds 1001", "1000"},
      {"--batch 0", "1 to 65536"},
      {"--batch 16,0", "'0'"},
      {"--batch 65537", "1 to 65536"},
      {"--batch many", "'many'"},
      {"--seconds 0", "> 0"},
      {"--seconds 61", "60"},
      {"--seconds inf", "60"},
      {"--model v9", "v1, small, madry"},
      {"--threads 0", ">= 1"},
      {"v1", "'v1'"},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(refusal.line);
    expect_refused(hans(text("bench ", refusal.line)), 2, refusal.part);
  }
}

}  // namespace
}  // namespace hans::bench_test
