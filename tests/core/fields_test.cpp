// One list of fields, read from SPECs, written as SPEC, JSON and help.
#include <hans/core/fields.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

// As in a real program: the described types live in a namespace of their own, their helpers beside them.
namespace sample_fields {

using hans::any_number;
using hans::field;
using hans::Required;

enum class Norm { linf, l2, l1 };
constexpr std::array<std::string_view, 3> enum_names(Norm) { return {"linf", "l2", "l1"}; }

enum class Label : unsigned char { data, model };
constexpr std::string_view label_names[] = {"data", "model"};
constexpr std::span<const std::string_view> enum_names(Label) { return label_names; }

struct Fgsm {
  Required<float> eps;
  Norm norm = Norm::linf;
  std::optional<float> clip_min{};
  std::optional<float> clip_max{};
  std::optional<Label> label{};

  static constexpr std::string_view name = "fgsm";
  static constexpr auto fields() {
    return std::tuple(field("eps", &Fgsm::eps, hans::at_least(0), "largest change of a feature"),
                      field("norm", &Fgsm::norm, "norm of the ball"),
                      field("clip_min", &Fgsm::clip_min, any_number.or_infinite(), "low end of the box", "data's box"),
                      field("clip_max", &Fgsm::clip_max, any_number.or_infinite(), "high end of the box", "data's box"),
                      field("label", &Fgsm::label, "label of the loss"));
  }
  void validate() const {
    if (clip_min && clip_max) hans::check_usage(*clip_min < *clip_max, "fgsm: clip_min must lie below clip_max");
  }
};

/// An own type without brackets.
struct Padding {
  int pixels = -1;
};
void read_value(std::string_view word, Padding& out) {
  std::int64_t pixels = -1;
  const bool ok = word == "same" || (hans::read_number(word, pixels) && pixels >= 0 && pixels < 100);
  hans::check_usage(ok, "write same or a number of pixels");
  out.pixels = static_cast<int>(pixels);
}
void append_value(std::string& out, const Padding& padding) {
  if (padding.pixels < 0) {
    hans::append(out, "same");
  } else {
    hans::append(out, padding.pixels);
  }
}
std::string value_help(const Padding&) { return "same|PIXELS"; }

/// An own type that is a SPEC.
struct Inner {
  Fgsm fgsm{.eps = 0.5f};
};
void read_value(std::string_view word, Inner& out) {
  const hans::Spec spec = hans::Spec::parse(word);
  hans::check_usage(spec.name == "fgsm", "unknown attack ", hans::in_quotes(spec.name), "; allowed: fgsm");
  out.fgsm = hans::from_spec<Fgsm>(spec);
}
void append_value(std::string& out, const Inner& inner) { append(out, hans::to_spec(inner.fgsm)); }
std::string value_help(const Inner&) { return "ATTACK"; }
[[maybe_unused]] void is_nested_value(const Inner&) {}

struct Everything {
  Required<Inner> attack;
  Required<int> count;
  Inner other{};
  double rate = 0.1;
  int whole = -3;
  unsigned natural = 7;
  std::uint64_t seed = 0;
  std::int8_t tiny = 0;
  bool on = true;
  std::string word = "w";
  Padding padding{};

  static constexpr std::string_view name = "everything";
  static constexpr std::string_view version = "2.0";
  static constexpr auto fields() {
    using E = Everything;
    return std::tuple(field("attack", &E::attack, "inner attack"),
                      field("count", &E::count, hans::at_least(1), "count"), field("other", &E::other, "other attack"),
                      field("rate", &E::rate, hans::between_up_to(0, 1), "rate"), field("whole", &E::whole, "whole"),
                      field("natural", &E::natural, hans::between(1, 9), "natural"), field("seed", &E::seed, "seed"),
                      field("tiny", &E::tiny, "tiny"), field("on", &E::on, "switch"), field("word", &E::word, "word"),
                      field("padding", &E::padding, "padding"));
  }
};

/// Its parameters are called as the constants of other types are.
struct Confusing {
  std::string name = "n";
  Norm version = Norm::l2;
  static constexpr auto fields() {
    return std::tuple(field("name", &Confusing::name, "name"), field("version", &Confusing::version, "version"));
  }
};

struct Nothing {
  static constexpr auto fields() { return std::tuple(); }
};

}  // namespace sample_fields

