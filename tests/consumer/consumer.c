/* What an embedder does in C: make a network, attack it, read what the judge found. */
#include <hans/hans.h>
#include <stdio.h>

int main(void) {
  const float images[2 * 4] = {0.1F, 0.9F, 0.2F, 0.8F, 0.9F, 0.1F, 0.7F, 0.3F};
  const int32_t labels[2] = {0, 1};
  float adversarial[2 * 4];
  hans_attack_result results[2];
  hans_model* model = NULL;
  if (hans_abi_version() != HANS_ABI_VERSION) return 1;
  if (hans_model_create("2x2x1;flatten;linear:units=2", 1, &model) != HANS_OK ||
      hans_attack(model, "fgsm:eps=0.1", images, labels, NULL, 2, NULL, adversarial, results) != HANS_OK) {
    fprintf(stderr, "%s\n", hans_last_error());
    return 1;
  }
  hans_model_free(model);
  printf("hans %s: changed by %g and %g\n", hans_version(), results[0].linf, results[1].linf);
  return results[0].linf > 0 && results[0].linf <= 0.1F ? 0 : 1;
}
