// A command with the golden network beside it, and edits of manifests that must be noticed.
#pragma once

#include <filesystem>
#include <string>

#include <hans/core/json.hpp>
#include "../../apps/manifest/manifest.hpp"

#include "cli_testing.hpp"
#include "manifest_testing.hpp"

namespace cli_manifest {

using namespace hans;

inline const std::string golden = HANS_SOURCE_DIR "/tests/golden/";

class CliManifest : public cli::Test {
 protected:
  void SetUp() override {
    cli::Test::SetUp();
    if (!IsSkipped()) std::filesystem::copy_file(golden + "linear.hans", folder_ / "linear.hans");
  }

  void benchmark(std::string_view rest, std::string_view out) {
    const cli::Outcome outcome = hans(text("benchmark linear.hans --data mnist-5k --quiet --out ", out, " ", rest));
    EXPECT_TRUE(outcome.code == 0 || outcome.code == 3) << rest << outcome.err;
  }

  /// Why it is refused; empty if it is not.
  static std::string refusal(const Json& manifest) {
    try {
      apps::parse_manifest(manifest.dump());
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }

  /// Expects each of these edits to be noticed: by whoever reads the file, or by running it again.
  void expect_noticed(const Json& manifest, std::string_view half, std::size_t least) {
    const Json &result = manifest.at("result"), &judgement = manifest.at("judgement");
    std::size_t edits = 0, by_running = 0;
    manifests::for_each_edit(manifest.at(half), std::string(half), [&](const std::string& where, const Json& edited) {
      const bool of_result = half == "result";
      const Json lie = manifests::with_hashes(manifest, of_result ? edited : result, of_result ? judgement : edited);
      if (lie.dump() == manifest.dump()) return;  // the judgement's hash, which was made to fit
      ++edits;
      if (!refusal(lie).empty()) return;
      ++by_running;
      write("lie.json", lie.dump());
      const cli::Outcome outcome = hans("reproduce lie.json --quiet --threads 1");
      EXPECT_EQ(outcome.code, 1) << where << "\n" << outcome.out << outcome.err;
      const bool elsewhere = outcome.err.starts_with("hans: the manifest is about ");  // another model, other data
      EXPECT_TRUE(elsewhere || outcome.out.find("different:\n  ") != std::string::npos) << where << "\n" << outcome.out;
    });
    EXPECT_GT(edits, least);
    EXPECT_GT(by_running, 5U);
    EXPECT_LT(by_running, edits / 3);
  }
};

}  // namespace cli_manifest
