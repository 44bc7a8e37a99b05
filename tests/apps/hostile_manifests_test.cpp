// Manifests from a generator of nonsense: each is refused or read, in bounded time and memory.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <chrono>
#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/core/rng.hpp>
#include <hans/core/version.hpp>

#include "manifest_testing.hpp"

namespace hans::hostile_manifests_test {
namespace {

constexpr std::uint32_t count = 1500;

/// A value that no manifest has where it is put.
Json nonsense(Stream& draw) {
  const std::vector<Json> numbers{0,
                                  -1,
                                  1,
                                  255,
                                  1 << 20,
                                  std::int64_t{1} << 32,
                                  std::int64_t{1} << 53,
                                  std::numeric_limits<std::int64_t>::max(),
                                  std::numeric_limits<std::int64_t>::min(),
                                  std::numeric_limits<std::uint64_t>::max(),
                                  1e308,
                                  -1e308,
                                  5e-324,
                                  0.1};
  const std::vector<std::string> words{"",
                                       "linf",
                                       "untargeted",
                                       "targets all",
                                       "targets 999999",
                                       "targets random",
                                       "\x1b[2J\n",
                                       std::string(100000, 'x'),
                                       "fgsm",
                                       "pgd:eps=0.1,restarts=4294967295",
                                       "square:eps=0.1,queries=4294967295",
                                       "noise:eps=1e38,repeats=4000000",
                                       "jsma:max_features=1000000000",
                                       "fmn:norm=l0",
                                       "eot:attack=[pgd:eps=0.1],draws=1000000",
                                       "autoattack:eps=0.1,version=rand"};
  switch (draw.below(6)) {
    case 0:
      return words[draw.below(static_cast<std::uint32_t>(words.size()))];
    case 1:
      return draw.below(2) == 0;
    case 2:
      return {};
    case 3: {  // deep
      Json deep = Json::array();
      for (std::uint32_t k = draw.below(60); k > 0; --k) deep = Json::array({deep});
      return deep;
    }
    case 4:  // long
      return Json::array(Json::Array(draw.below(20000), numbers[draw.below(4)]));
    default:
      return numbers[draw.below(static_cast<std::uint32_t>(numbers.size()))];
  }
}

Json mutated(const Json& json, Stream& draw) {
  const std::size_t size = json.is_object() ? json.members().size() : json.is_array() ? json.items().size() : 0;
  if (size == 0 || draw.below(12) == 0) return nonsense(draw);
  const std::uint32_t place = draw.below(static_cast<std::uint32_t>(size)), way = draw.below(20);
  if (json.is_object()) {
    if (way > 1) return manifests::with_member(json, place, mutated(json.members()[place].second, draw));
    Json::Object members = json.members();
    if (way == 0) members.erase(members.begin() + place);
    if (way == 1) members.emplace_back(text("key", draw.below(9)), nonsense(draw));
    return Json::object(std::move(members));
  }
  if (way > 3) return manifests::with_item(json, place, mutated(json.items()[place], draw));
  Json::Array items = json.items();
  if (way == 0) items.resize(place);
  if (way == 1) items.insert(items.end(), items[place].dump().size() < 100 ? 20000 : 5, items[place]);
  if (way == 2) std::swap(items[place], items.back());
  if (way == 3) items.insert(items.end(), json.items().begin(), json.items().end());
  return Json::array(std::move(items));
}

/// Of two attacks on the first digits, perhaps with certificates.
Json manifest_of_today(bool certified) {
  const apps::NamedModel named = apps::load_model(HANS_SOURCE_DIR "/tests/golden/linear.hans", 0);
  const data::Dataset digits = data::load("mnist-5k");
  apps::Plan plan;
  plan.version = build_version();
  plan.subject = apps::subject_of(named, digits, 0);
  plan.image = named.model.net.input();
  plan.classes = named.model.net.classes();
  for (const char* spec : {"pgd:eps=0.02,steps=2", "square:eps=0.02,queries=5"}) {
    plan.attacks.push_back(attacks::Attack::from_spec(Spec::parse(spec)));
  }
  plan.slice = {0, 22, 22};
  if (certified) plan.certify = apps::Certifying{defenses::CertifyMethod::complete, 20};
  apps::Run run = apps::begin_run(apps::checked(std::move(plan)));
  apps::run_on(run, named.model.net, digits, digits.first(22), {false, true}, {});
  apps::certify_more(run.certified, run.found, named.model.net, digits.first(22), [](auto...) {});
  sum_up(run.found);
  return apps::manifest_json(run, apps::here_json(run, "linear.hans", "mnist-5k"));
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

long peak_megabytes() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return use.ru_maxrss / 1024;
}

TEST(HostileManifests, AreRefusedOrRead) {
  const std::string golden = HANS_SOURCE_DIR "/tests/golden/";
  std::vector<Json> good{manifest_of_today(false), manifest_of_today(true)};
  for (const char* file : {"linear-1.0.0-at.json", "linear-1.0.0-composite.json", "linear-1.0.0-targets.json"}) {
    good.push_back(Json::parse(read_file(golden + file)));
  }
  [[maybe_unused]] const long before = peak_megabytes();
  const auto begin = std::chrono::steady_clock::now();
  std::size_t refused = 0, largest = 0;
  for (std::uint32_t k = 0; k < count && seconds_since(begin) < 60; ++k) {
    auto draw = Rng(1).stream("hostile manifest", k);
    const Json& manifest = good[k % good.size()];
    const Json* judgement = manifest.find("judgement");
    Json result = manifest.at("result"), judged = judgement != nullptr ? *judgement : Json();
    const std::uint32_t edits = 1 + draw.below(3);
    for (std::uint32_t e = 0; e < edits; ++e) {
      Json& half = judged.is_null() || draw.below(3) > 0 ? result : judged;
      half = mutated(half, draw);
    }
    const std::string file = manifests::with_hashes(manifest, result, judged).dump();
    largest = std::max(largest, file.size());
    const auto start = std::chrono::steady_clock::now();
    try {
      apps::parse_manifest(file);
    } catch (const Error& error) {
      ++refused;
      EXPECT_LT(std::string_view(error.what()).size(), 2000U) << k;
    }
    EXPECT_LT(seconds_since(start), 5) << k << ", " << file.size() << " bytes";
  }
  EXPECT_GT(refused, count / 2);
#ifndef __SANITIZE_ADDRESS__  // which keeps what was freed
  EXPECT_LT(peak_megabytes() - before, 200 + 20 * static_cast<long>(largest >> 20));
#endif
}

// What a small file may ask for: more attempts, radii or balls than could ever be held.
TEST(HostileManifests, AskForNothingThatIsNotThere) {
  const std::string file = read_file(HANS_SOURCE_DIR "/tests/golden/linear-1.0.0-targets.json");
  const Json manifest = Json::parse(file);
  struct Row {
    std::string from, to;
  };
  std::string radii = "0";
  for (int k = 0; k < 50000; ++k) append(radii, text(",", k));
  std::string keys;
  for (int k = 0; k < 100000; ++k) append(keys, text("\"k", k, "\":0,"));
  for (const std::vector<Row>& rows :
       std::vector<std::vector<Row>>{{{"targets next", "targets all"}, {R"("classes":10)", R"("classes":1048576)"}},
                                     {{R"("at":[])", text(R"("at":[)", radii, "]")},
                                      {"pgd@1:eps=0.02,norm=linf,steps=3,alpha=0.016666666", "fmn:norm=linf,steps=3"}},
                                     {{R"("seed")", keys + R"("seed")"}},
                                     {{R"("image":[28,28,1])", R"("image":[65536,65536,65536])"}}}) {
    std::string bad = manifest.at("result").dump();
    for (const Row& row : rows) {
      const std::size_t at = bad.find(row.from);
      ASSERT_NE(at, std::string::npos) << row.from;
      bad.replace(at, row.from.size(), row.to);
    }
    const std::string edited = manifests::with_hashes(manifest, Json::parse(bad), {}).dump();
    const auto start = std::chrono::steady_clock::now();
    try {
      apps::parse_manifest(edited);
      EXPECT_EQ(rows[0].to, R"("image":[65536,65536,65536])") << "is read";
    } catch (const Error&) {
      EXPECT_NE(rows[0].from, R"("image":[28,28,1])");
    }
    EXPECT_LT(seconds_since(start), 1) << rows[0].to.substr(0, 60);
  }
}

}  // namespace
}  // namespace hans::hostile_manifests_test
