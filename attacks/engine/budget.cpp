// How far an attack may go.
#include <hans/attacks/budget.hpp>

#include <cmath>
#include <limits>

#include <hans/core/error.hpp>
#include <hans/core/values.hpp>

namespace hans::attacks {

double diameter(Norm norm, data::Box box, std::size_t features) {
  const double width = static_cast<double>(box.hi) - static_cast<double>(box.lo);
  const auto count = static_cast<double>(features);
  return norm == Norm::linf ? width
         : norm == Norm::l2 ? width * std::sqrt(count)
         : norm == Norm::l1 ? width * count
                            : count;
}

data::Box clip_box(std::optional<float> clip_min, std::optional<float> clip_max, data::Box box) {
  const data::Box made{clip_min.value_or(box.lo), clip_max.value_or(box.hi)};
  check_usage(made.lo <= made.hi, "clip_min ", made.lo, " is above clip_max ", made.hi);
  return made;
}

Budget budget_of(std::string_view attack, const float* eps, Norm norm, const Shape& image, data::Box box) {
  if (eps == nullptr) return {norm, std::numeric_limits<double>::infinity(), box, false};
  const double most = diameter(norm, box, image.elements());
  check_usage(*eps >= 0, attack, ": eps = ", *eps, " is no radius; give a number of 0 or more");
  check_usage(static_cast<double>(*eps) <= most, attack, ": eps = ", *eps, " is more than features from ", box.lo,
              " to ", box.hi, " can change in ", enum_name(norm), ", ", most,
              "; give it in the units of the data, such as 8/255 and not 8");
  return {norm, *eps, box, false};
}

}  // namespace hans::attacks
