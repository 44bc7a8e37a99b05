// JSON: what is read, what is refused, what is written.
#include <hans/core/json.hpp>

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include <hans/core/error.hpp>

namespace hans::json_test {
namespace {

using hans::Json;

std::string failure(const auto& work) {
  try {
    work();
  } catch (const hans::Error& error) {
    return error.what();
  }
  return "nothing thrown";
}

TEST(Json, ReadsAndWritesTheSameText) {
  const char* const texts[] = {
      "null",
      "true",
      "false",
      "0",
      "-1",
      "9223372036854775807",
      "-9223372036854775808",
      "9223372036854775808",
      "18446744073709551615",
      "0.5",
      "1e+22",
      "-0",
      "5e-324",
      R"("")",
      R"("a\"\\\b\f\n\r\t\u0001/")",
      "\"na\xc3\xafve \xe2\x82\xac \xf0\x9f\x98\x80\"",
      "[]",
      "{}",
      "[[],{},[1,[2]]]",
      R"({"b":1,"a":[true,null,"x"],"":{}})",
  };
  for (const char* text : texts) EXPECT_EQ(Json::parse(text).dump(), text);
}

TEST(Json, ReadsOtherSpellings) {
  EXPECT_EQ(Json::parse(" \t\r\n[ 1 , 2 ]\n").dump(), "[1,2]");
  EXPECT_EQ(Json::parse(R"("\u0041\u00e9\u20AC\ud83d\uDE00\/")").string(), "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80/");
  EXPECT_EQ(Json::parse(R"("\u0000")").string(), std::string(1, '\0'));
  EXPECT_EQ(Json::parse("1E2").dump(), "100");
  EXPECT_EQ(Json::parse("1.0").dump(), "1");
  EXPECT_EQ(Json::parse("18446744073709551616").dump(), "18446744073709551616");
  EXPECT_EQ(Json::parse("0.1000000000000000055511151231257827").dump(), "0.1");
}

TEST(Json, RefusesWhatTheStandardForbids) {
  const std::vector<std::string> texts = {"",
                                          " ",
                                          "nul",
                                          "nulll",
                                          "True",
                                          "1 2",
                                          "[1,]",
                                          "[,1]",
                                          "[1 2]",
                                          "[1",
                                          "]",
                                          "{",
                                          "}",
                                          "{\"a\"}",
                                          "{\"a\":}",
                                          "{\"a\":1,}",
                                          "{a:1}",
                                          "{'a':1}",
                                          "{1:1}",
                                          "01",
                                          "-01",
                                          "+1",
                                          ".5",
                                          "1.",
                                          "1.e1",
                                          "1e",
                                          "1e+",
                                          "-",
                                          "--1",
                                          "0x1",
                                          "NaN",
                                          "Infinity",
                                          "-inf",
                                          "1e999",
                                          "-1e999",
                                          "\"",
                                          "\"\\\"",
                                          "\"\\x\"",
                                          "\"\\u12\"",
                                          "\"\\u12G4\"",
                                          "\"\t\"",
                                          "\"\n\"",
                                          "\"\\ud800\"",
                                          "\"\\ud800x\"",
                                          "\"\\ud800\\n\"",
                                          "\"\\ud800\\u0041\"",
                                          "\"\\udc00\"",
                                          "\"\\ud800\\ud800\"",
                                          "\"\x80\"",
                                          "\"\xc0\xaf\"",
                                          "\"\xc3\"",
                                          "\"\xed\xa0\x80\"",
                                          "\"\xe0\x80\x80\"",
                                          "\"\xf0\x80\x80\x80\"",
                                          "\"\xf4\x90\x80\x80\"",
                                          "\"\xf5\x80\x80\x80\"",
                                          "\xef\xbb\xbf{}",
                                          "/**/1",
                                          "[1]//",
                                          "{\"a\":1,\"a\":1}",
                                          "{\"a\":1,\"\\u0061\":2}",
                                          std::string("1\0", 2),
                                          std::string("\0", 1),
                                          std::string("\"\0\"", 3),
                                          "\f1"};
  for (const std::string& text : texts) EXPECT_THROW(Json::parse(text), hans::Error) << text;
}

TEST(Json, BoundsItsDepth) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(Json::parse(nested(64)).dump(), nested(64));
  EXPECT_THROW(Json::parse(nested(65)), hans::Error);
  EXPECT_THROW(Json::parse(std::string(1000000, '[')), hans::Error);
  EXPECT_NO_THROW(Json::parse("[" + nested(63) + "," + nested(63) + "]"));
}

