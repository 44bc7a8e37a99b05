/* The C interface of hans: load, train, attack and judge small image classifiers, from C and every language that can
 * call C. Include it as <hans/hans.h>, link with hans_c (pkg-config hans_c, or find_package(hans) and hans::c).
 *
 * Status. A function that can fail returns HANS_OK, which is 0, or a negative number; hans_last_error() then says in
 * one line what happened and what to do. After a failure what the output arrays hold is undefined, a handle that was to
 * be made is NULL, and everything else is as it was. No C++ exception leaves the library, and it never prints or exits.
 *
 * Data. Images are count x height x width x channels floats, one after the other, the channel innermost, as the model's
 * input shape says; they need no other alignment than that of float, and every value must be finite. Labels and classes
 * count from 0. Text is UTF-8 without control characters and ends in NUL; file names as well. Inputs are copied, and no
 * pointer is kept. Output arrays must not overlap with others, unless it is said that they may.
 *
 * Bits. Results are the same bits for any number of threads and on every machine, and, but for training, however images
 * are parted over calls. A thread that calls must round to nearest and keep denormal numbers; otherwise calls fail.
 *
 * Threads. Every function may be called by any thread at any time, different handles by different threads at once.
 * Functions that take a const hans_model may be called for one model by several threads at once, as long as nobody
 * trains or frees it meanwhile. A trainer belongs to one thread at a time. hans_set_threads() is an exception: not
 * while other calls are under way. The work of a call is spread over the threads of the process unless another call has
 * them. A child process made by fork() may use what its parent made, but not what other threads were using meanwhile.
 *
 * Cost. Each call takes its own working memory and arranges the weights anew, about a millisecond for three million of
 * them: give it many images rather than one after the other. */
#ifndef HANS_HANS_H
#define HANS_HANS_H

#include <stddef.h>
#include <stdint.h>

#if !defined(_WIN32)
#if defined(__GNUC__)
#define HANS_API __attribute__((visibility("default")))
#else
#define HANS_API
#endif
#elif defined(hans_c_EXPORTS)
#define HANS_API __declspec(dllexport)
#else
#define HANS_API __declspec(dllimport)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this interface. It is raised when something that is declared here changes; a program that was compiled
 * with another number than hans_abi_version() returns must not go on. New functions, and new members at the end of
 * structs that begin with their size, do not raise it. */
#define HANS_ABI_VERSION 1

typedef int32_t hans_status;
enum {
  HANS_OK = 0,
  HANS_ERROR = -1,    /* it could not be done: a file is missing or broken, a loss is not finite, ... */
  HANS_USAGE = -2,    /* the request itself is wrong: a null pointer, an unknown name, a value out of range */
  HANS_NO_MEMORY = -3 /* there is no room for it */
};

/* ---- the library ------------------------------------------------------------------------------------------------- */

/* The version of hans, such as "1.0.0", and of this interface, as the library was built. The text lives for ever. */
HANS_API const char* hans_version(void);
HANS_API int32_t hans_abi_version(void);

/* What the last call that failed in this thread said, one line; "" if none did. Valid until the next call that fails in
 * this thread. Never NULL. */
HANS_API const char* hans_last_error(void);

/* How many threads of this process work together, from 1 to 1024; at first as many as there are processors for it. */
HANS_API hans_status hans_set_threads(size_t threads);

/* The name of the instruction set in use, such as "avx2"; it lives for ever. Fails where the environment variable
 * HANS_KERNELS, which forces one, names none that this machine has, as does every other call that computes. */
HANS_API hans_status hans_kernels(const char** name);

/* ---- models ------------------------------------------------------------------------------------------------------ */

/* A network and what its file says of it. */
typedef struct hans_model hans_model;

/* Reads a model file: a .hans file, as hans_model_save and the command write it. */
HANS_API hans_status hans_model_load(const char* path, hans_model** model);

/* The same from the bytes of such a file. */
HANS_API hans_status hans_model_parse(const void* bytes, size_t length, hans_model** model);

