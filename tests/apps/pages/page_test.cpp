// hans page: networks that are put into a page are the files' bytes, and nothing else of the page changes.
#include <hans/core/file.hpp>
#include <hans/core/json.hpp>

#include "../cli_testing.hpp"

namespace hans::page_test {
namespace {

constexpr std::string_view before = "<html><script id=\"hans-wasm\">code</script>\n<!--models-->\n";
constexpr std::string_view after = "<!--/models-->\n<p>the rest</p>";

std::string page_of(std::string_view models) { return text(before, models, after); }

/// What a browser makes of a data element: each '=' goes, and the character behind it is 64 lower.
std::string unpacked(std::string_view characters) {
  std::string bytes;
  for (std::size_t i = 0; i < characters.size(); ++i) {
    bytes += characters[i] == '=' ? static_cast<char>(characters[++i] - 64) : characters[i];
  }
  return bytes;
}

class CliPage : public cli::Test {
 protected:
  void SetUp() override {
    cli::Test::SetUp();
    if (IsSkipped()) return;
    write_file(at("hans.html"), page_of("<script class=\"hans-model\" data-name=\"old\">x</script>\n"));
  }
  std::string read(std::string_view name) { return read_file(at(name)); }
  std::string at(std::string_view name) { return folder_ / name; }
};

TEST_F(CliPage, HoldsTheFilesAndTheRestAsItWas) {
  train("mine.hans");
  output("page hans.html --model mine.hans --model mnist-linf0.1-tiny --out o.html");
  const std::string page = read("o.html");
  ASSERT_TRUE(page.starts_with(before));
  ASSERT_TRUE(page.ends_with(after));
  const std::string_view models =
      std::string_view(page).substr(before.size(), page.size() - before.size() - after.size());
  std::string names, bytes[2];
  std::size_t count = 0;
  for (std::size_t at = 0; (at = models.find("data-name=\"", at)) != std::string_view::npos; ++count) {
    at += 11;
    names += text(models.substr(at, models.find('"', at) - at), " ");
    const std::size_t first = models.find('>', at) + 1, last = models.find("</script>\n", first);
    const std::string_view element = models.substr(first, last - first);
    for (const char changed : std::string_view("\0\n\r&<", 5)) EXPECT_EQ(element.find(changed), std::string_view::npos);
    ASSERT_LT(count, 2U);
    bytes[count] = unpacked(element);
  }
  EXPECT_EQ(names, "mine.hans mnist-linf0.1-tiny ");
  EXPECT_EQ(bytes[0], read("mine.hans"));
  EXPECT_EQ(bytes[1], read_file(HANS_SOURCE_DIR "/data/nets/mnist-linf0.1-tiny.hans"));
  EXPECT_EQ(page.find("\"old\""), std::string::npos);
}

TEST_F(CliPage, RefusesWhatIsNoPageOrNoNetwork) {
  train("mine.hans");
  std::filesystem::copy_file(at("mine.hans"), at("a\"b.hans"));
  std::filesystem::create_directory(at("other"));
  std::filesystem::copy_file(at("mine.hans"), at("other/mine.hans"));
  write_file(at("broken.hans"), "no model");
  write_file(at("none.html"), "<html></html>");
  write_file(at("two.html"), page_of("<!--models-->\n"));
  write_file(at("turned.html"), text("id=\"hans-wasm\"", after, before));
  const struct {
    cli::Words words;
    int code;
    std::string_view says;
  } cases[]{
      {{"none.html", "--model", "mine.hans"}, 1, "'none.html' is no hans.html"},
      {{"two.html", "--model", "mine.hans"}, 1, "'two.html' is no hans.html"},
      {{"turned.html", "--model", "mine.hans"}, 1, "'turned.html' is no hans.html"},
      {{"gone.html", "--model", "mine.hans"}, 1, "gone.html"},
      {{"hans.html"}, 2, "--model is missing"},
      {{"hans.html", "--model", "broken.hans"}, 1, "broken.hans"},
      {{"hans.html", "--model", "v1"}, 2, "not 'v1'"},
      {{"hans.html", "--model", "net.onnx"}, 2, "hans convert makes .hans files"},
      {{"hans.html", "--model", "a\"b.hans"}, 1, "cannot stand in a page"},
      {{"hans.html", "--model", "mine.hans", "--model", "other/mine.hans"},
       1,
       "two networks have the name 'mine.hans'"},
  };
  for (const auto& one : cases) {
    cli::Words words{"page"};
    words.insert(words.end(), one.words.begin(), one.words.end());
    words.insert(words.end(), {"--out", "o.html"});
    const cli::Outcome outcome = cli::run(words, folder_);
    EXPECT_EQ(outcome.code, one.code) << one.says;
    EXPECT_NE(outcome.err.find(one.says), std::string::npos) << outcome.err;
    EXPECT_FALSE(std::filesystem::exists(at("o.html"))) << one.says;
  }
  EXPECT_EQ(hans("page hans.html --model mine.hans --out o.txt").code, 2);
}

}  // namespace
}  // namespace hans::page_test
