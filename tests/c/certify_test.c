/* Certificates through the C interface. Give it a folder where it may write. */
#include <math.h>

#include "testing.h"

static const float eps = 0.05F;

/* The verdicts against what the model and an attack say of the same images. */
static void test_verdicts(void) {
  hans_model* const model = make_trained();
  hans_certify_options options = HANS_CERTIFY_OPTIONS_INIT;
  hans_certificate found[COUNT], again[COUNT];
  float images_found[COUNT * FEATURES], copy[COUNT * FEATURES];
  hans_attack_result attacked[COUNT];
  int32_t classes[COUNT];
  int i, j, counts[4] = {0, 0, 0, 0};
  const float radii[] = {0.05F, 0.1F, 0.2F};
  size_t r;
  for (r = 0; r < sizeof radii / sizeof *radii; ++r) {
    char attack[32];
    OK(hans_certify(model, radii[r], images, labels, COUNT, NULL, found, images_found, NULL));
    OK(hans_predict(model, images, COUNT, classes));
    snprintf(attack, sizeof attack, "pgd:eps=%g", (double)radii[r]);
    OK(hans_attack(model, attack, images, labels, NULL, COUNT, NULL, copy, attacked));
    for (i = 0; i < COUNT; ++i) {
      const hans_certificate* const one = &found[i];
      CHECK(one->verdict >= HANS_VERDICT_CERTIFIED && one->verdict <= HANS_VERDICT_WRONG && one->proof == 0);
      ++counts[one->verdict];
      CHECK(one->prediction == classes[i]);
      CHECK((one->verdict == HANS_VERDICT_WRONG) == (classes[i] != labels[i]));
      CHECK((one->verdict == HANS_VERDICT_WRONG) == (one->step == HANS_STEP_NONE));
      CHECK((one->verdict == HANS_VERDICT_UNKNOWN) == (one->doubt != HANS_DOUBT_NONE));
      CHECK(one->verdict != HANS_VERDICT_CERTIFIED || (one->real && one->float32 && one->bound > 0));
      CHECK(one->verdict != HANS_VERDICT_CERTIFIED || !attacked[i].evades);
      CHECK(one->runner_up >= -1 && one->runner_up < CLASSES && one->runner_up != labels[i]);
      CHECK((one->runner_up < 0) == (isnan(one->bound) != 0));
      for (j = i * FEATURES; j < (i + 1) * FEATURES; ++j) {
        const float change = fabsf(images_found[j] - images[j]);
        CHECK(images_found[j] >= 0 && images_found[j] <= 1 && change <= radii[r] * 1.000001F);
        CHECK(one->verdict == HANS_VERDICT_ATTACKED || change == 0);
      }
    }
    OK(hans_predict(model, images_found, COUNT, classes));
    for (i = 0; i < COUNT; ++i) {
      CHECK(found[i].verdict != HANS_VERDICT_ATTACKED || classes[i] != labels[i]);
    }
  }
  CHECK(counts[HANS_VERDICT_CERTIFIED] > 0 && counts[HANS_VERDICT_ATTACKED] > 0);

  OK(hans_certify(model, eps, images, labels, COUNT, NULL, found, NULL, NULL));
  for (i = 0; i < COUNT; ++i) { /* one by one, in place, it is the same */
    memcpy(copy, images + i * FEATURES, FEATURES * sizeof(float));
    options.first_index = (uint32_t)i;
    OK(hans_certify(model, eps, copy, labels + i, 1, &options, again + i, copy, NULL));
  }
  for (i = 0; i < COUNT; ++i) {
    CHECK(found[i].verdict == again[i].verdict && found[i].step == again[i].step);
    CHECK(found[i].bound == again[i].bound || isnan(found[i].bound));
  }

  options.first_index = 0;
  options.attack = "none";
  for (options.method = HANS_CERTIFY_IBP; options.method <= HANS_CERTIFY_JOINT; ++options.method) {
    OK(hans_certify(model, eps, images, labels, COUNT, &options, found, NULL, NULL));
    for (i = 0; i < COUNT; ++i) {
      CHECK(found[i].step != HANS_STEP_ATTACK && found[i].step <= options.method);
      CHECK(found[i].verdict != HANS_VERDICT_UNKNOWN || found[i].doubt != HANS_DOUBT_BOUND ||
            options.method != HANS_CERTIFY_COMPLETE);
    }
  }
  options.method = HANS_CERTIFY_AUTO;
  for (options.norm = HANS_NORM_L2; options.norm <= HANS_NORM_L1; ++options.norm) {
    OK(hans_certify(model, eps, images, labels, COUNT, &options, found, NULL, NULL));
    for (i = 0; i < COUNT; ++i) CHECK(found[i].verdict != HANS_VERDICT_CERTIFIED || found[i].step <= HANS_STEP_ALPHA);
  }
  hans_model_free(model);
}

