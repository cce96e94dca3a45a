// SPDX-License-Identifier: ISC
/* The transform for q < 2^50 by multiply-adds of 52 bits.
 *
 *  Numbers are words modulo 2^52 that stand for an integer in a known interval of at most 2^52: the instructions read 52 bits of a factor,
 *  so what sums leave above them is cleared once, at the end.  Intervals below are in units of q; test/test_ntt_intervals.c derives them again.
 *  For a constant w with companion w' = floor(w 2^52 / q), x in [0, 2^52) and any integer k (MULMOD, `less` = -k):
 *      u = -k + floor(x w' / 2^52),   r = x w - u q in [k, k + 2),
 *  since 0 <= x w / q - x w' / 2^52 < 1: shifting r by multiples of q costs nothing.  REDUCE is the same for w = 1.  2^52 is at least 4 q, and at
 *  least 32 q for a light q, below 2^47.
 *
 *  Forward, y = x +- r with r in [-1, 1): a level widens both ends by 1.  Light: from [15, 17) in [0, 32) over 15 levels.  Else a level begins
 *  with x in [1, 3), after the first one reduced to it, and ends in [0, 4).
 *
 *  Inverse, (x + y, w (x - y)): x - y must not be negative, and no sum leaves the 2^52.  In the levels of distance 1, 2, 4 a multiple of
 *  q is added to the difference: sums are below 2, 4, then 8 (light), or below 2, 4 and reduced, 4 (else).  Then sums are reduced to an
 *  interval that depends on the number of their group: what a pass of two levels, x0 .. x3, begins with and leaves for the next.
 *      light: from 12, 0, 4, 0, four wide:  x0 + x1 in [12, 20), x2 + x3 in [4, 12);  d = w (x0 - x1) and d' = w' (x2 - x3), each two wide,
 *             begin where d - d' > 0 and d + d' begins at what the group shall have;  (x0 + x1) + (x2 + x3) in [16, 32) is reduced to it.
 *      else:  from 1, -1, 1, -1, two wide:  x0 + x1 and x2 + x3 in [0, 4) are reduced to [1, 3) and [-1, 1), d and d' begin there: both sums
 *             in [0, 4) are reduced, both differences in (0, 4). */
#include <immintrin.h>

#include "base/cpu.h"
#include "ckks/ntt_kern.h"

#ifndef INLINE /* else a test that emulates the instructions: nothing need be fast */
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8") /* at -O2, too, else vectors go to memory */
#endif
#define LANES 8
#define STEP (8 * LANES) /* words of eight vectors: four butterflies side by side */
#define NEAR 32          /* the last five levels are inside groups of so many words */
#define SIDES 2          /* STEPs side by side there: one alone is as long as its chain of multiply-adds */
#define BLOCK 2048       /* words that stay in L1 */
#define LIGHT (UINT64_C(1) << 47)

typedef __m512i v;

typedef struct {
    v w, companion;
} root;

typedef struct {
    v q, minus_q, least, low;  /* least: companion of 1; low: 52 ones */
    root power;                /* 2^52 mod q, where products are added or folded */
    const uint64_t *r, *x, *y; /* forward, unless NULL: x (.) y is added to what goes to r */
} consts;

typedef struct {
    const uint64_t *w, *companion; /* of index 1 .. n-1, see fill_var */
} roots;

INLINE v set(int64_t x) { return _mm512_set1_epi64((long long)x); }
INLINE v load(const uint64_t *x) { return _mm512_loadu_si512(x); }
INLINE void store(uint64_t *r, v x) { _mm512_storeu_si512(r, x); }
INLINE v add(v a, v b) { return _mm512_add_epi64(a, b); }
INLINE v sub(v a, v b) { return _mm512_sub_epi64(a, b); }
INLINE v low_add(v c, v a, v b) { return _mm512_madd52lo_epu64(c, a, b); }  /* c + a b mod 2^52 */
INLINE v high_add(v c, v a, v b) { return _mm512_madd52hi_epu64(c, a, b); } /* c + floor(a b / 2^52) */

