// Bounds of margins.
#include <hans/nn/bounds.hpp>

#include <algorithm>
#include <cmath>

#include <hans/core/error.hpp>
#include <hans/nn/pieces.hpp>
#include "detail/build.hpp"
#include "detail/optimise.hpp"
#include "detail/tighten.hpp"

namespace hans::nn {
namespace {

constexpr std::size_t images_of_a_batch = 16;

void bound_some(const bounds::Graph& graph, const Tensor& images, std::span<const int> labels, const Ball& ball,
                const BoundOptions& options, Tape& tape, double* bound, double* float32) {
  const std::size_t classes = graph.features(graph.logits());
  const auto known_by = [&](BoundMethod method) {
    BoundOptions how = options;
    how.method = method;
    return bounds::known_of(graph, bounds::begin_with_images(graph, images, ball), how, tape);
  };
  const bool joint = options.method == BoundMethod::joint;
  const bounds::Known known = known_by(joint ? BoundMethod::alpha : options.method);
  std::vector<bounds::Form> forms;
  for (std::size_t sample = 0; sample < labels.size(); ++sample) {
    const std::size_t label = static_cast<std::size_t>(labels[sample]);
    for (std::size_t other = 0; other < classes; ++other) {
      if (other == label) continue;
      forms.push_back({static_cast<std::uint32_t>(sample), bounds::margin_form(classes, label, other)});
    }
  }
  const auto improve = [&](const bounds::Known& by) {
    std::vector<std::vector<bounds::KinkAt>> kinks(labels.size());
    for (std::size_t sample = 0; sample < labels.size(); ++sample) {
      kinks[sample] = bounds::unstable_kinks(graph, by, sample);
    }
    std::vector<bounds::Form*> all;
    for (bounds::Form& form : forms) {
      form.slopes.clear();  // those of other kinks
      if (by.finite[form.sample]) all.push_back(&form);
    }
    bounds::improve(graph, by, kinks, all, {options.steps, bounds::rate_of_an_end, false}, tape);
  };
  if (joint || options.method == BoundMethod::alpha) {
    improve(known);
    if (joint) improve(known_by(BoundMethod::joint));
  } else {
    const std::size_t stop = options.method == BoundMethod::ibp ? bounds::elided(graph) : 0;
    const bounds::Rows rows = bounds::rows_of(graph, forms);
    const bounds::Lower all = bounds::lower_bounds(graph, known, rows, false, stop, tape);
    for (std::size_t row = 0; row < forms.size(); ++row) {
      forms[row].bound = all.bound[row];
      forms[row].float32 = all.float32[row];
    }
  }
  std::size_t row = 0;
  for (std::size_t sample = 0; sample < labels.size(); ++sample) {
    const std::size_t label = static_cast<std::size_t>(labels[sample]), first = sample * classes;
    for (std::size_t other = 0; other < classes; ++other) {
      double &of_bound = bound[first + other], &of_float32 = float32[first + other];
      of_bound = of_float32 = std::numeric_limits<double>::infinity();
      if (other == label) continue;
      const bounds::Form& form = forms[row++];
      of_bound = known.finite[sample] ? form.bound : std::numeric_limits<double>::quiet_NaN();
      of_float32 = known.finite[sample] ? form.float32 : std::numeric_limits<double>::quiet_NaN();
    }
  }
}

}  // namespace

std::size_t MarginBounds::closest(std::size_t sample) const {
  const double* const row = bound.data() + sample * classes;
  std::size_t least = 0;
  for (std::size_t other = 0; other < classes; ++other) {
    if (std::isnan(row[other])) return other;
    if (row[other] < row[least]) least = other;
  }
  return least;
}

bool MarginBounds::wins(const std::vector<double>& all, std::size_t sample) const {
  for (std::size_t i = sample * classes; i < (sample + 1) * classes; ++i) {
    if (!(all[i] > 0)) return false;
  }
  return true;
}

MarginBounds bound_margins(const Sequential& net, const Tensor& images, std::span<const int> labels, const Ball& ball,
                           const BoundOptions& options) {
  check(images.shape() == net.input().with_front(labels.size()), labels.size(), " labels need as many images of ",
        net.input(), ", not ", images.shape());
  for (const int label : labels) {
    check_usage(label >= 0 && static_cast<std::size_t>(label) < net.classes(), "the label ", label, " is none of ",
                net.classes(), " classes");
  }
  const bounds::Graph graph = bounds::graph_of(net);
  MarginBounds all;
  all.classes = net.classes();
  all.bound.resize(labels.size() * all.classes);
  all.float32_bound.resize(all.bound.size());
  Tape tape;
  on_tapes((labels.size() + images_of_a_batch - 1) / images_of_a_batch, tape, [&](Tape& own, std::size_t unit) {
    const std::size_t first = unit * images_of_a_batch, count = std::min(images_of_a_batch, labels.size() - first);
    bound_some(graph, images.rows(first, count), labels.subspan(first, count), ball, options, own,
               all.bound.data() + first * all.classes, all.float32_bound.data() + first * all.classes);
  });
  return all;
}

}  // namespace hans::nn
