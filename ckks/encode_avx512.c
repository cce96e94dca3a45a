// SPDX-License-Identifier: ISC
/* Eight numbers at a time.  A product of signed low halves is one instruction; so modulo 2^64 a digit d times a word c is
 * d lo(c) + 2^32 d hi(c), and the second parts are summed before they are shifted. */
#include <immintrin.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "ckks/encode_kern.h"

static inline __m512i all(int64_t x) { return _mm512_set1_epi64(x); }
static inline __m512d alld(double x) { return _mm512_set1_pd(x); }
static inline __m512i bits(__m512d x) { return _mm512_castpd_si512(x); }
static inline __m512i join(__m512i lo, __m512i hi) { return _mm512_add_epi64(lo, _mm512_slli_epi64(hi, 32)); }

static int scale(double *x, size_t n, double factor, double bound)
{
    const __m512d f = alld(factor), b = alld(bound);
    __mmask8 bad = 0;
    for (size_t j = 0; j < n; j += 8) {
        const __m512d y = _mm512_mul_pd(_mm512_loadu_pd(x + j), f);
        _mm512_storeu_pd(x + j, y);
        bad |= _mm512_cmp_pd_mask(_mm512_abs_pd(y), b, _CMP_NLE_UQ);
    }
    return bad != 0;
}

static void residues(uint64_t *r, const double *x, size_t n, const encode_prime *p, size_t primes)
{
    const __m512d magic[ENCODE_DIGITS] = {alld(ENCODE_MAGIC), alld(ENCODE_MAGIC_1), alld(ENCODE_MAGIC_2), alld(ENCODE_MAGIC_3)};
    for (size_t done = 0; done < primes; done += 4) { /* few streams: at n = 8192 all of them meet in the same sets of a cache */
        const size_t end = primes - done < 4 ? primes : done + 4;
        for (size_t j = 0; j < n; j += 8) {
            __m512d y = _mm512_loadu_pd(x + j), h[ENCODE_DIGITS], s[ENCODE_DIGITS];
            for (size_t k = ENCODE_DIGITS; k-- > 0; y = _mm512_sub_pd(y, h[k])) {
                s[k] = _mm512_add_pd(y, magic[k]);
                h[k] = _mm512_sub_pd(s[k], magic[k]);
            }
            const __m512i d0 = _mm512_sub_epi64(bits(s[0]), bits(magic[0]));
            for (size_t i = done; i < end; i++) {
                __m512d quotient = _mm512_mul_pd(h[0], alld(p[i].f[0]));
                __m512i lo = d0, hi = _mm512_setzero_si512();
                for (size_t k = 1; k < ENCODE_DIGITS; k++) {
                    quotient = _mm512_add_pd(quotient, _mm512_mul_pd(h[k], alld(p[i].f[k])));
                    lo = _mm512_add_epi64(lo, _mm512_mul_epi32(bits(s[k]), all(p[i].c[k])));
                    hi = _mm512_add_epi64(hi, _mm512_mul_epi32(bits(s[k]), all(p[i].c_hi[k])));
                }
                const __m512i q = all(p[i].q), k = bits(_mm512_add_pd(quotient, magic[0]));
                lo = _mm512_sub_epi64(lo, _mm512_mul_epi32(k, q));
                hi = _mm512_sub_epi64(hi, _mm512_mul_epi32(k, all(p[i].q_hi)));
                const __m512i v = join(lo, hi);
                _mm512_storeu_si512(r + i * n + j, _mm512_min_epu64(v, _mm512_add_epi64(v, q)));
            }
        }
    }
}

/* v, what is above its low half, and both digits as doubles. */
typedef struct {
    __m512i v, v_hi;
    __m512d d, d_hi;
} digits;

