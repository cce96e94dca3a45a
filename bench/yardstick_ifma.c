// SPDX-License-Identifier: ISC
#include <immintrin.h>

#include "bench/yardstick.h"

#define FLIGHT 16

void yardstick_run_ifma(uint8_t out[64])
{
    __m512i x[FLIGHT], a = _mm512_set1_epi64(0x0123456789abc), b = _mm512_set1_epi64(out[0] + 3);
    for (int i = 0; i < FLIGHT; i++)
        x[i] = _mm512_set1_epi64(out[i] + i);
    for (int n = 0; n < YARDSTICK_MADDS; n += FLIGHT)
#pragma GCC unroll 16
        for (int i = 0; i < FLIGHT; i++)
            x[i] = _mm512_madd52lo_epu64(x[i], a, b);
    for (int i = 1; i < FLIGHT; i++)
        x[0] = _mm512_xor_si512(x[0], x[i]);
    _mm512_storeu_si512(out, x[0]);
}
