// Shares and their intervals.
#include <hans/attacks/share.hpp>

#include <gtest/gtest.h>

#include "../data/data_testing.hpp"
#include "attacks_testing.hpp"

namespace hans::share_test {
namespace {

using testing_attacks::contains;
using testing_data::error_of;

TEST(Wilson, AgreesWithKnownIntervals) {
  struct Row {
    std::size_t right, n;
    double low, high;
  };
  // Newcombe 1998, table I, method 3; then the design's sentence and single cases.
  for (const Row& row : {Row{81, 263, 0.2553, 0.3662}, Row{15, 148, 0.0624, 0.1605}, Row{0, 20, 0, 0.1611},
                         Row{1, 29, 0.0061, 0.1718}, Row{931, 10000, 0.0876, 0.0990}, Row{5, 10, 0.2366, 0.7634},
                         Row{20, 20, 0.8389, 1}, Row{0, 0, 0, 1}, Row{1, 1, 0.2065, 1}}) {
    const attacks::Interval found = attacks::Share(row.right, row.n).interval();
    EXPECT_NEAR(found.low, row.low, 5.1e-5) << row.right;
    EXPECT_NEAR(found.high, row.high, 5.1e-5) << row.right;
    EXPECT_GE(found.low, 0);
    EXPECT_LE(found.high, 1);
  }
  EXPECT_EQ(attacks::Share(0, 7).interval().low, 0);
  EXPECT_EQ(attacks::Share(7, 7).interval().high, 1);
}

TEST(Share, IsNeverMoreThanAll) {
  EXPECT_EQ(attacks::Share(3, 4).value(), 0.75);
  EXPECT_EQ(attacks::Share(0, 0).value(), 0);
  EXPECT_TRUE(contains(error_of([] { attacks::Share(159, 20); }), "159 of 20"));
}

}  // namespace
}  // namespace hans::share_test
