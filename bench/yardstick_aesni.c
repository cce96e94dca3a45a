// SPDX-License-Identifier: ISC
/* Differs from the definition of 16 vectors in flight: 12, because there are 16 registers and a round key needs one; the unit is full with 8. */
#include <immintrin.h>

#include "bench/yardstick.h"

#define FLIGHT 12

void yardstick_run_aesni(uint8_t out[64])
{
    __m128i x[FLIGHT], k = _mm_set1_epi64x(0x0123456789abcdef);
    for (int i = 0; i < FLIGHT; i++)
        x[i] = _mm_set1_epi64x(out[i] + i);
    for (int n = 0; n < YARDSTICK_BLOCKS; n += FLIGHT * 1) {
#pragma GCC unroll 12
        for (int i = 0; i < FLIGHT; i++)
            x[i] = _mm_xor_si128(x[i], k);
#pragma GCC unroll 9
        for (int r = 0; r < 9; r++)
#pragma GCC unroll 12
            for (int i = 0; i < FLIGHT; i++)
                x[i] = _mm_aesenc_si128(x[i], k);
#pragma GCC unroll 12
        for (int i = 0; i < FLIGHT; i++)
            x[i] = _mm_aesenclast_si128(x[i], k);
    }
    for (int i = 1; i < FLIGHT; i++)
        x[0] = _mm_xor_si128(x[0], x[i]);
    _mm_storeu_si128((__m128i *)out, x[0]);
}
