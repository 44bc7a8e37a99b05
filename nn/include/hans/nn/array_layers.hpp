// Layers that rearrange, combine and reduce; imported networks use them beside products and activations.
#pragma once

#include <hans/autodiff/arrays.hpp>
#include <hans/nn/layer.hpp>

namespace hans::nn {

/// Axes of one sample, counted from 0. Written `0/2/1`.
struct Axes {
  std::vector<std::size_t> all;
};
void read_value(std::string_view word, Axes& out);
void append_value(std::string& out, const Axes& value);
std::string value_help(const Axes&);

/// Numbers of the network that do not depend on the image.
struct Constant {
  Required<Shape> shape;
  bool trainable = false;

  static constexpr std::string_view name = "constant";
  static constexpr std::string_view meaning = "numbers of the network, to combine with others";
  static constexpr Operands operands{0, 0};
  static constexpr auto fields() {
    return std::tuple(field("shape", &Constant::shape, "their extents"),
                      field("learnt", &Constant::trainable, "training changes them"));
  }
  std::vector<WeightInfo> weights(std::span<const Shape>) const;
  Var operator()(Tape& tape, std::span<const Var> x, const Run& run) const;
};

/// The same features in another shape.
struct Reshape {
  Required<Shape> shape;

  static constexpr std::string_view name = "reshape";
  static constexpr std::string_view meaning = "the same features under another shape";
  static constexpr auto fields() { return std::tuple(field("shape", &Reshape::shape, "of one sample")); }
  Var operator()(const Var& x, const Run& run) const;
};

/// Permutes the axes.
struct Transpose {
  Required<Axes> order;

  static constexpr std::string_view name = "transpose";
  static constexpr std::string_view meaning = "the axes of a sample in another order";
  static constexpr auto fields() {
    return std::tuple(field("order", &Transpose::order, "which axis comes first, second, ..."));
  }
  Var operator()(const Var& x, const Run& run) const;
};

/// Slices, gathers, flips, padding, repetition and nearest-neighbour scaling: see hans::take.
struct Take {
  Required<unsigned> axis;
  Required<unsigned> count;
  float fill = 0;

  static constexpr std::string_view name = "take";
  static constexpr std::string_view meaning = "chosen elements along an axis; which, is stored with the network";
  static constexpr auto fields() {
    return std::tuple(field("axis", &Take::axis, between(0, 5), "of a sample, counted from 0"),
                      field("count", &Take::count, between(1, 1 << 22), "elements of the result"),
                      field("fill", &Take::fill, any_number.or_infinite(), "what stands where the index is -1"));
  }
  std::vector<WeightInfo> weights(const Shape& in) const;
  Var operator()(const Var& x, const Run& run) const;
};

/// Concatenates its operands along an axis.
struct Concat {
  Required<unsigned> axis;

  static constexpr std::string_view name = "concat";
  static constexpr std::string_view meaning = "several one behind the other along an axis";
  static constexpr Operands operands{1, 1024};
  static constexpr auto fields() {
    return std::tuple(field("axis", &Concat::axis, between(0, 5), "of a sample, counted from 0"));
  }
  Var operator()(Tape& tape, std::span<const Var> x, const Run& run) const;
};

/// Reduces axes to one number: sum, mean, max, min or l2 norm.
struct Reduce {
  Required<Reduction> by;
  Required<Axes> axes;
  bool keep = false;

  static constexpr std::string_view name = "reduce";
  static constexpr std::string_view meaning = "the sum, mean, largest, smallest or l2 norm along axes";
  static constexpr auto fields() {
    return std::tuple(field("by", &Reduce::by, "what is made of them"),
                      field("axes", &Reduce::axes, "of a sample, counted from 0"),
                      field("keep", &Reduce::keep, "the axes stay with extent 1"));
  }
  void validate() const;
  Var operator()(const Var& x, const Run& run) const;
};

/// The first value where the condition is not 0, else the second.
struct Where {
  static constexpr std::string_view name = "where";
  static constexpr std::string_view meaning = "of=CONDITION/A/B: A where the condition is not 0, else B";
  static constexpr Operands operands{3, 3};
  static constexpr auto fields() { return std::tuple(); }
  Var operator()(Tape& tape, std::span<const Var> x, const Run& run) const;
};

}  // namespace hans::nn
