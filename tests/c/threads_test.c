/* The C interface from several threads at once, and from a forked child. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "testing.h"

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

/* A child process has no other threads than the one that forked, and still computes and ends. */
static void test_fork(void) {
  hans_model* const model = make_trained();
  float logits[2][COUNT * CLASSES];
  int status = -1;
  pid_t child;
  OK(hans_set_threads(2));
  OK(hans_logits(model, images, COUNT, logits[0]));
  fflush(NULL);
  child = fork();
  if (child == 0) {
    alarm(60);
    OK(hans_logits(model, images, COUNT, logits[1]));
    hans_model_free(model);
    exit(failures == 0 && memcmp(logits[0], logits[1], sizeof logits[0]) == 0 ? 0 : 1);
  }
  CHECK(child > 0 && waitpid(child, &status, 0) == child && status == 0);
  hans_model_free(model);
}

int main(void) {
  make_data();
  test_threads();
  test_fork();
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
