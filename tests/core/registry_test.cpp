// Kinds and their versions: what a change of results does to names.
#include "../../core/text/detail/registry.hpp"

#include <gtest/gtest.h>

#include "../attacks/attacks_testing.hpp"

namespace hans::registry_test {
namespace {

/// A step of the first specification, as it stays after the second has taken its name.
struct OldStep {
  float rate = 1;
  static constexpr std::string_view name = "step", version = "1";
  static constexpr auto fields() { return std::tuple(field("rate", &OldStep::rate, at_least(0), "")); }
};
struct Step {
  float rate = 2;
  static constexpr std::string_view name = "step", specification = "2";
  static constexpr auto fields() { return std::tuple(field("rate", &Step::rate, at_least(0), "")); }
};
struct Leap {
  float rate = 3;
  static constexpr std::string_view name = "leap";
  static constexpr auto fields() { return std::tuple(field("rate", &Leap::rate, at_least(0), "")); }
};

struct Thing {
  template <class T>
  Thing(const T& made) : rate(made.rate), spec(to_spec(made)) {}
  float rate;
  Spec spec;
};

constexpr const auto& kinds = kinds_of<Thing, OldStep, Step, Leap>;

Thing make(std::string_view spec) { return make_kind<Thing>("thing", kinds, Spec::parse(spec)); }

TEST(Registry, KeepsOldSpecificationsUnderTheirVersion) {
  struct Row {
    std::string_view written;
    float rate;
    std::string_view canonical;
  };
  for (const Row& row :
       {Row{"step", 2, "step:rate=2"}, Row{"step@2", 2, "step:rate=2"}, Row{"step@1", 1, "step@1:rate=1"},
        Row{"leap", 3, "leap:rate=3"}, Row{"leap@1:rate=4", 4, "leap:rate=4"}}) {
    const Thing made = make(row.written);
    EXPECT_EQ(made.rate, row.rate) << row.written;
    EXPECT_EQ(text(made.spec), row.canonical);
  }
  EXPECT_EQ(detail::specification_of_type<OldStep>(), "1");
  EXPECT_EQ(detail::specification_of_type<Step>(), "2");
  EXPECT_EQ(detail::specification_of_type<Leap>(), "1");
}

TEST(Registry, RefusesVersionsThatThereAreNot) {
  for (const std::string_view written : {"step@3", "leap@2", "step@01"}) {
    const std::string message = testing_attacks::usage_error_of([&] { make(written); });
    EXPECT_TRUE(message.find(written) != std::string::npos) << message;
    EXPECT_TRUE(message.find("step@1, step, leap") != std::string::npos) << message;
  }
}

}  // namespace
}  // namespace hans::registry_test
