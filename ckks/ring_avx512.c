// SPDX-License-Identifier: ISC
/* Eight words at a time; bounds as in ring_avx2.c. */
#include <immintrin.h>
#include <math.h>

#include "base/cpu.h"
#include "ckks/ring_kern.h"

static inline __m512i all(uint64_t x) { return _mm512_set1_epi64((int64_t)x); }
static inline __m512i load(const void *p) { return _mm512_loadu_si512(p); }
static inline void store(void *p, __m512i x) { _mm512_storeu_si512(p, x); }

/* x in [0, 2q) to [0, q);  x in (-q, q) to [0, q): the wrong one of the two is the larger as an unsigned number */
static inline __m512i less(__m512i x, __m512i q) { return _mm512_min_epu64(x, _mm512_sub_epi64(x, q)); }
static inline __m512i more(__m512i x, __m512i q) { return _mm512_min_epu64(x, _mm512_add_epi64(x, q)); }
static inline __m512i small(const int8_t *e, __m512i q) { return more(_mm512_cvtepi8_epi64(_mm_loadu_si64(e)), q); }

static void ternary(int8_t *out, const uint64_t *w, size_t words)
{
    const __m512i third = all(UINT64_C(0x5555555555555555)), thirds = all(UINT64_C(0xaaaaaaaaaaaaaaaa)), one = all(UINT64_C(1) << 56);
    for (size_t i = 0; i < words; i += 8) {
        __m512i x = load(w + i), digits = _mm512_setzero_si512();
        for (int j = 0; j < 8; j++) {
            digits = _mm512_srli_epi64(digits, 8);
            digits = _mm512_mask_add_epi64(digits, _mm512_cmpgt_epu64_mask(x, third), digits, one);
            digits = _mm512_mask_add_epi64(digits, _mm512_cmpgt_epu64_mask(x, thirds), digits, one);
            x = _mm512_add_epi64(_mm512_add_epi64(x, x), x);
        }
        store(out + 8 * i, _mm512_add_epi8(digits, _mm512_set1_epi8(-1)));
    }
}

static inline __m512i nibbles(__m512i x)
{
    const __m128i count = _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(count), x);
}

static void cbd(int8_t out[RING_CBD_GROUP], const uint8_t in[RING_CBD_BYTES])
{
    const __m512i low = _mm512_set1_epi8(15);
    __m512i rest = load(in + 20 * RING_CBD_PLANE);
    for (size_t c = 0; c < 4; c++, rest = _mm512_srli_epi16(rest, 2)) {
        __m512i sum = _mm512_add_epi8(_mm512_set1_epi8(-21), nibbles(_mm512_and_si512(rest, _mm512_set1_epi8(3))));
        for (size_t k = 0; k < 5; k++) {
            const __m512i x = load(in + (5 * c + k) * RING_CBD_PLANE);
            sum = _mm512_add_epi8(sum, nibbles(_mm512_and_si512(x, low)));
            sum = _mm512_add_epi8(sum, nibbles(_mm512_and_si512(_mm512_srli_epi16(x, 4), low)));
        }
        store(out + c * RING_CBD_PLANE, sum);
    }
}

static size_t accept_var(uint64_t *r, const uint64_t *w, size_t words, const modulus *q)
{
    const __m512i mask = all((UINT64_C(1) << q->bits) - 1);
    size_t kept = 0;
    for (size_t i = 0; i < words; i += 8) {
        const __mmask8 there = (__mmask8)(words - i < 8 ? (1u << (words - i)) - 1 : 0xff);
        const __m512i x = _mm512_and_si512(_mm512_maskz_loadu_epi64(there, w + i), mask);
        const __mmask8 good = _mm512_mask_cmplt_epu64_mask(there, x, all(q->q));
        _mm512_mask_storeu_epi64(r + kept, there, _mm512_maskz_compress_epi64(good, x));
        kept += (size_t)__builtin_popcount(good);
    }
    return kept;
}

static void round_pair(int8_t *lo, int8_t *hi, const uint64_t *x, size_t n, const modulus *q, unsigned shift)
{
    ring_round_pair(lo, hi, x, n, q, shift);
}

static void noisy_sub(uint64_t *r, const uint64_t *a, const uint64_t *b, const int8_t *e, size_t n, const modulus *m)
{
    const __m512i q = all(m->q);
    for (size_t i = 0; i < n; i += 8) {
        const __m512i x = less(_mm512_add_epi64(load(a + i), small(e + i, q)), q);
        store(r + i, more(_mm512_sub_epi64(x, load(b + i)), q));
    }
}

