// What happens to an image before an imported network sees it (preprocessing).
#include <hans/nn/preprocess.hpp>

#include <algorithm>

#include <hans/core/error.hpp>

namespace hans::nn {

void read_value(std::string_view word, PerChannel& out) {
  out.all.clear();
  for (std::size_t end = 0; end != std::string_view::npos; word.remove_prefix(std::min(end, word.size() - 1) + 1)) {
    end = word.find('/');
    float value = 0;
    check_usage(read_number(word.substr(0, end), value) && value - value == 0, "not ", value_help(out));
    out.all.push_back(value);
  }
}
void append_value(std::string& out, const PerChannel& value) {
  for (std::size_t k = 0; k < value.all.size(); ++k) append(out, text(k == 0 ? "" : "/", value.all[k]));
}
std::string value_help(const PerChannel&) { return "a number, or one per channel such as 0.49/0.48/0.45"; }

void Normalize::validate() const {
  if (std) check_usage(std::ranges::count(std->all, 0.0F) == 0, "std = 0 is refused: nothing can be divided by it");
}

Preprocess read_preprocess(std::string_view text) {
  if (text == "none") return {};
  return from_spec<Preprocess>(Spec::parse(hans::text(Preprocess::name, ":", text)));
}

std::string preprocess_text(const Preprocess& preprocess) {
  const Spec usual = to_spec(Preprocess{});
  Spec spec = to_spec(preprocess);
  std::erase_if(spec.items, [&](const Spec::Item& item) {
    const Spec::Item* before = usual.find(item.key);
    return before != nullptr && before->value == item.value;
  });
  return spec.items.empty() ? "none" : text(spec).substr(Preprocess::name.size() + 1);
}

std::vector<WeightInfo> Normalize::weights(const Shape& in) const {
  const std::size_t channels = in.rank() == 0 ? 1 : in[in.rank() - 1];
  for (const std::optional<PerChannel>& each : {mean, std}) {
    check(!each || each->all.size() == 1 || each->all.size() == channels, "an image of ", channels,
          channels == 1 ? " channel" : " channels", " needs one number or as many, not ", each ? each->all.size() : 0);
  }
  return {};
}

Var Normalize::operator()(const Var& x, const Run&) const {
  const auto numbers = [&x](const PerChannel& each) {
    return x.tape().constant(Tensor({each.all.size()}, std::vector<real>(each.all.begin(), each.all.end())));
  };
  Var y = x;
  if (scale != 1) y = y * static_cast<real>(scale);
  if (mean) y = y - numbers(*mean);
  if (std) y = y / numbers(*std);
  return y;
}

}  // namespace hans::nn
