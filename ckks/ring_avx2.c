// SPDX-License-Identifier: ISC
/* Four words at a time.  A number that may be q too large is corrected by the sign of its difference with q. */
#include <immintrin.h>
#include <math.h>

#include "base/cpu.h"
#include "ckks/ring_kern.h"

static inline __m256i all(uint64_t x) { return _mm256_set1_epi64x((int64_t)x); }
static inline __m256i load(const void *p) { return _mm256_loadu_si256(p); }
static inline void store(void *p, __m256i x) { _mm256_storeu_si256(p, x); }

/* b where the sign bit of s is set, else a. */
static inline __m256i pick(__m256i a, __m256i b, __m256i s)
{
    return _mm256_castpd_si256(_mm256_blendv_pd(_mm256_castsi256_pd(a), _mm256_castsi256_pd(b), _mm256_castsi256_pd(s)));
}

/* x in [0, 2q) to [0, q);  x in (-q, q) to [0, q) */
static inline __m256i less(__m256i x, __m256i q)
{
    const __m256i t = _mm256_sub_epi64(x, q);
    return pick(t, x, t);
}

static inline __m256i more(__m256i x, __m256i q) { return pick(x, _mm256_add_epi64(x, q), x); }

static inline __m256i small(const int8_t *e, __m256i q) { return more(_mm256_cvtepi8_epi64(_mm_loadu_si32(e)), q); }

/* x / 2^64 in base 3: the digit is the number of thirds of 2^64 below x, compared with both signs flipped; then x = 3x, for which the
 * flipped sign bit stays one. */
static void ternary(int8_t *out, const uint64_t *w, size_t words)
{
    const __m256i sign = all(UINT64_C(1) << 63), third = all(UINT64_C(0xd555555555555555)), thirds = all(UINT64_C(0x2aaaaaaaaaaaaaaa));
    for (size_t i = 0; i < words; i += 4) {
        __m256i x = _mm256_xor_si256(load(w + i), sign), digits = _mm256_setzero_si256();
        for (int j = 0; j < 8; j++) {
            const __m256i minus = _mm256_add_epi64(_mm256_cmpgt_epi64(x, third), _mm256_cmpgt_epi64(x, thirds));
            digits = _mm256_sub_epi64(_mm256_srli_epi64(digits, 8), _mm256_slli_epi64(minus, 56));
            x = _mm256_add_epi64(_mm256_add_epi64(x, x), x);
        }
        store(out + 8 * i, _mm256_add_epi8(digits, _mm256_set1_epi8(-1)));
    }
}

static inline __m256i nibbles(__m256i x)
{
    const __m256i count = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    return _mm256_shuffle_epi8(count, x);
}

static void cbd(int8_t out[RING_CBD_GROUP], const uint8_t in[RING_CBD_BYTES])
{
    const __m256i low = _mm256_set1_epi8(15);
    for (size_t j = 0; j < RING_CBD_PLANE; j += 32) {
        __m256i rest = load(in + 20 * RING_CBD_PLANE + j);
        for (size_t c = 0; c < 4; c++, rest = _mm256_srli_epi16(rest, 2)) {
            __m256i sum = _mm256_add_epi8(_mm256_set1_epi8(-21), nibbles(_mm256_and_si256(rest, _mm256_set1_epi8(3))));
            for (size_t k = 0; k < 5; k++) {
                const __m256i x = load(in + (5 * c + k) * RING_CBD_PLANE + j);
                sum = _mm256_add_epi8(sum, nibbles(_mm256_and_si256(x, low)));
                sum = _mm256_add_epi8(sum, nibbles(_mm256_and_si256(_mm256_srli_epi16(x, 4), low)));
            }
            store(out + c * RING_CBD_PLANE + j, sum);
        }
    }
}

static size_t accept_var(uint64_t *r, const uint64_t *w, size_t words, const modulus *q)
{
    const uint64_t mask = (UINT64_C(1) << q->bits) - 1;
    size_t kept = 0, i = 0;
    for (; i + 4 <= words; i += 4) {
        const __m256i x = _mm256_and_si256(load(w + i), all(mask));
        const int refused = _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(x, all(q->q - 1))));
        store(r + kept, x);
        if (!refused) {
            kept += 4;
            continue;
        }
        for (size_t j = 0; j < 4; j++) {
            r[kept] = w[i + j] & mask;
            kept += !(refused >> j & 1);
        }
    }
    for (; i < words; i++) {
        r[kept] = w[i] & mask;
        kept += r[kept] < q->q;
    }
    return kept;
}

static void round_pair(int8_t *lo, int8_t *hi, const uint64_t *x, size_t n, const modulus *q, unsigned shift)
{
    ring_round_pair(lo, hi, x, n, q, shift);
}

static void noisy_sub(uint64_t *r, const uint64_t *a, const uint64_t *b, const int8_t *e, size_t n, const modulus *m)
{
    const __m256i q = all(m->q);
    for (size_t i = 0; i < n; i += 4) {
        const __m256i x = less(_mm256_add_epi64(load(a + i), small(e + i, q)), q);
        store(r + i, more(_mm256_sub_epi64(x, load(b + i)), q));
    }
}

