// What the demo says: a page for a browser and a few lines for a terminal.
#pragma once

#include <string>
#include <vector>

#include "../report/report.hpp"
#include "demo_run.hpp"

namespace hans::apps {

/// The whole report.html. The same findings give the same bytes; no time, date, path or host is in it.
std::string demo_page(const DemoFindings& found);

/// For every number the sentence to cite, its exact parameters and the reasons of its verdict: lines.
std::vector<std::string> demo_sentences(const DemoFindings& found);

/// A PNG of the digit that the text shows: as it was, what jsma changed, and as what it is read then.
std::string demo_picture(const DemoFindings& found);

/// The table, a digit before and after, what the defence is worth and what is proved, for a terminal.
std::string demo_text(const DemoFindings& found);

/// All results, as `hans attack --json` gives them: of both trained networks in the ball and under jsma, of the proved
/// one.
Json demo_json(const DemoFindings& found);

}  // namespace hans::apps
