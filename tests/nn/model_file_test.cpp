// Model files: what is written is read back, and everything else is refused in one line that names the file.
#include <hans/nn/model_file.hpp>

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <hans/core/error.hpp>
#include <hans/core/file.hpp>
#include <hans/core/hash.hpp>
#include <hans/nn/fit.hpp>
#include <hans/nn/safetensors.hpp>

#include "../data/data_testing.hpp"

namespace hans::model_file_test {
namespace {

using nn::Model;
using nn::Safetensors;

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

Model small_model() {
  Model model{nn::Sequential::parse("3x3x1;conv2d:filters=2,kernel=2;relu;flatten;linear:units=3", Rng(1))};
  model.class_names = {"cat", "d\"o\"g", "\u00e9l\u00e9phant"};
  model.training = {{"recipe", "epochs=1"}, {"data", "none/train"}, {"note", "two\nlines"}};
  return model;
}

std::vector<Tensor> weights(const nn::Sequential& net) { return {net.weights().begin(), net.weights().end()}; }

bool same_weights(const nn::Sequential& a, const nn::Sequential& b) {
  const std::vector<Tensor> x = weights(a), y = weights(b);
  return std::equal(x.begin(), x.end(), y.begin(), y.end(), identical);
}

/// Checks that `read` throws an Error of one line that starts with the file's name, and returns the message.
template <class Read>
std::string refusal(const Read& read, const std::string& what) {
  try {
    (void)read();
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.find_first_of("\n\r"), std::string::npos) << what << ": " << message;
    EXPECT_TRUE(message.starts_with("f.hans")) << what << ": " << message;
    return message;
  }
  ADD_FAILURE() << what << " was accepted";
  return {};
}
std::string model_refusal(std::string_view bytes, const std::string& what) {
  return refusal([&] { return nn::parse_model(bytes, "f.hans"); }, what);
}
std::string tensors_refusal(std::string_view bytes, const std::string& what) {
  return refusal([&] { return Safetensors::parse(bytes, "f.hans"); }, what);
}

/// A safetensors file of this header and these numbers.
std::string file(std::string_view header, std::string_view data) {
  std::string bytes;
  for (unsigned k = 0; k < 8; ++k) bytes.push_back(static_cast<char>(header.size() >> (8 * k) & 0xFF));
  return bytes.append(header).append(data);
}

// --- round trips -----------------------------------------------------------------------------------

TEST(ModelFiles, RoundTrip) {
  const Model model = small_model();
  const std::string bytes = nn::dump_model(model);
  const Model again = nn::parse_model(bytes, "f.hans");
  EXPECT_EQ(again.net.architecture(), model.net.architecture());
  EXPECT_TRUE(same_weights(again.net, model.net));
  EXPECT_EQ(again.class_names, model.class_names);
  EXPECT_EQ(again.training, model.training);
  EXPECT_EQ(again.preprocessing, "none");
  EXPECT_EQ(again.sha256, sha256(bytes));
  EXPECT_EQ(nn::dump_model(again), bytes);
  EXPECT_EQ(bytes.size() % 4, 0U);
}

TEST(ModelFiles, ThroughTheFileSystem) {
  const testing_data::TemporaryFolder folder;
  const auto path = folder.path() / "m.hans";
  const Model model = small_model();
  const std::string hash = nn::save_model(model, path);
  EXPECT_EQ(read_file(path), nn::dump_model(model));
  const Model again = nn::load_model(path);
  EXPECT_EQ(again.sha256, hash);
  EXPECT_EQ(hash, sha256(read_file(path)));
  EXPECT_TRUE(same_weights(again.net, model.net));
  EXPECT_TRUE(
      contains(testing_data::error_of([&] { (void)nn::load_model(folder.path() / "none.hans"); }), "none.hans"));
}

TEST(ModelFiles, EqualTrainingGivesEqualFiles) {
  std::string pixels;
  std::vector<int> labels;
  for (int i = 0; i < 90; ++i) pixels.push_back(static_cast<char>(static_cast<unsigned char>(i * 37 % 256)));
  for (int i = 0; i < 10; ++i) labels.push_back(i % 3);
  const data::Dataset data("ten", Shape{3, 3, 1}, pixels, labels);
  const auto run = [&] {
    Model model = small_model();
    nn::fit(model.net, data, {.epochs = 2, .batch = 4});
    return nn::dump_model(model);
  };
  const std::string first = run();
  EXPECT_EQ(run(), first);
  EXPECT_NE(first, nn::dump_model(small_model()));
}

TEST(ModelFiles, HoldNothingButTheModel) {
  const Safetensors read = Safetensors::parse(nn::dump_model(small_model()), "f.hans");
  std::vector<std::string> keys;
  for (const auto& entry : read.metadata) keys.push_back(entry.first);
  EXPECT_EQ(keys,
            (std::vector<std::string>{"format", "architecture", "preprocessing", "class_names", "training", "sha256"}));
  EXPECT_EQ(read.tensors.size(), 4U);
}

TEST(ModelFiles, ClassNamesMustFit) {
  Model model = small_model();
  model.class_names.pop_back();
  EXPECT_THROW((void)nn::dump_model(model), Error);
}

// --- damage ----------------------------------------------------------------------------------------

TEST(ModelFiles, EveryFlippedBitIsFound) {
  const std::string bytes = nn::dump_model(small_model());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string changed = bytes;
      changed[at] = static_cast<char>(static_cast<unsigned char>(changed[at]) ^ (1U << bit));
      (void)model_refusal(changed, text("bit ", bit, " of byte ", at));
    }
  }
}

