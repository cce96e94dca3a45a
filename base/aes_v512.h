// SPDX-License-Identifier: ISC
/** aes_v512.h: vectors of 4 blocks, for aes_wide.h and what is built on it. */
#ifndef TACIT_BASE_AES_V512_H
#define TACIT_BASE_AES_V512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#include "base/block.h"

#define LANES 4
#define INLINE static inline __attribute__((always_inline))

typedef __m512i v;

INLINE v v_load(const block *b) { return _mm512_loadu_si512((const __m512i *)b); }
INLINE v v_spread(const uint64_t *x) /* a word a part */
{
    const v words = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)x));
    return _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 0, 1, 1, 2, 2, 3, 3), words);
}
INLINE v v_load_bytes(const uint8_t *b) { return _mm512_loadu_si512((const __m512i *)b); }
INLINE void v_store_bytes(uint8_t *b, v x) { _mm512_storeu_si512((__m512i *)b, x); }
INLINE void v_store(block *b, v x) { _mm512_storeu_si512((__m512i *)b, x); }
INLINE v v_same(const block *b) { return _mm512_broadcast_i32x4(_mm_load_si128((const __m128i *)b)); } /* in each part */
INLINE v v_zero(void) { return _mm512_setzero_si512(); }
INLINE v v_rows(uint64_t low, uint64_t high)
{
    const long long l = (long long)low, h = (long long)high;
    return _mm512_set_epi64(h, l, h, l, h, l, h, l);
}
INLINE v v_counters(uint64_t nonce, uint64_t ctr)
{
    const long long h = (long long)nonce, c[4] = {(long long)ctr, (long long)(ctr + 1), (long long)(ctr + 2), (long long)(ctr + 3)};
    return _mm512_set_epi64(h, c[3], h, c[2], h, c[1], h, c[0]);
}
INLINE v v_set32(int x) { return _mm512_set1_epi32(x); }
INLINE v v_xor(v a, v b) { return _mm512_xor_si512(a, b); }
INLINE v v_and(v a, v b) { return _mm512_and_si512(a, b); }
INLINE v v_add64(v a, v b) { return _mm512_add_epi64(a, b); }
INLINE v v_sub64(v a, v b) { return _mm512_sub_epi64(a, b); }
INLINE v v_aes(v x, v k) { return _mm512_aesenc_epi128(x, k); }
INLINE v v_aeslast(v x, v k) { return _mm512_aesenclast_epi128(x, k); }
INLINE v v_swap64(v x) { return _mm512_shuffle_epi32(x, (_MM_PERM_ENUM)0x4e); }
INLINE v v_low64(v x) { return _mm512_shuffle_epi32(x, (_MM_PERM_ENUM)0x44); } /* the lower half in both */
INLINE v v_third32(v x) { return _mm512_shuffle_epi32(x, (_MM_PERM_ENUM)0xaa); } /* in all columns */
INLINE v v_fourth32(v x) { return _mm512_shuffle_epi32(x, (_MM_PERM_ENUM)0xff); }
INLINE v v_shuffle8(v x, v by) { return _mm512_shuffle_epi8(x, by); }
INLINE v v_add32(v a, v b) { return _mm512_add_epi32(a, b); }
INLINE v v_clmul_low(v a, v b) { return _mm512_clmulepi64_epi128(a, b, 0x00); } /* of the lower halves */
INLINE v v_clmul_high(v a, v b) { return _mm512_clmulepi64_epi128(a, b, 0x11); }
/* One block: the first lane, zero in the others.  v_fold: the sum of all lanes there. */
INLINE v v_one(const void *b) { return _mm512_zextsi128_si512(_mm_loadu_si128((const __m128i *)b)); }
INLINE void v_store_one(void *b, v x) { _mm_storeu_si128((__m128i *)b, _mm512_castsi512_si128(x)); }
INLINE v v_fold(v x)
{
    x = _mm512_xor_si512(x, _mm512_shuffle_i64x2(x, x, 0x4e));
    x = _mm512_xor_si512(x, _mm512_shuffle_i64x2(x, x, 0xb1));
    return _mm512_zextsi128_si512(_mm512_castsi512_si128(x));
}
INLINE v v_unpack32_low(v a, v b) { return _mm512_unpacklo_epi32(a, b); }
INLINE v v_unpack32_high(v a, v b) { return _mm512_unpackhi_epi32(a, b); }
INLINE v v_unpack64_low(v a, v b) { return _mm512_unpacklo_epi64(a, b); }
INLINE v v_unpack64_high(v a, v b) { return _mm512_unpackhi_epi64(a, b); }

INLINE void v_aside(v *x) { (void)x; } /* there are thirty-two registers */

#endif