/* Reads an ONNX file. `preprocess` says what is done to an image first, such as "mean=0.1307,std=0.3081" (the command's
 * --preprocess explains it); NULL: nothing. */
HANS_API hans_status hans_model_import(const char* path, const char* preprocess, hans_model** model);

/* An untrained network. The architecture is an input shape and layers, such as "28x28x1;flatten;linear:units=10", or
 * the name of a built-in model, such as "v1" (`hans list models` and `hans list layers` show them all). The seed
 * decides the weights. */
HANS_API hans_status hans_model_create(const char* architecture, uint64_t seed, hans_model** model);

/* A copy that can be used, trained and freed apart from `model`. Takes next to no memory until one of them is trained.
 */
HANS_API hans_status hans_model_clone(const hans_model* model, hans_model** copy);

/* Writes the model file: beside `path` under another name, then renamed, so that there is never half a file. */
HANS_API hans_status hans_model_save(const hans_model* model, const char* path);

/* Gives the memory back, once the model's trainers are freed too. NULL is allowed. */
HANS_API void hans_model_free(hans_model* model);

/* Height, width and channels of an image. */
HANS_API hans_status hans_model_input_shape(const hans_model* model, size_t shape[3]);

/* How many classes it tells apart. */
HANS_API hans_status hans_model_classes(const hans_model* model, size_t* classes);

/* The architecture as text that hans_model_create takes. It lives as long as the handle. */
HANS_API hans_status hans_model_architecture(const hans_model* model, const char** architecture);

/* The SHA-256 that identifies the model, as 64 hexadecimal digits and a NUL: of the file it was loaded from; if it was
 * not loaded, or has been trained since, of the file hans_model_save would write. */
#define HANS_SHA256_SIZE 65
HANS_API hans_status hans_model_sha256(const hans_model* model, char sha256[HANS_SHA256_SIZE]);

/* ---- using a model ----------------------------------------------------------------------------------------------- */

/* The class of each image, the lowest of those with the largest logit; -1 where a logit is not a number.
 * `classes`: count. */
HANS_API hans_status hans_predict(const hans_model* model, const float* images, size_t count, int32_t* classes);

/* What the network gives for each image before any softmax. `logits`: count x the model's classes. */
HANS_API hans_status hans_logits(const hans_model* model, const float* images, size_t count, float* logits);

/* The gradient of each image's cross entropy with its label, with respect to that image. `gradient`: as large as
 * `images`; `losses`: count cross entropies, or NULL. Fails where one of them is not finite. */
HANS_API hans_status hans_gradient(const hans_model* model, const float* images, const int32_t* labels, size_t count,
                                   float* gradient, float* losses);

/* ---- attacks ----------------------------------------------------------------------------------------------------- */

/* How an attack is run. Start from HANS_ATTACK_OPTIONS_INIT, the defaults. */
typedef struct hans_attack_options {
  size_t size;          /* sizeof(hans_attack_options) */
  uint64_t seed;        /* of random numbers; 0 */
  uint32_t first_index; /* the first image's position in its data set, the next image's is one more, ...: random numbers
                           are keyed by it, so that a data set may be attacked in parts; 0 */
  float box_lo, box_hi; /* the range of the features, 0 to 1; infinite ends: none */
} hans_attack_options;
#define HANS_ATTACK_OPTIONS_INIT \
  { sizeof(hans_attack_options), 0, 0, 0.0F, 1.0F }

/* Why an adversarial image is a success or not: the first of these that holds, from the bottom. */
enum {
  HANS_REASON_SUCCESS = 0,
  HANS_REASON_UNCHANGED_PREDICTION = 1, /* the prediction is still the label */
  HANS_REASON_OTHER_CLASS = 2,          /* the prediction is neither the label nor the target */
  HANS_REASON_OUTSIDE_BALL = 3,         /* further from the original than the attack may go */
  HANS_REASON_OUTSIDE_BOX = 4,          /* a feature is out of range */
  HANS_REASON_NOT_A_NUMBER = 5          /* in the image, or in its logits */
};