/* t->own: roots, companions, those of the inverse.  As in ntt_table, but eights of the level of distance 1 are in the order 0 4 1 5 2 6 3 7. */
static void fill_var(ntt_table *t)
{
    const size_t n = t->n;
    const uint64_t *from[4] = {t->root, t->root_shoup, t->inv_root, t->inv_root_shoup};
    for (size_t p = 0; p < 4; p++)
        for (size_t i = 0; i < n; i++) {
            const size_t inside = (i >> 1 & 3) | (i & 1) << 2, j = i < n / 2 ? i : (i - i % LANES) | inside;
            t->own[p * n + i] = from[p][j] >> (p % 2 ? 12 : 0);
        }
}
INLINE roots roots_of(const ntt_table *t, int inverse)
{
    const uint64_t *w = t->own + (inverse ? 2 * (size_t)t->n : 0);
    return (roots){w, w + t->n};
}
/* floor(2^52 / q), the companion of 1 */
INLINE uint64_t least_of(const ntt_table *t) { return t->root_shoup[0] >> 12; }

INLINE root root_of(uint64_t w, uint64_t shoup) { return (root){set((int64_t)w), set((int64_t)(shoup >> 12))}; }
INLINE consts constants(const ntt_table *t)
{
    const int64_t q = (int64_t)t->q.q;
    return (consts){.q = set(q), .minus_q = set(-q), .least = set((int64_t)least_of(t)), .low = set((INT64_C(1) << 52) - 1)};
}
INLINE consts constants_of_products(const ntt_table *t)
{
    const uint64_t w = (UINT64_C(1) << 52) - least_of(t) * t->q.q;
    consts k = constants(t);
    k.power = root_of(w, mod_shoup_var(t->q.q, w));
    return k;
}
INLINE root root_at(roots t, size_t i) { return (root){set((int64_t)t.w[i]), set((int64_t)t.companion[i])}; }

INLINE v mulmod(consts k, v x, root w, v less) { return low_add(low_add(set(0), x, w.w), high_add(less, x, w.companion), k.minus_q); }
INLINE v reduce(consts k, v x, v less) { return low_add(x, high_add(less, x, k.least), k.minus_q); }
/* [0, 2) -> [0, 1);  [0, 4) -> [0, 1);  [0, 2^52) -> [0, 1) */
INLINE v once(v q, v x) { return _mm512_min_epu64(x, sub(x, q)); }
INLINE v canonical2(consts k, v x) { return once(k.q, _mm512_and_si512(x, k.low)); }
INLINE v canonical4(consts k, v x) { return once(k.q, once(add(k.q, k.q), _mm512_and_si512(x, k.low))); }
INLINE v canonical(consts k, v x) { return canonical2(k, reduce(k, x, set(0))); }
/* h 2^52 + l, canonical: [0, 2) each.   In: h, l < 2^52; what stands above in l is ignored. */
INLINE v folded(consts k, v h, v l) { return canonical4(k, add(mulmod(k, h, k.power, set(0)), reduce(k, l, set(0)))); }
/* x y + c, canonical.   In: x, y < 2^50, c < 2^52. */
INLINE v product(consts k, v x, v y, v c)
{
    const v l = low_add(c, x, y);
    return folded(k, add(high_add(set(0), x, y), _mm512_srli_epi64(l, 52)), l);
}

/* Eight vectors: `columns` of each part, parts d words apart. */
INLINE void load8(v a[8], const uint64_t *r, size_t d, size_t columns)
{
    UNROLL
    for (size_t i = 0; i < 8; i++) a[i] = load(r + i / columns * d + i % columns * LANES);
}
INLINE void store8(uint64_t *r, size_t d, size_t columns, const v a[8])
{
    UNROLL
    for (size_t i = 0; i < 8; i++) store(r + i / columns * d + i % columns * LANES, a[i]);
}

