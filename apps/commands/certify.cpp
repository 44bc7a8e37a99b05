// hans certify: proves for which images no attack can succeed.
#include <array>
#include <filesystem>
#include <numeric>

#include <hans/core/file.hpp>
#include <hans/core/version.hpp>
#include "../../defenses/certify/detail/attacks.hpp"
#include "../manifest/certified_work.hpp"
#include "../manifest/parts.hpp"
#include "../manifest/radii_part.hpp"
#include "../run/results.hpp"
#include "certify_explain.hpp"
#include "certify_vnnlib.hpp"

namespace hans::apps {
namespace {

using defenses::CertifyMethod;
using defenses::CertifyOptions;

/// How far to go; automatic: as far as the norm allows.
enum class MethodChoice { automatic, ibp, crown, alpha, complete, zonotope, joint };
constexpr std::array<std::string_view, 7> enum_names(MethodChoice) {
  return {"auto", "ibp", "crown", "alpha", "complete", "zonotope", "joint"};
}

/// The first attack, without its eps; or none.
struct FirstAttack {
  std::optional<Spec> spec;
};
void read_value(std::string_view word, FirstAttack& out) {
  out.spec.reset();
  if (word == "none") return;
  AttackChoice choice;
  apps::read_value(word, choice);
  check_usage(choice.spec.find("eps") == nullptr, choice.spec.name,
              ": leave eps out; it is the eps of the certificate");
  out.spec = choice.spec;
}
void append_value(std::string& out, const FirstAttack& attack) {
  append(out, attack.spec ? text(*attack.spec) : "none");
}
std::string value_help(const FirstAttack&) { return "SPEC|none"; }

struct CertifyCommand : Common {
  std::optional<ModelName> model = {};
  std::optional<DataName> data = {};
  std::optional<FileName> vnnlib = {};
  std::optional<Radii> eps = {};
  bool radius = false;
  std::optional<std::uint64_t> explain = {};
  std::optional<OutputName> picture = {};
  Norm norm = Norm::linf;
  MethodChoice method = MethodChoice::automatic;
  std::uint64_t nodes = CertifyOptions{.eps = 0.0F}.nodes;
  std::optional<FirstAttack> attack = {};
  std::optional<PreprocessChoice> preprocess = {};
  std::optional<std::uint64_t> limit = {};
  std::optional<Shard> shard = {};
  std::optional<double> timeout = {};
  bool per_sample = false;
  std::optional<OutputName> out = {};
  std::optional<OutputName> counterexamples = {};
  std::optional<double> expect = {};

