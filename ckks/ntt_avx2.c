// SPDX-License-Identifier: ISC
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANES 4
#define NEAREST_BY_SUM 0 /* AMD: one operation */
#define INLINE static inline __attribute__((always_inline))

typedef __m256d v;
typedef __m256i vi;

INLINE v v_set(double x) { return _mm256_set1_pd(x); }
INLINE v v_load(const double *x) { return _mm256_loadu_pd(x); }
INLINE void v_store(double *r, v x) { _mm256_storeu_pd(r, x); }
INLINE v v_add(v a, v b) { return _mm256_add_pd(a, b); }
INLINE v v_sub(v a, v b) { return _mm256_sub_pd(a, b); }
INLINE v v_mul(v a, v b) { return _mm256_mul_pd(a, b); }
INLINE v v_fma(v a, v b, v c) { return _mm256_fmadd_pd(a, b, c); }  /* a b + c */
INLINE v v_fms(v a, v b, v c) { return _mm256_fmsub_pd(a, b, c); }  /* a b - c */
INLINE v v_fnma(v a, v b, v c) { return _mm256_fnmadd_pd(a, b, c); } /* c - a b */
INLINE vi v_bits(v x) { return _mm256_castpd_si256(x); }
INLINE v v_cast(vi x) { return _mm256_castsi256_pd(x); }
INLINE vi vi_load(const uint64_t *x) { return _mm256_loadu_si256((const __m256i *)x); }
INLINE void vi_store(uint64_t *r, vi x) { _mm256_storeu_si256((__m256i *)r, x); }
INLINE v v_from_bytes(const int8_t *x)
{
    int32_t w;
    memcpy(&w, x, sizeof w);
    return _mm256_cvtepi32_pd(_mm_cvtepi8_epi32(_mm_cvtsi32_si128(w)));
}
INLINE vi vi_or(vi a, vi b) { return _mm256_or_si256(a, b); }
INLINE vi vi_xor(vi a, vi b) { return _mm256_xor_si256(a, b); }
INLINE v v_round(v x) { return _mm256_round_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
INLINE v v_floor(v x) { return _mm256_floor_pd(x); }
/* a where x has the sign bit, else b */
INLINE v v_if_negative(v x, v a, v b) { return _mm256_blendv_pd(b, a, x); }

/* 4 x 4 doubles, rows to columns */
INLINE void v_transpose(v x[4])
{
    const v a = _mm256_unpacklo_pd(x[0], x[1]), b = _mm256_unpackhi_pd(x[0], x[1]);
    const v c = _mm256_unpacklo_pd(x[2], x[3]), d = _mm256_unpackhi_pd(x[2], x[3]);
    x[0] = _mm256_permute2f128_pd(a, c, 0x20);
    x[1] = _mm256_permute2f128_pd(b, d, 0x20);
    x[2] = _mm256_permute2f128_pd(a, c, 0x31);
    x[3] = _mm256_permute2f128_pd(b, d, 0x31);
}

/* A step of the last four levels is one group of 16 words: in order, its quarters are the vectors. */
INLINE void v_gather(v x[4]) { (void)x; }
INLINE void v_scatter(v x[4]) { (void)x; }
INLINE v v_set_groups(const double *x, size_t stride)
{
    (void)stride;
    return v_set(x[0]);
}

#include "ckks/ntt_fp.h"

const ntt_kern ntt_kern_avx2 = {"avx2", CPU_AVX2, 32, UINT64_C(1) << 50, 4, fill_var, forward, forward_small, forward_lifted, inverse,
                                  multiply, inner, multiply_sub, lift, scale_add, sub_scale};
