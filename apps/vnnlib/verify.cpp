// Decides properties of networks.
#include "verify.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/nn/preprocess.hpp>
#include "../../data/detail/gzip.hpp"

namespace hans::apps::vnnlib {
namespace {

/// For each input of a property its place in the image.
std::vector<std::size_t> places_of(const Shape& image, nn::Layout layout) {
  const std::size_t channels = image[2], pixels = image[0] * image[1];
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < channels * pixels; ++i) {
    places.push_back(layout == nn::Layout::nhwc ? i : i % pixels * channels + i / pixels);
  }
  return places;
}

/// The numbers of a property's inputs as an image, each rounded to a float32 on the side of `towards`.
template <class Number>
Tensor image_of(const Shape& shape, std::span<const std::size_t> places, const std::vector<Number>& numbers,
                float towards) {
  Tensor image(shape.with_front(1));
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    float nearest = static_cast<float>(numbers[i]);
    const bool beyond = towards < 0 ? nearest > numbers[i] : nearest < numbers[i];
    if (beyond) nearest = std::nextafter(nearest, towards);
    image.mutable_data()[places[i]] = nearest;
  }
  return image;
}

/// The question whether the property is violated in a case.
defenses::OutputQuestion question_of(const Property& property, const Case& where, const Shape& shape,
                                     std::span<const std::size_t> places) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  defenses::OutputQuestion question{image_of(shape, places, where.low, -infinity),
                                    image_of(shape, places, where.high, infinity),
                                    image_of(shape, places, where.first, -infinity),
                                    image_of(shape, places, where.last, infinity),
                                    {},
                                    where.violations};
  std::vector<std::uint32_t> used;
  for (const auto& atoms : where.violations) used.insert(used.end(), atoms.begin(), atoms.end());
  std::ranges::sort(used);
  used.erase(std::unique(used.begin(), used.end()), used.end());
  for (const std::uint32_t number : used) question.conditions.push_back(property.atoms[number]);
  for (auto& atoms : question.conjunctions) {
    for (std::uint32_t& number : atoms) {
      number = static_cast<std::uint32_t>(std::ranges::lower_bound(used, number) - used.begin());
    }
  }
  return question;
}

}  // namespace

Property load_property(const std::filesystem::path& path) {
  std::string content = read_file(path, largest_property);
  const std::string where = path.string();
  try {
    if (data::is_gzip(content)) content = data::gunzip(content, largest_property);
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    throw Error(text(where, ": ", error.what()));
  }
  return read_property(content, where);
}

Verdict verify(const nn::Model& model, const Property& property, const defenses::RefuteOptions& options) {
  const auto begun = std::chrono::steady_clock::now();
  const Shape& shape = model.net.input();
  check(property.inputs == shape.elements(), "the property has ", property.inputs, " inputs, the model ",
        shape.elements(), " (", shape, ")");
  check(property.outputs == model.net.classes(), "the property has ", property.outputs, " outputs, the model ",
        model.net.classes());
  const std::vector<std::size_t> places = places_of(shape, nn::read_preprocess(model.preprocessing).layout);
  Verdict verdict;
  for (const Case& each : property.cases) {
    ++verdict.cases;
    if (each.empty) {
      ++verdict.empty;
      continue;
    }
    defenses::RefuteOptions rest = options;
    rest.nodes -= verdict.nodes;
    if (options.seconds > 0) {
      const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begun;
      rest.seconds = std::max(options.seconds - spent.count(), 1e-9);
    }
    const defenses::Refutation found = refute(model.net, question_of(property, each, shape, places), rest);
    verdict.nodes += found.nodes;
    if (found.existence == defenses::Existence::refuted) continue;
    verdict.doubt = found.doubt;
    if (found.existence == defenses::Existence::unknown) {
      verdict.answer = found.doubt == defenses::Doubt::time ? Answer::timeout : Answer::unknown;
      if (verdict.answer == Answer::timeout) return verdict;
      continue;
    }
    verdict.answer = Answer::sat;
    verdict.outputs.assign(found.outputs.values().begin(), found.outputs.values().end());
    for (const std::size_t place : places) verdict.inputs.push_back(found.counterexample.data()[place]);
    check(violates(property, each, verdict.outputs), "outputs that were found do not violate the property");
    verdict.counterexample = counterexample_text(each, verdict.inputs, verdict.outputs);
    return verdict;
  }
  return verdict;
}

}  // namespace hans::apps::vnnlib
