// ONNX files: the wire format, what is read of it, and what is refused.
#include <hans/nn/onnx_file.hpp>

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/nn/onnx_import.hpp>
#include "../../nn/onnx/detail/protobuf.hpp"

#include "../data/data_testing.hpp"
#include "onnx_testing.hpp"

namespace hans::onnx_file_test {
namespace {

using namespace onnx_testing;
using testing_data::contains;
using testing_data::error_of;

std::string message(const std::vector<std::pair<std::uint32_t, std::string>>& fields) {
  std::string out;
  nn::protobuf::Writer writer(out);
  for (const auto& [number, bytes] : fields) writer.message(number, bytes);
  return out;
}

std::string integer_field(std::uint32_t number, std::int64_t value) {
  std::string out;
  nn::protobuf::Writer(out).integer(number, value);
  return out;
}

/// A file whose graph holds one tensor, written as `bytes`.
std::string with_tensor(const std::string& bytes) { return message({{7, message({{5, bytes}})}}); }

/// The fields of a tensor of this type and so many elements.
std::string typed(Type type, const std::string& rest, std::int64_t count) {
  return integer_field(1, count) + integer_field(2, static_cast<int>(type)) + rest;
}

TensorData only_tensor(const std::string& bytes) {
  return nn::onnx::parse(with_tensor(bytes), "test").graph.initializers.at(0);
}

TEST(OnnxFile, RoundTrips) {
  const File made =
      file({-1, 1, 4, 4},
           {node("Conv", {"x", "w"}, {"a"}, {attribute("strides", {2, 2}), attribute("group", std::int64_t{1})}),
            node("LeakyRelu", {"a"}, {"b"}, {attribute("alpha", 0.25F)}),
            node("Flatten", {"b"}, {"y"}, {attribute("mode", "edge")})},
           {weights("w", {2, 1, 3, 3})});
  const std::string bytes = nn::onnx::dump(made);
  const File again = nn::onnx::parse(bytes, "test");
  EXPECT_EQ(nn::onnx::dump(again), bytes);
  EXPECT_EQ(again.opset, 17);
  EXPECT_EQ(again.producer, "test");
  ASSERT_EQ(again.graph.nodes.size(), 3U);
  EXPECT_EQ(again.graph.nodes[0].find("strides")->integers, (Dims{2, 2}));
  EXPECT_EQ(again.graph.nodes[1].find("alpha")->number, 0.25F);
  EXPECT_EQ(again.graph.nodes[2].find("mode")->text, "edge");
  EXPECT_EQ(again.graph.nodes[2].find("absent"), nullptr);
  EXPECT_FALSE(again.graph.inputs[0].dims[0].known);
  EXPECT_EQ(again.graph.inputs[0].dims[0].symbol, "N");
  EXPECT_EQ(again.graph.inputs[0].dims[3].value, 4);
  EXPECT_EQ(again.graph.initializers[0].bytes, made.graph.initializers[0].bytes);
}

// Each way in which the format may hold the same numbers.
TEST(OnnxFile, ReadsNumbersOfEveryKind) {
  std::string packed, unpacked;
  nn::protobuf::Writer(unpacked).real_number(4, 1.5F);
  nn::protobuf::Writer(unpacked).real_number(4, -2);
  nn::protobuf::Writer(packed).message(4, float_bytes({1.5F, -2}));
  const std::string half("\x00\x3e\x00\xc0", 4), brain("\xc0\x3f\x00\xc0", 4);
  const double doubles[] = {1.5, -2};
  const std::string eight(reinterpret_cast<const char*>(doubles), sizeof doubles);
  const std::vector<std::pair<std::string, std::string>> cases{
      {"raw", typed(Type::f32, message({{9, float_bytes({1.5F, -2})}}), 2)},
      {"packed", typed(Type::f32, packed, 2)},
      {"unpacked", typed(Type::f32, unpacked, 2)},
      {"double", typed(Type::f64, message({{9, eight}}), 2)},
      {"double field", typed(Type::f64, message({{10, eight}}), 2)},
      {"half", typed(Type::f16, message({{9, half}}), 2)},
      {"half in integers", typed(Type::f16, integer_field(5, 0x3e00) + integer_field(5, 0xc000), 2)},
      {"brain", typed(Type::bf16, message({{9, brain}}), 2)}};
  for (const auto& [name, bytes] : cases) {
    const Tensor numbers = only_tensor(bytes).numbers();
    ASSERT_EQ(numbers.shape(), Shape{2}) << name;
    EXPECT_EQ(numbers.data()[0], 1.5F) << name;
    EXPECT_EQ(numbers.data()[1], -2) << name;
  }
  for (const Type type : {Type::i8, Type::i16, Type::i32, Type::i64}) {
    const std::uint32_t number = type == Type::i64 ? 7 : 5;
    const Tensor whole = only_tensor(typed(type, integer_field(number, 7) + integer_field(number, -3), 2)).numbers();
    EXPECT_EQ(whole.data()[0], 7) << static_cast<int>(type);
    EXPECT_EQ(whole.data()[1], -3) << static_cast<int>(type);
  }
  EXPECT_EQ(only_tensor(typed(Type::u8, message({{9, "\xff"}}), 1)).numbers().data()[0], 255);
  EXPECT_EQ(only_tensor(integer_field(2, 1) + message({{9, float_bytes({4})}})).numbers().shape(), Shape{});
  EXPECT_EQ(only_tensor(typed(Type::boolean, message({{9, "\x07"}}), 1)).numbers().data()[0], 1);
  // The smallest half, and one that is not a number.
  EXPECT_EQ(only_tensor(typed(Type::f16, message({{9, std::string("\x01\x00", 2)}}), 1)).numbers().data()[0], 0x1p-24F);
  EXPECT_TRUE(
      std::isnan(only_tensor(typed(Type::f16, message({{9, std::string("\x01\x7e", 2)}}), 1)).numbers().data()[0]));
}

TEST(OnnxFile, RefusesWhatIsMalformed) {
  const std::string good = nn::onnx::dump(file({1, 4}, {node("Identity", {"x"}, {"y"})}));
  const std::string tensor = integer_field(1, 2) + integer_field(2, 1);
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "no graph"},
      {"\x08", "ends within a number"},
      {std::string(11, '\xff'), "more than 64 bits"},
      {std::string("\x0a\x05"
                   "ab",
                   4),
       "5 bytes follow"},
      {std::string("\x00\x01", 2), "begins field 0"},
      {std::string("\x0b", 1), "of kind 3"},
      {good.substr(0, good.size() / 2), "bytes follow"},
      {good + message({{7, ""}}), "two graphs"},
      {good + message({{25, ""}}), "functions"},
      {message({{7, message({{15, ""}})}}), "sparse"},
      {message({{8, "\x10\x11"}}), "no graph"},
      {with_tensor(tensor + message({{9, "abc"}})), "2 elements of 4 bytes, but 3 bytes"},
      {with_tensor(tensor), "2 elements of 4 bytes, but 0 bytes"},
      {with_tensor(tensor + message({{4, "abc"}})), "no multiple of 4"},
      {with_tensor(integer_field(1, -1) + integer_field(2, 1)), "extent of -1"},
      {with_tensor(integer_field(1, std::int64_t{1} << 50) + integer_field(2, 1)), "extent of"},
      {with_tensor(integer_field(2, 1000)), "element type 1000"},
      {with_tensor(message({{2, "x"}})), "is no integer"},
      {with_tensor(integer_field(9, 3)), "is no text"},
      {with_tensor(tensor + message({{9, float_bytes({1, 2})}, {4, float_bytes({1, 2})}})), "in the fields 9 and 4"},
      {with_tensor(tensor + integer_field(7, 1) + integer_field(7, 2)), "in field 7, not in 4"},
      {with_tensor(typed(Type::i32, message({{4, float_bytes({1})}}), 1)), "in field 4, not in 5"},
      {with_tensor(typed(Type::u8, integer_field(5, 300), 1)), "holds 300"},
      {with_tensor(typed(Type::u8, integer_field(5, -1), 1)), "holds -1"},
      {with_tensor(typed(Type::i8, integer_field(5, 128), 1)), "holds 128"},
      {with_tensor(typed(Type::f16, integer_field(5, -1), 1)), "holds -1"},
      {with_tensor(typed(Type::boolean, integer_field(5, 2), 1)), "holds 2"},
      {with_tensor(typed(Type::i32, integer_field(5, std::int64_t{1} << 31), 1)), "holds 2147483648"},
      {with_tensor(typed(Type::u32, integer_field(11, std::int64_t{1} << 32), 1)), "holds 4294967296"},
      {message({{7, message({{1, message({{1, "x"}})}})}}), "no operator"},
      {message({{7, message({{1, message({{4, "Relu"}, {5, ""}})}})}}), "no name"},
      {with_tensor(tensor + integer_field(14, 1) + message({{13, message({{1, "location"}, {2, "w"}})}})),
       "another file"},
  };
  for (std::size_t k = 0; k < cases.size(); ++k) {
    const std::string error = error_of([&] { (void)nn::onnx::parse(cases[k].first, "the file"); });
    EXPECT_TRUE(contains(error, cases[k].second)) << k << ": " << error;
    EXPECT_TRUE(contains(error, "the file is not a usable ONNX file")) << k << ": " << error;
  }
  EXPECT_TRUE(contains(error_of([] { (void)only_tensor(integer_field(2, 8)).numbers(); }), "holds no numbers"));
}

