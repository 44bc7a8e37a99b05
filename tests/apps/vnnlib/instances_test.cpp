// Lists of instances as VNN-COMP writes them.
#include <gtest/gtest.h>

#include <hans/core/error.hpp>

#include "../../../apps/vnnlib/instances.hpp"

namespace hans::vnnlib_instances_test {
namespace {

using apps::vnnlib::Instance;
using apps::vnnlib::read_instances;

TEST(VnnlibInstances, AreReadFromTheFolderOfTheirList) {
  const std::vector<Instance> found = read_instances(
      "onnx/a.onnx,vnnlib/p 1.vnnlib,120.0\r\n\n  /abs/b.onnx , ../q.vnnlib , 1e1 \n\t\r\nc.onnx,r.vnnlib,300",
      "lists/l.csv");
  ASSERT_EQ(found.size(), 3);
  EXPECT_EQ(found[0].model, "lists/onnx/a.onnx");
  EXPECT_EQ(found[0].property, "lists/vnnlib/p 1.vnnlib");
  EXPECT_EQ(found[0].timeout, 120);
  EXPECT_EQ(found[1].model, "/abs/b.onnx");
  EXPECT_EQ(found[1].property, "lists/../q.vnnlib");
  EXPECT_EQ(found[1].timeout, 10);
  EXPECT_EQ(found[2].model, "lists/c.onnx");
  EXPECT_EQ(read_instances("a,b,1", "l.csv")[0].model, "a");
}

TEST(VnnlibInstances, AreRefusedByLine) {
  struct Row {
    std::string_view csv, message;
  };
  const Row rows[] = {
      {"", "l.csv: no instances; write lines of model,property,seconds"},
      {"\n \r\n", "l.csv: no instances; write lines of model,property,seconds"},
      {"a", "l.csv, line 1: write model,property,seconds, not 1 field"},
      {"a,b,1\n\na,b", "l.csv, line 3: write model,property,seconds, not 2 fields"},
      {"a,b,1,c", "l.csv, line 1: write model,property,seconds, not 4 fields"},
      {",b,1", "l.csv, line 1: the name of the model is missing"},
      {"a, ,1", "l.csv, line 1: the name of the property is missing"},
      {"a,b,", "l.csv, line 1: '' is no number of seconds above 0"},
      {"onnx,vnnlib,timeout", "l.csv, line 1: 'timeout' is no number of seconds above 0"},
      {"a,b,0", "l.csv, line 1: '0' is no number of seconds above 0"},
      {"a,b,-1", "l.csv, line 1: '-1' is no number of seconds above 0"},
      {"a,b,inf", "l.csv, line 1: 'inf' is no number of seconds above 0"},
      {"a,b,1e999", "l.csv, line 1: '1e999' is no number of seconds above 0"},
      {"\"a\",b,1", "l.csv, line 1: '\"a\",b,1' has a quote or a control character"},
      {std::string_view("a\0,b,1", 6), "l.csv, line 1: 'a\\x00,b,1' has a quote or a control character"},
  };
  for (const Row& row : rows) {
    try {
      read_instances(row.csv, "l.csv");
      ADD_FAILURE() << row.csv;
    } catch (const Error& error) {
      EXPECT_EQ(error.what(), row.message);
    }
  }
}

}  // namespace
}  // namespace hans::vnnlib_instances_test
