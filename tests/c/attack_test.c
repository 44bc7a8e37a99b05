/* Attacks and training through the C interface. */
#include <math.h>

#include "testing.h"

static void test_attack(void) {
  hans_model* const model = make_trained();
  hans_attack_options options = HANS_ATTACK_OPTIONS_INIT;
  struct {
    hans_attack_options options;
    uint64_t newer;
  } larger = {HANS_ATTACK_OPTIONS_INIT, 0};
  hans_attack_result results[COUNT];
  float made[COUNT * FEATURES], again[COUNT * FEATURES];
  int32_t classes[COUNT], targets[COUNT];
  int i, j, evaded = 0;
  for (i = 0; i < COUNT; ++i) targets[i] = (labels[i] + 1) % CLASSES;

  OK(hans_attack(model, "fgsm:eps=0.3", images, labels, NULL, COUNT, &options, made, results));
  OK(hans_predict(model, made, COUNT, classes));
  for (i = 0; i < COUNT; ++i) {
    float most = 0;
    uint64_t changed = 0;
    for (j = i * FEATURES; j < (i + 1) * FEATURES; ++j) {
      const float change = fabsf(made[j] - images[j]);
      most = change > most ? change : most;
      changed += made[j] != images[j];
      CHECK(made[j] >= 0 && made[j] <= 1);
    }
    CHECK(results[i].prediction == classes[i] && results[i].l0 == changed && fabs(results[i].linf - most) < 1e-6);
    CHECK(results[i].linf <= 0.3F && results[i].l2 >= results[i].linf && results[i].l1 >= results[i].l2);
    CHECK(results[i].success == (classes[i] != labels[i]) && results[i].evades == results[i].success);
    CHECK(results[i].reason == (results[i].success ? HANS_REASON_SUCCESS : HANS_REASON_UNCHANGED_PREDICTION));
    evaded += results[i].evades;
  }
  CHECK(evaded > COUNT / 2);
  memcpy(again, images, sizeof again); /* in place, with the default options, and nothing judged */
  OK(hans_attack(model, "fgsm:eps=0.3", again, labels, NULL, COUNT, NULL, again, NULL));
  CHECK(memcmp(again, made, sizeof made) == 0);

  OK(hans_attack(model, "fgsm:eps=0.05", images, labels, targets, COUNT, NULL, made, results));
  for (i = 0; i < COUNT; ++i) CHECK(results[i].success == (results[i].prediction == targets[i]));
  OK(hans_attack(model, "jsma:gamma=0.3", images, labels, NULL, COUNT, NULL, made, NULL));
  OK(hans_attack(model, "jsma:gamma=0.3", images, labels, targets, COUNT, NULL, again, results));
  CHECK(memcmp(again, made, sizeof made) == 0);
  options.box_lo = 0.2F; /* above some features of the originals */
  OK(hans_attack(model, "fgsm:eps=0.01", images, labels, NULL, COUNT, &options, made, results));
  for (i = j = 0; i < COUNT; ++i) j += results[i].reason == HANS_REASON_OUTSIDE_BOX && !results[i].evades;
  CHECK(j > 0);
  larger.options.size = sizeof larger; /* as a program compiled with a newer header has it */
  OK(hans_attack(model, "fgsm:eps=0.3", images, labels, NULL, 1, &larger.options, made, results));

  larger.newer = 1;
  FAILS(HANS_USAGE, "newer", hans_attack(model, "fgsm:eps=0.3", images, labels, NULL, 1, &larger.options, made, NULL));
  options.size = 0;
  FAILS(HANS_USAGE, "size is 0", hans_attack(model, "fgsm:eps=0.3", images, labels, NULL, 1, &options, made, NULL));
  options.size = (size_t)-1;
  FAILS(HANS_USAGE, "size is", hans_attack(model, "fgsm:eps=0.3", images, labels, NULL, 1, &options, made, NULL));
  options.size = sizeof options;
  options.box_lo = 2;
  FAILS(HANS_USAGE, "box", hans_attack(model, "fgsm:eps=0.3", images, labels, NULL, 1, &options, made, NULL));
  options.box_lo = (float)NAN;
  FAILS(HANS_USAGE, "box", hans_attack(model, "fgsm:eps=0.3", images, labels, NULL, 1, &options, made, NULL));
  options.box_lo = 0;
  options.first_index = 0xffffffffU;
  OK(hans_attack(model, "fgsm:eps=0.3", images, labels, NULL, 1, &options, made, NULL));
  FAILS(HANS_USAGE, "2^32", hans_attack(model, "fgsm:eps=0.3", images, labels, NULL, 2, &options, made, NULL));
  FAILS(HANS_USAGE, "eps", hans_attack(model, "fgsm", images, labels, NULL, 1, NULL, made, NULL));
  FAILS(HANS_USAGE, "there is no attack", hans_attack(model, "x", images, labels, NULL, 1, NULL, made, NULL));
  FAILS(HANS_USAGE, "UTF-8", hans_attack(model, "\xff", images, labels, NULL, 1, NULL, made, NULL));
  FAILS(HANS_USAGE, "attack is NULL", hans_attack(model, NULL, images, labels, NULL, 1, NULL, made, NULL));
  FAILS(HANS_USAGE, "the image's label",
        hans_attack(model, "fgsm:eps=0.3", images, labels, labels, 1, NULL, made, NULL));
  FAILS(HANS_USAGE, "no targets",
        hans_attack(model, "fgsm@cleverhans-1.0.0:eps=0.3", images, labels, targets, 1, NULL, made, NULL));
  targets[1] = CLASSES;
  FAILS(HANS_USAGE, "targets[1]", hans_attack(model, "fgsm:eps=0.3", images, labels, targets, 2, NULL, made, NULL));
  FAILS(HANS_USAGE, "count is 0", hans_attack(model, "fgsm:eps=0.3", images, labels, NULL, 0, NULL, made, NULL));
  FAILS(HANS_USAGE, "model is NULL", hans_attack(NULL, "fgsm:eps=0.3", images, labels, NULL, 1, NULL, made, NULL));
  FAILS(HANS_USAGE, "images is NULL", hans_attack(model, "fgsm:eps=0.3", NULL, labels, NULL, 1, NULL, made, NULL));
  FAILS(HANS_USAGE, "labels is NULL", hans_attack(model, "fgsm:eps=0.3", images, NULL, NULL, 1, NULL, made, NULL));
  FAILS(HANS_USAGE, "adversarial is NULL",
        hans_attack(model, "fgsm:eps=0.3", images, labels, NULL, 1, NULL, NULL, results));
  hans_model_free(model);
}

