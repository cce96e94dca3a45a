// SPDX-License-Identifier: ISC
/* The passes of embed_kern.h on eight doubles at a time: along r where a row has at least eight, along j in the pass with s = 1, along both
 * (two values of j) in the pass with s = 4. */
#include <immintrin.h>

#include "base/cpu.h"
#include "ckks/embed_kern.h"

typedef struct {
    __m512d r, i;
} cvec;

static inline cvec mul(cvec a, cvec b)
{
    return (cvec){_mm512_sub_pd(_mm512_mul_pd(a.r, b.r), _mm512_mul_pd(a.i, b.i)),
                  _mm512_add_pd(_mm512_mul_pd(a.r, b.i), _mm512_mul_pd(a.i, b.r))};
}
static inline cvec mul_conj(cvec a, cvec b)
{
    return (cvec){_mm512_add_pd(_mm512_mul_pd(a.r, b.r), _mm512_mul_pd(a.i, b.i)),
                  _mm512_sub_pd(_mm512_mul_pd(a.i, b.r), _mm512_mul_pd(a.r, b.i))};
}
static inline cvec add(cvec a, cvec b) { return (cvec){_mm512_add_pd(a.r, b.r), _mm512_add_pd(a.i, b.i)}; }
static inline cvec sub(cvec a, cvec b) { return (cvec){_mm512_sub_pd(a.r, b.r), _mm512_sub_pd(a.i, b.i)}; }
static inline cvec add_i(cvec a, cvec b) { return (cvec){_mm512_sub_pd(a.r, b.i), _mm512_add_pd(a.i, b.r)}; }
static inline cvec sub_i(cvec a, cvec b) { return (cvec){_mm512_add_pd(a.r, b.i), _mm512_sub_pd(a.i, b.r)}; }
static inline cvec load(const double *r, const double *i) { return (cvec){_mm512_loadu_pd(r), _mm512_loadu_pd(i)}; }
static inline cvec spread(const double *r, const double *i) { return (cvec){_mm512_set1_pd(*r), _mm512_set1_pd(*i)}; }
static inline void store(double *r, double *i, cvec x)
{
    _mm512_storeu_pd(r, x.r);
    _mm512_storeu_pd(i, x.i);
}

static inline void merge(cvec y[4], const cvec x[4], const cvec w[3])
{
    const cvec t1 = mul(x[1], w[0]), t2 = mul(x[2], w[1]), t3 = mul(x[3], w[2]);
    const cvec e = add(x[0], t2), f = sub(x[0], t2), g = add(t1, t3), h = sub(t1, t3);
    y[0] = add(e, g);
    y[1] = sub_i(f, h);
    y[2] = sub(e, g);
    y[3] = add_i(f, h);
}

static inline void split(cvec x[4], const cvec y[4], const cvec w[3])
{
    const cvec e = add(y[0], y[2]), f = sub(y[0], y[2]), g = add(y[1], y[3]), h = sub(y[1], y[3]);
    x[0] = add(e, g);
    x[1] = mul_conj(add_i(f, h), w[0]);
    x[2] = mul_conj(sub(e, g), w[1]);
    x[3] = mul_conj(sub_i(f, h), w[2]);
}

/* Eight columns of four to four rows of eight, x[c][4j + k] to x[k][j]: pairs first to their places, then apart.  scatter: the way back. */
static inline void gather(__m512d *a, __m512d *b, __m512d *c, __m512d *d)
{
    const __m512d p = _mm512_shuffle_f64x2(*a, *b, 0x88), q = _mm512_shuffle_f64x2(*a, *b, 0xdd); /* (k = 0, 1) of j = 0..3; (2, 3) */
    const __m512d r = _mm512_shuffle_f64x2(*c, *d, 0x88), s = _mm512_shuffle_f64x2(*c, *d, 0xdd);
    const __m512d p0 = _mm512_shuffle_f64x2(p, r, 0x88), p1 = _mm512_shuffle_f64x2(p, r, 0xdd); /* even j; odd j */
    const __m512d q0 = _mm512_shuffle_f64x2(q, s, 0x88), q1 = _mm512_shuffle_f64x2(q, s, 0xdd);
    *a = _mm512_unpacklo_pd(p0, p1);
    *b = _mm512_unpackhi_pd(p0, p1);
    *c = _mm512_unpacklo_pd(q0, q1);
    *d = _mm512_unpackhi_pd(q0, q1);
}

