// SPDX-License-Identifier: ISC
/* The intervals that ckks/ntt_ifma.c speaks of, by machine: the kernel's own body runs on intervals of integers instead of words, so one run
 * covers every input of a table.  Each factor of a multiply-add must lie in [0, 2^52), each companion must be that of its constant, what is
 * compared as a word must have nothing above 52 bits, and every result must be in [0, q). */
#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "test/ckks_oracle.h"

typedef __int128 wide;

typedef struct {
    enum { NUMBER, PRODUCT, QUOTIENT, SUMS } what; /* SUMS: low halves of products, as they come */
    int clean;                                     /* a word below 2^52, not only modulo 2^52 */
    wide lo, hi;
    unsigned long id, of; /* of: the number that a product, quotient or difference is made from */
    int64_t w, less;      /* constant, companion or subtrahend; where the quotient began */
} lane;

typedef struct {
    lane x[8];
} lanes;

enum { WORDS = 32768, ARRAYS = 4 };
#define TOP (((wide)1 << 52) - 1)
#define EACH for (int i = 0; i < 8; i++)

static uint64_t *memory; /* ARRAYS of WORDS; what they hold is in shadow */
static lane *shadow;
static wide q_now;
static int wrong;

static void must(int holds) { wrong += !holds; }

static lane interval(wide lo, wide hi, int clean)
{
    static unsigned long id;
    return (lane){.what = NUMBER, .clean = clean, .lo = lo, .hi = hi, .id = ++id};
}

static lanes iv_same(long long x)
{
    lanes r;
    const lane l = interval(x, x, x >= 0);
    EACH r.x[i] = l;
    return r;
}

static lanes iv_from(const void *p)
{
    lanes r;
    const uint64_t *u = p;
    const int inside = u >= memory && u < memory + ARRAYS * WORDS;
    EACH r.x[i] = inside ? shadow[u + i - memory] : interval((wide)u[i], (wide)u[i], 1);
    return r;
}

static void iv_store(void *p, lanes a)
{
    EACH must(a.x[i].what == NUMBER);
    EACH shadow[(uint64_t *)p + i - memory] = a.x[i];
}

static lanes iv_repeat(const uint64_t *p, int count)
{
    lanes r;
    EACH r.x[i] = interval((wide)p[i % count], (wide)p[i % count], 1);
    return r;
}

static lanes iv_bytes(const void *p)
{
    lanes r;
    (void)p;
    EACH r.x[i] = interval(-100, 100, 0);
    return r;
}

static lane factor(lane a)
{
    if (a.what == SUMS) return interval(0, TOP, 0);
    must(a.what == NUMBER && a.lo >= 0 && a.hi <= TOP);
    return a;
}

static lanes iv_sum(lanes a, lanes b)
{
    EACH must(a.x[i].what == NUMBER && b.x[i].what == NUMBER);
    EACH a.x[i] = interval(a.x[i].lo + b.x[i].lo, a.x[i].hi + b.x[i].hi, a.x[i].clean && b.x[i].clean);
    return a;
}

static lanes iv_difference(lanes a, lanes b)
{
    EACH
    {
        const unsigned long of = a.x[i].id;
        must(a.x[i].what == NUMBER && b.x[i].what == NUMBER);
        a.x[i] = interval(a.x[i].lo - b.x[i].hi, a.x[i].hi - b.x[i].lo, 0);
        a.x[i].of = of;
        a.x[i].w = b.x[i].lo == b.x[i].hi ? (int64_t)b.x[i].lo : 0;
    }
    return a;
}

static lanes iv_both(lanes a, lanes b) /* the low 52 bits */
{
    EACH
    {
        const lane x = factor(a.x[i]);
        must(b.x[i].lo == TOP && b.x[i].hi == TOP);
        a.x[i] = interval(x.lo, x.hi, 1);
    }
    return a;
}

static lanes iv_lesser(lanes a, lanes b) /* x or, modulo 2^64, x - w */
{
    EACH
    {
        const lane x = a.x[i], y = b.x[i];
        const wide w = y.w, less = x.hi - w > w - 1 ? x.hi - w : w - 1;
        must(x.what == NUMBER && x.clean && x.lo >= 0 && y.of == x.id && w > 0);
        a.x[i] = interval(0, x.hi < w ? x.hi : less, 1);
    }
    return a;
}