  static constexpr std::string_view command = "certify";
  static constexpr std::string_view meaning = "prove for which images no attack can succeed";
  static constexpr std::string_view details =
      "For each eps an image is certified (proved: no image within eps has another prediction), attacked (an adversarial "
      "image was found), unknown, or wrong from the start. The true robust accuracy lies between the certified images and "
      "those that are not attacked; where nothing is unknown, both ends meet and the number is exact.\n"
      "\n"
      "First an attack runs, then bounds of growing cost: intervals (ibp), linear bounds (crown), linear bounds with "
      "optimised slopes (alpha); then branch and bound (complete) until an image is decided or --nodes are used up. "
      "--method says how far to go. complete is for linf, and also runs autoattack on what the bounds leave open. "
      "For comparison, zonotope runs intervals, then affine forms pushed forward (DeepZ), and joint runs "
      "alpha, then optimises the slopes of hidden layers too, which takes tens of times as long.\n"
      "\n"
      "A certificate holds in real arithmetic and for every float32 program that computes the logits, adding in any order, with or without FMA; "
      "an image that is proved in real arithmetic only is unknown (rounding). It says nothing of images outside the ball. "
      "Networks are made of affine layers, activations, maxima and pooling; others are refused.\n"
      "\n"
      "With --explain N you see how the certificate of one image comes about: the widths of the intervals of each layer by "
      "intervals (ibp) and by linear bounds (crown), which relus are always on, always off or unstable, the bounds of all "
      "margins, and what branch and bound split.\n"
      "\n"
      "With --vnnlib P the answer is unsat (proved: no input of the box violates the property), sat (an input that does "
      "follows), unknown or timeout, as VNN-COMP writes it; --out writes only that. X_0, X_1, ... are the network's "
      "inputs in the order of its ONNX graph (of a .hans file: channels first), Y_0, Y_1, ... its outputs. A list has "
      "lines of model,property,seconds, with files in its folder, and takes no MODEL; its answers are a table.\n"
      "\n"
      "Progress is kept in FILE.part, beside the file of --json, else of --out, else of --counterexamples: the same "
      "command continues after a kill and comes to the same results. With --shard several processes do a part each, "
      "wherever they run; {shard} in the names of outputs stands for the number. hans merge joins the JSON of all parts, "
      "and the proofs of all parts, to what the whole run writes.\n"
      "\n"
      "Results are the same on every machine, whatever the threads, unless --timeout cuts an image short. The exit code is "
      "0 however many images are unknown, and for any answer; 1 if --expect is missed or an instance fails.";
  static constexpr std::string_view example =
      "hans certify v1.hans --data mnist-5k --eps 0.01,0.02 --limit 100\n"
      "hans certify robust.onnx --data mnist --eps 0.1 --counterexamples fooled.npz --expect 0.95\n"
      "hans certify robust.onnx --data mnist --eps 0.1 --out proofs.npz\n"
      "hans check proofs.npz --model robust.onnx --data mnist\n"
      "hans certify robust.onnx --data mnist --eps 0.1 --shard 2/8 --json part-{shard}.json\n"
      "hans certify v1.hans --data mnist-5k --radius --limit 20 --nodes 200\n"
      "hans certify v1.hans --data mnist-5k --eps 0.02 --explain 3 --picture radii.png\n"
      "hans certify robust.onnx --vnnlib property.vnnlib --out result.txt\n"
      "hans certify --vnnlib instances.csv --json answers.json";
  static constexpr auto fields() {
    return with_common(
        field("MODEL", &CertifyCommand::model, model_meaning, "none: a list of --vnnlib names its models"),
        field("data", &CertifyCommand::data, data_meaning_test, "none"),
        field("vnnlib", &CertifyCommand::vnnlib,
              "instead of --data: a property as VNN-LIB states it, which may be gzipped, or a list of instances (.csv)",
              "none"),
        field("eps", &CertifyCommand::eps, "radii of the balls, in units of the data, such as 0.1 or 2/255,8/255",
              "none"),
        field(
            "radius", &CertifyCommand::radius,
            "instead of --eps: for each image the largest radius that is certified and the smallest that is attacked, "
            "in steps of 1/1024; tries about 20 radii, so fewer --nodes save much time"),
        field("explain", &CertifyCommand::explain,
              "explain the certificate of one image, by its position in the data from 0 on, within one --eps", "none"),
        field("picture", &CertifyCommand::picture,
              "with --explain, write a PNG: the image, an adversarial image within the smallest radius where one was "
              "found, what was changed, and both radii (see --radius)",
              "none"),
        field("norm", &CertifyCommand::norm, up_to(Norm::l1), "of the balls"),
        field("method", &CertifyCommand::method, "how far to go; auto is complete for linf, else alpha"),
        field("nodes", &CertifyCommand::nodes, at_least(1),
              "most nodes of branch and bound, for each image or property"),
        field("attack", &CertifyCommand::attack, "the attack that runs first, without its eps; none: no attack runs",
              "pgd:steps=20,loss=margin"),
        field("preprocess", &CertifyCommand::preprocess, preprocess_meaning, "none"),
        field("limit", &CertifyCommand::limit, at_least(1), "only the first N images", "all"),
        field("shard", &CertifyCommand::shard, shard_meaning, "all"),
        field(
            "timeout", &CertifyCommand::timeout, above(0),
            "seconds of branch and bound for each image, or for each property; results that it cuts short cannot be reproduced",
            "none"),
        field("per-sample", &CertifyCommand::per_sample, "also write every certificate to the JSON"),
        field(
            "out", &CertifyCommand::out,
            "write the proofs of what is certified to an .npz file, for hans check; linf, one eps, networks of affine "
            "layers and relus; with --vnnlib the result",
            "none"),
        field("counterexamples", &CertifyCommand::counterexamples,
              "write the adversarial images and their originals to an .npz file, for hans check", "none"),
        field("expect", &CertifyCommand::expect, between(0, 1),
              "the least certified accuracy; with less the exit code is 1", "none"));
  }
};

/// What is asked for within one radius, without attacks.
CertifyOptions options_of(const CertifyCommand& options, float eps) {
  const bool linf = options.norm == Norm::linf;
  CertifyMethod method = linf ? CertifyMethod::complete : CertifyMethod::alpha;
  if (options.method != MethodChoice::automatic) {
    method = static_cast<CertifyMethod>(static_cast<int>(options.method) - 1);
  }
  check_usage(linf || method != CertifyMethod::complete, "--method complete is for linf; in ", enum_name(options.norm),
              " use alpha");
  return {.norm = options.norm,
          .eps = eps,
          .method = method,
          .nodes = options.nodes,
          .seconds = options.timeout.value_or(0),
          .proofs = options.out.has_value(),
          .seed = options.seed};
}

/// Checks each certified accuracy against --expect.
void check_expected(const CertifyCommand& options, std::span<const CertifiedBall> balls) {
  for (const CertifiedBall& ball : balls) {
    const attacks::Share share = ball.counts().certified();
    check(!options.expect || share.value() >= *options.expect, "the certified accuracy within ",
          enum_name(ball.asked.norm), " ", float{ball.asked.eps}, " is ", share.value(), ", less than --expect ",
          options.expect.value_or(0));
  }
}

/// A model and images to certify.
struct Certifiable {
  NamedModel named;
  data::Dataset data;
  Subject subject;
  Slice slice;
};

Certifiable load_certifiable(const CertifyCommand& options) {
  NamedModel named = load_model(options.model->text, options.seed, options.preprocess);
  warn_if_untrained(named);
  data::Dataset data = load_data(options.data->text, data::Part::test, named.model.net);
  Subject subject = subject_of(named, data, options.seed);
  const Slice slice = options.shard.value_or(Shard{}).slice(first_count(options.limit, data.size()));
  return {std::move(named), std::move(data), std::move(subject), slice};
}

/// The file that keeps the progress; "": none does.
std::string progress_file(const CertifyCommand& options) {
  const auto name = [](const auto& word) { return word && word->text != "-" ? word->text : std::string(); };
  for (const std::string& out : {name(options.json), name(options.out), name(options.counterexamples)}) {
    if (out.empty()) continue;
    std::error_code ignored;
    const bool special = std::filesystem::exists(out, ignored) && !std::filesystem::is_regular_file(out, ignored);
    return special ? "" : out + ".part";
  }
  return "";
}

/// With --eps: the certificates within each radius.
int certify_within(const Certifiable& from, const std::vector<CertifyOptions>& asked, const CertifyCommand& options) {
  CertifiedWork work = work_of(from.subject, from.slice, asked, options.shard.has_value());
  work.part.per_sample = options.per_sample;
  const Kept kept{options.out.has_value(), options.counterexamples.has_value(), progress_file(options)};
  certify_slice(work, from.named.model.net, from.data, from.slice.count, kept, options.quiet);
  const std::vector<CertifiedBall>& balls = work.part.balls;
  std::string report = certified_text(from.subject, balls, from.slice.first);
  if (!from.slice.complete()) append(report, text("\n", part_text(from.slice), "\n"));
  if (options.out) {
    write_file(options.out->text, proof_file(work.proofs));
    const std::size_t certified = balls.front().counts().count(defenses::Certainty::certified),
                      proved = work.proofs.index.size();
    append(
        report,
        text("\nwrote ", with_commas(proved), " proofs to ", visible(options.out->text),
             proved < certified
                 ? text("; the other ", with_commas(certified - proved),
                        " certified images have none: intervals alone, zonotopes, joint optimisation and split boxes "
                        "make no proof")
                 : "",
             "\n"));
  }
  if (options.counterexamples) {
    write_file(options.counterexamples->text, counterexamples_file(work.part, from.data));
    append(report, text("\nwrote ", visible(options.counterexamples->text), "\n"));
  }
  finish(options, report, options.shard ? part_json(work.part) : whole_json(work.part));
  SavedWork(kept.progress).remove();
  check_expected(options, balls);
  return 0;
}

/// With --radius: both ends of each image's radius.
int certify_radii(const Certifiable& from, const CertifyOptions& largest, const std::vector<Spec>& attacks,
                  const CertifyCommand& options) {
  const nn::Sequential& net = from.named.model.net;
  const auto asked = [&](float radius) {
    return defenses::with_attacks(options_of(options, radius), attacks, net.input(), from.data.box());
  };
  RadiiPart part{from.subject, {from.slice.first, 0, from.slice.whole}, largest};
  for (const Spec& spec : attacks) part.attacks.push_back(text(spec));
  SavedWork progress(progress_file(options));
  go_on(part, progress, from.slice.count);
  std::size_t& done = part.slice.count;
  {
    ProgressBar bar("certify", "images", options.quiet);
    const auto shown = [&](std::size_t more) { bar.update(done + more, from.slice.count); };
    while (done < from.slice.count) {
      const std::size_t next = std::min(images_at_once, from.slice.count - done);
      extend(part.found, find_radii(net, from.data.samples(from.slice.first + done, next), largest.eps, asked, shown));
      done += next;
      if (done < from.slice.count) progress.save([&] { return part_json(part).dump(); });
    }
  }
  finish(options, report_of(part), options.shard ? part_json(part) : whole_json(part));
  progress.remove();
  return 0;
}

int run_vnnlib(const CertifyCommand& options) {
  check_usage(!options.data && !options.eps && !options.radius && !options.explain && !options.picture &&
                  !options.attack && !options.limit && !options.shard && !options.per_sample &&
                  !options.counterexamples && !options.expect && options.norm == Norm::linf &&
                  options.method == MethodChoice::automatic,
              "with --vnnlib give MODEL, --nodes, --timeout, --preprocess, --out and --json only");
  begin(options);
  const auto text_of_word = [](const auto& word) { return word ? std::optional(word->text) : std::nullopt; };
  return certify_vnnlib(options, {options.vnnlib->text, text_of_word(options.model), options.preprocess, options.nodes,
                                  options.timeout, text_of_word(options.out)});
}

/// The options with the number of the shard in the names of outputs.
CertifyCommand numbered(CertifyCommand options) {
  const auto set = [&](auto& name) {
    if (name) name->text = with_shard(name->text, options.shard);
  };
  set(options.json);
  set(options.out);
  set(options.counterexamples);
  return options;
}

int run(const CertifyCommand& given) {
  const CertifyCommand options = numbered(given);
  if (options.vnnlib) return run_vnnlib(options);
  check_usage(options.model && options.data, "give MODEL and --data, or --vnnlib (see hans certify --help)");
  check_ending("--out", options.out ? options.out->text : "", std::to_array<std::string_view>({".npz", ""}));
  check_ending("--counterexamples", options.counterexamples ? options.counterexamples->text : "",
               std::to_array<std::string_view>({".npz", ""}));
  check_ending("--picture", options.picture ? options.picture->text : "",
               std::to_array<std::string_view>({".png", ""}));
  check_usage(options.explain || !options.picture, "--picture is for --explain");
  check_usage(!options.explain || (options.eps && options.eps->values.size() == 1 && !options.radius),
              "--explain is within one --eps; give one");
  check_usage(
      !options.explain ||
          !(options.limit || options.per_sample || options.out || options.counterexamples || options.expect),
      "--explain is for one image: leave out --limit, --shard, --per-sample, --out, --counterexamples and --expect");
  check_usage(options.eps.has_value() != options.radius, "give --eps with the radii, or --radius");
  check_usage(!options.radius || (!options.counterexamples && !options.expect && !options.per_sample && !options.out),
              "--out, --counterexamples, --expect and --per-sample are for --eps, not for --radius");
  check_usage(!options.expect || !options.shard, "--expect is for all images, --shard for a part; leave one out");
  check_usage(!options.out || options.eps->values.size() == 1, "--out writes the proofs of one eps; give one");
  std::vector<NamedFile> progress;
  if (const std::string file = progress_file(options); !file.empty()) {
    progress.push_back({"the progress", file});
  }
  begin(options, std::move(progress));
  const std::vector<float> radii = options.eps ? options.eps->values : std::vector<float>{0};
  std::vector<CertifyOptions> asked;
  for (const float eps : radii) {
    check_usage(std::ranges::count(radii, eps) == 1, "--eps: ", eps, " is given twice");
    asked.push_back(options_of(options, eps));
    if (options.attack && options.attack->spec) (void)defenses::attack_within(*options.attack->spec, asked.back());
  }
  const Certifiable from = load_certifiable(options);
  const nn::Sequential& net = from.named.model.net;
  std::vector<Spec> attacks;
  if (!options.attack || options.attack->spec) {
    const std::optional<Spec> first = options.attack ? options.attack->spec : std::nullopt;
    attacks = defenses::usual_attacks(first, asked.front().method, net.classes());
  }
  for (CertifyOptions& one : asked) {
    if (options.radius) one.eps = largest_radius(one.norm, from.data.box(), net.input());
    const CertifiedBall ball{one};
    refuse_uncertifiable({&ball, 1}, net, from.data);
    one = defenses::with_attacks(one, attacks, net.input(), from.data.box());
  }
  if (options.explain) {
    const auto within = [&](float radius) {
      return defenses::with_attacks(options_of(options, radius), attacks, net.input(), from.data.box());
    };
    const std::optional<std::string> picture = options.picture ? std::optional(options.picture->text) : std::nullopt;
    return certify_explain(options, {net, from.data, from.subject, *options.explain, asked.front(), within, picture});
  }
  return options.radius ? certify_radii(from, asked.front(), attacks, options) : certify_within(from, asked, options);
}

}  // namespace

Command certify_command() { return make_command<CertifyCommand, run>(); }

}  // namespace hans::apps
