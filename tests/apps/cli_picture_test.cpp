// hans attack --picture: what stands on the picture, and where.
#include <cstdint>

#include "cli_testing.hpp"

namespace hans::cli_picture_test {
namespace {

using CliPicture = cli::Test;

TEST_F(CliPicture, HasARowForEachAttack) {
  train("m.hans");
  const auto size_of = [&](std::string_view attacks) {
    const std::string said =
        output(text("attack m.hans --data mnist-5k --limit 15 --picture p.png --quiet --attack ", attacks));
    EXPECT_NE(said.find("wrote p.png"), std::string::npos);
    const std::string png = bytes("p.png");
    EXPECT_EQ(png.substr(1, 3), "PNG");
    EXPECT_LT(png.size(), 45000U);
    const auto number = [&](std::size_t at) {
      std::uint32_t value = 0;
      for (std::size_t k = 0; k < 4; ++k) value = value << 8 | static_cast<unsigned char>(png[at + k]);
      return value;
    };
    return std::pair(number(16), number(20));
  };
  // Ten images of 28 pixels, each four wide; below them two lines and, of attacks, the changes, half as large.
  const std::uint32_t title = 26, made = 112 + 8 + 2 * 18 + 8, changed = 56 + 8;
  EXPECT_EQ(size_of("fgsm:eps=0.1 --attack ddn:steps=5"),
            std::pair(8 + 10 * (112U + 8), 8 + 3 * (title + made) + 2 * changed));
  // All targets: a grid with the classes on top and on the left; a class without an image has no row.
  EXPECT_EQ(size_of("jsma:gamma=0.05 --targets all"),
            std::pair(8 + 12 + 8 + 10 * (56U + 8), 8 + title + 18 + 8 + 9 * (56U + 8)));
  // Without an image that was attacked the first are shown, and nothing is lost.
  const cli::Outcome none = hans("attack linear --data mnist-5k --limit 1 --attack fgsm:eps=0.1 --picture none.png");
  EXPECT_EQ(none.code, 0) << none.err;
  EXPECT_NE(none.out.find("wrote none.png"), std::string::npos) << none.out;
  EXPECT_TRUE(bytes("none.png").starts_with("\x89PNG"));
  cli::expect_refused(hans("attack m.hans --data mnist-5k --attack fgsm:eps=0.1 --picture m.hans"), 2,
                      ".png, not 'm.hans'");
  cli::expect_refused(hans("attack m.hans --data mnist-5k --attack fgsm:eps=0.1 --picture none/p.png"), 1, "none");
}

}  // namespace
}  // namespace hans::cli_picture_test
