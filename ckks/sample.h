// SPDX-License-Identifier: ISC
/** sample.h: the distributions of RLWE: ternary secrets, centred binomial noise, narrow and wide, uniform residues. */
#ifndef TACIT_CKKS_SAMPLE_H
#define TACIT_CKKS_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/prg.h"
#include "ckks/modulus.h"

/** sample_ternary: out[n] uniform in {-1, 0, 1}.   In: n a multiple of 8.
 *  Out: a word of the generator gives 8 digits; a word is 3^8 / 2^66 < 2^-53 from uniform, so 32,768 coefficients are less than
 *       2^-41 away in statistical distance, 2,048 less than 2^-45.   CT: n only. */
void sample_ternary(prg *rng, int8_t *out, size_t n);

/** sample_cbd: out[n] centred binomial, popcount(21 bits) - popcount(21 bits): in [-21, 21], variance 10.5.   In: n a multiple of 256.
 *  Out: 42 bits of the generator each, laid out as in ring_kern.h.   CT: n only. */
void sample_cbd(prg *rng, int8_t *out, size_t n);

/** sample_wide: out[n] = S c + r1 + r2 - (S - 1), S = SAMPLE_WIDE, c as of sample_cbd, r1 and r2 uniform in [0, S): sample_cbd's probabilities B,
 *  drawn out S times by straight lines, P(S i + r) = ((S - r) B(i) + r B(i + 1)) / S^2 for 0 <= r < S.   In: n a multiple of 256.
 *  Out: in [-45055, 45055], variance 10.5 S^2 + (S^2 - 1) / 6 (standard deviation 6688.7).  For 256 numbers RING_CBD_BYTES of the generator
 *       make c, then 32 bits each r1 (the lowest 11) and r2 (the highest 11).   CT: n only. */
#define SAMPLE_WIDE 2048
#define SAMPLE_WIDE_VARIANCE 44739242.5
void sample_wide(prg *rng, int32_t *out, size_t n);

/** sample_uniform_var: out[n] uniform in [0, q), by rejection: the generator's words in order, low m->bits bits of each, those below q.
 *  For public randomness only: time depends on the output. */
void sample_uniform_var(prg *rng, const modulus *m, uint64_t *out, size_t n);

/** sample_residue: the residue of a small number.   In: |x| < q.   CT: constant. */
static inline uint64_t sample_residue(const modulus *m, int32_t x)
{
    int64_t y = x;
    return (uint64_t)y + (m->q & (uint64_t)(y >> 63));
}

#endif