static void test_proofs(const char* folder) {
  hans_model* const model = make_trained();
  hans_certify_options options = HANS_CERTIFY_OPTIONS_INIT;
  hans_certificate found[COUNT];
  hans_proofs* proofs = NULL;
  size_t count = 0, certified = 0;
  char path[4096], sha256[HANS_SHA256_SIZE], first[64], second[64];
  FILE* file;
  int i;
  snprintf(path, sizeof path, "%s/c_test \xc3\xa4 proofs.npz", folder);
  OK(hans_model_sha256(model, sha256));
  OK(hans_certify(model, eps, images, labels, COUNT, NULL, found, NULL, &proofs));
  for (i = 0; i < COUNT; ++i) {
    certified += found[i].proof != 0;
    CHECK(!found[i].proof || found[i].verdict == HANS_VERDICT_CERTIFIED);
  }
  OK(hans_proofs_count(proofs, &count));
  CHECK(count > 0 && count == certified);
  OK(hans_proofs_save(proofs, path, NULL));
  file = fopen(path, "rb");
  CHECK(file != NULL && fread(first, 1, sizeof first, file) == sizeof first);
  if (file != NULL) fclose(file);
  OK(hans_proofs_save(proofs, path, sha256)); /* any hash */
  file = fopen(path, "rb");
  CHECK(file != NULL && fread(second, 1, sizeof second, file) == sizeof second && memcmp(first, second, 2) == 0);
  if (file != NULL) fclose(file);
  remove(path);

  FAILS(HANS_USAGE, "proofs is NULL", hans_proofs_count(NULL, &count));
  FAILS(HANS_USAGE, "count is NULL", hans_proofs_count(proofs, NULL));
  FAILS(HANS_USAGE, "proofs is NULL", hans_proofs_save(NULL, path, NULL));
  FAILS(HANS_USAGE, "path is NULL", hans_proofs_save(proofs, NULL, NULL));
  FAILS(HANS_USAGE, "UTF-8", hans_proofs_save(proofs, "\xff", NULL));
  FAILS(HANS_ERROR, folder, hans_proofs_save(proofs, folder, NULL));
  FAILS(HANS_USAGE, "data_sha256 is not 64", hans_proofs_save(proofs, path, "abc"));
  sha256[5] = 'G';
  FAILS(HANS_USAGE, "data_sha256 is not 64", hans_proofs_save(proofs, path, sha256));
  sha256[5] = 'a';
  hans_proofs_free(proofs);
  hans_proofs_free(NULL);

  options.first_index = 7; /* of another data set: its hash must be given */
  OK(hans_certify(model, eps, images, labels, 1, &options, found, NULL, &proofs));
  FAILS(HANS_USAGE, "position 7", hans_proofs_save(proofs, path, NULL));
  OK(hans_proofs_save(proofs, path, sha256));
  remove(path);
  hans_proofs_free(proofs);
  options.first_index = 0;
  options.norm = HANS_NORM_L2;
  FAILS(HANS_USAGE, "proofs are for linf", hans_certify(model, eps, images, labels, 1, &options, found, NULL, &proofs));
  CHECK(proofs == NULL);
  hans_model_free(model);
}

