// The aggregate that the files beside this one try to make wrongly.
#pragma once

#include <hans/core/required.hpp>

struct Budget {
  hans::Required<float> eps;
  int steps = 40;
  hans::Required<int> queries;
};
