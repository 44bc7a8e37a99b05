// The Square attack.
#pragma once

#include <hans/attacks/driver.hpp>

namespace hans::attacks {

/// Score-based random search (Andriushchenko 2020), as in the reference AutoAttack. It begins with vertical stripes of
/// +-eps (linf) or a pattern of patches (l2, l1), then changes one random square at a time and keeps changes that lower
/// the label's margin. The squares cover a share p_init of the image at first and shrink with the queries; with
/// rescale=true as if `queries` were 10,000. Targeted, it lowers the target's cross entropy. Where clip_min or clip_max
/// is left open, it stays open in the resolved SPEC and means the data's box. Cost: `queries` + 1 forward passes for
/// each restart.
struct Square {
  Required<float> eps;
  Norm norm = Norm::linf;
  unsigned queries = 5000;
  unsigned restarts = 1;
  float p_init = 0.8F;
  bool rescale = false;
  std::optional<float> clip_min = {}, clip_max = {};

  static constexpr std::string_view name = "square";
  static constexpr std::string_view meaning = "random squares, kept where they help; sees scores only";
  static constexpr std::string_view paper = "Andriushchenko 2020, arXiv:1912.00049";
  static constexpr std::string_view example = "square:eps=0.3";
  static constexpr auto fields() {
    return std::tuple(
        field("eps", &Square::eps, at_least(0), "radius of the ball, in data units"),
        field("norm", &Square::norm, up_to(Norm::l1), "of the ball"),
        field("queries", &Square::queries, at_least(1), "forward passes for each start"),
        field("restarts", &Square::restarts, at_least(1), "how often to begin anew"),
        field("p_init", &Square::p_init, between(0, 1), "share of the image that the first squares cover"),
        field("rescale", &Square::rescale, "let the squares shrink as if for 10,000 queries"),
        field("clip_min", &Square::clip_min, any_number.or_infinite(), "least value of a feature", "the data's"),
        field("clip_max", &Square::clip_max, any_number.or_infinite(), "largest value of a feature", "the data's"));
  }

  Task<Stop> search(ScoreOracle& sample) const;
};

}  // namespace hans::attacks