static inline digits split(__m512i v)
{
    const __m512i magic = all(INT64_C(0x4330000080000000)); /* 2^52 + 2^31 with a signed half in its low bits, the sign bit flipped */
    digits r = {.v = v, .v_hi = _mm512_srli_epi64(_mm512_add_epi64(v, all(INT64_C(1) << 31)), 32)};
    r.d = _mm512_sub_pd(_mm512_castsi512_pd(_mm512_mask_mov_epi32(_mm512_xor_si512(v, magic), 0xaaaa, magic)), _mm512_castsi512_pd(magic));
    r.d_hi = _mm512_sub_pd(_mm512_castsi512_pd(_mm512_xor_si512(r.v_hi, magic)), _mm512_castsi512_pd(magic));
    return r;
}

static inline __m512d whole(digits a) { return _mm512_add_pd(_mm512_mul_pd(a.d_hi, alld(0x1p32)), a.d); }

/* A sum of v_j b_ij modulo 2^64 in two parts, and its quotient by q_i. */
typedef struct {
    __m512i lo, hi;
    __m512d quotient;
} sum;

static inline sum add_product(sum s, digits a, const encode_pair *b)
{
    s.lo = _mm512_add_epi64(s.lo, _mm512_add_epi64(_mm512_mul_epi32(a.v, all(b->b)), _mm512_mul_epi32(a.v_hi, all(b->b2))));
    s.hi = _mm512_add_epi64(s.hi, _mm512_add_epi64(_mm512_mul_epi32(a.v, all(b->b_hi)), _mm512_mul_epi32(a.v_hi, all(b->b2_hi))));
    s.quotient = _mm512_add_pd(s.quotient, _mm512_add_pd(_mm512_mul_pd(a.d, alld(b->f)), _mm512_mul_pd(a.d_hi, alld(b->f2))));
    return s;
}

/* v in (-q, q) to [-(q-1)/2, (q-1)/2]. */
static inline __m512i centre(__m512i v, __m512i q, const encode_prime *p)
{
    v = _mm512_mask_sub_epi64(v, _mm512_cmpgt_epi64_mask(v, all(p->half)), v, q);
    return _mm512_mask_add_epi64(v, _mm512_cmpgt_epi64_mask(all(-p->half), v), v, q);
}

static inline __m512i reduce(sum s, const encode_prime *p)
{
    const __m512i q = all(p->q); /* |quotient| < 20 (2^30 + 2^27) + 2^27 < 2^36: beyond a half word */
    const __m512i k = _mm512_sub_epi64(bits(_mm512_add_pd(s.quotient, alld(ENCODE_MAGIC))), bits(alld(ENCODE_MAGIC)));
    s.lo = _mm512_sub_epi64(s.lo, _mm512_mul_epu32(k, q));
    s.hi = _mm512_sub_epi64(s.hi, _mm512_mul_epu32(_mm512_srli_epi64(k, 32), q));
    s.hi = _mm512_sub_epi64(s.hi, _mm512_mul_epu32(k, _mm512_srli_epi64(q, 32)));
    return centre(join(s.lo, s.hi), q, p);
}

static void lift(double *x, const uint64_t *m, size_t n, const encode_prime *p, const encode_pair *pair, size_t primes, double factor)
{
    digits v[32];
    const sum zero = {all(0), all(0), _mm512_setzero_pd()};
    for (size_t j = 0; j < n; j += 8) {
        v[0] = split(centre(_mm512_loadu_si512(m + j), all(p->q), p));
        __m512d y = whole(v[0]);
        for (size_t i = 1; i < primes; i++) {
            const encode_pair *b = pair + ENCODE_PAIRS(i);
            sum s = add_product(zero, split(_mm512_loadu_si512(m + i * n + j)), b + i);
            for (size_t k = 0; k < i; k++) s = add_product(s, v[k], b + k);
            v[i] = split(reduce(s, p + i));
            y = _mm512_add_pd(y, _mm512_mul_pd(whole(v[i]), alld(p[i].power)));
        }
        _mm512_storeu_pd(x + j, _mm512_mul_pd(y, alld(factor)));
    }
    mem_wipe(v, sizeof v);
}

const encode_kern encode_kern_avx512 = {"avx512", CPU_AVX512, scale, residues, lift};
