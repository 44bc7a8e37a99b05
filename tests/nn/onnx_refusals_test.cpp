// ONNX graphs that no network is made of.
#include <hans/nn/onnx_import.hpp>

#include <gtest/gtest.h>

#include "../data/data_testing.hpp"
#include "onnx_testing.hpp"

namespace hans::onnx_refusals_test {
namespace {

using namespace onnx_testing;
using testing_data::contains;
using testing_data::error_of;

TEST(OnnxImport, RefusesWhatItDoesNotSupport) {
  const TensorData w = weights("w", {4, 3});
  const auto with_opset = [&](std::int64_t opset) {
    return file({-1, 4}, {node("Gemm", {"x", "w"}, {"y"})}, {w}, opset);
  };
  File two = with_opset(17);
  two.graph.inputs.push_back(value("z", {-1, 4}));
  File foreign = with_opset(17);
  foreign.graph.nodes[0].domain = "com.example";
  constexpr std::int64_t large = std::int64_t{1} << 56;
  const std::vector<std::pair<File, std::string>> cases{
      {with_opset(6), "opset is 6, supported are 7 to 21"},
      {with_opset(22), "opset is 22"},
      {file({-1, 1000000, 1000000}, {node("Identity", {"x"}, {"y"})}), "features"},
      {two, "several inputs, 'x' and 'z'"},
      {foreign, "com.example"},
      {file({-1, 4}, {node("LSTM", {"x"}, {"y"})}), "node 0, 'LSTM': is not supported"},
      {file({-1, 4}, {node("Gemm", {"z", "w"}, {"y"})}, {w}), "nothing before it gives 'z'"},
      {file({-1, 4}, {node("Gemm", {"x", "w"}, {"y"}, {attribute("alpha", std::int64_t{2})})}, {w}),
       "its attribute 'alpha' is of kind 2, not 1"},
      {file({-1, 4}, {node("Gemm", {"x"}, {"y"})}), "input 1 is missing"},
      {file({-1, 5}, {node("Gemm", {"x", "w"}, {"y"})}, {w}), "matrices of shapes [1,5] and [4,3]"},
      {file({-1, 4}, {node("Identity", {"w"}, {"y"})}, {w}), "does not depend on its input"},
      {file({-1, 4}, {node("Reshape", {"x", "s"}, {"y"})}, {wholes("s", {1}, {3})}), "[1,4] cannot be seen as [3]"},
      {file({-1, 4}, {node("Reshape", {"x", "s"}, {"y"})}, {wholes("s", {2}, {-1, -1})}), "more than one extent open"},
      {file({-1, 4}, {node("Reshape", {"x", "x"}, {"y"})}), "depends on the image"},
      {file({-1, 4}, {node("Reshape", {"x", "s"}, {"y"})}, {wholes("s", {2}, {-65536, large})}), "negative extent"},
      {file({-1, 4}, {node("Reshape", {"x", "s"}, {"y"})}, {wholes("s", {3}, {large, large, -1})}), "too large"},
      {file({-1, 4}, {node("Split", {"x"}, {"y", "z"}, {attribute("num_outputs", large)})}), "num_outputs"},
      {file({-1, 4}, {node("Split", {"x", "s"}, {"y", "z"})}, {wholes("s", {2}, {large, 4 - large})}),
       "do not make up"},
      {file({-1, 1, 4, 4}, {node("Conv", {"x", "k"}, {"y"}, {attribute("pads", {large, large, large, large})})},
            {weights("k", {2, 1, 3, 3})}),
       "out of range"},
      {file({-1, 1, 4, 4}, {node("Conv", {"x", "k"}, {"y"})}, {weights("k", {2, 3, 3, 3})}), "node 0, Conv"},
      {file({-1, 1, 4, 4}, {node("Conv", {"x", "k"}, {"y"})}, {weights("k", {2, 1, 9, 9})}), "9x9"},
      {file({-1, 1, 4, 4}, {node("Resize", {"x", "", "s"}, {"y"}, {attribute("mode", "linear")})},
            {reals("s", {4}, {1, 1, 2, 2})}),
       "only nearest"},
      {file({-1, 4}, {node("Dropout", {"x", "", "t"}, {"y"})}, {{"t", Type::boolean, {}, "\x01"}}), "in training mode"},
      {file({-1, 4},
            {node("Softmax", {"x"}, {"s"}, {attribute("axis", std::int64_t{0})}), node("Identity", {"s"}, {"t"}),
             node("Gemm", {"t", "w"}, {"y"})},
            {w}),
       "samples' axis"},
      {file({-1, 4}, {node("Add", {"x", "c"}, {"y"})}, {weights("c", {3, 4})}), "each sample would need its own"},
  };
  for (const auto& [graph, part] : cases) {
    const std::string error = error_of([&, given = graph] { (void)imported(given); });
    EXPECT_TRUE(contains(error, part)) << part << ": " << error;
  }
}

// What crashed, hung, or loaded another network than the file says.
TEST(OnnxImport, RefusesHostileGraphs) {
  const TensorData one = weights("w", {4, 3}), none = reals("e", {0}, {});
  const Node gemm = node("Gemm", {"x", "w"}, {"y"});
  File two_inputs = file({-1, 4}, {gemm}, {one}), two_outputs = two_inputs, two_tensors = two_inputs;
  two_inputs.graph.inputs.push_back(value("w", {4, 3}));
  two_inputs.graph.inputs.push_back(value("w", {4, 3}));
  two_outputs.graph.outputs.push_back(two_outputs.graph.outputs[0]);
  two_tensors.graph.initializers.push_back(weights("w", {4, 5}));
  File loop = file({-1, 4}, {node("Identity", {"a"}, {"a"})});
  loop.graph.inputs[0].name = loop.graph.outputs[0].name = "a";
  std::vector<Node> filled, rounded;
  for (int k = 0; k < 1000; ++k) {
    filled.push_back(node("ConstantOfShape", {"s"}, {text("c", k)}));
    rounded.push_back(
        node("Cast", {k == 0 ? "w" : text("c", k - 1)}, {text("c", k)}, {attribute("to", std::int64_t{7})}));
  }
  const std::vector<std::pair<File, std::string>> cases{
      {file({-1, 4}, {node("Concat", {}, {"y"}, {attribute("axis", std::int64_t{1})})}), "its input 0 is missing"},
      {file({-1, 4}, {node("Max", {}, {"y"})}), "its input 0 is missing"},
      {file({-1, 4}, {node("Relu", {"x", "x"}, {"y"})}), "it has 2 inputs; 1 are the most"},
      {file({-1, 4}, {node("ArgMax", {"x"}, {"a"}, {attribute("axis", std::int64_t{1})}),
                      node("Cast", {"a"}, {"b"}, {attribute("to", std::int64_t{1})}), node("Neg", {"b"}, {"y"})}),
       "its input 0 is the index that ArgMax gives; that can only be the output of the graph"},
      {file({-1, 4}, {node("Concat", {"x", "x"}, {"y"})}), "its attribute 'axis' is missing"},
      {file({-1, 4}, {node("Cast", {"x"}, {"y"})}), "its attribute 'to' is missing"},
      {file({-1, 4}, {node("Pad", {"e", "p"}, {"y"}, {attribute("mode", "wrap")})}, {none, wholes("p", {2}, {1, 1})}),
       "is empty: nothing to repeat"},
      {file({-1, 4}, {node("Pad", {"e", "p"}, {"y"}, {attribute("mode", "reflect")})},
            {none, wholes("p", {2}, {1, 1})}),
       "is empty: nothing to repeat"},
      {file({-1, 4}, {node("Slice", {"e", "b", "b"}, {"y"})}, {none, wholes("b", {1}, {0})}), "is empty"},
      {file({-1, 4}, {node("ReduceMax", {"e"}, {"y"})}, {none}), "a value of shape [0], which is empty"},
      {file({-1, 4}, {node("Clip", {"x", "e"}, {"y"})}, {none}), "its min is of shape 0, not one number"},
      {file({-1, 4}, {node("Clip", {"x", "", "e"}, {"y"})}, {none}), "its max is of shape 0, not one number"},
      {file({-1, 4}, {node("Dropout", {"x", "e"}, {"y"})}, {none}), "its ratio is of shape 0, not one number"},
      {file({-1, 4}, {node("Dropout", {"x", "", "e"}, {"y"})}, {none}), "its training_mode is of shape 0"},
      {file({-1, 4}, {node("Pad", {"x", "p", "e"}, {"y"})}, {none, wholes("p", {4}, {0, 1, 0, 1})}),
       "its constant_value is of shape 0, not one number"},
      {file({-1, 4}, {node("Conv", {"s", "s"}, {"y"})}, {weights("s", {1})}), "weights of shape [1]"},
      {file({-1, 4}, {node("Unsqueeze", {"x", "a"}, {"y"})}, {wholes("a", {9}, {0, 1, 2, 3, 4, 5, 6, 7, 8})}), "axes"},
      {loop, "it gives the name 'a' to two values"},
      {two_inputs, "it gives the name 'w' to two values"},
      {two_outputs, "it gives the name 'y' to two values"},
      {two_tensors, "it gives the name 'w' to two values"},
      {file({-1, 4}, {gemm, node("Relu", {"x"}, {"y"})}, {one}), "it gives the name 'y' to two values"},
      {file({-1, 4}, {node("Relu", {"x"}, {"w"}), gemm}, {one}), "it gives the name 'w' to two values"},
      {file({-1, 4}, {node("Relu", {"b"}, {"a"}), node("Relu", {"a"}, {"b"}), gemm}, {one}), "nothing before it gives"},
      {file({-1, 4}, filled, {wholes("s", {1}, {1 << 22})}), "more numbers than are allowed for a file of this size"},
      {file({-1, 4}, rounded, {weights("w", {30000})}), "more numbers than are allowed for a file of this size"},
      {file({-1, 4}, {node("Add", {"a", "b"}, {"y"})}, {weights("a", {60000, 1}), weights("b", {1, 60000})}),
       "more numbers than are allowed for a file of this size"},
      {file({-1, 4}, {node("MatMul", {"a", "b"}, {"y"})}, {weights("a", {4000, 1000}), weights("b", {1000, 4000})}),
       "more work to load than is allowed for a file of this size"},
  };
  for (const auto& [graph, part] : cases) {
    const std::string error = error_of([&, given = graph] { (void)imported(given); });
    EXPECT_TRUE(contains(error, part)) << part << ": " << error;
  }
}

}  // namespace
}  // namespace hans::onnx_refusals_test
