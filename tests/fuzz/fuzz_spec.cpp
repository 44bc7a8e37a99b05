// Fuzz target: whatever the bytes are, a SPEC is read or refused, and its canonical text stays as it is.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>

#include <hans/core/error.hpp>
#include <hans/core/fields.hpp>
#include <hans/core/spec.hpp>

namespace {

enum class Choice { one, two };
constexpr std::array<std::string_view, 2> enum_names(Choice) { return {"one", "two"}; }

struct Sample {
  hans::Required<float> eps;
  double d = 0.5;
  int n = 3;
  std::uint64_t seed = 0;
  bool on = false;
  Choice choice = Choice::one;
  std::optional<float> clip{};
  std::optional<std::string> word{};

  static constexpr std::string_view name = "s";
  static constexpr auto fields() {
    using hans::field;
    return std::tuple(field("eps", &Sample::eps, hans::at_least(0), ""), field("d", &Sample::d, ""),
                      field("n", &Sample::n, hans::between(1, 100), ""), field("seed", &Sample::seed, ""),
                      field("on", &Sample::on, ""), field("choice", &Sample::choice, ""),
                      field("clip", &Sample::clip, hans::any_number.or_infinite(), ""),
                      field("word", &Sample::word, ""));
  }
};

/// What `work` gives, or nothing if it refuses in one line.
template <class Work>
auto unless_refused(Work work) -> std::optional<decltype(work())> {
  try {
    return work();
  } catch (const hans::UsageError& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
    return std::nullopt;
  }
}

void must(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char separator : {';', ' '}) {
    const auto specs = unless_refused([&] { return hans::parse_list(text, separator); });
    if (specs) must(!specs->empty());
  }
  const auto spec = unless_refused([&] { return hans::Spec::parse(text); });
  if (!spec) return 0;
  must(hans::text(*spec) == text);
  const auto sample = unless_refused([&] { return hans::from_spec<Sample>(*spec); });
  if (!sample) return 0;
  const std::string canonical = hans::text(hans::to_spec(*sample));
  const auto again = hans::from_spec<Sample>(hans::Spec::parse(canonical));
  must(hans::text(hans::to_spec(again)) == canonical && hans::same_fields(again, *sample));
  hans::Json::parse(hans::to_json(*sample).dump());
  return 0;
}
