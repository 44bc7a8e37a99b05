// Coefficients of linear forms of a value: of all its features, or of a window of them.
#include "detail/windows.hpp"

#include <algorithm>

namespace hans::nn::bounds {
namespace {

/// Calls body(offset in the value, offset in the window, elements) for each run of a window inside the value.
template <class Body>
void over_runs(const Shape& value, const Shape& window, const Corner& corner, Body body) {
  const auto height = static_cast<std::ptrdiff_t>(value[0]), width = static_cast<std::ptrdiff_t>(value[1]);
  const auto rows = static_cast<std::ptrdiff_t>(window[0]), columns = static_cast<std::ptrdiff_t>(window[1]);
  const std::ptrdiff_t top = std::max<std::ptrdiff_t>(0, -corner.top), bottom = std::min(rows, height - corner.top);
  const std::ptrdiff_t left = std::max<std::ptrdiff_t>(0, -corner.left), right = std::min(columns, width - corner.left);
  if (left >= right) return;
  const std::size_t channels = value[2], run = static_cast<std::size_t>(right - left) * channels;
  for (std::ptrdiff_t y = top; y < bottom; ++y) {
    body(static_cast<std::size_t>((corner.top + y) * width + corner.left + left) * channels,
         static_cast<std::size_t>(y * columns + left) * channels, run);
  }
}

Shape window_of(const Coefficients& forms) { return forms.rows.shape().without_front(); }

}  // namespace

Coefficients spread(Coefficients forms, const Shape& value) {
  if (!forms.windowed()) return forms;
  Coefficients all{Tensor(value.with_front(forms.count()))};
  for (std::size_t k = 0; k < forms.count(); ++k) {
    const real* const from = std::as_const(forms).row(k);
    real* const to = all.row(k);
    over_runs(value, window_of(forms), forms.corners[k],
              [&](std::size_t in_value, std::size_t in_window, std::size_t run) {
                std::copy_n(from + in_window, run, to + in_value);
              });
  }
  return all;
}

Coefficients pass_back(const AffineMap& map, const Coefficients& forms, const Shape& value, Tape& tape) {
  const Local& local = *map.local;
  const Window& window = local.window;
  Coefficients back{local.backward(tape, forms.rows)};
  for (const Corner& corner : forms.corners) {
    const auto before = [](std::ptrdiff_t at, std::size_t stride, std::size_t pad) {
      return at * static_cast<std::ptrdiff_t>(stride) - static_cast<std::ptrdiff_t>(pad);
    };
    back.corners.push_back({before(corner.top, window.stride_height, window.pad_top),
                            before(corner.left, window.stride_width, window.pad_left)});
  }
  const Shape part = window_of(back);
  if (2 * part[0] * part[1] >= value[0] * value[1]) return spread(std::move(back), value);
  std::vector<real> inside(part.elements());
  for (std::size_t k = 0; k < back.count(); ++k) {  // what met padding is no coefficient
    const Corner& at = back.corners[k];
    const auto ends = [](std::ptrdiff_t from, std::size_t size) { return from + static_cast<std::ptrdiff_t>(size); };
    const bool within = at.top >= 0 && at.left >= 0 && ends(at.top, part[0]) <= ends(0, value[0]) &&
                        ends(at.left, part[1]) <= ends(0, value[1]);
    if (within) continue;
    std::ranges::fill(inside, real{0});
    real* const row = back.row(k);
    over_runs(value, part, at, [&](std::size_t, std::size_t in_window, std::size_t run) {
      std::copy_n(row + in_window, run, inside.data() + in_window);
    });
    std::ranges::copy(inside, row);
  }
  return back;
}

Parts::Parts(const Shape& value, const Coefficients& forms, std::initializer_list<const Tensor*> arrays)
    : value_(value), forms_(forms), arrays_(arrays), at_(arrays.size()) {
  if (forms.windowed()) copies_.assign(arrays.size(), std::vector<real>(forms.width()));
}

void Parts::go_to(std::size_t row, std::size_t sample) {
  const bool windowed = forms_.windowed();
  if (!first_ && sample == sample_ && (!windowed || forms_.corners[row] == corner_)) return;
  first_ = false;
  sample_ = sample;
  if (windowed) corner_ = forms_.corners[row];
  const std::size_t size = value_.elements();
  for (std::size_t k = 0; k < arrays_.size(); ++k) {
    const real* const from = arrays_[k]->data() + (arrays_[k]->size() > size ? sample * size : 0);
    if (windowed) copy(from, corner_, copies_[k].data());
    at_[k] = windowed ? copies_[k].data() : from;
  }
}

void Parts::copy(const real* from, const Corner& corner, real* to) const {
  std::fill_n(to, forms_.width(), real{0});
  over_runs(value_, window_of(forms_), corner, [&](std::size_t in_value, std::size_t in_window, std::size_t run) {
    std::copy_n(from + in_value, run, to + in_window);
  });
}

}  // namespace hans::nn::bounds
