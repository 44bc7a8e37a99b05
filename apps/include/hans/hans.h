/* The C interface of hans: load, train, attack, judge and certify small image classifiers, from C and from every
 * language that can call C. Include <hans/hans.h> and link with hans_c (pkg-config hans_c, or find_package(hans) and
 * hans::c).
 *
 * Status. A function that can fail returns HANS_OK (0) or a negative number; hans_last_error() then says in one line
 * what happened and what to do. After a failure the contents of output arrays are undefined, handles to be created are
 * NULL, and everything else is unchanged. No C++ exception leaves the library, and it never prints or exits.
 *
 * Data. Images are count x height x width x channels floats (the model's input shape), contiguous, the channel
 * innermost. They need no alignment beyond that of float, and every value must be finite. Labels and classes count from
 * 0. Text, including file names, is UTF-8 without control characters and ends in NUL. Inputs are copied; no pointer is
 * kept. Output arrays must not overlap with other arrays unless stated otherwise.
 *
 * Bits. Results are the same bits for any number of threads and on every machine. Except in training, they are also the
 * same however images are split over calls. The calling thread must round to nearest and keep denormal numbers;
 * otherwise calls fail.
 *
 * Threads. Any thread may call any function at any time, and different threads may use different handles at once.
 * Several threads may pass the same model to functions that take a const hans_model, as long as nobody trains or frees
 * it meanwhile. A trainer belongs to one thread at a time. Exception: call hans_set_threads() only while no other call
 * is running. A call spreads its work over the threads of the process unless another call is using them. A child
 * process made by fork() may use what its parent created, except what other threads were using during the fork.
 *
 * Cost. Each call allocates its own working memory and packs the weights again, about a millisecond for three million
 * of them: pass many images at once rather than one by one. */
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

/* The version of this interface. It is raised when a declaration here changes; a program must not go on if
 * hans_abi_version() returns another number than it was compiled with. New functions, and new members at the end of
 * structs that begin with their size, do not raise it. */
#define HANS_ABI_VERSION 1

typedef int32_t hans_status;
enum {
  HANS_OK = 0,
  HANS_ERROR = -1,    /* the request failed: a file is missing or broken, a loss is not finite, ... */
  HANS_USAGE = -2,    /* the request itself is wrong: a null pointer, an unknown name, a value out of range */
  HANS_NO_MEMORY = -3 /* out of memory */
};

/* ---- the library ------------------------------------------------------------------------------------------------- */

/* The version of hans, such as "1.0.0", and of this interface, both as the library was built. The text is static. */
HANS_API const char* hans_version(void);
HANS_API int32_t hans_abi_version(void);

/* The one-line message of the last call that failed in this thread; "" if none did. Valid until the next call that
 * fails in this thread. Never NULL. */
HANS_API const char* hans_last_error(void);

/* Sets how many threads of this process work together, from 1 to 1024. The default is the number of available
 * processors. */
HANS_API hans_status hans_set_threads(size_t threads);

/* The name of the instruction set in use, such as "avx2"; the text is static. The environment variable HANS_KERNELS
 * forces one. If this machine does not have it, this call fails, and so does every other call that computes. */
HANS_API hans_status hans_kernels(const char** name);

/* ---- models ------------------------------------------------------------------------------------------------------ */

/* A network with the metadata of its file. */
typedef struct hans_model hans_model;

/* Reads a model file: a .hans file, as hans_model_save and the command write it. */
HANS_API hans_status hans_model_load(const char* path, hans_model** model);

/* Reads a model from the bytes of a .hans file. */
HANS_API hans_status hans_model_parse(const void* bytes, size_t length, hans_model** model);

/* Reads an ONNX file. `preprocess` is applied to each image first, such as "mean=0.1307,std=0.3081" (the command's
 * --preprocess explains it); NULL: nothing. */
HANS_API hans_status hans_model_import(const char* path, const char* preprocess, hans_model** model);

/* Creates an untrained network. The architecture is an input shape and layers, such as
 * "28x28x1;flatten;linear:units=10", or the name of a built-in model, such as "v1" (see `hans list models` and `hans
 * list layers`). The seed decides the weights. */
HANS_API hans_status hans_model_create(const char* architecture, uint64_t seed, hans_model** model);

/* A copy that can be used, trained and freed independently of `model`. It shares the weights' memory until one of the
 * two is trained. */
HANS_API hans_status hans_model_clone(const hans_model* model, hans_model** copy);