/* The four pairs of vectors `s` apart. */
#define UPPER(i, s) ((i) / (s) * 2 * (s) + (i) % (s))

/* ---- forward ---- */

INLINE void fwd_level(consts k, v a[8], size_t s, const root w[4], int reduced)
{
    v u[4], r[4];
    UNROLL
    for (size_t i = 0; i < 4; i++) {
        const v y = a[UPPER(i, s) + s];
        u[i] = high_add(set(1), y, w[i].companion);
        r[i] = low_add(set(0), y, w[i].w);
        if (reduced) a[UPPER(i, s)] = reduce(k, a[UPPER(i, s)], set(-1));
    }
    UNROLL
    for (size_t i = 0; i < 4; i++) {
        v *x = a + UPPER(i, s);
        r[i] = low_add(r[i], u[i], k.minus_q);
        x[s] = sub(x[0], r[i]);
        x[0] = add(x[0], r[i]);
    }
}

/* Two levels of group i of len words. */
INLINE void fwd_pass_as(consts k, roots t, uint64_t *r, size_t len, size_t i, int reduced)
{
    const size_t d = len / 4;
    const root w = root_at(t, i), low = root_at(t, 2 * i), high = root_at(t, 2 * i + 1);
    v a[8];
    for (size_t j = 0; j < d; j += 2 * LANES) {
        load8(a, r + j, d, 2);
        fwd_level(k, a, 4, (root[4]){w, w, w, w}, reduced);
        fwd_level(k, a, 2, (root[4]){low, low, high, high}, reduced);
        store8(r + j, d, 2, a);
    }
}

/* What is transformed: residues a, small numbers e times s, their sum, or residues modulo another prime, read as centred.
 * lower: s times the first root, for small numbers that it is to multiply. */
typedef enum { RESIDUES, SMALL, SUM, LIFTED } kind;
typedef struct {
    kind what;
    const uint64_t *a;
    const int8_t *e;
    root s, lower;
    v half, less;
} source;

/* A number above p / 2 stands for one that is less by p < 2^50: with a multiple of q above that, all are below 2^52. */
INLINE source lifted_from(const ntt_table *t, const uint64_t *a, const modulus *p)
{
    const v half = set((int64_t)(p->q / 2)), less = set((int64_t)mod_from_signed(&t->q, -(int64_t)p->q));
    return (source){.what = LIFTED, .a = a, .half = half, .less = less};
}
INLINE v lifted(source in, size_t j)
{
    const v x = load(in.a + j);
    return _mm512_mask_add_epi64(x, _mm512_cmpgt_epu64_mask(x, in.half), x, in.less);
}

/* [0, 1), [0, 2), [0, 3), [0, 2^52) */
INLINE v input(consts k, source in, size_t j, kind what, int lower)
{
    if (what == RESIDUES) return load(in.a + j);
    if (what == LIFTED) return lifted(in, j);
    const v e = add(_mm512_cvtepi8_epi64(_mm_loadl_epi64((const __m128i *)(in.e + j))), k.q);
    if (what == SMALL && lower) return e;
    const v z = mulmod(k, e, in.s, set(0));
    return what == SUM ? add(z, load(in.a + j)) : z;
}

