// hans report of certificates: curve, histogram and tables by hand, and files that lie.
#include "../../../apps/report/publication.hpp"

#include <gtest/gtest.h>

#include <hans/core/version.hpp>

#include "../../data/data_testing.hpp"
#include "../cli_testing.hpp"
#include "../manifest_testing.hpp"

namespace hans::certified_report_test {
namespace {

using apps::Certification;
using apps::CertifiedFile;
using defenses::Certainty;
using testing_data::contains;
using testing_data::error_of;

std::size_t count(std::string_view in, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = in.find(part); at != std::string_view::npos; at = in.find(part, at + 1)) ++found;
  return found;
}

constexpr const char* hostile = "<script>alert(1)</script>`b`**c**|d.onnx";

apps::Subject subject() {
  return {hostile, std::string(64, 'a'), "4x4x1;flatten;linear:units=3", "none", "digits", std::string(64, 'b'), 50,
          {0, 1}};
}

/// Six images, in 1/1024: both radii next to each other, far apart, only one of both, none, and another pair.
apps::RadiiPart radii() {
  apps::RadiiPart part{subject(), {0, 6, 6}, {.eps = 0.0F}};
  part.attacks = {"pgd:steps=3"};
  part.found.all = {{0, 1, 1, 100, 101}, {1, 2, 2, 50, 200}, {2, 0, 0, {}, 30},
                    {3, 1, 1, 300, {}},  {4, 1, 2, {}, {}},  {5, 0, 0, 100, 128}};
  return part;
}

/// Six images in a ball: how many are certified by crown, attacked by the attack, unknown; one is wrong.
apps::BallCounts ball(float eps, std::size_t certified, std::size_t attacked) {
  apps::BallCounts counts{{.eps = eps}};
  counts.asked.first = attacks::Attack::from_spec(Spec::parse(text("fgsm:eps=", eps))).resolved({0, 1});
  counts.verdicts = {certified, attacked, 5 - certified - attacked, 1};
  counts.certified_by = {0, certified, 0, 0};
  counts.attacked_by[0] = attacked;
  return counts;
}

std::vector<apps::BallCounts> some_balls() { return {ball(0.1F, 3, 1), ball(0.05F, 4, 0), ball(0.2F, 1, 4)}; }

std::string counts_json(std::span<const apps::BallCounts> balls) {
  return apps::certified_json(subject(), balls, {}).dump();
}

CertifiedFile of_counts(const std::string& json, const std::string& name = "c.json") {
  return {name, std::string(64, 'c'), apps::parse_certified(json)};
}

CertifiedFile of_radii(const apps::RadiiPart& part, const std::string& name = "r.json") {
  return {name, std::string(64, 'd'), {}, apps::parse_radii(whole_json(part).dump())};
}

apps::Published published(std::vector<CertifiedFile> files) {
  apps::Published all;
  all.files = std::move(files);
  all.certified = apps::certifications(all.files, {});
  return all;
}

TEST(CertifiedReport, EndsByRadiusAreThoseByHand) {
  const apps::RadiiPart part = radii();
  EXPECT_EQ(apps::distinct_radii(part.found), (std::vector<std::uint32_t>{30, 50, 100, 101, 128, 200, 300}));
  struct Row {
    std::uint32_t radius;
    std::size_t certified, attacked;
  };
  for (const Row& row :
       {Row{0, 4, 5}, Row{29, 4, 5}, Row{30, 4, 4}, Row{50, 4, 4}, Row{51, 3, 4}, Row{100, 3, 4}, Row{101, 1, 3},
        Row{127, 1, 3}, Row{128, 1, 2}, Row{199, 1, 2}, Row{200, 1, 1}, Row{300, 1, 1}, Row{301, 0, 1}}) {
    const apps::EndsAt ends = apps::ends_at(part.found, row.radius);
    EXPECT_EQ(ends.certified, attacks::Share(row.certified, 6)) << row.radius;
    EXPECT_EQ(ends.attacked, attacks::Share(row.attacked, 6)) << row.radius;
  }
  const Certification one = published({of_radii(part)}).certified.front();
  const apps::Chart chart = apps::radii_chart(one, one.radii.front());
  ASSERT_TRUE(chart.shaded);
  const std::vector<std::uint32_t> x{0,   29,  30,  31,  49,  50,  51,  99,  100, 101,
                                     102, 127, 128, 129, 199, 200, 201, 299, 300, 301};
  ASSERT_EQ(chart.x.size(), x.size());
  for (std::size_t k = 0; k < x.size(); ++k) {
    EXPECT_EQ(chart.x[k], x[k] / 1024.0);
    EXPECT_EQ(chart.curves[0].y[k], apps::ends_at(part.found, x[k]).certified.value());
    EXPECT_EQ(chart.curves[1].y[k], apps::ends_at(part.found, x[k]).attacked.value());
    EXPECT_LE(chart.curves[0].y[k], chart.curves[1].y[k]);
  }
}

TEST(CertifiedReport, HistogramHasBothSidesInTheSameBins) {
  const Certification one = published({of_radii(radii())}).certified.front();
  const apps::TwoSided histogram = apps::radii_histogram(one, one.radii.front());
  using Bars = std::vector<apps::BothSides>;  // of 32/1024
  EXPECT_EQ(histogram.bars, (Bars{{0, 1}, {1, 0}, {0, 0}, {2, 1}, {0, 1}, {0, 0}, {0, 1}, {0, 0}, {0, 0}, {1, 0}}));
  EXPECT_EQ(histogram.none, (apps::BothSides{1, 1}));
  EXPECT_EQ(histogram.edges.front(), "0.0000");
  EXPECT_EQ(histogram.edges[1], "0.0312");
  EXPECT_EQ(histogram.edges.back(), "0.3125");
  const std::string svg = apps::svg_two_sided(histogram);
  EXPECT_EQ(count(svg, "height=\"92.0\""), 1U) << svg;
  EXPECT_EQ(count(svg, "height=\"46.0\""), 8U);   // 50, 300, none; 30, 101, 128, 200, none
  EXPECT_EQ(count(svg, "y=\"68.0\" width"), 1U);  // above the axis at 160, and below it
  EXPECT_EQ(count(svg, "y=\"114.0\" width"), 3U);
  EXPECT_EQ(count(svg, "y=\"160.0\" width"), 5U);
  EXPECT_EQ(count(svg, "class=\"bar c0\""), 4U);
  EXPECT_EQ(count(svg, "class=\"bar c1\""), 5U);
  for (const std::string_view part :
       {"role=\"img\"", "<title>Radii of all right images</title>", "above: largest certified radius",
        "below: smallest attacked radius", "0.0938 to 0.1250: largest certified radius 2, smallest attacked radius 1;",
        "none: largest certified radius 1, smallest attacked radius 1</desc>"}) {
    EXPECT_TRUE(contains(svg, part)) << part;
  }
  apps::TwoSided ragged = histogram;
  ragged.edges.pop_back();
  EXPECT_EQ(error_of([&] { (void)apps::svg_two_sided(ragged); }), "a histogram of 10 bars has 10 edges");
}

TEST(CertifiedReport, FarthestApartStandFirst) {
  const TextTable rows = apps::gap_rows(radii());
  EXPECT_EQ(rows, (TextTable{{"image", "label", "certified within", "attacked within", "apart"},
                             {"3", "1", "0.2930", "none", "-"},
                             {"1", "2", "0.0488", "0.1953", "0.1465"},
                             {"2", "0", "none", "0.0293", "-"},
                             {"5", "0", "0.0977", "0.1250", "0.0273"}}));
}

TEST(CertifiedReport, BallsRiseAndGiveBothCurves) {
  const Certification one = published({of_counts(counts_json(some_balls()))}).certified.front();
  const apps::Chart chart = apps::ends_chart(one);
  EXPECT_EQ(chart.x, (std::vector<double>{0, double{0.05F}, double{0.1F}, double{0.2F}}));
  EXPECT_EQ(chart.curves[0].y, (std::vector<double>{5. / 6, 4. / 6, 3. / 6, 1. / 6}));
  EXPECT_EQ(chart.curves[1].y, (std::vector<double>{5. / 6, 5. / 6, 4. / 6, 1. / 6}));
  const std::string svg = apps::svg_chart(chart);
  EXPECT_EQ(count(svg, "class=\"gap\""), 1U);
  EXPECT_EQ(count(svg, "<circle"), 5U);           // four values and the legend
  EXPECT_EQ(count(svg, "href=\"#square\""), 5U);  // another shape
  EXPECT_TRUE(contains(svg, "certified: 83.3 % at 0, 66.7 % at 0.05, 50.0 % at 0.1, 16.7 % at 0.2; attacked: 83.3 %"))
      << svg;
  const TextTable rows = apps::ends_rows({&one, 1});
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[2][0], "linf 0.1");
  EXPECT_TRUE(rows[2][1].starts_with("50.00 % ("));
  EXPECT_TRUE(rows[2][2].starts_with("66.67 % ("));
  EXPECT_EQ(rows[2][3], "");
  EXPECT_EQ(rows[3][3], "EXACT");
  EXPECT_EQ(apps::decided_rows(one)[2],
            (std::vector<std::string>{"linf 0.1", "3 (crown 3)", "1 (attack 1)", "1", "1"}));
  const Certification alone = published({of_counts(counts_json({&some_balls()[0], 1}))}).certified.front();
  EXPECT_TRUE(apps::ends_chart(alone).curves.empty());
}