TEST(ModelFiles, EveryCutIsFound) {
  const std::string bytes = nn::dump_model(small_model());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    (void)model_refusal(std::string_view(bytes).substr(0, size), text("cut to ", size));
  }
  (void)model_refusal(bytes + std::string(1, '\0'), "a byte more");
  (void)model_refusal(bytes + bytes, "twice");
}

/// A change of the file's content that keeps its checksum right.
struct Change {
  std::string what;
  std::function<void(Safetensors&)> apply;
};

std::string& entry(Safetensors& f, std::string_view key) {
  for (auto& [name, value] : f.metadata) {
    if (name == key) return value;
  }
  return f.metadata.emplace_back(key, "").second;
}

void erase(Safetensors& f, std::string_view key) {
  std::erase_if(f.metadata, [key](const auto& pair) { return pair.first == key; });
}

TEST(ModelFiles, WrongContentIsRefused) {
  const auto set = [](std::string key, std::string value) {
    return Change{text(key, " = ", value), [=](Safetensors& f) { entry(f, key) = value; }};
  };
  std::vector<Change> changes{
      set("format", "hans model 2"),
      set("format", "hans checkpoint 1"),
      set("format", "two\nlines"),
      set("architecture", ""),
      set("architecture", "3x3x1"),
      set("architecture", "3x3x1;nonsense"),
      set("architecture", "3x3x1;two\nlines"),
      set("architecture", "3x3x1;flatten;linear:units=3"),
      set("architecture", "4x4x1;conv2d:filters=2,kernel=2;relu;flatten;linear:units=3"),
      set("architecture", "3x3x1;conv2d:filters=2,kernel=2;relu;flatten;linear:units=4"),
      set("architecture", "3x3x1;conv2d:filters=2,kernel=2,bias=false;relu;flatten;linear:units=3"),
      set("architecture", "3x3x1;conv2d:filters=2,kernel=2;relu;flatten;linear:units=3;relu;linear:units=3"),
      set("preprocessing", "skale=2"),
      set("preprocessing", "two\nlines"),
      set("class_names", ""),
      set("class_names", "{}"),
      set("class_names", "[\"a\"]"),
      set("class_names", "[1,2,3]"),
      set("class_names", "[\"a\",\"b\",\"c\""),
      set("training", ""),
      set("training", "[]"),
      set("training", "{\"a\":1}"),
      {"another name", [](Safetensors& f) { f.tensors[0].first = "0.weights"; }},
      {"one tensor less", [](Safetensors& f) { f.tensors.pop_back(); }},
      {"one tensor more", [](Safetensors& f) { f.tensors.emplace_back("9.weight", Tensor(Shape{1})); }},
      {"no tensors", [](Safetensors& f) { f.tensors.clear(); }},
      {"another shape", [](Safetensors& f) { f.tensors[0].second = f.tensors[0].second.reshaped({8}); }},
      {"a NaN",
       [](Safetensors& f) { f.tensors[1].second.mutable_data()[0] = std::numeric_limits<float>::quiet_NaN(); }},
      {"an infinity",
       [](Safetensors& f) { f.tensors[3].second.mutable_data()[2] = -std::numeric_limits<float>::infinity(); }},
  };
  for (const char* key : {"format", "architecture", "preprocessing", "class_names", "training"}) {
    changes.push_back({text("no ", key), [key](Safetensors& f) { erase(f, key); }});
  }
  const std::string bytes = nn::dump_model(small_model());
  for (const Change& change : changes) {
    Safetensors content = Safetensors::parse(bytes, "f.hans");
    change.apply(content);
    (void)model_refusal(content.dump(), change.what);
  }
  const Safetensors content = Safetensors::parse(bytes, "f.hans");
  EXPECT_EQ(content.dump(), bytes);  // without a change it is the file
}

