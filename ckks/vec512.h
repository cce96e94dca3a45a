// SPDX-License-Identifier: ISC
/** vec512.h: vectors of eight words or doubles; as vec256.h. */
#ifndef TACIT_CKKS_VEC512_H
#define TACIT_CKKS_VEC512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 8
#define V(op) _mm512_##op

typedef __m512i vi;
typedef __m512d vd;

static inline vi all(uint64_t x) { return _mm512_set1_epi64((long long)x); }
static inline vd alld(double x) { return _mm512_set1_pd(x); }
static inline vi bits(vd x) { return _mm512_castpd_si512(x); }
static inline vd doubles(vi x) { return _mm512_castsi512_pd(x); }
static inline vi load(const void *p) { return _mm512_loadu_si512(p); }
static inline void store(void *p, vi x) { _mm512_storeu_si512(p, x); }
static inline vi and_(vi a, vi b) { return _mm512_and_si512(a, b); }
static inline vi or_(vi a, vi b) { return _mm512_or_si512(a, b); }
static inline vi xor_(vi a, vi b) { return _mm512_xor_si512(a, b); }
static inline vi lookup(__m128i table, vi x) { return _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table), x); }
static inline vi halves(vi a, vi b) { return _mm512_mask_mov_epi32(a, 0xaaaa, b); }
static inline vi plus_if(vi v, vi q, vi x, vi y) { return _mm512_mask_add_epi64(v, _mm512_cmpgt_epi64_mask(x, y), v, q); }
/* The wrong one of the two is the larger as an unsigned number. */
static inline vi less(vi x, vi q) { return _mm512_min_epu64(x, _mm512_sub_epi64(x, q)); }
static inline vi more(vi x, vi q) { return _mm512_min_epu64(x, _mm512_add_epi64(x, q)); }
static inline int any_negative(vi x) { return _mm512_movepi64_mask(x) != 0; }
static inline vi bytes(const int8_t *e) { return _mm512_cvtepi8_epi64(_mm_loadu_si64(e)); }
static inline vi quads(const int32_t *e) { return _mm512_cvtepi32_epi64(_mm256_loadu_si256((const __m256i *)e)); }

#endif
