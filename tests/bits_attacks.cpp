// The golden computations of attacks. Add one: a row in the table.
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "bits.hpp"

namespace bits {
namespace {

using namespace hans;

/// The same network, through which images go in pieces of three, each on one thread.
class InPieces final : public nn::Classifier {
 public:
  explicit InPieces(const nn::Sequential& net) : net_(net) {}
  const Shape& input() const override { return net_.input(); }
  std::size_t classes() const override { return net_.classes(); }
  Var logits(const Var& images) const override { return net_.logits(images); }
  Var logits_for(const Var& images, const nn::Query& how) const override { return net_.logits_for(images, how); }
  bool random() const override { return net_.random(); }
  std::size_t piece() const override { return 3; }

 private:
  const nn::Sequential& net_;
};

/// The adversarial images of an attack, and what the judge finds. The images must not depend on how the samples are
/// split.
std::string crafted(const nn::Sequential& reader, std::string_view spec, bool targeted) {
  cover(text("attack ", spec.substr(0, spec.find(':'))));
  const data::Samples digits = data::load("mnist-5k/test").first(parts_sum);
  const attacks::Attack attack = attacks::Attack::from_spec(Spec::parse(spec)).resolved(digits.box);
  std::vector<int> next;
  for (const int label : digits.labels) next.push_back((label + 1) % 10);
  const attacks::Goal goal = targeted ? towards(next) : away_from(digits.labels);
  const attacks::Crafted made = attack(reader, digits, goal, {.seed = 12});
  check(identical(attack(InPieces(reader), digits, goal, {.seed = 12}).images, made.images), spec,
        " gives other bits in pieces");
  std::size_t first = 0;
  for (const std::size_t count : parts) {
    const attacks::Goal part{targeted,
                             {goal.classes.begin() + static_cast<std::ptrdiff_t>(first),
                              goal.classes.begin() + static_cast<std::ptrdiff_t>(first + count)}};
    const attacks::Crafted alone = attack(reader, digits.rows(first, count), part, {.seed = 12});
    check(identical(alone.images, made.images.rows(first, count)), spec, " gives samples ", first, " to ",
          first + count - 1, " other bits when they come alone");
    first += count;
  }
  const attacks::Outcome found =
      attacks::judge(reader, digits, made.images, goal, attack.budget(reader.input(), digits.box));
  Sha256 all;
  all.add(made.images.values());
  for (const attacks::Finding& finding : found.findings) {
    all.add_i32(finding.prediction).add_i32(finding.success ? 1 : 0).add_u64(finding.distance.l0);
  }
  return all.hex();
}

struct AttackRow {
  const char* name;
  const char* spec;
  bool targeted = false;
  bool noisy = false;  ///< the network adds random numbers to its images
};
constexpr AttackRow table[] = {
    {"attack.fgsm", "fgsm:eps=0.1"},
    {"attack.fgsm_targeted", "fgsm:eps=8/255,label=data", true},
    {"attack.fgsm_l2", "fgsm:eps=1.5,norm=l2"},
    {"attack.fgsm_l1", "fgsm:eps=5,norm=l1,label=model"},
    {"attack.fgsm_cleverhans", "fgsm@cleverhans-1.0.0:eps=0.3"},
    {"attack.jsma", "jsma:gamma=0.145", true},
    {"attack.pgd", "pgd:eps=0.1,steps=5"},
    {"attack.pgd_l2", "pgd:eps=1.5,norm=l2,steps=4,loss=dlr,restarts=2"},
    {"attack.pgd_kl", "pgd:eps=0.1,steps=4,loss=kl,start=gaussian"},
    {"attack.pgd_l1", "pgd:eps=5,norm=l1,steps=4,loss=margin,start=original", true},
    {"attack.mi_fgsm", "mi-fgsm:eps=0.1,steps=4,diversity=0.5"},
    {"attack.mi_fgsm_l2", "mi-fgsm:eps=1.5,norm=l2,steps=4,nesterov=true", true},
    {"attack.spsa", "spsa:eps=0.1,steps=3,pairs=4"},
    {"attack.noise", "noise:eps=0.2,repeats=2"},
    {"attack.noise_gaussian", "noise:eps=1.5,norm=l2,kind=gaussian,repeats=2"},
    {"attack.noise_blur", "noise:eps=0.2,kind=blur"},
    {"attack.ead", "ead:searches=2,steps=8,rate=0.05,c=1"},
    {"attack.sigma_zero", "sigma-zero:steps=8", true},
    {"attack.boundary", "boundary:steps=20"},
    {"attack.hopskipjump", "hopskipjump:steps=2,evals=8"},
    {"attack.hopskipjump_linf", "hopskipjump:norm=linf,steps=2,evals=8"},
    {"attack.apgd", "apgd:eps=0.05,steps=15"},
    {"attack.apgd_l2", "apgd:eps=0.5,norm=l2,steps=15,loss=dlr", true},
    {"attack.apgd_l1", "apgd:eps=3,norm=l1,steps=12,large_eps=true"},
    {"attack.apgd_kl", "apgd:eps=0.5,norm=l2,steps=12,loss=kl"},
    {"attack.apgd_targeted", "apgd-t:eps=0.05,steps=8,classes=2"},
    {"attack.fab", "fab:steps=5"},
    {"attack.fab_l2", "fab:norm=l2,eps=0.5,steps=5,classes=2,restarts=2"},
    {"attack.fab_l1", "fab:norm=l1,steps=4"},
    {"attack.square", "square:eps=0.05,queries=30"},
    {"attack.square_l2", "square:eps=0.5,norm=l2,queries=20", true},
    {"attack.square_l1", "square:eps=3,norm=l1,queries=20"},
    {"attack.autoattack", "autoattack:eps=0.15"},
    {"attack.deepfool", "deepfool:steps=5"},
    {"attack.deepfool_linf", "deepfool:norm=linf,steps=4"},
    {"attack.ddn", "ddn:steps=8", true},
    {"attack.fmn", "fmn:steps=8"},
    {"attack.fmn_linf", "fmn:norm=linf,steps=8", true},
    {"attack.fmn_l1", "fmn:norm=l1,steps=8"},
    {"attack.fmn_l0", "fmn:norm=l0,steps=8"},
    {"attack.cw", "cw:searches=3,steps=8,rate=0.05,c=0.1"},
    {"attack.jsma_logits", "jsma:gamma=0.1,of=logits,theta=-0.5,retire=saturated", true},
    {"attack.jsma_single", "jsma:max_features=30,select=single,of=logits", true},
    {"attack.jsma_cleverhans", "jsma@cleverhans-1.0.0:theta=1,gamma=0.1", true},
    {"attack.r_fgsm", "r-fgsm:eps=0.1"},
    {"attack.r_fgsm_uniform", "r-fgsm:eps=0.1,start=uniform", true},
    {"attack.cw_linf", "cw-linf:steps=8,rate=0.05"},
    {"attack.l_bfgs", "l-bfgs:searches=3,steps=8"},
    {"attack.jsma_weighted", "jsma:gamma=0.1,map=weighted", true},
    {"attack.jsma_taylor", "jsma:gamma=0.1,map=taylor,of=logits,theta=0.5", true},
    {"attack.m_jsma", "m-jsma:gamma=0.05"},
    {"attack.one_pixel", "one-pixel:pixels=2,population=8,rounds=4"},
    {"attack.composite", "composite:attacks=[fgsm:eps=0.1]/[square:eps=0.1,queries=20]"},
    {"attack.composite_nearest", "composite:attacks=[ddn:steps=5]/[deepfool:steps=3]"},
    {"attack.bpda", "bpda:attack=[pgd:eps=0.1,steps=4]"},
    {"attack.eot", "eot:attack=[pgd:eps=0.1,steps=4],draws=5", false, true},
    {"attack.random_model", "pgd:eps=0.1,steps=4", true, true},
    {"attack.autoattack_rand", "autoattack:eps=0.5,version=rand", false, true},
};

/// The same network behind a layer of noise.
nn::Sequential with_noise(const nn::Sequential& net) {
  const std::string architecture = net.architecture();
  const std::size_t end = architecture.find(';');
  nn::Sequential made = nn::Sequential::parse(
      text(architecture.substr(0, end), ";gaussian_noise:sigma=0.1", architecture.substr(end)), Rng(0));
  made.set_weights(net.weights());
  return made;
}

}  // namespace

void print_attacks(const nn::Sequential& reader) {
  const nn::Sequential noisy = with_noise(reader);
  for (const AttackRow& row : table) {
    std::printf("%s %s\n", row.name, crafted(row.noisy ? noisy : reader, row.spec, row.targeted).c_str());
  }
}

}  // namespace bits