/* The first level, or two. */
INLINE void fwd_first_as(consts k, roots t, uint64_t *r, source in, size_t n, int levels, kind what, int reduced)
{
    const size_t d = n >> levels, columns = 8 >> levels;
    const root w = what == SMALL ? in.lower : root_at(t, 1), low = root_at(t, 2), high = root_at(t, 3);
    const int64_t begin = reduced ? 1 : 15;
    const v above = reduced ? k.q : sub(_mm512_slli_epi64(k.q, 4), k.q);
    v x[8];
    for (size_t j = 0; j < d; j += columns * LANES) {
        UNROLL
        for (size_t i = 0; i < 8; i++) {
            x[i] = input(k, in, j + i / columns * d + i % columns * LANES, what, i >= 4);
            if (i < 4) x[i] = what == RESIDUES || what == SMALL ? add(x[i], above) : reduce(k, x[i], set(-begin));
        }
        fwd_level(k, x, 4, (root[4]){w, w, w, w}, 0);
        if (levels == 2) fwd_level(k, x, 2, (root[4]){low, low, high, high}, reduced);
        store8(r + j, d, columns, x);
    }
}
INLINE void fwd_first(consts k, roots t, uint64_t *r, source in, size_t n, int levels, int reduced)
{
#define FIRST(what) (levels == 2 ? fwd_first_as(k, t, r, in, n, 2, what, reduced) : fwd_first_as(k, t, r, in, n, 1, what, reduced))
    if (in.what == RESIDUES) FIRST(RESIDUES);
    else if (in.what == SMALL) FIRST(SMALL);
    else if (in.what == SUM) FIRST(SUM);
    else FIRST(LIFTED);
}

/* Orders of the words of two vectors, a0 .. a7 and b0 .. b7, that bring the partners of the last levels face to face:
 *      spread     a0 a2 b0 b2 a1 a3 b1 b3   a4 a6 b4 b6 a5 a7 b5 b7   distance 4
 *      exchange   a0 a4 b0 b4 a1 a5 b1 b5   a2 a6 b2 b6 a3 a7 b3 b7   2
 *      spread     a0 b0 a2 b2 a4 b4 a6 b6   a1 b1 a3 b3 a5 b5 a7 b7   1
 *      exchange   as they were
 *  Exchange is its own inverse, gather that of spread.  (Where any port unpacks, permutations compete with the multiply-adds.) */
INLINE void exchange(v a[8])
{
    UNROLL
    for (size_t i = 0; i < 8; i += 2) {
        const v x = _mm512_unpacklo_epi64(a[i], a[i + 1]);
        a[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 1]);
        a[i] = x;
    }
}
INLINE void rearrange(v a[8], v first, v second)
{
    UNROLL
    for (size_t i = 0; i < 8; i += 2) {
        const v x = _mm512_permutex2var_epi64(a[i], first, a[i + 1]);
        a[i + 1] = _mm512_permutex2var_epi64(a[i], second, a[i + 1]);
        a[i] = x;
    }
}
INLINE void spread(v a[8]) { rearrange(a, _mm512_setr_epi64(0, 2, 8, 10, 1, 3, 9, 11), _mm512_setr_epi64(4, 6, 12, 14, 5, 7, 13, 15)); }
INLINE void gather(v a[8]) { rearrange(a, _mm512_setr_epi64(0, 4, 1, 5, 8, 12, 9, 13), _mm512_setr_epi64(2, 6, 3, 7, 10, 14, 11, 15)); }

/* Roots in those orders, `count` of them for two vectors: 0 0 1 1 twice, 0 1 2 3 twice, or as they are in the table. */
INLINE v inside(const uint64_t *x, size_t count)
{
    if (count == 8) return load(x);
    if (count == 4) return _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)x));
    return _mm512_castpd_si512(_mm512_permute_pd(_mm512_castsi512_pd(_mm512_broadcast_i64x2(_mm_loadu_si128((const __m128i *)x))), 0xcc));
}
INLINE void roots_inside(root w[4], roots t, size_t i, size_t count)
{
    UNROLL
    for (size_t p = 0; p < 4; p++, i += count) w[p] = (root){inside(t.w + i, count), inside(t.companion + i, count)};
}
INLINE void roots_each(root w[4], roots t, size_t i)
{
    UNROLL
    for (size_t p = 0; p < 4; p++) w[p] = root_at(t, i + p);
}

INLINE v result(consts k, v x, size_t j, int reduced, int products)
{
    if (products) return product(k, load(k.x + j), load(k.y + j), _mm512_and_si512(x, k.low));
    return reduced ? canonical4(k, x) : canonical(k, x);
}

