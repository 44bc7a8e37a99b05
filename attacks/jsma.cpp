// The Jacobian-based saliency map attack.
#include <hans/attacks/jsma.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <hans/attacks/batches.hpp>
#include <hans/attacks/saliency.hpp>
#include <hans/autodiff/ops.hpp>
#include <hans/core/error.hpp>
#include <hans/core/parallel.hpp>
#include <hans/nn/evaluate.hpp>

namespace hans::attacks {
namespace {

// What both versions of the attack are made of.
struct Search {
  real theta;   // signed change of a feature
  real lo, hi;  // range of the features
  Of of;
  bool pairs;
  bool retire_once;
  bool cleverhans;  // Jacobian of the probabilities themselves; the lowest pair when none qualifies
  std::size_t max_steps;
};

// The sample's own state between steps.
struct Progress {
  std::size_t row;                  // place among all samples
  std::vector<std::size_t> domain;  // features that may still change, rising
  std::size_t steps = 0;
};

bool may_change(real value, const Search& search) { return search.theta > 0 ? value < search.hi : value > search.lo; }

// Saliency of all active samples: g (or a and b) as rows of features.
struct Saliency {
  Tensor a, b;
};

Tensor one_hot(std::span<const int> classes, std::size_t count, bool others) {
  Tensor seed = Tensor::full({classes.size(), count}, others ? real{1} : real{0});
  real* row = seed.mutable_data();
  for (const int c : classes) {
    row[c] = others ? real{0} : real{1};
    row += count;
  }
  return seed;
}

Saliency saliency(const Search& search, Tape& tape, const Var& input, const Var& logits, std::span<const int> targets) {
  Saliency found;
  const std::size_t classes = logits.shape()[1];
  if (search.of == Of::probabilities && !search.cleverhans) {
    // The gradient of log p_target, which ranks like that of p_target but does not underflow.
    const Var loss = cross_entropy(logits, targets);
    tape.gradients(loss, Tensor::full(loss.shape(), -1), {&input, 1}, {&found.a, 1});
    return found;
  }
  const Var output = search.of == Of::probabilities ? softmax(logits) : logits;
  tape.gradients(output, one_hot(targets, classes, false), {&input, 1}, {&found.a, 1});
  tape.gradients(output, one_hot(targets, classes, true), {&input, 1}, {&found.b, 1});
  return found;
}

Pick pick(const Search& search, const Saliency& found, std::size_t row, const std::vector<std::size_t>& domain) {
  const std::size_t features = found.a.shape().row_elements();
  std::vector<real> a(found.a.data() + row * features, found.a.data() + (row + 1) * features);
  std::vector<real> b;
  if (found.b.size() > 0) b.assign(found.b.data() + row * features, found.b.data() + (row + 1) * features);
  if (search.theta < 0) {  // going down turns both signs round
    for (real& value : a) value = -value;
    for (real& value : b) value = -value;
  }
  return b.empty() ? pick_by_gradient(a, domain, search.pairs) : pick_by_jacobian(a, b, domain, search.pairs);
}

void change(const Search& search, std::span<real> image, std::size_t feature) {
  const real moved = image[feature] + search.theta;
  image[feature] = search.theta > 0 ? std::min(moved, search.hi) : std::max(moved, search.lo);
}

// One step for one sample: changes its image and returns true, or notes why it ends here.
bool advance(const Search& search, const Saliency& found, std::size_t row, Progress& sample, std::span<real> image,
             Note& note) {
  Pick best = pick(search, found, row, sample.domain);
  note.gradient_norm = 0;
  for (const Tensor* gradient : {&found.a, &found.b}) {
    if (gradient->size() == 0) continue;
    for (const real g : gradient->values().subspan(row * image.size(), image.size())) {
      check(!std::isnan(g), "a gradient of jsma is not a number");
      note.gradient_norm = std::max(note.gradient_norm, std::abs(g));
    }
  }
  if (!best.found && search.cleverhans) best = {true, sample.domain[0], sample.domain[1]};
  if (!best.found) {
    note.stop = Stop::no_admissible_pair;
    return false;
  }
  change(search, image, best.first);
  if (best.second != best.first) change(search, image, best.second);
  std::erase_if(sample.domain, [&](std::size_t feature) {
    return (feature == best.first || feature == best.second) &&
           (search.retire_once || !may_change(image[feature], search));
  });
  note.steps = static_cast<unsigned>(++sample.steps);
  return true;
}

void craft(const Search& search, const Flow& batch) {
  const std::size_t features = batch.images.shape().row_elements();
  const std::size_t least = search.pairs ? 2 : 1;
  std::vector<Progress> active;
  std::size_t finished = 0;
  for (;;) {
    // Finished samples have left; others take their places.
    while (active.size() < batch.together) {
      const std::optional<std::size_t> next = batch.take();
      if (!next) break;
      Progress sample{*next, {}};
      for (std::size_t k = 0; k < features; ++k) {
        if (may_change(batch.images.data()[*next * features + k], search)) sample.domain.push_back(k);
      }
      active.push_back(std::move(sample));
    }
    if (active.empty()) return;
    Tensor images = batch.tape.make(batch.samples.images.shape().without_front().with_front(active.size()));
    std::vector<int> targets;
    for (std::size_t k = 0; k < active.size(); ++k) {
      std::copy_n(batch.images.data() + active[k].row * features, features, images.mutable_data() + k * features);
      targets.push_back(batch.classes[active[k].row]);
    }
    batch.tape.rewind();
    const Var input = batch.tape.watch(images);
    const Var logits = batch.model.logits(input);
    batch.count.forwards += active.size();
    const std::vector<int> predictions = nn::predictions(logits.value());

    std::vector<unsigned char> ends(active.size(), 0);
    std::size_t going = 0;
    for (std::size_t k = 0; k < active.size(); ++k) {
      Note& note = batch.notes[active[k].row];
      check(predictions[k] != nn::no_prediction, "the logits of sample ", batch.samples.index[active[k].row],
            " hold a value that is not a number");
      ends[k] = 1;
      if (predictions[k] == targets[k]) {
        note.stop = Stop::target_reached;
      } else if (active[k].steps >= search.max_steps) {
        note.stop = Stop::limit;
      } else if (active[k].domain.size() < least) {
        note.stop = Stop::domain_exhausted;
      } else {
        ends[k] = 0;
        ++going;
      }
    }
    if (going > 0) {
      const Saliency found = saliency(search, batch.tape, input, logits, targets);
      // Those that end here only come along: counted, the number would depend on how the samples are batched.
      batch.count.gradients += going * (found.b.size() > 0 ? 2U : 1U);
      const std::span<real> all = batch.images.mutable_values();
      parallel_for(active.size(), [&](std::size_t k) {
        if (ends[k] != 0) return;
        const std::size_t row = active[k].row;
        ends[k] = advance(search, found, k, active[k], all.subspan(row * features, features), batch.notes[row]) ? 0 : 1;
      });
    }
    std::size_t kept = 0;
    for (std::size_t k = 0; k < active.size(); ++k) {
      if (ends[k] == 0) {
        if (kept != k) active[kept] = std::move(active[k]);
        ++kept;
      }
    }
    finished += active.size() - kept;
    active.resize(kept);
    batch.progress(finished);
  }
}

// The float's shortest decimal read in double, so that gamma=0.145 of 1000 features is 145 and not 144.
double decimal(float value) {
  double exact = 0;
  check(read_number(text(value), exact), "the number ", value, " has no decimal");
  return exact;
}

// floor(gamma * features / per_step) steps, but no more than could ever be made.
std::size_t steps_for(float gamma, std::size_t features, std::size_t per_step) {
  const double steps = std::floor(decimal(gamma) * static_cast<double>(features) / static_cast<double>(per_step));
  return steps < 1e9 ? static_cast<std::size_t>(steps) : std::numeric_limits<std::size_t>::max();
}

std::size_t max_steps(const Jsma& attack, std::size_t features) {
  const std::size_t per_step = attack.select == Select::pairs ? 2 : 1;
  if (attack.gamma) return steps_for(*attack.gamma, features, per_step);
  return *attack.max_features / per_step;
}

void check_targeted(const Goal& goal, std::string_view name) {
  check_usage(goal.targeted, name, " needs a target: changing features towards a class is what it does");
}

}  // namespace

void Jsma::validate() const {
  check_usage(gamma.has_value() != max_features.has_value(),
              "jsma needs gamma (share of the features) or max_features (their number), and not both");
  check_usage(theta != 0, "jsma with theta=0 changes nothing; take theta=1 to raise features, theta=-1 to lower them");
}

Budget Jsma::budget(const Shape& image, data::Box box) const {
  check_fields(*this);
  const std::size_t per_step = select == Select::pairs ? 2 : 1;
  const std::size_t limit = std::min(max_steps(*this, image.elements()), image.elements());
  return {Norm::l0, static_cast<double>(limit * per_step), clip_box(clip_min, clip_max, box), false};
}

Jsma Jsma::resolved(data::Box box) const {
  Jsma copy = *this;
  const data::Box clip = clip_box(clip_min, clip_max, box);
  copy.clip_min = clip.lo;
  copy.clip_max = clip.hi;
  return copy;
}

Crafted Jsma::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                         const CraftOptions& options) const {
  check_fields(*this);
  check_targeted(goal, name);
  const data::Box clip = clip_box(clip_min, clip_max, samples.box);
  const Search search{theta,
                      clip.lo,
                      clip.hi,
                      of,
                      select == Select::pairs,
                      retire == Retire::once,
                      false,
                      max_steps(*this, model.input().elements())};
  return in_flow(model, samples, goal, options, [&](const Flow& batch) { craft(search, batch); });
}

Budget JsmaCleverhans100::budget(const Shape& image, data::Box) const {
  check_fields(*this);
  return {Norm::l0, static_cast<double>(image.elements()), {clip_min, clip_max}, true};
}

Crafted JsmaCleverhans100::operator()(const nn::Classifier& model, const data::Samples& samples, const Goal& goal,
                                      const CraftOptions& options) const {
  check_fields(*this);
  check_targeted(goal, "jsma@cleverhans-1.0.0");
  const Search search{increase ? theta.value() : -theta.value(),    clip_min, clip_max, of, true, true, true,
                      steps_for(gamma, model.input().elements(), 2)};
  return in_flow(model, samples, goal, options, [&](const Flow& batch) { craft(search, batch); });
}

}  // namespace hans::attacks
