// SPDX-License-Identifier: ISC
/** plan.h: the public plan (what both parties know) and the quantised network (the server's). */
#ifndef TACIT_NN_PLAN_H
#define TACIT_NN_PLAN_H

#include "ckks/params.h"
#include "nn/model.h"

#define NN_INPUT_BITS 8 /* a pixel is an integer 0..255; it stands for p / 255 */
#define NN_MAX_VALUES (1u << 27) /* elements of a tensor times images of a batch: 1 GiB of shares */
#define NN_MEMORY_MAX (UINT64_C(4) << 30) /* heap of either party in a session */
#define NN_KEYS_MAX (16u << 20)           /* the cap of KEYS, which travels in one piece */

/** nn_plan_layer: the widths of one weighted layer and what follows it. */
typedef struct {
    char name[NN_NAME_MAX]; /* printable ASCII; "" where the server keeps it for itself */
    uint32_t in, out;
    uint8_t relu;        /* 1: ReLU follows; 0: the last layer, argmax follows */
    uint8_t l, g, t;     /* shares modulo 2^l; guard bits, k = l + g; the truncation drops t bits of the value (t + g of a share) */
    ckks_literal ckks;
} nn_plan_layer;

static inline unsigned nn_k(const nn_plan_layer *a) { return (unsigned)a->l + a->g; }       /* modulus of the response */
static inline unsigned nn_drop(const nn_plan_layer *a) { return (unsigned)a->t + a->g; }    /* bits dropped from a share */
static inline unsigned nn_n(const nn_plan_layer *a) { return (unsigned)a->l - a->t; }       /* bits that remain */

typedef struct {
    uint32_t channels, height, width;
    uint32_t max_batch; /* images in one batch: the smallest ring degree, less where a tensor would pass NN_MAX_VALUES */
    uint32_t layers;
    nn_plan_layer layer[NN_MAX_LAYERS];
} nn_plan;

/** nn_plan_check: ERR_PEER (with the field's name) unless every width, size and literal is in range, layer i + 1 takes
 * what layer i gives, l of the next layer >= n, gc_relu_check holds, k + log2 N <= 59 and k < log Q, parameters are in
 * the security table and exist (a prime has at least log2 N + 12 bits), 2^(t+g) > E, no tensor of a full batch has more
 * than NN_MAX_VALUES values, every message fits its cap and a session its memory (nn/size.h).  Allocates nothing. */
int nn_plan_check(const nn_plan *p) MUST_CHECK;

/** nn_client_bytes / nn_server_bytes: bounds on the heap of a session, the channel included, for batches of at most
 * `batch` images; at the server without what nn_prepare has made.   In: a plan that nn_plan_check has passed; batch in
 * [1, max_batch]. */
uint64_t nn_client_bytes(const nn_plan *p, uint32_t batch);
uint64_t nn_server_bytes(const nn_plan *p, uint32_t batch);

/** nn_plan_equal: 1 if two plans are the same but for names.   nn_same_ckks: the same of two literals. */
int nn_plan_equal(const nn_plan *a, const nn_plan *b);
int nn_same_ckks(const ckks_literal *a, const ckks_literal *b);

/** Wire form, one for each plan. nn_plan_write returns the length (at most NN_PLAN_BYTES_MAX); nn_plan_read parses hostile bytes and runs
 *  nn_plan_check. */
#define NN_PLAN_BYTES_MAX (64u * 1024)
size_t nn_plan_write(const nn_plan *p, uint8_t out[NN_PLAN_BYTES_MAX]);
int nn_plan_read(nn_plan *p, const uint8_t *in, size_t len) MUST_CHECK;

/** nn_noise_bound: E, the bound on decryption noise at ring degree n, in units of 2^-g (0.9 + 9.3 sigma; exceeded by a whole batch with
 *  probability below 2^-40). */
uint32_t nn_noise_bound(uint32_t n);

/** nn_qlayer: integer weights of a layer.  acc[o] = sum_j w[j] x[col[j]] + bias[o], |w| <= 2^(wbits-1) - 1. */
typedef struct {
    uint32_t in, out;
    uint32_t *row, *col; /* as in nn_affine */
    int16_t *w;
    int64_t *bias;       /* at the scale of acc */
    double scale;        /* real value = acc * scale */
    double noise;        /* log2 of the standard deviation of the weight-dependent noise, in units of 2^-g */
} nn_qlayer;

typedef struct {
    nn_plan plan; /* with names */
    unsigned wbits;
    nn_qlayer layer[NN_MAX_LAYERS];
} nn_qmodel;

typedef struct {
    unsigned wbits; /* 2..11, default NN_DEFAULT_WBITS */
    unsigned abits; /* 4..20, default NN_DEFAULT_ABITS */
} nn_quant_options;
#define NN_DEFAULT_WBITS 8
#define NN_DEFAULT_ABITS 6

/** nn_quantise: float model -> integers and plan.  opt may be NULL.
 *  Errors: ERR_DATA with the layer's name and the numbers when its intervals cannot fit or its weights are not finite; ERR_ARG (options,
 *  layers that do not fit together); ERR_MEM. */
int nn_quantise(nn_qmodel **out, const nn_model *m, const nn_quant_options *opt) MUST_CHECK;
void nn_qmodel_free(nn_qmodel *q);

#endif
