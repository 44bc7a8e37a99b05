// What a search leaves for a checker.
#pragma once

#include <hans/defenses/proof.hpp>
#include "branch.hpp"

namespace hans::defenses {

/// The proof that the tree, without open nodes, makes.
Proof proof_of(const Tree& tree, const nn::bounds::Graph& graph, const nn::bounds::Known& known,
               std::span<const nn::bounds::KinkAt> kinks);

/// Throws Error, which names the layer, for a network whose certificates cannot be written as proofs.
void check_provable(const nn::Sequential& net);

}  // namespace hans::defenses
