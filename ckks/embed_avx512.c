// SPDX-License-Identifier: ISC
#include "base/cpu.h"
#include "ckks/vec512.h"

#define IN_PLACE static inline __attribute__((always_inline)) /* compiled once for each s that asks for another code */

IN_PLACE vd roots(const double *p, size_t wide)
{
    const __m512i twice = _mm512_set_epi64(1, 1, 1, 1, 0, 0, 0, 0);
    if (wide == 2) return _mm512_permutexvar_pd(twice, _mm512_castpd128_pd512(_mm_loadu_pd(p)));
    return wide == 8 ? _mm512_loadu_pd(p) : alld(*p);
}

/* Eight columns of four to four rows of eight, x[c][4j + k] to x[k][j]: pairs first to their places, then apart.  scatter_all: the way back. */
static inline void gather_all(vd *a, vd *b, vd *c, vd *d)
{
    const vd p = _mm512_shuffle_f64x2(*a, *b, 0x88), q = _mm512_shuffle_f64x2(*a, *b, 0xdd); /* (k = 0, 1) of j = 0..3; (2, 3) */
    const vd r = _mm512_shuffle_f64x2(*c, *d, 0x88), s = _mm512_shuffle_f64x2(*c, *d, 0xdd);
    const vd p0 = _mm512_shuffle_f64x2(p, r, 0x88), p1 = _mm512_shuffle_f64x2(p, r, 0xdd); /* even j; odd j */
    const vd q0 = _mm512_shuffle_f64x2(q, s, 0x88), q1 = _mm512_shuffle_f64x2(q, s, 0xdd);
    *a = _mm512_unpacklo_pd(p0, p1);
    *b = _mm512_unpackhi_pd(p0, p1);
    *c = _mm512_unpacklo_pd(q0, q1);
    *d = _mm512_unpackhi_pd(q0, q1);
}

static inline void scatter_all(vd *a, vd *b, vd *c, vd *d)
{
    const vd p0 = _mm512_unpacklo_pd(*a, *b), p1 = _mm512_unpackhi_pd(*a, *b); /* (k = 0, 1) of even j; of odd j */
    const vd q0 = _mm512_unpacklo_pd(*c, *d), q1 = _mm512_unpackhi_pd(*c, *d);
    const vd p = _mm512_shuffle_f64x2(p0, q0, 0x44), q = _mm512_shuffle_f64x2(p1, q1, 0x44); /* p: j = 0, 2;  q: j = 1, 3 */
    const vd r = _mm512_shuffle_f64x2(p0, q0, 0xee), s = _mm512_shuffle_f64x2(p1, q1, 0xee); /* r: j = 4, 6;  s: j = 5, 7 */
    *a = _mm512_shuffle_f64x2(p, q, 0x88);
    *b = _mm512_shuffle_f64x2(p, q, 0xdd);
    *c = _mm512_shuffle_f64x2(r, s, 0x88);
    *d = _mm512_shuffle_f64x2(r, s, 0xdd);
}

/* The same for two columns of 4 x 4: halves to their places. */
static inline void gather_halves(vd *a, vd *b, vd *c, vd *d)
{
    const vd p = *a, q = *b, r = *c, s = *d;
    *a = _mm512_shuffle_f64x2(p, r, 0x44);
    *b = _mm512_shuffle_f64x2(p, r, 0xee);
    *c = _mm512_shuffle_f64x2(q, s, 0x44);
    *d = _mm512_shuffle_f64x2(q, s, 0xee);
}

static inline void scatter_halves(vd *a, vd *b, vd *c, vd *d)
{
    const vd p = *a, q = *b, r = *c, s = *d;
    *a = _mm512_shuffle_f64x2(p, q, 0x44);
    *b = _mm512_shuffle_f64x2(r, s, 0x44);
    *c = _mm512_shuffle_f64x2(p, q, 0xee);
    *d = _mm512_shuffle_f64x2(r, s, 0xee);
}

IN_PLACE void gather(vd *a, vd *b, vd *c, vd *d, size_t wide)
{
    if (wide == 8) gather_all(a, b, c, d);
    if (wide == 2) gather_halves(a, b, c, d);
}

IN_PLACE void scatter(vd *a, vd *b, vd *c, vd *d, size_t wide)
{
    if (wide == 8) scatter_all(a, b, c, d);
    if (wide == 2) scatter_halves(a, b, c, d);
}

#include "ckks/embed_body.h"

const embed_kern embed_kern_avx512 = {"avx512", CPU_AVX512, 64, merge4, split4, merge2, split2};