TEST(ModelFiles, NoChecksumIsRefused) {
  std::string bytes = nn::dump_model(small_model());
  bytes.replace(bytes.find("\"sha256\""), 8, "\"sha257\"");
  EXPECT_TRUE(contains(model_refusal(bytes, "no checksum"), "checksum"));
}

/// A file of a few bytes must not make the reader take memory for weights and images that it does not hold.
TEST(ModelFiles, AnAbsurdArchitectureTakesNoMemory) {
  const auto most_memory = [] {
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;  // KiB
  };
  const std::string bytes = nn::dump_model(small_model());
  for (const std::string architecture :
       {"3x3x1;flatten;linear:units=2000000",
        "3x3x1;conv2d:filters=50000,kernel=5,padding=4;relu;flatten;linear:units=3",
        "3x3x1;conv2d:filters=1,kernel=1,padding=500;flatten;linear:units=3", "4000x4000x1;flatten;linear:units=3"}) {
    Safetensors content = Safetensors::parse(bytes, "f.hans");
    entry(content, "architecture") = architecture;
    const std::string hostile = content.dump();
    const auto before = most_memory();
    (void)model_refusal(hostile, architecture);
    EXPECT_LT(most_memory() - before, 20000) << architecture << " took memory (KiB)";
  }
}

// --- safetensors -----------------------------------------------------------------------------------

TEST(SafetensorsFiles, OfOthersAreRead) {
  const std::string one("\0\0\x80\x3f", 4);
  const std::string half("\0\0\0\0\0\0\xe0\x3f", 8);
  const Safetensors read = Safetensors::parse(file(R"( {"b" : {"dtype":"F32","shape":[1,2],"data_offsets":[8,16]},
               "a":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"none":{"dtype":"F32","shape":[0,3],)"
                                                   R"("data_offsets":[16,16]}}   )",
                                                   half + one + one),
                                              "other.safetensors");
  EXPECT_TRUE(read.metadata.empty());
  EXPECT_TRUE(identical(read.tensor("b"), Tensor::full({1, 2}, 1)));
  EXPECT_TRUE(identical(read.tensor("a"), Tensor::full({}, 0.5F)));
  EXPECT_EQ(read.tensor("none").shape(), (Shape{0, 3}));
  EXPECT_EQ(read.find("key"), nullptr);
  EXPECT_THROW((void)read.at("key"), Error);
  EXPECT_THROW((void)read.tensor("c"), Error);
  EXPECT_TRUE(Safetensors::parse(file("{}", ""), "empty").tensors.empty());
}

TEST(SafetensorsFiles, DumpedAreReadBack) {
  Safetensors content;
  content.metadata = {{"z", "last\n"}, {"a", "\"quoted\" \\ \u00fc"}, {"", ""}};
  content.tensors = {{"scalar", Tensor::full({}, -0.0F)},
                     {"none", Tensor(Shape{0, 2})},
                     {"tiny", Tensor::full({3}, std::numeric_limits<float>::denorm_min())},
                     {"name with \"quotes\"", Tensor::full({1, 1, 1, 1, 1, 2}, std::numeric_limits<float>::max())}};
  const std::string bytes = content.dump();
  const Safetensors again = Safetensors::parse(bytes, "f");
  ASSERT_EQ(again.tensors.size(), content.tensors.size());
  for (std::size_t k = 0; k < content.tensors.size(); ++k) {
    EXPECT_EQ(again.tensors[k].first, content.tensors[k].first);
    EXPECT_TRUE(identical(again.tensors[k].second, content.tensors[k].second));
  }
  EXPECT_EQ(*again.find("a"), content.metadata[1].second);
  EXPECT_EQ(again.dump(), bytes);
}

