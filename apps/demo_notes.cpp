// The end of the page that the demo writes: what the words mean, what the numbers do not say, how to cite and to repeat
// them.
#include <hans/apps/demo_page.hpp>
#include <hans/core/version.hpp>

namespace hans::apps {
namespace {

void command(Html& html, const std::string& line) { html.open("pre").text(line).close(); }

void words_section(Html& html) {
  html.element("h2", "Three words");
  html.open("dl");
  const auto word = [&html](std::string_view name, std::string_view meaning) {
    html.element("dt", name).element("dd", meaning);
  };
  word("`eps`", "of FGSM: how far each pixel may move. 0.3 is 30 % of the way from black to white.");
  word("`theta`", "of JSMA: how much a chosen pixel changes in one step. 1 takes a black pixel to white at once.");
  word("`gamma`", "of JSMA: which share of all pixels may change before it gives up. 0.145 of 784 is 112 pixels.");
  html.close();
}

void class_section(Html& html) {
  html.element("h2", "For a class");
  html.open("ul");
  for (const std::string_view question :
       {"Which pictures of the grid would you read as the network does? Which columns look easy to reach, and why?",
        "The orange and blue dots look like noise. Would random noise of the same strength fool the network as often?",
        "The attacker here knows everything about the network. Who does, outside a classroom?",
        "Above which `eps` is it no longer fair to blame the network?"}) {
    html.element("li", question);
  }
  html.close();
}

void limits_section(Html& html, const DemoFindings& found) {
  html.element("h2", "What this page does not show");
  html.open("ul");
  const std::string size =
      text("The networks learned from ", with_commas(found.train_size), " digits in ", found.plan.epochs,
           " rounds, which takes seconds. Trained on all 60,000 of MNIST they read better, and the numbers are "
           "others. Another seed moves them, too.");
  for (const std::string_view limit :
       {std::string_view(size),
        std::string_view(
            "An accuracy under one attack is an upper bound: a stronger attack leaves less. FGSM takes a single step; "
            "attacks "
            "of many steps find what it misses, also in the adversarially trained network, which has met only FGSM."),
        std::string_view("Small digits on black are the easiest of images. A change of 0.3 can be seen here; on "
                         "photographs far smaller ones "
                         "suffice."),
        std::string_view("Nothing here is a proof of robustness.")}) {
    html.element("li", limit);
  }
  html.close();
}

void reproduce_section(Html& html, const DemoFindings& found) {
  html.element("h2", "Cite it");
  html.element("p", "Each number with everything that is needed to make it again:");
  for (const std::string& both : demo_sentences(found)) {
    const std::size_t end = both.find('\n');
    html.open("blockquote").element("p", both.substr(0, end));
    html.open("details").element("summary", "with every parameter and hash");
    html.open("p", "class=\"note\"").text(both.substr(end + 1)).close().close().close();
  }
  html.element("h2", "Make it again");
  html.element("p", "This page, byte for byte, on any machine:");
  command(html, text("hans demo --seed ", found.plan.seed));
  html.element("p", "The networks and the numbers, one by one:");
  std::string all;
  for (const DemoCommand& each : demo_commands(found)) {
    append(all, text(all.empty() ? "" : "\n\n", "# ", each.what, "\n", each.line));
  }
  html.open("pre").text(all).close();
  html.table({"", "value"},
             {{"hans", text("version ", build_version())},
              {"seed", text(found.plan.seed)},
              {"architecture", text("`", found.plain.subject.architecture, "`")},
              {"parameters", with_commas(found.plain.parameters)},
              {text("sha256 of ", found.plain.subject.model), text("`", found.plain.subject.model_sha256, "`")},
              {text("sha256 of ", found.trained.subject.model), text("`", found.trained.subject.model_sha256, "`")},
              {text("sha256 of ", found.train_data), text("`", found.train_sha256, "`")},
              {text("sha256 of ", found.plain.subject.data), text("`", found.plain.subject.data_sha256, "`")}});
}

}  // namespace

void demo_notes(Html& html, const DemoFindings& found) {
  words_section(html);
  class_section(html);
  limits_section(html, found);
  reproduce_section(html, found);
}

}  // namespace hans::apps