/* Writes the model file. It is written beside `path` under another name and then renamed, so `path` never holds half a
 * file. */
HANS_API hans_status hans_model_save(const hans_model* model, const char* path);

/* Frees the model; its memory is released once its trainers are freed too. NULL is allowed. */
HANS_API void hans_model_free(hans_model* model);

/* Height, width and channels of an input image. */
HANS_API hans_status hans_model_input_shape(const hans_model* model, size_t shape[3]);

/* The number of classes. */
HANS_API hans_status hans_model_classes(const hans_model* model, size_t* classes);

/* The architecture as text that hans_model_create takes. The text lives as long as the handle. */
HANS_API hans_status hans_model_architecture(const hans_model* model, const char** architecture);

/* The SHA-256 that identifies the model, as 64 hexadecimal digits and a NUL. It is that of the file the model was
 * loaded from; if the model was not loaded, or has been trained since, that of the file hans_model_save would write. */
#define HANS_SHA256_SIZE 65
HANS_API hans_status hans_model_sha256(const hans_model* model, char sha256[HANS_SHA256_SIZE]);

/* ---- using a model ----------------------------------------------------------------------------------------------- */

/* The predicted class of each image, the lowest among equal logits; -1 if a logit is NaN. `classes`: count. */
HANS_API hans_status hans_predict(const hans_model* model, const float* images, size_t count, int32_t* classes);

/* The logits of each image. `logits`: count x the model's classes. */
HANS_API hans_status hans_logits(const hans_model* model, const float* images, size_t count, float* logits);

/* The gradient of each image's cross entropy with its label, with respect to the image. `gradient`: as large as
 * `images`; `losses`: count cross entropies, or NULL. Fails if any of these numbers is not finite. */
HANS_API hans_status hans_gradient(const hans_model* model, const float* images, const int32_t* labels, size_t count,
                                   float* gradient, float* losses);

/* ---- attacks ----------------------------------------------------------------------------------------------------- */

/* Options of an attack. Start from HANS_ATTACK_OPTIONS_INIT, the defaults. */
typedef struct hans_attack_options {
  size_t size;          /* sizeof(hans_attack_options) */
  uint64_t seed;        /* of all random numbers; default 0 */
  uint32_t first_index; /* position of the first image in its data set, default 0; the others follow it. Random numbers
                           are keyed by position, so a data set can be attacked in parts */
  float box_lo, box_hi; /* the range of the features, default 0 to 1; infinite ends: unbounded */
} hans_attack_options;
#define HANS_ATTACK_OPTIONS_INIT \
  { sizeof(hans_attack_options), 0, 0, 0.0F, 1.0F }

/* Why an adversarial image is a success, or is not. If several hold, the one with the highest number is reported. */
enum {
  HANS_REASON_SUCCESS = 0,
  HANS_REASON_UNCHANGED_PREDICTION = 1, /* the prediction is still the label */
  HANS_REASON_OTHER_CLASS = 2,          /* the prediction is neither the label nor the target */
  HANS_REASON_OUTSIDE_BALL = 3,         /* farther from the original than the budget allows */
  HANS_REASON_OUTSIDE_BOX = 4,          /* a feature is out of range */
  HANS_REASON_NOT_A_NUMBER = 5          /* NaN or infinity in the image, or NaN in its logits */
};

/* The judge's decision on one adversarial image, from the images and the model alone. */
typedef struct hans_attack_result {
  int32_t success;     /* 1 or 0: inside ball and box, and the prediction reaches the goal */
  int32_t evades;      /* 1 or 0: inside ball and box, and the prediction is not the label */
  int32_t prediction;  /* on the adversarial image; -1 if a logit is NaN */
  int32_t reason;      /* HANS_REASON_... */
  double linf, l2, l1; /* distances from the original: the largest change, Euclidean, the sum of changes */
  uint64_t l0;         /* the number of changed features */
} hans_attack_result;

/* Attacks every image, including those the model misclassifies, and judges the results.
 * `attack`: a SPEC, such as "fgsm:eps=0.3" (see `hans list attacks`); a budget such as eps has no default.
 * `targets`: the class each image is to be taken for, never its own label. NULL: any class but the label; for attacks
 * that need a target (jsma), the class after the label.
 * `options`: NULL for the defaults.
 * `adversarial`: as large as `images`, and may be `images`.
 * `results`: count; NULL: nothing is judged. */
