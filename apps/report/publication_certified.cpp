// Certificates on a page.
#include <algorithm>

#include "publication.hpp"
#include "report.hpp"

namespace hans::apps {
namespace {

/// A number and what it means, for a few balls; the table has all.
void ball_cards(Html& html, const Certification& one) {
  constexpr std::size_t most_cards = 4;
  if (one.balls.empty() || one.balls.size() > most_cards) return;
  html.open("div", "class=\"cards\"");
  for (const Certification::Ball& ball : one.balls) certified_card(html, ball.counts);
  html.close();
}

void ball_sentences(Html& html, const Certification& one) {
  html.open("blockquote");
  for (const auto& [file, ball] : one.balls) {
    const std::string all = sentence_of(one, ball);
    const std::size_t end = all.find('\n');
    html.open("p").text(all.substr(0, end)).close();
    html.open("p", "class=\"note\"").text(all.substr(end + 1)).close();
  }
  html.close();
}

void radii_words(Html& html, const Certification& one, const Certification::Radii& radii) {
  const RadiiPart& part = radii.part;
  html.element("h3", "Images whose radii are farthest apart");
  const TextTable gaps = gap_rows(part);
  if (gaps.size() > 1) {
    html.table(gaps, true);
  } else {
    html.note(text("None: both radii of every right image are one step of 1/", radii_per_unit, " apart."));
  }
  const std::string attacks = listed(part.attacks, std::identity(), " ");
  html.open("p", "class=\"note\"");
  html.text(text("Of ", radii.file, ": ", with_commas(part.found.right().part()), " of ", with_commas(one.images),
                 " images are right, in steps of 1/", radii_per_unit, "; method ", enum_name(part.asked.method),
                 ", nodes ", with_commas(part.asked.nodes), ", attacks ", attacks.empty() ? "none" : attacks,
                 part.found.late > 0 ? text("; ", counted(part.found.late, "image"), " hit the clock") : "", "."));
  html.close();
}

}  // namespace

void certified_card(Html& html, const BallCounts& ball) {
  html.card(text(percent_of(ball.certified()), " %"),
            text("certified within ", ball.words(), " (95 % interval ", interval_text(ball.certified()),
                 "): no attack lowers it; adversarial images are known down to ", percent_of(ball.attacked()), " %"),
            verdict_of(ball));
}

void certified_section(Html& html, const Certification& one) {
  html.open("h2").text(title_of(one)).close();
  ball_cards(html, one);
  const std::vector<Illustration> drawn = illustrations(one);
  for (const Illustration& figure : drawn) {
    html.open("figure").element("h3", figure.title).markup(figure.in_page).close();
  }
  if (!drawn.empty()) {
    html.note(
        "The true accuracy lies in the shaded gap. Certified at eps are the images whose largest certified radius is at "
        "least eps; under attack stand the right images whose smallest attacked radius is larger. Both are shares of "
        "all images.");
  }
  for (const Certification::Radii& radii : one.radii) radii_words(html, one, radii);
  if (!one.balls.empty()) {
    html.element("h3", "Both ends").table(ends_rows({&one, 1}), true);
    html.note(
        text("certified accuracy <= true accuracy <= attacked accuracy, of all images, with 95 % intervals. Clean "
             "accuracy: ",
             share_text(one.right), "."));
    html.element("h3", "How each image was decided").table(decided_rows(one), true);
    html.note(
        "Images, and in brackets the steps that decided them. An unknown image is neither certified nor attacked; a wrong "
        "one is misread as it is.");
    html.element("h3", "To cite");
    ball_sentences(html, one);
  }
  const Subject& subject = one.subject;
  html.open("p", "class=\"note\"");
  html.text(text("Model sha256 ", subject.model_sha256, ". Data sha256 ", subject.data_sha256, ".")).close();
}

}  // namespace hans::apps
