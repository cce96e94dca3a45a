// SPDX-License-Identifier: ISC
#include "ckks/ring_kern.h"

#include <string.h>

#include "base/ct.h"
#include "ckks/sample.h"

static void ternary(int8_t *out, const uint64_t *w, size_t words)
{
    for (size_t i = 0; i < words; i++) {
        uint64_t x = w[i]; /* digit by digit */
        for (int j = 0; j < 8; j++) {
            u128 y = (u128)x * 3;
            *out++ = (int8_t)((int)(y >> 64) - 1);
            x = (uint64_t)y;
        }
    }
}

#define BYTES(x) (UINT64_C(0x0101010101010101) * (x))

/* Bits set in each byte.  Not the compiler's builtin: its library twin may index a table. */
static inline uint64_t popcounts(uint64_t x)
{
    x -= x >> 1 & BYTES(0x55);
    x = (x & BYTES(0x33)) + (x >> 2 & BYTES(0x33));
    return (x + (x >> 4)) & BYTES(0x0f);
}

static uint64_t word_at(const uint8_t *in)
{
    uint64_t x;
    memcpy(&x, in, sizeof x);
    return x;
}

/* popcount(a) - popcount(b) of 21 bits each is popcount(a) + popcount(not b) - 21, and not b is as uniform as b. */
static void cbd(int8_t out[RING_CBD_GROUP], const uint8_t in[RING_CBD_BYTES])
{
    for (unsigned c = 0; c < 4; c++)
        for (unsigned j = 0; j < RING_CBD_PLANE; j += 8) {
            uint64_t sum = popcounts(word_at(in + 20 * RING_CBD_PLANE + j) >> 2 * c & BYTES(3));
            for (unsigned k = 0; k < 5; k++) sum += popcounts(word_at(in + (5 * c + k) * RING_CBD_PLANE + j));
            sum = (sum + BYTES(128 - 21)) ^ BYTES(128); /* no byte carries: sums are at most 42 */
            memcpy(out + c * RING_CBD_PLANE + j, &sum, sizeof sum);
        }
}

static size_t accept_var(uint64_t *r, const uint64_t *w, size_t words, const modulus *q)
{
    const uint64_t mask = (UINT64_C(1) << q->bits) - 1;
    size_t kept = 0;
    for (size_t i = 0; i < words; i++) {
        const uint64_t x = w[i] & mask;
        r[kept] = x;
        kept += x < q->q;
    }
    return kept;
}

static void round_pair(int8_t *lo, int8_t *hi, const uint64_t *x, size_t n, const modulus *q, unsigned shift)
{
    ring_round_pair(lo, hi, x, n, q, shift);
}

static void noisy_sub(uint64_t *r, const uint64_t *a, const uint64_t *b, const int8_t *e, size_t n, const modulus *q)
{
    for (size_t i = 0; i < n; i++) r[i] = mod_sub(q, mod_add(q, a[i], sample_residue(q, e[i])), b[i]);
}

static void noisy_add(uint64_t *r, const uint64_t *a, const uint64_t *b, const int8_t *e, size_t n, const modulus *q)
{
    for (size_t i = 0; i < n; i++) r[i] = mod_add(q, mod_add(q, a[i], sample_residue(q, e[i])), b[i]);
}

static void wide_add(uint64_t *r, const uint64_t *a, const uint64_t *b, const int32_t *e, size_t n, const modulus *q)
{
    for (size_t i = 0; i < n; i++) r[i] = mod_add(q, mod_add(q, a[i], sample_residue(q, e[i])), b[i]);
}

static void scale(uint64_t *r, const uint64_t *v, size_t n, const modulus *q, unsigned l)
{
    for (size_t i = 0; i < n; i++) r[i] = (uint64_t)(((u128)v[i] * q->q + (UINT64_C(1) << (l - 1))) >> l);
}

/* a 2^k = h q + rem: z = a 2^k mod q makes h = (a 2^k - z) / q, one more when z is above q / 2; all of it modulo 2^k. */
static void to_pow2(uint64_t *r, const uint64_t *a, size_t n, const modulus *q, unsigned k)
{
    uint64_t inv = q->q; /* 1 / q modulo 2^64: right modulo 8, each step doubles the bits */
    for (int i = 0; i < 5; i++) inv *= 2 - q->q * inv;
    for (size_t i = 0; i < n; i++) {
        const uint64_t z = mod_reduce(q, (u128)a[i] << k), above = (q->q / 2 - z) >> 63;
        r[i] = ct_low(((a[i] << k) - z) * inv + above, k);
    }
}

