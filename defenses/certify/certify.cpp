// Certificates: which images keep their prediction, whatever an attack changes within eps.
#include <hans/defenses/certify.hpp>

#include <algorithm>
#include <cmath>

#include <hans/attacks/ball.hpp>
#include <hans/attacks/judge.hpp>
#include <hans/core/error.hpp>
#include <hans/nn/evaluate.hpp>
#include <hans/nn/pieces.hpp>
#include "../../nn/bounds/detail/build.hpp"
#include "../../nn/bounds/detail/tighten.hpp"
#include "detail/certify.hpp"
#include "detail/prove.hpp"
#include "detail/search.hpp"

namespace hans::defenses {
namespace {

namespace bounds = nn::bounds;
using bounds::Form;
using nn::BoundMethod;

constexpr std::size_t images_of_a_batch = 16;
constexpr unsigned steps_downhill = 12;

/// What all samples share.
struct Question {
  const nn::Sequential& net;
  const bounds::Graph graph;
  const data::Samples& samples;
  const CertifyOptions& options;
  const attacks::Budget budget;
  const nn::Ball ball;
};

/// Takes the images of an attack that the judge finds to be adversarial.
void attack_open(const Question& question, const attacks::Attack& attack, std::vector<Certificate>& all) {
  std::vector<std::size_t> open;
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (all[k].certainty == Certainty::unknown) open.push_back(k);
  }
  if (open.empty()) return;
  const data::Samples samples = question.samples.select(open);
  const attacks::Goal goal = away_from(samples.labels);
  const Tensor images = attack(question.net, samples, goal, {.seed = question.options.seed}).images;
  const attacks::Outcome outcome = attacks::judge(question.net, samples, images, goal, question.budget);
  for (std::size_t k = 0; k < open.size(); ++k) {
    if (!outcome.findings[k].evades) continue;
    Certificate& certificate = all[open[k]];
    certificate.certainty = Certainty::attacked;
    certificate.step = Step::attack;
    certificate.doubt.reset();
    certificate.counterexample = images.rows(k, 1);
  }
}

/// The forms of all margins of a sample of a batch.
std::vector<Form> margins_of(const bounds::Graph& graph, std::size_t sample, int label) {
  const std::size_t classes = graph.features(graph.logits()), right = static_cast<std::size_t>(label);
  std::vector<Form> forms;
  for (std::size_t other = 0; other < classes; ++other) {
    if (other == right) continue;
    forms.push_back({static_cast<std::uint32_t>(sample), bounds::margin_form(classes, right, other)});
  }
  return forms;
}

/// Sets bound, runner-up and flags from the margins' bounds.
void sum_up(Certificate& certificate, std::span<const Branch> roots, std::span<const double> bound, bool decided,
            Step step) {
  certificate.step = step;
  certificate.bound = std::numeric_limits<double>::infinity();
  certificate.real = true;
  for (std::size_t k = 0; k < bound.size(); ++k) {
    certificate.real = certificate.real && bound[k] > 0;
    if (std::isnan(bound[k]) || bound[k] < certificate.bound) {
      certificate.bound = bound[k];
      const auto& form = roots[k].form.form;
      certificate.runner_up = static_cast<int>(std::ranges::min_element(form) - form.begin());
      if (std::isnan(bound[k])) break;
    }
  }
  certificate.float32 = decided && certificate.real;
  if (certificate.float32) certificate.certainty = Certainty::certified;
}

/// Bounds of one sample at work.
class Search {
 public:
  Search(const Question& question, Certificate& certificate, std::size_t place, Tape& tape)
      : question_(question), certificate_(certificate), sample_(question.samples.rows(place, 1)), tape_(tape) {}

