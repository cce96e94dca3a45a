// SPDX-License-Identifier: ISC
#define WIDTH 8
#include "ot/kern.h"

#include <stdatomic.h>

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

const ot_kern *ot_kern_portable(void)
{
    static const ot_kern kern = {"portable", transpose, fold};
    return &kern;
}

const ot_kern *ot_kern_best(void)
{
    static const ot_kern *_Atomic best;
    const ot_kern *k = atomic_load_explicit(&best, memory_order_relaxed);
    if (!k) {
        k = ot_kern_gfni();
        if (!k) k = ot_kern_avx2();
        if (!k) k = ot_kern_sse2();
        if (!k) k = ot_kern_portable();
        atomic_store_explicit(&best, k, memory_order_relaxed); /* two threads that race store the same */
    }
    return k;
}
