// SPDX-License-Identifier: ISC
#include "ckks/embed.h"

#include <math.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "ckks/embed_kern.h"

/* exp(2 pi i k / order), order a multiple of 8: from an angle of at most pi/4 in long double, so both parts are within half a unit in the
 * last place but for 2^-9 of one. */
static void root_of_one(uint32_t k, uint32_t order, double *re, double *im)
{
    const long double turn = 6.283185307179586476925286766559005768L;
    const uint32_t eighth = order / 8, octant = k % order / eighth, rest = k % eighth;
    const long double angle = turn * (octant & 1 ? eighth - rest : rest) / order;
    const double x = (double)cosl(angle), y = (double)sinl(angle);
    const int swap = (octant + 1) & 2; /* octants 1, 2, 5, 6 */
    *re = swap ? y : x;
    *im = swap ? x : y;
    if (octant >= 2 && octant < 6) *re = -*re;
    if (octant >= 4) *im = -*im;
}

static void fill_roots(double *w, uint32_t m)
{
    root_of_one(1, 8, &w[0], &w[1]);
    uint32_t len = 1;
    while (len * 4 < m) len *= 4;
    if (len * 4 > m) len /= 2; /* m = 2 4^k: the passes of four have len = m/4, ..., 2 */
    for (; len; len /= 4) {
        double *v = w + 2 * (size_t)len;
        for (uint32_t j = 0, g = 1; j < len; j++, g = g * 5 % (16 * len))
            for (uint32_t c = 0; c < 3; c++) root_of_one(g * (c + 1), 16 * len, &v[2 * c * len + j], &v[(2 * c + 1) * len + j]);
    }
}

int embed_create_with(embed_table **out, uint32_t n, const embed_kern *kern)
{
    *out = NULL;
    if (n < EMBED_MIN_N || n > EMBED_MAX_N || (n & (n - 1)))
        return err_set(ERR_ARG, "embedding: n = %u is not a power of two in [%u, %u]", n, EMBED_MIN_N, EMBED_MAX_N);
    if ((cpu_features() & kern->needs) != kern->needs || n < kern->least_n)
        return err_set(ERR_ARG, "embedding: kernel %s is not for this CPU or for n = %u", kern->name, n);
    embed_table *t = mem_alloc(1, sizeof *t);
    if (t) t->w = mem_alloc(n, sizeof *t->w);
    if (!t || !t->w) {
        embed_free(t);
        return err_set(ERR_MEM, "embedding: out of memory");
    }
    t->n = n;
    t->m = n / 2;
    t->kern = kern;
    fill_roots(t->w, t->m);
    *out = t;
    return 0;
}

int embed_create(embed_table **out, uint32_t n)
{
    return embed_create_with(out, n, embed_kern_best(n, cpu_features()));
}

const embed_kern *embed_kern_best(uint32_t n, unsigned features)
{
    const embed_kern *best = &embed_kern_portable;
    for (unsigned i = 1; i < EMBED_KERNS; i++) {
        const embed_kern *k = embed_kerns.of[i];
        if (kern_usable(&embed_kerns, i, features) && n >= k->least_n) best = k;
    }
    return best;
}

void embed_free(embed_table *t)
{
    if (t) mem_free(t->w);
    mem_free(t);
}

static int odd_log(uint32_t m) { return __builtin_ctz(m) & 1; }

/* The destinations alternate and the last one is c. */
void embed_to_coeffs(const embed_table *t, double *c, const double *re, const double *im, double *scratch)
{
    const size_t m = t->m, last = odd_log(t->m) ? 2 : 1; /* len of the last pass of four */
    double *to = (__builtin_ctz(t->m) + 1) / 2 % 2 ? c : scratch, *next = to == c ? scratch : c;
    for (size_t len = m / 4; len >= last; len /= 4) {
        t->kern->split4(to, to + m, re, im, t->w + 2 * len, len, m / (4 * len));
        re = to;
        im = to + m;
        to = next;
        next = to == c ? scratch : c;
    }
    if (last == 2) t->kern->split2(to, to + m, re, im, t->w, m / 2);
}

