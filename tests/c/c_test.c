/* The C interface from C: every function, and every kind of failure of each. c_test FOLDER, where it may write. */
#define _POSIX_C_SOURCE 200809L
#include <hans/hans.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FEATURES = 16, CLASSES = 3, COUNT = 48 };
static const char architecture[] = "4x4x1;flatten;linear:units=3,bias=true";

static int failures = 0;

static void check(int ok, const char* what, int line) {
  if (ok) return;
  ++failures;
  fprintf(stderr, "c_test.c:%d: not so: %s (last error: %s)\n", line, what, hans_last_error());
}
#define CHECK(condition) check((condition), #condition, __LINE__)
#define OK(call) check((call) == HANS_OK, #call, __LINE__)

/* The call fails with `status`, and the message is one line that holds `words`. */
static void check_fails(hans_status got, hans_status status, const char* words, const char* what, int line) {
  const char* const message = hans_last_error();
  check(got == status && strstr(message, words) != NULL && strchr(message, '\n') == NULL, what, line);
}
#define FAILS(status, words, call) check_fails((call), (status), (words), #call, __LINE__)

static float images[COUNT * FEATURES]; /* class k is bright in row k, everything else is dim */
static int32_t labels[COUNT];

static void make_data(void) {
  uint32_t state = 1;
  int i, j;
  for (i = 0; i < COUNT; ++i) {
    labels[i] = i % CLASSES;
    for (j = 0; j < FEATURES; ++j) {
      state = state * 1664525U + 1013904223U;
      images[i * FEATURES + j] = (float)(state >> 24) / 255.0F * 0.4F + (j / 4 == labels[i] ? 0.5F : 0.1F);
    }
  }
}

static hans_model* make_model(void) {
  hans_model* model = NULL;
  OK(hans_model_create(architecture, 1, &model));
  return model;
}

/* A model that knows the data. */
static hans_model* make_trained(void) {
  hans_model* const model = make_model();
  hans_trainer* trainer = NULL;
  int step;
  OK(hans_trainer_create(model, "adam:rate=0.05", NULL, NULL, &trainer));
  for (step = 0; step < 40; ++step) OK(hans_trainer_step(trainer, images, labels, NULL, COUNT, NULL));
  hans_trainer_free(trainer);
  return model;
}

static int same_model(const hans_model* a, const hans_model* b) {
  char sha256[2][HANS_SHA256_SIZE] = {"a", "b"};
  OK(hans_model_sha256(a, sha256[0]));
  OK(hans_model_sha256(b, sha256[1]));
  CHECK(strlen(sha256[0]) == 64);
  return strcmp(sha256[0], sha256[1]) == 0;
}

static void test_library(void) {
  const char* name = NULL;
  CHECK(hans_abi_version() == HANS_ABI_VERSION);
  CHECK(strncmp(hans_version(), HANS_VERSION, strlen(HANS_VERSION)) == 0);
  CHECK(strcmp(hans_last_error(), "") == 0);
  OK(hans_kernels(&name));
  CHECK(name != NULL && strlen(name) > 3);
  OK(hans_set_threads(3));
  FAILS(HANS_USAGE, "not 0", hans_set_threads(0));
  FAILS(HANS_USAGE, "1024", hans_set_threads(1025));
  FAILS(HANS_USAGE, "name is NULL", hans_kernels(NULL));
  hans_model_free(NULL);
  hans_trainer_free(NULL);
}

