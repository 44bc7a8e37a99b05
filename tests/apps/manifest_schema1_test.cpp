// Manifests of hans 1.0.0.
#include <gtest/gtest.h>

#include <hans/core/json.hpp>
#include "../../apps/manifest/manifest.hpp"

#include "cli_manifest_testing.hpp"

namespace hans::manifest_schema1_test {
namespace {

using apps::Manifest;
using cli_manifest::CliManifest;
using cli_manifest::golden;
using CliSchemaOne = CliManifest;
using SlowSchemaOne = CliManifest;

// Made by hans 1.0.0 and never to be made again.
TEST_F(SlowSchemaOne, IsReadForGood) {
  struct Row {
    const char* file;
    int code;
    std::string_view today;
  };
  for (const Row& row :
       {Row{"linear-1.0.0.json", 0, "Verdict: RELIABLE"},
        Row{"linear-1.0.0-targets.json", 0, "Verdict: UNCHECKED (nothing was probed: the attack has targets)"},
        Row{"linear-1.0.0-at.json", 0, "Verdict: RELIABLE"}, Row{"linear-1.0.0-composite.json", 0, "Verdict: RELIABLE"},
        Row{"linear-1.0.0-weak.json", 3, "Verdict: UNRELIABLE"}}) {
    SCOPED_TRACE(row.file);
    const std::string file = golden + row.file;
    const Manifest manifest = apps::read_manifest(file);
    EXPECT_EQ(manifest.former, "RELIABLE");
    const std::size_t count = manifest.run.found.size();
    const cli::Outcome all = hans(text("reproduce ", file, " --quiet"));
    EXPECT_EQ(all.code, row.code) << all.out << all.err;
    EXPECT_NE(all.out.find(text("identical: all ", count, " images have the same bits, result ", manifest.name)),
              std::string::npos)
        << all.out;
    const cli::Outcome some = hans(text("reproduce ", file, " --quiet --quick 7"));
    EXPECT_EQ(some.code, row.code) << some.err;
    EXPECT_NE(some.out.find(text("identical: 7 of ", count, " images")), std::string::npos) << some.out;
    for (const std::string& said : {all.out, some.out}) {
      EXPECT_NE(said.find("hans 1.0.0 said RELIABLE."), std::string::npos) << said;
      EXPECT_NE(said.find(row.today), std::string::npos) << said;
    }
    output(text("report ", file, " --out r.md"));
    EXPECT_NE(bytes("r.md").find("RELIABLE (hans 1.0.0)"), std::string::npos);
    const std::string shown = output(text("show ", file));
    EXPECT_NE(shown.find("hans 1.0.0 said RELIABLE."), std::string::npos);
    EXPECT_EQ(shown.find("Verdict: RELIABLE"), shown.npos) << shown;
  }
}

// What 1.0.0 measured is compared all the same.
TEST_F(CliSchemaOne, CannotLieEither) {
  const Json old = Json::parse(read_file(golden + "linear-1.0.0-targets.json"));
  struct Row {
    std::string from, to, part;
  };
  for (const Row& row : std::vector<Row>{{R"("seed":0)", R"("seed":1)", "different:"},
                                         {R"("classes":10)", R"("classes":11)", "its attempts are not those"},
                                         {R"("data_size":500)", R"("data_size":501)", "different:"},
                                         {R"("attempts":22)", R"("attempts":23)", "does not follow"}}) {
    std::string bad = old.at("result").dump();
    const std::size_t at = bad.find(row.from);
    ASSERT_NE(at, std::string::npos) << row.from;
    bad.replace(at, row.from.size(), row.to);
    write("bad.json", manifests::with_hashes(old, Json::parse(bad), {}).dump());
    const cli::Outcome outcome = hans("reproduce bad.json --quiet");
    EXPECT_EQ(outcome.code, 1) << row.to;
    EXPECT_NE((outcome.out + outcome.err).find(row.part), std::string::npos) << row.to << outcome.out << outcome.err;
  }
}

}  // namespace
}  // namespace hans::manifest_schema1_test
