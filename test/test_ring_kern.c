// SPDX-License-Identifier: ISC
/* Every kernel that this CPU can run against definitions that divide, and against the portable one on lengths about a vector's. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/ct.h"
#include "base/mem.h"
#include "ckks/ring_kern.h"
#include "test/ckks_oracle.h"

#define N 264

static const uint64_t primes[] = {786433, 67043329, 140737488273409, 1125899906826241, 2251799813554177, 9007199254614017, 1152921504606830593};
#define PRIMES (sizeof primes / sizeof primes[0])

static const ring_kern *kern;
static modulus q;
static uint64_t a[N], b[N], r[N + 8];
static int8_t e[N];
static int32_t wide[N];
static prg g;

/* Random operands with the ends of their ranges among them. */
static void operands(uint64_t prime)
{
    ck_assert_int_eq(modulus_init(&q, prime), 0);
    for (size_t i = 0; i < N; i++) {
        a[i] = i < 8 ? (i & 1 ? prime - 1 - (i >> 2) : i >> 2) : i < 12 ? prime / 2 + i - 9 : prg_u64(&g) % prime;
        b[i] = i < 8 ? (i & 2 ? prime - 1 : 0) : prg_u64(&g) % prime;
        e[i] = i < 8 ? (i & 4 ? 21 : -21) : i < 12 ? (int8_t)(i - 10) : (int8_t)(prg_u64(&g) % 256 - 128);
        wide[i] = i < 8    ? (i & 4 ? 45055 : -45055)
                  : i < 12 ? (int32_t)i - 10
                           : (int32_t)(prg_u64(&g) >> 44) - (1 << 19);
    }
    memset(r, 0xaa, sizeof r);
}

static int begin(int i)
{
    kern = ring_kerns.of[i];
    oracle_prg(&g, 70 + (uint64_t)i);
    return (cpu_features() & kern->needs) == kern->needs;
}

static void untouched(size_t n) { ck_assert_uint_eq(r[n], UINT64_C(0xaaaaaaaaaaaaaaaa)); }

START_TEST(sums)
{
    if (!begin(_i)) return;
    for (size_t c = 0; c < PRIMES; c++)
        for (size_t n = 8; n <= N; n += n < 40 ? 8 : 224) {
            operands(primes[c]);
            const __int128 m = (__int128)q.q;
            kern->noisy_sub(r, a, b, e, n, &q);
            for (size_t i = 0; i < n; i++) ck_assert_uint_eq(r[i], (uint64_t)(((__int128)a[i] + e[i] - (__int128)b[i] + 2 * m) % m));
            kern->noisy_add(r, a, b, e, n, &q);
            for (size_t i = 0; i < n; i++) ck_assert_uint_eq(r[i], (uint64_t)(((__int128)a[i] + e[i] + (__int128)b[i] + m) % m));
            kern->wide_add(r, a, b, wide, n, &q);
            for (size_t i = 0; i < n; i++)
                ck_assert_uint_eq(r[i], (uint64_t)(((__int128)a[i] + wide[i] + (__int128)b[i] + m) % m));
            kern->add(r, a, b, n, &q);
            for (size_t i = 0; i < n; i++) ck_assert_uint_eq(r[i], (uint64_t)(((__int128)a[i] + (__int128)b[i]) % m));
            untouched(n);
            memcpy(r, a, sizeof a);
            kern->add(r, r, r, n, &q);
            for (size_t i = 0; i < n; i++) ck_assert_uint_eq(r[i], (uint64_t)(2 * (__int128)a[i] % m));
            ck_assert_int_eq(kern->outside(a, n, &q), 0);
            for (size_t at = 0; at < n; at += 7) {
                const uint64_t was = a[at];
                a[at] = at & 1 ? q.q : INT64_MAX;
                ck_assert_int_eq(kern->outside(a, n, &q), 1);
                a[at] = was;
            }
        }
}
END_TEST

START_TEST(scaling_up)
{
    if (!begin(_i)) return;
    for (size_t c = 0; c < PRIMES; c++)
        for (unsigned l = 1; l <= 32; l++) {
            operands(primes[c]);
            if (!ring_scale_fits(&q, l)) continue;
            for (size_t i = 0; i < N; i++) a[i] = ct_low(i < 2 ? 0 - (uint64_t)i : i < 6 ? (UINT64_C(1) << (l - 1)) + i - 4 : a[i] * 11, l);
            kern->scale(r, a, N, &q, l);
            for (size_t i = 0; i < N; i++) ck_assert_uint_eq(r[i], (uint64_t)(((u128)a[i] * q.q * 2 + ((u128)1 << l)) >> (l + 1)));
        }
    ck_assert(ring_scale_fits(&q, 32) && !ring_scale_fits(&q, 27) && !ring_scale_fits(&q, 33));
}
END_TEST

