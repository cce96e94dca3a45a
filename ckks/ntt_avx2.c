// SPDX-License-Identifier: ISC
/* The transform for q < 2^50 in double precision, exactly.
 *
 *  A residue is a double with an integer value, centred somehow.  For a constant W, |W| <= q/2, with companion w' = fl(W / q), off by at
 *  most 2^-55, and |x| <= X q,
 *      h = fl(x W),   l = x W - h (exact: a fused multiply),   c = nearest integer to fl(x w'),   r = (h - c q) + l = x W - c q:
 *  fl adds at most X q 2^-54, so |c - x W / q| <= 1/2 + 3 X q 2^-55 and |r| <= M(X) q, M(X) = 1/2 + 3 X / 32 for q < 2^50 and 1/2 + X / 85
 *  for a light q, below 2^47.
 *  h - c q is an integer below |r| + |l| < 2^52, so exact, like the sum.  REDUCE gives |r| <= q/2 + 1/2: half an ulp and
 *  X 2^-53 of the quotient are less than 3/2 in r, an integer, and q is odd.
 *  No number leaves (-6.5 q, 6.5 q), or (-51 q, 51 q) for a light q, inside 2^53.
 *
 *  Forward, passes of two levels, B on entry (in the first pass 1.6, and x0 is not reduced).  For a light q, forward_small begins with e w + b as
 *  they are, below 51 q: x0 is reduced, and 0.5 + M(51) = 1.6 after one level.
 *      first:    1.6 + M(1.6) = 2.25 after one level, 2.25 + M(2.25) = 2.97 after two
 *      B = 3.0:  u = x0 +- r(x2): 0.5 + M(3.0) = 1.29;   u1 = x1 +- r(x3): 3.0 + M(3.0) = 3.79;   y = u +- r(u1): 1.29 + M(3.79) = 2.14
 *      B = 2.2:  y = 0.5 + M(2.2) + M(2.2 + M(2.2)) = 1.99, the last pass.
 *  A light q needs no reduction: a level adds M of what it begins with, and 15 levels from 1.6 end below 10.1.
 *  CANONICAL_WIDE: (x + 1/2) / q is at least 1 / 2q from any integer, and its computed value is off by less: by (2 + 2) 2^-53 for
 *  |x| < 2 q, by (11 + 8) 2^-53 for |x| < 11 q and a light q (10.1, and 7/8 of a product).  So its floor is right and x - floor q in [0, q).
 *
 *  Inverse, B = 1.6 on entry (residues in [0, q) first):
 *      s = x0 + x1: 3.2;   d = r(x0 - x1): M(3.2) = 0.8;   y0 = reduce(s + s'): 0.5;   y1 = d + d': 1.6;   y2 = r(s - s'): M(6.4) = 1.1;
 *      y3 = r(d - d'): 0.65.  The last pass multiplies y0 and y1 by 1/n: all below 1.1.
 *
 *  No sum here is -0 (x - x is +0 in this rounding, l of a zero product is +0), so the sign bit says negative.  No branch depends on a number, and
 *  sums, products and fused products of integers in this range take one time on the CPUs that have them (no subnormal can arise).
 *
 *  A pass is two half passes; the loops run the second half of one step beside the first half of the next, whose operations do not wait
 *  for it. */
#include <immintrin.h>
#include <string.h>

#include "base/cpu.h"
#include "ckks/ntt_kern.h"

#define LANES 4
#define INLINE static inline __attribute__((always_inline))

typedef __m256d v;
typedef __m256i vi;

