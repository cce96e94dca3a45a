// SPDX-License-Identifier: ISC
#include "base/cpu.h"
#include "ckks/vec256.h"
#include "ckks/ring_body.h"

/* x / 2^64 in base 3: the digit is the number of thirds of 2^64 below x, compared with both signs flipped; then x = 3x, for which the
 * flipped sign bit stays one. */
static void ternary(int8_t *out, const uint64_t *w, size_t words)
{
    const vi sign = all(UINT64_C(1) << 63), third = all(UINT64_C(0xd555555555555555)), thirds = all(UINT64_C(0x2aaaaaaaaaaaaaaa));
    for (size_t i = 0; i < words; i += 4) {
        vi x = _mm256_xor_si256(load(w + i), sign), digits = _mm256_setzero_si256();
        for (int j = 0; j < 8; j++) {
            const vi minus = _mm256_add_epi64(_mm256_cmpgt_epi64(x, third), _mm256_cmpgt_epi64(x, thirds));
            digits = _mm256_sub_epi64(_mm256_srli_epi64(digits, 8), _mm256_slli_epi64(minus, 56));
            x = _mm256_add_epi64(_mm256_add_epi64(x, x), x);
        }
        store(out + 8 * i, _mm256_add_epi8(digits, _mm256_set1_epi8(-1)));
    }
}

static size_t accept_var(uint64_t *r, const uint64_t *w, size_t words, const modulus *q)
{
    const uint64_t mask = (UINT64_C(1) << q->bits) - 1;
    size_t kept = 0, i = 0;
    for (; i + 4 <= words; i += 4) {
        const vi x = _mm256_and_si256(load(w + i), all(mask));
        const int refused = _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpgt_epi64(x, all(q->q - 1))));
        store(r + kept, x);
        if (!refused) {
            kept += 4;
            continue;
        }
        for (size_t j = 0; j < 4; j++) {
            r[kept] = w[i + j] & mask;
            kept += !(refused >> j & 1);
        }
    }
    for (; i < words; i++) {
        r[kept] = w[i] & mask;
        kept += r[kept] < q->q;
    }
    return kept;
}

static void permute(uint64_t *r, const uint64_t *a, const uint32_t *from, size_t n)
{
    for (size_t i = 0; i < n; i += 4) { /* a place in a block, 0 .. 3, as the two of its halves */
        const vi place = _mm256_and_si256(_mm256_cvtepu32_epi64(_mm_loadu_si128((const __m128i *)(from + i))), all(3));
        const vi low = _mm256_slli_epi64(place, 1), both = _mm256_or_si256(low, _mm256_slli_epi64(_mm256_or_si256(low, all(1)), 32));
        store(r + i, _mm256_permutevar8x32_epi32(load(a + (from[i] & ~UINT32_C(3))), both));
    }
}

const ring_kern ring_kern_avx2 = {"avx2", CPU_AVX2, ternary, cbd, accept_var, round_pair, noisy_sub, noisy_add, wide_add,
                                      scale, to_pow2, from_pow2, add_centred, add, permute, outside};
