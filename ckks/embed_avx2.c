// SPDX-License-Identifier: ISC
#include "base/cpu.h"
#include "ckks/vec256.h"

#define IN_PLACE static inline __attribute__((always_inline)) /* compiled once for each s that asks for another code */

IN_PLACE vd roots(const double *p, size_t wide) { return wide == 4 ? _mm256_loadu_pd(p) : _mm256_broadcast_sd(p); }

/* Rows to columns where wide = 4; its own inverse. */
IN_PLACE void gather(vd *a, vd *b, vd *c, vd *d, size_t wide)
{
    if (wide == 1) return;
    const vd p = _mm256_unpacklo_pd(*a, *b), q = _mm256_unpackhi_pd(*a, *b);
    const vd r = _mm256_unpacklo_pd(*c, *d), s = _mm256_unpackhi_pd(*c, *d);
    *a = _mm256_permute2f128_pd(p, r, 0x20);
    *b = _mm256_permute2f128_pd(q, s, 0x20);
    *c = _mm256_permute2f128_pd(p, r, 0x31);
    *d = _mm256_permute2f128_pd(q, s, 0x31);
}
IN_PLACE void scatter(vd *a, vd *b, vd *c, vd *d, size_t wide) { gather(a, b, c, d, wide); }

#include "ckks/embed_body.h"

const embed_kern embed_kern_avx2 = {"avx2", CPU_AVX2, 32, merge4, split4, merge2, split2};
