// SPDX-License-Identifier: ISC
#include "ot/kern.h"

#include <immintrin.h>

#include "base/cpu.h"

#define WIDTH 32
#define UNPACKLO(a, b) (vec) _mm256_unpacklo_epi8((__m256i)(a), (__m256i)(b))
#define UNPACKHI(a, b) (vec) _mm256_unpackhi_epi8((__m256i)(a), (__m256i)(b))
#include "ot/kern_simd.h"

void ot_transpose_avx2(block *out, const uint8_t *rows, size_t stride, size_t columns)
{
    size_t c = transpose_strips(out, rows, stride, columns);
    if (c < columns) ot_transpose_sse2(out + c, rows + c / 8, stride, columns - c);
}

const ot_kern ot_kern_avx2 = {"avx2", CPU_AVX2 | CPU_SSE2, ot_transpose_avx2, fold};