void embed_to_slots(const embed_table *t, double *re, double *im, const double *c, double *scratch)
{
    const size_t m = t->m;
    const double *xr = c, *xi = c + m;
    size_t len = 1;
    int in_scratch = (__builtin_ctz(t->m) + 1) / 2 % 2 == 0; /* the destinations alternate and the last one is (re, im) */
    double *yr = in_scratch ? scratch : re, *yi = in_scratch ? scratch + m : im;
    if (odd_log(t->m)) {
        t->kern->merge2(yr, yi, xr, xi, t->w, m / 2);
        len = 2;
    }
    for (; len < m; len *= 4) {
        if (len > 1) {
            xr = yr;
            xi = yi;
            in_scratch = !in_scratch;
            yr = in_scratch ? scratch : re;
            yi = in_scratch ? scratch + m : im;
        }
        t->kern->merge4(yr, yi, xr, xi, t->w + 2 * len, len, m / (4 * len));
    }
}

/* The specification of the passes, one number at a time. */
typedef struct {
    double r, i;
} cplx;

static inline cplx mul(cplx a, cplx b) { return (cplx){a.r * b.r - a.i * b.i, a.r * b.i + a.i * b.r}; }
static inline cplx mul_conj(cplx a, cplx b) { return (cplx){a.r * b.r + a.i * b.i, a.i * b.r - a.r * b.i}; }
static inline cplx add(cplx a, cplx b) { return (cplx){a.r + b.r, a.i + b.i}; }
static inline cplx sub(cplx a, cplx b) { return (cplx){a.r - b.r, a.i - b.i}; }
static inline cplx add_i(cplx a, cplx b) { return (cplx){a.r - b.i, a.i + b.r}; } /* a + i b */
static inline cplx sub_i(cplx a, cplx b) { return (cplx){a.r + b.i, a.i - b.r}; } /* a - i b */

static void merge4(double *restrict yr, double *restrict yi, const double *restrict xr, const double *restrict xi, const double *w,
                   size_t len, size_t s)
{
    const size_t row = len * s, b1 = len == 1 ? 3 * row : row, b3 = 4 * row - b1;
    for (size_t j = 0; j < len; j++) {
        const cplx w1 = {w[j], w[len + j]}, w2 = {w[2 * len + j], w[3 * len + j]}, w3 = {w[4 * len + j], w[5 * len + j]};
        for (size_t r = 0; r < s; r++) {
            const size_t a = 4 * j * s + r, b = j * s + r;
            const cplx t0 = {xr[a], xi[a]}, t1 = mul((cplx){xr[a + s], xi[a + s]}, w1);
            const cplx t2 = mul((cplx){xr[a + 2 * s], xi[a + 2 * s]}, w2), t3 = mul((cplx){xr[a + 3 * s], xi[a + 3 * s]}, w3);
            const cplx e = add(t0, t2), f = sub(t0, t2), g = add(t1, t3), h = sub(t1, t3);
            const cplx y0 = add(e, g), y1 = sub_i(f, h), y2 = sub(e, g), y3 = add_i(f, h);
            yr[b] = y0.r, yi[b] = y0.i;
            yr[b + b1] = y1.r, yi[b + b1] = y1.i;
            yr[b + 2 * row] = y2.r, yi[b + 2 * row] = y2.i;
            yr[b + b3] = y3.r, yi[b + b3] = y3.i;
        }
    }
}