TEST(OnnxFile, NumbersMadeInCodeAreChecked) {
  const TensorData short_one{"w", Type::f32, {1000}, float_bytes({1})};
  EXPECT_TRUE(contains(error_of([&] { (void)short_one.numbers(); }), "1000 elements of 4 bytes, but 4 bytes"));
}

TEST(OnnxFile, TheHighestOpsetCounts) {
  const auto opset = [](std::int64_t version) { return message({{8, integer_field(2, version)}}); };
  const std::string graph = message({{7, ""}});
  EXPECT_EQ(nn::onnx::parse(graph + opset(13) + opset(9), "test").opset, 13);
  EXPECT_EQ(nn::onnx::parse(graph + opset(9) + opset(13), "test").opset, 13);
}

TEST(OnnxFile, AMessageIsOneLineWhateverThePath) {
  const testing_data::TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "two\nlines.onnx";
  write_file(path, "broken");
  const std::string error = error_of([&] { (void)nn::onnx::load(path); });
  EXPECT_TRUE(contains(error, "not a usable ONNX file")) << error;
  EXPECT_FALSE(contains(error, "\n")) << error;
}

// Every prefix and every changed byte is read or refused, but never crashes.
TEST(OnnxFile, SurvivesDamage) {
  const std::string good = nn::onnx::dump(file({1, 4}, {node("Gemm", {"x", "w"}, {"y"})}, {weights("w", {4, 2})}));
  std::size_t refused = 0;
  const auto attempt = [&](const std::string& bytes) {
    try {
      (void)nn::onnx::parse(bytes, "damaged");
    } catch (const Error&) {
      ++refused;
    }
  };
  for (std::size_t size = 0; size < good.size(); ++size) attempt(good.substr(0, size));
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (const char byte : {'\x00', '\x7f', '\xff'}) {
      std::string changed = good;
      changed[at] = byte;
      attempt(changed);
    }
  }
  EXPECT_GT(refused, good.size());
}

