// The rules of verdicts on one number.
#pragma once

#include <hans/attacks/indicators.hpp>

namespace hans::attacks {

/// Judges one number. `inside`: the probes in its ball, one for each probed sample, or empty. `proved`: in its ball, or
/// null.
Reliability judge_number(const Evaluation& evaluation, Number number, const Probes& probes,
                         std::span<const BallProbe> inside, const Proved* proved);

}  // namespace hans::attacks
