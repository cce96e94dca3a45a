// SPDX-License-Identifier: ISC
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 8
#define NEAREST_BY_SUM 1 /* Intel: a rounding is two operations */
#define INLINE static inline __attribute__((always_inline))

typedef __m512d v;
typedef __m512i vi;

INLINE v v_set(double x) { return _mm512_set1_pd(x); }
INLINE v v_load(const double *x) { return _mm512_loadu_pd(x); }
INLINE void v_store(double *r, v x) { _mm512_storeu_pd(r, x); }
INLINE v v_add(v a, v b) { return _mm512_add_pd(a, b); }
INLINE v v_sub(v a, v b) { return _mm512_sub_pd(a, b); }
INLINE v v_mul(v a, v b) { return _mm512_mul_pd(a, b); }
INLINE v v_fma(v a, v b, v c) { return _mm512_fmadd_pd(a, b, c); }  /* a b + c */
INLINE v v_fms(v a, v b, v c) { return _mm512_fmsub_pd(a, b, c); }  /* a b - c */
INLINE v v_fnma(v a, v b, v c) { return _mm512_fnmadd_pd(a, b, c); } /* c - a b */
INLINE vi v_bits(v x) { return _mm512_castpd_si512(x); }
INLINE v v_cast(vi x) { return _mm512_castsi512_pd(x); }
INLINE vi vi_load(const uint64_t *x) { return _mm512_loadu_si512((const __m512i *)x); }
INLINE void vi_store(uint64_t *r, vi x) { _mm512_storeu_si512((__m512i *)r, x); }
INLINE v v_from_bytes(const int8_t *x) { return _mm512_cvtepi32_pd(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)x))); }
INLINE vi vi_or(vi a, vi b) { return _mm512_or_si512(a, b); }
INLINE vi vi_xor(vi a, vi b) { return _mm512_xor_si512(a, b); }
INLINE v v_round(v x) { return _mm512_roundscale_pd(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
INLINE v v_floor(v x) { return _mm512_roundscale_pd(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
/* a where x has the sign bit, else b */
INLINE v v_if_negative(v x, v a, v b) { return _mm512_mask_blend_pd(_mm512_movepi64_mask(v_bits(x)), b, a); }

/* In either half: 4 x 4 doubles, rows to columns. */
INLINE void v_transpose(v x[4])
{
    const vi low = _mm512_setr_epi64(0, 1, 8, 9, 4, 5, 12, 13), high = _mm512_setr_epi64(2, 3, 10, 11, 6, 7, 14, 15);
    const v a = _mm512_unpacklo_pd(x[0], x[1]), b = _mm512_unpackhi_pd(x[0], x[1]);
    const v c = _mm512_unpacklo_pd(x[2], x[3]), d = _mm512_unpackhi_pd(x[2], x[3]);
    x[0] = _mm512_permutex2var_pd(a, low, c);
    x[1] = _mm512_permutex2var_pd(b, low, d);
    x[2] = _mm512_permutex2var_pd(a, high, c);
    x[3] = _mm512_permutex2var_pd(b, high, d);
}

/* A step of the last four levels is two groups of 16 words: vectors in order to vectors of the same quarter of both, and back. */
INLINE void v_gather(v x[4])
{
    const v a = x[0], b = x[1], c = x[2], d = x[3];
    x[0] = _mm512_shuffle_f64x2(a, c, 0x44);
    x[1] = _mm512_shuffle_f64x2(a, c, 0xee);
    x[2] = _mm512_shuffle_f64x2(b, d, 0x44);
    x[3] = _mm512_shuffle_f64x2(b, d, 0xee);
}
INLINE void v_scatter(v x[4])
{
    const v a = x[0], b = x[1], c = x[2], d = x[3];
    x[0] = _mm512_shuffle_f64x2(a, b, 0x44);
    x[1] = _mm512_shuffle_f64x2(c, d, 0x44);
    x[2] = _mm512_shuffle_f64x2(a, b, 0xee);
    x[3] = _mm512_shuffle_f64x2(c, d, 0xee);
}
INLINE v v_set_groups(const double *x, size_t stride) { return _mm512_mask_blend_pd(0xf0, v_set(x[0]), v_set(x[stride])); }

#include "ckks/ntt_fp.h"

const ntt_kern ntt_kern_avx512 = {"avx512", CPU_AVX512, 32, UINT64_C(1) << 50, 4, fill_var, forward, forward_small, forward_lifted, inverse,
                                  multiply, inner, multiply_sub, lift, scale_add, sub_scale};