TEST(CertifiedReport, FilesAboutTheSameShareASection) {
  std::vector<apps::BallCounts> balls = some_balls();
  const auto one = [&](std::size_t k, const std::string& name) { return of_counts(counts_json({&balls[k], 1}), name); };
  apps::Published all = published({one(0, "a.json"), of_radii(radii()), one(1, "b.json")});
  ASSERT_EQ(all.certified.size(), 1U);
  EXPECT_EQ(apps::ends_chart(all.certified[0]).x.size(), 3U);
  EXPECT_EQ(apps::ends_rows(all.certified)[1][1], "b.json");
  EXPECT_EQ(all.certified[0].radii.size(), 1U);
  apps::RadiiPart other = radii();
  other.subject.model_sha256 = std::string(64, 'e');
  EXPECT_EQ(published({one(0, "a.json"), of_radii(other)}).certified.size(), 2U);
}

TEST(CertifiedReport, ContradictionsBetweenFilesNameTheImage) {
  apps::RadiiPart lower = radii();
  lower.found.all[1] = {1, 2, 2, 10, 50};
  EXPECT_EQ(
      error_of([&] {
        published({of_radii(radii()), of_radii(lower, "s.json")});
      }),
      "image 1 is certified within 0.048828125 in r.json, but attacked within 0.048828125 in s.json: one of the two "
      "is wrong; please report this with model and data");
  apps::RadiiPart wrong = radii();
  wrong.found.all[1] = {1, 2, 0, {}, {}};
  EXPECT_TRUE(contains(error_of([&] {
                         published({of_radii(radii()), of_radii(wrong, "s.json")});
                       }),
                       "of the same images 5 are right in r.json and 4 in s.json"));
  const std::string low = counts_json(std::vector{ball(0.05F, 0, 5)}),
                    high = counts_json(std::vector{ball(0.1F, 1, 0)});
  EXPECT_TRUE(contains(error_of([&] {
                         published({of_counts(low, "l.json"), of_counts(high, "h.json")});
                       }),
                       "l.json and h.json: 1 images are certified within linf 0.1, and 5 attacked within linf 0.05"));
  EXPECT_TRUE(contains(error_of([&] {
                         (void)of_counts(counts_json(std::vector{ball(0.05F, 0, 5), ball(0.1F, 1, 0)}));
                       }),
                       "of only 5 right ones"));
}

