// Running several attacks in stages.
#include <hans/attacks/stages.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include <hans/attacks/driver.hpp>
#include <hans/attacks/judge.hpp>

namespace hans::attacks {

Crafted run_stages(std::span<const Attack> attacks, const Budget& budget, const nn::Classifier& model,
                   const data::Samples& samples, const Goal& goal, const CraftOptions& options) {
  check_call(model, samples, goal, options, Knowledge::scores);
  CraftOptions nothing = options;  // an empty run first: whatever any attack refuses is refused before work begins
  nothing.progress = {};
  nothing.eps = {};
  nothing.mask = {};
  nothing.before = {};
  for (const Attack& attack : attacks) attack(model, samples.rows(0, 0), goal.select({}), nothing);
  Crafted made;
  made.images = Tensor(samples.images.shape(), samples.images.values());
  made.notes.resize(samples.size());
  const std::size_t features = model.input().elements();
  const bool limited = std::isfinite(budget.size);
  constexpr double never = std::numeric_limits<double>::infinity();
  std::vector<double> reached(samples.size(), never);  // the distance of the best success
  const auto asked = [&](std::size_t row) { return options.before.empty() ? Note{} : options.before[row]; };
  bool all_told = false;
  std::vector<std::size_t> left(samples.size());
  std::iota(left.begin(), left.end(), std::size_t{0});
  for (const Attack& attack : attacks) {
    // A sample that may ask nothing more, or only the judge's one question, keeps what it has.
    std::erase_if(left, [&](std::size_t row) {
      const bool over = options.max_forwards < asked(row).forwards + made.notes[row].forwards + 2;
      if (over && reached[row] == never) made.notes[row].stop = Stop::budget;
      return over;
    });
    const data::Samples standing = samples.select(left);
    const Goal aim = goal.select(left);
    const std::size_t ended = samples.size() - left.size();
    CraftOptions part = options;
    part.max_forwards = std::max(options.max_forwards, 1U) - 1;  // the judge asks once
    part.progress = [&](std::size_t done) {
      // A sample is done once it has fallen or its budget is used up, or after the last attack.
      if (!options.progress || &attack != &attacks.back()) return;
      options.progress(ended + done);
      all_told = ended + done == samples.size();
    };
    std::vector<float> eps;
    std::vector<unsigned char> mask;
    std::vector<Note> before;
    for (const std::size_t row : left) {
      before.push_back(made.notes[row]);
      before.back().forwards += asked(row).forwards;
      before.back().gradients += asked(row).gradients;
      if (!options.eps.empty()) eps.push_back(options.eps[row]);
      if (options.mask.size() <= features) continue;
      const auto own = options.mask.subspan(row * features, features);
      mask.insert(mask.end(), own.begin(), own.end());
    }
    part.eps = eps;
    part.before = before;
    if (!mask.empty()) part.mask = mask;
    const Crafted found = attack(model, standing, aim, part);
    const Outcome outcome = judge(model, standing, found.images, aim, budget, eps, part.tape);
    made.gradients += found.gradients;
    made.forwards += found.forwards + left.size();
    std::vector<std::size_t> still;
    for (std::size_t k = 0; k < left.size(); ++k) {
      const std::size_t row = left[k];
      const Note& own = found.notes[k];
      const Note earlier = std::exchange(made.notes[row], own);
      const Finding& finding = outcome.findings[k];
      const double distance = finding.success ? finding.distance.of(budget.norm) : never;
      if (distance < reached[row]) {
        reached[row] = distance;
        std::ranges::copy(found.images.values().subspan(k * features, features),
                          made.images.mutable_data() + row * features);
      } else if (reached[row] < never) {
        made.notes[row] = earlier;
      }
      made.notes[row].forwards = earlier.forwards + own.forwards + 1;
      made.notes[row].gradients = earlier.gradients + own.gradients;
      made.notes[row].steps = earlier.steps + own.steps;
      made.notes[row].withstood = earlier.withstood;
      if (!limited || reached[row] == never) still.push_back(row);
    }
    left = std::move(still);
    made.stages.push_back(attack);
    for (std::size_t row = 0; row < reached.size(); ++row) {
      if (reached[row] == never) made.notes[row].withstood = static_cast<unsigned>(made.stages.size());
    }
    if (limited && std::ranges::find(reached, never) == reached.end()) break;
  }
  if (options.progress && !all_told && samples.size() > 0) options.progress(samples.size());
  return made;
}

}  // namespace hans::attacks
