// SPDX-License-Identifier: ISC
/** kern_simd.h: the body of the SIMD variants of ot/kern.h.  A file includes it after it has defined WIDTH (bytes of a vector) and, but
 *  for the portable one, UNPACKLO and UNPACKHI (bytes of each 128-bit lane).
 *
 *  Transpose, by strips of 8 * WIDTH columns:
 *      bits    eight rows: three butterflies between registers turn the 8 x 8 bit square at each byte, so that register k holds in byte
 *              p the eight rows' bits of column 8p + k (a file that defines BITS_PASS has its own: any order of registers and bytes that
 *              COLUMN tells);
 *      bytes   for each k, sixteen such registers (128 rows): a 16 x 16 byte transpose in each 128-bit lane, whose rows are output blocks. */
#include <string.h>

#include "base/mem.h"
#include "ot/kern.h"

typedef uint64_t vec __attribute__((vector_size(WIDTH)));
typedef uint64_t vec_in_memory __attribute__((vector_size(WIDTH), aligned(1), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE vec get(const uint8_t *p) { return *(const vec_in_memory *)p; }
INLINE void put(uint8_t *p, vec x) { *(vec_in_memory *)p = x; }

/* 2^depth rows at once; depth and add are constants where this is called. */
INLINE void fold_rows(uint8_t *columns, uint8_t *sum, const uint8_t *rows, size_t stride, unsigned depth, int add, const uint8_t *x,
                      const uint8_t *mask, size_t n)
{
    vec wanted[4];
    for (unsigned j = 0; j < depth; j++) wanted[j] = (vec){0} + mask[j] * (UINT64_MAX / 255);
    for (size_t at = 0; at < n; at += WIDTH) {
        const vec more = get(x + at);
        vec r[16];
        for (unsigned y = 0; y < 1u << depth; y++) r[y] = get(rows + y * stride + at);
        for (unsigned j = 0; j < depth; j++) { /* here r[y] is the sum of the rows y * 2^j + (0 .. 2^j - 1) */
            uint8_t *column = columns + j * stride + at;
            vec c = r[1] ^ (more & wanted[j]);
            for (unsigned y = 3; y < 1u << (depth - j); y += 2) c ^= r[y];
            put(column, add ? get(column) ^ c : c);
            for (unsigned y = 0; y < 1u << (depth - j - 1); y++) r[y] = r[2 * y] ^ r[2 * y + 1];
        }
        put(sum + at, r[0] ^ more);
    }
}

static void fold(uint8_t *columns, uint8_t *sum, const uint8_t *rows, size_t stride, unsigned depth, int add, const uint8_t *x,
                 const uint8_t *mask, size_t n)
{
    if (depth == 1) add ? fold_rows(columns, sum, rows, stride, 1, 1, x, mask, n) : fold_rows(columns, sum, rows, stride, 1, 0, x, mask, n);
    if (depth == 2) add ? fold_rows(columns, sum, rows, stride, 2, 1, x, mask, n) : fold_rows(columns, sum, rows, stride, 2, 0, x, mask, n);
    if (depth == 4) add ? fold_rows(columns, sum, rows, stride, 4, 1, x, mask, n) : fold_rows(columns, sum, rows, stride, 4, 0, x, mask, n);
}

#ifdef UNPACKLO
#ifdef BITS_PASS
INLINE void bits_pass(vec to[8], const uint8_t *rows, size_t stride);
#else
#define COLUMN(k, p) (8 * (p) + (k))

INLINE void butterfly(vec *a, vec *b, int s, uint64_t mask)
{
    vec x = ((*a >> s) ^ *b) & mask;
    *b ^= x;
    *a ^= x << s;
}

INLINE void bits_pass(vec to[8], const uint8_t *rows, size_t stride)
{
    vec v[8];
    for (size_t k = 0; k < 8; k++) v[k] = get(rows + k * stride);
    for (int k = 0; k < 4; k++) butterfly(&v[k], &v[k + 4], 4, UINT64_C(0x0f0f0f0f0f0f0f0f));
    for (int k = 0; k < 8; k++)
        if (!(k & 2)) butterfly(&v[k], &v[k + 2], 2, UINT64_C(0x3333333333333333));
    for (int k = 0; k < 8; k += 2) butterfly(&v[k], &v[k + 1], 1, UINT64_C(0x5555555555555555));
    for (int k = 0; k < 8; k++) to[k] = v[k];
}
#endif

/* One level of the byte transpose: a perfect shuffle of (i, i + 8) for all i; four of them transpose 16 x 16. */
INLINE void shuffle16(vec to[16], const vec from[16])
{
    for (int i = 0; i < 8; i++) {
        to[2 * i] = UNPACKLO(from[i], from[i + 8]);
        to[2 * i + 1] = UNPACKHI(from[i], from[i + 8]);
    }
}

/* Columns [0, 8 * WIDTH * strips); returns how many that were. */
static size_t transpose_strips(block *out, const uint8_t *rows, size_t stride, size_t columns)
{
    vec m[16][8], a[16], b[16];
    size_t c = 0;
    for (; c + 8 * WIDTH <= columns; c += 8 * WIDTH) {
        for (size_t g = 0; g < 16; g++) bits_pass(m[g], rows + 8 * g * stride + c / 8, stride);
        for (size_t k = 0; k < 8; k++) {
            for (size_t g = 0; g < 16; g++) a[g] = m[g][k];
            shuffle16(b, a);
            shuffle16(a, b);
            shuffle16(b, a);
            shuffle16(a, b);
            for (size_t p = 0; p < 16; p++)
                for (size_t lane = 0; lane < WIDTH / 16; lane++)
                    memcpy(&out[c + 128 * lane + COLUMN(k, p)], (const uint8_t *)&a[p] + 16 * lane, 16);
        }
    }
    mem_wipe(m, sizeof m);
    return c;
}
#endif
