/* What the tests of the C interface share: checks, data, and a model that knows the data. */
#ifndef HANS_TESTS_C_TESTING_H
#define HANS_TESTS_C_TESTING_H

#include <hans/hans.h>
#include <stdio.h>
#include <string.h>

enum { FEATURES = 16, CLASSES = 3, COUNT = 48 };
static const char architecture[] = "4x4x1;flatten;linear:units=3,bias=true";

static int failures = 0;

static void check(int ok, const char* what, int line) {
  if (ok) return;
  ++failures;
  fprintf(stderr, "line %d: not so: %s (last error: %s)\n", line, what, hans_last_error());
}
#define CHECK(condition) check((condition), #condition, __LINE__)
#define OK(call) check((call) == HANS_OK, #call, __LINE__)

/* The call fails with `status`, and the message is one line that holds `words`. */
static inline void check_fails(hans_status got, hans_status status, const char* words, const char* what, int line) {
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

static inline int same_model(const hans_model* a, const hans_model* b) {
  char sha256[2][HANS_SHA256_SIZE] = {"a", "b"};
  OK(hans_model_sha256(a, sha256[0]));
  OK(hans_model_sha256(b, sha256[1]));
  CHECK(strlen(sha256[0]) == 64);
  return strcmp(sha256[0], sha256[1]) == 0;
}

#endif
