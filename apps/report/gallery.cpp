// What attacks made of images, as pictures for people: a row for each attack, or a grid of originals and targets.
#include "gallery.hpp"
#include <algorithm>
#include <hans/core/reduce.hpp>
#include <hans/nn/evaluate.hpp>
#include "../run/sentence.hpp"

namespace hans::apps {
namespace {

using attacks::AttackResult;
using attacks::Attempt;
using attacks::Evaluation;

std::string title_of(const Evaluation& found, const AttackResult& result) {
  return text(as_written(result.attack, found.samples.box, true));
}

Picture picture_of(const Evaluation& found, std::span<const real> image) {
  return image_picture(image, found.samples.images.shape().without_front(), found.samples.box);
}

std::vector<SheetRow> rows_of_attacks(const nn::Classifier& model, const Evaluation& found) {
  constexpr std::size_t most = 10;
  const Shape shape = found.samples.images.shape().without_front();
  const std::size_t scale = scale_for(shape, 112), half = scale_for(shape, 56);
  std::vector<std::size_t> shown;
  for (std::size_t i = 0; i < found.size() && shown.size() < most; ++i) {
    if (found.right == 0 || found.predictions[i] == found.samples.labels[i]) shown.push_back(i);
  }
  const auto original = [&](std::size_t sample) { return image_at(found.samples.images, sample); };
  std::vector<SheetRow> rows{{"originals", "", {}, scale}};
  for (const std::size_t sample : shown) {
    rows[0].cells.push_back(
        {picture_of(found, original(sample)), reading(model, original(sample), found.samples.labels[sample])});
  }
  for (const AttackResult& result : found.attacks) {
    SheetRow made{title_of(found, result), "", {}, scale}, changed{"", "", {}, half};
    for (const std::size_t sample : shown) {
      const auto attempt = std::ranges::find(result.attempts, sample, &Attempt::sample);
      const bool tried = attempt != result.attempts.end();
      const std::span<const real> image = tried ? attempt->image.values() : original(sample);
      made.cells.push_back({picture_of(found, image), reading(model, image, found.samples.labels[sample]),
                            tried && attempt->finding.success ? Mark::fooled : Mark::none});
      changed.cells.push_back({change_picture(original(sample), image, shape)});
    }
    rows.push_back(std::move(made));
    rows.push_back(std::move(changed));
  }
  return rows;
}

std::vector<SheetRow> rows_of_grids(const Evaluation& found) {
  const std::size_t scale = scale_for(found.samples.images.shape().without_front(), 56);
  std::vector<SheetRow> rows;
  for (const AttackResult& result : found.attacks) {
    const Grid grid = target_grid(found, result);
    SheetRow heading{title_of(found, result), "", {}, scale};
    for (const std::string& name : grid.names) heading.cells.push_back({{}, {text("-> ", name)}});
    rows.push_back(std::move(heading));
    for (std::size_t source = 0; source < grid.classes; ++source) {
      if (!grid.at(source, source).picture) continue;  // no image of this class
      SheetRow row{"", grid.names[source], {}, scale};
      for (std::size_t target = 0; target < grid.classes; ++target) {
        const Grid::Cell& cell = grid.at(source, target);
        const Mark mark = source == target ? Mark::framed : cell.success ? Mark::none : Mark::failed;
        row.cells.push_back({cell.picture, {}, mark});
      }
      rows.push_back(std::move(row));
    }
  }
  return rows;
}

}  // namespace

const Attempt* find_attempt(const AttackResult& result, std::size_t sample, std::optional<int> target) {
  const auto found = std::ranges::find_if(
      result.attempts, [&](const Attempt& attempt) { return attempt.sample == sample && attempt.target == target; });
  return found == result.attempts.end() ? nullptr : &*found;
}

std::vector<std::size_t> first_of_each(const Evaluation& found) {
  std::vector<std::size_t> sources(found.classes, found.size());
  for (std::size_t i = found.size(); i-- > 0;) {
    const int label = found.samples.labels[i];
    if (found.predictions[i] == label) sources[static_cast<std::size_t>(label)] = i;
  }
  return sources;
}

std::vector<std::string> reading(const nn::Classifier& model, std::span<const real> image, int label) {
  const Tensor logits = nn::logits(model, Tensor(model.input().with_front(1), image));
  const int read_as = nn::predictions(logits)[0];
  if (read_as == nn::no_prediction) return {text(label, " -> ?")};
  std::vector<real> shares(model.classes());
  softmax(logits.values().data(), shares.data(), 1, shares.size());
  const double sure = static_cast<double>(shares[static_cast<std::size_t>(read_as)]);
  return {read_as == label ? text(label) : text(label, " -> ", read_as), text(fixed(100 * sure, 0), " %")};
}

Grid target_grid(const Evaluation& found, const AttackResult& result) {
  constexpr std::size_t most = 20;
  const std::vector<std::size_t> sources = first_of_each(found);
  Grid grid{std::min(most, sources.size()), {}, {}};
  for (std::size_t source = 0; source < grid.classes; ++source) {
    grid.names.push_back(text(source));
    const std::size_t sample = sources[source];
    for (std::size_t target = 0; target < grid.classes; ++target) {
      Grid::Cell cell;
      const Attempt* attempt = find_attempt(result, sample, static_cast<int>(target));
      if (source == target && sample < found.size()) {
        cell.picture = picture_of(found, image_at(found.samples.images, sample));
        cell.alt = text("original ", source);
      } else if (attempt != nullptr) {
        cell.picture = picture_of(found, attempt->image.values());
        cell.success = attempt->finding.success;
        cell.alt = text(source, cell.success ? " read as " : " not turned into ", target, ", ",
                        attempt->finding.distance.l0, " pixels changed");
      }
      grid.cells.push_back(std::move(cell));
    }
  }
  return grid;
}

Picture gallery(const nn::Classifier& model, const Evaluation& found) {
  return sheet(found.targets.kind == attacks::Targets::Kind::all ? rows_of_grids(found)
                                                                 : rows_of_attacks(model, found));
}

}  // namespace hans::apps
