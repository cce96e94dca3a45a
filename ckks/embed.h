// SPDX-License-Identifier: ISC
/** embed.h: the canonical embedding: real polynomials modulo x^n + 1 and their values at half of the primitive 2n-th roots of one.
 *
 *  Slot j of a(x) is a(zeta^(5^j)), zeta = exp(2 pi i / 2n), j < n/2; the other roots give the conjugates.  So x -> x^(5^r) moves
 *  slot j + r to slot j, and x -> 1/x conjugates every slot.  With m = n/2 and c[k] = a[k] + i a[k + m] (zeta^m = i, and i^(5^j) = i)
 *  this is a transform of m complex numbers: slot j = sum_(k<m) c[k] zeta^(5^j k).  Ref: [CKKS17, 3.2], [CHKKS18, alg. 1].
 *  Differs: self-sorting passes of four instead of a reversal of bits and passes of two.
 *
 *  Real and imaginary parts lie in arrays of their own.  Every kernel does the same IEEE operations in the same order (no fused
 *  multiply-add), so finite results have the same bits.  CT: addresses depend on n only; time too, but where a CPU is slower on
 *  subnormal numbers (below 2^-1022; none comes from values above 2^-900 and zeros). */
#ifndef TACIT_CKKS_EMBED_H
#define TACIT_CKKS_EMBED_H

#include <stdint.h>

#include "base/err.h"

#define EMBED_MIN_N 16
#define EMBED_MAX_N 32768

typedef struct embed_kern embed_kern; /* embed_kern.h */

typedef struct {
    uint32_t n, m; /* m = n/2 slots */
    const embed_kern *kern;
    double *w; /* embed_kern.h; every part within 0.51 units in the last place */
} embed_table;

/** embed_create: n a power of two in [16, 32768]; the fastest kernel that this CPU has for it.
 *  embed_create_with: that kernel.   Errors: ERR_ARG (n; a kernel that the CPU or n does not allow), ERR_MEM. */
int embed_create(embed_table **out, uint32_t n) MUST_CHECK;
int embed_create_with(embed_table **out, uint32_t n, const embed_kern *kern) MUST_CHECK;
void embed_free(embed_table *t);

/** embed_to_coeffs: c[n] = m times the coefficients of the real polynomial with slots re[m] + i im[m].
 *  In: scratch[n] doubles.   Out: relative error in the 2-norm below 2^-53 (2.5 log2 m + 1.5) (docs/PARAMS.md, Embedding).
 *  Alias: none. */
void embed_to_coeffs(const embed_table *t, double *c, const double *re, const double *im, double *scratch);
/** embed_to_slots: the slots of the polynomial c[n]; scratch, error and alias as above. */
void embed_to_slots(const embed_table *t, double *re, double *im, const double *c, double *scratch);

#endif
