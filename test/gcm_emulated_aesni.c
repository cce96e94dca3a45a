// SPDX-License-Identifier: ISC
#include "test/gcm_emulated.h"

#include <immintrin.h>
#include <string.h>

typedef struct {
    __m128i part[4];
} parts;

static inline parts same(__m128i a) { return (parts){{a, a, a, a}}; }

static inline parts first(__m128i a)
{
    parts r = same(_mm_setzero_si128());
    r.part[0] = a;
    return r;
}

static inline parts from(const void *p, size_t count)
{
    parts r = same(_mm_setzero_si128());
    memcpy(&r, p, count * sizeof *r.part);
    return r;
}

static inline void to(void *p, parts a) { memcpy(p, &a, sizeof a); }

static inline parts eight(const long long w[8], int mirror)
{
    long long x[8];
    for (int i = 0; i < 8; i++)
        x[i] = w[i ^ mirror];
    return from(x, 4);
}

static inline parts permute(parts by, parts a)
{
    long long i[8], x[8], r[8];
    to(i, by);
    to(x, a);
    for (int k = 0; k < 8; k++)
        r[k] = x[i[k] & 7];
    return from(r, 4);
}

static inline parts pick(parts a, parts b, int order)
{
    parts r;
    for (int i = 0; i < 4; i++)
        r.part[i] = (i < 2 ? a : b).part[order >> 2 * i & 3];
    return r;
}

/* `call` of each part ex of a and ey of b. */
#define EACH_2(a, b, call) \
    ({ \
        const parts ea = (a), eb = (b); \
        parts er; \
        for (int ei = 0; ei < 4; ei++) { \
            const __m128i ex = ea.part[ei], ey = eb.part[ei]; \
            (void)ey; \
            er.part[ei] = call; \
        } \
        er; \
    })

#undef _mm256_loadu_si256
#undef _mm512_add_epi32
#undef _mm512_add_epi64
#undef _mm512_aesenc_epi128
#undef _mm512_aesenclast_epi128
#undef _mm512_and_si512
#undef _mm512_broadcast_i32x4
#undef _mm512_castsi256_si512
#undef _mm512_castsi512_si128
#undef _mm512_clmulepi64_epi128
#undef _mm512_loadu_si512
#undef _mm512_permutexvar_epi64
#undef _mm512_set1_epi32
#undef _mm512_set_epi64
#undef _mm512_setr_epi64
#undef _mm512_setzero_si512
#undef _mm512_shuffle_epi32
#undef _mm512_shuffle_epi8
#undef _mm512_shuffle_i64x2
#undef _mm512_storeu_si512
#undef _mm512_sub_epi64
#undef _mm512_unpackhi_epi32
#undef _mm512_unpackhi_epi64
#undef _mm512_unpacklo_epi32
#undef _mm512_unpacklo_epi64
#undef _mm512_xor_si512
#undef _mm512_zextsi128_si512
#define __m512i parts
#define _mm512_aesenc_epi128(a, b) EACH_2(a, b, _mm_aesenc_si128(ex, ey))
#define _mm512_aesenclast_epi128(a, b) EACH_2(a, b, _mm_aesenclast_si128(ex, ey))
#define _mm512_add_epi32(a, b) EACH_2(a, b, _mm_add_epi32(ex, ey))
#define _mm512_add_epi64(a, b) EACH_2(a, b, _mm_add_epi64(ex, ey))
#define _mm512_sub_epi64(a, b) EACH_2(a, b, _mm_sub_epi64(ex, ey))
#define _mm512_xor_si512(a, b) EACH_2(a, b, _mm_xor_si128(ex, ey))
#define _mm512_and_si512(a, b) EACH_2(a, b, _mm_and_si128(ex, ey))
#define _mm512_shuffle_epi8(a, b) EACH_2(a, b, _mm_shuffle_epi8(ex, ey))
#define _mm512_unpacklo_epi32(a, b) EACH_2(a, b, _mm_unpacklo_epi32(ex, ey))
#define _mm512_unpackhi_epi32(a, b) EACH_2(a, b, _mm_unpackhi_epi32(ex, ey))
#define _mm512_unpacklo_epi64(a, b) EACH_2(a, b, _mm_unpacklo_epi64(ex, ey))
#define _mm512_unpackhi_epi64(a, b) EACH_2(a, b, _mm_unpackhi_epi64(ex, ey))
#define _mm512_clmulepi64_epi128(a, b, which) EACH_2(a, b, _mm_clmulepi64_si128(ex, ey, which))
#define _mm512_shuffle_epi32(a, order) EACH_2(a, a, _mm_shuffle_epi32(ex, (int)(order)))
#define _mm512_shuffle_i64x2(a, b, order) pick(a, b, order)
#define _mm512_broadcast_i32x4(a) same(a)
#define _mm512_set1_epi32(a) same(_mm_set1_epi32(a))
#define _mm512_setzero_si512() same(_mm_setzero_si128())
#define _mm512_zextsi128_si512(a) first(a)
#define _mm512_castsi512_si128(a) (a).part[0]
#define _mm512_loadu_si512(p) from((const void *)(p), 4)
#define _mm256_loadu_si256(p) from((const void *)(p), 2)
#define _mm512_castsi256_si512(a) (a)
#define _mm512_storeu_si512(p, a) to((void *)(p), a)
#define _mm512_setr_epi64(...) eight((const long long[8]){__VA_ARGS__}, 0)
#define _mm512_set_epi64(...) eight((const long long[8]){__VA_ARGS__}, 7)
#define _mm512_permutexvar_epi64(by, a) permute(by, a)
#define gcm_kern_vaes512 gcm_kern_emulated
#ifndef CT_FOLLOWED
#define CT_FOLLOWED /* vectors here are no registers whose order could be asked for */
#endif

#include "base/gcm_vaes512.c"