/// Edits of what no other number of the file follows from, or that give another possible result.
bool is_free(std::string_view where) {
  if (where == "file.certify: one less" || where == "file.certify: turned around") return true;
  if (where.starts_with("file.radii[") && (contains(where, "].certified: ") || contains(where, "].attacked: "))) {
    return true;
  }
  for (const std::string_view key :
       {".seconds: ", ".step", ".data_size: ", "sha256: ", ".architecture: ", ".model: ", ".data: ", ".preprocessing: ",
        ".seed: ", ".box", ".timeout: ", ".nodes: ", ".method: ", ".norm: ", ".attacks", ".nodes_used: "}) {
    if (contains(where, key)) return true;
  }
  return false;
}

template <class Parse>
std::size_t refused_edits(const std::string& written, const Parse& parse) {
  std::size_t refused = 0;
  manifests::for_each_edit(Json::parse(written), "file", [&](const std::string& where, const Json& edited) {
    const std::string error = error_of([&] { parse(edited.dump()); });
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    if (error != "no error") {
      ++refused;
      return;
    }
    EXPECT_TRUE(is_free(where)) << where;
  });
  return refused;
}

TEST(CertifiedReport, EveryEditedFigureIsRefused) {
  EXPECT_GT(refused_edits(counts_json(some_balls()), apps::parse_certified), 100U);
  EXPECT_GT(refused_edits(whole_json(radii()).dump(), apps::parse_radii), 50U);
}

