// The checker reads hostile .hans files: anything that hans does not write is an Error, never a crash.
#include <gtest/gtest.h>

#include <hans/core/error.hpp>
#include <hans/core/rng.hpp>
#include <hans/nn/finish.hpp>
#include <hans/nn/model_file.hpp>
#include <hans/nn/safetensors.hpp>
#include "../../apps/checker/network.hpp"
#include "../../data/detail/bytes.hpp"

namespace hans::checker_file_test {
namespace {

std::string good_bytes(std::string_view architecture = "3x3x1;conv2d:filters=2,kernel=2;relu;flatten;linear:units=3") {
  nn::Model model{nn::Sequential::parse(architecture, Rng(1))};
  model.training = {{"a \"quoted\"\n\t\x01 key", "\\ / ü"}};
  return nn::dump_model(model);
}

/// What reading the bytes says; empty: nothing, and one image went through.
std::string said(std::string_view bytes) {
  try {
    const checker::Network net(bytes, "f.hans");
    EXPECT_EQ(net.logits(std::vector<float>(net.features(), 0.5F)).size(), net.classes());
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return error.what();
  }
}

std::string with_header(std::string_view header, std::string_view data) {
  std::string bytes;
  data::put_little(bytes, std::uint64_t{header.size()});
  return bytes.append(header).append(data);
}

/// The file with the first `from` of its header replaced.
std::string changed(const std::string& file, std::string_view from, std::string_view to) {
  const auto length = static_cast<std::size_t>(data::little<std::uint64_t>(file.data()));
  std::string header = file.substr(8, length);
  const std::size_t at = header.find(from);
  EXPECT_NE(at, std::string::npos) << from << " is not in " << header;
  if (at != std::string::npos) header.replace(at, from.size(), to);
  return with_header(header, std::string_view(file).substr(8 + length));
}

/// A file whose checksum is right, with another architecture.
std::string lying(std::string_view architecture, const std::string& file = good_bytes()) {
  nn::Safetensors read = nn::Safetensors::parse(file, "f");
  std::erase_if(read.metadata, [](const auto& entry) { return entry.first == "sha256"; });
  for (auto& [key, value] : read.metadata) {
    if (key == "architecture") value = architecture;
  }
  return read.dump();
}

TEST(CheckerFile, ReadsFloat16) {
  nn::Model model{nn::Sequential::parse("3x3x1;conv2d:filters=2,kernel=2;relu;flatten;linear:units=3", Rng(1))};
  nn::round_to_float16(model.net);
  real* const bias = model.net.mutable_weights()[1].mutable_data();
  bias[0] = real{0x1p-24F};  // the least denormal, and the largest number
  bias[1] = -65504;
  const std::vector<float> image{0.1F, 0.9F, 0.4F, 0.3F, 0.7F, 0, 1, 0.6F, 0.2F};
  const std::vector<double> wide = checker::Network(nn::dump_model(model), "f.hans").logits(image);
  model.numbers = nn::NumberType::float16;
  const std::string file = nn::dump_model(model);
  EXPECT_EQ(checker::Network(file, "f.hans").logits(image), wide);
  EXPECT_NE(said(changed(file, "F16", "F32")), "");
  EXPECT_NE(said(changed(file, "F16", "F64")), "");
  std::string infinite = file;
  infinite[infinite.size() - 1] = '\x7c';
  EXPECT_NE(said(infinite).find("not finite"), std::string::npos);
}

TEST(CheckerFile, ReadsWhatHansWrites) {
  EXPECT_EQ(said(good_bytes()), "");
  EXPECT_EQ(said(lying("3x3x1;conv2d:filters=2,kernel=2;relu;flatten;linear:units=3")), "");
}

TEST(CheckerFile, EveryTruncationIsRefused) {
  const std::string good = good_bytes();
  for (std::size_t size = 0; size < good.size(); ++size) {
    EXPECT_NE(said(std::string_view(good).substr(0, size)), "") << size;
  }
  EXPECT_NE(said(good + '\0'), "");
}

TEST(CheckerFile, EveryDamagedByteIsRefused) {
  const std::string good = good_bytes();
  const std::size_t end = 8 + static_cast<std::size_t>(data::little<std::uint64_t>(good.data()));
  const std::size_t blanks = good.find_last_not_of(' ', end - 1) + 1;  // these may be other blanks
  for (std::size_t at = 0; at < good.size(); ++at) {
    if (at >= blanks && at < end) continue;
    for (const int bit : {0, 3, 7}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 1 << bit);
      EXPECT_NE(said(bad), "") << "byte " << at << ", bit " << bit;
    }
  }
}

TEST(CheckerFile, RefusesHeadersThatLie) {
  struct Case {
    std::string_view from, to, part;
  };
  for (const Case& one : {
           Case{"F32", "F64", "no '\"F32\"'"},
           Case{"F32", "F32\\u0041", "F32"},
           Case{"hans model 1", "hans\\q", "escape"},
           Case{"[2,2,1,2]", "[2,2,1,3]", "must be bytes 0 to 48"},
           Case{"[2,2,1,2]", "[2,2,1,2,0]", "elements"},
           Case{"[2,2,1,2]", "[4294967296,4294967296,1,2]", "elements"},
           Case{"[2,2,1,2]", "[18446744073709551615,18446744073709551615]", "elements"},
           Case{"[2,2,1,2]", "[99999999999999999999999]", "no whole number"},
           Case{"[2,2,1,2]", "[2,-2,1,2]", "no whole number"},
           Case{"[2,2,1,2]", "[1,1,1,1,2,2,2]", "more than 6"},
           Case{"[2,2,1,2]", "[[2]]", "no whole number"},
           Case{"[0,32]", "[32,0]", "must be bytes 0 to 32"},
           Case{"[0,32]", "[4,36]", "not 4x36"},
           Case{"[0,32]", "[0,32,64]", "more than 2"},
           Case{"[0,32]", "[0]", "must be bytes"},
           Case{"[0,32]", "[18446744073709551584,18446744073709551615]", "must be bytes"},
           Case{"\"shape\":[2,2,1,2],", "", "no '\"shape\"'"},
           Case{"\"shape\"", "\"dtype\"", "no '\"shape\"'"},
           Case{"\"shape\":[2,2,1,2]", "\"shape\":[2,2,1,2],\"shape\":[2,2,1,2]", "data_offsets"},
           Case{"\"shape\"", "\"other\"", "no '\"shape\"'"},
           Case{"\"0.bias\"", "\"0.weight\"", "twice"},
           Case{"\"0.bias\"", "\"0.other\"", "checksum"},
           Case{"\"__metadata__\"", "\"metadata\"", "dtype"},
           Case{"\"sha256\"", "\"sha\"", "checksum"},
           Case{"hans model 1", "hans model 2", "hans model 2"},
           Case{"\"format\"", "\"format", "header"},
           Case{"\"},\"0.weight\"", "\",\"0.weight\"", "header"},
           Case{"{\"__metadata__\"", "{{\"__metadata__\"", "header"},
           Case{"units=3", "units=4", "checksum"},
       }) {
    const std::string answer = said(changed(good_bytes(), one.from, one.to));
    EXPECT_NE(answer, "") << one.from << " -> " << one.to;
    EXPECT_NE(answer.find(one.part), std::string::npos) << one.from << " -> " << one.to << ": " << answer;
  }
  EXPECT_NE(said(with_header(std::string(1 << 20, '['), "")), "");
  EXPECT_NE(said(with_header("{}", "")), "");
  EXPECT_NE(said(with_header("{} {}", "")), "");
  std::string huge = good_bytes();
  for (std::size_t k = 0; k < 8; ++k) huge[k] = '\xff';
  EXPECT_NE(said(huge).find("header of 18446744073709551615"), std::string::npos);
}

TEST(CheckerFile, RefusesArchitecturesThatLie) {
  const std::string rest = ";relu;flatten;linear:units=3";
  struct Case {
    std::string architecture, part;
  };
  for (const Case& one : {
           Case{"", "no shape"},
           Case{"3x3x1", "no shape"},
           Case{"3x3x0;flatten", "not a shape"},
           Case{"99999x99999x99999;flatten", "more than"},
           Case{"18446744073709551615x2x1;flatten", "more than"},
           Case{"3x3x1;", "does not know the layer "},
           Case{"3x3x1;conv2d:filters=2,kernel=2;relu;flatten;linear:units=3;", "does not know the layer "},
           Case{"3x3x1;conv2d:filters=2,kernel=2;relu;flatten;linear:units=4", "units"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;relu;linear:units=3", "linear"},
           Case{"4x3x1;conv2d:filters=2,kernel=2;relu;flatten;linear:units=3", "units"},
           Case{"3x3x1;relu;relu;flatten", "no layer needs"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;relu;flatten;linear:units=3;linear:units=3", "'4.weight'"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;relu@2;flatten;linear:units=3", "relu@2"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;relu:x=1;flatten;linear:units=3", "'x'"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;relu:x;flatten;linear:units=3", "KEY=VALUE"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;relu:of=1;flatten;linear:units=3", "before it"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;relu:of=99999999999999999999;flatten;linear:units=3", "before it"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;relu:of=0/0;flatten;linear:units=3", "operands"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;add;flatten;linear:units=3", "operands"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;add:of=input/0;flatten;linear:units=3", "combined"},
           Case{"3x3x1;conv2d:filters=2,filters=2,kernel=2" + rest, "twice"},
           Case{"3x3x1;conv2d:filters=2" + rest, "kernel"},
           Case{"3x3x1;conv2d:filters=2,kernel=0" + rest, "not a shape"},
           Case{"3x3x1;conv2d:filters=2,kernel=2x2x2" + rest, "size of a window"},
           Case{"3x3x1;conv2d:filters=2,kernel=scalar" + rest, "size of a window"},
           Case{"3x3x1;conv2d:filters=2,kernel=2,stride=0" + rest, "not a shape"},
           Case{"3x3x1;conv2d:filters=2,kernel=2,dilation=4096" + rest, "does not fit"},
           Case{"3x3x1;conv2d:filters=2,kernel=2,groups=0" + rest, "groups"},
           Case{"3x3x1;conv2d:filters=2,kernel=2,groups=2" + rest, "groups"},
           Case{"3x3x1;conv2d:filters=0,kernel=2" + rest, "filters"},
           Case{"3x3x1;conv2d:filters=-2,kernel=2" + rest, "filters"},
           Case{"3x3x1;conv2d:filters=2,kernel=2,bias=maybe" + rest, "arrays that no layer needs"},
           Case{"3x3x1;conv2d:filters=2,kernel=2,padding=4096" + rest, "more than"},
           Case{"3x3x1;conv2d:filters=2,kernel=2,padding=4097" + rest, "not a padding"},
           Case{"3x3x1;conv2d:filters=2,kernel=2,padding=1x1" + rest, "not a padding"},
           Case{"3x3x1;conv2d:filters=2,kernel=2,padding=1x1x1x1x1" + rest, "not a padding"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;max_pool2d:kernel=2,padding=4;flatten;linear:units=3", "sees nothing"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;max_pool2d:kernel=4096;flatten;linear:units=3", "does not fit"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;reshape:shape=9x9;flatten;linear:units=3", "not as much"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;reshape:shape=4294967296x4294967296;flatten;linear:units=3",
                "more than"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;transpose:order=0/0/1;flatten;linear:units=3", "order"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;transpose:order=0/1/99;flatten;linear:units=3", "order"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;transpose:order=;flatten;linear:units=3", "order"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;transpose:order=0/x/1;flatten;linear:units=3", "whole numbers"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;max_pool2d:kernel=2,ceil=true;flatten;linear:units=3", "'ceil'"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;concat:axis=7;flatten;linear:units=3",
                "does not know the layer concat;"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;leaky_relu:slope=nan;flatten;linear:units=3", "nan"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;dropout;flatten;linear:units=3", "it needs rate"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;normalize:mean=;flatten;linear:units=3", "combined"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;constant:shape=2;multiply:of=0/1;flatten;linear:units=3", "1.value"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;batch_norm;flatten;linear:units=3", "'1.scale'"},
           Case{"3x3x1;conv2d:filters=2,kernel=2;normalize:mean=1/2/3;flatten;linear:units=3", "combined"},
       }) {
    const std::string answer = said(lying(one.architecture));
    EXPECT_NE(answer, "") << one.architecture;
    EXPECT_NE(answer.find(one.part), std::string::npos) << one.architecture << ": " << answer;
  }
}

TEST(CheckerFile, MemoryIsBounded) {
  const std::string plain = good_bytes("64x64x1;conv2d:filters=512,kernel=1,bias=false;flatten");
  const std::string wide = "64x64x1;conv2d:filters=512,kernel=1,bias=false;flatten";
  EXPECT_EQ(said(lying(wide + ";relu:of=0;flatten", plain)), "");
  // One layer that gives too much is refused before memory is taken, and so are all together.
  EXPECT_NE(said(lying("64x64x1;conv2d:filters=512,kernel=1,bias=false,padding=100;flatten", plain))
                .find("more than 4194304"),
            std::string::npos);
  std::string many = wide, small = "1x1x1";
  for (int k = 0; k < 20; ++k) append(many, ";relu");
  EXPECT_NE(said(lying(many, plain)).find("layers give more than"), std::string::npos);
  for (int k = 0; k < 100000; ++k) append(small, ";relu");
  EXPECT_NE(said(lying(small, good_bytes("1x1x1;flatten"))).find("layers give more than"), std::string::npos);
}

TEST(CheckerFile, MutatedArchitecturesThrowOrWork) {
  const std::vector<std::string> seeds{
      "4x4x2;conv2d:filters=2,kernel=3,stride=2,padding=1x0x1x1,dilation=1,groups=2;relu;flatten;linear:units=3",
      "4x4x2;max_pool2d:kernel=3x2,stride=2,padding=1;add:of=0/0;transpose:order=2/0/1;flatten;elu:alpha=2",
      "4x4x2;average_pool2d:kernel=2,padding=1,count_padding=true;reshape:shape=2x9;dropout:rate=0.5;sigmoid;flatten",
      "4x4x2;normalize:scale=2,mean=0.5/0.25;constant:shape=2;multiply:of=0/1;batch_norm;leaky_relu:slope=2;flatten"};
  const std::string_view letters = "0123456789x/;:,=.-abcdeoprsu@[";
  Stream stream = Rng(3).stream("mutations");
  std::size_t worked = 0, refused = 0;
  for (const std::string& seed : seeds) {
    const std::string file = good_bytes(seed);
    for (int round = 0; round < 400; ++round) {
      std::string text = seed;
      for (int change = 0; change <= round % 3; ++change) {
        const std::size_t at = stream.below(static_cast<std::uint32_t>(text.size()));
        const char letter = letters[stream.below(static_cast<std::uint32_t>(letters.size()))];
        if (round % 2 == 0) {
          text[at] = letter;
        } else {
          text.insert(at, 1, letter);
        }
      }
      ++(said(lying(text, file)).empty() ? worked : refused);
    }
  }
  EXPECT_GT(worked, 10U);
  EXPECT_GT(refused, 800U);
}

}  // namespace
}  // namespace hans::checker_file_test
