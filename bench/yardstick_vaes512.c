// SPDX-License-Identifier: ISC
#include <immintrin.h>

#include "bench/yardstick.h"

#define FLIGHT 16

void yardstick_run_vaes512(uint8_t out[64])
{
    __m512i x[FLIGHT], k = _mm512_set1_epi64(0x0123456789abcdef);
    for (int i = 0; i < FLIGHT; i++)
        x[i] = _mm512_set1_epi64(out[i] + i);
    for (int n = 0; n < YARDSTICK_BLOCKS; n += FLIGHT * 4) {
#pragma GCC unroll 16
        for (int i = 0; i < FLIGHT; i++)
            x[i] = _mm512_xor_si512(x[i], k);
#pragma GCC unroll 9
        for (int r = 0; r < 9; r++)
#pragma GCC unroll 16
            for (int i = 0; i < FLIGHT; i++)
                x[i] = _mm512_aesenc_epi128(x[i], k);
#pragma GCC unroll 16
        for (int i = 0; i < FLIGHT; i++)
            x[i] = _mm512_aesenclast_epi128(x[i], k);
    }
    for (int i = 1; i < FLIGHT; i++)
        x[0] = _mm512_xor_si512(x[0], x[i]);
    _mm512_storeu_si512((__m512i *)out, x[0]);
}
