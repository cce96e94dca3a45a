// SPDX-License-Identifier: ISC
/** weigh.h: an integer matrix times encrypted values, batch packing: a weight is a scalar, so no transform is needed. */
#ifndef TACIT_CONVERT_WEIGH_H
#define TACIT_CONVERT_WEIGH_H

#include "ckks/params.h"
#include "convert/weigh_kern.h"

/** convert_inputs: the encrypted inputs of a layer, in the layout of weigh_kern.h: `tiles` tiles of all columns, c0 before c1, prime by
 *  prime.  A column that was never set is zero. */
typedef struct {
    const ckks_params *p;
    uint32_t count;
    unsigned limbs;
    size_t tiles, stride; /* stride: digits in a tile */
    int16_t *x;
} convert_inputs;

int convert_inputs_create(convert_inputs **out, const ckks_params *p, uint32_t count) MUST_CHECK;
void convert_inputs_free(convert_inputs *in);

/** convert_inputs_set: input `column` is ct, uint64_t[2][primes][n], coefficient domain.   In: residues in [0, q_i); column < count.
 *  CT: depends on the shape only. */
void convert_inputs_set(convert_inputs *in, uint32_t column, const uint64_t *ct);

/** convert_matrix: rows of weights, two neighbouring columns in a term; neighbouring rows with the same columns are taken together. */
typedef struct {
    uint32_t rows;
    unsigned wbits;
    uint32_t columns;   /* one more than the largest in use */
    uint32_t *row;      /* [rows + 1]: where the terms of a row begin */
    uint8_t *same;      /* [rows]: row o has the pairs of row o + 1 */
    weigh_term *term;
} convert_matrix;

/** convert_matrix_create: row o is w[e] at col[e], e in [row[o], row[o + 1]).
 *  In: |w| < 2^(wbits - 1).   Errors: ERR_ARG (wbits not in [2, 16]), ERR_MEM.   CT: depends on row, col and wbits, not on w. */
int convert_matrix_create(convert_matrix **out, unsigned wbits, uint32_t rows, const uint32_t *row, const uint32_t *col, const int16_t *w)
    MUST_CHECK;
void convert_matrix_free(convert_matrix *m);

/** convert_weigh: step 2, second half: out[i] = row first + i of the matrix times the inputs, uint64_t[count][2][primes][n].
 *  Errors: ERR_ARG (rows or columns that are not there).   CT: depends on the shape (row, col) and wbits, not on w. */
int convert_weigh(const convert_matrix *m, const convert_inputs *in, uint32_t first, uint32_t count, uint64_t *out) MUST_CHECK;

#endif
