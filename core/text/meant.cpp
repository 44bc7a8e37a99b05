// What somebody means by a word that is no name here.
#include "detail/meant.hpp"

#include <algorithm>

#include <hans/core/text.hpp>

namespace hans {
namespace {

/// What is written here <- others' words for it, bare(). They count only where the name, which is what stands before a
/// ':' or ' ', is among those that are allowed; of several rows the first. One text, as every program carries it: a
/// table would take twice the bytes.
constexpr std::string_view synonyms =
    // attacks
    "fgsm <- fastgradient fastgradientsign linffastgradient gsm\n"
    "fgsm:norm=l2 <- fgm l2fastgradient\n"
    "pgd:start=original <- bim ifgsm iterativefgsm basiciterative linfbasiciterative\n"
    "pgd <- projectedgradientdescent linfpgd pgdlinf linfprojectedgradientdescent madry\n"
    "pgd:norm=l2 <- l2pgd pgdl2 l2projectedgradientdescent l2basiciterative\n"
    "mi-fgsm <- mim momentum momentumiterative\n"
    "r-fgsm <- ffgsm rfgsm\n"
    "cw <- carlini carliniwagner carlinil2 l2carliniwagner cwl2 c&w\n"
    "cw-linf <- carlinilinf linfcarliniwagner cwinf\n"
    "apgd <- autopgd autoprojectedgradientdescent apgdce\n"
    "apgd:loss=dlr <- apgddlr\n"
    "apgd-t <- apgdtargeted\n"
    "autoattack <- aa autoattackstandard robustbench\n"
    "fab <- fabt fastadaptiveboundary\n"
    "square <- simba zoo bandits\n"
    "spsa <- nes gradientfree\n"
    "jsma <- saliencymap jacobiansaliencymap papernot\n"
    "hopskipjump <- hsj hsja boundaryplus\n"
    "ddn <- decoupleddirectionandnorm l2ddn\n"
    "fmn <- fastminimumnorm l2fmn lffmn brendelbethge\n"
    "ead <- elasticnet\n"
    "one-pixel <- pixel\n"
    "deepfool <- l2deepfool linfdeepfool\n"
    "noise <- random uniform gaussian additiveuniformnoise\n"
    // defences, optimizers
    "adversarial:attack=[pgd:eps=0.1] <- at adv advtraining adversarialtraining pgdat madry pgd apgd\n"
    "adversarial:attack=[fgsm:eps=0.3] <- fgsm freeadversarial fast\n"
    "trades <- mart awp\n"
    "sgd:momentum=0.9 <- momentum sgdm nesterov\n"
    // parameters
    "eps <- epsilon epsilons budget radius maxnorm magnitude size\n"
    "alpha <- step stepsize epsiter epsstep relstepsize lr learningrate\n"
    "steps <- step iter iters iterations nbiter niter maxiter numsteps numiter maxiterations nsteps\n"
    "restarts <- nrestarts numrestarts ninits numrandominit\n"
    "norm <- p ord order lp distance\n"
    "start <- init randinit randominit randstart randomstart\n"
    "queries <- nqueries maxqueries budget\n"
    "rate <- lr learningrate p stepsize\n"
    "decay <- weightdecay wd l2\n"
    "loss <- lossfn lossfunction criterion\n"
    "max_features <- pixels maxpixels features\n"
    "beta <- lambda tradeoff\n"
    // values
    "linf <- inf infinity infty max linfinity loo l∞ ∞\n"
    "l2 <- 2 euclidean\n"
    "l1 <- 1 manhattan\n"
    "l0 <- 0\n"
    "ce <- crossentropy xent nll\n"
    // layers and their parameters
    "linear <- dense fc fullyconnected gemm\n"
    "conv2d <- conv convolution convolution2d\n"
    "max_pool2d <- maxpool maxpooling maxpooling2d\n"
    "average_pool2d <- avgpool avgpool2d averagepooling averagepool\n"
    "batch_norm <- bn batchnorm2d batchnormalization\n"
    "units <- out outfeatures outputs neurons features n\n"
    "filters <- channels outchannels features n\n"
    "kernel <- kernelsize ksize size\n"
    // models, data
    "resnet20 <- resnet resnet18 resnet50\n"
    "small <- cnn smallcnn\n"
    "fashion-mnist <- fashion fmnist\n"
    "mnist-5k <- mnistsmall minimnist\n"
    // options
    "attack fgsm:eps=0.3 <- eps epsilon norm steps step alpha spec\n"
    "data <- dataset images input\n"
    "limit <- n num count samples nimages nsamples maxsamples subset l\n"
    "out <- output o save saveto file\n"
    "threads <- workers jobs cores j cpus t\n"
    "batch <- batchsize bs b\n"
    "epochs <- iterations steps e\n"
    "model <- network net arch architecture m\n"
    "optimizer adam:rate=0.001 <- lr learningrate momentum\n"
    "preprocess mean=0.1307,std=0.3081 <- normalize normalise mean std scale layout\n"
    "targets <- targeted\n"
    "defense <- defence adversarial\n"
    "quiet <- q silent verbose noprogress\n"
    // commands
    "eval <- test evaluate accuracy predict clean\n"
    "train <- fit learn\n"
    "reproduce <- verify replay rerun repeat\n"
    "show <- info inspect summary print cat\n"
    "list <- ls\n"
    "convert <- export import\n"
    "report <- publish\n";

/// Calls use(written, words) for each row until it returns true.
template <class Use>
void find_row(const Use& use) {
  constexpr std::string_view arrow = " <- ";
  for (std::string_view rest = synonyms; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1)) {
    const std::string_view row = rest.substr(0, rest.find('\n'));
    const std::size_t end = row.find(arrow);
    if (use(row.substr(0, end), row.substr(end + arrow.size()))) return;
  }
}

/// `word` in small letters without dashes, and without what other libraries end names in.
std::string bare(std::string_view word) {
  std::string out;
  for (const char c : word) {
    if (std::string_view("-_. ").find(c) != std::string_view::npos) continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  for (const std::string_view ending : {"attack", "method"}) {
    if (out.size() > ending.size() && out.ends_with(ending)) out.resize(out.size() - ending.size());
  }
  return out;
}

bool holds(std::string_view words, std::string_view word) {
  for (std::size_t at = words.find(word); at != words.npos && !word.empty(); at = words.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' ')) return true;
  }
  return false;
}

