// NumPy's files: single arrays (.npy), archives of them (.npz), and the ZIP format below.
#include <hans/data/npy.hpp>

#include <array>
#include <bit>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include <hans/core/hash.hpp>
#include <hans/data/npz.hpp>
#include "../../data/detail/bytes.hpp"
#include "../../data/detail/checksum.hpp"
#include "../../data/detail/deflate.hpp"
#include "../../data/detail/zip.hpp"

#include "data_testing.hpp"

namespace hans::data::npy_test {
namespace {

using testing_data::error_of;
using testing_data::from_hex;
using testing_data::noise;

constexpr std::uint64_t most = 1 << 24;

std::string npy(std::string_view header, std::string_view content, int version = 1) {
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  version == 1 ? put_little(file, static_cast<std::uint16_t>(header.size()))
               : put_little(file, static_cast<std::uint32_t>(header.size()));
  file += header;
  return file += content;
}

std::string header(std::string_view descr, std::string_view shape, std::string_view fortran = "False") {
  return text("{'descr': '", descr, "', 'fortran_order': ", fortran, ", 'shape': ", shape, ", }  \n");
}

using Integers = std::vector<std::int64_t>;

TEST(Npy, ReadsIntegersOfEveryWidthAndOrder) {
  struct Case {
    const char *descr, *content;
    std::int64_t first, second;
  };
  for (const Case& test : {
           Case{"|b1", "00 01", 0, 1},
           Case{"|b1", "00 ff", 0, 1},
           Case{"|i1", "7f 80", 127, -128},
           Case{"<i1", "01 ff", 1, -1},
           Case{"<i2", "0100 ffff", 1, -1},
           Case{">i2", "0001 8000", 1, -32768},
           Case{"<i4", "01000000 00000080", 1, std::numeric_limits<std::int32_t>::min()},
           Case{">i4", "01020304 ffffffff", 0x01020304, -1},
           Case{"<i8", "0100000000000000 0000000000000080", 1, std::numeric_limits<std::int64_t>::min()},
           Case{">i8", "0102030405060708 ffffffffffffffff", 0x0102030405060708, -1},
           Case{"|u1", "01 ff", 1, 255},
           Case{"<u2", "0100 ffff", 1, 65535},
           Case{">u4", "00000001 ffffffff", 1, 4294967295},
           Case{"<u8", "0100000000000000 ffffffffffffff7f", 1, std::numeric_limits<std::int64_t>::max()},
       }) {
    const Array array = read_npy(npy(header(test.descr, "(2,)"), from_hex(test.content)));
    EXPECT_EQ(array.shape, Shape{2}) << test.descr;
    EXPECT_EQ(array.integers(), (Integers{test.first, test.second})) << test.descr << " " << test.content;
  }
}

TEST(Npy, ReadsNumbersAndText) {
  EXPECT_EQ(read_npy(npy(header("<f4", "(2,)"), from_hex("0000803f 00000080"))).floats(),
            (std::vector<float>{1.0f, -0.0f}));
  EXPECT_EQ(read_npy(npy(header(">f4", "(1,)"), from_hex("3f800000"))).doubles(), std::vector<double>{1.0});
  EXPECT_EQ(read_npy(npy(header("<f8", "(1,)"), from_hex("000000000000f03f"))).doubles(), std::vector<double>{1.0});
  EXPECT_EQ(read_npy(npy(header(">f8", "(1,)"), from_hex("3ff0000000000000"))).doubles(), std::vector<double>{1.0});
  EXPECT_EQ(read_npy(npy(header("<U3", "()"), from_hex("61000000 e9000000 00000000"))).text(), "a\xc3\xa9");
  EXPECT_EQ(read_npy(npy(header(">U2", "()"), from_hex("00000061 0001f600"))).text(), "a\xf0\x9f\x98\x80");
  EXPECT_EQ(read_npy(npy(header("|S4", "()"), from_hex("61620000"))).text(), "ab");
  EXPECT_EQ(read_npy(npy(header("|S2", "()"), from_hex("0000"))).text(), "");
}

TEST(Npy, ReadsShapesOrdersAndVersions) {
  const std::string six = from_hex("000102030405");
  EXPECT_EQ(read_npy(npy(header("|u1", "(2, 3)"), six)).integers(), (Integers{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(read_npy(npy(header("|u1", "(2, 3)", "True"), six)).integers(), (Integers{0, 2, 4, 1, 3, 5}));
  EXPECT_EQ(read_npy(npy(header("|u1", "(1, 3, 2, 1)", "True"), six)).integers(), (Integers{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(read_npy(npy(header("|u1", "()", "True"), "a")).integers(), Integers{97});
  EXPECT_EQ(read_npy(npy(header("<f4", "(0, 28, 28)", "True"), "")).floats(), std::vector<float>{});
  EXPECT_EQ(read_npy(npy(header("|u1", "(6L,)"), six)).shape, Shape{6});  // by Python 2
  EXPECT_EQ(read_npy(npy(header("|u1", "(6,)"), six, 2)).shape, Shape{6});
  EXPECT_EQ(read_npy(npy(header("|u1", "(6,)"), six, 3)).shape, Shape{6});
  EXPECT_EQ(read_npy(npy("{\"shape\":(3,2),\"fortran_order\":False,\"descr\":\"|u1\"}", six)).shape, (Shape{3, 2}));
}

TEST(Npy, RefusesBrokenFiles) {
  struct Case {
    std::string file;
    const char* message;
  };
  const std::string good = npy(header("|u1", "(3,)"), "abc");
  const std::vector<Case> table{
      {"", "not an NPY file"},
      {"PK\x03\x04 and so on", "not an NPY file"},
      {good.substr(0, 9), "not an NPY file"},
      {npy(header("|u1", "(3,)"), "abc", 4), "format version 4"},
      {good.substr(0, 20), "bytes long but only 10 bytes follow"},
      {from_hex("934e554d50590200ffff"), "header ends too early"},
      {from_hex("934e554d50590200ffffffff"), "4294967295 bytes long but only 0"},
      {good.substr(0, good.size() - 1), "promises 3 elements of 1 bytes but 2 bytes follow"},
      {good + "d", "promises 3 elements of 1 bytes but 4 bytes follow"},
      {npy(header("<i4", "(1,)"), "abc"), "promises 1 elements of 4 bytes but 3"},
      {npy(header("|u1", "(0, 3)"), "a"), "promises 0x3 elements"},
      {npy(header("<c8", "(1,)"), "01234567"), "elements of type '<c8'"},
      {npy(header("<f2", "(1,)"), "01"), "elements of type '<f2'"},
      {npy(header("<i3", "(1,)"), "012"), "elements of type '<i3'"},
      {npy(header("|i4", "(1,)"), "0123"), "elements of type '|i4'"},
      {npy(header("=i4", "(1,)"), "0123"), "elements of type '=i4'"},
      {npy(header("|O", "(1,)"), "01234567"), "elements of type '|O'"},
      {npy(header("<U0", "()"), ""), "elements of type '<U0'"},
      {npy(header("<U9999999999", "(0,)"), ""), "elements of type '<U9999999999'"},
      {npy(header("<U-1", "()"), ""), "elements of type '<U-1'"},
      {npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "0123"), "no ''' where one belongs"},
      {npy("{'descr': '|u1', 'fortran_order': False}", ""), "lacks descr, fortran_order or shape"},
      {npy("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': ()}", "a"), "unknown or second 'descr'"},
      {npy("{'descr': '|u1', 'order': False, 'shape': ()}", "a"), "unknown or second 'order'"},
      {npy("{'descr': '|u1', 'fortran_order': 0, 'shape': ()}", "a"), "no 'False'"},
      {npy(header("|u1", "()") + "x", "a"), "goes on after its closing brace"},
      {npy("{'descr': '|u1", "a"), "a text without an end"},
      {npy("", ""), "no '{'"},
      {npy(header("|u1", "(1 2)"), "a"), "no ')'"},
      {npy(header("|u1", "(-1,)"), "a"), "no number or too large"},
      {npy(header("|u1", "(1.5,)"), "a"), "no ')'"},
      {npy(header("|u1", "(18446744073709551616,)"), "a"), "no number or too large"},
      {npy(header("<f8", "(4294967296, 4294967296)"), "a"), "more elements than memory"},
      {npy(header("<f8", "(1000000000000,)"), "a"), "promises 1000000000000 elements of 8 bytes but 1"},
      {npy(header("|u1", "(1, 1, 1, 1, 1, 1, 1)"), "a"), "more than 6 dimensions"},
  };
  for (const Case& broken : table) {
    const std::string message = error_of([&] { read_npy(broken.file); });
    EXPECT_NE(message.find(broken.message), std::string::npos) << broken.message << ": " << message;
  }
}

TEST(Npy, ConvertsOnlyWhatFits) {
  const Array f = Array::of({1}, std::vector<float>{1.5f}), d = Array::of({1}, std::vector<double>{1.5}),
              t = Array::of("x");
  EXPECT_EQ(error_of([&] { f.integers(); }), "the array has elements of type float32, not integers");
  EXPECT_EQ(error_of([&] { d.floats(); }), "the array has elements of type float64, not float32");
  EXPECT_EQ(error_of([&] { t.doubles(); }), "the array has elements of type text, not float32 or float64");
  EXPECT_EQ(error_of([&] { f.text(); }), "the array is 1 of float32, not a single text");
  const Array large = read_npy(npy(header("<u8", "(1,)"), from_hex("0000000000000080")));
  EXPECT_EQ(error_of([&] { large.integers(); }), "the array holds 9223372036854775808, which is too large");
  for (const char* code : {"00d80000", "ffdf0000", "00001100", "ffffffff"}) {
    const Array wrong = read_npy(npy(header("<U1", "()"), from_hex(code)));
    EXPECT_NE(error_of([&] { wrong.text(); }).find("which is no character"), std::string::npos) << code;
  }
  EXPECT_EQ(error_of([] { Array::of("a\xff"); }), "the text to be stored is not UTF-8");
  EXPECT_EQ(error_of([] { Array::of({2}, std::vector<float>{1.0f}); }), "an array of 2 needs 2 values, not 1");
  Array wrong = f;
  wrong.shape = {2};
  EXPECT_EQ(error_of([&] { write_npy(wrong); }), "an array of 2 float32 cannot have 4 bytes");
}

TEST(Npy, WritesWhatNumpyWrites) {
  // numpy.save of array([[1., 2.]], dtype='<f4'), up to the padding, which differs between its versions.
  std::string expected =
      from_hex("934e554d50590100 7600") + "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
  expected.append(127 - expected.size(), ' ');
  expected += '\n' + from_hex("0000803f 00000040");
  EXPECT_EQ(write_npy(Array::of({1, 2}, std::vector<float>{1.0f, 2.0f})), expected);
}

TEST(Npy, ComesBackUnchanged) {
  const std::vector<float> floats{0.1f, -0.0f, std::numeric_limits<float>::infinity()};
  EXPECT_EQ(read_npy(write_npy(Array::of({3, 1}, floats))).floats(), floats);
  const std::vector<double> doubles{0.1, -1e300};
  EXPECT_EQ(read_npy(write_npy(Array::of({2}, doubles))).doubles(), doubles);
  const Integers integers{-1, 0, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()};
  EXPECT_EQ(read_npy(write_npy(Array::of({2, 2, 1}, integers))).integers(), integers);
  const std::vector<std::uint8_t> bytes{0, 255};
  EXPECT_EQ(read_npy(write_npy(Array::of({1, 1, 1, 1, 1, 2}, bytes))).integers(), (Integers{0, 255}));
  EXPECT_EQ(read_npy(write_npy(Array::of({0, 4}, std::vector<float>{}))).shape, (Shape{0, 4}));
  for (const char* text : {"", "a", "fgsm:eps=0.3", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"}) {
    EXPECT_EQ(read_npy(write_npy(Array::of(text))).text(), text);
  }
  // The data begin at a multiple of 64 bytes whatever the length of the shape.
  for (std::size_t extent = 1; extent < 100000000; extent *= 10) {
    EXPECT_EQ(write_npy(Array::of({0, extent}, std::vector<float>{})).size() % 64, 0u) << extent;
  }
}

const std::vector<std::pair<std::string, std::string>>& entries() {
  static const std::vector<std::pair<std::string, std::string>> all{
      {"a", "first"}, {"folder/b", ""}, {"c", noise(1000, 3, 1)}};
  return all;
}

// One deflated entry, as an archiver with data descriptors writes it: no sizes before the data.
std::string deflated_zip(std::string_view name, std::string_view content, std::uint32_t size, std::uint16_t method = 8,
                         std::uint16_t flags = 8) {
  const std::string packed = deflate(content);
  std::string file = "PK\x03\x04";
  for (const unsigned field : {20u, unsigned{flags}, unsigned{method}, 0u, 0x21u, 0u, 0u, 0u, 0u, 0u, 0u})
    put_little(file, static_cast<std::uint16_t>(field));
  put_little(file, static_cast<std::uint16_t>(name.size()));
  put_little(file, std::uint16_t{0});
  file += name;
  file += packed;
  file += "PK\x07\x08";
  for (const std::size_t field : {std::size_t{crc32(content)}, packed.size(), content.size()})
    put_little(file, static_cast<std::uint32_t>(field));
  const std::size_t begin = file.size();
  file += "PK\x01\x02";
  for (const unsigned field : {20u, 20u, unsigned{flags}, unsigned{method}, 0u, 0x21u})
    put_little(file, static_cast<std::uint16_t>(field));
  for (const std::size_t field : {std::size_t{crc32(content)}, packed.size(), std::size_t{size}})
    put_little(file, static_cast<std::uint32_t>(field));
  put_little(file, static_cast<std::uint16_t>(name.size()));
  file.append(16, '\0');
  file += name;
  const std::size_t length = file.size() - begin;
  file += "PK\x05\x06" + from_hex("00000000 0100 0100");
  for (const std::size_t field : {length, begin}) put_little(file, static_cast<std::uint32_t>(field));
  return file += from_hex("0700") + "comment";
}

TEST(Zip, ComesBackUnchanged) {
  for (const std::uint64_t zip64_from : {0xffffffffu, 500u, 0u}) {
    const std::string file = write_zip(entries(), zip64_from);
    const std::vector<ZipEntry> directory = read_zip_directory(file);
    ASSERT_EQ(directory.size(), entries().size());
    for (std::size_t k = 0; k < directory.size(); ++k) {
      EXPECT_EQ(directory[k].name, entries()[k].first);
      EXPECT_EQ(read_zip_entry(file, directory[k], 1000), entries()[k].second);
    }
    EXPECT_EQ(error_of([&] { read_zip_entry(file, directory[2], 999); }),
              "'c' in the ZIP archive has 1000 bytes; at most 999 are allowed");
  }
  EXPECT_EQ(write_zip(entries()), write_zip(entries()));
  EXPECT_EQ(read_zip_directory(write_zip({})).size(), 0u);
}

TEST(Zip, ReadsDeflatedEntries) {
  const std::string content = noise(5000, 4, 3), file = deflated_zip("a", content, 5000);
  const std::vector<ZipEntry> directory = read_zip_directory(file);
  ASSERT_EQ(directory.size(), 1u);
  EXPECT_EQ(read_zip_entry(file, directory[0], most), content);
}

TEST(Zip, RefusesBrokenArchives) {
  const std::string good = write_zip({{"abc", "content"}}), good64 = write_zip({{"abc", "content"}}, 0);
  const std::size_t directory = 30 + 3 + 7, end = good.size() - 22, directory64 = 30 + 3 + 20 + 7,
                    locator64 = good64.size() - 42;
  const auto changed = [](std::string file, std::size_t at, std::string_view bytes) {
    return file.replace(at, bytes.size(), bytes);
  };
  struct Case {
    std::string file;
    const char* message;
  };
  const std::vector<Case> table{
      {"", "not a ZIP archive"},
      {std::string(100000, 'x'), "end record is missing"},
      {good.substr(0, good.size() - 1), "end record is missing"},
      {good.substr(0, 60), "end record is missing"},
      {good + "x", "end record is missing"},
      {changed(good, end + 4, "\x01"), "split over several files"},
      {changed(good, end + 10, "\x02"), "cannot have 2 entries"},
      {changed(good, end + 12, "\xff"), "directory lies outside"},
      {changed(good, end + 16, "\xff"), "directory lies outside"},
      {changed(good, end + 16, "\x01"), "entry 0 of its directory is missing"},
      {changed(good, directory, "x"), "entry 0 of its directory is missing"},
      {changed(good, directory + 8, "\x01"), "encrypted"},
      {changed(good, directory + 10, "\x0c"), "compression method 12"},
      {changed(good, directory + 16, "xxxx"), "checksum is wrong"},
      {changed(good, directory + 20, "\x06"), "two lengths"},
      {changed(good, directory + 20, "\x08\0\0\0\x08"), "two lengths"},
      {changed(good, directory + 20, std::string_view("\x09\0\0\0\x09\0\0\0", 8)), "checksum is wrong"},
      {changed(good, directory + 20, "\xff\xff\xff\x0f\xff\xff\xff\x0f"), "allowed"},
      {changed(good, directory + 20, std::string_view("\xff\xff\x0f\0\xff\xff\x0f\0", 8)), "ends after the file does"},
      {changed(good, directory + 28, "\xff\xff"), "cut short"},
      {changed(good, directory + 42, "\x01"), "its header is missing"},
      {changed(good, directory + 42, "\xff\xff"), "header lies outside the file"},
      {changed(good, directory + 42, "\xff\xff\xff\xff"), "header lies outside the file"},
      {changed(good, 0, "x"), "its header is missing"},
      {changed(good, 26, "\xff\xff"), "its header has another name"},
      {changed(good, 30, "x"), "its header has another name"},
      {changed(good, 34, "x"), "checksum is wrong"},
      {changed(good64, locator64 + 8, "\xff\xff\xff\xff\xff\xff\xff\xff"), "64-bit end record is missing"},
      {changed(good64, locator64 + 8, "\x01"), "64-bit end record is missing"},
      {changed(good64, directory64 + 49, "\x02"), "allowed"},  // the 64-bit field is not recognised
      {changed(good64, directory64 + 51, "\x10"), "a 64-bit number of 'abc' is missing"},
      {changed(good64, directory64 + 51, "\xff"), "an extra field of 'abc' is too long"},
      {changed(good64, directory64 + 53 + 16, "\xff\xff\xff\xff\xff\xff\xff\xff"), "header lies outside the file"},
      {deflated_zip("abc", "content", 6), "more than the 6 bytes"},
      {deflated_zip("abc", "content", 8), "lengths do not fit"},
      {deflated_zip("abc", "content", 7, 0), "two lengths"},
      {deflated_zip("abc", "content", 7, 8, 9), "encrypted"},
      {deflated_zip("abc", std::string(1 << 20, 'x'), 1 << 30), "allowed"},  // a bomb
  };
  for (const Case& broken : table) {
    const std::string message = error_of([&] {
      for (const ZipEntry& entry : read_zip_directory(broken.file)) read_zip_entry(broken.file, entry, most);
    });
    EXPECT_NE(message.find(broken.message), std::string::npos) << broken.message << ": " << message;
  }
  EXPECT_EQ(error_of([] { write_zip({{"", "content"}}); }), "an entry of a ZIP archive cannot have a name of 0 bytes");
}

TEST(Zip, FindsEveryFlippedBitThatMatters) {
  const std::string good = write_zip({{"abc", "content"}});
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    std::string file = good;
    file[bit / 8] = static_cast<char>(static_cast<unsigned char>(file[bit / 8]) ^ 1u << bit % 8);
    std::string content = "content";
    error_of([&] {
      for (const ZipEntry& entry : read_zip_directory(file)) content = read_zip_entry(file, entry, most);
    });
    EXPECT_EQ(content, "content") << "bit " << bit;
  }
}

TEST(Npz, HoldsNamedArrays) {
  const std::string file = write_npz({{"images", Array::of({1, 2}, std::vector<float>{0.5f, 1.0f})},
                                      {"labels", Array::of({1}, Integers{7})},
                                      {"spec", Array::of("fgsm:eps=0.3")}});
  EXPECT_EQ(npz_names(file), (std::vector<std::string>{"images", "labels", "spec"}));
  EXPECT_EQ(read_npz(file, "images").floats(), (std::vector<float>{0.5f, 1.0f}));
  EXPECT_EQ(read_npz(file, "labels").integers(), Integers{7});
  EXPECT_EQ(read_npz(file, "spec").text(), "fgsm:eps=0.3");
  EXPECT_EQ(sha256(file), "bae9655e480223ea681c9db80400614e053a7b889bc0fb0a97847610c3fe4a12");

  EXPECT_EQ(error_of([&] { read_npz(file, "image"); }),
            "there is no array 'image' in the file; it holds 'images', 'labels', 'spec'");
  EXPECT_EQ(error_of([] { read_npz(write_npz({}), "a"); }), "there is no array 'a' in the file; it holds none");
  EXPECT_EQ(error_of([] {
              read_npz(write_zip({{"a.npy", "x"}, {"a.npy", "x"}}), "a");
            }),
            "the file holds two arrays 'a'");
  EXPECT_EQ(error_of([] { read_npz(write_zip({{"a.npy", "x"}}), "a"); }), "array 'a': not an NPY file");
  EXPECT_NE(error_of([&] { read_npz(file, "images", 100); }).find("at most 100 are allowed"), std::string::npos);
  const std::string deflated = write_npy(Array::of({3}, Integers{1, 2, 3}));
  EXPECT_EQ(read_npz(deflated_zip("x.npy", deflated, static_cast<std::uint32_t>(deflated.size())), "x").integers(),
            (Integers{1, 2, 3}));
}

}  // namespace
}  // namespace hans::data::npy_test