static lanes iv_low(lanes c, lanes a, lanes b)
{
    EACH
    {
        const lane z = c.x[i], x = a.x[i], y = b.x[i];
        if (z.what == PRODUCT || x.what == QUOTIENT || y.what == QUOTIENT) { /* z - u q, z = x w or x itself */
            const lane u = x.what == QUOTIENT ? x : y;
            const wide w = z.what == PRODUCT ? z.w : 1, first = -(wide)u.less * q_now;
            must(u.what == QUOTIENT && (u.of == (z.what == PRODUCT ? z.of : z.id)) && (x.what == QUOTIENT ? y : x).lo == -q_now);
            must(u.w == (w << 52) / q_now);
            /* x w - floor(x w' / 2^52) q is below x (2^52 w - w' q) / 2^52 + q */
            c.x[i] = interval(first, first + ((u.hi * ((w << 52) - (wide)u.w * q_now)) >> 52) + q_now, 0);
        } else if (y.what == NUMBER && y.lo == y.hi && z.what == NUMBER && z.lo == 0 && z.hi == 0) {
            must(y.lo >= 0 && y.lo < q_now);
            const lane from = factor(x);
            c.x[i] = (lane){.what = PRODUCT, .lo = from.lo, .hi = from.hi, .of = x.id, .w = (int64_t)y.lo};
        } else {
            factor(x), factor(y);
            must(z.what == SUMS || (z.what == NUMBER && z.clean));
            c.x[i] = interval(z.lo, z.hi + TOP, 0);
            c.x[i].what = SUMS;
        }
    }
    return c;
}

static lanes iv_high(lanes c, lanes a, lanes b)
{
    EACH
    {
        const lane z = c.x[i], x = factor(a.x[i]), y = factor(b.x[i]);
        must(z.what == NUMBER);
        if (y.lo == y.hi) {
            must(z.lo == z.hi);
            c.x[i] = (lane){.what = QUOTIENT, .lo = x.lo, .hi = x.hi, .of = a.x[i].id, .w = (int64_t)y.lo, .less = (int64_t)z.lo};
        } else {
            c.x[i] = interval(z.lo, z.hi + ((x.hi * y.hi) >> 52), z.clean);
        }
    }
    return c;
}

static lanes iv_pick(lanes a, lanes from, lanes b)
{
    lanes r;
    EACH r.x[i] = from.x[i].lo & 8 ? b.x[from.x[i].lo & 7] : a.x[from.x[i].lo & 7];
    return r;
}

static lanes iv_unpack(lanes a, lanes b, int high)
{
    lanes r;
    EACH r.x[i] = (i % 2 ? b : a).x[(i & 6) + high];
    return r;
}

static lanes iv_in_pairs(lanes a, unsigned mask)
{
    lanes r;
    EACH r.x[i] = a.x[(i & 6) + (mask >> i & 1)];
    return r;
}

static lanes iv_list(const long long x[8])
{
    lanes r;
    EACH r.x[i] = interval(x[i], x[i], 1);
    return r;
}

static lanes iv_left(lanes a, int by)
{
    EACH a.x[i] = interval(a.x[i].lo << by, a.x[i].hi << by, 1);
    return a;
}

static lanes iv_right(lanes a, int by)
{
    EACH must(a.x[i].what == SUMS && a.x[i].lo >= 0 && a.x[i].hi >> 64 == 0);
    EACH a.x[i] = interval(a.x[i].lo >> by, a.x[i].hi >> by, 1);
    return a;
}

static lanes iv_set(lanes a, unsigned mask, long long x)
{
    EACH if (mask >> i & 1) a.x[i] = interval(x, x, x >= 0);
    return a;
}

static lanes iv_sum_if(lanes a, lanes b) /* or a itself: b >= 0 */
{
    EACH a.x[i] = interval(a.x[i].lo, a.x[i].hi + b.x[i].hi, 1);
    return a;
}

static unsigned iv_above(lanes a, lanes b)
{
    EACH must(a.x[i].clean && b.x[i].clean);
    return 0;
}

#undef _mm512_cmpgt_epu64_mask
#undef _mm512_permute_pd
#undef _mm512_setr_epi64
#define __m512i lanes
#define _mm_loadl_epi64(p) (p)
#define _mm_loadu_si128(p) ((const uint64_t *)(p))
#define _mm256_loadu_si256(p) ((const uint64_t *)(p))
#define _mm512_add_epi64 iv_sum
#define _mm512_and_si512 iv_both
#define _mm512_broadcast_i64x2(p) iv_repeat(p, 2)
#define _mm512_broadcast_i64x4(p) iv_repeat(p, 4)
#define _mm512_cmpgt_epu64_mask iv_above
#define _mm512_cvtepi8_epi64 iv_bytes
#define _mm512_loadu_si512 iv_from
#define _mm512_madd52hi_epu64 iv_high
#define _mm512_madd52lo_epu64 iv_low
#define _mm512_mask_add_epi64(s, mask, a, b) ((void)(mask), (void)(s), iv_sum_if(a, b))
#define _mm512_mask_set1_epi64 iv_set
#define _mm512_min_epu64 iv_lesser
#define _mm512_castpd_si512(x) (x)
#define _mm512_castsi512_pd(x) (x)
#define _mm512_permute_pd iv_in_pairs
#define _mm512_permutex2var_epi64 iv_pick
#define _mm512_set1_epi64 iv_same
#define _mm512_setr_epi64(...) iv_list((const long long[]){__VA_ARGS__})
#define _mm512_slli_epi64 iv_left
#define _mm512_srli_epi64 iv_right
#define _mm512_storeu_si512 iv_store
#define _mm512_sub_epi64 iv_difference
#define _mm512_unpackhi_epi64(a, b) iv_unpack(a, b, 1)
#define _mm512_unpacklo_epi64(a, b) iv_unpack(a, b, 0)
#define INLINE static inline
#define UNROLL
#define CPU_AVX512 0
#define CPU_IFMA 0
#define ntt_kern_ifma ntt_kern_intervals
extern const struct ntt_kern ntt_kern_intervals;