  /// The cascade; `from` is its first step. `provable`: without what makes no proof.
  void run(const bounds::Known& known, std::size_t sample, Step from, Step until, bool provable) {
    tree_.nodes.clear();
    for (Form& form : margins_of(question_.graph, sample, certificate_.label)) {
      tree_.nodes.push_back({std::move(form)});
    }
    tree_.roots = tree_.nodes.size();
    std::vector<std::vector<bounds::KinkAt>> kinks(known.count);
    const bool once = from == Step::ibp || from == Step::zonotope;  // one pass back from the margins
    if (!once) kinks[sample] = bounds::unstable_kinks(question_.graph, known, sample);
    if (!known.finite[sample]) {
      certificate_.doubt = Doubt::nan;
      certificate_.bound = std::numeric_limits<double>::quiet_NaN();
      certificate_.step = from;
      return;
    }
    std::vector<Form*> roots;
    for (Branch& node : tree_.nodes) roots.push_back(&node.form);
    if (once) {
      bound_margins(known, from == Step::ibp ? bounds::elided(question_.graph) : 0);
      conclude(from);
      return;
    }
    bounds::improve(question_.graph, known, kinks, roots, {}, tape_);
    conclude(from);
    if (open() && until != Step::crown) {
      const real rate = until == Step::branching ? bounds::rate_of_a_start : bounds::rate_of_an_end;
      bounds::improve(question_.graph, known, kinks, roots, {steps_of_a_root, rate}, tape_);
      conclude(from == Step::joint ? Step::joint : Step::alpha);
      if (until != Step::branching) try_points(points_of(tree_.nodes));
    }
    if (open() && until == Step::branching) branch_out(known, kinks, provable);
  }

  /// Whether the tree shows a checker what run() certified: not if boxes were split.
  bool has_proof() const { return tree_.done() && !tree_.closer; }

  /// How often each unit was split.
  void count_splits(Certificate& out) const {
    out.splits.clear();
    for (const auto& [kink, times] : splits_of(tree_)) {
      out.splits.push_back({question_.graph.ops[kink.op].layer, kink.unit, times});
    }
    out.deepest = 0;
    for (const Branch& node : tree_.nodes) out.deepest = std::max(out.deepest, node.form.splits.size());
  }

  /// The proof of what run() certified, not by intervals.
  Proof proof(const bounds::Known& known) const {
    return proof_of(tree_, question_.graph, known,
                    bounds::unstable_kinks(question_.graph, known, tree_.nodes.front().form.sample));
  }

 private:
  bool open() const { return certificate_.certainty == Certainty::unknown; }

  /// By one pass back from the margins to the bounds of value `stop`.
  void bound_margins(const bounds::Known& known, std::size_t stop) {
    std::vector<Form> forms;
    for (const Branch& root : tree_.nodes) forms.push_back(root.form);
    const bounds::Rows rows = bounds::rows_of(question_.graph, forms);
    const bounds::Lower all = bounds::lower_bounds(question_.graph, known, rows, false, stop, tape_);
    for (std::size_t row = 0; row < tree_.roots; ++row) {
      tree_.nodes[row].form.bound = all.bound[row];
      tree_.nodes[row].form.float32 = all.float32[row];
    }
  }

  /// Branch and bound: over kinks, and where features are few, over these with what is left of the nodes.
  void branch_out(const bounds::Known& known, std::span<const std::vector<bounds::KinkAt>> kinks, bool provable) {
    const TimeLimit limit(question_.options.seconds);
    bool late = false;
    const auto stop = [&](std::span<const Tensor> points) {
      if (try_points(points)) return true;
      late = limit.is_over();
      return late;
    };
    const std::uint64_t nodes = question_.options.nodes;
    const bool few = sample_.images.size() <= few_features;
    if (stop(points_of(tree_.nodes))) return finish(late);
    const std::size_t sample = tree_.nodes.front().form.sample;
    branch(tree_, question_.graph, known, kinks, few ? nodes / 4 : nodes, !provable, stop, tape_);
    certificate_.nodes = tree_.bounded;
    certificate_.anew = tree_.closer;
    if (few && !late && open() && !tree_.done()) {
      std::vector<std::vector<Form>> margins;
      for (std::size_t root = 0; root < tree_.roots; ++root) {
        margins.push_back({{.form = tree_.nodes[root].form.form}});
      }
      const Boxes boxes = split_box(question_.graph, known.low[0].rows(sample, 1), known.high[0].rows(sample, 1),
                                    margins, nodes - std::min<std::uint64_t>(nodes, tree_.bounded), stop, tape_);
      certificate_.nodes += boxes.bounded;
      if (open() && boxes.done) {
        certificate_.certainty = Certainty::certified;
        certificate_.step = Step::branching;
        certificate_.doubt.reset();
        certificate_.bound = boxes.bound;
        certificate_.real = certificate_.float32 = true;
        return;
      }
    }
    finish(late);
  }

  void finish(bool late) {
    if (!open()) return;
    conclude(Step::branching);
    if (open() && late) {
      certificate_.doubt = Doubt::time;
    } else if (open() && certificate_.doubt != Doubt::rounding) {
      certificate_.doubt = Doubt::nodes;
    }
  }

