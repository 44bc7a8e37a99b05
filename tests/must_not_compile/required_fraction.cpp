// A fraction as an integer parameter.
#include "budget.hpp"

Budget wrong() { return Budget{.eps = 0.3f, .queries = 2.5}; }
