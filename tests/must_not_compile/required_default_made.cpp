// An aggregate with required parameters is declared without any.
#include "budget.hpp"

void wrong() { Budget budget; }
