// Command-line arguments read from a field list.
#include <gtest/gtest.h>

#include "../../apps/arguments.hpp"
#include "../../apps/run/progress.hpp"

namespace hans::apps::arguments_test {
namespace {

enum class Colour { red, green };
constexpr std::array<std::string_view, 2> enum_names(Colour) { return {"red", "green"}; }

struct Base {
  bool quiet = false;
};

struct Options : Base {
  Required<FileName> file;
  Required<unsigned> count;
  std::optional<double> share = {};
  Colour colour = Colour::green;
  Many<FileName> extra = {};

  static constexpr std::string_view command = "paint";
  static constexpr std::string_view meaning = "paints a file";
  static constexpr std::string_view example = "hans paint wall --count 3";
  static constexpr auto fields() {
    return std::tuple(
        field("WALL", &Options::file, "what to paint"), field("count", &Options::count, between(1, 9), "how often"),
        field("share", &Options::share, between(0, 1), "of it", "all"), field("colour", &Options::colour, "which"),
        field("extra", &Options::extra, "more of them", "none"), field("quiet", &Base::quiet, "no noise"));
  }
};

Options read(std::vector<std::string_view> words) { return read_arguments<Options>(words); }

TEST(Arguments, AreReadInAnyOrderAndBothForms) {
  const Options options = read({"--count", "3", "wall", "--share=1/4", "--extra", "a", "--quiet", "--extra=b=c"});
  EXPECT_EQ(options.file.value().text, "wall");
  EXPECT_EQ(options.count.value(), 3U);
  EXPECT_EQ(options.share, 0.25);
  EXPECT_EQ(options.colour, Colour::green);
  ASSERT_EQ(options.extra.values.size(), 2U);
  EXPECT_EQ(options.extra.values[1].text, "b=c");
  EXPECT_TRUE(options.quiet);
  EXPECT_EQ(read({"--count=1", "--", "--wall"}).file.value().text, "--wall");
  EXPECT_EQ(read({"--count=1", "-"}).file.value().text, "-");
  EXPECT_FALSE(read({"--count=1", "w"}).quiet);
}

TEST(Arguments, AreRefusedWithWhatIsAllowed) {
  struct Row {
    std::vector<std::string_view> words;
    std::string_view message;
  };
  const Row rows[]{
      {{"wall"}, "paint: --count N is missing: how often (see hans paint --help)"},
      {{"--count=1"}, "paint: WALL is missing: what to paint (see hans paint --help)"},
      {{"wall", "--count"}, "paint: --count needs a value: --count N"},
      {{"wall", "--count", "--quiet"}, "paint: --count needs a value: --count N"},
      {{"wall", "--count="}, "paint: --count '' is refused: not an integer from 1 to 9"},
      {{"wall", "--count=0"}, "paint: --count '0' is refused: out of range; allowed: >= 1 and <= 9"},
      {{"wall", "--count=1", "--share=nan"},
       "paint: --share 'nan' is refused: not a number; write one such as 0.3, 8/255 or 1e-3"},
      {{"wall", "--count=1", "--colour=blue"}, "paint: --colour 'blue' is refused: none of red|green"},
      {{"wall", "--count=1", "--count=1"}, "paint: --count is given twice; it is allowed once"},
      {{"wall", "--count=1", "--quiet=1"}, "paint: --quiet takes no value"},
      {{"wall", "door"},
       "paint: unexpected argument 'door'; allowed: WALL, --count, --share, --colour, --extra, --quiet"},
      {{"-q"},
       "paint: unknown option '-q'; did you mean --quiet? allowed: WALL, --count, --share, --colour, --extra, --quiet"},
      {{"--color=red"},
       "paint: unknown option '--color'; did you mean --colour? allowed: WALL, --count, --share, --colour, --extra, "
       "--quiet"},
      {{"--WALL=x"}, "paint: unknown option '--WALL'; allowed: WALL, --count, --share, --colour, --extra, --quiet"},
  };
  for (const Row& row : rows) {
    try {
      read(row.words);
      ADD_FAILURE() << "accepted where this was expected: " << row.message;
    } catch (const UsageError& error) {
      EXPECT_EQ(error.what(), row.message);
    }
  }
}

TEST(Arguments, HelpComesFromTheList) {
  EXPECT_EQ(help_page(text_of<Options>(), arguments_of<Options>()),
            "hans paint: paints a file\n\n"
            "usage: hans paint WALL --count N [--share X] [--colour red|green] [--extra FILE [--extra FILE ...]]\n"
            "         [--quiet]\n\n"
            "  WALL                what to paint\n"
            "  --count N           how often (>= 1 and <= 9)\n"
            "  --share X           of it (>= 0 and <= 1; default all)\n"
            "  --colour red|green  which (default green)\n"
            "  --extra FILE        more of them (default none)\n"
            "  --quiet             no noise\n\n"
            "example\n"
            "  hans paint wall --count 3\n\n"
            "exit code\n"
            "  0 when done, 1 when the work failed, 2 when the request was wrong\n");
}

TEST(Arguments, Wrapping) {
  EXPECT_EQ(wrapped("aa bb cc", 2, 0, 5), "aa bb\n  cc");
  EXPECT_EQ(wrapped("aa bb cc", 0, 4, 5), "aa\nbb cc");
  EXPECT_EQ(wrapped("a\n\nb", 2, 0, 9), "a\n\n  b");
  EXPECT_EQ(wrapped("longer than allowed", 0, 0, 3), "longer\nthan\nallowed");
  EXPECT_EQ(aligned({{"x", "aa bb cc"}, {"yy", ""}}, {2, 1, 10}), "  x  aa bb\n     cc\n  yy \n");
}

TEST(Progress, Lines) {
  EXPECT_EQ(duration_text(0.2), "1 s");
  EXPECT_EQ(duration_text(59.5), "1 min 00 s");
  EXPECT_EQ(duration_text(185), "3 min 05 s");
  EXPECT_EQ(duration_text(7800), "2 h 10 min");
  EXPECT_EQ(duration_text(1e300), "long");
  EXPECT_EQ(progress_line("train", 0.5, 1234.4, "images", 12, "loss 0.1", 80),
            "train  [==============              ]   50 %  1234 images/s  12 s left  loss 0.1");
  EXPECT_EQ(progress_line("train", 0.999, 0, "images", 0, "", 80), "train  [============================= ]   99 %");
  EXPECT_EQ(progress_line("train", 2, 0, "images", 0, "", 10), "train    1");
}

}  // namespace
}  // namespace hans::apps::arguments_test
