// SPDX-License-Identifier: ISC
/** prepare.h: what sessions share.  Inside nn/ (and its tests) only. */
#ifndef TACIT_NN_PREPARE_H
#define TACIT_NN_PREPARE_H

#include "convert/linear.h"
#include "gc/circuit.h"
#include "nn/exec.h"

/** nn_common: what both parties derive from the plan alone; read-only once made. */
typedef struct {
    nn_plan plan;
    ckks_params *params[NN_MAX_LAYERS]; /* equal literals share one object */
    gc_circuit *argmax;
    size_t scratch_words; /* of the largest layer */
} nn_common;

/** nn_common_create: from m->plan, which nn_plan_check has passed.   nn_common_free: also after an error. */
int nn_common_create(nn_common *m) MUST_CHECK;
void nn_common_free(nn_common *m);

struct nn_prepared {
    nn_common common;
    convert_matrix *weights[NN_MAX_LAYERS];
    int64_t *bias[NN_MAX_LAYERS];
    size_t sum_words; /* NN_WEIGH outputs of the widest layer, encrypted */
    uint8_t *wire;    /* the plan, as PLAN carries it */
    size_t wire_len;
};

#endif