/* The last five levels of SIDES STEPs, two groups each, the first of them number i. */
INLINE void fwd_near_as(consts k, roots t, uint64_t *r, size_t i, int reduced, int products)
{
    root w[4];
    v a[SIDES][8];
    UNROLL
    for (size_t h = 0; h < SIDES; h++) load8(a[h], r + h * STEP, 0, 8);
    UNROLL
    for (size_t h = 0; h < SIDES; h++) {
        const root w0 = root_at(t, i + 2 * h), w1 = root_at(t, i + 2 * h + 1);
        fwd_level(k, a[h], 2, (root[4]){w0, w0, w1, w1}, reduced);
    }
    UNROLL
    for (size_t h = 0; h < SIDES; h++) {
        roots_each(w, t, 2 * (i + 2 * h));
        fwd_level(k, a[h], 1, w, reduced);
    }
    UNROLL
    for (size_t count = 2; count <= 8; count *= 2)
        UNROLL
        for (size_t h = 0; h < SIDES; h++) {
            if (count == 4) exchange(a[h]);
            else spread(a[h]);
            roots_inside(w, t, 2 * count * (i + 2 * h), count);
            fwd_level(k, a[h], 1, w, reduced);
        }
    UNROLL
    for (size_t h = 0; h < SIDES; h++) {
        exchange(a[h]);
        UNROLL
        for (size_t j = 0; j < 8; j++) a[h][j] = result(k, a[h][j], (size_t)(r - k.r) + h * STEP + j * LANES, reduced, products);
        store8(r + h * STEP, 0, 8, a[h]);
    }
}

/* All levels of group i of len words. */
INLINE void fwd_block_as(consts k, roots t, uint64_t *r, size_t len, size_t i, int reduced, int products)
{
    size_t groups = 1;
    for (size_t l = len; l > NEAR; l /= 4, groups *= 4, i *= 4)
        for (size_t g = 0; g < groups; g++) fwd_pass_as(k, t, r + g * l, l, i + g, reduced);
    for (size_t j = 0; j < len; j += SIDES * STEP, i += 2 * SIDES) fwd_near_as(k, t, r + j, i, reduced, products);
}

INLINE void forward_as(consts k, roots t, uint64_t *r, source in, size_t n, int levels, int reduced)
{
    size_t groups = (size_t)1 << levels, len = n >> levels;
    fwd_first(k, t, r, in, n, levels, reduced);
    for (; len > BLOCK; len /= 4, groups *= 4)
        for (size_t g = 0; g < groups; g++) fwd_pass_as(k, t, r + g * len, len, groups + g, reduced);
    for (size_t g = 0; g < groups; g++)
        if (k.x) fwd_block_as(k, t, r + g * len, len, groups + g, reduced, 1);
        else fwd_block_as(k, t, r + g * len, len, groups + g, reduced, 0);
}
static void forward_from(consts k, const ntt_table *t, uint64_t *r, source in)
{
    const int levels = t->logn % 2 ? 2 : 1;
    if (t->q.q < LIGHT) forward_as(k, roots_of(t, 0), r, in, t->n, levels, 0);
    else forward_as(k, roots_of(t, 0), r, in, t->n, levels, 1);
}
static void forward(const ntt_table *t, uint64_t *r, const uint64_t *a) { forward_from(constants(t), t, r, (source){.what = RESIDUES, .a = a}); }

static void forward_lifted(const ntt_table *t, uint64_t *r, const uint64_t *a, const modulus *from)
{
    if (from->q < UINT64_C(1) << 50) {
        forward_from(constants(t), t, r, lifted_from(t, a, from));
        return;
    }
    ntt_kern_portable.lift(t, r, a, from);
    forward(t, r, r);
}

