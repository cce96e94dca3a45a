// SPDX-License-Identifier: ISC
#define WIDTH 8
#include "ot/kern.h"

#include "ot/kern_simd.h"

/* 64 x 64 in place by halves [Warren, Hacker's Delight, Sec. 7-3]: at step s, the off-diagonal s x s squares change places. */
static void transpose64(uint64_t a[64])
{
    uint64_t mask = UINT64_C(0x00000000ffffffff);
    for (unsigned s = 32; s; s >>= 1, mask ^= mask << s)
        for (unsigned k = 0; k < 64; k += 2 * s)
            for (unsigned i = k; i < k + s; i++) {
                uint64_t x = ((a[i] >> s) ^ a[i + s]) & mask;
                a[i] ^= x << s;
                a[i + s] ^= x;
            }
}

static void transpose(block *out, const uint8_t *rows, size_t stride, size_t columns)
{
    uint64_t a[64];
    for (size_t c = 0; c < columns; c += 64)
        for (size_t half = 0; half < 2; half++) {
            for (size_t j = 0; j < 64; j++) memcpy(&a[j], rows + (64 * half + j) * stride + c / 8, 8);
            transpose64(a);
            for (size_t i = 0; i < 64; i++) out[c + i].w[half] = a[i];
        }
    mem_wipe(a, sizeof a);
}

const ot_kern ot_kern_portable = {"portable", 0, transpose, fold};

static int answer(const void *kern, uint64_t *seen)
{
    enum {
        COLUMNS = 896,
        STRIDE = 115,
        N = 200,
        FOLD = 320
    }; /* columns: a strip of the widest and each narrower rest */
    const ot_kern *k = kern;
    block out[COLUMNS] = {0};
    uint8_t rows[128 * STRIDE];
    _Alignas(64) uint8_t leaves[16 * FOLD], columns[4 * FOLD], sum[FOLD] = {0}, x[FOLD];
    kern_fill(rows, sizeof rows, 21);
    k->transpose(out, rows, STRIDE, COLUMNS);
    kern_mix(seen, out, sizeof out);
    kern_fill(leaves, sizeof leaves, 22);
    kern_fill(columns, sizeof columns, 23);
    kern_fill(x, sizeof x, 24);
    for (unsigned depth = 1; depth <= 4; depth *= 2)
        for (int add = 0; add < 2; add++) {
            static const uint8_t mask[4] = {0xff, 0, 0, 0xff};
            k->fold(columns, sum, leaves, FOLD, depth, add, x, mask, N);
            for (unsigned j = 0; j < 4; j++) kern_mix(seen, columns + j * FOLD, N);
            kern_mix(seen, sum, N);
            kern_fill(columns, sizeof columns, 25); /* what lies behind N bytes is not specified */
        }
    return 0;
}

kern_set ot_kerns = {.what = "ot", .of = {&ot_kern_portable, &ot_kern_sse2, &ot_kern_avx2, &ot_kern_gfni},
                     .answer = answer, .right = UINT64_C(0x9b5851646fcf5a61)};
