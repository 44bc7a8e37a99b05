// A bool as a floating-point parameter.
#include "budget.hpp"

Budget wrong() { return Budget{.eps = true, .queries = 1}; }