TEST(Json, SaysWhereTheTextIsWrong) {
  EXPECT_EQ(failure([] { Json::parse("{\n  \"a\": 01\n}"); }), "JSON, line 2, column 9: ',' or '}' is wanted");
  EXPECT_EQ(failure([] { Json::parse("[1,\n\n x]"); }), "JSON, line 3, column 2: a value is wanted");
  EXPECT_EQ(failure([] { Json::parse("1 1"); }), "JSON, line 1, column 3: something follows the value");
  EXPECT_NE(failure([] { Json::parse(R"({"key":1,"b":2,"key":3})"); }).find("'key'"), std::string::npos);
}

TEST(Json, KeepsIntegersAndFloatsAsTheyAre) {
  EXPECT_TRUE(Json(3).is_integer());
  EXPECT_TRUE(Json::parse("3").is_integer());
  EXPECT_FALSE(Json::parse("3.0").is_integer());
  EXPECT_TRUE(Json::parse("3.0").is_number());
  EXPECT_EQ(Json(0.3f).dump(), "0.3");
  EXPECT_EQ(Json(0.3f).number(), static_cast<double>(0.3f));
  const std::uint64_t seed = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(Json::parse(Json(seed).dump()).natural(), seed);
  EXPECT_EQ(Json(std::uint64_t{5}).integer(), 5);
  EXPECT_EQ(Json(5).natural(), 5U);
  EXPECT_EQ(Json(seed).number(), 18446744073709551616.0);
  EXPECT_THROW(Json(seed).integer(), hans::Error);
  EXPECT_THROW(Json(-1).natural(), hans::Error);
  EXPECT_THROW(Json(1.0).integer(), hans::Error);
  EXPECT_TRUE(Json(std::numeric_limits<double>::infinity()).is_null());
  EXPECT_TRUE(Json(std::numeric_limits<float>::quiet_NaN()).is_null());
}

TEST(Json, NamesTheKindsWhenTheyDiffer) {
  EXPECT_EQ(failure([] { (void)Json("x").number(); }), "JSON: a number is wanted, but there is a string");
  EXPECT_EQ(failure([] { (void)Json(1.5).integer(); }), "JSON: an integer is wanted, but there is a number");
  EXPECT_EQ(failure([] { (void)Json(1).string(); }), "JSON: a string is wanted, but there is an integer");
  const Json null;
  const Json array = Json::array();
  EXPECT_EQ(failure([&null] { (void)null.items(); }), "JSON: an array is wanted, but there is null");
  EXPECT_EQ(failure([&array] { (void)array.members(); }), "JSON: an object is wanted, but there is an array");
  EXPECT_EQ(failure([] { (void)Json::object().boolean(); }), "JSON: a boolean is wanted, but there is an object");
  EXPECT_EQ(failure([] { (void)Json::object().at("eps"); }), "JSON: the key 'eps' is missing");
  EXPECT_EQ(failure([] { (void)Json(true).at("eps"); }),
            "JSON: an object with the key 'eps' is wanted, but there is a boolean");
  EXPECT_THROW(Json(1).set("a", 1), hans::Error);
  EXPECT_THROW(Json().push(1), hans::Error);
}

TEST(Json, BuildsAndWritesObjectsInOrder) {
  Json report;
  report.set("version", "0.1.0").set("accuracy", 0.5f).set("list", Json::array().push(1).push(nullptr));
  report.set("none", Json::array()).set("object", Json::object().set("k", false));
  report.set("version", std::string_view("0.2.0"));
  EXPECT_EQ(report.dump(), R"({"version":"0.2.0","accuracy":0.5,"list":[1,null],"none":[],"object":{"k":false}})");
  EXPECT_EQ(report.dump(2), R"({
  "version": "0.2.0",
  "accuracy": 0.5,
  "list": [1, null],
  "none": [],
  "object": {
    "k": false
  }
})");
  EXPECT_EQ(Json::parse(report.dump(2)).dump(), report.dump());
  EXPECT_EQ(Json::parse("[[1,2],3]").dump(2), "[\n  [1, 2],\n  3\n]");
  EXPECT_EQ(report.find("missing"), nullptr);
  EXPECT_EQ(report.at("object").at("k").boolean(), false);
}

TEST(Json, WritesValidTextForBytesThatAreNoUtf8) {
  EXPECT_EQ(Json("a\xff\xc3(\x7f").dump(), "\"a\xef\xbf\xbd\xef\xbf\xbd(\x7f\"");
}

TEST(Json, FindsARepeatedKeyAmongManyInGoodTime) {
  std::string many = "{";
  for (int k = 0; k < 100000; ++k) many += "\"k" + std::to_string(k) + "\":0,";
  EXPECT_THROW(Json::parse(many + "\"k7\":0}"), hans::Error);
  const Json parsed = Json::parse(many + "\"new\":0}");
  EXPECT_EQ(parsed.members().size(), 100001U);
}

}  // namespace
}  // namespace hans::json_test
