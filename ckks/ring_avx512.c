// SPDX-License-Identifier: ISC
#include "base/cpu.h"
#include "ckks/vec512.h"
#include "ckks/ring_body.h"

static void ternary(int8_t *out, const uint64_t *w, size_t words)
{
    const vi third = all(UINT64_C(0x5555555555555555)), thirds = all(UINT64_C(0xaaaaaaaaaaaaaaaa)), one = all(UINT64_C(1) << 56);
    for (size_t i = 0; i < words; i += 8) {
        vi x = load(w + i), digits = _mm512_setzero_si512();
        for (int j = 0; j < 8; j++) {
            digits = _mm512_srli_epi64(digits, 8);
            digits = _mm512_mask_add_epi64(digits, _mm512_cmpgt_epu64_mask(x, third), digits, one);
            digits = _mm512_mask_add_epi64(digits, _mm512_cmpgt_epu64_mask(x, thirds), digits, one);
            x = _mm512_add_epi64(_mm512_add_epi64(x, x), x);
        }
        store(out + 8 * i, _mm512_add_epi8(digits, _mm512_set1_epi8(-1)));
    }
}

static size_t accept_var(uint64_t *r, const uint64_t *w, size_t words, const modulus *q)
{
    const vi mask = all((UINT64_C(1) << q->bits) - 1);
    size_t kept = 0;
    for (size_t i = 0; i < words; i += 8) {
        const __mmask8 there = (__mmask8)(words - i < 8 ? (1u << (words - i)) - 1 : 0xff);
        const vi x = _mm512_and_si512(_mm512_maskz_loadu_epi64(there, w + i), mask);
        const __mmask8 good = _mm512_mask_cmplt_epu64_mask(there, x, all(q->q));
        _mm512_mask_storeu_epi64(r + kept, there, _mm512_maskz_compress_epi64(good, x));
        kept += (size_t)__builtin_popcount(good);
    }
    return kept;
}

static void permute(uint64_t *r, const uint64_t *a, const uint32_t *from, size_t n)
{
    for (size_t i = 0; i < n; i += 8) { /* of a place the instruction reads the low three bits */
        const vi place = _mm512_cvtepu32_epi64(_mm256_loadu_si256((const __m256i *)(from + i)));
        store(r + i, _mm512_permutexvar_epi64(place, load(a + (from[i] & ~UINT32_C(7)))));
    }
}

const ring_kern ring_kern_avx512 = {"avx512", CPU_AVX512, ternary, cbd, accept_var, round_pair, noisy_sub, noisy_add, wide_add,
                                      scale, to_pow2, from_pow2, add_centred, add, permute, outside};
