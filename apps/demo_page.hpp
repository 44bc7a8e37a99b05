// What the demo says: a page for a browser and a few lines for a terminal.
#pragma once

#include <hans/apps/demo_run.hpp>
#include <hans/apps/report.hpp>
#include <string>
#include <vector>

namespace hans::apps {

/// The whole report.html. The same findings give the same bytes; no time, date, path or host is in it.
std::string demo_page(const DemoFindings& found);

/// Its end: what the words mean, what the numbers do not say, how to cite and to repeat them.
void demo_notes(Html& html, const DemoFindings& found);

/// The sentences to cite: fgsm and jsma on the plain network, then on the other.
std::vector<std::string> demo_sentences(const DemoFindings& found);

/// The table, a digit before and after, and the sentences, for a terminal.
std::string demo_text(const DemoFindings& found);

/// All results: both networks, each with its results under fgsm and jsma as `hans attack --json` gives them, but
/// without verdicts.
Json demo_json(const DemoFindings& found);

}  // namespace hans::apps
