// SPDX-License-Identifier: ISC
/* Differs from the definition of 16 vectors in flight: 12, because there are 16 registers and a round key needs one; the unit is full with 8. */
#include <immintrin.h>

#include "bench/yardstick.h"

#define FLIGHT 12

void yardstick_run_vaes(uint8_t out[64])
{
    __m256i x[FLIGHT], k = _mm256_set1_epi64x(0x0123456789abcdef);
    for (int i = 0; i < FLIGHT; i++)
        x[i] = _mm256_set1_epi64x(out[i] + i);
    for (int n = 0; n < YARDSTICK_BLOCKS; n += FLIGHT * 2) {
#pragma GCC unroll 12
        for (int i = 0; i < FLIGHT; i++)
            x[i] = _mm256_xor_si256(x[i], k);
#pragma GCC unroll 9
        for (int r = 0; r < 9; r++)
#pragma GCC unroll 12
            for (int i = 0; i < FLIGHT; i++)
                x[i] = _mm256_aesenc_epi128(x[i], k);
#pragma GCC unroll 12
        for (int i = 0; i < FLIGHT; i++)
            x[i] = _mm256_aesenclast_epi128(x[i], k);
    }
    for (int i = 1; i < FLIGHT; i++)
        x[0] = _mm256_xor_si256(x[0], x[i]);
    _mm256_storeu_si256((__m256i *)out, x[0]);
}
