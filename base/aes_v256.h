// SPDX-License-Identifier: ISC
/** aes_v256.h: vectors of 2 blocks, for aes_wide.h and what is built on it. */
#ifndef TACIT_BASE_AES_V256_H
#define TACIT_BASE_AES_V256_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "base/block.h"

#define LANES 2
#define INLINE static inline __attribute__((always_inline))

typedef __m256i v;

INLINE v v_load(const block *b) { return _mm256_loadu_si256((const __m256i *)b); }
INLINE v v_spread(const uint64_t *x) /* a word a part */
{
    return _mm256_permute4x64_epi64(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)x)), 0x50);
}
INLINE v v_load_bytes(const uint8_t *b) { return _mm256_loadu_si256((const __m256i *)b); }
INLINE void v_store_bytes(uint8_t *b, v x) { _mm256_storeu_si256((__m256i *)b, x); }
INLINE void v_store(block *b, v x) { _mm256_storeu_si256((__m256i *)b, x); }
INLINE v v_same(const block *b) { return _mm256_broadcastsi128_si256(_mm_load_si128((const __m128i *)b)); } /* in each part */
INLINE v v_zero(void) { return _mm256_setzero_si256(); }
INLINE v v_rows(uint64_t low, uint64_t high) { return _mm256_set_epi64x((int64_t)high, (int64_t)low, (int64_t)high, (int64_t)low); }
INLINE v v_counters(uint64_t nonce, uint64_t ctr)
{
    return _mm256_set_epi64x((int64_t)nonce, (int64_t)(ctr + 1), (int64_t)nonce, (int64_t)ctr);
}
INLINE v v_set32(int x) { return _mm256_set1_epi32(x); }
INLINE v v_xor(v a, v b) { return _mm256_xor_si256(a, b); }
INLINE v v_and(v a, v b) { return _mm256_and_si256(a, b); }
INLINE v v_add64(v a, v b) { return _mm256_add_epi64(a, b); }
INLINE v v_sub64(v a, v b) { return _mm256_sub_epi64(a, b); }
INLINE v v_aes(v x, v k) { return _mm256_aesenc_epi128(x, k); }
INLINE v v_aeslast(v x, v k) { return _mm256_aesenclast_epi128(x, k); }
INLINE v v_swap64(v x) { return _mm256_shuffle_epi32(x, 0x4e); }
INLINE v v_low64(v x) { return _mm256_shuffle_epi32(x, 0x44); } /* the lower half in both */
INLINE v v_third32(v x) { return _mm256_shuffle_epi32(x, 0xaa); } /* in all columns */
INLINE v v_fourth32(v x) { return _mm256_shuffle_epi32(x, 0xff); }
INLINE v v_shuffle8(v x, v by) { return _mm256_shuffle_epi8(x, by); }
INLINE v v_add32(v a, v b) { return _mm256_add_epi32(a, b); }
INLINE v v_clmul_low(v a, v b) { return _mm256_clmulepi64_epi128(a, b, 0x00); } /* of the lower halves */
INLINE v v_clmul_high(v a, v b) { return _mm256_clmulepi64_epi128(a, b, 0x11); }
/* One block: the first lane, zero in the others.  v_fold: the sum of all lanes there. */
INLINE v v_one(const void *b) { return _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)b)); }
INLINE void v_store_one(void *b, v x) { _mm_storeu_si128((__m128i *)b, _mm256_castsi256_si128(x)); }
INLINE v v_fold(v x)
{
    return _mm256_zextsi128_si256(_mm_xor_si128(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)));
}
INLINE v v_unpack32_low(v a, v b) { return _mm256_unpacklo_epi32(a, b); }
INLINE v v_unpack32_high(v a, v b) { return _mm256_unpackhi_epi32(a, b); }
INLINE v v_unpack64_low(v a, v b) { return _mm256_unpacklo_epi64(a, b); }
INLINE v v_unpack64_high(v a, v b) { return _mm256_unpackhi_epi64(a, b); }

/* x goes to memory and is loaded where it is used: there are sixteen registers. */
INLINE void v_aside(v *x) { __asm__("" : "+m"(*x)); }

#endif