INLINE v v_set(double x) { return _mm256_set1_pd(x); }
INLINE v v_load(const double *x) { return _mm256_loadu_pd(x); }
INLINE void v_store(double *r, v x) { _mm256_storeu_pd(r, x); }
INLINE v v_add(v a, v b) { return _mm256_add_pd(a, b); }
INLINE v v_sub(v a, v b) { return _mm256_sub_pd(a, b); }
INLINE v v_mul(v a, v b) { return _mm256_mul_pd(a, b); }
INLINE v v_fma(v a, v b, v c) { return _mm256_fmadd_pd(a, b, c); }  /* a b + c */
INLINE v v_fms(v a, v b, v c) { return _mm256_fmsub_pd(a, b, c); }  /* a b - c */
INLINE v v_fnma(v a, v b, v c) { return _mm256_fnmadd_pd(a, b, c); } /* c - a b */
INLINE vi v_bits(v x) { return _mm256_castpd_si256(x); }
INLINE v v_cast(vi x) { return _mm256_castsi256_pd(x); }
INLINE vi vi_load(const uint64_t *x) { return _mm256_loadu_si256((const __m256i *)x); }
INLINE void vi_store(uint64_t *r, vi x) { _mm256_storeu_si256((__m256i *)r, x); }
INLINE v v_from_bytes(const int8_t *x)
{
    int32_t w;
    memcpy(&w, x, sizeof w);
    return _mm256_cvtepi32_pd(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(w)));
}
INLINE vi vi_or(vi a, vi b) { return _mm256_or_si256(a, b); }
INLINE vi vi_xor(vi a, vi b) { return _mm256_xor_si256(a, b); }
INLINE v v_round(v x) { return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
INLINE v v_floor(v x) { return _mm256_floor_pd(x); }
/* a where x has the sign bit, else b */
INLINE v v_if_negative(v x, v a, v b) { return _mm256_blendv_pd(b, a, x); }

/* 4 x 4 doubles, rows to columns */
INLINE void v_transpose(v x[4])
{
    const v a = _mm256_unpacklo_pd(x[0], x[1]), b = _mm256_unpackhi_pd(x[0], x[1]);
    const v c = _mm256_unpacklo_pd(x[2], x[3]), d = _mm256_unpackhi_pd(x[2], x[3]);
    x[0] = _mm256_permute2f128_pd(a, c, 0x20);
    x[1] = _mm256_permute2f128_pd(b, d, 0x20);
    x[2] = _mm256_permute2f128_pd(a, c, 0x31);
    x[3] = _mm256_permute2f128_pd(b, d, 0x31);
}

#define UNIT 0x1p52       /* from here on, the low bits of a double's word are the integer */
#define BLOCK 2048        /* words that stay in L1 */
#define LIGHT (UINT64_C(1) << 47)
#define FINAL (4 * LANES) /* words of one step of the last four levels */

typedef struct {
    v q, inv, half_inv, unit;
    int light;
    const uint64_t *r, *x, *y; /* a transform to r adds x (.) y; x NULL for 0 */
} consts;

typedef struct {
    v w, ws;
} tw; /* a root and its companion */

typedef struct {
    v x[4];
} quad;

/* t->own: for each direction n/2 doubles of pairs (root, companion) of index < n/4, then for each FINAL words the vectors of the last two
 * levels: index n/4 + i, n/2 + 2i, n/2 + 2i + 1, each with its companion. */
typedef struct {
    const double *pair, *last;
} roots;

INLINE consts constants(const ntt_table *t)
{
    const double q = (double)t->q.q;
    return (consts){v_set(q), v_set(1 / q), v_set(0.5 / q), v_set(UNIT), t->q.q < LIGHT, NULL, NULL, NULL};
}

INLINE roots roots_of(const ntt_table *t, int inverse)
{
    const double *own = (const double *)t->own + (inverse ? 2 * (size_t)t->n : 0);
    return (roots){own, own + t->n / 2};
}

static void put_root(double *at, size_t stride, uint64_t w, uint64_t q)
{
    const double x = w > q / 2 ? (double)w - (double)q : (double)w;
    at[0] = x;
    at[stride] = x / (double)q;
}
INLINE tw root_at(const double *pair, size_t i) { return (tw){v_set(pair[2 * i]), v_set(pair[2 * i + 1])}; }
INLINE tw last_at(const double *at, size_t k) { return (tw){v_load(at + 2 * k * LANES), v_load(at + (2 * k + 1) * LANES)}; }

INLINE v product(consts k, v x, v w, v c)
{
    const v h = v_mul(x, w);
    return v_add(v_fnma(c, k.q, h), v_fms(x, w, h));
}
INLINE v nearest(v x, v w) { return v_round(v_mul(x, w)); }
INLINE v mulmod(consts k, v x, tw t) { return product(k, x, t.w, nearest(x, t.ws)); }
/* |x y - c q| <= (1/2 + 1/8 + 1/4) q: h / q is off by |l| / q <= 2^-53 q, 1/q by a relative 2^-53, and the product is rounded. */
INLINE v mulmod2(consts k, v x, v y) { return product(k, x, y, nearest(v_mul(x, y), k.inv)); }
INLINE v reduce(consts k, v x) { return v_fnma(nearest(x, k.inv), k.q, x); }

INLINE v from_words(consts k, const uint64_t *p) { return v_sub(v_cast(vi_or(vi_load(p), v_bits(k.unit))), k.unit); }
INLINE void to_words(consts k, uint64_t *p, v x) { vi_store(p, vi_xor(v_bits(v_add(x, k.unit)), v_bits(k.unit))); }
/* canonical: (-q, q) -> [0, q);  canonical_wide: (-2q, 2q), or (-11q, 11q) for a light q */
INLINE v canonical(consts k, v x) { return v_if_negative(x, v_add(x, k.q), x); }
INLINE v canonical_wide(consts k, v x) { return v_fnma(v_floor(v_fma(x, k.inv, k.half_inv)), k.q, x); }

INLINE v number(consts k, const uint64_t *p, int words) { return words ? from_words(k, p) : v_load((const double *)p); }
INLINE quad load4(consts k, const uint64_t *a, size_t d, int words)
{
    return (quad){{number(k, a, words), number(k, a + d, words), number(k, a + 2 * d, words), number(k, a + 3 * d, words)}};
}
INLINE void store4(uint64_t *r, size_t d, quad y)
{
    v_store((double *)r, y.x[0]);
    v_store((double *)(r + d), y.x[1]);
    v_store((double *)(r + 2 * d), y.x[2]);
    v_store((double *)(r + 3 * d), y.x[3]);
}

/* ---- forward ---- */

INLINE quad fwd_upper(consts k, quad x, tw w)
{
    const v r2 = mulmod(k, x.x[2], w), r3 = mulmod(k, x.x[3], w);
    return (quad){{v_add(x.x[0], r2), v_add(x.x[1], r3), v_sub(x.x[0], r2), v_sub(x.x[1], r3)}};
}
INLINE quad fwd_upper_as(consts k, quad x, tw w, int reduced)
{
    if (reduced) x.x[0] = reduce(k, x.x[0]);
    return fwd_upper(k, x, w);
}
INLINE quad fwd_lower(consts k, quad u, tw w_low, tw w_high)
{
    const v r1 = mulmod(k, u.x[1], w_low), r3 = mulmod(k, u.x[3], w_high);
    return (quad){{v_add(u.x[0], r1), v_sub(u.x[0], r1), v_add(u.x[2], r3), v_sub(u.x[2], r3)}};
}

/* Two levels of the group `i` of `len` words. */
INLINE void fwd_pass_as(consts k, roots w, uint64_t *r, size_t len, size_t i, int reduced)
{
    const size_t d = len / 4;
    const tw w1 = root_at(w.pair, i), w2 = root_at(w.pair, 2 * i), w3 = root_at(w.pair, 2 * i + 1);
    quad u = fwd_upper_as(k, load4(k, r, d, 0), w1, reduced);
    for (size_t j = LANES; j < d; j += LANES) {
        const quad next = fwd_upper_as(k, load4(k, r + j, d, 0), w1, reduced);
        store4(r + j - LANES, d, fwd_lower(k, u, w2, w3));
        u = next;
    }
    store4(r + d - LANES, d, fwd_lower(k, u, w2, w3));
}
static void fwd_pass(consts k, roots w, uint64_t *r, size_t len, size_t i)
{
    if (k.light) fwd_pass_as(k, w, r, len, i, 0);
    else fwd_pass_as(k, w, r, len, i, 1);
}

/* What is transformed: residues a, small numbers e times s, their sum, or residues modulo another prime p, read as centred.  For a light q,
 * e s + a is below 51 q, so exact. */
typedef enum { RESIDUES, SMALL, SUM, LIFTED } kind; /* whether q is light matters to the second and the third */
typedef struct {
    kind what;
    const uint64_t *a;
    const int8_t *e;
    tw s;
    v p, half;
} source;

/* |x| < p/2 < 2^49 is off by at most |x| 2^-52 <= 1/8 where the quotient is off by its relative error, so r is below q/2 + 1 in absolute value. */
INLINE v lifted(consts k, const uint64_t *a, v p, v half)
{
    const v x = from_words(k, a);
    return reduce(k, v_if_negative(v_sub(half, x), v_sub(x, p), x));
}

INLINE v input(consts k, source in, size_t j, kind what, int light)
{
    if (what == RESIDUES) return from_words(k, in.a + j);
    if (what == LIFTED) return lifted(k, in.a + j, in.p, in.half);
    const v e = v_from_bytes(in.e + j);
    if (light) return what == SUM ? v_fma(e, in.s.w, from_words(k, in.a + j)) : v_mul(e, in.s.w);
    return what == SUM ? v_add(mulmod(k, e, in.s), from_words(k, in.a + j)) : mulmod(k, e, in.s);
}
/* (x, y) -> (x + w y, x - w y) */
INLINE void fwd_input(consts k, v *x, v *y, source in, size_t i, size_t j, tw w, kind what, int light)
{
    const v b = mulmod(k, input(k, in, j, what, light), w);
    v a = input(k, in, i, what, light);
    if (light && (what == SMALL || what == SUM)) a = reduce(k, a);
    *x = v_add(a, b);
    *y = v_sub(a, b);
}
INLINE quad fwd_input_upper(consts k, source in, size_t d, size_t j, tw w, kind what, int light)
{
    quad u;
    fwd_input(k, u.x, u.x + 2, in, j, j + 2 * d, w, what, light);
    fwd_input(k, u.x + 1, u.x + 3, in, j + d, j + 3 * d, w, what, light);
    return u;
}

/* The first level, or two. */
INLINE void fwd_first_as(consts k, roots w, uint64_t *r, source in, size_t n, int levels, kind what, int light)
{
    const size_t d = n >> levels;
    const tw w1 = root_at(w.pair, 1), w2 = root_at(w.pair, 2), w3 = root_at(w.pair, 3);
    if (levels == 1) {
        for (size_t j = 0; j < d; j += LANES) {
            v x, y;
            fwd_input(k, &x, &y, in, j, d + j, w1, what, light);
            v_store((double *)(r + j), x);
            v_store((double *)(r + d + j), y);
        }
        return;
    }
    quad u = fwd_input_upper(k, in, d, 0, w1, what, light);
    for (size_t j = LANES; j < d; j += LANES) {
        const quad next = fwd_input_upper(k, in, d, j, w1, what, light);
        store4(r + j - LANES, d, fwd_lower(k, u, w2, w3));
        u = next;
    }
    store4(r + d - LANES, d, fwd_lower(k, u, w2, w3));
}
static void fwd_first(consts k, roots w, uint64_t *r, source in, size_t n, int levels)
{
#define FIRST(what, light) (levels == 1 ? fwd_first_as(k, w, r, in, n, 1, what, light) : fwd_first_as(k, w, r, in, n, 2, what, light))
    if (in.what == RESIDUES) FIRST(RESIDUES, 0);
    else if (in.what == LIFTED) FIRST(LIFTED, 0);
    else if (in.what == SUM && k.light) FIRST(SUM, 1);
    else if (in.what == SUM) FIRST(SUM, 0);
    else if (k.light) FIRST(SMALL, 1);
    else FIRST(SMALL, 0);
}

/* Two levels of groups of FINAL words, the first of them number i, left as vectors of columns for fwd_last. */
INLINE quad fwd_16_upper(consts k, roots w, const uint64_t *r, size_t i, int reduced)
{
    return fwd_upper_as(k, load4(k, r, LANES, 0), root_at(w.pair, i), reduced);
}
INLINE void fwd_16_lower(consts k, roots w, uint64_t *r, size_t i, quad u)
{
    u = fwd_lower(k, u, root_at(w.pair, 2 * i), root_at(w.pair, 2 * i + 1));
    v_transpose(u.x);
    store4(r, LANES, u);
}
INLINE void fwd_16_as(consts k, roots w, uint64_t *r, size_t len, size_t i, int reduced)
{
    quad u = fwd_16_upper(k, w, r, i, reduced);
    for (size_t j = FINAL; j < len; j += FINAL, i += LANES / 4) {
        const quad next = fwd_16_upper(k, w, r + j, i + LANES / 4, reduced);
        fwd_16_lower(k, w, r + j - FINAL, i, u);
        u = next;
    }
    fwd_16_lower(k, w, r + len - FINAL, i, u);
}

/* The last two levels, to words; step: FINAL words each, counted from the first of the polynomial. */
INLINE quad fwd_last_upper(consts k, roots w, const uint64_t *r, size_t step, int reduced)
{
    return fwd_upper_as(k, load4(k, r, LANES, 0), last_at(w.last + 6 * LANES * step, 0), reduced);
}
INLINE void fwd_last_lower(consts k, roots w, uint64_t *r, size_t step, quad u, int products)
{
    const double *at = w.last + 6 * LANES * step;
    u = fwd_lower(k, u, last_at(at, 1), last_at(at, 2));
    v_transpose(u.x);
    for (size_t c = 0; c < 4; c++, r += LANES) {
        if (products) {
            const size_t j = (size_t)(r - k.r);
            u.x[c] = v_add(u.x[c], mulmod2(k, from_words(k, k.x + j), from_words(k, k.y + j)));
        }
        to_words(k, r, canonical_wide(k, u.x[c]));
    }
}
INLINE void fwd_last_as(consts k, roots w, uint64_t *r, size_t len, size_t step, int reduced, int products)
{
    quad u = fwd_last_upper(k, w, r, step, reduced);
    for (size_t j = FINAL; j < len; j += FINAL, step++) {
        const quad next = fwd_last_upper(k, w, r + j, step + 1, reduced);
        fwd_last_lower(k, w, r + j - FINAL, step, u, products);
        u = next;
    }
    fwd_last_lower(k, w, r + len - FINAL, step, u, products);
}
static void fwd_last_four(consts k, roots w, uint64_t *r, size_t len, size_t i, size_t step)
{
    if (k.light) {
        fwd_16_as(k, w, r, len, i, 0);
        if (k.x) fwd_last_as(k, w, r, len, step, 0, 1);
        else fwd_last_as(k, w, r, len, step, 0, 0);
    } else {
        fwd_16_as(k, w, r, len, i, 1);
        fwd_last_as(k, w, r, len, step, 1, 0);
    }
}

/* All levels below `groups` groups of `len` words, the first of them number i. */
static void fwd_rest(consts k, roots w, uint64_t *r, size_t len, size_t groups, size_t i, size_t n)
{
    const size_t all = len * groups;
    if (len > BLOCK) {
        for (size_t g = 0; g < groups; g++) {
            fwd_pass(k, w, r + g * len, len, i + g);
            fwd_rest(k, w, r + g * len, len / 4, 4, 4 * (i + g), n);
        }
        return;
    }
    if (all > 4 * BLOCK) {
        for (size_t g = 0; g < groups; g++) fwd_rest(k, w, r + g * len, len, 1, i + g, n);
        return;
    }
    for (; len > 16; len /= 4, groups *= 4, i *= 4)
        for (size_t g = 0; g < groups; g++) fwd_pass(k, w, r + g * len, len, i + g);
    fwd_last_four(k, w, r, all, i, (16 * i - n) / FINAL);
}

static void forward_from(consts k, const ntt_table *t, uint64_t *r, source in)
{
    const roots w = roots_of(t, 0);
    const int levels = t->logn % 2 ? 1 : 2;
    fwd_first(k, w, r, in, t->n, levels);
    fwd_rest(k, w, r, t->n >> levels, (size_t)1 << levels, (size_t)1 << levels, t->n);
}
static void forward(const ntt_table *t, uint64_t *r, const uint64_t *a) { forward_from(constants(t), t, r, (source){.what = RESIDUES, .a = a}); }

static void forward_lifted(const ntt_table *t, uint64_t *r, const uint64_t *a, const modulus *from)
{
    if (from->q < UINT64_C(1) << 50) {
        const v p = v_set((double)from->q), half = v_set((double)(from->q / 2));
        forward_from(constants(t), t, r, (source){.what = LIFTED, .a = a, .p = p, .half = half});
        return;
    }
    ntt_kern_portable.lift(t, r, a, from);
    forward(t, r, r);
}

static void inner(const ntt_table *t, uint64_t *r, const uint64_t *c, const uint64_t *const *x, const uint64_t *const *y, size_t count);

static void forward_small(const ntt_table *t, uint64_t *r, const int8_t *e, uint64_t w, const uint64_t *b, const uint64_t *x, const uint64_t *y)
{
    consts k = constants(t);
    double pair[2];
    put_root(pair, 1, w, t->q.q);
    if (k.light) k.r = r, k.x = x, k.y = y;
    forward_from(k, t, r, (source){.what = b ? SUM : SMALL, .a = b, .e = e, .s = root_at(pair, 0)});
    if (x && !k.light) inner(t, r, r, &x, &y, 1);
}

/* ---- inverse ---- */

INLINE quad inv_lower(consts k, quad x, tw w_low, tw w_high)
{
    return (quad){{v_add(x.x[0], x.x[1]), mulmod(k, v_sub(x.x[0], x.x[1]), w_low), v_add(x.x[2], x.x[3]), mulmod(k, v_sub(x.x[2], x.x[3]), w_high)}};
}
INLINE quad inv_upper(consts k, quad u, tw w)
{
    return (quad){{reduce(k, v_add(u.x[0], u.x[2])), v_add(u.x[1], u.x[3]), mulmod(k, v_sub(u.x[0], u.x[2]), w),
                   mulmod(k, v_sub(u.x[1], u.x[3]), w)}};
}

static void inv_pass(consts k, roots w, uint64_t *r, size_t len, size_t i)
{
    const size_t d = len / 4;
    const tw w1 = root_at(w.pair, i), w2 = root_at(w.pair, 2 * i), w3 = root_at(w.pair, 2 * i + 1);
    quad u = inv_lower(k, load4(k, r, d, 0), w2, w3);
    for (size_t j = LANES; j < d; j += LANES) {
        const quad next = inv_lower(k, load4(k, r + j, d, 0), w2, w3);
        store4(r + j - LANES, d, inv_upper(k, u, w1));
        u = next;
    }
    store4(r + d - LANES, d, inv_upper(k, u, w1));
}

INLINE quad inv_first_lower(consts k, roots w, const uint64_t *a, size_t step)
{
    const double *at = w.last + 6 * LANES * step;
    quad x = load4(k, a, LANES, 1);
    v_transpose(x.x);
    return inv_lower(k, x, last_at(at, 1), last_at(at, 2));
}
INLINE void inv_first_upper(consts k, roots w, uint64_t *r, size_t step, quad u)
{
    u = inv_upper(k, u, last_at(w.last + 6 * LANES * step, 0));
    v_transpose(u.x);
    store4(r, LANES, u);
}
static void inv_first(consts k, roots w, uint64_t *r, const uint64_t *a, size_t len, size_t step)
{
    quad u = inv_first_lower(k, w, a, step);
    for (size_t j = FINAL; j < len; j += FINAL, step++) {
        const quad next = inv_first_lower(k, w, a + j, step + 1);
        inv_first_upper(k, w, r + j - FINAL, step, u);
        u = next;
    }
    inv_first_upper(k, w, r + len - FINAL, step, u);
}

INLINE quad inv_16_lower(consts k, roots w, const uint64_t *r, size_t i)
{
    return inv_lower(k, load4(k, r, LANES, 0), root_at(w.pair, 2 * i), root_at(w.pair, 2 * i + 1));
}
INLINE void inv_16_upper(consts k, roots w, uint64_t *r, size_t i, quad u)
{
    u = inv_upper(k, u, root_at(w.pair, i));
    store4(r, LANES, u);
}
static void inv_16(consts k, roots w, uint64_t *r, size_t len, size_t i)
{
    quad u = inv_16_lower(k, w, r, i);
    for (size_t j = FINAL; j < len; j += FINAL, i += LANES / 4) {
        const quad next = inv_16_lower(k, w, r + j, i + LANES / 4);
        inv_16_upper(k, w, r + j - FINAL, i, u);
        u = next;
    }
    inv_16_upper(k, w, r + len - FINAL, i, u);
}

static void inv_rest(consts k, roots w, uint64_t *r, const uint64_t *a, size_t len, size_t groups, size_t i, size_t n)
{
    const size_t all = len * groups;
    if (len > BLOCK) {
        for (size_t g = 0; g < groups; g++) {
            inv_rest(k, w, r + g * len, a + g * len, len / 4, 4, 4 * (i + g), n);
            inv_pass(k, w, r + g * len, len, i + g);
        }
        return;
    }
    if (all > 4 * BLOCK) {
        for (size_t g = 0; g < groups; g++) inv_rest(k, w, r + g * len, a + g * len, len, 1, i + g, n);
        return;
    }
    size_t l = 16, s = len / 16; /* groups of l in one of len */
    inv_first(k, w, r, a, all, (16 * i * s - n) / FINAL);
    inv_16(k, w, r, all, i * s);
    while (l < len) {
        l *= 4;
        s /= 4;
        for (size_t g = 0; g < groups * s; g++) inv_pass(k, w, r + g * l, l, i * s + g);
    }
}

/* The last two levels, or one, to words: 1/n goes with the roots. */
INLINE void inv_out(consts k, uint64_t *r, size_t d, quad u, tw scale, tw w)
{
    to_words(k, r, canonical_wide(k, mulmod(k, v_add(u.x[0], u.x[2]), scale)));
    to_words(k, r + d, canonical(k, mulmod(k, v_add(u.x[1], u.x[3]), scale)));
    to_words(k, r + 2 * d, canonical_wide(k, mulmod(k, v_sub(u.x[0], u.x[2]), w)));
    to_words(k, r + 3 * d, canonical(k, mulmod(k, v_sub(u.x[1], u.x[3]), w)));
}
static void inv_last(consts k, roots w, uint64_t *r, size_t n, int levels)
{
    const size_t d = n >> levels;
    const tw scale = root_at(w.pair, 0), w1 = root_at(w.pair, 1), w2 = root_at(w.pair, 2), w3 = root_at(w.pair, 3);
    if (levels == 1) {
        for (size_t j = 0; j < d; j += LANES) {
            const v x = v_load((const double *)(r + j)), y = v_load((const double *)(r + d + j));
            to_words(k, r + j, canonical(k, mulmod(k, v_add(x, y), scale)));
            to_words(k, r + d + j, canonical(k, mulmod(k, v_sub(x, y), w1)));
        }
        return;
    }
    quad u = inv_lower(k, load4(k, r, d, 0), w2, w3);
    for (size_t j = LANES; j < d; j += LANES) {
        const quad next = inv_lower(k, load4(k, r + j, d, 0), w2, w3);
        inv_out(k, r + j - LANES, d, u, scale, w1);
        u = next;
    }
    inv_out(k, r + d - LANES, d, u, scale, w1);
}

static void inverse(const ntt_table *t, uint64_t *r, const uint64_t *a)
{
    const consts k = constants(t);
    const roots w = roots_of(t, 1);
    const int levels = t->logn % 2 ? 1 : 2;
    inv_rest(k, w, r, a, t->n >> levels, (size_t)1 << levels, (size_t)1 << levels, t->n);
    inv_last(k, w, r, t->n, levels);
}

/* ---- products ---- */

static void multiply(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    const consts k = constants(t);
    for (size_t j = 0; j < t->n; j += LANES) to_words(k, r + j, canonical(k, mulmod2(k, from_words(k, a + j), from_words(k, b + j))));
}

/* A sum grows by 7/8 q a term and may reach 2 q, or 11 q for a light q. */
INLINE void inner_as(consts k, size_t n, uint64_t *r, const uint64_t *c, const uint64_t *const *x, const uint64_t *const *y, size_t count,
                     size_t terms)
{
    for (size_t j = 0; j < n; j += LANES) {
        v sum = c ? from_words(k, c + j) : v_set(0);
        for (size_t i = 0; i < count; i++) {
            if (i && i % terms == 0) sum = reduce(k, sum);
            sum = v_add(sum, mulmod2(k, from_words(k, x[i] + j), from_words(k, y[i] + j)));
        }
        to_words(k, r + j, canonical_wide(k, sum));
    }
}
static void inner(const ntt_table *t, uint64_t *r, const uint64_t *c, const uint64_t *const *x, const uint64_t *const *y, size_t count)
{
    const consts k = constants(t);
    if (count == 1) inner_as(k, t->n, r, c, x, y, 1, 1);
    else if (k.light) inner_as(k, t->n, r, c, x, y, count, 8);
    else inner_as(k, t->n, r, c, x, y, count, 1);
}

static void multiply_sub(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    const consts k = constants(t);
    for (size_t j = 0; j < t->n; j += LANES) {
        const v x = mulmod2(k, from_words(k, a + j), from_words(k, b + j));
        to_words(k, r + j, canonical_wide(k, v_sub(from_words(k, r + j), x)));
    }
}

static void lift(const ntt_table *t, uint64_t *r, const uint64_t *a, const modulus *from)
{
    if (from->q >= UINT64_C(1) << 50) {
        ntt_kern_portable.lift(t, r, a, from);
        return;
    }
    const consts k = constants(t);
    const v p = v_set((double)from->q), half = v_set((double)(from->q / 2));
    for (size_t j = 0; j < t->n; j += LANES) to_words(k, r + j, canonical(k, lifted(k, a + j, p, half)));
}

static void scale_add(const ntt_table *t, uint64_t *r, const uint64_t *a, uint64_t w, const uint64_t *b)
{
    double pair[2];
    put_root(pair, 1, w, t->q.q);
    const consts k = constants(t);
    const tw s = root_at(pair, 0);
    for (size_t j = 0; j < t->n; j += LANES) {
        const v x = v_add(canonical(k, mulmod(k, from_words(k, a + j), s)), from_words(k, b + j)), y = v_sub(x, k.q);
        to_words(k, r + j, v_if_negative(y, x, y));
    }
}

static void sub_scale(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b, uint64_t w)
{
    double pair[2];
    put_root(pair, 1, w, t->q.q);
    const consts k = constants(t);
    const tw s = root_at(pair, 0);
    for (size_t j = 0; j < t->n; j += LANES)
        to_words(k, r + j, canonical(k, mulmod(k, v_sub(from_words(k, a + j), from_words(k, b + j)), s)));
}

/* ---- tables ---- */

static void fill_direction(const ntt_table *t, double *own, const uint64_t *root, uint64_t first, uint64_t second)
{
    const size_t n = t->n;
    const uint64_t q = t->q.q;
    double *last = own + n / 2;
    for (size_t i = 0; i < n / 4; i++) put_root(own + 2 * i, 1, i == 0 ? first : i == 1 ? second : root[i], q);
    for (size_t i = 0; i < n / 4; i++) {
        double *at = last + 6 * LANES * (i / LANES) + i % LANES;
        put_root(at, LANES, root[n / 4 + i], q);
        put_root(at + 2 * LANES, LANES, root[n / 2 + 2 * i], q);
        put_root(at + 4 * LANES, LANES, root[n / 2 + 2 * i + 1], q);
    }
}

static void fill_var(ntt_table *t)
{
    double *own = (double *)t->own;
    fill_direction(t, own, t->root, t->root[0], t->root[1]);
    fill_direction(t, own + 2 * (size_t)t->n, t->inv_root, t->n_inv, t->last);
}

const ntt_kern ntt_kern_avx2 = {"avx2", CPU_AVX2, 32, UINT64_C(1) << 50, 4, fill_var, forward, forward_small, forward_lifted, inverse,
                                  multiply, inner, multiply_sub, lift, scale_add, sub_scale};
