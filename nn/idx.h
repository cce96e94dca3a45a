// SPDX-License-Identifier: ISC
/** idx.h: IDX files (the format of MNIST), plain or from a pipe; "-" is standard input.  (gzip: refused with a hint to use zcat.) */
#ifndef TACIT_NN_IDX_H
#define TACIT_NN_IDX_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

typedef struct {
    uint32_t count;  /* items */
    uint32_t size;   /* bytes an item: the product of the other dimensions, 1 for labels */
    uint32_t dims, dim[4];
    uint8_t *data;   /* [count][size] */
} nn_idx;

/** nn_idx_load: unsigned bytes only; at most `limit` items are read (0: all), the rest is left; bytes behind the
 *  last item are refused.  dim[0] is what the header says.   Errors: ERR_DATA with name, field, offset. */
int nn_idx_load(nn_idx **out, const char *path, uint32_t limit) MUST_CHECK;
void nn_idx_free(nn_idx *x);

#endif
