// hans transfer: adversarial images that were made against one model, judged on another.
#include <algorithm>

#include <hans/attacks/judge.hpp>
#include <hans/core/version.hpp>
#include <hans/nn/evaluate.hpp>
#include "../commands.hpp"
#include "../inputs.hpp"
#include "../manifest/crafted_file.hpp"
#include "../run/figures.hpp"

namespace hans::apps {
namespace {

struct TransferOptions : Common {
  Required<FileName> images;
  Required<ModelName> model;
  std::optional<PreprocessChoice> preprocess = {};

  static constexpr std::string_view command = "transfer";
  static constexpr std::string_view meaning = "try adversarial images of one model on another";
  static constexpr std::string_view details =
      "Reads what hans attack --out wrote, or an .npz file of another tool with images, originals (float32, n x height "
      "x width x channels) and labels. Nothing is attacked: the images are judged on MODEL as they are. An image "
      "transfers if the model reads its original correctly, reads the image otherwise (or as the target it was made "
      "for), and the image is inside the attack's box and ball; a file that names no attack has no ball.\n"
      "\n"
      "This is not the model's robust accuracy: an attack that knows the model finds more.";
  static constexpr std::string_view example =
      "hans attack one.hans --data mnist-5k --attack pgd:eps=0.2 --out pgd.npz\n"
      "hans transfer pgd.npz other.hans";
  static constexpr auto fields() {
    return with_common(field("IMAGES", &TransferOptions::images, "an .npz file of adversarial images"),
                       field("MODEL", &TransferOptions::model, model_meaning),
                       field("preprocess", &TransferOptions::preprocess, preprocess_meaning, "none"));
  }
};

/// What became of the images of one attack.
struct Transferred {
  std::string attack;
  std::size_t images = 0;
  std::size_t successes = 0;  ///< on the model they were made against
  std::size_t right = 0;      ///< of whose originals the model reads right
  std::size_t transferred = 0;
  std::size_t outside = 0;  ///< outside box or ball
};

Transferred judged(const CraftedSet& set, std::size_t which, const nn::Classifier& model) {
  std::vector<std::size_t> rows;
  for (std::size_t k = 0; k < set.attack.size(); ++k) {
    if (set.attack[k] == which) rows.push_back(k);
  }
  const attacks::Budget whole{attacks::Norm::linf, std::numeric_limits<double>::infinity(), set.originals.box};
  const auto [name, budget] = which < set.made_by.size() ? set.made_by[which] : CraftedBy{"unknown", whole};
  Transferred made{name, rows.size()};
  const data::Samples originals = set.originals.select(rows);
  const Tensor images = set.images_at(rows);
  const std::vector<int> read_as = nn::predict(model, originals.images);
  const attacks::Outcome outcome = attacks::judge(model, originals, images, away_from(originals.labels), budget);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const attacks::Finding& finding = outcome.findings[k];
    const int target = set.targets[rows[k]];
    made.successes += !set.success.empty() && set.success[rows[k]] ? 1U : 0U;
    made.outside += finding.allowed ? 0U : 1U;
    if (read_as[k] != originals.labels[k]) continue;
    ++made.right;
    made.transferred += finding.evades && (target < 0 || finding.prediction == target) ? 1U : 0U;
  }
  return made;
}

int run(const TransferOptions& options) {
  begin(options);
  const std::string& path = options.images.value().text;
  const NamedModel named = load_model(options.model.value().text, options.seed, options.preprocess);
  warn_if_untrained(named);
  const CraftedSet set = read_crafted(path, named.model.net);
  const std::string kind = set.model_sha256.empty()                 ? "made against an unknown model"
                           : set.model_sha256 == named.model.sha256 ? "same model"
                                                                    : "transfer";
  std::string report =
      text(kind, ": ", with_commas(set.attack.size()), " images of ", visible(path), " on ", named.name, "\n");
  Json all = Json::array();
  for (std::size_t a = 0; a < std::max<std::size_t>(set.made_by.size(), 1); ++a) {
    const Transferred made = judged(set, a, named.model.net);
    const attacks::Share rate(made.transferred, made.right);
    const std::string share =
        rate.whole() > 0 ? text(" (", percent_of(rate), " %, 95 % interval ", interval_text(rate), ")") : "";
    Facts facts{{"fool this one, which reads the original:", text(made.transferred, " of ", made.right, share)}};
    if (!set.success.empty()) {
      facts.insert(facts.begin(),
                   {"fooled the model they were made against:", text(made.successes, " of ", made.images)});
    }
    if (made.outside > 0) facts.emplace_back("outside box or ball, so not counted:", text(made.outside));
    append(report, text("\n", made.attack, "\n", aligned(facts)));
    all.push(Json::object({{"attack", made.attack},
                           {"images", made.images},
                           {"successes", set.success.empty() ? Json() : Json(made.successes)},
                           {"right", made.right},
                           {"transferred", made.transferred},
                           {"transfer_rate", rate.whole() > 0 ? Json(rate.value()) : Json()},
                           {"outside", made.outside}}));
  }
  finish(options, report,
         Json::object({{"hans", build_version()},
                       {"kind", kind},
                       {"model", named.name},
                       {"model_sha256", named.model.sha256},
                       {"made_against", set.model_sha256.empty() ? Json() : Json(set.model_sha256)},
                       {"attacks", std::move(all)}}));
  return 0;
}

}  // namespace

Command transfer_command() { return make_command<TransferOptions, run>(); }

}  // namespace hans::apps