static void test_errors(void) {
  hans_model *const model = make_trained(), *other = NULL;
  hans_certify_options options = HANS_CERTIFY_OPTIONS_INIT;
  struct {
    hans_certify_options options;
    uint64_t newer;
  } larger = {HANS_CERTIFY_OPTIONS_INIT, 0};
  hans_certificate found[2];
  hans_proofs* proofs = (hans_proofs*)found;
  float wrong[FEATURES] = {0};
  int32_t label = CLASSES;

  FAILS(HANS_USAGE, "model is NULL", hans_certify(NULL, eps, images, labels, 1, NULL, found, NULL, &proofs));
  CHECK(proofs == NULL);
  FAILS(HANS_USAGE, "images is NULL", hans_certify(model, eps, NULL, labels, 1, NULL, found, NULL, NULL));
  FAILS(HANS_USAGE, "labels is NULL", hans_certify(model, eps, images, NULL, 1, NULL, found, NULL, NULL));
  FAILS(HANS_USAGE, "certificates is NULL", hans_certify(model, eps, images, labels, 1, NULL, NULL, wrong, NULL));
  FAILS(HANS_USAGE, "count is 0", hans_certify(model, eps, images, labels, 0, NULL, found, NULL, NULL));
  FAILS(HANS_USAGE, "count is", hans_certify(model, eps, images, labels, (size_t)-1, NULL, found, NULL, NULL));
  FAILS(HANS_USAGE, "labels[0] is 3", hans_certify(model, eps, images, &label, 1, NULL, found, NULL, NULL));
  FAILS(HANS_USAGE, "eps", hans_certify(model, -1.0F, images, labels, 1, NULL, found, NULL, NULL));
  FAILS(HANS_USAGE, "eps", hans_certify(model, (float)NAN, images, labels, 1, NULL, found, NULL, NULL));
  FAILS(HANS_USAGE, "eps", hans_certify(model, (float)INFINITY, images, labels, 1, NULL, found, NULL, NULL));
  wrong[3] = (float)NAN;
  FAILS(HANS_USAGE, "image 0 holds", hans_certify(model, eps, wrong, labels, 1, NULL, found, NULL, NULL));
  wrong[3] = 0;

  OK(hans_certify(model, eps, images, labels, 1, &larger.options, found, NULL, NULL));
  larger.options.size = sizeof larger; /* as a program compiled with a newer header has it */
  OK(hans_certify(model, eps, images, labels, 1, &larger.options, found, NULL, NULL));
  larger.newer = 1;
  FAILS(HANS_USAGE, "newer", hans_certify(model, eps, images, labels, 1, &larger.options, found, NULL, NULL));
#define REFUSED(words, member, value)                                                                      \
  do {                                                                                                     \
    hans_certify_options changed = HANS_CERTIFY_OPTIONS_INIT;                                              \
    changed.member = (value);                                                                              \
    FAILS(HANS_USAGE, words, hans_certify(model, eps, images, labels, 2, &changed, found, NULL, &proofs)); \
    CHECK(proofs == NULL);                                                                                 \
  } while (0)
  REFUSED("size is 0", size, 0);
  REFUSED("nodes is 0", nodes, 0);
  REFUSED("seconds is -1", seconds, -1.0);
  REFUSED("seconds is nan", seconds, (double)NAN);
  REFUSED("norm is 3", norm, 3);
  REFUSED("norm is -1", norm, -1);
  REFUSED("method is 7", method, HANS_CERTIFY_JOINT + 1);
  REFUSED("box", box_lo, 2.0F);
  REFUSED("box", box_hi, (float)NAN);
  REFUSED("outside the box [0.3,1]", box_lo, 0.3F);
  REFUSED("2^32", first_index, 0xffffffffU);
  REFUSED("leave eps out", attack, "pgd:eps=0.1");
  REFUSED("there is no attack", attack, "x");
  REFUSED("UTF-8", attack, "\xff");
  REFUSED("keeps within l2", attack, "pgd:norm=l2");
  options.norm = HANS_NORM_L2;
  options.method = HANS_CERTIFY_COMPLETE;
  FAILS(HANS_USAGE, "complete is for linf", hans_certify(model, eps, images, labels, 1, &options, found, NULL, NULL));

  OK(hans_model_create("4x4x1;flatten;linear:units=1", 1, &other));
  label = 0;
  FAILS(HANS_USAGE, "one class", hans_certify(other, eps, images, &label, 1, NULL, found, NULL, NULL));
  hans_model_free(other);
  OK(hans_model_create("4x4x1;flatten;linear:units=4;softmax;linear:units=3", 1, &other));
  FAILS(HANS_ERROR, "softmax", hans_certify(other, eps, images, labels, 1, NULL, found, NULL, NULL));
  hans_model_free(other);
  OK(hans_model_create("4x4x1;flatten;linear:units=4;tanh;linear:units=3", 1, &other));
  OK(hans_certify(other, eps, images, labels, 1, NULL, found, NULL, NULL));
  FAILS(HANS_ERROR, "no proof can be written", hans_certify(other, eps, images, labels, 1, NULL, found, NULL, &proofs));
  hans_model_free(other);
  hans_model_free(model);
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: certify_test FOLDER\n");
    return 2;
  }
  make_data();
  test_verdicts();
  test_proofs(argv[1]);
  test_errors();
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
