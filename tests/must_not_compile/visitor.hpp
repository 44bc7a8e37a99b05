// A visitor of layers that does not know one of them.
#include <hans/nn/all_layers.hpp>

template <class Unknown>
struct Visitor {
  template <class L>
  requires(!std::same_as<L, Unknown>) int operator()(const L&) const { return 0; }
};
