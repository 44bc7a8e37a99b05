// A required parameter is left out.
#include "budget.hpp"

Budget wrong() { return Budget{.eps = 0.3f}; }