static uint64_t nearest(uint64_t x, unsigned k) { return ct_low((uint64_t)((((u128)x << (k + 1)) + q.q) / 2 / q.q), k); }

/* round(a 2^k / q), next to ties too: a = (q/2 or q/2 + 1) 2^-k mod q */
START_TEST(switching)
{
    if (!begin(_i)) return;
    for (size_t c = 0; c < PRIMES; c++)
        for (unsigned k = 1; k <= 31; k++) {
            operands(primes[c]);
            if (!ring_switch_fits(&q, k)) continue;
            const uint64_t half = mod_pow_var(&q, (q.q + 1) / 2, k);
            for (size_t i = 12; i < 76; i++) a[i] = mod_mul(&q, half, (q.q - 63) / 2 + i - 12);
            kern->to_pow2(r, a, N, &q, k);
            for (size_t i = 0; i < N; i++) ck_assert_uint_eq(r[i], nearest(a[i], k));
            memcpy(r, a, sizeof a);
            kern->to_pow2(r, r, N, &q, k);
            ck_assert_uint_eq(r[N - 1], nearest(a[N - 1], k));
        }
}
END_TEST

START_TEST(powers_of_two)
{
    if (!begin(_i)) return;
    for (size_t c = 0; c < PRIMES; c++)
        for (unsigned k = 1; k < 60; k++) {
            operands(primes[c]);
            if (UINT64_C(1) << (k - 1) >= q.q) break;
            for (size_t i = 0; i < N; i++) b[i] = i < 4 ? (UINT64_C(1) << (k - 1)) + i - 2 : prg_u64(&g);
            kern->from_pow2(r, b, N, &q, k);
            for (size_t i = 0; i < N; i++) {
                const int64_t x = ct_signed(ct_low(b[i], k), k);
                ck_assert_uint_eq(r[i], x < 0 ? q.q - (uint64_t)-x : (uint64_t)x);
            }
            kern->add_centred(r, b, a, N, &q, k);
            for (size_t i = 0; i < N; i++) ck_assert_uint_eq(r[i], ct_low(b[i] + (a[i] > q.q / 2 ? a[i] - q.q : a[i]), k));
        }
}
END_TEST

static int64_t remainder_of(int64_t x) /* in [-63, 63] */
{
    const int64_t y = (x % RING_PAIR_DIVISOR + RING_PAIR_DIVISOR) % RING_PAIR_DIVISOR;
    return y > RING_PAIR_DIVISOR / 2 ? y - RING_PAIR_DIVISOR : y;
}

START_TEST(pairs)
{
    if (!begin(_i)) return;
    int8_t lo[256], hi[256];
    for (size_t c = 2; c < PRIMES; c++)
        for (unsigned shift = 8; shift <= 24; shift++) {
            ck_assert_int_eq(modulus_init(&q, primes[c]), 0);
            const int64_t room = (int64_t)(q.q / 4) >> shift, top = (INT64_C(1) << (shift - 1)) - 1, most = room < 1 << 21 ? room : (1 << 21) - 1;
            int64_t x[256], y[256];
            for (int i = 0; i < 256; i++) {
                x[i] = i < 4 ? top * (i & 1 ? -1 : 1) : i < 140 ? i - 70 : (int64_t)(prg_u64(&g) % (2 * (uint64_t)top + 1)) - top;
                y[i] = i < 4 ? most * (i & 2 ? -1 : 1) : i < 140 ? 70 - i : (int64_t)(prg_u64(&g) % (2 * (uint64_t)most + 1)) - most;
                lo[i] = e[i] = (int8_t)(i < 8 ? (i & 4 ? 63 : -63) : (int)(prg_u64(&g) % 127) - 63);
                hi[i] = (int8_t)-e[i];
                const int64_t v = x[i] + y[i] * (INT64_C(1) << shift);
                a[i] = v < 0 ? q.q - (uint64_t)-v : (uint64_t)v;
            }
            kern->round_pair(lo, hi, a, 256, &q, shift);
            for (int i = 0; i < 256; i++) {
                ck_assert_int_eq(lo[i], e[i] - remainder_of(x[i] + e[i]));
                ck_assert_int_eq(hi[i], -e[i] - remainder_of(y[i] - e[i]));
            }
        }
}
END_TEST