static inline void scatter(__m512d *a, __m512d *b, __m512d *c, __m512d *d)
{
    const __m512d p0 = _mm512_unpacklo_pd(*a, *b), p1 = _mm512_unpackhi_pd(*a, *b); /* (k = 0, 1) of even j; of odd j */
    const __m512d q0 = _mm512_unpacklo_pd(*c, *d), q1 = _mm512_unpackhi_pd(*c, *d);
    const __m512d p = _mm512_shuffle_f64x2(p0, q0, 0x44), q = _mm512_shuffle_f64x2(p1, q1, 0x44); /* p: j = 0, 2;  q: j = 1, 3 */
    const __m512d r = _mm512_shuffle_f64x2(p0, q0, 0xee), s = _mm512_shuffle_f64x2(p1, q1, 0xee); /* r: j = 4, 6;  s: j = 5, 7 */
    *a = _mm512_shuffle_f64x2(p, q, 0x88);
    *b = _mm512_shuffle_f64x2(p, q, 0xdd);
    *c = _mm512_shuffle_f64x2(r, s, 0x88);
    *d = _mm512_shuffle_f64x2(r, s, 0xdd);
}
/* The same for two columns of 4 x 4: halves to their places. */
static inline void gather_halves(__m512d *a, __m512d *b, __m512d *c, __m512d *d)
{
    const __m512d p = *a, q = *b, r = *c, s = *d;
    *a = _mm512_shuffle_f64x2(p, r, 0x44);
    *b = _mm512_shuffle_f64x2(p, r, 0xee);
    *c = _mm512_shuffle_f64x2(q, s, 0x44);
    *d = _mm512_shuffle_f64x2(q, s, 0xee);
}

static inline void scatter_halves(__m512d *a, __m512d *b, __m512d *c, __m512d *d)
{
    const __m512d p = *a, q = *b, r = *c, s = *d;
    *a = _mm512_shuffle_f64x2(p, q, 0x44);
    *b = _mm512_shuffle_f64x2(r, s, 0x44);
    *c = _mm512_shuffle_f64x2(p, q, 0xee);
    *d = _mm512_shuffle_f64x2(r, s, 0xee);
}

#define IN_PLACE static inline __attribute__((always_inline)) /* compiled once for each s that asks for another order */

/* A vector holds `wide` values of j with min(s, 8) of r each: wide = 8, 2, 1 for s = 1, 4, 8 and more. */
IN_PLACE void load_roots(cvec v[3], const double *w, size_t len, size_t j, size_t wide)
{
    const __m512i twice = _mm512_set_epi64(1, 1, 1, 1, 0, 0, 0, 0);
    for (size_t c = 0; c < 3; c++) {
        const double *r = w + 2 * c * len + j, *i = r + len;
        if (wide == 8) v[c] = load(r, i);
        if (wide == 1) v[c] = spread(r, i);
        if (wide == 2) {
            v[c].r = _mm512_permutexvar_pd(twice, _mm512_castpd128_pd512(_mm_loadu_pd(r)));
            v[c].i = _mm512_permutexvar_pd(twice, _mm512_castpd128_pd512(_mm_loadu_pd(i)));
        }
    }
}

