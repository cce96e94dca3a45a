// SPDX-License-Identifier: ISC
/* Four numbers at a time.  A product of signed low halves is one instruction; so modulo 2^64 a digit d times a word c is
 * d lo(c) + 2^32 d hi(c), and the second parts are summed before they are shifted. */
#include <immintrin.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "ckks/encode_kern.h"

static inline __m256i all(int64_t x) { return _mm256_set1_epi64x(x); }
static inline __m256d alld(double x) { return _mm256_set1_pd(x); }
static inline __m256i bits(__m256d x) { return _mm256_castpd_si256(x); }
static inline __m256i join(__m256i lo, __m256i hi) { return _mm256_add_epi64(lo, _mm256_slli_epi64(hi, 32)); }

static int scale(double *x, size_t n, double factor, double bound)
{
    const __m256d f = alld(factor), b = alld(bound), sign = alld(-0.0);
    __m256d bad = _mm256_setzero_pd();
    for (size_t j = 0; j < n; j += 4) {
        const __m256d y = _mm256_mul_pd(_mm256_loadu_pd(x + j), f);
        _mm256_storeu_pd(x + j, y);
        bad = _mm256_or_pd(bad, _mm256_cmp_pd(_mm256_andnot_pd(sign, y), b, _CMP_NLE_UQ));
    }
    return _mm256_movemask_pd(bad) != 0;
}

static void residues(uint64_t *r, const double *x, size_t n, const encode_prime *p, size_t primes)
{
    const __m256d magic[ENCODE_DIGITS] = {alld(ENCODE_MAGIC), alld(ENCODE_MAGIC_1), alld(ENCODE_MAGIC_2), alld(ENCODE_MAGIC_3)};
    for (size_t done = 0; done < primes; done += 4) { /* few streams: at n = 8192 all of them meet in the same sets of a cache */
        const size_t end = primes - done < 4 ? primes : done + 4;
        for (size_t j = 0; j < n; j += 4) {
            __m256d y = _mm256_loadu_pd(x + j), h[ENCODE_DIGITS], s[ENCODE_DIGITS];
            for (size_t k = ENCODE_DIGITS; k-- > 0; y = _mm256_sub_pd(y, h[k])) {
                s[k] = _mm256_add_pd(y, magic[k]);
                h[k] = _mm256_sub_pd(s[k], magic[k]);
            }
            const __m256i d0 = _mm256_sub_epi64(bits(s[0]), bits(magic[0]));
            for (size_t i = done; i < end; i++) {
                __m256d quotient = _mm256_mul_pd(h[0], alld(p[i].f[0]));
                __m256i lo = d0, hi = _mm256_setzero_si256();
                for (size_t k = 1; k < ENCODE_DIGITS; k++) {
                    quotient = _mm256_add_pd(quotient, _mm256_mul_pd(h[k], alld(p[i].f[k])));
                    lo = _mm256_add_epi64(lo, _mm256_mul_epi32(bits(s[k]), all(p[i].c[k])));
                    hi = _mm256_add_epi64(hi, _mm256_mul_epi32(bits(s[k]), all(p[i].c_hi[k])));
                }
                const __m256i q = all(p[i].q), k = bits(_mm256_add_pd(quotient, magic[0]));
                lo = _mm256_sub_epi64(lo, _mm256_mul_epi32(k, q));
                hi = _mm256_sub_epi64(hi, _mm256_mul_epi32(k, all(p[i].q_hi)));
                const __m256i v = join(lo, hi);
                _mm256_storeu_si256((__m256i *)(r + i * n + j), _mm256_add_epi64(v, _mm256_and_si256(q, _mm256_cmpgt_epi64(all(0), v))));
            }
        }
    }
}

/* v, what is above its low half, and both digits as doubles. */
typedef struct {
    __m256i v, v_hi;
    __m256d d, d_hi;
} digits;

