// SPDX-License-Identifier: ISC
/** affine.h: building sparse affine maps row by row and composing them.  Inside nn/ only. */
#ifndef TACIT_NN_AFFINE_H
#define TACIT_NN_AFFINE_H

#include "nn/model.h"

typedef struct {
    nn_affine a;
    uint32_t rows, entries, room; /* built so far; entries that there is room for */
    int rc;                       /* the first error; the calls after it do nothing */
} affine_builder;

/** affine_begin: a map of `in` inputs to `out` outputs with at most `entries` entries, at most NN_MAX_WEIGHTS; takes all of its memory.  Then for
 *  every row: its entries (columns ascending), and affine_row_end. */
void affine_begin(affine_builder *b, uint32_t in, uint32_t out, uint64_t entries);
/** affine_entry: adds w * x[col] to the current row; zeros are dropped. */
void affine_entry(affine_builder *b, uint32_t col, float w);
void affine_row_end(affine_builder *b, float bias);
/** affine_finish: 0 and the map, or the first error (ERR_ARG: more entries than were announced; ERR_MEM); the builder is empty afterwards. */
int affine_finish(affine_builder *b, nn_affine *out) MUST_CHECK;

/** affine_compose: out = outer after inner.  `inner->out` = outer->in.  Names are left alone.   affine_composed: the most entries that it can
 *  have, *work: multiplications and entries looked at. */
uint64_t affine_composed(const nn_affine *outer, const nn_affine *inner, uint64_t *work);
int affine_compose(nn_affine *out, const nn_affine *outer, const nn_affine *inner) MUST_CHECK;
void affine_free(nn_affine *a);

#endif
