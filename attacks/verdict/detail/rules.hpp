// The rules of verdicts, for one number.
#pragma once

#include <hans/attacks/indicators.hpp>

namespace hans::attacks {

/// Judges one number with the probes in its ball, one for each probed sample, or none.
Reliability judge_number(const Evaluation& evaluation, Number number, const Probes& probes,
                         std::span<const BallProbe> inside);

}  // namespace hans::attacks
