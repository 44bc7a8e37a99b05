// hans check: are the images of a file adversarial examples, and are its proofs right? Found out again by other means
// than those that made them.
#include <algorithm>
#include <array>
#include <limits>
#include <map>
#include <optional>

#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/core/parallel.hpp>
#include <hans/core/version.hpp>
#include <hans/nn/evaluate.hpp>
#include "../checker/checker.hpp"
#include "../commands.hpp"
#include "../inputs.hpp"
#include "../manifest/claimed_proofs.hpp"
#include "../manifest/crafted_file.hpp"
#include "../nets.hpp"
#include "../run/figures.hpp"

namespace hans::apps {
namespace {

struct CheckOptions : Common {
  Required<FileName> file;
  Required<ModelName> model;
  Required<DataName> data;
  std::optional<PreprocessChoice> preprocess = {};
  std::optional<float> eps = {};
  std::optional<attacks::Norm> norm = {};
  double slack = 0;

  static constexpr std::string_view command = "check";
  static constexpr std::string_view meaning = "verify adversarial images and proofs independently, in double precision";
  static constexpr std::string_view details =
      "Reads what hans attack --out or hans certify --counterexamples wrote, or an .npz file of another tool with images "
      "(float32) and, if they are not the first images of the data in order, index. Plain loops in double precision "
      "compute the logits and share no code with the rest of hans (apps/checker). A model with a layer that they do not "
      "know is refused. An ONNX file is checked as what hans convert makes of it.\n"
      "\n"
      "An image that claims success is confirmed, within rounding, or rejected with the reason. Within rounding means "
      "that float and double may give different classes: the margin is at most twice the largest difference between a "
      "logit in float and in double. The ball is that of the attack named in the file; without a name it is --norm and "
      "--eps, or the whole box.\n"
      "\n"
      "A file of proofs claims that no image within a radius of another has another class. Each proof is checked by "
      "computing its bounds again: it must hold in real arithmetic and for any program that computes in float32. Radius "
      "and box are the file's.\n"
      "\n"
      "The exit code is 1 if an image or a proof is rejected.";
  static constexpr std::string_view example =
      "hans attack v1.hans --data mnist-5k --attack pgd:eps=0.1 --out pgd.npz\n"
      "hans check pgd.npz --model v1.hans --data mnist-5k\n"
      "hans check theirs.npz --model v1.onnx --data mnist --norm linf --eps 0.3 --slack 1e-6";
  static constexpr auto fields() {
    return with_common(field("FILE", &CheckOptions::file, "an .npz file of adversarial images, or of proofs"),
                       field("model", &CheckOptions::model, model_meaning),
                       field("data", &CheckOptions::data, "the images that they are about"),
                       field("preprocess", &CheckOptions::preprocess, preprocess_meaning, "none"),
                       field("eps", &CheckOptions::eps, at_least(0), "how far an image may be from its original",
                             "as the file's attack says"),
                       field("norm", &CheckOptions::norm, "in which norm, with --eps", "as the file's attack says"),
                       field("slack", &CheckOptions::slack, at_least(0),
                             "so much farther, and outside the box, for tools that leave their ball by rounding"));
  }
};

checker::Norm norm_of(attacks::Norm norm) {
  constexpr std::array norms{checker::Norm::linf, checker::Norm::l2, checker::Norm::l1, checker::Norm::l0};
  return norms[static_cast<std::size_t>(norm)];
}

/// The ball and box of each attack of the file.
std::vector<attacks::Budget> budgets_of(const CraftedSet& set, const CheckOptions& options, data::Box box) {
  check_usage(options.eps.has_value() || !options.norm, "--norm needs --eps");
  constexpr float infinity = std::numeric_limits<float>::infinity();
  constexpr double unlimited = infinity;
  std::vector<attacks::Budget> all;
  for (const CraftedBy& one : set.made_by) all.push_back(one.budget);
  if (all.empty()) all.push_back({attacks::Norm::linf, unlimited, box});
  for (attacks::Budget& budget : all) {
    if (budget.prediction_only) budget = {budget.norm, unlimited, {-infinity, infinity}};
    if (options.eps) budget = {options.norm.value_or(budget.norm), double{*options.eps}, budget.box};
  }
  return all;
}

/// What is claimed, with all that it points to.
struct Claims {
  std::vector<std::size_t> rows;  ///< of the file, those that claim a success
  data::Samples originals;        ///< of the data set, for each of these
  Tensor image_logits, original_logits;
  std::vector<checker::Claim> all;
};

Claims claims_of(const CraftedSet& set, const data::Dataset& data, const nn::Classifier& model,
                 std::span<const attacks::Budget> budgets, double slack) {
  Claims claims;
  std::vector<std::uint32_t> which;
  for (std::size_t k = 0; k < set.attack.size(); ++k) {
    if (!set.success.empty() && !set.success[k]) continue;
    claims.rows.push_back(k);
    which.push_back(set.originals.index[k]);
  }
  claims.originals = data.gather(which);
  claims.original_logits = nn::logits(model, claims.originals.images);
  const std::size_t features = model.input().elements(), classes = model.classes();
  claims.image_logits = nn::logits(model, set.images_at(claims.rows));
  for (std::size_t k = 0; k < claims.rows.size(); ++k) {
    const std::size_t row = claims.rows[k];
    const attacks::Budget& budget = budgets[set.attack[row]];
    checker::Claim claim;
    claim.image = set.images.values().subspan(row * features, features);
    claim.original = claims.originals.images.values().subspan(k * features, features);
    claim.stated_original = set.originals.images.values().subspan(row * features, features);
    claim.label = claims.originals.labels[k];
    claim.stated_label = set.originals.labels[row];
    claim.target = set.targets[row];
    claim.sample = which[k];
    claim.attack = set.attack[row];
    claim.rules = {norm_of(budget.norm), budget.size, double{budget.box.lo}, double{budget.box.hi}, slack};
    claim.image_logits = claims.image_logits.values().subspan(k * classes, classes);
    claim.original_logits = claims.original_logits.values().subspan(k * classes, classes);
    claims.all.push_back(claim);
  }
  return claims;
}

/// How many claims came to what.
struct Counts {
  std::size_t confirmed = 0, within_rounding = 0, in_8_bit = 0, in_8_bit_and_ball = 0;
  std::vector<std::size_t> rejected = {};  ///< which
};

Counts count(std::span<const checker::Checked> checked) {
  Counts counts;
  for (std::size_t k = 0; k < checked.size(); ++k) {
    const checker::Checked& one = checked[k];
    counts.confirmed += one.finding == checker::Finding::confirmed ? 1U : 0U;
    counts.within_rounding += one.finding == checker::Finding::within_rounding ? 1U : 0U;
    counts.in_8_bit += one.in_8_bit ? 1U : 0U;
    counts.in_8_bit_and_ball += one.in_8_bit_and_ball ? 1U : 0U;
    if (one.finding == checker::Finding::rejected) counts.rejected.push_back(k);
  }
  return counts;
}

std::string ball_text(const attacks::Budget& budget, double slack) {
  std::string made = text("box [", budget.box.lo, ",", budget.box.hi, "]");
  if (budget.size < std::numeric_limits<double>::infinity()) {
    made = text(enum_name(budget.norm), " within ", static_cast<float>(budget.size), ", ", made);
  }
  return slack > 0 ? text(made, ", slack ", slack) : made;
}

std::string report_of(const CraftedSet& set, const Claims& claims, const checker::Report& checked,
                      const Counts& counts) {
  constexpr std::size_t shown = 10;
  const std::vector<std::size_t>& rejected = counts.rejected;
  const auto reason_of = [&](std::size_t k) { return checked.claims[k].reason; };
  std::string made =
      aligned({{"claimed successes", text(claims.all.size(), " of ", set.attack.size(), " images")},
               {"confirmed", text(counts.confirmed)},
               {"within rounding", text(counts.within_rounding, " (a logit in float and in double differ by ",
                                        static_cast<float>(checked.largest_difference), " at most)")},
               {"rejected", text(rejected.size())}},
              {2, 3});
  for (const std::string_view reason : checker::reasons) {
    const auto many = std::ranges::count(rejected, reason, reason_of);
    if (many > 0) append(made, text("    ", many, ": ", reason, "\n"));
  }
  append(made, text("  also in 8 bit       ", counts.in_8_bit, ", of these inside the ball ", counts.in_8_bit_and_ball,
                    "\n"));
  for (std::size_t n = 0; n < std::min(shown, rejected.size()); ++n) {
    append(made, text(n == 0 ? "first rejected:\n" : "", "  row ", claims.rows[rejected[n]], ", image ",
                      claims.all[rejected[n]].sample, ": ", reason_of(rejected[n]), "\n"));
  }
  return made;
}

Json json_of(const Claims& claims, const checker::Report& checked, const Counts& counts) {
  const auto rejected = [&](std::size_t k) {
    return Json::object({{"row", claims.rows[k]},
                         {"index", claims.all[k].sample},
                         {"reason", checked.claims[k].reason},
                         {"prediction", checked.claims[k].prediction}});
  };
  return Json::object({{"claims", claims.all.size()},
                       {"confirmed", counts.confirmed},
                       {"within_rounding", counts.within_rounding},
                       {"rejected", column(counts.rejected, rejected)},
                       {"largest_difference", checked.largest_difference},
                       {"in_8_bit", counts.in_8_bit},
                       {"in_8_bit_and_ball", counts.in_8_bit_and_ball}});
}

/// The .hans file that is checked: itself, or what hans convert makes of an ONNX file.
std::string hans_bytes(const NamedModel& named) {
  if (is_onnx(named.path)) {
    nn::Model model = named.model;
    model.training.emplace_back("converted_from_sha256", model.sha256);
    return nn::dump_model(model);
  }
  const Net* const net = find_net(named.path);
  std::string bytes = net != nullptr ? net_bytes(*net) : read_file(named.path);
  check(sha256(bytes) == named.model.sha256, named.path, " was changed while it was read; check it again");
  return bytes;
}

/// As run(), for a file of proofs.
int run_proofs(const CheckOptions& options, const NamedModel& named, const data::Dataset& data) {
  constexpr std::size_t shown = 10;
  const std::string& path = options.file.value().text;
  const defenses::ProofFile file = defenses::read_proof(path);
  const auto check_same = [&](std::string_view what, std::string_view stated, std::string_view given) {
    check(stated == given, path, " is about ", what, " with sha256 ", in_quotes(stated), ", not ", given);
  };
  check_same("a model", file.model_sha256, named.model.sha256);
  check_same("data", file.data_sha256, data.sha256());
  const data::Box box = data.box();
  check(file.box.lo <= box.lo && file.box.hi >= box.hi, path, " is about the box [", file.box.lo, ",", file.box.hi,
        "], which does not hold that of the data, [", box.lo, ",", box.hi, "]");
  check(file.index.empty() || static_cast<std::uint64_t>(file.index.back()) < data.size(), path, " is about image ",
        file.index.empty() ? 0 : file.index.back(), "; the data have ", data.size());
  const data::Samples samples = data.gather(std::vector<std::uint32_t>(file.index.begin(), file.index.end()));
  const std::string bytes = hans_bytes(named);
  const std::vector<checker::Proved> checked =
      checker::check_proofs(bytes, named.path, claimed_proofs(file, samples), thread_count());

  std::vector<std::size_t> rejected;
  std::map<std::string, std::size_t, std::less<>> reasons;
  std::optional<double> smallest;  // of the bounds that are proved
  for (std::size_t k = 0; k < checked.size(); ++k) {
    if (!checked[k].reason.empty()) {
      rejected.push_back(k);
      ++reasons[std::string(checked[k].reason)];
    } else if (!smallest || checked[k].bound < *smallest) {
      smallest = checked[k].bound;
    }
  }
  std::string report = text(visible(path), " on ", named.name, ", images of ", short_name(data.name()), "\n");
  if (is_onnx(named.path)) append(report, "  checked is what hans convert makes of the ONNX file\n");
  append(report, text("  linf within ", eps_text(file.eps), ", box [", file.box.lo, ",", file.box.hi, "]\n"));
  append(report, aligned({{"proofs", text(checked.size())},
                          {"proved", text(checked.size() - rejected.size())},
                          {"smallest bound", smallest ? text(static_cast<float>(*smallest)) : "none"},
                          {"rejected", text(rejected.size())}},
                         {2, 3}));
  Json counts = Json::object();
  for (const auto& [reason, many] : reasons) {
    append(report, text("    ", many, ": ", reason, "\n"));
    counts.set(reason, many);
  }
  for (std::size_t n = 0; n < std::min(shown, rejected.size()); ++n) {
    append(report, text(n == 0 ? "first rejected:\n" : "", "  row ", rejected[n], ", image ", file.index[rejected[n]],
                        ": ", checked[rejected[n]].reason, "\n"));
  }
  const auto row = [&](std::size_t k) {
    return Json::object({{"row", k},
                         {"index", file.index[k]},
                         {"reason", checked[k].reason},
                         {"claimed", file.bound[k]},
                         {"bound", checked[k].bound},
                         {"rounding", checked[k].rounding}});
  };
  Json json = Json::object({{"proofs", checked.size()},
                            {"proved", checked.size() - rejected.size()},
                            {"rejected", column(rejected, row)},
                            {"reasons", std::move(counts)},
                            {"smallest_bound", optional_json(smallest)},
                            {"norm", "linf"},
                            {"eps", file.eps},
                            {"hans", build_version()},
                            {"model_sha256", named.model.sha256},
                            {"data_sha256", file.data_sha256},
                            {"checked_sha256", sha256(bytes)}});
  finish(options, report, json);
  return rejected.empty() ? 0 : 1;
}

int run(const CheckOptions& options) {
  begin(options);
  const std::string& path = options.file.value().text;
  const bool proofs = defenses::is_proof(path);
  check_usage(!proofs || !(options.eps || options.norm || options.slack > 0),
              "proofs have their own radius: leave out --eps, --norm and --slack");
  const NamedModel named = load_model(options.model.value().text, options.seed, options.preprocess);
  check_usage(!named.path.empty(), "check needs a model file, not the untrained ", named.name);
  const data::Dataset data = load_data(options.data.value().text, data::Part::test, named.model.net);
  if (proofs) return run_proofs(options, named, data);
  const CraftedSet set = read_crafted(path, named.model.net, &data);
  check(set.model_sha256.empty() || set.model_sha256 == named.model.sha256, path, " is about a model with sha256 ",
        set.model_sha256, ", but ", named.path, " has ", named.model.sha256,
        "; hans transfer tries images on other models");
  const std::vector<attacks::Budget> budgets = budgets_of(set, options, data.box());
  const Claims claims = claims_of(set, data, named.model.net, budgets, options.slack);
  const std::string bytes = hans_bytes(named);
  const checker::Report checked = checker::check_claims(bytes, named.path, claims.all, thread_count());
  const Counts counts = count(checked.claims);

  std::string report = text(visible(path), " on ", named.name, ", originals of ", short_name(data.name()), "\n");
  if (is_onnx(named.path)) append(report, "  checked is what hans convert makes of the ONNX file\n");
  Json balls = Json::array();
  for (std::size_t a = 0; a < budgets.size(); ++a) {
    const std::string attack = a < set.made_by.size() ? set.made_by[a].name : "unknown attack";
    append(report, text("  ", attack, ": ", ball_text(budgets[a], options.slack), "\n"));
    balls.push(Json::object({{"attack", attack}, {"ball", ball_text(budgets[a], options.slack)}}));
  }
  append(report, report_of(set, claims, checked, counts));
  Json json = json_of(claims, checked, counts);
  json.set("hans", build_version()).set("model_sha256", named.model.sha256).set("data_sha256", data.sha256());
  json.set("checked_sha256", sha256(bytes));
  finish(options, report, json.set("attacks", std::move(balls)));
  return counts.rejected.empty() ? 0 : 1;
}

}  // namespace

Command check_command() { return make_command<CheckOptions, run>(); }

}  // namespace hans::apps