TEST(SafetensorsFiles, MalformedAreRefused) {
  const std::string four("\0\0\x80\x3f", 4);
  const auto tensor = [&](std::string_view members, std::string_view data) {
    return file(text("{\"t\":{", members, "}}"), data);
  };
  const std::string nan("\0\0\xc0\x7f", 4);
  const std::string huge("\x9c\x75\x00\x88\x3c\xe4\x37\x7e", 8);  // 1e300 in F64
  const std::vector<std::pair<std::string, std::string>> cases{
      {"nothing", ""},
      {"seven bytes", std::string(7, '\0')},
      {"no header", std::string(8, '\0')},
      {"a header longer than the file", std::string("\xff\0\0\0\0\0\0\0{}", 10)},
      {"an absurd header", std::string(8, '\xff') + "{}"},
      {"a negative header", std::string("\0\0\0\0\0\0\0\x80{}", 10)},
      {"text", "this is not a model"},
      {"an array", file("[]", "")},
      {"a number", file("1", "")},
      {"no JSON", file("{\"t\":}", "")},
      {"not UTF-8", file("{\"\xff\":{}}", "")},
      {"a NUL behind", file(std::string("{}\0", 3), "")},
      {"a tensor that is a number", file("{\"t\":1}", "")},
      {"metadata that is a list", file("{\"__metadata__\":[]}", "")},
      {"metadata that holds a number", file("{\"__metadata__\":{\"a\":1}}", "")},
      {"metadata twice", file("{\"__metadata__\":{},\"__metadata__\":{}}", "")},
      {"a wrong checksum", file("{\"__metadata__\":{\"sha256\":\"00\"}}", "")},
      {"no type", tensor(R"("shape":[1],"data_offsets":[0,4])", four)},
      {"no shape", tensor(R"("dtype":"F32","data_offsets":[0,4])", four)},
      {"no offsets", tensor(R"("dtype":"F32","shape":[1])", four)},
      {"a type that is not read", tensor(R"("dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4])", four)},
      {"integers", tensor(R"("dtype":"U32","shape":[1],"data_offsets":[0,4])", four)},
      {"a type of two lines", tensor(R"("dtype":"F\n32","shape":[1],"data_offsets":[0,4])", four)},
      {"a type that is no text", tensor(R"("dtype":32,"shape":[1],"data_offsets":[0,4])", four)},
      {"a shape that is a number", tensor(R"("dtype":"F32","shape":1,"data_offsets":[0,4])", four)},
      {"a negative extent", tensor(R"("dtype":"F32","shape":[-1],"data_offsets":[0,4])", four)},
      {"half an extent", tensor(R"("dtype":"F32","shape":[0.5],"data_offsets":[0,4])", four)},
      {"an extent as text", tensor(R"("dtype":"F32","shape":["1"],"data_offsets":[0,4])", four)},
      {"an absurd extent", tensor(R"("dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4])", four)},
      {"absurd extents", tensor(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,4])", four)},
      {"extents that wrap to 1",
       tensor(R"("dtype":"F32","shape":[6700417,641,4294967297,1],"data_offsets":[0,4])", four)},
      {"more numbers than bytes", tensor(R"("dtype":"F32","shape":[2],"data_offsets":[0,4])", four)},
      {"fewer numbers than bytes", tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,8])", four + four)},
      {"seven extents", tensor(R"("dtype":"F32","shape":[1,1,1,1,1,1,1],"data_offsets":[0,4])", four)},
      {"one offset", tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0])", four)},
      {"three offsets", tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4,4])", four)},
      {"a negative offset", tensor(R"("dtype":"F32","shape":[1],"data_offsets":[-4,0])", four)},
      {"turned offsets", tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,0])", four)},
      {"an offset behind the end", tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])", four)},
      {"an absurd offset", tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,1e99])", four)},
      {"the largest offsets",
       tensor(R"("dtype":"F32","shape":[1],"data_offsets":[9223372036854775803,9223372036854775807])", four)},
      {"three bytes", tensor(R"("dtype":"F32","shape":[0],"data_offsets":[0,3])", "abc")},
      {"a gap before", tensor(R"("dtype":"F32","shape":[1],"data_offsets":[4,8])", four + four)},
      {"bytes behind", tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])", four + four)},
      {"a NaN", tensor(R"("dtype":"F32","shape":[1],"data_offsets":[0,4])", nan)},
      {"too large for F32", tensor(R"("dtype":"F64","shape":[1],"data_offsets":[0,8])", huge)},
      {"the same bytes twice",
       file(
           R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})",
           four)},
      {"an overlap",
       file(
           R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
           four + four + four)},
      {"a gap between",
       file(
           R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})",
           four + four + four)},
      {"a name twice",
       file(
           R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
           four + four)},
      {"a name of two lines", file(R"({"a\nb":{"dtype":"U16","shape":[1],"data_offsets":[0,2]}})", "ab")},
  };
  for (const auto& [what, bytes] : cases) (void)tensors_refusal(bytes, what);
}

TEST(SafetensorsFiles, TheHeaderMayBePadded) {
  const std::string padded = Safetensors{}.dump();
  EXPECT_EQ(padded.size() % 8, 0U);
}

}  // namespace
}  // namespace hans::model_file_test