constexpr std::size_t longest = 64;  // nobody mistypes a name into more

// How many letters have to be inserted, left out, replaced or swapped with the next (Damerau 1964).
std::size_t edits(std::string_view a, std::string_view b) {
  if (std::max(a.size(), b.size()) > longest) return longest;
  std::size_t rows[3][longest + 1];
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::size_t *const last = rows[i % 3], *const before = rows[(i + 2) % 3];
    std::size_t* const row = rows[(i + 1) % 3];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min(std::min(last[j + 1], row[j]) + 1, last[j] + (a[i] == b[j] ? 0U : 1U));
      if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j]) row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

std::string meant_by(std::string_view word, std::span<const std::string_view> names) {
  if (word.empty() || word.size() > longest) return "";
  const std::string plain = bare(word);
  for (const std::string_view name : names) {
    if (plain == bare(name)) return std::string(name);
  }
  std::string_view best;
  find_row([&](std::string_view written, std::string_view words) {
    const std::string_view name = written.substr(0, written.find_first_of(": "));
    if (holds(words, plain) && std::ranges::find(names, name) != names.end()) best = written;
    return !best.empty();
  });
  if (!best.empty()) return std::string(best);
  std::size_t least = plain.size() / 3 + (plain.size() > 2 ? 2 : 1);
  for (const std::string_view name : names) {
    const std::size_t distance = edits(plain, bare(name));
    if (distance < least) best = name;
    least = std::min(least, distance);
  }
  return std::string(best);
}

std::string meant_by(std::string_view word) {
  const std::string plain = bare(word);
  std::string_view meant;
  find_row([&](std::string_view written, std::string_view words) {
    if (holds(words, plain)) meant = written;
    return !meant.empty();
  });
  return std::string(meant);
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> names, std::string_view dashes) {
  const std::string meant = meant_by(word, names);
  return meant.empty() ? "; " : text("; did you mean ", dashes, meant, "? ");
}

}  // namespace hans