static void forward_small(const ntt_table *t, uint64_t *r, const int8_t *e, uint64_t w, const uint64_t *b, const uint64_t *x, const uint64_t *y)
{
    consts k = constants_of_products(t);
    k.r = r, k.x = x, k.y = y;
    const uint64_t lower = mod_mul(&t->q, w, t->root[1]);
    const root s = root_of(w, mod_shoup_var(t->q.q, w)), s_lower = root_of(lower, mod_shoup_var(t->q.q, lower));
    forward_from(k, t, r, (source){.what = b ? SUM : SMALL, .a = b, .e = e, .s = s, .lower = s_lower});
}

/* ---- inverse ---- */

/* Where intervals begin, as MULMOD's `less`: of a group's numbers, and of d and d' on the way to them. */
typedef struct {
    int64_t own, first, second;
} begin;
static const begin begins[2][4] = {{{-1, -1, 1}, {1, -1, 1}, {-1, -1, 1}, {1, -1, 1}}, {{-12, -7, -5}, {0, -1, 1}, {-4, -3, -1}, {0, -1, 1}}};

/* A difference may be below 0 by less than `plus`. */
INLINE void inv_level(consts k, v a[8], size_t s, const root w[4], const v less[4], v plus)
{
    v d[4], u[4];
    UNROLL
    for (size_t i = 0; i < 4; i++) {
        v *x = a + UPPER(i, s);
        d[i] = add(sub(x[0], x[s]), plus);
        x[0] = add(x[0], x[s]);
        u[i] = high_add(less[i], d[i], w[i].companion);
        d[i] = low_add(set(0), d[i], w[i].w);
    }
    UNROLL
    for (size_t i = 0; i < 4; i++) a[UPPER(i, s) + s] = low_add(d[i], u[i], k.minus_q);
}

/* Two levels, vectors s and then 2 s apart; b[i / 4] says where results of vector i shall begin. */
INLINE void inv_two(consts k, v a[8], size_t s, const root low[4], const root high[4], const begin *const b[2], int light)
{
    v own[4], half[4];
    UNROLL
    for (size_t i = 0; i < 4; i++) {
        const size_t at = UPPER(i, s);
        half[i] = set(at & 2 * s ? b[at / 4]->second : b[at / 4]->first);
        own[i] = set(b[UPPER(i, 2 * s) / 4]->own);
    }
    inv_level(k, a, s, low, half, set(0));
    UNROLL
    for (size_t i = 0; i < 4 && !light; i++) a[UPPER(i, s)] = reduce(k, a[UPPER(i, s)], half[i]);
    inv_level(k, a, 2 * s, high, own, set(0));
    UNROLL
    for (size_t i = 0; i < 4; i++)
        if (!light || !(UPPER(i, 2 * s) & s)) a[UPPER(i, 2 * s)] = reduce(k, a[UPPER(i, 2 * s)], own[i]);
}

INLINE void inv_pass_as(consts k, roots t, uint64_t *r, size_t len, size_t i, int light)
{
    const size_t d = len / 4;
    const root w = root_at(t, i), low = root_at(t, 2 * i), high = root_at(t, 2 * i + 1);
    const begin *b = &begins[light][i % 4];
    v a[8];
    for (size_t j = 0; j < d; j += 2 * LANES) {
        load8(a, r + j, d, 2);
        inv_two(k, a, 2, (root[4]){low, low, high, high}, (root[4]){w, w, w, w}, (const begin *[2]){b, b}, light);
        store8(r + j, d, 2, a);
    }
}

