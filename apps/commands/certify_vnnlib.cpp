// hans certify --vnnlib: decides VNN-LIB properties.
#include "certify_vnnlib.hpp"

#include <algorithm>
#include <chrono>

#include <hans/core/file.hpp>
#include <hans/core/version.hpp>
#include <hans/nn/bounds.hpp>
#include "../run/figures.hpp"
#include "../run/progress.hpp"
#include "../vnnlib/instances.hpp"
#include "../vnnlib/verify.hpp"

namespace hans::apps {
namespace {

using defenses::Doubt;
using vnnlib::Answer;
using vnnlib::Verdict;

/// What became of a property.
struct Decided {
  std::string model, property;  // files
  std::string model_sha256 = {};
  Verdict verdict = {};
  double seconds = 0;
  std::string error = {};  // instead of a verdict

  std::string answer() const { return error.empty() ? std::string(enum_name(verdict.answer)) : "error"; }
};

/// The model as its file has it. Throws UsageError for layers without bounds.
NamedModel load_verifiable(const std::string& word, const Common& common,
                           const std::optional<PreprocessChoice>& preprocess) {
  NamedModel named = load_model(word, common.seed, preprocess, nn::OnnxOutput::graph);
  try {
    (void)nn::bound_margins(named.model.net, Tensor(named.model.net.input().with_front(0)), {}, {});
  } catch (const MemoryError&) {
    throw;
  } catch (const Error& error) {
    throw UsageError(error.what());
  }
  return named;
}

/// Decides the property in the file; errors name it.
Decided decide(const NamedModel& named, const std::string& path, const defenses::RefuteOptions& options) {
  const auto begun = std::chrono::steady_clock::now();
  Decided decided{named.path.empty() ? named.name : named.path, path, named.model.sha256};
  const vnnlib::Property property = vnnlib::load_property(path);
  try {
    decided.verdict = verify(named.model, property, options);
  } catch (const MemoryError&) {
    throw;
  } catch (const UsageError& error) {
    throw UsageError(text(path, ": ", error.what()));
  } catch (const Error& error) {
    throw Error(text(path, ": ", error.what()));
  }
  decided.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return decided;
}

/// One line on how the answer came about.
std::string reason_text(const Decided& decided, const defenses::RefuteOptions& options) {
  const Verdict& verdict = decided.verdict;
  const auto why = [&]() -> std::string {
    if (verdict.answer == Answer::unsat && verdict.cases == verdict.empty) {
      return "no input fulfils the property's bounds, so nothing violates it";
    }
    if (verdict.answer == Answer::unsat) {
      return "proved in real arithmetic and for every float32 program: no input violates the property";
    }
    if (verdict.answer == Answer::sat) return "found an input whose float32 outputs violate the property";
    switch (verdict.doubt.value_or(Doubt::bound)) {
      case Doubt::time:
        return text("undecided after ", options.seconds, " seconds");
      case Doubt::nodes:
        return text("undecided; --nodes ", options.nodes, " are used up");
      case Doubt::nan:
        return "undecided: a bound is not a number";
      default:
        return "undecided: the bounds do not suffice";
    }
  };
  return text(why(), " (", decided.model, ", ", counted(verdict.cases, "box"),
              verdict.empty > 0 ? text(", ", verdict.empty, " empty") : "", ", ", counted(verdict.nodes, "node"), ", ",
              fixed(decided.seconds, 2), " s)\n");
}

Json decided_json(const Decided& decided) {
  const Verdict& verdict = decided.verdict;
  Json json = Json::object({{"model", decided.model},
                            {"model_sha256", decided.model_sha256.empty() ? Json() : Json(decided.model_sha256)},
                            {"vnnlib", decided.property},
                            {"answer", decided.answer()},
                            {"reason", verdict.doubt ? Json(enum_name(*verdict.doubt)) : Json()},
                            {"nodes", verdict.nodes},
                            {"boxes", verdict.cases},
                            {"empty_boxes", verdict.empty},
                            {"seconds", decided.seconds}});
  const auto same = [](float value) { return Json(value); };
  Json found;
  if (verdict.answer == Answer::sat) {
    found = Json::object({{"inputs", column(verdict.inputs, same)}, {"outputs", column(verdict.outputs, same)}});
  }
  json.set("counterexample", found);
  return json.set("error", decided.error.empty() ? Json() : Json(decided.error));
}

Json json_of(const VnnlibRequest& request, const Common& common) {
  return Json::object({{"hans", build_version()},
                       {"seed", common.seed},
                       {"node_budget", request.nodes},
                       {"timeout", optional_json(request.timeout)}});
}

int certify_one(const Common& common, const VnnlibRequest& request) {
  const NamedModel named = load_verifiable(*request.model, common, request.preprocess);
  warn_if_untrained(named);
  const defenses::RefuteOptions options{request.nodes, request.timeout.value_or(0), common.seed};
  const Decided decided = decide(named, request.vnnlib, options);
  const std::string result = decided.verdict.result();
  if (request.out) write_file(*request.out, result);
  finish(common, text(result, reason_text(decided, options)),
         json_of(request, common).set("instances", Json::array({decided_json(decided)})));
  return 0;
}

int certify_list(const Common& common, const VnnlibRequest& request) {
  const auto instances = vnnlib::read_instances(read_file(request.vnnlib, vnnlib::largest_property), request.vnnlib);
  std::optional<NamedModel> named;
  std::string loaded;
  TextTable table{{"onnx", "vnnlib", "answer", "seconds"}};
  Json all = Json::array();
  std::string errors;
  std::size_t failed = 0;
  ProgressBar bar("certify", "instances", common.quiet);
  for (const vnnlib::Instance& instance : instances) {
    bar.update(all.items().size(), instances.size());
    Decided decided{instance.model.string(), instance.property.string()};
    try {
      if (loaded != decided.model) {
        named.reset();
        named = load_verifiable(decided.model, common, request.preprocess);
        loaded = decided.model;
      }
      const double seconds = std::min(instance.timeout, request.timeout.value_or(instance.timeout));
      decided = decide(*named, decided.property, {request.nodes, seconds, common.seed});
    } catch (const std::exception& error) {
      decided.error = error.what();
      loaded.clear();
      append(errors, text(decided.property, " (", decided.model, "): ", error.what(), "\n"));
      ++failed;
    }
    table.push_back({decided.model, decided.property, decided.answer(), fixed(decided.seconds, 2)});
    all.push(decided_json(decided));
  }
  bar.clear();
  finish(common, text(table_text(table, "lllr"), errors.empty() ? "" : "\n", errors),
         json_of(request, common).set("instances", all));
  check(failed == 0, failed, " of ", instances.size(), " instances failed");
  return 0;
}

}  // namespace

int certify_vnnlib(const Common& common, const VnnlibRequest& request) {
  const bool list = request.vnnlib.ends_with(".csv");
  check_usage(list != request.model.has_value(), list ? "a list of instances names its models; leave MODEL out"
                                                      : "--vnnlib with a property needs a MODEL");
  check_usage(!list || !request.out, "--out is for the result of one property; use --json");
  if (request.preprocess) {
    nn::Preprocess left = request.preprocess->preprocess;
    left.layout = {};
    left.shape.reset();
    check_usage(nn::preprocess_text(left) == "none",
                "--vnnlib speaks of the network's own inputs; --preprocess takes only layout and shape with it");
  }
  return list ? certify_list(common, request) : certify_one(common, request);
}

}  // namespace hans::apps
