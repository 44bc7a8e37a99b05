// A bool as an integer parameter.
#include "budget.hpp"

Budget wrong() { return Budget{.eps = 0.3f, .queries = true}; }