/* The last level, or two, to residues: 1/n goes with the roots. */
INLINE void inv_last_as(consts k, roots t, uint64_t *r, size_t n, root scale, root w, int levels, int light)
{
    const size_t d = n >> levels, columns = 8 >> levels;
    const root low = root_at(t, 2), high = root_at(t, 3);
    const v half[4] = {set(-1), set(-1), set(1), set(1)}, zero[4] = {set(0), set(0), set(0), set(0)};
    v a[8];
    for (size_t j = 0; j < d; j += columns * LANES) {
        load8(a, r + j, d, columns);
        if (levels == 2) {
            inv_level(k, a, 2, (root[4]){low, low, high, high}, half, set(0));
            UNROLL
            for (size_t i = 0; i < 4 && !light; i++) a[UPPER(i, 2)] = reduce(k, a[UPPER(i, 2)], half[i]);
        }
        inv_level(k, a, 4, (root[4]){w, w, w, w}, zero, set(0));
        UNROLL
        for (size_t i = 0; i < 8; i++) a[i] = canonical2(k, i < 4 ? mulmod(k, a[i], scale, set(0)) : a[i]);
        store8(r + j, d, columns, a);
    }
}

/* The five levels inside SIDES STEPs of residues: groups i, a multiple of 4, to i + 3. */
INLINE void inv_near_as(consts k, roots t, uint64_t *r, const uint64_t *from, size_t i, int light)
{
    const begin *b = begins[light];
    const v zero[4] = {set(0), set(0), set(0), set(0)}, q2 = add(k.q, k.q);
    const v b0 = _mm512_mask_set1_epi64(set(b[0].own), 0xcc, b[1].own), b1 = _mm512_mask_set1_epi64(set(b[2].own), 0xcc, b[3].own);
    const v pairs[4] = {b0, b1, b0, b1};
    root w[4];
    v a[SIDES][8];
    UNROLL
    for (size_t h = 0; h < SIDES; h++) {
        load8(a[h], from + h * STEP, 0, 8);
        exchange(a[h]);
        roots_inside(w, t, 16 * (i + 2 * h), 8);
        inv_level(k, a[h], 1, w, zero, k.q);
    }
    UNROLL
    for (size_t h = 0; h < SIDES; h++) {
        gather(a[h]);
        roots_inside(w, t, 8 * (i + 2 * h), 4);
        inv_level(k, a[h], 1, w, zero, q2);
        UNROLL
        for (size_t j = 0; j < 8 && !light; j += 2) a[h][j] = reduce(k, a[h][j], set(0));
    }
    UNROLL
    for (size_t h = 0; h < SIDES; h++) {
        exchange(a[h]);
        roots_inside(w, t, 4 * (i + 2 * h), 2);
        inv_level(k, a[h], 1, w, pairs, light ? add(q2, q2) : q2);
        UNROLL
        for (size_t j = 0; j < 8; j += 2) a[h][j] = reduce(k, a[h][j], pairs[j / 2]);
    }
    UNROLL
    for (size_t h = 0; h < SIDES; h++) {
        const root w0 = root_at(t, i + 2 * h), w1 = root_at(t, i + 2 * h + 1);
        gather(a[h]);
        roots_each(w, t, 2 * (i + 2 * h));
        inv_two(k, a[h], 1, w, (root[4]){w0, w0, w1, w1}, (const begin *[2]){b + 2 * h, b + 2 * h + 1}, light);
        store8(r + h * STEP, 0, 8, a[h]);
    }
}

INLINE void inv_block_as(consts k, roots t, uint64_t *r, const uint64_t *a, size_t len, size_t i, int light)
{
    size_t groups = len / NEAR;
    for (size_t j = 0; j < groups; j += 2 * SIDES) inv_near_as(k, t, r + NEAR * j, a + NEAR * j, groups * i + j, light);
    for (size_t l = 4 * NEAR; l <= len; l *= 4) {
        groups /= 4;
        for (size_t g = 0; g < groups; g++) inv_pass_as(k, t, r + g * l, l, groups * i + g, light);
    }
}

