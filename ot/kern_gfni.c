// SPDX-License-Identifier: ISC
#include "ot/kern.h"

#include <immintrin.h>

#include "base/cpu.h"

#define WIDTH 64
#define UNPACKLO(a, b) (vec) _mm512_unpacklo_epi8((__m512i)(a), (__m512i)(b))
#define UNPACKHI(a, b) (vec) _mm512_unpackhi_epi8((__m512i)(a), (__m512i)(b))

/* The squares are gathered into quadwords (byte i from row 7 - i: three levels of unpacking), then gf2p8affineqb turns each: with the
 * quadword as the matrix and x = 2^k as the k-th byte of the operand, result byte k has in bit i the matrix row that byte 7 - i holds, bit k.
 * In each 128-bit lane register r holds the columns of the lane's bytes 2r (low half, byte k is column k) and 2r + 1. */
#define BITS_PASS
#define COLUMN(r, p) (16 * (r) + (p))
#include "ot/kern_simd.h"

INLINE void bits_pass(vec to[8], const uint8_t *rows, size_t stride)
{
    const __m512i unit = _mm512_set1_epi64((long long)UINT64_C(0x8040201008040201));
    __m512i v[8], w[8];
    for (size_t k = 0; k < 8; k++) v[k] = _mm512_loadu_si512(rows + (7 - k) * stride);
    for (int k = 0; k < 4; k++) { /* bytes of rows (2k, 2k + 1): lane bytes 0..7, then 8..15 */
        w[k] = _mm512_unpacklo_epi8(v[2 * k], v[2 * k + 1]);
        w[k + 4] = _mm512_unpackhi_epi8(v[2 * k], v[2 * k + 1]);
    }
    for (int h = 0; h < 8; h += 4)
        for (int k = 0; k < 2; k++) { /* of rows (4k .. 4k + 3): lane bytes 4q .. 4q + 3 in v[h + q' ...] */
            v[h + k] = _mm512_unpacklo_epi16(w[h + 2 * k], w[h + 2 * k + 1]);
            v[h + k + 2] = _mm512_unpackhi_epi16(w[h + 2 * k], w[h + 2 * k + 1]);
        }
    for (int h = 0; h < 8; h += 2) {
        to[h] = (vec)_mm512_gf2p8affine_epi64_epi8(unit, _mm512_unpacklo_epi32(v[h], v[h + 1]), 0);
        to[h + 1] = (vec)_mm512_gf2p8affine_epi64_epi8(unit, _mm512_unpackhi_epi32(v[h], v[h + 1]), 0);
    }
}

static void transpose(block *out, const uint8_t *rows, size_t stride, size_t columns)
{
    size_t c = transpose_strips(out, rows, stride, columns);
    if (c < columns) ot_transpose_avx2(out + c, rows + c / 8, stride, columns - c);
}

const ot_kern ot_kern_gfni = {"gfni", CPU_GFNI | CPU_AVX512 | CPU_AVX2 | CPU_SSE2, transpose, fold};