#include "ckks/ntt_ifma.c"

static uint64_t *array(int i) { return memory + (size_t)i * WORDS; }

static void residues(int i, uint32_t n, uint64_t below)
{
    for (uint32_t j = 0; j < n; j++) shadow[(size_t)i * WORDS + j] = interval(0, (wide)below - 1, 1);
}

static void canonical_now(const char *what, uint32_t n)
{
    for (uint32_t j = 0; j < n; j++) {
        const lane l = shadow[j];
        must(l.what == NUMBER && l.clean && l.lo >= 0 && l.hi < q_now);
    }
    ck_assert_msg(wrong == 0, "%s, n = %u, q = %llu: %d intervals are not as they should be", what, n, (unsigned long long)q_now, wrong);
}

static void check(uint32_t n, uint64_t q)
{
    const uint64_t *x[20], *y[20], w[] = {0, 1, q / 2, q / 2 + 1, q - 1}, from[] = {3, 7681, (UINT64_C(1) << 50) - 1};
    ntt_table *t;
    q_now = q;
    ck_assert_msg(ntt_create_with(&t, n, q, &ntt_kern_intervals) == 0, "%s", err_text());
    for (int i = 1; i < 4; i++) residues(i, n, q);
    for (int i = 0; i < 20; i++) x[i] = array(1), y[i] = array(2);
    ntt_forward(t, array(0), array(1)), canonical_now("forward", n);
    ntt_inverse(t, array(0), array(1)), canonical_now("inverse", n);
    ntt_multiply(t, array(0), array(1), array(2)), canonical_now("multiply", n);
    residues(0, n, q);
    ntt_multiply_sub(t, array(0), array(1), array(2)), canonical_now("multiply_sub", n);
    for (size_t count = 1; count <= 20; count += count == 1 ? 13 : 1) {
        ntt_inner(t, array(0), NULL, x, y, count), canonical_now("inner", n);
        ntt_inner(t, array(0), array(3), x, y, count), canonical_now("inner", n);
    }
    for (int i = 0; i < 5; i++) {
        ntt_scale_add(t, array(0), array(1), w[i], array(2)), canonical_now("scale_add", n);
        ntt_sub_scale(t, array(0), array(1), array(2), w[i]), canonical_now("sub_scale", n);
    }
    static const int8_t e[WORDS];
    ntt_forward_small(t, array(0), e, w[4], NULL, NULL, NULL), canonical_now("forward_small", n);
    ntt_forward_small(t, array(0), e, w[4], array(1), array(2), array(3)), canonical_now("forward_small", n);
    for (int i = 0; i < 3; i++) {
        modulus m;
        ck_assert_int_eq(modulus_init(&m, from[i]), 0);
        residues(1, n, from[i]);
        ntt_lift(t, array(0), array(1), &m), canonical_now("lift", n);
        ntt_forward_lifted(t, array(0), array(1), &m), canonical_now("forward_lifted", n);
    }
    ntt_free(t);
}

START_TEST(intervals)
{
    static const unsigned bits[] = {17, 20, 30, 40, 46, 47, 48, 49, 50};
    memory = mem_alloc(ARRAYS * WORDS, sizeof *memory);
    shadow = mem_alloc(ARRAYS * WORDS, sizeof *shadow);
    ck_assert(memory && shadow);
    for (uint32_t n = 256; n <= 32768; n *= 2)
        for (size_t i = n > 4096 ? 5 : 0; i < sizeof bits / sizeof *bits; i++) {
            uint64_t above = (UINT64_C(1) << 47) + 1;
            check(n, mod_prime_below_var(UINT64_C(1) << bits[i], 0, 2 * (uint64_t)n));
            while (!mod_is_prime_var(above)) above += 2 * (uint64_t)n;
            if (bits[i] == 47) check(n, above); /* the least that is not light */
        }
    mem_free(memory), mem_free(shadow);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ntt_intervals");
    TCase *t = tcase_create("ntt_intervals");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, intervals);
    suite_add_tcase(s, t);
    return oracle_run(s);
}