INLINE void inverse_as(const ntt_table *table, uint64_t *r, const uint64_t *a, int light)
{
    const consts k = constants(table);
    const roots t = roots_of(table, 1);
    const root scale = root_of(table->n_inv, table->n_inv_shoup), last = root_of(table->last, table->last_shoup);
    const size_t n = table->n;
    const int levels = table->logn % 2 ? 2 : 1;
    size_t groups = (size_t)1 << levels, len = n >> levels;
    for (; len > BLOCK; len /= 4) groups *= 4;
    for (size_t g = 0; g < groups; g++) inv_block_as(k, t, r + g * len, a + g * len, len, groups + g, light);
    while (len < n >> levels) {
        groups /= 4;
        len *= 4;
        for (size_t g = 0; g < groups; g++) inv_pass_as(k, t, r + g * len, len, groups + g, light);
    }
    if (levels == 2) inv_last_as(k, t, r, n, scale, last, 2, light);
    else inv_last_as(k, t, r, n, scale, last, 1, light);
}
static void inverse(const ntt_table *t, uint64_t *r, const uint64_t *a)
{
    if (t->q.q < LIGHT) inverse_as(t, r, a, 1);
    else inverse_as(t, r, a, 0);
}

/* ---- products ---- */

static void multiply(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    const consts k = constants_of_products(t);
    for (size_t j = 0; j < t->n; j += LANES) {
        const v x = load(a + j), y = load(b + j);
        store(r + j, folded(k, high_add(set(0), x, y), low_add(set(0), x, y)));
    }
}

#define TERMS 15 /* 15 * 2^48 + 15 < 2^52 */

static void inner(const ntt_table *t, uint64_t *r, const uint64_t *c, const uint64_t *const *x, const uint64_t *const *y, size_t count)
{
    const consts k = constants_of_products(t);
    for (size_t from = 0; from < count; from += TERMS, c = r) {
        const size_t to = count - from < TERMS ? count : from + TERMS;
        for (size_t j = 0; j < t->n; j += LANES) {
            v h = set(0), l = c ? load(c + j) : set(0);
            for (size_t i = from; i < to; i++) {
                const v a = load(x[i] + j), b = load(y[i] + j);
                h = high_add(h, a, b);
                l = low_add(l, a, b);
            }
            store(r + j, folded(k, add(h, _mm512_srli_epi64(l, 52)), l));
        }
    }
}

static void multiply_sub(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b)
{
    const consts k = constants_of_products(t);
    for (size_t j = 0; j < t->n; j += LANES) store(r + j, product(k, load(a + j), sub(k.q, load(b + j)), load(r + j)));
}

/* ---- small things ---- */

static void lift(const ntt_table *t, uint64_t *r, const uint64_t *a, const modulus *from)
{
    if (from->q >= UINT64_C(1) << 50) {
        ntt_kern_portable.lift(t, r, a, from);
        return;
    }
    const consts k = constants(t);
    const source in = lifted_from(t, a, from);
    for (size_t j = 0; j < t->n; j += LANES) store(r + j, canonical(k, lifted(in, j)));
}

static void scale_add(const ntt_table *t, uint64_t *r, const uint64_t *a, uint64_t w, const uint64_t *b)
{
    const consts k = constants(t);
    const root s = root_of(w, mod_shoup_var(t->q.q, w));
    for (size_t j = 0; j < t->n; j += LANES) store(r + j, canonical4(k, add(mulmod(k, load(a + j), s, set(0)), load(b + j))));
}

static void sub_scale(const ntt_table *t, uint64_t *r, const uint64_t *a, const uint64_t *b, uint64_t w)
{
    const consts k = constants(t);
    const root s = root_of(w, mod_shoup_var(t->q.q, w));
    for (size_t j = 0; j < t->n; j += LANES) store(r + j, canonical2(k, mulmod(k, add(sub(load(a + j), load(b + j)), k.q), s, set(0))));
}

const ntt_kern ntt_kern_ifma = {"avx512ifma", CPU_AVX512 | CPU_IFMA, 256, UINT64_C(1) << 50, 4, fill_var, forward, forward_small, forward_lifted,
                                inverse, multiply, inner, multiply_sub, lift, scale_add, sub_scale};