TEST(CertifiedReport, SaysWhatIsWrongWithCounts) {
  struct Row {
    std::string_view from, to, part;
  };
  const std::string honest = counts_json(some_balls());
  for (const Row& row : std::initializer_list<Row>{
           {R"("certified":3)", R"("certified":4)",
            "linf 0.1: certified, attacked, unknown and wrong add up to 7 images, of 6"},
           {R"("crown":3)", R"("crown":2)", "linf 0.1: by_method does not add up to certified"},
           {R"("attacked_by":{"attack":1)", R"("attacked_by":{"attack":2)", "linf 0.1: attacked_by does not add up"},
           {R"("not_reproducible":0)", R"("not_reproducible":1)", "linf 0.1: there is no clock"},
           {R"("certified_accuracy":0.5)", R"("certified_accuracy":0.6)",
            "does not follow from its outcomes: see certify"},
           {R"("clean_accuracy":0.8)", R"("clean_accuracy":0.9)",
            "does not follow from its outcomes: see clean_accuracy"},
           {R"("method":"complete")", R"("method":"ibp")", "linf 0.1: a step certified that was not asked for"}}) {
    SCOPED_TRACE(row.from);
    ASSERT_TRUE(contains(honest, row.from));
    std::string lie = honest;
    lie.replace(lie.find(row.from), row.from.size(), row.to);
    EXPECT_TRUE(contains(error_of([&] { apps::parse_certified(lie); }), row.part))
        << error_of([&] { apps::parse_certified(lie); });
  }
  std::string radius = whole_json(radii()).dump();
  radius.replace(radius.find("0.048828125"), 11, "0.205078125");
  EXPECT_EQ(error_of([&] { apps::parse_radii(radius); }),
            "image 1 is certified within 210/1024, and attacked within 200/1024");
}

TEST(CertifiedReport, NothingOfAFileBecomesMarkup) {
  const apps::Published all = published({of_counts(counts_json(some_balls())), of_radii(radii())});
  const std::string page = publication_html(all);
  EXPECT_EQ(count(page, "<script"), 0U);
  const std::string body = page.substr(page.find("<main>"));
  EXPECT_TRUE(contains(body, "&lt;script&gt;alert(1)&lt;/script&gt;`b`**c**|d.onnx on the first 6 of the 50 images"));
  EXPECT_EQ(count(body, "<code>b"), 0U);
  EXPECT_EQ(count(body, "<strong>c"), 0U);
  EXPECT_EQ(count(body, "<svg"), 3U);
  EXPECT_EQ(count(body, "<desc>"), 3U);
  EXPECT_EQ(count(body, "role=\"img\""), 3U);
  EXPECT_EQ(count(body, "Robustness certificates"), 1U);
  EXPECT_TRUE(
      contains(publication_markdown(all), "## \\<script\\>alert(1)\\</script\\>\\`b\\`\\*\\*c\\*\\*\\|d.onnx on"));
  EXPECT_TRUE(contains(publication_latex(all), "\\textless{}script\\textgreater{}"));
  EXPECT_EQ(count(publication_bibtex(all), "@misc{hans-"), 2U);
  EXPECT_EQ(illustrations(all).size(), 3U);
}