TEST(OnnxFile, ReadsNumbersBesideIt) {
  const testing_data::TemporaryFolder folder;
  std::filesystem::create_directory(folder.path() / "deep");
  write_file(folder.path() / "deep" / "w.bin", "12345678" + float_bytes({3, 4}));
  write_file(folder.path().parent_path() / "hans_outside.bin", float_bytes({3, 4}));
  const auto with_place = [&](const std::string& location, const std::string& offset, const std::string& length) {
    std::string tensor = integer_field(1, 2) + integer_field(2, 1) + integer_field(14, 1);
    tensor += message({{13, message({{1, "location"}, {2, location}})}});
    if (!offset.empty()) tensor += message({{13, message({{1, "offset"}, {2, offset}})}});
    if (!length.empty()) tensor += message({{13, message({{1, "length"}, {2, length}})}});
    const std::filesystem::path path = folder.path() / "model.onnx";
    write_file(path, with_tensor(tensor));
    return nn::onnx::load(path).graph.initializers.at(0).numbers();
  };
  EXPECT_EQ(with_place("deep/w.bin", "8", "8").data()[1], 4);
  EXPECT_EQ(with_place("deep/w.bin", "8", "").data()[0], 3);
  const std::string absolute = (folder.path() / "deep" / "w.bin").string();
  const std::vector<std::array<std::string, 4>> refused{{"../hans_outside.bin", "0", "8", "not beside it"},
                                                        {"deep/../../hans_outside.bin", "0", "8", "not beside it"},
                                                        {absolute, "8", "8", "not beside it"},
                                                        {"", "0", "8", "not beside it"},
                                                        {std::string("deep/w.bin\0.x", 13), "0", "8", "not beside it"},
                                                        {"none.bin", "0", "8", "none.bin"},
                                                        {"deep", "0", "8", "'deep', which is no file"},
                                                        {"deep/w.bin", "16", "8", "16 bytes; 8 from 16"},
                                                        {"deep/w.bin", "-8", "8", "from -8"},
                                                        {"deep/w.bin", "8", "4", "but 4 bytes"},
                                                        {"deep/w.bin", "x", "8", "offset of 'x'"}};
  for (const auto& [location, offset, length, part] : refused) {
    const std::string error =
        error_of([&, place = location, from = offset, size = length] { (void)with_place(place, from, size); });
    EXPECT_TRUE(contains(error, part)) << location << ": " << error;
  }
  std::filesystem::create_symlink(folder.path().parent_path(), folder.path() / "link");
  EXPECT_TRUE(contains(error_of([&] { (void)with_place("link/hans_outside.bin", "0", "8"); }), "not beside it"));
  std::filesystem::remove(folder.path().parent_path() / "hans_outside.bin");
}

