// SPDX-License-Identifier: ISC
/* Sixteen coefficients of a limb in a vector; bounds as in weigh_avx2.c. */
#include <immintrin.h>

#include "base/cpu.h"
#include "convert/weigh_kern.h"

static inline __m512i all(uint64_t x) { return _mm512_set1_epi64((int64_t)x); }
static inline __m512i load(const void *p) { return _mm512_loadu_si512(p); }
static inline void store(void *p, __m512i x) { _mm512_storeu_si512(p, x); }

static inline __m512i digits(const uint64_t *r, __m512i q, __m512i half, __m512i offset)
{
    const __m512i x = load(r), centred = _mm512_mask_sub_epi64(x, _mm512_cmpgt_epu64_mask(x, half), x, q);
    return _mm512_xor_si512(_mm512_add_epi64(centred, offset), offset);
}

static void split(int16_t *x, size_t stride, const uint64_t *r, size_t n, const modulus *m, unsigned limbs, unsigned odd)
{
    const __m512i q = all(m->q), half = all(m->q / 2), offset = all(UINT64_C(0x800080008000) >> 16 * (4 - limbs));
    const __m512i low = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i high = _mm512_add_epi32(low, _mm512_set1_epi32(1));
    const __m512i right = _mm512_set1_epi32(odd ? 0 : 16), left = _mm512_set1_epi32(odd ? 16 : 0);
    const __mmask32 halves = odd ? 0xaaaaaaaau : 0x55555555u;
    for (size_t tile = 0; tile < n; tile += WEIGH_TILE, x += stride)
        for (size_t j = 0; j < WEIGH_TILE; j += 16) {
            const __m512i a = digits(r + tile + j, q, half, offset), b = digits(r + tile + j + 8, q, half, offset);
            const __m512i words[2] = {_mm512_permutex2var_epi32(a, low, b), _mm512_permutex2var_epi32(a, high, b)};
            for (unsigned i = 0; i < limbs; i++)
                _mm512_mask_storeu_epi16(x + (i * WEIGH_TILE + j) * 2, halves,
                                         i & 1 ? _mm512_srlv_epi32(words[i / 2], right) : _mm512_sllv_epi32(words[i / 2], left));
        }
}

typedef struct {
    __m512i q, q_low, q_high;
    __m512d inv;
} constants;

static inline constants constants_of(const modulus *m)
{
    const int64_t low = (int32_t)(uint32_t)m->q;
    const __m512d unit = _mm512_castsi512_pd(all((uint64_t)(1023 - 63 - m->bits) << 52)); /* 2^-(bits+63) */
    constants c = {.q = all(m->q), .q_low = all((uint64_t)low), .q_high = all((uint64_t)(((int64_t)m->q - low) >> 32))};
    c.inv = _mm512_mul_pd(_mm512_set1_pd((double)m->mu), unit); /* 1 / q */
    return c;
}

static inline __m512i reduce(const __m256i *a, unsigned limbs, const constants *c)
{
    const __m512d shift = _mm512_set1_pd(65536);
    __m512i s = _mm512_cvtepi32_epi64(a[limbs - 1]);
    __m512d d = _mm512_cvtepi32_pd(a[limbs - 1]);
    for (unsigned i = limbs - 1; i-- > 0;) {
        s = _mm512_add_epi64(_mm512_slli_epi64(s, 16), _mm512_cvtepi32_epi64(a[i]));
        d = _mm512_fmadd_pd(d, shift, _mm512_cvtepi32_pd(a[i]));
    }
    const __m512i k = _mm512_cvtpd_epi64(_mm512_mul_pd(d, c->inv));
    const __m512i product = _mm512_add_epi64(_mm512_mul_epi32(k, c->q_low), _mm512_slli_epi64(_mm512_mul_epi32(k, c->q_high), 32));
    s = _mm512_sub_epi64(s, product);
    return _mm512_min_epu64(s, _mm512_add_epi64(s, c->q));
}