static void noisy_add(uint64_t *r, const uint64_t *a, const uint64_t *b, const int8_t *e, size_t n, const modulus *m)
{
    const __m256i q = all(m->q);
    for (size_t i = 0; i < n; i += 4) {
        const __m256i x = less(_mm256_add_epi64(load(a + i), small(e + i, q)), q);
        store(r + i, less(_mm256_add_epi64(x, load(b + i)), q));
    }
}

/* q = q_1 2^l + q_0: v q_1 + floor((v q_0 + 2^(l-1)) / 2^l), all factors below 2^32. */
static void scale(uint64_t *r, const uint64_t *v, size_t n, const modulus *m, unsigned l)
{
    const __m256i q1 = all(m->q >> l), q0 = all(m->q & ((UINT64_C(1) << l) - 1)), half = all(UINT64_C(1) << (l - 1));
    const __m128i shift = _mm_cvtsi32_si128((int)l);
    for (size_t i = 0; i < n; i += 4) {
        const __m256i x = load(v + i), low = _mm256_srl_epi64(_mm256_add_epi64(_mm256_mul_epu32(x, q0), half), shift);
        store(r + i, _mm256_add_epi64(_mm256_mul_epu32(x, q1), low));
    }
}

/* h = a (2^k / q) in doubles is off by less than 2^31 * 2^-51, so rounded it is the quotient or a neighbour, which a 2^k - h q tells:
 * below q in absolute value, computed modulo 2^64. */
static void to_pow2(uint64_t *r, const uint64_t *a, size_t n, const modulus *m, unsigned k)
{
    const __m256d magic = _mm256_set1_pd(0x1p52), factor = _mm256_set1_pd(ldexp((double)m->mu, (int)k - (int)m->bits - 63));
    const __m256i q = all(m->q), q_hi = all(m->q >> 32), half = all(m->q / 2), minus_half = all(0 - m->q / 2), mask = all((UINT64_C(1) << k) - 1);
    const __m128i shift = _mm_cvtsi32_si128((int)k);
    for (size_t i = 0; i < n; i += 4) {
        const __m256i x = load(a + i);
        const __m256d d = _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(x, _mm256_castpd_si256(magic))), magic);
        __m256i h = _mm256_castpd_si256(_mm256_add_pd(_mm256_mul_pd(d, factor), magic)); /* its low half */
        const __m256i product = _mm256_add_epi64(_mm256_mul_epu32(h, q), _mm256_slli_epi64(_mm256_mul_epu32(h, q_hi), 32));
        const __m256i rem = _mm256_sub_epi64(_mm256_sll_epi64(x, shift), product);
        h = _mm256_sub_epi64(h, _mm256_cmpgt_epi64(rem, half));
        h = _mm256_add_epi64(h, _mm256_cmpgt_epi64(minus_half, rem));
        store(r + i, _mm256_and_si256(h, mask));
    }
}

static void from_pow2(uint64_t *r, const uint64_t *v, size_t n, const modulus *m, unsigned k)
{
    const __m256i mask = all((UINT64_C(1) << k) - 1), largest = all((UINT64_C(1) << (k - 1)) - 1), lower = all(m->q - (UINT64_C(1) << k));
    for (size_t i = 0; i < n; i += 4) {
        const __m256i x = _mm256_and_si256(load(v + i), mask);
        store(r + i, _mm256_add_epi64(x, _mm256_and_si256(lower, _mm256_cmpgt_epi64(x, largest))));
    }
}

static void add_centred(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n, const modulus *m, unsigned k)
{
    const __m256i mask = all((UINT64_C(1) << k) - 1), half = all(m->q / 2), q = all(m->q);
    for (size_t i = 0; i < n; i += 4) {
        const __m256i x = load(b + i), y = _mm256_sub_epi64(x, _mm256_and_si256(q, _mm256_cmpgt_epi64(x, half)));
        store(r + i, _mm256_and_si256(mask, _mm256_add_epi64(load(a + i), y)));
    }
}

static void add(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n, const modulus *m)
{
    for (size_t i = 0; i < n; i += 4) store(r + i, less(_mm256_add_epi64(load(a + i), load(b + i)), all(m->q)));
}

static void permute(uint64_t *r, const uint64_t *a, const uint32_t *from, size_t n)
{
    for (size_t i = 0; i < n; i += 4) { /* a place in a block, 0 .. 3, as the two of its halves */
        const __m256i place = _mm256_and_si256(_mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(from + i))), all(3));
        const __m256i low = _mm256_slli_epi64(place, 1), both = _mm256_or_si256(low, _mm256_slli_epi64(_mm256_or_si256(low, all(1)), 32));
        store(r + i, _mm256_permutevar8x32_epi32(load(a + (from[i] & ~UINT32_C(3))), both));
    }
}

static int outside(const uint64_t *a, size_t n, const modulus *m)
{
    const __m256i last = all(m->q - 1);
    __m256i bad = _mm256_setzero_si256();
    for (size_t i = 0; i < n; i += 4) bad = _mm256_or_si256(bad, _mm256_sub_epi64(last, load(a + i)));
    return _mm256_movemask_pd(_mm256_castsi256_pd(bad)) != 0;
}

const ring_kern ring_kern_avx2 = {"avx2", CPU_AVX2, ternary, cbd, accept_var, round_pair, noisy_sub, noisy_add,
                                      scale, to_pow2, from_pow2, add_centred, add, permute, outside};
