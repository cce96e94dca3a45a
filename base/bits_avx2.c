// SPDX-License-Identifier: ISC
/* Eight values of w bits are w bytes, so what happens to them is the same for all eights: pair i begins at bit 2 w i, shifted by s = 0, 2, 4
 * or 6 in its first byte, and takes at most 2 w + 6 <= 120 bits of the 128 that are loaded or stored at once. */
#include <immintrin.h>

#include "base/bits_kern.h"
#include "base/cpu.h"

#define LEAST 8 /* bits: a byte meets two values at most */
#define MOST 57

typedef struct {
    size_t at[4];        /* first byte of pair i */
    __m256i left[2];     /* of pairs 0, 1 and 2, 3: (s, s + w) each */
    __m256i right[2];    /* (w - s, 64 - w - s) */
    __m256i even;        /* the low word of each pair */
} plan;

static inline __m256i words(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    return _mm256_setr_epi64x((int64_t)a, (int64_t)b, (int64_t)c, (int64_t)d);
}

static plan plan_of(unsigned w)
{
    plan p = {.even = words(UINT64_MAX, 0, UINT64_MAX, 0)};
    for (unsigned i = 0; i < 4; i++) p.at[i] = 2 * i * w / 8;
    for (unsigned i = 0; i < 2; i++) {
        const unsigned s = 4 * i * w % 8, t = (4 * i + 2) * w % 8;
        p.left[i] = words(s, s + w, t, t + w);
        p.right[i] = words(w - s, 64 - w - s, w - t, 64 - w - t);
    }
    return p;
}

/* Two pairs to 128 bits each; y holds (the value before, the second value) of each pair. */
static inline void put(uint8_t *out, size_t at0, size_t at1, __m256i x, __m256i y, __m256i left, __m256i right, __m256i even)
{
    const __m256i l = _mm256_sllv_epi64(x, left), r = _mm256_srlv_epi64(y, right);
    const __m256i z = _mm256_or_si256(r, _mm256_and_si256(even, _mm256_or_si256(l, _mm256_shuffle_epi32(l, 0x4e))));
    _mm_storeu_si128((__m128i *)(void *)(out + at0), _mm256_castsi256_si128(z));
    _mm_storeu_si128((__m128i *)(void *)(out + at1), _mm256_extracti128_si256(z, 1));
}

/* Eight values in a and b, to out; before the first pair nothing is shifted in: a value >> w is 0. */
static inline void put8(uint8_t *out, const plan *p, __m256i a, __m256i b)
{
    put(out, p->at[0], p->at[1], a, _mm256_permute4x64_epi64(a, 0xd5), p->left[0], p->right[0], p->even);
    put(out, p->at[2], p->at[3], b, _mm256_blend_epi32(_mm256_permute4x64_epi64(b, 0xd5), _mm256_permute4x64_epi64(a, 0xff), 3), p->left[1],
        p->right[1], p->even);
}

static inline __m256i take(const uint64_t *v, __m256i mask) { return _mm256_and_si256(_mm256_loadu_si256((const __m256i *)(const void *)v), mask); }

/* Four pairs of neighbours, each in a word of 2 w bits. */
static inline __m256i join(__m256i a, __m256i b, __m128i w)
{
    const __m256i m = _mm256_or_si256(_mm256_unpacklo_epi64(a, b), _mm256_sll_epi64(_mm256_unpackhi_epi64(a, b), w));
    return _mm256_permute4x64_epi64(m, 0xd8);
}

static void pack(uint8_t *out, const uint64_t *v, size_t count, unsigned w)
{
    size_t i = 0;
    if (w >= LEAST && w <= MOST) {
        const __m256i mask = _mm256_set1_epi64x((INT64_C(1) << w) - 1);
        const __m128i shift = _mm_cvtsi32_si128((int)w);
        const size_t bytes = bits_bytes(count, w), each = 2 * w <= MOST ? 16 : 8, step = each / 8 * w;
        const plan p = plan_of((unsigned)step);
        for (size_t at = 0; i + each <= count && at + p.at[3] + 16 <= bytes; i += each, at += step)
            if (each == 8)
                put8(out + at, &p, take(v + i, mask), take(v + i + 4, mask));
            else
                put8(out + at, &p, join(take(v + i, mask), take(v + i + 4, mask), shift), join(take(v + i + 8, mask), take(v + i + 12, mask), shift));
    }
    bits_kern_portable.pack(out + i * w / 8, v + i, count - i, w);
}

static inline __m256i get(const uint8_t *in, size_t at0, size_t at1, __m256i spread, __m256i right, __m256i mask)
{
    const __m256i x = _mm256_inserti128_si256(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)(in + at0))),
                                              _mm_loadu_si128((const __m128i *)(const void *)(in + at1)), 1);
    return _mm256_and_si256(mask, _mm256_srlv_epi64(_mm256_shuffle_epi8(x, spread), right));
}

static void unpack(uint64_t *v, const uint8_t *in, size_t count, unsigned w)
{
    size_t i = 0;
    if (w <= MOST) {
        const __m256i mask = _mm256_set1_epi64x((INT64_C(1) << w) - 1), bytes_up = _mm256_set1_epi64x(0x0706050403020100);
        const size_t bytes = bits_bytes(count, w), last = 6 * w / 8;
        __m256i spread[2], right[2];
        for (unsigned k = 0; k < 2; k++) { /* the second value of a pair begins at bit s + w */
            const uint64_t s = 4 * k * w % 8, t = (4 * k + 2) * w % 8, ones = 0x0101010101010101;
            spread[k] = _mm256_add_epi8(bytes_up, words(0, (s + w) / 8 * ones, 0, (t + w) / 8 * ones));
            right[k] = words(s, (s + w) % 8, t, (t + w) % 8);
        }
        for (; i + 8 <= count && i / 8 * w + last + 16 <= bytes; i += 8) {
            const uint8_t *from = in + i / 8 * w;
            _mm256_storeu_si256((__m256i *)(void *)(v + i), get(from, 0, 2 * w / 8, spread[0], right[0], mask));
            _mm256_storeu_si256((__m256i *)(void *)(v + i + 4), get(from, 4 * w / 8, last, spread[1], right[1], mask));
        }
    }
    bits_kern_portable.unpack(v + i, in + i * w / 8, count - i, w);
}

const bits_kern bits_kern_avx2 = {"avx2", CPU_AVX2, pack, unpack};
