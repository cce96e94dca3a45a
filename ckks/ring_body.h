// SPDX-License-Identifier: ISC
/** ring_body.h: what ring_avx2.c and ring_avx512.c share, LANES words at a time. */
#include <math.h>

#include "ckks/ring_kern.h"

static inline vi small(const int8_t *e, vi q) { return more(bytes(e), q); }

static inline vi nibbles(vi x) { return lookup(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4), x); }

static void cbd(int8_t out[RING_CBD_GROUP], const uint8_t in[RING_CBD_BYTES])
{
    const vi low = V(set1_epi8)(15);
    for (size_t j = 0; j < RING_CBD_PLANE; j += 8 * LANES) {
        vi rest = load(in + 20 * RING_CBD_PLANE + j);
        for (size_t c = 0; c < 4; c++, rest = V(srli_epi16)(rest, 2)) {
            vi sum = V(add_epi8)(V(set1_epi8)(-21), nibbles(and_(rest, V(set1_epi8)(3))));
            for (size_t k = 0; k < 5; k++) {
                const vi x = load(in + (5 * c + k) * RING_CBD_PLANE + j);
                sum = V(add_epi8)(sum, nibbles(and_(x, low)));
                sum = V(add_epi8)(sum, nibbles(and_(V(srli_epi16)(x, 4), low)));
            }
            store(out + c * RING_CBD_PLANE + j, sum);
        }
    }
}

static void round_pair(int8_t *lo, int8_t *hi, const uint64_t *x, size_t n, const modulus *q, unsigned shift)
{
    ring_round_pair(lo, hi, x, n, q, shift);
}

static void noisy_sub(uint64_t *r, const uint64_t *a, const uint64_t *b, const int8_t *e, size_t n, const modulus *m)
{
    const vi q = all(m->q);
    for (size_t i = 0; i < n; i += LANES) {
        const vi x = less(V(add_epi64)(load(a + i), small(e + i, q)), q);
        store(r + i, more(V(sub_epi64)(x, load(b + i)), q));
    }
}

static void noisy_add(uint64_t *r, const uint64_t *a, const uint64_t *b, const int8_t *e, size_t n, const modulus *m)
{
    const vi q = all(m->q);
    for (size_t i = 0; i < n; i += LANES) {
        const vi x = less(V(add_epi64)(load(a + i), small(e + i, q)), q);
        store(r + i, less(V(add_epi64)(x, load(b + i)), q));
    }
}

static void wide_add(uint64_t *r, const uint64_t *a, const uint64_t *b, const int32_t *e, size_t n, const modulus *m)
{
    const vi q = all(m->q);
    for (size_t i = 0; i < n; i += LANES) {
        const vi x = less(V(add_epi64)(load(a + i), more(quads(e + i), q)), q);
        store(r + i, less(V(add_epi64)(x, load(b + i)), q));
    }
}

/* q = q_1 2^l + q_0: v q_1 + floor((v q_0 + 2^(l-1)) / 2^l), all factors below 2^32. */
static void scale(uint64_t *r, const uint64_t *v, size_t n, const modulus *m, unsigned l)
{
    const vi q1 = all(m->q >> l), q0 = all(m->q & ((UINT64_C(1) << l) - 1)), half = all(UINT64_C(1) << (l - 1));
    const __m128i shift = _mm_cvtsi32_si128((int)l);
    for (size_t i = 0; i < n; i += LANES) {
        const vi x = load(v + i), low = V(srl_epi64)(V(add_epi64)(V(mul_epu32)(x, q0), half), shift);
        store(r + i, V(add_epi64)(V(mul_epu32)(x, q1), low));
    }
}

/* h = a (2^k / q) in doubles is off by less than 2^31 * 2^-51, so rounded it is the quotient or a neighbour, which a 2^k - h q tells:
 * below q in absolute value, computed modulo 2^64. */
static void to_pow2(uint64_t *r, const uint64_t *a, size_t n, const modulus *m, unsigned k)
{
    const vd magic = alld(0x1p52), factor = alld(ldexp((double)m->mu, (int)k - (int)m->bits - 63));
    const vi q = all(m->q), q_hi = all(m->q >> 32), half = all(m->q / 2), minus_half = all(0 - m->q / 2), mask = all((UINT64_C(1) << k) - 1);
    const __m128i shift = _mm_cvtsi32_si128((int)k);
    for (size_t i = 0; i < n; i += LANES) {
        const vi x = load(a + i);
        const vd d = V(sub_pd)(doubles(or_(x, bits(magic))), magic);
        vi h = bits(V(add_pd)(V(mul_pd)(d, factor), magic)); /* its low half */
        const vi product = V(add_epi64)(V(mul_epu32)(h, q), V(slli_epi64)(V(mul_epu32)(h, q_hi), 32));
        const vi rem = V(sub_epi64)(V(sll_epi64)(x, shift), product);
        h = plus_if(h, all(1), rem, half);
        h = plus_if(h, all(UINT64_MAX), minus_half, rem);
        store(r + i, and_(h, mask));
    }
}

static void from_pow2(uint64_t *r, const uint64_t *v, size_t n, const modulus *m, unsigned k)
{
    const vi mask = all((UINT64_C(1) << k) - 1), largest = all((UINT64_C(1) << (k - 1)) - 1), lower = all(m->q - (UINT64_C(1) << k));
    for (size_t i = 0; i < n; i += LANES) {
        const vi x = and_(load(v + i), mask);
        store(r + i, plus_if(x, lower, x, largest));
    }
}

static void add_centred(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n, const modulus *m, unsigned k)
{
    const vi mask = all((UINT64_C(1) << k) - 1), half = all(m->q / 2), minus_q = all(0 - m->q);
    for (size_t i = 0; i < n; i += LANES) {
        const vi x = load(b + i);
        store(r + i, and_(mask, V(add_epi64)(load(a + i), plus_if(x, minus_q, x, half))));
    }
}

static void add(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n, const modulus *m)
{
    for (size_t i = 0; i < n; i += LANES) store(r + i, less(V(add_epi64)(load(a + i), load(b + i)), all(m->q)));
}

static int outside(const uint64_t *a, size_t n, const modulus *m)
{
    const vi last = all(m->q - 1);
    vi bad = all(0);
    for (size_t i = 0; i < n; i += LANES) bad = or_(bad, V(sub_epi64)(last, load(a + i)));
    return any_negative(bad);
}
