// SPDX-License-Identifier: ISC
/* Eight coefficients of a limb in a vector. */
#include <immintrin.h>

#include "base/cpu.h"
#include "convert/weigh_kern.h"

static inline __m256i all(uint64_t x) { return _mm256_set1_epi64x((int64_t)x); }
static inline __m256i load(const void *p) { return _mm256_loadu_si256(p); }
static inline void store(void *p, __m256i x) { _mm256_storeu_si256(p, x); }

static inline __m256i digits(const uint64_t *r, __m256i q, __m256i half, __m256i offset)
{
    const __m256i x = load(r), centred = _mm256_sub_epi64(x, _mm256_and_si256(q, _mm256_cmpgt_epi64(x, half)));
    return _mm256_xor_si256(_mm256_add_epi64(centred, offset), offset);
}

/* Adding 2^15 to every digit but the last makes the digits the fields of the sum, sign bit flipped. */
static void split(int16_t *x, size_t stride, const uint64_t *r, size_t n, const modulus *m, unsigned limbs, unsigned odd)
{
    const __m256i q = all(m->q), half = all(m->q / 2), offset = all(UINT64_C(0x800080008000) >> 16 * (4 - limbs));
    const __m256i halves = _mm256_set1_epi32(odd ? -65536 : 65535), right = _mm256_set1_epi32(odd ? 0 : 16), left = _mm256_set1_epi32(odd ? 16 : 0);
    for (size_t tile = 0; tile < n; tile += WEIGH_TILE, x += stride)
        for (size_t j = 0; j < WEIGH_TILE; j += 8) {
            const __m256 a = _mm256_castsi256_ps(digits(r + tile + j, q, half, offset));
            const __m256 b = _mm256_castsi256_ps(digits(r + tile + j + 4, q, half, offset));
            const __m256i words[2] = {_mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0x88)), 0xd8),
                                      _mm256_permute4x64_epi64(_mm256_castps_si256(_mm256_shuffle_ps(a, b, 0xdd)), 0xd8)};
            for (unsigned i = 0; i < limbs; i++) { /* limb i to the half of each 32-bit word that is this column's */
                int16_t *to = x + (i * WEIGH_TILE + j) * 2;
                const __m256i d = i & 1 ? _mm256_srlv_epi32(words[i / 2], right) : _mm256_sllv_epi32(words[i / 2], left);
                store(to, _mm256_or_si256(_mm256_and_si256(halves, d), _mm256_andnot_si256(halves, load(to))));
            }
        }
}

typedef struct {
    __m256i q, q_low, q_high;
    __m256d inv;
} constants;

static inline constants constants_of(const modulus *m)
{
    const int64_t low = (int32_t)(uint32_t)m->q;
    const __m256d unit = _mm256_castsi256_pd(all((uint64_t)(1023 - 63 - m->bits) << 52)); /* 2^-(bits+63) */
    constants c = {.q = all(m->q), .q_low = all((uint64_t)low), .q_high = all((uint64_t)(((int64_t)m->q - low) >> 32))};
    c.inv = _mm256_mul_pd(_mm256_set1_pd((double)m->mu), unit); /* 1 / q */
    return c;
}

/* Four sums: s = sum a_i 2^(16 i) modulo 2^64 and in doubles; |s / q| <= 2^15 (weigh_burst), so s - round(s / q) q is within q. */
static inline __m256i reduce(const __m128i *a, unsigned limbs, const constants *c)
{
    const __m256d magic = _mm256_set1_pd(0x1.8p52), shift = _mm256_set1_pd(65536);
    __m256i s = _mm256_cvtepi32_epi64(a[limbs - 1]);
    __m256d d = _mm256_cvtepi32_pd(a[limbs - 1]);
    for (unsigned i = limbs - 1; i-- > 0;) {
        s = _mm256_add_epi64(_mm256_slli_epi64(s, 16), _mm256_cvtepi32_epi64(a[i]));
        d = _mm256_add_pd(_mm256_mul_pd(d, shift), _mm256_cvtepi32_pd(a[i]));
    }
    const __m256i k = _mm256_castpd_si256(_mm256_add_pd(_mm256_mul_pd(d, c->inv), magic)); /* its low half, signed */
    const __m256i product = _mm256_add_epi64(_mm256_mul_epi32(k, c->q_low), _mm256_slli_epi64(_mm256_mul_epi32(k, c->q_high), 32));
    s = _mm256_sub_epi64(s, product);
    return _mm256_add_epi64(s, _mm256_and_si256(c->q, _mm256_cmpgt_epi64(_mm256_setzero_si256(), s)));
}