/* What the judge found about one adversarial image, from the images and the model alone. */
typedef struct hans_attack_result {
  int32_t success;     /* 1 or 0: inside ball and box, and predicted as the goal says */
  int32_t evades;      /* 1 or 0: inside ball and box, and predicted as a class other than the label */
  int32_t prediction;  /* on the adversarial image; -1 where a logit is not a number */
  int32_t reason;      /* HANS_REASON_... */
  double linf, l2, l1; /* distances from the original: the largest change, Euclidean, the sum of changes */
  uint64_t l0;         /* how many features changed */
} hans_attack_result;

/* Attacks every image, also those the model gets wrong, and judges what came of it.
 * `attack`: a SPEC, such as "fgsm:eps=0.3" (`hans list attacks` shows them all); a budget such as eps has no default.
 * `targets`: the classes the images shall be taken for, none of them the image's label. NULL: any class but the label,
 * or, for attacks that need a target (jsma), the class after the label.
 * `options`: may be NULL, for the defaults. `adversarial`: as large as `images`, and may be `images`.
 * `results`: count; NULL: nothing is judged. */
HANS_API hans_status hans_attack(const hans_model* model, const char* attack, const float* images,
                                 const int32_t* labels, const int32_t* targets, size_t count,
                                 const hans_attack_options* options, float* adversarial, hans_attack_result* results);

/* ---- training ---------------------------------------------------------------------------------------------------- */

/* Trains a model step by step. Keeps memory between steps: after two of many equal ones it takes no more. */
typedef struct hans_trainer hans_trainer;

/* How a model is trained. Start from HANS_TRAINER_OPTIONS_INIT, the defaults. */
typedef struct hans_trainer_options {
  size_t size;          /* sizeof(hans_trainer_options) */
  uint64_t seed;        /* of dropout, and of what a defence draws; 0 */
  double clip;          /* largest l2 norm of the gradient over all weights; 0, which is the default: no limit */
  float smoothing;      /* share of a label that is given to the other classes, below 1; -1, which is the default: 0, or
                           the defence's own */
  float box_lo, box_hi; /* as in hans_attack_options, for a defence that attacks */
} hans_trainer_options;
#define HANS_TRAINER_OPTIONS_INIT \
  { sizeof(hans_trainer_options), 0, 0.0, -1.0F, 0.0F, 1.0F }

/* A trainer of `model`, which must not be used by others while a step is under way; there should be one at a time. It
 * may outlive the model's handle. `optimizer`: a SPEC, such as "adam:rate=0.002" (`hans list optimizers`). `defense`: a
 * SPEC, such as "adversarial:attack=[fgsm:eps=0.3]" (`hans list defenses`). NULL: plain cross entropy. `options`: may
 * be NULL, for the defaults. */
HANS_API hans_status hans_trainer_create(hans_model* model, const char* optimizer, const char* defense,
                                         const hans_trainer_options* options, hans_trainer** trainer);

/* Scales the learning rate of the steps that follow, at first by 1: how a schedule is made. Finite and at least 0. */
HANS_API hans_status hans_trainer_set_rate_factor(hans_trainer* trainer, float factor);

/* Makes the mean loss of these images smaller by one step of the optimizer.
 * `indices`: the position of each image in its data set, which keys its random numbers; NULL: 0 to count - 1.
 * `mean_loss`: from before the step, or NULL. Where a loss or a gradient is not finite it fails, and neither the model
 * nor the optimizer changes. */
HANS_API hans_status hans_trainer_step(hans_trainer* trainer, const float* images, const int32_t* labels,
                                       const uint32_t* indices, size_t count, double* mean_loss);

/* Gives the memory back; the model stays. NULL is allowed. */
HANS_API void hans_trainer_free(hans_trainer* trainer);

#ifdef __cplusplus
}
#endif

#endif
