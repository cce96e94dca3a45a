// SPDX-License-Identifier: ISC
/** sample.h: the three distributions of RLWE: ternary secrets, centred binomial noise, uniform residues. */
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

/** sample_uniform_var: out[n] uniform in [0, q), by rejection: the generator's words in order, low m->bits bits of each, those below q.
 *  For public randomness only: time depends on the output. */
void sample_uniform_var(prg *rng, const modulus *m, uint64_t *out, size_t n);

/** sample_residue: the residue of a small number.   In: |x| < q.   CT: constant. */
static inline uint64_t sample_residue(const modulus *m, int8_t x)
{
    int64_t y = x;
    return (uint64_t)y + (m->q & (uint64_t)(y >> 63));
}

#endif
