// The text form of attacks, defences and layers.
#include <hans/core/spec.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include <hans/core/error.hpp>

namespace hans::spec_test {
namespace {

using hans::parse_list;
using hans::Spec;

std::string nested(int depth) {
  std::string text = "a";
  for (int k = 0; k < depth; ++k) text = "a:b=[" + text + "]";
  return text;
}

TEST(Spec, ReadsItsParts) {
  const Spec spec = Spec::parse("adversarial@v1.0-rc+2:attack=[fgsm:eps=8/255,norm=linf],clean_weight=0.5,p=-1e+3");
  EXPECT_EQ(spec.name, "adversarial");
  EXPECT_EQ(spec.version, "v1.0-rc+2");
  const std::vector<Spec::Item> items = {
      {"attack", "fgsm:eps=8/255,norm=linf", true}, {"clean_weight", "0.5", false}, {"p", "-1e+3", false}};
  EXPECT_EQ(spec.items, items);
  const Spec inner = Spec::parse(spec.find("attack")->value);
  EXPECT_EQ(inner.find("eps")->value, "8/255");
  EXPECT_EQ(spec.find("eps"), nullptr);
}

TEST(Spec, WritesWhatItRead) {
  const std::vector<std::string> texts = {"fgsm",    "fgsm@cleverhans-1.0.0",         "fgsm:eps=0.3",       "mnist-5k",
                                          "28x28x1", "a:b=[c],d=[e@1:f=[g:h=i]],j=k", nested(Spec::deepest)};
  for (const std::string& text : texts) EXPECT_EQ(hans::text(Spec::parse(text)), text);
}

TEST(Spec, RefusesAnythingElseInOneLine) {
  const std::vector<std::string> texts = {"",
                                          " ",
                                          "fgsm ",
                                          " fgsm",
                                          "fgsm:",
                                          "fgsm@",
                                          "@1",
                                          ":eps=1",
                                          "fgsm@:eps=1",
                                          "fgsm@1@2",
                                          "fgsm:eps",
                                          "fgsm:eps=",
                                          "fgsm:=1",
                                          "fgsm:eps=1,",
                                          "fgsm:,eps=1",
                                          "fgsm:eps=1,,a=2",
                                          "fgsm:eps=1 ",
                                          "fgsm: eps=1",
                                          "fgsm:eps=1, a=2",
                                          "fgsm:eps=1=2",
                                          "fgsm:eps=1:a=2",
                                          "fgsm:eps=1,eps=2",
                                          "fgsm:eps=[1],eps=2",
                                          "fgsm:a=[",
                                          "fgsm:a=[]",
                                          "fgsm:a=[b",
                                          "fgsm:a=b]",
                                          "fgsm:a=[b]]",
                                          "fgsm:a=[[b]]",
                                          "fgsm:a=[b]c",
                                          "fgsm:a=c[b]",
                                          "fgsm:a=[b c]",
                                          "fgsm:a=[b:c]",
                                          "fgsm]",
                                          "fgsm:a=[b:c=1,c=2]",
                                          "fgsm;pgd",
                                          "fgsm\n",
                                          "fgsm:eps=1\nb",
                                          "fgsm:eps='1'",
                                          "fgsm:eps=\"1\"",
                                          "fgs\xc3\xa9",
                                          "fgsm:eps=\xff",
                                          std::string("fgsm\0", 5),
                                          "fgsm:a=$(b)",
                                          "fgsm:eps=1*2",
                                          nested(Spec::deepest + 1)};
  for (const std::string& text : texts) {
    try {
      Spec::parse(text);
      ADD_FAILURE() << text;
    } catch (const hans::UsageError& error) {
      EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << text;
    }
  }
}

TEST(Spec, SaysWhereAndWhy) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"fgsm:eps=", "wrong at character 10: the value of eps is missing; write NAME"},
      {"fgsm:eps=1,eps=2", "wrong at character 12: the key eps stands twice; write NAME"},
      {"fgsm:eps", "wrong at character 9: the key eps has no =VALUE; write NAME"},
      {"fgsm: eps=1", "wrong at character 6: there is a space; write NAME"},
      {"fgsm:a=[b", "wrong at character 10: a bracket is not closed; write NAME"},
      {"fgsm!", "wrong at character 5: '!' cannot stand here; write NAME"},
      {"", "wrong at character 1: a name is missing; write NAME"},
      {nested(9), "more than 8 brackets inside each other"},
  };
  for (const auto& [text, wanted] : cases) {
    try {
      Spec::parse(text);
      ADD_FAILURE() << text;
    } catch (const hans::UsageError& error) {
      EXPECT_NE(std::string(error.what()).find(wanted), std::string::npos) << error.what();
    }
  }
}

TEST(Spec, BoundsItsLength) {
  const std::string most(Spec::longest, 'a');
  EXPECT_EQ(Spec::parse(most).name, most);
  EXPECT_THROW(Spec::parse(most + "a"), hans::UsageError);
  EXPECT_THROW(Spec::parse(std::string(100000, '[')), hans::UsageError);
}

TEST(Spec, TakesSeveralSpecsAsOneValue) {
  const Spec spec = Spec::parse("a:b=[c:d=1,e=[f]]/[g]/[h:i=[j]/[k]],l=2");
  ASSERT_EQ(spec.items.size(), 2U);
  EXPECT_TRUE(spec.items[0].nested);
  EXPECT_EQ(spec.items[0].value, "c:d=1,e=[f]]/[g]/[h:i=[j]/[k]");
  EXPECT_EQ(hans::text(spec), "a:b=[c:d=1,e=[f]]/[g]/[h:i=[j]/[k]],l=2");
  for (const char* wrong :
       {"a:b=[c]/", "a:b=[c]/d", "a:b=[c]/[]", "a:b=[c]/[d", "a:b=[c][d]", "a:b=[c]//[d]", "a:b=c/[d]"}) {
    EXPECT_THROW(Spec::parse(wrong), hans::UsageError) << wrong;
  }
}

TEST(SpecList, SplitsOutsideBracketsOnly) {
  for (const char separator : {';', ' '}) {
    const std::string join(1, separator);
    const std::vector<Spec> specs = parse_list("28x28x1" + join + "conv:n=8,act=[relu]" + join + "flatten", separator);
    ASSERT_EQ(specs.size(), 3U);
    EXPECT_EQ(hans::text(specs[1]), "conv:n=8,act=[relu]");
    EXPECT_EQ(specs[2].name, "flatten");
  }
  EXPECT_EQ(parse_list("one", ';').size(), 1U);
}

TEST(SpecList, RefusesEmptyAndBrokenParts) {
  for (const char* text : {"", ";", "a;", ";a", "a;;b", "a; b", "a:b=[c;d]", "a:b=[c;d", "a];b", "a]]]];b:c=[d;e]"}) {
    EXPECT_THROW(parse_list(text, ';'), hans::UsageError) << text;
  }
}

TEST(Spec, KnowsItsWords) {
  for (const char* word : {"a", "0.3", "-1e+05", "8/255", "same", "./a_b-c.npz"}) EXPECT_TRUE(hans::is_spec_word(word));
  for (const char* word : {"", " ", "a b", "a,b", "a=b", "[a]", "a:b", "a@b", "a;b", "\xc3\xa9"}) {
    EXPECT_FALSE(hans::is_spec_word(word)) << word;
  }
}

}  // namespace
}  // namespace hans::spec_test
