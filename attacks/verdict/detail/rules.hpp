// The rules of verdicts on one number.
#pragma once

#include <hans/attacks/indicators.hpp>

namespace hans::attacks {

/// Judges one number. `inside`: the probes in its ball, one for each probed sample, or empty.
Reliability judge_number(const Evaluation& evaluation, Number number, const Probes& probes,
                         std::span<const BallProbe> inside);

}  // namespace hans::attacks
