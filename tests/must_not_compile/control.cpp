// The one file here that must compile: it shows that the others fail for their own reason.
#include "budget.hpp"
#include "visitor.hpp"

Budget right() { return Budget{.eps = 0.3f, .queries = 100}; }
Budget from_double() { return Budget{.eps = 0.3, .steps = 1, .queries = 1}; }
float half(const Budget& budget) { return budget.eps / 2; }
int visited(const hans::nn::Layer& layer) { return hans::nn::visit(layer, Visitor<void>()); }