namespace hans::fields_test {
namespace {

using hans::check_fields;
using hans::describe;
using hans::from_spec;
using hans::Range;
using hans::same_fields;
using hans::Spec;
using hans::text;
using hans::to_json;
using hans::to_spec;
using sample_fields::Everything;
using sample_fields::Fgsm;

template <class T = Fgsm>
std::string canonical(std::string_view spec) {
  return text(to_spec(from_spec<T>(Spec::parse(spec))));
}

template <class T = Fgsm>
std::string failure(std::string_view spec) {
  try {
    from_spec<T>(Spec::parse(spec));
  } catch (const hans::UsageError& error) {
    return error.what();
  }
  return "nothing thrown";
}

TEST(Fields, WritesEveryParameterInOrder) {
  EXPECT_EQ(canonical("fgsm:norm=l2,eps=0.30"), "fgsm:eps=0.3,norm=l2");
  EXPECT_EQ(canonical("fgsm:clip_max=1,eps=3e-1,clip_min=-0.50"), "fgsm:eps=0.3,norm=linf,clip_min=-0.5,clip_max=1");
  EXPECT_EQ(canonical("fgsm:eps=1,label=model"), "fgsm:eps=1,norm=linf,label=model");
  EXPECT_EQ(text(to_spec(Fgsm{.eps = 0.3})), "fgsm:eps=0.3,norm=linf");
  EXPECT_EQ(text(to_spec(sample_fields::Confusing{})), ":name=n,version=l2");
  EXPECT_EQ(text(to_spec(sample_fields::Nothing{})), "");
}

TEST(Fields, ReadsRatiosInDoubleThenRounds) {
  EXPECT_EQ(from_spec<Fgsm>(Spec::parse("fgsm:eps=8/255")).eps, static_cast<float>(8.0 / 255.0));
  EXPECT_EQ(canonical("fgsm:eps=8/255"), "fgsm:eps=0.03137255,norm=linf");
  EXPECT_EQ(canonical(canonical("fgsm:eps=8/255")), canonical("fgsm:eps=8/255"));
  EXPECT_EQ(canonical("fgsm:eps=1.5/0.5"), "fgsm:eps=3,norm=linf");
}

TEST(Fields, HasOneSpellingOfZero) { EXPECT_EQ(canonical("fgsm:eps=-0"), "fgsm:eps=0,norm=linf"); }

TEST(Fields, TakesInfinityOnlyWhereTheRangeHasIt) {
  EXPECT_EQ(canonical("fgsm:eps=1,clip_min=-inf,clip_max=inf"), "fgsm:eps=1,norm=linf,clip_min=-inf,clip_max=inf");
  EXPECT_EQ(failure("fgsm:eps=inf"), "fgsm: eps = 'inf' is refused: out of range; allowed: >= 0");
}

TEST(Fields, RefusesWrongValuesByName) {
  const std::vector<std::pair<const char*, const char*>> cases = {
      {"fgsm:eps=-1", "fgsm: eps = '-1' is refused: out of range; allowed: >= 0"},
      {"fgsm:eps=nan", "fgsm: eps = 'nan' is refused: not a number; write one such as 0.3, 8/255 or 1e-3"},
      {"fgsm:eps=1,norm=l3", "fgsm: norm = 'l3' is refused: none of linf|l2|l1"},
      {"fgsm:eps=[a]", "fgsm: eps = '[a]' is refused: a plain value is wanted, not a SPEC in brackets"},
      {"fgsm:eps=1,clip_min=1,clip_max=0", "fgsm: clip_min must lie below clip_max"},
  };
  for (const auto& [spec, wanted] : cases) EXPECT_EQ(failure(spec), wanted);
  for (const char* word : {"0.3.1", "1/0", "0/0", "1/2/3", "1/", "/2", "inf/1", "1/inf", "1e39", "1e999",
                           "1e300/1e-300", "0x1", "+1", "1e", "true", "-"}) {
    EXPECT_NE(failure(text("fgsm:eps=", word)), "nothing thrown") << word;
  }
}

TEST(Fields, ListsWhatIsAllowed) {
  const std::string allowed =
      "allowed: eps (number >= 0, required), norm (linf|l2|l1, default linf), clip_min (number or -inf or inf, default "
      "data's box), clip_max (number or -inf or inf, default data's box), label (data|model, default unset)";
  EXPECT_EQ(failure("fgsm"), "fgsm: eps is missing and has no default; " + allowed);
  EXPECT_EQ(failure("fgsm:eps=1,epz=1"), "fgsm: unknown parameter 'epz'; did you mean eps? " + allowed);
  Spec twice = Spec::parse("fgsm:eps=1");
  twice.items.push_back({"eps", "2"});
  EXPECT_THROW(from_spec<Fgsm>(twice), hans::UsageError);
  EXPECT_EQ(failure<sample_fields::Nothing>("none:a=1"), "none: unknown parameter 'a'; allowed: no parameters");
}

TEST(Fields, HandlesEveryKindOfValue) {
  const std::string full =
      "everything@2.0:attack=[fgsm:eps=1,norm=l1],count=2,other=[fgsm:eps=0.5,norm=linf],rate=0.1,whole=-3,natural=7,"
      "seed=0,tiny=0,on=true,word=w,padding=same";
  EXPECT_EQ(canonical<Everything>("everything:count=2,attack=[fgsm:norm=l1,eps=1]"), full);
  EXPECT_EQ(canonical<Everything>(full), full);
  const std::string other =
      "everything@2.0:attack=[fgsm:eps=1,norm=linf],count=2147483647,other=[fgsm:eps=2,norm=linf],rate=1,whole=-"
      "2147483648,"
      "natural=9,seed=18446744073709551615,tiny=-128,on=false,word=./a-b_c+1,padding=3";
  EXPECT_EQ(canonical<Everything>(other), other);
}

TEST(Fields, RefusesValuesOfEveryKind) {
  const std::string start = "everything:attack=[fgsm:eps=1],count=1";
  EXPECT_EQ(failure<Everything>(start), "nothing thrown");
  for (const char* item :
       {"rate=0",     "rate=1.0000001", "whole=1.5",  "whole=2147483648",  "whole=1e3",
        "whole=6/2",  "natural=0",      "natural=10", "natural=-1",        "seed=18446744073709551616",
        "seed=-1",    "tiny=128",       "on=1",       "on=True",           "padding=full",
        "padding=-1", "padding=[same]", "word=[w]",   "other=[pgd:eps=1]", "other=[fgsm]",
        "other=pgd"}) {
    EXPECT_NE(failure<Everything>(text(start, ',', item)), "nothing thrown") << item;
  }
  EXPECT_EQ(
      failure<Everything>("everything:count=1,attack=[fgsm:eps=-1]"),
      "everything: attack = '[fgsm:eps=-1]' is refused: fgsm: eps = '-1' is refused: out of range; allowed: >= 0");
  EXPECT_EQ(failure<Everything>(start + ",natural=10"),
            "everything: natural = '10' is refused: out of range; allowed: >= 1 and <= 9");
}

TEST(Fields, DescribesThemselves) {
  const std::vector<hans::FieldInfo> fields = describe<Everything>();
  ASSERT_EQ(fields.size(), 11U);
  EXPECT_EQ(fields[0].kind, "ATTACK");
  EXPECT_EQ(fields[0].default_text, "required");
  EXPECT_TRUE(fields[0].required);
  EXPECT_EQ(fields[2].default_text, "[fgsm:eps=0.5,norm=linf]");
  EXPECT_EQ(fields[3].range, "> 0 and <= 1");
  EXPECT_EQ(fields[3].meaning, "rate");
  EXPECT_EQ(fields[4].kind, "integer");
  EXPECT_EQ(fields[4].range, "");
  EXPECT_EQ(fields[8].kind, "true|false");
  EXPECT_EQ(fields[10].kind, "same|PIXELS");
  EXPECT_FALSE(fields[10].required);
}

TEST(Fields, BecomesJson) {
  const auto fgsm = from_spec<Fgsm>(Spec::parse("fgsm:eps=0.3,clip_max=inf"));
  EXPECT_EQ(to_json(fgsm).dump(), R"({"eps":0.3,"norm":"linf","clip_max":"inf"})");
  const Everything all{.attack = sample_fields::Inner{}, .count = 1, .seed = ~std::uint64_t{0}};
  EXPECT_EQ(to_json(all).dump(),
            R"({"attack":"fgsm:eps=0.5,norm=linf","count":1,"other":"fgsm:eps=0.5,norm=linf","rate":0.1,"whole":-3,)"
            R"("natural":7,"seed":18446744073709551615,"tiny":0,"on":true,"word":"w","padding":"same"})");
}

TEST(Fields, ComparesByWhatIsWritten) {
  const Fgsm fgsm{.eps = 0.3f};
  EXPECT_TRUE(same_fields(fgsm, Fgsm{.eps = 0.3}));
  EXPECT_FALSE(same_fields(fgsm, Fgsm{.eps = 0.3f, .norm = sample_fields::Norm::l2}));
  EXPECT_FALSE(same_fields(fgsm, Fgsm{.eps = 0.3f, .clip_min = 0.0f}));
  EXPECT_FALSE(same_fields(fgsm, Fgsm{.eps = std::nextafter(0.3f, 1.0f)}));
}

TEST(Fields, ChecksWhatWasMadeInCode) {
  EXPECT_NO_THROW(check_fields(Fgsm{.eps = 0.0f}));
  EXPECT_THROW(check_fields(Fgsm{.eps = -1.0f}), hans::UsageError);
  EXPECT_THROW(check_fields(Fgsm{.eps = std::nanf("")}), hans::UsageError);
  EXPECT_THROW(check_fields(Fgsm{.eps = 1.0f, .clip_min = std::nanf("")}), hans::UsageError);
  EXPECT_THROW(check_fields(Fgsm{.eps = 1.0f, .clip_min = 1.0f, .clip_max = 0.0f}), hans::UsageError);
  EXPECT_THROW(check_fields(Everything{.attack = sample_fields::Inner{}, .count = 0}), hans::UsageError);
  EXPECT_THROW(to_spec(Everything{.attack = sample_fields::Inner{}, .count = 1, .word = "two words"}),
               hans::UsageError);
}

TEST(Range, SaysWhatItTakes) {
  const std::vector<std::pair<Range, std::string>> cases = {
      {hans::any_number, ""},
      {hans::any_number.or_infinite(), "or -inf or inf"},
      {hans::at_least(0), ">= 0"},
      {hans::at_least(0).or_infinite(), ">= 0 or inf"},
      {hans::above(0), "> 0"},
      {hans::at_most(1), "<= 1"},
      {hans::at_most(1).or_infinite(), "<= 1 or -inf"},
      {hans::below(1), "< 1"},
      {hans::between(0, 1), ">= 0 and <= 1"},
      {hans::between_open(0, 0.5), "> 0 and < 0.5"},
      {hans::between_from(0, 1), ">= 0 and < 1"},
      {hans::between_up_to(0, 1), "> 0 and <= 1"},
  };
  for (const auto& [range, wanted] : cases) EXPECT_EQ(text(range), wanted);
}

TEST(Range, ComparesAFloatWithTheLimitAsAFloat) {
  // 0.1 as a float lies above 0.1 as a double, and must not be out of its own range.
  EXPECT_NO_THROW(hans::detail::check_range(0.1f, hans::at_most(0.1)));
  EXPECT_THROW(hans::detail::check_range(0.1f, hans::below(0.1)), hans::UsageError);
  EXPECT_THROW(hans::detail::check_range(static_cast<double>(0.1f), hans::at_most(0.1)), hans::UsageError);
}

}  // namespace
}  // namespace hans::fields_test
