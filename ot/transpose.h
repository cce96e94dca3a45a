// SPDX-License-Identifier: ISC
/** transpose.h: bit matrices of 128 rows into blocks, one for each column. */
#ifndef TACIT_OT_TRANSPOSE_H
#define TACIT_OT_TRANSPOSE_H

#include <stddef.h>

#include "base/block.h"

/** A kernel: bit j of out[i] = bit i of row j, for i < columns, j < 128; bit i of a row is bit i % 8 of its byte i / 8.
 *  In:   row j is rows[j * stride .. + columns / 8); columns a multiple of 128; stride in bytes, no alignment asked (a stride that
 *        is a large power of two is slow: rows share cache sets).
 *  Out:  out[columns].   Alias: none.   CT: time and addresses depend on columns and stride only. */
typedef struct {
    const char *name;
    void (*run)(block *out, const uint8_t *rows, size_t stride, size_t columns);
} ot_transpose_kernel;

/** The variants; NULL where the CPU (or cpu_restrict) does not allow one.  All give the same bits. */
const ot_transpose_kernel *ot_transpose_portable(void);
const ot_transpose_kernel *ot_transpose_avx2(void);

/** ot_transpose_best: the widest usable one, picked at the first call. */
const ot_transpose_kernel *ot_transpose_best(void);

#endif
