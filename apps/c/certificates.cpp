// Certificates through the C interface.
#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <hans/core/file.hpp>
#include <hans/core/version.hpp>
#include <hans/defenses/certify.hpp>
#include <hans/defenses/proof_file.hpp>
#include "../../defenses/certify/detail/attacks.hpp"
#include "arguments.hpp"
#include "calls.hpp"

using namespace hans;
using namespace hans::apps;

struct hans_proofs {
  defenses::ProofFile file;
  data::Samples samples;  // all of the call
};

namespace {

using defenses::Certainty;
using defenses::Certificate;
using defenses::CertifyMethod;
using defenses::CertifyOptions;
using defenses::Doubt;
using defenses::Step;

template <class Enum>
constexpr bool is(int constant, Enum value) {
  return constant == static_cast<int>(value);
}
static_assert(is(HANS_NORM_LINF, Norm::linf) && is(HANS_NORM_L2, Norm::l2) && is(HANS_NORM_L1, Norm::l1));
static_assert(is(HANS_CERTIFY_IBP - 1, CertifyMethod::ibp) && is(HANS_CERTIFY_CROWN - 1, CertifyMethod::crown) &&
              is(HANS_CERTIFY_ALPHA - 1, CertifyMethod::alpha) &&
              is(HANS_CERTIFY_COMPLETE - 1, CertifyMethod::complete) &&
              is(HANS_CERTIFY_ZONOTOPE - 1, CertifyMethod::zonotope) &&
              is(HANS_CERTIFY_JOINT - 1, CertifyMethod::joint));
static_assert(is(HANS_VERDICT_CERTIFIED, Certainty::certified) && is(HANS_VERDICT_ATTACKED, Certainty::attacked) &&
              is(HANS_VERDICT_UNKNOWN, Certainty::unknown) && is(HANS_VERDICT_WRONG, Certainty::wrong));
static_assert(is(HANS_DOUBT_NODES, Doubt::nodes) && is(HANS_DOUBT_TIME, Doubt::time) &&
              is(HANS_DOUBT_ROUNDING, Doubt::rounding) && is(HANS_DOUBT_NAN, Doubt::nan) &&
              is(HANS_DOUBT_BOUND, Doubt::bound));
static_assert(is(HANS_STEP_ATTACK, Step::attack) && is(HANS_STEP_IBP, Step::ibp) && is(HANS_STEP_CROWN, Step::crown) &&
              is(HANS_STEP_ALPHA, Step::alpha) && is(HANS_STEP_BRANCHING, Step::branching) &&
              is(HANS_STEP_ZONOTOPE, Step::zonotope) && is(HANS_STEP_JOINT, Step::joint));

/// What is asked for, without attacks.
CertifyOptions read_certify_options(const hans_certify_options& how, float eps) {
  const auto norm = static_cast<Norm>(read_choice(how.norm, HANS_NORM_L1 + 1, "options->norm"));
  const int method = read_choice(how.method, HANS_CERTIFY_JOINT + 1, "options->method");
  const CertifyMethod automatic = norm == Norm::linf ? CertifyMethod::complete : CertifyMethod::alpha;
  check_usage(how.nodes > 0, "options->nodes is 0, but must be at least 1");
  check_usage(how.seconds >= 0, "options->seconds is ", how.seconds, ", but must be 0 or more");
  return {.norm = norm,
          .eps = eps,
          .method = method == HANS_CERTIFY_AUTO ? automatic : static_cast<CertifyMethod>(method - 1),
          .nodes = how.nodes,
          .seconds = how.seconds,
          .seed = how.seed};
}

/// The attacks, without eps, that a text stands for: as of --attack.
std::vector<Spec> read_attacks(const char* given, CertifyMethod method, std::size_t classes) {
  std::optional<Spec> first;
  if (given != nullptr) {
    first = read_spec(given, "options->attack");
    if (text(*first) == "none") return {};
    check_usage(first->find("eps") == nullptr, "options->attack: leave eps out; it is the eps of the certificate");
  }
  return defenses::usual_attacks(first, method, classes);
}

hans_certificate certificate_of(const Certificate& found) {
  const bool unknown = found.certainty == Certainty::unknown, bounded = found.runner_up >= 0;
  return {static_cast<std::int32_t>(found.certainty),
          unknown && found.doubt ? static_cast<std::int32_t>(*found.doubt) : HANS_DOUBT_NONE,
          found.step ? static_cast<std::int32_t>(*found.step) : HANS_STEP_NONE,
          found.prediction,
          found.real ? 1 : 0,
          found.float32 ? 1 : 0,
          found.proof ? 1 : 0,
          found.runner_up,
          bounded ? found.bound : std::numeric_limits<double>::quiet_NaN(),
          found.nodes};
}

}  // namespace