static inline void put(uint64_t *out, __m256i x, __m256i q, int first)
{
    if (!first) {
        x = _mm256_add_epi64(x, load(out));
        x = _mm256_sub_epi64(x, _mm256_andnot_si256(_mm256_cmpgt_epi64(q, x), q));
    }
    store(out, x);
}

/* The sums of one burst.  `width` vectors of a limb at a time: rows * limbs * width <= 12 of them stay in registers. */
static inline __attribute__((always_inline)) void burst_sums(__m256i *out, const weigh_term *const term[2], size_t from, size_t to, const int16_t *x,
                                                             const unsigned limbs, const unsigned rows, const unsigned width)
{
    __m256i sum[12];
    for (unsigned i = 0; i < rows * limbs * width; i++) sum[i] = _mm256_setzero_si256();
    for (size_t t = from; t < to; t++) {
        const int16_t *d = x + (size_t)term[0][t].pair * limbs * WEIGH_TILE * 2;
        const __m256i w0 = _mm256_castps_si256(_mm256_broadcast_ss((const float *)(const void *)term[0][t].w));
        const __m256i w1 = rows == 2 ? _mm256_castps_si256(_mm256_broadcast_ss((const float *)(const void *)term[1][t].w)) : w0;
        for (unsigned i = 0; i < limbs * width; i++) {
            const __m256i v = load(d + i / width * 2 * WEIGH_TILE + i % width * 16);
            sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(v, w0));
            if (rows == 2) sum[limbs * width + i] = _mm256_add_epi32(sum[limbs * width + i], _mm256_madd_epi16(v, w1));
        }
    }
    for (unsigned i = 0; i < rows * limbs * width; i++) out[i] = sum[i];
}

static inline __attribute__((always_inline)) void block(uint64_t *out, size_t words, const weigh_term *const term[2], size_t terms, size_t burst,
                                                        const int16_t *x, const constants *c, unsigned limbs, unsigned rows, unsigned width)
{
    __m256i sum[12];
    for (size_t t = 0, stop; t < terms; t = stop) {
        stop = terms - t > burst ? t + burst : terms;
        burst_sums(sum, term, t, stop, x, limbs, rows, width);
        for (unsigned i = 0; i < rows; i++)
            for (unsigned h = 0; h < width; h++) {
                __m128i low[WEIGH_MAX_LIMBS], high[WEIGH_MAX_LIMBS];
                for (unsigned l = 0; l < limbs; l++) {
                    const __m256i s = sum[(i * limbs + l) * width + h];
                    low[l] = _mm256_castsi256_si128(s);
                    high[l] = _mm256_extracti128_si256(s, 1);
                }
                put(out + i * words + 8 * h, reduce(low, limbs, c), c->q, t == 0);
                put(out + i * words + 8 * h + 4, reduce(high, limbs, c), c->q, t == 0);
            }
    }
}

static void dot(uint64_t *out, size_t words, const weigh_term *const term[2], unsigned rows, size_t terms, size_t burst, const int16_t *x,
                unsigned limbs, const modulus *m)
{
    const constants c = constants_of(m);
    for (size_t i = 0; i < rows && !terms; i++)
        for (size_t j = 0; j < WEIGH_TILE; j++) out[i * words + j] = 0;
    for (size_t j = 0; j < WEIGH_TILE; j += 8 * (limbs == 4 || rows == 2 ? limbs == 4 && rows == 2 ? 1 : 2 : 4)) {
        uint64_t *to = out + j;
        const int16_t *v = x + 2 * j;
        if (limbs == 2 && rows == 1) block(to, words, term, terms, burst, v, &c, 2, 1, 4);
        else if (limbs == 3 && rows == 1) block(to, words, term, terms, burst, v, &c, 3, 1, 4);
        else if (limbs == 4 && rows == 1) block(to, words, term, terms, burst, v, &c, 4, 1, 2);
        else if (limbs == 2) block(to, words, term, terms, burst, v, &c, 2, 2, 2);
        else if (limbs == 3) block(to, words, term, terms, burst, v, &c, 3, 2, 2);
        else block(to, words, term, terms, burst, v, &c, 4, 2, 1);
    }
}

const weigh_kern weigh_kern_avx2 = {"avx2", CPU_AVX2, split, dot};
