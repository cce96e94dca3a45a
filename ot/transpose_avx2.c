// SPDX-License-Identifier: ISC
#include "base/cpu.h"
#include "base/mem.h"
#include "ot/transpose.h"

#ifdef __AVX2__
#include <immintrin.h>

/* Two passes over a strip of 256 columns:
 *   bits    eight rows, 256 columns: three butterflies between registers turn the 8 x 8 bit square at each byte, so that register k
 *           holds in byte p the eight rows' bits of column 8p + k;
 *   bytes   for each k, sixteen such registers (128 rows): a 16 x 16 byte transpose in each half, whose rows are output blocks. */

#define BUTTERFLY(a, b, s, m)                                                                             \
    do {                                                                                                  \
        __m256i x_ = _mm256_and_si256(_mm256_xor_si256(_mm256_srli_epi64(a, s), b), _mm256_set1_epi8(m)); \
        b = _mm256_xor_si256(b, x_);                                                                      \
        a = _mm256_xor_si256(a, _mm256_slli_epi64(x_, s));                                                \
    } while (0)

static inline __attribute__((always_inline)) void bits_pass(__m256i *to, const uint8_t *rows, size_t stride, int wide)
{
    __m256i v[8];
    for (int k = 0; k < 8; k++) {
        const void *p = rows + (size_t)k * stride;
        v[k] = wide ? _mm256_loadu_si256(p) : _mm256_zextsi128_si256(_mm_loadu_si128(p));
    }
    for (int k = 0; k < 4; k++) BUTTERFLY(v[k], v[k + 4], 4, 0x0f);
    for (int k = 0; k < 8; k += 4) {
        BUTTERFLY(v[k], v[k + 2], 2, 0x33);
        BUTTERFLY(v[k + 1], v[k + 3], 2, 0x33);
    }
    for (int k = 0; k < 8; k += 2) BUTTERFLY(v[k], v[k + 1], 1, 0x55);
    for (int k = 0; k < 8; k++) to[k] = v[k];
}

/* One level of the byte transpose: a perfect shuffle of (i, i + 8) for all i; four of them transpose 16 x 16. */
static inline __attribute__((always_inline)) void shuffle16(__m256i to[16], const __m256i from[16])
{
    for (int i = 0; i < 8; i++) {
        to[2 * i] = _mm256_unpacklo_epi8(from[i], from[i + 8]);
        to[2 * i + 1] = _mm256_unpackhi_epi8(from[i], from[i + 8]);
    }
}

static inline __attribute__((always_inline)) void strip(block *out, __m256i m[16][8], const uint8_t *rows, size_t stride, int wide)
{
    __m256i a[16], b[16];
    for (size_t g = 0; g < 16; g++) bits_pass(m[g], rows + 8 * g * stride, stride, wide);
    for (size_t k = 0; k < 8; k++) {
        for (size_t g = 0; g < 16; g++) a[g] = m[g][k];
        shuffle16(b, a);
        shuffle16(a, b);
        shuffle16(b, a);
        shuffle16(a, b);
        for (size_t p = 0; p < 16; p++) {
            _mm_store_si128((__m128i *)&out[8 * p + k], _mm256_castsi256_si128(a[p]));
            if (wide) _mm_store_si128((__m128i *)&out[8 * (p + 16) + k], _mm256_extracti128_si256(a[p], 1));
        }
    }
}

static void run(block *out, const uint8_t *rows, size_t stride, size_t columns)
{
    __m256i m[16][8];
    size_t c = 0;
    for (; c + 256 <= columns; c += 256) strip(out + c, m, rows + c / 8, stride, 1);
    if (c < columns) strip(out + c, m, rows + c / 8, stride, 0);
    mem_wipe(m, sizeof m);
}

const ot_transpose_kernel *ot_transpose_avx2(void)
{
    static const ot_transpose_kernel kernel = {"avx2", run};
    return cpu_features() & CPU_AVX2 ? &kernel : NULL;
}
#else
const ot_transpose_kernel *ot_transpose_avx2(void) { return NULL; }
#endif
