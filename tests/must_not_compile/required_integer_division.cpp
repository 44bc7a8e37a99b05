// An integer division, which is 0, as a floating-point parameter.
#include "budget.hpp"

Budget wrong() { return Budget{.eps = 8 / 255, .queries = 1}; }