static void test_models(const char* folder) {
  hans_model* const made = make_trained();
  hans_model *model = NULL, *loaded = NULL;
  size_t shape[3] = {0, 0, 0}, classes = 0, length;
  const char* text = NULL;
  char path[4096], bytes[8192], sha256[HANS_SHA256_SIZE];
  FILE* file;
  OK(hans_model_input_shape(made, shape));
  CHECK(shape[0] == 4 && shape[1] == 4 && shape[2] == 1);
  OK(hans_model_classes(made, &classes));
  CHECK(classes == CLASSES);
  OK(hans_model_architecture(made, &text));
  CHECK(strcmp(text, architecture) == 0);

  snprintf(path, sizeof path, "%s/c_test \xc3\xa4.hans", folder);
  OK(hans_model_save(made, path));
  OK(hans_model_load(path, &loaded));
  CHECK(same_model(made, loaded));
  file = fopen(path, "rb");
  CHECK(file != NULL);
  if (file == NULL) return;
  length = fread(bytes, 1, sizeof bytes, file);
  fclose(file);
  remove(path);
  OK(hans_model_parse(bytes, length, &model));
  CHECK(same_model(made, model));
  hans_model_free(model);
  OK(hans_model_clone(loaded, &model));
  hans_model_free(loaded);
  CHECK(same_model(made, model));
  hans_model_free(model);
  OK(hans_model_create("linear", 7, &model)); /* a built-in one */
  CHECK(!same_model(made, model));
  hans_model_free(model);

  model = made; /* every failure makes it NULL */
  FAILS(HANS_ERROR, "c_test", hans_model_load(path, &model));
  CHECK(model == NULL);
  FAILS(HANS_ERROR, folder, hans_model_load(folder, &model));
  FAILS(HANS_USAGE, "path is NULL", hans_model_load(NULL, &model));
  FAILS(HANS_USAGE, "model is NULL", hans_model_load(path, NULL));
  FAILS(HANS_USAGE, "UTF-8", hans_model_load("\xff.hans", &model));
  FAILS(HANS_USAGE, "control", hans_model_load("two\nlines.hans", &model));
  FAILS(HANS_ERROR, "in memory", hans_model_parse(bytes, length - 1, &model));
  FAILS(HANS_ERROR, "in memory", hans_model_parse(bytes, 0, &model));
  bytes[length - 1] = (char)(bytes[length - 1] ^ 1);
  FAILS(HANS_ERROR, "in memory", hans_model_parse(bytes, length, &model));
  FAILS(HANS_USAGE, "bytes is NULL", hans_model_parse(NULL, 0, &model));
  FAILS(HANS_USAGE, "model is NULL", hans_model_parse(bytes, length, NULL));
  FAILS(HANS_USAGE, "nonsense", hans_model_create("nonsense", 0, &model));
  FAILS(HANS_USAGE, "nonsense", hans_model_create("4x4x1;nonsense", 0, &model));
  FAILS(HANS_ERROR, "flatten", hans_model_create("4x4x1;conv2d:filters=2,kernel=3", 0, &model));
  FAILS(HANS_USAGE, "architecture is NULL", hans_model_create(NULL, 0, &model));
  FAILS(HANS_USAGE, "model is NULL", hans_model_create(architecture, 0, NULL));
  FAILS(HANS_USAGE, "model is NULL", hans_model_clone(NULL, &model));
  FAILS(HANS_USAGE, "copy is NULL", hans_model_clone(made, NULL));
  FAILS(HANS_ERROR, folder, hans_model_save(made, folder));
  FAILS(HANS_USAGE, "path is NULL", hans_model_save(made, NULL));
  FAILS(HANS_USAGE, "UTF-8", hans_model_save(made, "\xc3.hans"));
  FAILS(HANS_USAGE, "model is NULL", hans_model_save(NULL, path));
  FAILS(HANS_USAGE, "model is NULL", hans_model_input_shape(NULL, shape));
  FAILS(HANS_USAGE, "shape is NULL", hans_model_input_shape(made, NULL));
  FAILS(HANS_USAGE, "model is NULL", hans_model_classes(NULL, &classes));
  FAILS(HANS_USAGE, "classes is NULL", hans_model_classes(made, NULL));
  FAILS(HANS_USAGE, "model is NULL", hans_model_architecture(NULL, &text));
  FAILS(HANS_USAGE, "architecture is NULL", hans_model_architecture(made, NULL));
  FAILS(HANS_USAGE, "model is NULL", hans_model_sha256(NULL, sha256));
  FAILS(HANS_USAGE, "sha256 is NULL", hans_model_sha256(made, NULL));
  hans_model_free(made);
}

/* What predict, logits and gradient, all of which take images, make of wrong ones. */
static void test_wrong_images(const hans_model* model) {
  float wrong[2 * FEATURES] = {0}, out[2 * FEATURES];
  int32_t classes[2], label = CLASSES;
  wrong[FEATURES + 5] = (float)INFINITY;
  FAILS(HANS_USAGE, "image 1 holds inf at position 5", hans_predict(model, wrong, 2, classes));
  FAILS(HANS_USAGE, "image 1", hans_logits(model, wrong, 2, out));
  FAILS(HANS_USAGE, "image 1", hans_gradient(model, wrong, labels, 2, out, NULL));
  wrong[3] = (float)NAN;
  FAILS(HANS_USAGE, "image 0", hans_predict(model, wrong, 2, classes));
  FAILS(HANS_USAGE, "count is 0", hans_predict(model, images, 0, classes));
  FAILS(HANS_USAGE, "count is", hans_predict(model, images, (size_t)-1, classes));
  FAILS(HANS_NO_MEMORY, "out of memory", hans_predict(model, images, (size_t)-1 / 1024 / FEATURES, classes));
  FAILS(HANS_USAGE, "model is NULL", hans_predict(NULL, images, 2, classes));
  FAILS(HANS_USAGE, "images is NULL", hans_predict(model, NULL, 2, classes));
  FAILS(HANS_USAGE, "classes is NULL", hans_predict(model, images, 2, NULL));
  FAILS(HANS_USAGE, "model is NULL", hans_logits(NULL, images, 2, out));
  FAILS(HANS_USAGE, "logits is NULL", hans_logits(model, images, 2, NULL));
  FAILS(HANS_USAGE, "model is NULL", hans_gradient(NULL, images, labels, 2, out, NULL));
  FAILS(HANS_USAGE, "labels is NULL", hans_gradient(model, images, NULL, 2, out, NULL));
  FAILS(HANS_USAGE, "gradient is NULL", hans_gradient(model, images, labels, 2, NULL, NULL));
  FAILS(HANS_USAGE, "labels[0] is 3", hans_gradient(model, images, &label, 1, out, NULL));
  label = -1;
  FAILS(HANS_USAGE, "labels[0] is -1", hans_gradient(model, images, &label, 1, out, NULL));
}

