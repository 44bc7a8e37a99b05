// Every attack with every kind of target and every way of running it: what one command takes, all that follow it take.
#include <algorithm>
#include <array>
#include <cmath>
#include <hans/attacks/attack.hpp>
#include <hans/core/json.hpp>

#include "../apps/cli_testing.hpp"
#include "attack_table.hpp"

namespace hans::product_test {
namespace {

/// The attack in a range of features that is not the data's; empty: one that takes no clip_min and clip_max.
std::string clipped(const attacks::Attack& attack) {
  const std::vector<FieldInfo> fields = attack.info().fields;
  const auto is_clip = [](const FieldInfo& field) { return field.name == "clip_min"; };
  Spec spec = attack.spec();
  if (std::ranges::any_of(fields, is_clip)) {
    std::erase_if(spec.items, [](const Spec::Item& item) { return item.key.starts_with("clip_"); });
    spec.items.push_back({"clip_min", "0"});
    spec.items.push_back({"clip_max", "1.5"});
    return text(spec);
  }
  bool any = false;
  for (Spec::Item& item : spec.items) {
    if (!item.nested) continue;
    attacks::Attacks parts;
    read_value(item.value, parts);
    item.value.clear();
    for (const attacks::Attack& part : parts.all) {
      const std::string one = clipped(part);
      if (one.empty()) return "";
      append(item.value, text(item.value.empty() ? "" : "]/[", one));
    }
    any = true;
  }
  return any ? text(spec) : "";
}

struct Row {
  std::string_view spec;
  std::string clipped;
};

/// The first row of each attack in the table of attacks.
std::vector<Row> every_attack() {
  std::vector<Row> rows;
  for (const std::string_view spec : testing_attacks::specs) {
    const std::string_view name = spec.substr(0, spec.find(':'));
    const auto has_name = [name](const Row& row) { return row.spec.substr(0, row.spec.find(':')) == name; };
    if (std::ranges::any_of(rows, has_name)) continue;
    rows.push_back({spec, clipped(attacks::Attack::from_spec(Spec::parse(spec)))});
  }
  return rows;
}

constexpr std::array<std::string_view, 5> targets{"", "next", "all", "random", "3"};
enum class Way { plain, adaptive, shard, at, clipped };
constexpr std::array ways{Way::plain, Way::adaptive, Way::shard, Way::at, Way::clipped};

class SlowProduct : public cli::Test {
 protected:
  void SetUp() override {
    cli::Test::SetUp();
    if (!IsSkipped()) output("train --data mnist-5k --model linear --epochs 1 --quiet --out m.hans");
  }

  /// Runs a line that must succeed; UNRELIABLE (3) is success where a number is published.
  std::string done(const std::string& line) {
    const cli::Outcome outcome = hans(line);
    EXPECT_TRUE(outcome.code == 0 || outcome.code == 3) << line << "\n" << outcome.out << outcome.err;
    EXPECT_EQ(outcome.err, "") << line;
    return outcome.out;
  }

  static void expect_shares(const Json& json) {
    if (json.is_array()) {
      for (const Json& item : json.items()) expect_shares(item);
    }
    if (!json.is_object()) return;
    for (const auto& [key, value] : json.members()) {
      if (key.ends_with("accuracy") || key.ends_with("_rate")) {
        EXPECT_TRUE(value.is_null() || (value.number() >= 0 && value.number() <= 1)) << key << " " << value.dump();
      }
      expect_shares(value);
    }
  }

  /// What stands in front of " | " in the second line of each sentence names the attack of the result.
  static void expect_same_attack(const Json& result) {
    for (const Json& attack : result.at("attacks").items()) {
      const std::string& name = attack.at("attack").string();
      std::size_t found = 0;
      const std::string& sentences = attack.at("sentence").string();
      for (std::size_t at = sentences.find(name); at != std::string::npos; at = sentences.find(name, at + 1)) ++found;
      EXPECT_GT(found, 0U) << sentences;
      EXPECT_EQ(text(attacks::Attack::from_spec(Spec::parse(name)).pinned()), name);
      const std::size_t open = static_cast<std::size_t>(std::ranges::count(sentences, '[')),
                        closed = static_cast<std::size_t>(std::ranges::count(sentences, ']'));
      EXPECT_EQ(open, closed) << sentences;
    }
  }

