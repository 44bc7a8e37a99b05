// IDX files: what is read, what is refused, what is written.
#include "../../data/detail/idx.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "data_testing.hpp"

namespace hans::data::idx_test {
namespace {

using testing_data::error_of;
using testing_data::from_hex;

TEST(Idx, ReadsOneToFourDimensions) {
  struct Case {
    std::string file;
    Shape shape;
    std::string values;
  };
  const std::array<Case, 5> table{{
      {from_hex("00000801 00000003 070809"), {3}, "\x07\x08\x09"},
      {from_hex("00000802 00000001 00000002 0102"), {1, 2}, "\x01\x02"},
      {from_hex("00000803 00000002 00000001 00000002 01020304"), {2, 1, 2}, "\x01\x02\x03\x04"},
      {from_hex("00000804 00000001 00000001 00000001 00000003 010203"), {1, 1, 1, 3}, "\x01\x02\x03"},
      {from_hex("00000803 00000000 0000001c 0000001c"), {0, 28, 28}, ""},
  }};
  for (const Case& valid : table) {
    const Idx idx = read_idx(valid.file);
    EXPECT_EQ(idx.shape, valid.shape);
    EXPECT_EQ(idx.values, valid.values);
    const std::vector<std::uint8_t> values(valid.values.begin(), valid.values.end());
    EXPECT_EQ(write_idx(valid.shape, values), valid.file);
  }
}

TEST(Idx, RefusesBrokenFiles) {
  struct Case {
    std::string file;
    const char* message;
  };
  const std::array<Case, 17> table{{
      {"", "only 0 bytes"},
      {from_hex("000008"), "only 3 bytes"},
      {from_hex("00000800"), "begins with 2048"},           // no dimensions
      {from_hex("00000805 00000001"), "begins with 2053"},  // five
      {from_hex("00000d01 00000001 00000000"), "begins with 3329 instead of 2049 (labels) or 2051 (images)"},  // floats
      {from_hex("01000801 00000001 00"), "not an IDX file"},
      {from_hex("03080000 03000000 00"), "not an IDX file"},  // the other byte order
      {from_hex("1f8b0800 00000000"), "not an IDX file"},     // gzip
      {from_hex("00000801"), "header ends after 4 of 8 bytes"},
      {from_hex("00000803 00000001 00000001 000000"), "header ends after 15 of 16 bytes"},
      {from_hex("00000801 00000003 0708"), "promises more than the 2 bytes"},
      {from_hex("00000801 00000003 07080900"), "promises 3 bytes but 4 follow"},
      {from_hex("00000803 00000000 0000001c 0000001c 00"), "promises 0 bytes but 1 follow"},
      {from_hex("00000803 00000002 00000002 00000002 01020304"), "promises more than the 4 bytes"},
      // Sizes that overflow 32 or 64 bits, or would take all memory.
      {from_hex("00000803 00010000 00010000 00000001 01"), "promises more than the 1 bytes"},
      {from_hex("00000803 ffffffff ffffffff ffffffff 01"), "promises more than the 1 bytes"},
      {from_hex("00000804 80000000 80000000 00000004 00000001 01"), "promises more than the 1 bytes"},
  }};
  for (const Case& broken : table) {
    const std::string message = error_of([&] { read_idx(broken.file); });
    EXPECT_NE(message.find(broken.message), std::string::npos) << broken.message << ": " << message;
  }
}

TEST(Idx, WritesOnlyWhatFits) {
  const std::vector<std::uint8_t> three{1, 2, 3};
  EXPECT_EQ(error_of([&] { write_idx({2}, three); }), "an IDX file of 2 needs 2 values, not 3");
  EXPECT_EQ(error_of([&] {
              write_idx({1, 1, 1, 1, 3}, three);
            }),
            "an IDX file has one to four dimensions, not 1x1x1x1x3");
  EXPECT_EQ(error_of([&] { write_idx({}, std::span(three).first(1)); }),
            "an IDX file has one to four dimensions, not scalar");
}

}  // namespace
}  // namespace hans::data::idx_test
