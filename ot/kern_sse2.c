// SPDX-License-Identifier: ISC
#include "ot/kern.h"

#include <emmintrin.h>

#include "base/cpu.h"

#define WIDTH 16
#define UNPACKLO(a, b) (vec) _mm_unpacklo_epi8((__m128i)(a), (__m128i)(b))
#define UNPACKHI(a, b) (vec) _mm_unpackhi_epi8((__m128i)(a), (__m128i)(b))
#include "ot/kern_simd.h"

void ot_transpose_sse2(block *out, const uint8_t *rows, size_t stride, size_t columns)
{
    (void)transpose_strips(out, rows, stride, columns); /* a strip is 128 columns */
}

const ot_kern ot_kern_sse2 = {"sse2", CPU_SSE2, ot_transpose_sse2, fold};
