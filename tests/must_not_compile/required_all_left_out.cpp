// An aggregate with required parameters is made of nothing.
#include "budget.hpp"

Budget wrong() { return Budget{}; }