IN_PLACE void merge4_by(double *yr, double *yi, const double *xr, const double *xi, const double *w, size_t len, size_t s, size_t wide)
{
    const size_t row = len * s, b1 = len == 1 ? 3 * row : row, out[4] = {0, b1, 2 * row, 4 * row - b1};
    const size_t column = wide == 1 ? s : 8;
    cvec x[4], y[4], v[3];
    for (size_t j = 0; j < len; j += wide) {
        load_roots(v, w, len, j, wide);
        for (size_t r = 0; r < s; r += 8) {
            for (size_t c = 0; c < 4; c++) x[c] = load(xr + 4 * j * s + c * column + r, xi + 4 * j * s + c * column + r);
            if (wide == 8) gather(&x[0].r, &x[1].r, &x[2].r, &x[3].r), gather(&x[0].i, &x[1].i, &x[2].i, &x[3].i);
            if (wide == 2) gather_halves(&x[0].r, &x[1].r, &x[2].r, &x[3].r), gather_halves(&x[0].i, &x[1].i, &x[2].i, &x[3].i);
            merge(y, x, v);
            for (size_t k = 0; k < 4; k++) store(yr + out[k] + j * s + r, yi + out[k] + j * s + r, y[k]);
        }
    }
}

IN_PLACE void split4_by(double *xr, double *xi, const double *yr, const double *yi, const double *w, size_t len, size_t s, size_t wide)
{
    const size_t row = len * s, b1 = len == 1 ? 3 * row : row, in[4] = {0, b1, 2 * row, 4 * row - b1};
    const size_t column = wide == 1 ? s : 8;
    cvec x[4], y[4], v[3];
    for (size_t j = 0; j < len; j += wide) {
        load_roots(v, w, len, j, wide);
        for (size_t r = 0; r < s; r += 8) {
            for (size_t k = 0; k < 4; k++) y[k] = load(yr + in[k] + j * s + r, yi + in[k] + j * s + r);
            split(x, y, v);
            if (wide == 8) scatter(&x[0].r, &x[1].r, &x[2].r, &x[3].r), scatter(&x[0].i, &x[1].i, &x[2].i, &x[3].i);
            if (wide == 2) scatter_halves(&x[0].r, &x[1].r, &x[2].r, &x[3].r), scatter_halves(&x[0].i, &x[1].i, &x[2].i, &x[3].i);
            for (size_t c = 0; c < 4; c++) store(xr + 4 * j * s + c * column + r, xi + 4 * j * s + c * column + r, x[c]);
        }
    }
}

static void merge4(double *yr, double *yi, const double *xr, const double *xi, const double *w, size_t len, size_t s)
{
    if (s == 1) merge4_by(yr, yi, xr, xi, w, len, 1, 8);
    else if (s == 4) merge4_by(yr, yi, xr, xi, w, len, 4, 2);
    else merge4_by(yr, yi, xr, xi, w, len, s, 1);
}

static void split4(double *xr, double *xi, const double *yr, const double *yi, const double *w, size_t len, size_t s)
{
    if (s == 1) split4_by(xr, xi, yr, yi, w, len, 1, 8);
    else if (s == 4) split4_by(xr, xi, yr, yi, w, len, 4, 2);
    else split4_by(xr, xi, yr, yi, w, len, s, 1);
}

static void merge2(double *yr, double *yi, const double *xr, const double *xi, const double *w, size_t s)
{
    const cvec v = spread(w, w + 1);
    for (size_t r = 0; r < s; r += 8) {
        const cvec t0 = load(xr + r, xi + r), t1 = mul(load(xr + s + r, xi + s + r), v);
        store(yr + r, yi + r, add(t0, t1));
        store(yr + s + r, yi + s + r, sub(t0, t1));
    }
}

static void split2(double *xr, double *xi, const double *yr, const double *yi, const double *w, size_t s)
{
    const cvec v = spread(w, w + 1);
    for (size_t r = 0; r < s; r += 8) {
        const cvec y0 = load(yr + r, yi + r), y1 = load(yr + s + r, yi + s + r);
        store(xr + r, xi + r, add(y0, y1));
        store(xr + s + r, xi + s + r, mul_conj(sub(y0, y1), v));
    }
}

const embed_kern embed_kern_avx512 = {"avx512", CPU_AVX512, 64, merge4, split4, merge2, split2};