  /// The whole road; or all of it is refused by the same line. Returns whether it was taken.
  bool expect_road(const Row& row, std::string_view target, Way way) {
    const std::string what =
        text(" m.hans --data mnist-5k --quiet --limit 4 --attack ",
             way == Way::clipped ? std::string_view(row.clipped) : row.spec, target.empty() ? "" : " --targets ",
             target, way == Way::adaptive ? " --adaptive" : "", way == Way::at ? " --at 0.01,8/255" : "");
    SCOPED_TRACE(what);
    const bool shard = way == Way::shard;
    const cli::Outcome attack = hans(text("attack", what, shard ? " --shard 1/2" : "", " --json a.json --out a.npz"));
    const cli::Outcome benchmark = hans(text("benchmark", what, shard ? " --shard 1/2" : "", " --out b.json"));
    if (attack.code != 0) {
      cli::expect_refused(attack, 2, "");
      cli::expect_refused(benchmark, 2, attack.err);
      return false;
    }
    EXPECT_TRUE(benchmark.code == 0 || benchmark.code == 3) << benchmark.err;
    const Json result = Json::parse(bytes("a.json"));
    expect_shares(result);
    expect_same_attack(result);
    const Json manifest = Json::parse(bytes("b.json"));
    expect_shares(manifest);
    EXPECT_EQ(manifest.at("result").at("robust_accuracy").dump(), result.at("robust_accuracy").dump());
    EXPECT_EQ(manifest.at("judgement").at("verdict").dump(), result.at("verdict").dump());
    std::string parts = "b.json";
    if (shard) {
      done(text("benchmark", what, " --shard 2/2 --out c.json"));
      done(text("benchmark", what, " --out whole.json"));
      parts += " c.json";
    }
    done(text("merge --out m.json ", parts));
    const Json merged = Json::parse(bytes("m.json"));
    EXPECT_EQ(merged.at("name").string(), Json::parse(bytes(shard ? "whole.json" : "b.json")).at("name").string());
    EXPECT_NE(done("reproduce b.json --quiet").find("identical: all"), std::string::npos);
    EXPECT_NE(done("reproduce m.json --quiet").find("identical: all 4 images"), std::string::npos);
    done("report m.json --out m.html");
    done("show m.json");
    done("check a.npz --model m.hans --data mnist-5k");
    return true;
  }

  /// Whether the pair is one that makes sense.
  static bool takes(const Row& row, std::string_view target, Way way) {
    const attacks::Attack attack = attacks::Attack::from_spec(Spec::parse(row.spec));
    const double budget = attack.budget(Shape{28, 28, 1}, {}).size;
    if (!target.empty() && !attack.info().takes_targets) return false;
    if (way == Way::at && !std::isinf(budget)) return false;
    return way != Way::clipped || !row.clipped.empty();
  }
};

/// Every pair of attack and target, attack and way, target and way.
TEST_F(SlowProduct, EveryPair) {
  const std::vector<Row> rows = every_attack();
  ASSERT_EQ(rows.size(), attacks::list_attacks().size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t t = 0; t < targets.size(); ++t) {
      const Way way = ways[(r + t) % ways.size()];
      if (way == Way::clipped && rows[r].clipped.empty()) continue;
      EXPECT_EQ(expect_road(rows[r], targets[t], way), takes(rows[r], targets[t], way));
    }
  }
}

/// All of it: tests/nightly runs it.
TEST_F(SlowProduct, DISABLED_Whole) {
  for (const Row& row : every_attack()) {
    for (const std::string_view target : targets) {
      for (const Way way : ways) {
        if (way == Way::clipped && row.clipped.empty()) continue;
        EXPECT_EQ(expect_road(row, target, way), takes(row, target, way));
      }
    }
  }
}

}  // namespace
}  // namespace hans::product_test