  void conclude(Step step) {
    sum_up(certificate_, std::span(tree_.nodes).first(tree_.roots), bounds_of(tree_), tree_.done(), step);
    if (open()) {
      certificate_.doubt = certificate_.real ? Doubt::rounding : Doubt::bound;
    } else {
      certificate_.doubt.reset();
    }
  }

  /// Whether a minimiser, or what is found on the way downhill from the best of them, is an adversarial image.
  bool try_points(std::span<const Tensor> points) {
    if (points.empty()) return false;
    const std::size_t size = sample_.images.size(), classes = question_.net.classes();
    std::vector<real> low(size), high(size);
    attacks::bounds(sample_.images.values(), question_.budget, low, high);
    const Tensor images = clamped_points(points, sample_.images.shape().without_front(), low, high);
    if (is_adversarial(images)) return true;
    const Tensor logits = nn::logits(question_.net, images);
    const auto rival = [&](const Tensor& all, std::size_t row) {  // and by how much the label is ahead of it
      const std::span<const real> z = all.values().subspan(row * classes, classes);
      return closest_rival(z, certificate_.label);
    };
    std::size_t best = 0;
    for (std::size_t row = 1; row < points.size(); ++row) {
      if (rival(logits, row).second < rival(logits, best).second) best = row;
    }
    bool found = false;
    follow(question_.net, images.rows(best, 1), low, high, steps_downhill,
           [&](const Tensor& point, const Tensor& all, Tensor& direction) {
             const auto [other, ahead] = rival(all, 0);
             direction.mutable_data()[other] = 1;
             direction.mutable_data()[certificate_.label] = -1;
             found = ahead <= 0 && is_adversarial(point);
             return found;
           });
    return found;
  }

  /// Whether one of the images is adversarial; the judge decides.
  bool is_adversarial(const Tensor& images) {
    const data::Samples copies = sample_.select(std::vector<std::size_t>(images.shape()[0]));
    const attacks::Outcome outcome =
        attacks::judge(question_.net, copies, images, away_from(copies.labels), question_.budget, {}, nullptr);
    for (std::size_t k = 0; k < outcome.findings.size(); ++k) {
      if (!outcome.findings[k].evades) continue;
      certificate_.certainty = Certainty::attacked;
      certificate_.step = Step::branching;
      certificate_.doubt.reset();
      certificate_.counterexample = images.rows(k, 1);
      return true;
    }
    return false;
  }

  const Question& question_;
  Certificate& certificate_;
  const data::Samples sample_;
  Tape& tape_;
  Tree tree_;
};

BoundMethod method_of(Step from) {
  return from == Step::ibp        ? BoundMethod::ibp
         : from == Step::zonotope ? BoundMethod::zonotope
         : from == Step::joint    ? BoundMethod::joint
                                  : BoundMethod::crown;
}

/// Runs a step of the cascade for some samples. Intervals prove nothing that a checker would find again, so what they
/// certified goes through the others once more for its proof.
void bound_some(const Question& question, std::span<const std::size_t> which, Step from, Step until,
                std::vector<Certificate>& all, Tape& tape) {
  const Tensor images = question.samples.select(which).images;
  const bounds::Known known =
      bounds::known_of(question.graph, bounds::begin_with_images(question.graph, images, question.ball),
                       {.method = method_of(from)}, tape);
  for (std::size_t k = 0; k < which.size(); ++k) {
    Certificate& certificate = all[which[k]];
    Certificate made = certificate;
    made.certainty = Certainty::unknown;
    Search search(question, made, which[k], tape);
    search.run(known, k, from, until, false);
    if (question.options.splits) search.count_splits(made);
    if (question.options.proofs && from == Step::crown && made.certainty == Certainty::certified) {
      if (search.has_proof()) {
        made.proof = search.proof(known);
      } else {
        Certificate again = certificate;
        again.certainty = Certainty::unknown;
        Search provable(question, again, which[k], tape);
        provable.run(known, k, from, until, true);
        if (again.certainty == Certainty::certified && provable.has_proof()) again.proof = provable.proof(known);
        take_over(made, std::move(again));
      }
    }
    take_over(certificate, std::move(made));
  }
}

/// The same for all samples that `open` picks, `at_once` together.
void bound_all(const Question& question, Step from, Step until, std::size_t at_once,
               const std::function<bool(const Certificate&)>& open, nn::Finished& finished,
               std::vector<Certificate>& all, Tape& tape) {
  std::vector<std::size_t> chosen;
  for (std::size_t k = 0; k < all.size(); ++k) {
    if (open(all[k])) chosen.push_back(k);
  }
  nn::on_tapes((chosen.size() + at_once - 1) / at_once, tape, [&](Tape& own, std::size_t unit) {
    const std::size_t first = unit * at_once, count = std::min(at_once, chosen.size() - first);
    const std::span<const std::size_t> which = std::span(chosen).subspan(first, count);
    const auto undecided = [&](std::size_t k) { return all[k].certainty == Certainty::unknown; };
    const auto before = std::ranges::count_if(which, undecided);
    bound_some(question, which, from, until, all, own);
    finished.add(static_cast<std::size_t>(before - std::ranges::count_if(which, undecided)));
  });
}

}  // namespace

