// SPDX-License-Identifier: ISC
#include "convert/weigh_kern.h"

#include <stdatomic.h>

#include "base/cpu.h"

const weigh_kern *const weigh_kerns[WEIGH_KERNS] = {&weigh_kern_portable, &weigh_kern_avx2, &weigh_kern_avx512};

const weigh_kern *weigh_kern_best(void)
{
    static _Atomic(const weigh_kern *) best;
    const weigh_kern *k = atomic_load_explicit(&best, memory_order_relaxed);
    if (k)
        return k;
    for (size_t i = 0; i < WEIGH_KERNS; i++)
        if ((cpu_features() & weigh_kerns[i]->needs) == weigh_kerns[i]->needs)
            k = weigh_kerns[i];
    atomic_store_explicit(&best, k, memory_order_relaxed);
    return k;
}

static void split(int16_t *x, size_t stride, const uint64_t *r, size_t n, const modulus *q, unsigned limbs, unsigned odd)
{
    for (size_t j = 0; j < n; j++) {
        int16_t *to = x + j / WEIGH_TILE * stride + j % WEIGH_TILE * 2 + odd;
        int64_t v = mod_centred(q->q, r[j]);
        for (unsigned i = 0; i < limbs; i++) {
            const int16_t d = (int16_t)(uint16_t)v;
            to[i * 2 * WEIGH_TILE] = d;
            v = (v - d) >> 16;
        }
    }
}

/* a_0 + 2^16 a_1 + 2^32 (a_2 + 2^16 a_3) */
static uint64_t reduce(const modulus *q, const int32_t *a)
{
    const uint64_t low = mod_from_signed(q, a[0] + (int64_t)a[1] * 65536), high = mod_from_signed(q, a[2] + (int64_t)a[3] * 65536);
    return mod_reduce(q, ((u128)high << 32) + low);
}

static void dot(uint64_t *out, size_t words, const weigh_term *const term[2], unsigned rows, size_t terms, size_t burst, const int16_t *x,
                unsigned limbs, const modulus *q)
{
    const size_t each = (size_t)limbs * WEIGH_TILE * 2;
    for (unsigned i = 0; i < rows; i++)
        for (size_t j = 0; j < WEIGH_TILE; j++) {
            uint64_t sum = 0;
            for (size_t t = 0, stop; t < terms;) {
                int32_t a[WEIGH_MAX_LIMBS] = {0};
                for (stop = terms - t > burst ? t + burst : terms; t < stop; t++) {
                    const int16_t *d = x + term[i][t].pair * each + 2 * j, *w = term[i][t].w;
                    for (unsigned l = 0; l < limbs; l++)
                        a[l] += d[l * 2 * WEIGH_TILE] * w[0] + d[l * 2 * WEIGH_TILE + 1] * w[1];
                }
                sum = mod_add(q, sum, reduce(q, a));
            }
            out[i * words + j] = sum;
        }
}

const weigh_kern weigh_kern_portable = {"portable", 0, split, dot};
