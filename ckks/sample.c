// SPDX-License-Identifier: ISC
#include "ckks/sample.h"

#include "base/mem.h"
#include "ckks/ring_kern.h"

#define WORDS 512 /* of randomness at a time */
#define GROUPS 3

void sample_ternary(prg *rng, int8_t *out, size_t n)
{
    const ring_kern *kern = ring_kern_best();
    _Alignas(64) uint64_t w[WORDS];
    for (size_t words = n / 8, take; words; words -= take, out += 8 * take) {
        take = words < WORDS ? words : WORDS;
        prg_bytes(rng, w, take * sizeof *w);
        kern->ternary(out, w, take / 8 * 8);
        ring_kern_portable.ternary(out + take / 8 * 64, w + take / 8 * 8, take % 8);
    }
    mem_wipe(w, sizeof w);
}

void sample_cbd(prg *rng, int8_t *out, size_t n)
{
    const ring_kern *kern = ring_kern_best();
    _Alignas(64) uint8_t bits[GROUPS * RING_CBD_BYTES];
    for (size_t groups = n / RING_CBD_GROUP, take; groups; groups -= take) {
        take = groups < GROUPS ? groups : GROUPS;
        prg_bytes(rng, bits, take * RING_CBD_BYTES);
        for (size_t i = 0; i < take; i++, out += RING_CBD_GROUP) kern->cbd(out, bits + i * RING_CBD_BYTES);
    }
    mem_wipe(bits, sizeof bits);
}

void sample_wide(prg *rng, int32_t *out, size_t n)
{
    enum { MASK = SAMPLE_WIDE - 1 };
    int8_t c[RING_CBD_GROUP];
    _Alignas(64) uint32_t w[RING_CBD_GROUP];
    for (; n; n -= RING_CBD_GROUP, out += RING_CBD_GROUP) {
        sample_cbd(rng, c, RING_CBD_GROUP);
        prg_bytes(rng, w, sizeof w);
        for (size_t j = 0; j < RING_CBD_GROUP; j++)
            out[j] = c[j] * SAMPLE_WIDE + (int32_t)((w[j] & MASK) + (w[j] >> 21)) - MASK;
    }
    mem_wipe(c, sizeof c);
    mem_wipe(w, sizeof w);
}

void sample_uniform_var(prg *rng, const modulus *m, uint64_t *out, size_t n)
{
    const ring_kern *kern = ring_kern_best();
    _Alignas(64) uint64_t w[WORDS];
    while (n) {
        const size_t take = n < WORDS ? n : WORDS;
        prg_bytes(rng, w, take * sizeof *w);
        const size_t kept = kern->accept_var(out, w, take, m);
        out += kept;
        n -= kept;
    }
}