HANS_API hans_status hans_attack(const hans_model* model, const char* attack, const float* images,
                                 const int32_t* labels, const int32_t* targets, size_t count,
                                 const hans_attack_options* options, float* adversarial, hans_attack_result* results);

/* ---- certificates ------------------------------------------------------------------------------------------------ */

enum { HANS_NORM_LINF = 0, HANS_NORM_L2 = 1, HANS_NORM_L1 = 2 };

/* How far hans_certify goes. Each method up to complete includes those before it. */
enum {
  HANS_CERTIFY_AUTO = 0,     /* complete in linf, else alpha */
  HANS_CERTIFY_IBP = 1,      /* intervals */
  HANS_CERTIFY_CROWN = 2,    /* linear bounds */
  HANS_CERTIFY_ALPHA = 3,    /* linear bounds with optimised slopes */
  HANS_CERTIFY_COMPLETE = 4, /* branch and bound until an image is decided or its nodes are used up; linf only */
  HANS_CERTIFY_ZONOTOPE = 5, /* intervals, then affine forms pushed forward (DeepZ) */
  HANS_CERTIFY_JOINT = 6     /* alpha, then with optimised slopes for hidden layers too: slow */
};

/* Options of certificates. Start from HANS_CERTIFY_OPTIONS_INIT, the defaults. */
typedef struct hans_certify_options {
  size_t size;        /* sizeof(hans_certify_options) */
  uint64_t seed;      /* of the attacks; default 0 */
  uint64_t nodes;     /* of branch and bound at most, for each image; at least 1, default 80000 */
  double seconds;     /* of branch and bound for each image; default 0: no limit. What it cuts short is not
                         reproducible */
  const char* attack; /* the SPEC, without its eps, of the attack that runs first; "none": no attack runs. Default NULL:
                         "pgd:steps=20,loss=margin". complete also runs autoattack on what bounds leave open */
  int32_t norm;       /* HANS_NORM_..., of the ball; default linf */
  int32_t method;     /* HANS_CERTIFY_...; default auto */
  uint32_t first_index; /* as in hans_attack_options */
  float box_lo, box_hi; /* likewise */
} hans_certify_options;
#define HANS_CERTIFY_OPTIONS_INIT \
  { sizeof(hans_certify_options), 0, 80000, 0.0, NULL, HANS_NORM_LINF, HANS_CERTIFY_AUTO, 0, 0.0F, 1.0F }

/* What is known of an image. */
enum {
  HANS_VERDICT_CERTIFIED = 0, /* proved: no image of ball and box has another prediction than the label */
  HANS_VERDICT_ATTACKED = 1,  /* an adversarial image was found */
  HANS_VERDICT_UNKNOWN = 2,
  HANS_VERDICT_WRONG = 3 /* the image itself is misclassified, and was not examined */
};

/* Why an image is unknown. */
enum {
  HANS_DOUBT_NONE = -1,    /* it is not */
  HANS_DOUBT_NODES = 0,    /* the nodes are used up */
  HANS_DOUBT_TIME = 1,     /* the seconds are used up */
  HANS_DOUBT_ROUNDING = 2, /* proved in real arithmetic, but rounding to float32 may undo it */
  HANS_DOUBT_NAN = 3,      /* a bound is not a number */
  HANS_DOUBT_BOUND = 4     /* the bound of a method that is not complete does not suffice */
};

/* The step that decided; of an unknown image the last that was tried. */
enum {
  HANS_STEP_NONE = -1, /* of a wrong image */
  HANS_STEP_ATTACK = 0,
  HANS_STEP_IBP = 1,
  HANS_STEP_CROWN = 2,
  HANS_STEP_ALPHA = 3,
  HANS_STEP_BRANCHING = 4,
  HANS_STEP_ZONOTOPE = 5,
  HANS_STEP_JOINT = 6
};

/* The verdict on one image. A certificate holds in real arithmetic and for every float32 program that computes the
 * logits, adding in any order, with or without FMA. */
typedef struct hans_certificate {
  int32_t verdict;       /* HANS_VERDICT_... */
  int32_t doubt;         /* HANS_DOUBT_... */
  int32_t step;          /* HANS_STEP_... */
  int32_t prediction;    /* on the image itself */
  int32_t real, float32; /* 1 or 0: proved in real arithmetic, and for every float32 program */
  int32_t proof;         /* 1 or 0: it has a proof among `proofs` */
  int32_t runner_up;     /* the class with the smallest margin's bound; -1: none was computed */
  double bound;          /* of that margin: label's logit less runner-up's, in real arithmetic; NaN: none */
  uint64_t nodes;        /* of branch and bound */
} hans_certificate;