START_TEST(samplers)
{
    if (!begin(_i)) return;
    uint64_t w[64];
    uint8_t bits[RING_CBD_BYTES];
    int8_t out[513], want[513];
    for (int round = 0; round < 300; round++) {
        for (size_t i = 0; i < 64; i++) { /* floor(i 2^64 / 3^j) and neighbours, where digits change; random words */
            uint64_t power = 1;
            for (int j = round % 8; j >= 0; j--) power *= 3;
            w[i] = round < 200 ? (uint64_t)(((u128)(prg_u64(&g) % power) << 64) / power) + i % 5 - 2 : prg_u64(&g);
        }
        const size_t words = 8 * (1 + (size_t)round % 8);
        memset(out, 99, sizeof out);
        kern->ternary(out, w, words);
        ring_kern_portable.ternary(want, w, words);
        ck_assert_mem_eq(out, want, 8 * words);
        ck_assert_int_eq(out[8 * words], 99);
        if (round < 2) memset(bits, round ? 0xff : 0, sizeof bits);
        else prg_bytes(&g, bits, sizeof bits);
        kern->cbd(out, bits);
        for (size_t i = 0; i < RING_CBD_GROUP; i++) {
            int sum = -21;
            for (size_t k = 0; k < 40; k++) sum += bits[(5 * (i / 64) + k / 8) * 64 + i % 64] >> k % 8 & 1;
            for (size_t k = 0; k < 2; k++) sum += bits[20 * 64 + i % 64] >> (2 * (i / 64) + k) & 1;
            ck_assert_int_eq(out[i], sum);
        }
    }
}
END_TEST

START_TEST(rejection)
{
    if (!begin(_i)) return;
    uint64_t w[N], want[N];
    for (size_t c = 0; c < PRIMES; c++)
        for (size_t n = 0; n < 40; n++)
            for (int kind = 0; kind < 12; kind++) {
                operands(primes[c]);
                size_t kept = 0;
                for (size_t i = 0; i < n; i++) { /* one in kind words is at the border or above */
                    w[i] = prg_u64(&g) % (kind ? (unsigned)kind : 1) ? prg_u64(&g) % q.q : q.q - 1 + prg_u64(&g) % 3;
                    if (w[i] < q.q) want[kept++] = w[i];
                    w[i] |= prg_u64(&g) << q.bits;
                }
                ck_assert_uint_eq(kern->accept_var(r, w, n, &q), kept);
                ck_assert_mem_eq(r, want, kept * sizeof *want);
                untouched(n);
            }
}
END_TEST

/* Blocks of 8 from random blocks, and any order in them that takes blocks of 4 from blocks of 4. */
START_TEST(permutation)
{
    if (!begin(_i)) return;
    uint32_t from[N];
    for (int round = 0; round < 200; round++) {
        const size_t n = 8 * (1 + (size_t)round % (N / 8));
        operands(primes[round % (int)PRIMES]);
        for (uint32_t i = 0; i < n; i += 4) {
            const uint32_t base = i % 8 ? from[i - 4] & ~UINT32_C(7) : 8 * (uint32_t)(prg_u64(&g) % (n / 8));
            const uint32_t other = i % 8 ? ~from[i - 4] & 4 : 4 * (uint32_t)(prg_u64(&g) % 2);
            const uint32_t turn = (uint32_t)prg_u64(&g) % 4, flip = (uint32_t)prg_u64(&g) % 4;
            for (uint32_t j = 0; j < 4; j++) from[i + j] = base + other + (((j + turn) % 4) ^ flip);
        }
        kern->permute(r, a, from, n);
        for (size_t i = 0; i < n; i++) ck_assert_uint_eq(r[i], a[from[i]]);
        untouched(n);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ring_kern");
    TCase *t = tcase_create("ring_kern");
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, sums, 0, RING_KERNS);
    tcase_add_loop_test(t, scaling_up, 0, RING_KERNS);
    tcase_add_loop_test(t, switching, 0, RING_KERNS);
    tcase_add_loop_test(t, powers_of_two, 0, RING_KERNS);
    tcase_add_loop_test(t, pairs, 0, RING_KERNS);
    tcase_add_loop_test(t, samplers, 0, RING_KERNS);
    tcase_add_loop_test(t, rejection, 0, RING_KERNS);
    tcase_add_loop_test(t, permutation, 0, RING_KERNS);
    suite_add_tcase(s, t);
    return oracle_run(s);
}
