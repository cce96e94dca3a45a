// SPDX-License-Identifier: ISC
#include "ckks/sample.h"

#include "base/mem.h"

#define CHUNK 64 /* words of randomness at a time */

void sample_ternary(prg *rng, int8_t *out, size_t n)
{
    uint64_t w[CHUNK];
    for (size_t words = n / 8, take; words; words -= take) {
        take = words < CHUNK ? words : CHUNK;
        prg_bytes(rng, w, take * sizeof *w);
        for (size_t i = 0; i < take; i++, out += 8) {
            uint64_t x = w[i]; /* x / 2^64 in base 3, digit by digit */
            for (int j = 0; j < 8; j++) {
                u128 y = (u128)x * 3;
                out[j] = (int8_t)((int)(y >> 64) - 1);
                x = (uint64_t)y;
            }
        }
    }
    mem_wipe(w, sizeof w);
}

/* Bits set among the low 42.  Not the compiler's builtin: its library twin may index a table. */
static inline unsigned popcount42(uint64_t x)
{
    x &= (UINT64_C(1) << 42) - 1;
    x -= x >> 1 & UINT64_C(0x5555555555555555);
    x = (x & UINT64_C(0x3333333333333333)) + (x >> 2 & UINT64_C(0x3333333333333333));
    x = (x + (x >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(x * UINT64_C(0x0101010101010101) >> 56);
}

void sample_cbd(prg *rng, int8_t *out, size_t n)
{
    uint64_t w[CHUNK];
    for (size_t take; n; n -= take, out += take) {
        take = n < CHUNK ? n : CHUNK;
        prg_bytes(rng, w, take * sizeof *w);
        /* popcount(a) - popcount(b) = popcount(a) + popcount(not b) - 21, and not b is as uniform as b */
        for (size_t i = 0; i < take; i++) out[i] = (int8_t)((int)popcount42(w[i]) - 21);
    }
    mem_wipe(w, sizeof w);
}

void sample_uniform_var(prg *rng, const modulus *m, uint64_t *out, size_t n)
{
    const uint64_t mask = (UINT64_C(1) << m->bits) - 1;
    while (n) {
        size_t kept = 0;
        prg_bytes(rng, out, n * sizeof *out);
        for (size_t i = 0; i < n; i++) {
            uint64_t x = out[i] & mask;
            out[kept] = x;
            kept += x < m->q;
        }
        out += kept;
        n -= kept;
    }
}

void sample_lift(const modulus *m, uint64_t *r, const int8_t *a, size_t n)
{
    for (size_t i = 0; i < n; i++) r[i] = sample_residue(m, a[i]);
}
