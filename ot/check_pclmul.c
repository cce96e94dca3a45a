// SPDX-License-Identifier: ISC
#include "ot/check_kern.h"

#include <immintrin.h>

#include "base/cpu.h"

static inline void add(block *to, __m128i x) { _mm_store_si128((__m128i *)to, _mm_xor_si128(_mm_load_si128((const __m128i *)to), x)); }

static void absorb(ot_check_sum *sum, const block *x, size_t count, const block *power)
{
    const __m128i p = _mm_load_si128((const __m128i *)power);
    for (size_t j = 0; j < count; j++) {
        const __m128i a = _mm_load_si128((const __m128i *)&x[j]);
        add(&sum[j].low, _mm_clmulepi64_si128(a, p, 0x00));
        add(&sum[j].middle, _mm_xor_si128(_mm_clmulepi64_si128(a, p, 0x01), _mm_clmulepi64_si128(a, p, 0x10)));
        add(&sum[j].high, _mm_clmulepi64_si128(a, p, 0x11));
    }
}

const ot_check_kern ot_check_kern_pclmul = {"pclmul", CPU_AESNI, absorb};