static void split4(double *restrict xr, double *restrict xi, const double *restrict yr, const double *restrict yi, const double *w,
                   size_t len, size_t s)
{
    const size_t row = len * s, b1 = len == 1 ? 3 * row : row, b3 = 4 * row - b1;
    for (size_t j = 0; j < len; j++) {
        const cplx w1 = {w[j], w[len + j]}, w2 = {w[2 * len + j], w[3 * len + j]}, w3 = {w[4 * len + j], w[5 * len + j]};
        for (size_t r = 0; r < s; r++) {
            const size_t a = 4 * j * s + r, b = j * s + r;
            const cplx y0 = {yr[b], yi[b]}, y1 = {yr[b + b1], yi[b + b1]};
            const cplx y2 = {yr[b + 2 * row], yi[b + 2 * row]}, y3 = {yr[b + b3], yi[b + b3]};
            const cplx e = add(y0, y2), f = sub(y0, y2), g = add(y1, y3), h = sub(y1, y3);
            const cplx x0 = add(e, g), x1 = mul_conj(add_i(f, h), w1), x2 = mul_conj(sub(e, g), w2), x3 = mul_conj(sub_i(f, h), w3);
            xr[a] = x0.r, xi[a] = x0.i;
            xr[a + s] = x1.r, xi[a + s] = x1.i;
            xr[a + 2 * s] = x2.r, xi[a + 2 * s] = x2.i;
            xr[a + 3 * s] = x3.r, xi[a + 3 * s] = x3.i;
        }
    }
}

static void merge2(double *restrict yr, double *restrict yi, const double *restrict xr, const double *restrict xi, const double *w,
                   size_t s)
{
    for (size_t r = 0; r < s; r++) {
        const cplx t0 = {xr[r], xi[r]}, t1 = mul((cplx){xr[s + r], xi[s + r]}, (cplx){w[0], w[1]});
        const cplx y0 = add(t0, t1), y1 = sub(t0, t1);
        yr[r] = y0.r, yi[r] = y0.i;
        yr[s + r] = y1.r, yi[s + r] = y1.i;
    }
}

static void split2(double *restrict xr, double *restrict xi, const double *restrict yr, const double *restrict yi, const double *w,
                   size_t s)
{
    for (size_t r = 0; r < s; r++) {
        const cplx y0 = {yr[r], yi[r]}, y1 = {yr[s + r], yi[s + r]};
        const cplx x0 = add(y0, y1), x1 = mul_conj(sub(y0, y1), (cplx){w[0], w[1]});
        xr[r] = x0.r, xi[r] = x0.i;
        xr[s + r] = x1.r, xi[s + r] = x1.i;
    }
}

const embed_kern embed_kern_portable = {"portable", 0, EMBED_MIN_N, merge4, split4, merge2, split2};

static int answer(const void *kern, uint64_t *sum)
{
    enum { M = 512 };
    static const size_t shapes[][2] = {{128, 1}, {32, 4}, {8, 16}, {1, 64}}; /* len, s */
    const embed_kern *k = kern;
    double x[2][M], y[2][M], w[6 * M / 4];
    int64_t word[2 * M + 6 * M / 4];
    kern_fill(word, sizeof word, 17);
    for (size_t i = 0; i < 6 * M / 4; i++) w[i] = (double)word[2 * M + i] * 0x1p-63;
    for (size_t c = 0; c < 6; c++) {
        for (size_t i = 0; i < 2 * M; i++) x[i / M][i % M] = (double)word[i] * 0x1p-63;
        memset(y, 0, sizeof y);
        if (c < 4) {
            k->merge4(y[0], y[1], x[0], x[1], w, shapes[c][0], shapes[c][1]);
            k->split4(x[0], x[1], y[0], y[1], w, shapes[c][0], shapes[c][1]);
        } else {
            k->merge2(y[0], y[1], x[0], x[1], w, c == 4 ? M / 2 : 24);
            k->split2(x[0], x[1], y[0], y[1], w, c == 4 ? M / 2 : 24);
        }
        kern_mix(sum, x, sizeof x);
        kern_mix(sum, y, sizeof y);
    }
    return 0;
}

kern_set embed_kerns = {.what = "embed", .of = {&embed_kern_portable, &embed_kern_avx2, &embed_kern_avx512},
                        .answer = answer, .right = UINT64_C(0x1804ec3ab202cb31)};