hans_status hans_certify(const hans_model* model, float eps, const float* images, const std::int32_t* labels,
                         std::size_t count, const hans_certify_options* options, hans_certificate* certificates,
                         float* counterexamples, hans_proofs** proofs) {
  if (proofs != nullptr) *proofs = nullptr;
  return guarded([&] {
    const nn::Sequential& net = model_of(model).net;
    need(certificates, "certificates");
    const auto how = read_options<hans_certify_options>(options, HANS_CERTIFY_OPTIONS_INIT);
    const data::Box box = read_box(how.box_lo, how.box_hi);
    CertifyOptions asked = read_certify_options(how, eps);
    asked.proofs = proofs != nullptr;
    asked = with_attacks(asked, read_attacks(how.attack, asked.method, net.classes()), net.input(), box);
    const data::Samples samples = read_samples(net, images, labels, count, how.first_index, box);

    const std::vector<Certificate> found = certify(net, samples, asked);
    std::unique_ptr<hans_proofs> made;
    if (proofs != nullptr) {
      made = std::make_unique<hans_proofs>();
      made->file.version = build_version();
      made->file.model_sha256 = model->shared->sha256();
      made->file.eps = eps;
      made->file.box = box;
      for (std::size_t k = 0; k < count; ++k) {
        if (found[k].proof) add_proof(made->file, found[k], samples.images.rows(k, 1).values());
      }
      made->samples = samples;
    }
    std::ranges::transform(found, certificates, certificate_of);
    const std::size_t features = net.input().elements();
    for (std::size_t k = 0; counterexamples != nullptr && k < count; ++k) {
      const bool attacked = found[k].certainty == Certainty::attacked;
      const Tensor shown = attacked ? found[k].counterexample : samples.images.rows(k, 1);
      std::ranges::copy(shown.values(), counterexamples + k * features);
    }
    if (proofs != nullptr) *proofs = made.release();
  });
}

hans_status hans_proofs_count(const hans_proofs* proofs, std::size_t* count) {
  return guarded([&] { need(count, "count") = need(proofs, "proofs").file.index.size(); });
}

hans_status hans_proofs_save(const hans_proofs* proofs, const char* path, const char* data_sha256) {
  return guarded([&] {
    defenses::ProofFile file = need(proofs, "proofs").file;
    const std::filesystem::path to = read_path(path);
    if (data_sha256 != nullptr) {
      file.data_sha256 = read_sha256(data_sha256, "data_sha256");
    } else {
      const data::Samples& all = proofs->samples;
      check_usage(all.index.front() == 0, "data_sha256 is NULL, but the images begin at position ", all.index.front(),
                  " of their data set: give its SHA-256");
      const std::vector<float> pixels(all.images.values().begin(), all.images.values().end());
      const auto classes = static_cast<std::size_t>(std::ranges::max(all.labels)) + 1;
      const data::Dataset set("the images of the call", all.images.shape().without_front(), pixels, all.labels,
                              classes);
      file.data_sha256 = set.sha256();
    }
    write_file(to, proof_file(file));
  });
}

void hans_proofs_free(hans_proofs* proofs) { delete proofs; }
