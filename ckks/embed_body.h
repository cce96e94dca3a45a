// SPDX-License-Identifier: ISC
/** embed_body.h: the functions of embed_avx2.c and embed_avx512.c, the passes of embed_kern.h on LANES doubles at a time: along r where a row
 *  has as many, along j in the pass with s = 1, along both in the pass with s = 4 of eight. */
#include "ckks/embed_kern.h"

typedef struct {
    vd r, i;
} cvec;

static inline cvec mul(cvec a, cvec b)
{
    return (cvec){V(sub_pd)(V(mul_pd)(a.r, b.r), V(mul_pd)(a.i, b.i)),
                  V(add_pd)(V(mul_pd)(a.r, b.i), V(mul_pd)(a.i, b.r))};
}
static inline cvec mul_conj(cvec a, cvec b)
{
    return (cvec){V(add_pd)(V(mul_pd)(a.r, b.r), V(mul_pd)(a.i, b.i)),
                  V(sub_pd)(V(mul_pd)(a.i, b.r), V(mul_pd)(a.r, b.i))};
}
static inline cvec add(cvec a, cvec b) { return (cvec){V(add_pd)(a.r, b.r), V(add_pd)(a.i, b.i)}; }
static inline cvec sub(cvec a, cvec b) { return (cvec){V(sub_pd)(a.r, b.r), V(sub_pd)(a.i, b.i)}; }
static inline cvec add_i(cvec a, cvec b) { return (cvec){V(sub_pd)(a.r, b.i), V(add_pd)(a.i, b.r)}; }
static inline cvec sub_i(cvec a, cvec b) { return (cvec){V(add_pd)(a.r, b.i), V(sub_pd)(a.i, b.r)}; }
static inline cvec load_pair(const double *r, const double *i) { return (cvec){V(loadu_pd)(r), V(loadu_pd)(i)}; }
static inline cvec spread(const double *r, const double *i) { return (cvec){alld(*r), alld(*i)}; }
static inline void store_pair(double *r, double *i, cvec x)
{
    V(storeu_pd)(r, x.r);
    V(storeu_pd)(i, x.i);
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

/* A vector holds `wide` values of j with min(s, LANES) of r each: wide = LANES for s = 1, 1 from s = LANES on, between them in between. */
IN_PLACE void load_roots(cvec v[3], const double *w, size_t len, size_t j, size_t wide)
{
    for (size_t c = 0; c < 3; c++) {
        const double *r = w + 2 * c * len + j;
        v[c] = (cvec){roots(r, wide), roots(r + len, wide)};
    }
}

IN_PLACE void merge4_by(double *yr, double *yi, const double *xr, const double *xi, const double *w, size_t len, size_t s, size_t wide)
{
    const size_t row = len * s, b1 = len == 1 ? 3 * row : row, out[4] = {0, b1, 2 * row, 4 * row - b1};
    const size_t column = wide == 1 ? s : LANES;
    cvec x[4], y[4], v[3];
    for (size_t j = 0; j < len; j += wide) {
        load_roots(v, w, len, j, wide);
        for (size_t r = 0; r < s; r += LANES) {
            for (size_t c = 0; c < 4; c++) x[c] = load_pair(xr + 4 * j * s + c * column + r, xi + 4 * j * s + c * column + r);
            gather(&x[0].r, &x[1].r, &x[2].r, &x[3].r, wide), gather(&x[0].i, &x[1].i, &x[2].i, &x[3].i, wide);
            merge(y, x, v);
            for (size_t k = 0; k < 4; k++) store_pair(yr + out[k] + j * s + r, yi + out[k] + j * s + r, y[k]);
        }
    }
}

IN_PLACE void split4_by(double *xr, double *xi, const double *yr, const double *yi, const double *w, size_t len, size_t s, size_t wide)
{
    const size_t row = len * s, b1 = len == 1 ? 3 * row : row, in[4] = {0, b1, 2 * row, 4 * row - b1};
    const size_t column = wide == 1 ? s : LANES;
    cvec x[4], y[4], v[3];
    for (size_t j = 0; j < len; j += wide) {
        load_roots(v, w, len, j, wide);
        for (size_t r = 0; r < s; r += LANES) {
            for (size_t k = 0; k < 4; k++) y[k] = load_pair(yr + in[k] + j * s + r, yi + in[k] + j * s + r);
            split(x, y, v);
            scatter(&x[0].r, &x[1].r, &x[2].r, &x[3].r, wide), scatter(&x[0].i, &x[1].i, &x[2].i, &x[3].i, wide);
            for (size_t c = 0; c < 4; c++) store_pair(xr + 4 * j * s + c * column + r, xi + 4 * j * s + c * column + r, x[c]);
        }
    }
}

static void merge4(double *yr, double *yi, const double *xr, const double *xi, const double *w, size_t len, size_t s)
{
    if (s == 1) merge4_by(yr, yi, xr, xi, w, len, 1, LANES);
    else if (s < LANES) merge4_by(yr, yi, xr, xi, w, len, 4, LANES / 4);
    else merge4_by(yr, yi, xr, xi, w, len, s, 1);
}

static void split4(double *xr, double *xi, const double *yr, const double *yi, const double *w, size_t len, size_t s)
{
    if (s == 1) split4_by(xr, xi, yr, yi, w, len, 1, LANES);
    else if (s < LANES) split4_by(xr, xi, yr, yi, w, len, 4, LANES / 4);
    else split4_by(xr, xi, yr, yi, w, len, s, 1);
}

static void merge2(double *yr, double *yi, const double *xr, const double *xi, const double *w, size_t s)
{
    const cvec v = spread(w, w + 1);
    for (size_t r = 0; r < s; r += LANES) {
        const cvec t0 = load_pair(xr + r, xi + r), t1 = mul(load_pair(xr + s + r, xi + s + r), v);
        store_pair(yr + r, yi + r, add(t0, t1));
        store_pair(yr + s + r, yi + s + r, sub(t0, t1));
    }
}

static void split2(double *xr, double *xi, const double *yr, const double *yi, const double *w, size_t s)
{
    const cvec v = spread(w, w + 1);
    for (size_t r = 0; r < s; r += LANES) {
        const cvec y0 = load_pair(yr + r, yi + r), y1 = load_pair(yr + s + r, yi + s + r);
        store_pair(xr + r, xi + r, add(y0, y1));
        store_pair(xr + s + r, xi + s + r, mul_conj(sub(y0, y1), v));
    }
}
