// SPDX-License-Identifier: ISC
#include "base/cpu.h"
#include "ot/kern.h"

#ifdef __SSE2__
#include <emmintrin.h>

#define WIDTH 16
#define UNPACKLO(a, b) (vec) _mm_unpacklo_epi8((__m128i)(a), (__m128i)(b))
#define UNPACKHI(a, b) (vec) _mm_unpackhi_epi8((__m128i)(a), (__m128i)(b))
#include "ot/kern_simd.h"

void ot_transpose_sse2(block *out, const uint8_t *rows, size_t stride, size_t columns)
{
    (void)transpose_strips(out, rows, stride, columns); /* a strip is 128 columns */
}

const ot_kern *ot_kern_sse2(void)
{
    static const ot_kern kern = {"sse2", ot_transpose_sse2, fold};
    return cpu_features() & CPU_SSE2 ? &kern : NULL;
}
#else
const ot_kern *ot_kern_sse2(void) { return NULL; }
#endif