static void test_trainer(void) {
  hans_model* const model = make_model();
  hans_model *before = NULL, *handle = NULL;
  hans_trainer* trainer = NULL;
  hans_trainer_options options = HANS_TRAINER_OPTIONS_INIT;
  uint32_t indices[COUNT];
  double first = 0, loss = 0;
  float losses[COUNT], gradient[COUNT * FEATURES], wrong = (float)NAN;
  int i;
  for (i = 0; i < COUNT; ++i) indices[i] = (uint32_t)(COUNT - i);
  OK(hans_model_clone(model, &before));
  OK(hans_gradient(model, images, labels, COUNT, gradient, losses));
  for (i = 0; i < COUNT; ++i) first += losses[i];
  options.clip = 10;
  OK(hans_trainer_create(model, "sgd:rate=0.5", NULL, &options, &trainer));
  OK(hans_trainer_set_rate_factor(trainer, 0));
  OK(hans_trainer_step(trainer, images, labels, indices, COUNT, &loss));
  CHECK(fabs(loss - first / COUNT) < 1e-6);
  OK(hans_gradient(model, images, labels, COUNT, gradient, losses));
  for (i = 0; i < COUNT; ++i) first -= losses[i];
  CHECK(first == 0); /* a rate of 0 changes no weight */
  OK(hans_trainer_set_rate_factor(trainer, 1));
  first = loss;
  for (i = 0; i < 20; ++i) OK(hans_trainer_step(trainer, images, labels, NULL, COUNT, &loss));
  CHECK(loss < first / 2);
  CHECK(!same_model(model, before)); /* the clone kept its weights */

  OK(hans_model_clone(model, &handle));
  FAILS(HANS_USAGE, "trainer is NULL", hans_trainer_step(NULL, images, labels, NULL, COUNT, NULL));
  FAILS(HANS_USAGE, "images is NULL", hans_trainer_step(trainer, NULL, labels, NULL, COUNT, NULL));
  FAILS(HANS_USAGE, "labels is NULL", hans_trainer_step(trainer, images, NULL, NULL, COUNT, NULL));
  FAILS(HANS_USAGE, "count is 0", hans_trainer_step(trainer, images, labels, NULL, 0, NULL));
  FAILS(HANS_USAGE, "trainer is NULL", hans_trainer_set_rate_factor(NULL, 1));
  FAILS(HANS_USAGE, "not -1", hans_trainer_set_rate_factor(trainer, -1));
  FAILS(HANS_USAGE, "factor", hans_trainer_set_rate_factor(trainer, wrong));
  gradient[0] = wrong;
  FAILS(HANS_USAGE, "image 0", hans_trainer_step(trainer, gradient, labels, NULL, 1, NULL));
  for (i = 0; i < FEATURES; ++i) gradient[i] = 3e38F;
  FAILS(HANS_ERROR, "not", hans_trainer_step(trainer, gradient, labels, NULL, 1, NULL));
  CHECK(same_model(model, handle)); /* what failed changed nothing */
  hans_model_free(model);           /* the trainer holds on to it */
  OK(hans_trainer_step(trainer, images, labels, NULL, COUNT, NULL));
  hans_trainer_free(trainer);
  hans_model_free(before);

  OK(hans_trainer_create(handle, "adam", "adversarial:attack=[fgsm:eps=0.1]", &options, &trainer));
  OK(hans_trainer_step(trainer, images, labels, indices, COUNT, &loss));
  hans_trainer_free(trainer);
  FAILS(HANS_USAGE, "there is no defence", hans_trainer_create(handle, "adam", "x", NULL, &trainer));
  CHECK(trainer == NULL);
  FAILS(HANS_USAGE, "there is no optimizer", hans_trainer_create(handle, "x", NULL, NULL, &trainer));
  FAILS(HANS_USAGE, "optimizer is NULL", hans_trainer_create(handle, NULL, NULL, NULL, &trainer));
  FAILS(HANS_USAGE, "model is NULL", hans_trainer_create(NULL, "adam", NULL, NULL, &trainer));
  FAILS(HANS_USAGE, "trainer is NULL", hans_trainer_create(handle, "adam", NULL, NULL, NULL));
  options.clip = -1;
  FAILS(HANS_USAGE, "negative", hans_trainer_create(handle, "adam", NULL, &options, &trainer));
  options.clip = 0;
  options.smoothing = 1;
  FAILS(HANS_USAGE, "smoothing", hans_trainer_create(handle, "adam", NULL, &options, &trainer));
  options.smoothing = 0.1F;
  options.box_hi = -1;
  FAILS(HANS_USAGE, "box", hans_trainer_create(handle, "adam", NULL, &options, &trainer));
  options.size = 1;
  FAILS(HANS_USAGE, "size", hans_trainer_create(handle, "adam", NULL, &options, &trainer));
  hans_model_free(handle);
}

int main(void) {
  make_data();
  test_attack();
  test_trainer();
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