static void test_use(void) {
  hans_model* const model = make_trained();
  float logits[COUNT * CLASSES], one[CLASSES], gradient[COUNT * FEATURES], losses[COUNT], moved[1 + FEATURES], loss[2];
  int32_t classes[COUNT];
  int i, j, right = 0;
  OK(hans_predict(model, images, COUNT, classes));
  OK(hans_logits(model, images, COUNT, logits));
  OK(hans_gradient(model, images, labels, COUNT, gradient, losses));
  for (i = 0; i < COUNT; ++i) {
    for (j = 0; j < CLASSES; ++j) CHECK(logits[i * CLASSES + j] <= logits[i * CLASSES + classes[i]]);
    right += classes[i] == labels[i];
    /* One by one, from memory that is not aligned to more than a float, it is the same. */
    memcpy(moved + 1, images + i * FEATURES, FEATURES * sizeof(float));
    OK(hans_logits(model, moved + 1, 1, one));
    CHECK(memcmp(one, logits + i * CLASSES, sizeof one) == 0);
  }
  CHECK(right > COUNT * 3 / 4);
  for (j = 0; j < FEATURES; ++j) {
    const float h = 1.0F / 64;
    for (i = 0; i < 2; ++i) {
      memcpy(moved, images, FEATURES * sizeof(float));
      moved[j] += i == 0 ? -h : h;
      OK(hans_gradient(model, moved, labels, 1, gradient + FEATURES, loss + i));
    }
    CHECK(fabs((loss[1] - loss[0]) / (2 * h) - gradient[j]) < 1e-3);
  }
  test_wrong_images(model);
  hans_model_free(model);
}

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

/* What one of several threads does with a model that all share, and with a clone of its own. */
struct work {
  const hans_model* model;
  float logits[COUNT * CLASSES];
  int failures;
};

static void* work(void* given) {
  struct work* const mine = given;
  float logits[COUNT * CLASSES], made[COUNT * FEATURES];
  hans_model* own = NULL;
  hans_trainer* trainer = NULL;
  int i, wrong = strcmp(hans_last_error(), "") != 0; /* what failed in another thread */
  wrong += hans_model_clone(mine->model, &own) != HANS_OK;
  wrong += hans_trainer_create(own, "adam", NULL, NULL, &trainer) != HANS_OK;
  for (i = 0; i < 50; ++i) {
    wrong += hans_logits(mine->model, images, COUNT, logits) != HANS_OK;
    wrong += memcmp(logits, mine->logits, sizeof logits) != 0;
    wrong += hans_attack(mine->model, "fgsm:eps=0.1", images, labels, NULL, COUNT, NULL, made, NULL) != HANS_OK;
    wrong += hans_trainer_step(trainer, images, labels, NULL, COUNT, NULL) != HANS_OK;
  }
  wrong += hans_predict(own, NULL, 1, NULL) != HANS_USAGE || strcmp(hans_last_error(), "") == 0;
  hans_trainer_free(trainer);
  hans_model_free(own);
  mine->failures = wrong;
  return NULL;
}

static void test_threads(void) {
  hans_model* const model = make_trained();
  pthread_t threads[2];
  struct work works[2];
  size_t count;
  int i;
  for (i = 0; i < 2; ++i) {
    works[i].model = model;
    works[i].failures = -1;
    OK(hans_logits(model, images, COUNT, works[i].logits));
  }
  for (i = 0; i < 2; ++i) CHECK(pthread_create(&threads[i], NULL, work, &works[i]) == 0);
  for (i = 0; i < 2; ++i) {
    CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(works[i].failures == 0);
  }
  for (count = 1; count <= 4; ++count) {
    float logits[COUNT * CLASSES];
    OK(hans_set_threads(count));
    OK(hans_logits(model, images, COUNT, logits));
    CHECK(memcmp(logits, works[0].logits, sizeof logits) == 0);
  }
  hans_model_free(model);
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: c_test FOLDER\n");
    return 2;
  }
  make_data();
  test_library();
  test_models(argv[1]);
  test_use();
  test_attack();
  test_trainer();
  test_threads();
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