static void noisy_add(uint64_t *r, const uint64_t *a, const uint64_t *b, const int8_t *e, size_t n, const modulus *m)
{
    const __m512i q = all(m->q);
    for (size_t i = 0; i < n; i += 8) {
        const __m512i x = less(_mm512_add_epi64(load(a + i), small(e + i, q)), q);
        store(r + i, less(_mm512_add_epi64(x, load(b + i)), q));
    }
}

static void scale(uint64_t *r, const uint64_t *v, size_t n, const modulus *m, unsigned l)
{
    const __m512i q1 = all(m->q >> l), q0 = all(m->q & ((UINT64_C(1) << l) - 1)), half = all(UINT64_C(1) << (l - 1));
    const __m128i shift = _mm_cvtsi32_si128((int)l);
    for (size_t i = 0; i < n; i += 8) {
        const __m512i x = load(v + i), low = _mm512_srl_epi64(_mm512_add_epi64(_mm512_mul_epu32(x, q0), half), shift);
        store(r + i, _mm512_add_epi64(_mm512_mul_epu32(x, q1), low));
    }
}

static void to_pow2(uint64_t *r, const uint64_t *a, size_t n, const modulus *m, unsigned k)
{
    const __m512d factor = _mm512_set1_pd(ldexp((double)m->mu, (int)k - (int)m->bits - 63));
    const __m512i q = all(m->q), q_hi = all(m->q >> 32), half = all(m->q / 2), minus_half = all(0 - m->q / 2), one = all(1);
    const __m512i mask = all((UINT64_C(1) << k) - 1);
    const __m128i shift = _mm_cvtsi32_si128((int)k);
    for (size_t i = 0; i < n; i += 8) {
        const __m512i x = load(a + i);
        __m512i h = _mm512_cvtpd_epu64(_mm512_mul_pd(_mm512_cvtepu64_pd(x), factor));
        const __m512i product = _mm512_add_epi64(_mm512_mul_epu32(h, q), _mm512_slli_epi64(_mm512_mul_epu32(h, q_hi), 32));
        const __m512i rem = _mm512_sub_epi64(_mm512_sll_epi64(x, shift), product);
        h = _mm512_mask_add_epi64(h, _mm512_cmpgt_epi64_mask(rem, half), h, one);
        h = _mm512_mask_sub_epi64(h, _mm512_cmplt_epi64_mask(rem, minus_half), h, one);
        store(r + i, _mm512_and_si512(h, mask));
    }
}

static void from_pow2(uint64_t *r, const uint64_t *v, size_t n, const modulus *m, unsigned k)
{
    const __m512i mask = all((UINT64_C(1) << k) - 1), largest = all((UINT64_C(1) << (k - 1)) - 1), lower = all(m->q - (UINT64_C(1) << k));
    for (size_t i = 0; i < n; i += 8) {
        const __m512i x = _mm512_and_si512(load(v + i), mask);
        store(r + i, _mm512_mask_add_epi64(x, _mm512_cmpgt_epu64_mask(x, largest), x, lower));
    }
}

static void add_centred(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n, const modulus *m, unsigned k)
{
    const __m512i mask = all((UINT64_C(1) << k) - 1), half = all(m->q / 2), q = all(m->q);
    for (size_t i = 0; i < n; i += 8) {
        const __m512i x = load(b + i), y = _mm512_mask_sub_epi64(x, _mm512_cmpgt_epu64_mask(x, half), x, q);
        store(r + i, _mm512_and_si512(mask, _mm512_add_epi64(load(a + i), y)));
    }
}

static void add(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n, const modulus *m)
{
    for (size_t i = 0; i < n; i += 8) store(r + i, less(_mm512_add_epi64(load(a + i), load(b + i)), all(m->q)));
}

static void permute(uint64_t *r, const uint64_t *a, const uint32_t *from, size_t n)
{
    for (size_t i = 0; i < n; i += 8) { /* of a place the instruction reads the low three bits */
        const __m512i place = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(from + i)));
        store(r + i, _mm512_permutexvar_epi64(place, load(a + (from[i] & ~UINT32_C(7)))));
    }
}

static int outside(const uint64_t *a, size_t n, const modulus *m)
{
    __mmask8 bad = 0;
    for (size_t i = 0; i < n; i += 8) bad |= _mm512_cmpge_epu64_mask(load(a + i), all(m->q));
    return bad != 0;
}

const ring_kern ring_kern_avx512 = {"avx512", CPU_AVX512, ternary, cbd, accept_var, round_pair, noisy_sub, noisy_add,
                                      scale, to_pow2, from_pow2, add_centred, add, permute, outside};
