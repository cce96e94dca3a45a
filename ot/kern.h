// SPDX-License-Identifier: ISC
/** kern.h: what is done to a tile of bit columns: fold (leaf streams to columns) and transpose (columns to blocks).
 *  All variants give the same bits.   CT: time and addresses depend on sizes only. */
#ifndef TACIT_OT_KERN_H
#define TACIT_OT_KERN_H

#include <stddef.h>

#include "base/block.h"
#include "base/kern.h"

#define OT_FOLD_SLACK 64 /* bytes after a row's n that fold may read and write */

typedef struct {
    const char *name;
    unsigned needs; /* cpu_features */

    /** transpose: bit j of out[i] = bit i of row j, for i < columns, j < 128; bit i of a row is bit i % 8 of its byte i / 8.
     *  In:   row j is rows[j * stride .. + columns / 8); columns a multiple of 128; stride in bytes, no alignment asked (a stride that
     *        is a large power of two is slow: rows share cache sets).   Alias: none. */
    void (*transpose)(block *out, const uint8_t *rows, size_t stride, size_t columns);

    /** fold: sum = XOR of x and of the rows y < 2^depth; column j (j < depth) = XOR of the rows whose y has bit j and of x if mask[j] = 0xff
     *        (0 if not), or that added to it with `add`.
     *  In:   rows, columns are 16-byte aligned, `stride` bytes apart; n > 0 bytes of each and of x and sum, then OT_FOLD_SLACK unspecified
     *        ones (none if n is a multiple of 64); mask[depth]; depth 1, 2 or 4.   Alias: none. */
    void (*fold)(uint8_t *columns, uint8_t *sum, const uint8_t *rows, size_t stride, unsigned depth, int add, const uint8_t *x,
                 const uint8_t *mask, size_t n);
} ot_kern;

extern const ot_kern ot_kern_portable, ot_kern_sse2, ot_kern_avx2, ot_kern_gfni;

/** For a wider variant's last columns. */
void ot_transpose_sse2(block *out, const uint8_t *rows, size_t stride, size_t columns);
void ot_transpose_avx2(block *out, const uint8_t *rows, size_t stride, size_t columns);

#define OT_KERNS 4
extern kern_set ot_kerns;

/** ot_kern_best: the widest usable one, picked at the first call. */
static inline const ot_kern *ot_kern_best(void) { return kern_best(&ot_kerns); }

#endif
