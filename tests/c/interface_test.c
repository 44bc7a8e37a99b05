/* The C interface from C: the library, models and what they say of images. Give it a folder where it may write. */
#include <math.h>

#include "testing.h"

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
  FAILS(HANS_ERROR, "c_test", hans_model_import(path, NULL, &model));
  FAILS(HANS_USAGE, "path is NULL", hans_model_import(NULL, NULL, &model));
  FAILS(HANS_USAGE, "skale", hans_model_import(path, "skale=2", &model));
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

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: interface_test FOLDER\n");
    return 2;
  }
  make_data();
  test_library();
  test_models(argv[1]);
  test_use();
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