static inline void put(uint64_t *out, __m512i x, __m512i q, int first)
{
    if (!first) {
        x = _mm512_add_epi64(x, load(out));
        x = _mm512_min_epu64(x, _mm512_sub_epi64(x, q));
    }
    store(out, x);
}

/* The sums of one burst over a whole tile: rows * limbs * 2 <= 16 of them stay in registers. */
static inline __attribute__((always_inline)) void burst_sums(__m512i *out, const weigh_term *const term[2], size_t from, size_t to, const int16_t *x,
                                                             const unsigned limbs, const unsigned rows)
{
    __m512i sum[16];
    for (unsigned i = 0; i < rows * limbs * 2; i++) sum[i] = _mm512_setzero_si512();
    for (size_t t = from; t < to; t++) {
        const int16_t *d = x + (size_t)term[0][t].pair * limbs * WEIGH_TILE * 2;
        const __m512i w0 = _mm512_castps_si512(_mm512_broadcastss_ps(_mm_load_ss((const float *)(const void *)term[0][t].w)));
        const __m512i w1 = rows == 2 ? _mm512_castps_si512(_mm512_broadcastss_ps(_mm_load_ss((const float *)(const void *)term[1][t].w))) : w0;
        for (unsigned i = 0; i < limbs * 2; i++) {
            const __m512i v = load(d + 32 * i);
            sum[i] = _mm512_add_epi32(sum[i], _mm512_madd_epi16(v, w0));
            if (rows == 2) sum[limbs * 2 + i] = _mm512_add_epi32(sum[limbs * 2 + i], _mm512_madd_epi16(v, w1));
        }
    }
    for (unsigned i = 0; i < rows * limbs * 2; i++) out[i] = sum[i];
}

static inline __attribute__((always_inline)) void block(uint64_t *out, size_t words, const weigh_term *const term[2], size_t terms, size_t burst,
                                                        const int16_t *x, const constants *c, unsigned limbs, unsigned rows)
{
    __m512i sum[16];
    for (size_t t = 0, stop; t < terms; t = stop) {
        stop = terms - t > burst ? t + burst : terms;
        burst_sums(sum, term, t, stop, x, limbs, rows);
        for (unsigned i = 0; i < rows; i++)
            for (unsigned h = 0; h < 2; h++) {
                __m256i low[WEIGH_MAX_LIMBS], high[WEIGH_MAX_LIMBS];
                for (unsigned l = 0; l < limbs; l++) {
                    const __m512i s = sum[(i * limbs + l) * 2 + h];
                    low[l] = _mm512_castsi512_si256(s);
                    high[l] = _mm512_extracti64x4_epi64(s, 1);
                }
                put(out + i * words + 16 * h, reduce(low, limbs, c), c->q, t == 0);
                put(out + i * words + 16 * h + 8, reduce(high, limbs, c), c->q, t == 0);
            }
    }
}

static void dot(uint64_t *out, size_t words, const weigh_term *const term[2], unsigned rows, size_t terms, size_t burst, const int16_t *x,
                unsigned limbs, const modulus *m)
{
    const constants c = constants_of(m);
    for (size_t i = 0; i < rows && !terms; i++)
        for (size_t j = 0; j < WEIGH_TILE; j++) out[i * words + j] = 0;
    if (limbs == 2 && rows == 1) block(out, words, term, terms, burst, x, &c, 2, 1);
    else if (limbs == 3 && rows == 1) block(out, words, term, terms, burst, x, &c, 3, 1);
    else if (limbs == 4 && rows == 1) block(out, words, term, terms, burst, x, &c, 4, 1);
    else if (limbs == 2) block(out, words, term, terms, burst, x, &c, 2, 2);
    else if (limbs == 3) block(out, words, term, terms, burst, x, &c, 3, 2);
    else block(out, words, term, terms, burst, x, &c, 4, 2);
}

const weigh_kern weigh_kern_avx512 = {"avx512", CPU_AVX512, split, dot};