static void from_pow2(uint64_t *r, const uint64_t *v, size_t n, const modulus *q, unsigned k)
{
    for (size_t i = 0; i < n; i++) {
        const int64_t x = ct_signed(ct_low(v[i], k), k);
        r[i] = (uint64_t)x + (q->q & (uint64_t)(x >> 63));
    }
}

static void add_centred(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n, const modulus *q, unsigned k)
{
    for (size_t i = 0; i < n; i++) {
        const uint64_t negative = (q->q / 2 - b[i]) >> 63;
        r[i] = ct_low(a[i] + b[i] - (q->q & (0 - negative)), k);
    }
}

static void add(uint64_t *r, const uint64_t *a, const uint64_t *b, size_t n, const modulus *q)
{
    for (size_t i = 0; i < n; i++) r[i] = mod_add(q, a[i], b[i]);
}

static void permute(uint64_t *r, const uint64_t *a, const uint32_t *from, size_t n)
{
    for (size_t i = 0; i < n; i++) r[i] = a[from[i]];
}

static int outside(const uint64_t *a, size_t n, const modulus *q)
{
    uint64_t bad = 0;
    for (size_t i = 0; i < n; i++) bad |= q->q - 1 - a[i];
    return (int)(bad >> 63);
}

const ring_kern ring_kern_portable = {"portable", 0, ternary, cbd, accept_var, round_pair, noisy_sub, noisy_add, wide_add,
                                      scale, to_pow2, from_pow2, add_centred, add, permute, outside};

static int answer(const void *kern, uint64_t *sum)
{
    enum { N = 192 };
    static const uint64_t primes[] = {4294828033, 17592186028033, 1125899906826241};
    const ring_kern *k = kern;
    modulus q;
    uint64_t a[N], b[N], r[N] = {0};
    uint32_t from[N];
    int8_t e[8 * N] = {0}, f[N];
    int32_t wide[N];
    uint8_t planes[RING_CBD_BYTES];
    kern_fill(a, sizeof a, 3);
    kern_fill(planes, sizeof planes, 4);
    k->ternary(e, a, N);
    kern_mix(sum, e, sizeof e);
    k->cbd(e, planes);
    kern_mix(sum, e, RING_CBD_GROUP);
    for (size_t i = 0; i < N; i++)
        from[i] = (uint32_t)(i ^ 5) / 8 * 40 % N + (uint32_t)(i ^ 5) % 8;
    for (size_t c = 0; c < sizeof primes / sizeof *primes; c++) {
        const int rc = modulus_init(&q, primes[c]);
        if (rc)
            return rc;
        kern_fill(a, sizeof a, 5 + c);
        kern_mix(sum, r, k->accept_var(r, a, N, &q) * sizeof *r);
        for (size_t i = 0; i < N; i++) {
            b[i] = mod_reduce(&q, a[i]);
            a[i] = i < 8 ? i % 2 * (q.q - 1) : mod_reduce(&q, a[N - 1 - i]);
            e[i] = (int8_t)(i % 127) - 63;
            f[i] = (int8_t)(i % 43) - 21;
            wide[i] = 2147 * f[i];
        }
        if (c < 2) { /* |b| < 2^21 */
            k->round_pair(e, f, a, N, &q, 12 * (unsigned)(c + 1));
            kern_mix(sum, e, N);
            kern_mix(sum, f, N);
        }
        for (int which = 0; which < 9; which++) {
            if (which == 0) k->noisy_sub(r, a, b, f, N - 8, &q);
            if (which == 1) k->noisy_add(r, a, b, f, N - 8, &q);
            if (which == 2) k->to_pow2(r, a, N - 8, &q, 31);
            if (which == 3) k->from_pow2(r, b, N - 8, &q, 31);
            if (which == 4) k->add_centred(r, a, b, N - 8, &q, 40);
            if (which == 5) k->add(r, a, b, N - 8, &q);
            if (which == 6) k->permute(r, a, from, N - 8);
            if (which == 7) k->wide_add(r, a, b, wide, N - 8, &q);
            if (which == 8) {
                for (size_t i = 0; i < N; i++)
                    b[i] >>= 20;
                k->scale(r, b, N - 8, &q, q.bits - 20);
            }
            kern_mix(sum, r, (N - 8) * sizeof *r);
        }
        for (size_t i = 0; i < N; i += 19) {
            a[i] += q.q;
            const int seen = k->outside(a, N, &q);
            kern_mix(sum, &seen, sizeof seen);
            a[i] -= q.q;
        }
        const int seen = k->outside(a, N, &q);
        kern_mix(sum, &seen, sizeof seen);
    }
    return 0;
}

kern_set ring_kerns = {.what = "ring", .of = {&ring_kern_portable, &ring_kern_avx2, &ring_kern_avx512},
                       .answer = answer, .right = UINT64_C(0x61cb1a608f32c72c)};
