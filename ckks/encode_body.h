// SPDX-License-Identifier: ISC
/** encode_body.h: the functions of encode_avx2.c and encode_avx512.c, LANES numbers at a time.  A product of signed low halves is one
 *  instruction; so modulo 2^64 a digit d times a word c is d lo(c) + 2^32 d hi(c), and the second parts are summed before they are shifted. */
#include "base/mem.h"
#include "ckks/encode_kern.h"

static inline vi word(int64_t x) { return all((uint64_t)x); }
static inline vi join(vi lo, vi hi) { return V(add_epi64)(lo, V(slli_epi64)(hi, 32)); }

static int scale(double *x, size_t n, double factor, double bound)
{
    const vd f = alld(factor), b = alld(bound);
    unsigned bad = 0;
    for (size_t j = 0; j < n; j += LANES) {
        const vd y = V(mul_pd)(V(loadu_pd)(x + j), f);
        V(storeu_pd)(x + j, y);
        bad |= beyond(y, b);
    }
    return bad != 0;
}

static void residues(uint64_t *r, const double *x, size_t n, const encode_prime *p, size_t primes)
{
    const vd magic[ENCODE_DIGITS] = {alld(ENCODE_MAGIC), alld(ENCODE_MAGIC_1), alld(ENCODE_MAGIC_2), alld(ENCODE_MAGIC_3)};
    for (size_t done = 0; done < primes; done += 4) { /* few streams: at n = 8192 all of them meet in the same sets of a cache */
        const size_t end = primes - done < 4 ? primes : done + 4;
        for (size_t j = 0; j < n; j += LANES) {
            vd y = V(loadu_pd)(x + j), h[ENCODE_DIGITS], s[ENCODE_DIGITS];
            for (size_t k = ENCODE_DIGITS; k-- > 0; y = V(sub_pd)(y, h[k])) {
                s[k] = V(add_pd)(y, magic[k]);
                h[k] = V(sub_pd)(s[k], magic[k]);
            }
            const vi d0 = V(sub_epi64)(bits(s[0]), bits(magic[0]));
            for (size_t i = done; i < end; i++) {
                vd quotient = V(mul_pd)(h[0], alld(p[i].f[0]));
                vi lo = d0, hi = all(0);
                for (size_t k = 1; k < ENCODE_DIGITS; k++) {
                    quotient = V(add_pd)(quotient, V(mul_pd)(h[k], alld(p[i].f[k])));
                    lo = V(add_epi64)(lo, V(mul_epi32)(bits(s[k]), word(p[i].c[k])));
                    hi = V(add_epi64)(hi, V(mul_epi32)(bits(s[k]), word(p[i].c_hi[k])));
                }
                const vi q = word(p[i].q), k = bits(V(add_pd)(quotient, magic[0]));
                lo = V(sub_epi64)(lo, V(mul_epi32)(k, q));
                hi = V(sub_epi64)(hi, V(mul_epi32)(k, word(p[i].q_hi)));
                store(r + i * n + j, more(join(lo, hi), q));
            }
        }
    }
}

/* v, what is above its low half, and both digits as doubles. */
typedef struct {
    vi v, v_hi;
    vd d, d_hi;
} digits;

static inline digits split(vi v)
{
    const vi magic = all(UINT64_C(0x4330000080000000)); /* 2^52 + 2^31 with a signed half in its low bits, the sign bit flipped */
    digits r = {.v = v, .v_hi = V(srli_epi64)(V(add_epi64)(v, all(UINT64_C(1) << 31)), 32)};
    r.d = V(sub_pd)(doubles(halves(xor_(v, magic), magic)), doubles(magic));
    r.d_hi = V(sub_pd)(doubles(xor_(r.v_hi, magic)), doubles(magic));
    return r;
}

static inline vd whole(digits a) { return V(add_pd)(V(mul_pd)(a.d_hi, alld(0x1p32)), a.d); }

/* A sum of v_j b_ij modulo 2^64 in two parts, and its quotient by q_i. */
typedef struct {
    vi lo, hi;
    vd quotient;
} sum;

static inline sum add_product(sum s, digits a, const encode_pair *b)
{
    s.lo = V(add_epi64)(s.lo, V(add_epi64)(V(mul_epi32)(a.v, word(b->b)), V(mul_epi32)(a.v_hi, word(b->b2))));
    s.hi = V(add_epi64)(s.hi, V(add_epi64)(V(mul_epi32)(a.v, word(b->b_hi)), V(mul_epi32)(a.v_hi, word(b->b2_hi))));
    s.quotient = V(add_pd)(s.quotient, V(add_pd)(V(mul_pd)(a.d, alld(b->f)), V(mul_pd)(a.d_hi, alld(b->f2))));
    return s;
}

/* v in (-q, q) to [-(q-1)/2, (q-1)/2]. */
static inline vi centre(vi v, vi q, const encode_prime *p)
{
    v = plus_if(v, word(-p->q), v, word(p->half));
    return plus_if(v, q, word(-p->half), v);
}

static inline vi reduce(sum s, const encode_prime *p)
{
    const vi q = word(p->q); /* |quotient| < 20 (2^30 + 2^27) + 2^27 < 2^36: beyond a half word */
    const vi k = V(sub_epi64)(bits(V(add_pd)(s.quotient, alld(ENCODE_MAGIC))), bits(alld(ENCODE_MAGIC)));
    s.lo = V(sub_epi64)(s.lo, V(mul_epu32)(k, q));
    s.hi = V(sub_epi64)(s.hi, V(mul_epu32)(V(srli_epi64)(k, 32), q));
    s.hi = V(sub_epi64)(s.hi, V(mul_epu32)(k, V(srli_epi64)(q, 32)));
    return centre(join(s.lo, s.hi), q, p);
}

static void lift(double *x, const uint64_t *m, size_t n, const encode_prime *p, const encode_pair *pair, size_t primes, double factor)
{
    digits v[32];
    const sum zero = {all(0), all(0), alld(0)};
    for (size_t j = 0; j < n; j += LANES) {
        v[0] = split(centre(load(m + j), word(p->q), p));
        vd y = whole(v[0]);
        for (size_t i = 1; i < primes; i++) {
            const encode_pair *b = pair + ENCODE_PAIRS(i);
            sum s = add_product(zero, split(load(m + i * n + j)), b + i);
            for (size_t k = 0; k < i; k++) s = add_product(s, v[k], b + k);
            v[i] = split(reduce(s, p + i));
            y = V(add_pd)(y, V(mul_pd)(whole(v[i]), alld(p[i].power)));
        }
        V(storeu_pd)(x + j, V(mul_pd)(y, alld(factor)));
    }
    mem_wipe(v, sizeof v);
}
