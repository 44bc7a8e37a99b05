// What is meant by words that are no names.
#include <array>
#include <string_view>

#include <gtest/gtest.h>

#include "../../core/text/detail/meant.hpp"

namespace hans::meant_test {
namespace {

TEST(Meant, IsTheNameInAnotherSpellingOrASynonymOrATypingError) {
  constexpr std::array<std::string_view, 6> attacks{"fgsm", "pgd", "mi-fgsm", "cw", "autoattack", "l-bfgs"};
  constexpr std::array<std::string_view, 4> keys{"eps", "norm", "steps", "rate"};
  struct Row {
    std::span<const std::string_view> names;
    std::string_view word, meant;
  };
  const Row rows[]{{attacks, "FGSM", "fgsm"},
                   {attacks, "MIFGSM", "mi-fgsm"},
                   {attacks, "auto_attack", "autoattack"},
                   {attacks, "LBFGSAttack", "l-bfgs"},
                   {attacks, "fsgm", "fgsm"},
                   {attacks, "pdg", "pgd"},
                   {attacks, "bim", "pgd:start=original"},
                   {attacks, "c&w", "cw"},
                   {attacks, "zebra", ""},
                   {attacks, "", ""},
                   {attacks, "step", ""},
                   {keys, "step", "steps"},
                   {keys, "epsilon", "eps"},
                   {keys, "ord", "norm"},
                   {keys, "lr", "rate"}};
  for (const Row& row : rows) EXPECT_EQ(meant_by(row.word, row.names), row.meant) << row.word;
  EXPECT_EQ(did_you_mean("fsgm", attacks, "--"), "; did you mean --fgsm? ");
  EXPECT_EQ(did_you_mean("zebra", attacks), "; ");
  EXPECT_EQ(meant_by(std::string(100000, 'f'), attacks), "");
  EXPECT_EQ(meant_by("c&w"), "cw");
}

}  // namespace
}  // namespace hans::meant_test