TEST(CertifiedReport, CsvHasARowForEachEnd) {
  const std::string csv = publication_csv(published({of_counts(counts_json(some_balls())), of_radii(radii())}));
  EXPECT_EQ(count(csv, "\r\n"), 1U + 3 * 3 + 7 * 2) << csv;
  for (const std::string_view part :
       {",certified,0.1,0.5,", ",attacked,0.1,0.6666666666666666,", ",unknown,0.1,0.16666666666666666,",
        ",certified,0.048828125,0.6666666666666666,", ",attacked,0.1953125,0.16666666666666666,",
        "\"linf within 0.1, features in [0,1], untargeted\""}) {
    EXPECT_TRUE(contains(csv, part)) << part << '\n' << csv;
  }
}

using CliCertifiedReport = cli::Test;

TEST_F(CliCertifiedReport, TakesWholesPartsAndManifests) {
  output("train --data mnist-5k --model 28x28x1;flatten;linear:units=10 --epochs 1 --quiet --out n.hans");
  const std::string certify = "certify n.hans --data mnist-5k --limit 20 --quiet ";
  output(certify + "--eps 0.01,0.03 --json c.json");
  output(certify + "--eps 0.02 --per-sample --json s.json");
  output(certify + "--radius --attack none --json r.json");
  for (const char* part : {"1", "2"}) {
    output(text(certify, "--radius --attack none --shard ", part, "/2 --json p", part, ".json"));
    output(text(certify, "--eps 0.03 --shard ", part, "/2 --json e", part, ".json"));
  }
  output("merge p1.json p2.json --out merged.json");
  output("merge e1.json e2.json --out eps.json");
  hans("benchmark n.hans --data mnist-5k --limit 20 --quiet --attack pgd:eps=0.02,steps=3 --certify --out m.json");
  const auto page = [&](std::string_view files) {
    output(text("report ", files, " --out r.html"));
    return bytes("r.html");
  };
  const std::string alone = page("c.json s.json r.json");
  EXPECT_EQ(count(alone, "<svg"), 3U);
  EXPECT_EQ(count(alone, "We certified the robustness of n.hans"), 3U);
  EXPECT_EQ(page("c.json s.json r.json"), alone);
  const std::string both = page("m.json eps.json merged.json");
  EXPECT_EQ(count(both, "A robustness benchmark") + count(both, "side by side"), 1U);
  EXPECT_TRUE(contains(both, "Images whose radii are farthest apart"));
  output("report m.json --out m.csv");
  EXPECT_EQ(count(bytes("m.csv"), ",certified,0.02,") + count(bytes("m.csv"), ",unknown,0.02,"), 2U) << bytes("m.csv");
  output("report m.json m.json --out m.md");
  EXPECT_TRUE(contains(bytes("m.md"), "| certified accuracy |"));
  EXPECT_TRUE(contains(bytes("m.md"), "| certified within linf 0.02 |"));
  output("report r.json --out f.svg");
  EXPECT_TRUE(contains(bytes("f-2.svg"), "Radii of all right images"));
  using cli::Refusal;
  for (const Refusal& one : {Refusal{"report e1.json --out r.html", 1, "e1.json is a part of a run; hans merge"},
                             Refusal{"report p1.json --out r.html", 1, "p1.json is a part of a run; hans merge"},
                             Refusal{"report s.json --out r.svg", 1, "there is nothing to draw"}}) {
    cli::expect_refused(hans(one.line), one.code, one.part);
  }
  // A benchmark that fooled an image that the certificates call certified.
  std::string lie = bytes("r.json");
  const std::string found = text("\"certified\": ");
  const apps::Manifest manifest = apps::read_manifest(folder_ / "m.json");
  for (const attacks::Attempt& attempt : manifest.run.found.attacks[0].attempts) {
    if (!attempt.finding.success) continue;
    const std::size_t row = lie.find(text("\"index\": ", attempt.sample, ",")), at = lie.find(found, row);
    lie.replace(at, lie.find_first_of("\n", at) - at, "\"certified\": 0.5,");
    const std::size_t high = lie.find("\"attacked\": ", at);
    lie.replace(high, lie.find('\n', high) - high, "\"attacked\": null");
    write("lie.json", lie);
    cli::expect_refused(hans("report m.json lie.json --out r.html"), 1,
                        text("image ", attempt.sample, " is certified within 0.5 in lie.json, but attacked within"));
    return;
  }
  FAIL() << "the attack fooled no image";
}

}  // namespace
}  // namespace hans::certified_report_test
