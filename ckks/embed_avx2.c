// SPDX-License-Identifier: ISC
/* The passes of embed_kern.h on four doubles at a time: along r where a row has at least four, along j in the pass with s = 1. */
#include <immintrin.h>

#include "base/cpu.h"
#include "ckks/embed_kern.h"

typedef struct {
    __m256d r, i;
} cvec;

static inline cvec mul(cvec a, cvec b)
{
    return (cvec){_mm256_sub_pd(_mm256_mul_pd(a.r, b.r), _mm256_mul_pd(a.i, b.i)),
                  _mm256_add_pd(_mm256_mul_pd(a.r, b.i), _mm256_mul_pd(a.i, b.r))};
}
static inline cvec mul_conj(cvec a, cvec b)
{
    return (cvec){_mm256_add_pd(_mm256_mul_pd(a.r, b.r), _mm256_mul_pd(a.i, b.i)),
                  _mm256_sub_pd(_mm256_mul_pd(a.i, b.r), _mm256_mul_pd(a.r, b.i))};
}
static inline cvec add(cvec a, cvec b) { return (cvec){_mm256_add_pd(a.r, b.r), _mm256_add_pd(a.i, b.i)}; }
static inline cvec sub(cvec a, cvec b) { return (cvec){_mm256_sub_pd(a.r, b.r), _mm256_sub_pd(a.i, b.i)}; }
static inline cvec add_i(cvec a, cvec b) { return (cvec){_mm256_sub_pd(a.r, b.i), _mm256_add_pd(a.i, b.r)}; }
static inline cvec sub_i(cvec a, cvec b) { return (cvec){_mm256_add_pd(a.r, b.i), _mm256_sub_pd(a.i, b.r)}; }
static inline cvec load(const double *r, const double *i) { return (cvec){_mm256_loadu_pd(r), _mm256_loadu_pd(i)}; }
static inline cvec spread(const double *r, const double *i) { return (cvec){_mm256_broadcast_sd(r), _mm256_broadcast_sd(i)}; }
static inline void store(double *r, double *i, cvec x)
{
    _mm256_storeu_pd(r, x.r);
    _mm256_storeu_pd(i, x.i);
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

/* Rows to columns; its own inverse. */
static inline void transpose(__m256d *a, __m256d *b, __m256d *c, __m256d *d)
{
    const __m256d p = _mm256_unpacklo_pd(*a, *b), q = _mm256_unpackhi_pd(*a, *b);
    const __m256d r = _mm256_unpacklo_pd(*c, *d), s = _mm256_unpackhi_pd(*c, *d);
    *a = _mm256_permute2f128_pd(p, r, 0x20);
    *b = _mm256_permute2f128_pd(q, s, 0x20);
    *c = _mm256_permute2f128_pd(p, r, 0x31);
    *d = _mm256_permute2f128_pd(q, s, 0x31);
}

static inline void transpose4(cvec x[4])
{
    transpose(&x[0].r, &x[1].r, &x[2].r, &x[3].r);
    transpose(&x[0].i, &x[1].i, &x[2].i, &x[3].i);
}

static void merge4(double *yr, double *yi, const double *xr, const double *xi, const double *w, size_t len, size_t s)
{
    const size_t row = len * s, b1 = len == 1 ? 3 * row : row, out[4] = {0, b1, 2 * row, 4 * row - b1};
    cvec x[4], y[4], v[3];
    if (s == 1) {
        for (size_t j = 0; j < len; j += 4) {
            for (size_t c = 0; c < 3; c++) v[c] = load(w + 2 * c * len + j, w + (2 * c + 1) * len + j);
            for (size_t c = 0; c < 4; c++) x[c] = load(xr + 4 * j + 4 * c, xi + 4 * j + 4 * c);
            transpose4(x);
            merge(y, x, v);
            for (size_t k = 0; k < 4; k++) store(yr + out[k] + j, yi + out[k] + j, y[k]);
        }
        return;
    }
    for (size_t j = 0; j < len; j++) {
        for (size_t c = 0; c < 3; c++) v[c] = spread(w + 2 * c * len + j, w + (2 * c + 1) * len + j);
        for (size_t r = 0; r < s; r += 4) {
            for (size_t c = 0; c < 4; c++) x[c] = load(xr + (4 * j + c) * s + r, xi + (4 * j + c) * s + r);
            merge(y, x, v);
            for (size_t k = 0; k < 4; k++) store(yr + out[k] + j * s + r, yi + out[k] + j * s + r, y[k]);
        }
    }
}

static void split4(double *xr, double *xi, const double *yr, const double *yi, const double *w, size_t len, size_t s)
{
    const size_t row = len * s, b1 = len == 1 ? 3 * row : row, in[4] = {0, b1, 2 * row, 4 * row - b1};
    cvec x[4], y[4], v[3];
    if (s == 1) {
        for (size_t j = 0; j < len; j += 4) {
            for (size_t c = 0; c < 3; c++) v[c] = load(w + 2 * c * len + j, w + (2 * c + 1) * len + j);
            for (size_t k = 0; k < 4; k++) y[k] = load(yr + in[k] + j, yi + in[k] + j);
            split(x, y, v);
            transpose4(x);
            for (size_t c = 0; c < 4; c++) store(xr + 4 * j + 4 * c, xi + 4 * j + 4 * c, x[c]);
        }
        return;
    }
    for (size_t j = 0; j < len; j++) {
        for (size_t c = 0; c < 3; c++) v[c] = spread(w + 2 * c * len + j, w + (2 * c + 1) * len + j);
        for (size_t r = 0; r < s; r += 4) {
            for (size_t k = 0; k < 4; k++) y[k] = load(yr + in[k] + j * s + r, yi + in[k] + j * s + r);
            split(x, y, v);
            for (size_t c = 0; c < 4; c++) store(xr + (4 * j + c) * s + r, xi + (4 * j + c) * s + r, x[c]);
        }
    }
}

static void merge2(double *yr, double *yi, const double *xr, const double *xi, const double *w, size_t s)
{
    const cvec v = spread(w, w + 1);
    for (size_t r = 0; r < s; r += 4) {
        const cvec t0 = load(xr + r, xi + r), t1 = mul(load(xr + s + r, xi + s + r), v);
        store(yr + r, yi + r, add(t0, t1));
        store(yr + s + r, yi + s + r, sub(t0, t1));
    }
}

static void split2(double *xr, double *xi, const double *yr, const double *yi, const double *w, size_t s)
{
    const cvec v = spread(w, w + 1);
    for (size_t r = 0; r < s; r += 4) {
        const cvec y0 = load(yr + r, yi + r), y1 = load(yr + s + r, yi + s + r);
        store(xr + r, xi + r, add(y0, y1));
        store(xr + s + r, xi + s + r, mul_conj(sub(y0, y1), v));
    }
}

const embed_kern embed_kern_avx2 = {"avx2", CPU_AVX2, 32, merge4, split4, merge2, split2};