void take_over(Certificate& certificate, Certificate found) {
  if (certificate.certainty == Certainty::unknown) {
    certificate = std::move(found);
    return;
  }
  check(found.certainty != Certainty::attacked, "image ", certificate.index,
        " is certified, but an adversarial image was found: one of the two is wrong; please report it");
  certificate.proof = std::move(found.proof);
}

std::vector<Certificate> certify(const nn::Sequential& net, const data::Samples& samples,
                                 const CertifyOptions& options) {
  check_usage(net.classes() > 1,
              "the model has one class: no image has another prediction, so there is nothing to prove");
  check(!net.random(), "the model is random in evaluation: no certificate of one evaluation speaks of the next");
  check_usage(options.method != CertifyMethod::complete || options.norm == Norm::linf, "complete is for linf; in ",
              enum_name(options.norm), " use alpha");
  attacks::check_labels(samples, net.classes());
  const auto outside = [&](real value) { return !(value >= samples.box.lo && value <= samples.box.hi); };
  const auto values = samples.images.values();
  const auto first_outside = std::ranges::find_if(values, outside);
  check_usage(first_outside == values.end(), "an image holds ", first_outside == values.end() ? 0 : *first_outside,
              ", which is outside the box [", samples.box.lo, ",", samples.box.hi, "]");
  if (options.proofs) {
    check_usage(options.norm == Norm::linf, "proofs are for linf");
    check_provable(net);
  }
  const float eps = options.eps;
  const Question question{net,
                          bounds::graph_of(net),
                          samples,
                          options,
                          attacks::budget_of("certify", &eps, options.norm, net.input(), samples.box),
                          {options.norm, eps, samples.box.lo, samples.box.hi}};
  std::vector<Certificate> all(samples.size());
  const std::vector<int> predictions = nn::predict(net, samples.images);
  for (std::size_t k = 0; k < all.size(); ++k) {
    all[k] = {samples.index[k], samples.labels[k], predictions[k]};
    all[k].certainty = predictions[k] == samples.labels[k] ? Certainty::unknown : Certainty::wrong;
  }
  nn::Finished finished(options.progress);
  if (options.first) attack_open(question, *options.first, all);
  finished.add(static_cast<std::size_t>(
      std::ranges::count_if(all, [](const Certificate& each) { return each.certainty != Certainty::unknown; })));
  Tape tape;
  const auto open = [](const Certificate& each) {
    return each.certainty == Certainty::unknown && each.doubt != Doubt::nan;
  };
  const auto unproved = [&](const Certificate& each) {
    return open(each) || (options.proofs && each.certainty == Certainty::certified && !each.proof);
  };
  bound_all(question, Step::ibp, Step::ibp, images_of_a_batch, open, finished, all, tape);
  if (options.method == CertifyMethod::zonotope) {
    bound_all(question, Step::zonotope, Step::zonotope, images_of_a_batch, open, finished, all, tape);
  } else if (options.method != CertifyMethod::ibp) {
    const Step until = options.method == CertifyMethod::crown ? Step::crown : Step::alpha;
    bound_all(question, Step::crown, until, images_of_a_batch, unproved, finished, all, tape);
  }
  if (options.method == CertifyMethod::joint) {
    bound_all(question, Step::joint, Step::joint, 1, open, finished, all, tape);
  }
  if (options.second && options.method != CertifyMethod::ibp) attack_open(question, *options.second, all);
  if (options.method == CertifyMethod::complete) {
    bound_all(question, Step::crown, Step::branching, 1, unproved, finished, all, tape);
  }
  return all;
}

}  // namespace hans::defenses
