// SPDX-License-Identifier: ISC
#include "test/ntt_emulated.h"

#include <immintrin.h>
#include <string.h>

#include "base/cpu.h"

typedef struct {
    uint64_t x[8];
} lanes;

#define EACH for (int i = 0; i < 8; i++)
#define LOW52 ((UINT64_C(1) << 52) - 1)

static inline lanes same(uint64_t x) { return (lanes){{x, x, x, x, x, x, x, x}}; }

static inline lanes from(const void *p)
{
    lanes r;
    memcpy(&r, p, sizeof r);
    return r;
}

static inline lanes repeat(const uint64_t *p, int count)
{
    lanes r;
    EACH r.x[i] = p[i % count];
    return r;
}

static inline lanes bytes(const void *p)
{
    lanes r;
    EACH r.x[i] = (uint64_t)(int64_t)((const int8_t *)p)[i];
    return r;
}

static inline lanes sum(lanes a, lanes b)
{
    EACH a.x[i] += b.x[i];
    return a;
}

static inline lanes difference(lanes a, lanes b)
{
    EACH a.x[i] -= b.x[i];
    return a;
}

static inline lanes both(lanes a, lanes b)
{
    EACH a.x[i] &= b.x[i];
    return a;
}

static inline lanes lesser(lanes a, lanes b)
{
    EACH a.x[i] = a.x[i] < b.x[i] ? a.x[i] : b.x[i];
    return a;
}

static inline lanes left(lanes a, int by)
{
    EACH a.x[i] <<= by;
    return a;
}

static inline lanes right(lanes a, int by)
{
    EACH a.x[i] >>= by;
    return a;
}

static inline lanes madd(lanes c, lanes a, lanes b, int by)
{
    EACH c.x[i] += (uint64_t)((u128)(a.x[i] & LOW52) * (b.x[i] & LOW52) >> by) & LOW52;
    return c;
}

static inline lanes pick(lanes a, lanes from, lanes b)
{
    lanes r;
    EACH r.x[i] = from.x[i] & 8 ? b.x[from.x[i] & 7] : a.x[from.x[i] & 7];
    return r;
}

static inline lanes unpack(lanes a, lanes b, int high)
{
    lanes r;
    EACH r.x[i] = (i % 2 ? b : a).x[(i & 6) + high];
    return r;
}

static inline lanes in_pairs(lanes a, unsigned mask)
{
    lanes r;
    EACH r.x[i] = a.x[(i & 6) + (mask >> i & 1)];
    return r;
}

static inline lanes where(lanes a, unsigned mask, lanes b)
{
    EACH a.x[i] = mask >> i & 1 ? b.x[i] : a.x[i];
    return a;
}

static inline unsigned above(lanes a, lanes b)
{
    unsigned mask = 0;
    EACH mask |= (unsigned)(a.x[i] > b.x[i]) << i;
    return mask;
}

#undef _mm512_cmpgt_epu64_mask
#undef _mm512_permute_pd
#undef _mm512_setr_epi64
#define __m512i lanes
#define _mm_loadl_epi64(p) (p)
#define _mm_loadu_si128(p) ((const uint64_t *)(p))
#define _mm256_loadu_si256(p) ((const uint64_t *)(p))
#define _mm512_add_epi64 sum
#define _mm512_and_si512 both
#define _mm512_broadcast_i64x2(p) repeat(p, 2)
#define _mm512_broadcast_i64x4(p) repeat(p, 4)
#define _mm512_cmpgt_epu64_mask above
#define _mm512_cvtepi8_epi64 bytes
#define _mm512_loadu_si512 from
#define _mm512_madd52hi_epu64(c, a, b) madd(c, a, b, 52)
#define _mm512_madd52lo_epu64(c, a, b) madd(c, a, b, 0)
#define _mm512_mask_add_epi64(s, mask, a, b) where(s, mask, sum(a, b))
#define _mm512_mask_set1_epi64(s, mask, x) where(s, mask, same((uint64_t)(x)))
#define _mm512_min_epu64 lesser
#define _mm512_castpd_si512(x) (x)
#define _mm512_castsi512_pd(x) (x)
#define _mm512_permute_pd in_pairs
#define _mm512_permutex2var_epi64 pick
#define _mm512_set1_epi64(x) same((uint64_t)(x))
#define _mm512_setr_epi64(...) ((lanes){{__VA_ARGS__}})
#undef _mm512_slli_epi64 /* macros at -O0 */
#undef _mm512_srli_epi64
#define _mm512_slli_epi64 left
#define _mm512_srli_epi64 right
#define _mm512_storeu_si512(p, a) memcpy(p, (a).x, sizeof(lanes))
#define _mm512_sub_epi64 difference
#define _mm512_unpackhi_epi64(a, b) unpack(a, b, 1)
#define _mm512_unpacklo_epi64(a, b) unpack(a, b, 0)
#define INLINE static inline
#define UNROLL
#define CPU_AVX512 0
#define CPU_IFMA 0
#define ntt_kern_ifma ntt_kern_emulated

#include "ckks/ntt_ifma.c"