static inline digits split(__m256i v)
{
    const __m256i magic = all(INT64_C(0x4330000080000000)); /* 2^52 + 2^31 with a signed half in its low bits, the sign bit flipped */
    digits r = {.v = v, .v_hi = _mm256_srli_epi64(_mm256_add_epi64(v, all(INT64_C(1) << 31)), 32)};
    r.d = _mm256_sub_pd(_mm256_castsi256_pd(_mm256_blend_epi32(_mm256_xor_si256(v, magic), magic, 0xaa)), _mm256_castsi256_pd(magic));
    r.d_hi = _mm256_sub_pd(_mm256_castsi256_pd(_mm256_xor_si256(r.v_hi, magic)), _mm256_castsi256_pd(magic));
    return r;
}

static inline __m256d whole(digits a) { return _mm256_add_pd(_mm256_mul_pd(a.d_hi, alld(0x1p32)), a.d); }

/* A sum of v_j b_ij modulo 2^64 in two parts, and its quotient by q_i. */
typedef struct {
    __m256i lo, hi;
    __m256d quotient;
} sum;

static inline sum add_product(sum s, digits a, const encode_pair *b)
{
    s.lo = _mm256_add_epi64(s.lo, _mm256_add_epi64(_mm256_mul_epi32(a.v, all(b->b)), _mm256_mul_epi32(a.v_hi, all(b->b2))));
    s.hi = _mm256_add_epi64(s.hi, _mm256_add_epi64(_mm256_mul_epi32(a.v, all(b->b_hi)), _mm256_mul_epi32(a.v_hi, all(b->b2_hi))));
    s.quotient = _mm256_add_pd(s.quotient, _mm256_add_pd(_mm256_mul_pd(a.d, alld(b->f)), _mm256_mul_pd(a.d_hi, alld(b->f2))));
    return s;
}

/* v in (-q, q) to [-(q-1)/2, (q-1)/2]. */
static inline __m256i centre(__m256i v, __m256i q, const encode_prime *p)
{
    v = _mm256_sub_epi64(v, _mm256_and_si256(q, _mm256_cmpgt_epi64(v, all(p->half))));
    return _mm256_add_epi64(v, _mm256_and_si256(q, _mm256_cmpgt_epi64(all(-p->half), v)));
}

static inline __m256i reduce(sum s, const encode_prime *p)
{
    const __m256i q = all(p->q); /* |quotient| < 20 (2^30 + 2^27) + 2^27 < 2^36: beyond a half word */
    const __m256i k = _mm256_sub_epi64(bits(_mm256_add_pd(s.quotient, alld(ENCODE_MAGIC))), bits(alld(ENCODE_MAGIC)));
    s.lo = _mm256_sub_epi64(s.lo, _mm256_mul_epu32(k, q));
    s.hi = _mm256_sub_epi64(s.hi, _mm256_mul_epu32(_mm256_srli_epi64(k, 32), q));
    s.hi = _mm256_sub_epi64(s.hi, _mm256_mul_epu32(k, _mm256_srli_epi64(q, 32)));
    return centre(join(s.lo, s.hi), q, p);
}

static void lift(double *x, const uint64_t *m, size_t n, const encode_prime *p, const encode_pair *pair, size_t primes, double factor)
{
    digits v[32];
    const sum zero = {all(0), all(0), _mm256_setzero_pd()};
    for (size_t j = 0; j < n; j += 4) {
        v[0] = split(centre(_mm256_loadu_si256((const __m256i *)(m + j)), all(p->q), p));
        __m256d y = whole(v[0]);
        for (size_t i = 1; i < primes; i++) {
            const encode_pair *b = pair + ENCODE_PAIRS(i);
            sum s = add_product(zero, split(_mm256_loadu_si256((const __m256i *)(m + i * n + j))), b + i);
            for (size_t k = 0; k < i; k++) s = add_product(s, v[k], b + k);
            v[i] = split(reduce(s, p + i));
            y = _mm256_add_pd(y, _mm256_mul_pd(whole(v[i]), alld(p[i].power)));
        }
        _mm256_storeu_pd(x + j, _mm256_mul_pd(y, alld(factor)));
    }
    mem_wipe(v, sizeof v);
}

const encode_kern encode_kern_avx2 = {"avx2", CPU_AVX2, scale, residues, lift};