// A model is what its numbers are, also those beside it.
TEST(OnnxFile, BesideOthersHasAnotherHash) {
  const testing_data::TemporaryFolder folder;
  std::string model, graph;
  const std::string whole = nn::onnx::dump(file({1, 4}, {node("Gemm", {"x", "w"}, {"y"})}));
  nn::protobuf::Reader reader(whole);
  nn::protobuf::Writer writer(model);
  for (nn::protobuf::Field field; reader.next(field);) {
    if (field.number == 7) {
      graph = std::string(field.message());
    } else if (field.wire == nn::protobuf::with_length) {
      writer.message(field.number, field.message());
    } else {
      writer.integer(field.number, field.integer());
    }
  }
  const std::string tensor = integer_field(1, 4) + integer_field(1, 2) + integer_field(2, 1) + integer_field(14, 1) +
                             message({{8, "w"}, {13, message({{1, "location"}, {2, "w.bin"}})}});
  writer.message(7, graph + message({{5, tensor}}));
  write_file(folder.path() / "model.onnx", model);
  for (const float first : {1.0F, 2.0F}) {
    const std::string numbers = float_bytes({first, 2, 3, 4, 5, 6, 7, 8});
    write_file(folder.path() / "w.bin", numbers);
    std::vector<std::string> notes;
    const nn::Model read = nn::load_onnx(folder.path() / "model.onnx", {}, notes);
    EXPECT_EQ(read.net.weights()[0].data()[0], first);
    EXPECT_EQ(read.sha256, sha256(model + numbers));
  }
}

}  // namespace
}  // namespace hans::onnx_file_test