/* The proofs of certified images. */
typedef struct hans_proofs hans_proofs;

/* Certifies that no image within `eps` of an image, with all features in the box, has another prediction than the
 * label. Networks are made of affine layers, activations, maxima and pooling; others are refused.
 * `eps`: at least 0, in units of the features. The images lie in the box.
 * `options`: NULL for the defaults, which are those of `hans certify`.
 * `certificates`: count.
 * `counterexamples`: as large as `images`, and may be `images`; NULL: none. Of an attacked image the adversarial image
 * that was found, inside ball and box; of others the image itself.
 * `proofs`: NULL: none are made. They are for linf and networks of affine layers and relus; others are refused. Images
 * certified by intervals alone, or by splitting boxes of few features, have none. */
HANS_API hans_status hans_certify(const hans_model* model, float eps, const float* images, const int32_t* labels,
                                  size_t count, const hans_certify_options* options, hans_certificate* certificates,
                                  float* counterexamples, hans_proofs** proofs);

/* The number of proofs. */
HANS_API hans_status hans_proofs_count(const hans_proofs* proofs, size_t* count);

/* Writes the .npz file that `hans check FILE --model MODEL --data DATA` verifies with code of its own. MODEL is the
 * file the model was loaded from, or that hans_model_save writes.
 * `data_sha256`: of the data set that the images are from; `hans eval --json` shows it under this name. NULL: DATA
 * holds exactly the images and labels of the call, as float32 in [0, 1], and first_index was 0. */
HANS_API hans_status hans_proofs_save(const hans_proofs* proofs, const char* path, const char* data_sha256);

/* Frees the proofs. NULL is allowed. */
HANS_API void hans_proofs_free(hans_proofs* proofs);

/* ---- training ---------------------------------------------------------------------------------------------------- */

/* Trains a model step by step. Memory is kept between steps, so after two equal steps no more is allocated. */
typedef struct hans_trainer hans_trainer;

/* Options of training. Start from HANS_TRAINER_OPTIONS_INIT, the defaults. */
typedef struct hans_trainer_options {
  size_t size;          /* sizeof(hans_trainer_options) */
  uint64_t seed;        /* of dropout and defences; default 0 */
  double clip;          /* largest l2 norm of the gradient over all weights; default 0: no limit */
  float smoothing;      /* share of a label given to the other classes, below 1; default -1: 0, or the defence's own */
  float box_lo, box_hi; /* as in hans_attack_options, for a defence that attacks */
} hans_trainer_options;
#define HANS_TRAINER_OPTIONS_INIT \
  { sizeof(hans_trainer_options), 0, 0.0, -1.0F, 0.0F, 1.0F }

/* Creates a trainer of `model`. Nobody else may use the model during a step, and a model should have one trainer at a
 * time. The trainer may outlive the model's handle.
 * `optimizer`: a SPEC, such as "adam:rate=0.002" (see `hans list optimizers`).
 * `defense`: a SPEC, such as "adversarial:attack=[fgsm:eps=0.3]" (see `hans list defenses`). NULL: plain cross entropy.
 * `options`: NULL for the defaults. */
HANS_API hans_status hans_trainer_create(hans_model* model, const char* optimizer, const char* defense,
                                         const hans_trainer_options* options, hans_trainer** trainer);

/* Multiplies the learning rate of the following steps by `factor`, initially 1; for learning rate schedules. Finite and
 * at least 0. */
HANS_API hans_status hans_trainer_set_rate_factor(hans_trainer* trainer, float factor);

/* Takes one optimizer step on the mean loss of these images.
 * `indices`: the position of each image in its data set, which keys its random numbers; NULL: 0 to count - 1.
 * `mean_loss`: the loss before the step, or NULL. If a loss or gradient is not finite the call fails, and neither model
 * nor optimizer changes. */
HANS_API hans_status hans_trainer_step(hans_trainer* trainer, const float* images, const int32_t* labels,
                                       const uint32_t* indices, size_t count, double* mean_loss);

/* Frees the trainer; the model stays. NULL is allowed. */
HANS_API void hans_trainer_free(hans_trainer* trainer);

#ifdef __cplusplus
}
#endif

#endif
