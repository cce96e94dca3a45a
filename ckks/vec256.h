// SPDX-License-Identifier: ISC
/** vec256.h: vectors of four words or doubles, for embed_body.h, encode_body.h and ring_body.h; V(op) is the intrinsic of that name. */
#ifndef TACIT_CKKS_VEC256_H
#define TACIT_CKKS_VEC256_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define LANES 4
#define V(op) _mm256_##op

typedef __m256i vi;
typedef __m256d vd;

static inline vi all(uint64_t x) { return _mm256_set1_epi64x((long long)x); }
static inline vd alld(double x) { return _mm256_set1_pd(x); }
static inline vi bits(vd x) { return _mm256_castpd_si256(x); }
static inline vd doubles(vi x) { return _mm256_castsi256_pd(x); }
static inline vi load(const void *p) { return _mm256_loadu_si256(p); }
static inline void store(void *p, vi x) { _mm256_storeu_si256(p, x); }
static inline vi and_(vi a, vi b) { return _mm256_and_si256(a, b); }
static inline vi or_(vi a, vi b) { return _mm256_or_si256(a, b); }
static inline vi xor_(vi a, vi b) { return _mm256_xor_si256(a, b); }
/* Nibbles' places in a table of 16 bytes. */
static inline vi lookup(__m128i table, vi x) { return _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), x); }
/* The low halves of a's words beside the upper ones of b's. */
static inline vi halves(vi a, vi b) { return _mm256_blend_epi32(a, b, 0xaa); }
/* v + q where x > y, as signed numbers, else v. */
static inline vi plus_if(vi v, vi q, vi x, vi y) { return _mm256_add_epi64(v, _mm256_and_si256(q, _mm256_cmpgt_epi64(x, y))); }
/* b where the sign bit of s is set, else a. */
static inline vi pick(vi a, vi b, vi s) { return bits(_mm256_blendv_pd(doubles(a), doubles(b), doubles(s))); }
/* x in [0, 2q) to [0, q);  x in (-q, q) to [0, q): q below 2^62 */
static inline vi less(vi x, vi q)
{
    const vi t = _mm256_sub_epi64(x, q);
    return pick(t, x, t);
}
static inline vi more(vi x, vi q) { return pick(x, _mm256_add_epi64(x, q), x); }
static inline int any_negative(vi x) { return _mm256_movemask_pd(doubles(x)) != 0; }
/* As many bytes;  numbers of 32 bits. */
static inline vi bytes(const int8_t *e) { return _mm256_cvtepi8_epi64(_mm_loadu_si32(e)); }
static inline vi quads(const int32_t *e) { return _mm256_cvtepi32_epi64(_mm_loadu_si128((const __m128i *)e)); }

#endif
