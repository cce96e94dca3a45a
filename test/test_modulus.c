// SPDX-License-Identifier: ISC
/* Modulus arithmetic against the compiler's own 128-bit division, primes against trial division and published pseudoprimes. */
#include <check.h>
#include <stdlib.h>

#include "ckks/modulus.h"

static uint64_t state = 1;

static uint64_t next(void) /* splitmix64 */
{
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static const uint64_t moduli[] = {
    3, 5, 97, 12289, 786433, (UINT64_C(1) << 50) - 27, (UINT64_C(1) << 50) + 4097, UINT64_C(1152921504606830593),
    (UINT64_C(1) << 60) + 1, (UINT64_C(1) << 61) - 1, /* the ends of a bit length, prime or not */
};
#define MODULI (sizeof moduli / sizeof moduli[0])

/* An assertion of Check writes to a pipe each time; this one only when it fails. */
#define SAME(a, b) do { if ((a) != (b)) ck_abort_msg("%s is %llu, not %s", #a, (unsigned long long)(a), #b); } while (0)

static void reduce_one(const modulus *m, u128 z) { SAME(mod_reduce(m, z), (uint64_t)(z % m->q)); }

START_TEST(reduce_is_the_remainder)
{
    for (size_t i = 0; i < MODULI; i++) {
        modulus m;
        ck_assert_int_eq(modulus_init(&m, moduli[i]), 0);
        ck_assert_uint_eq(m.lift % m.q, 0);
        ck_assert(m.lift > UINT64_C(1) << 61 && m.lift - m.q <= UINT64_C(1) << 61);
        const u128 end = (u128)1 << (m.bits + 63);
        for (unsigned d = 0; d < 100; d++) {
            reduce_one(&m, d);
            reduce_one(&m, end - 1 - d);
            reduce_one(&m, (u128)m.q * m.q - d % m.q);
            reduce_one(&m, (end / m.q - 1 - d % 2) * m.q - d % 3); /* next to multiples of q */
        }
        for (unsigned d = 0; d < 100000; d++) reduce_one(&m, ((u128)next() << 64 | next()) & (end - 1));
    }
}
END_TEST

START_TEST(operations)
{
    for (size_t i = 0; i < MODULI; i++) {
        modulus m;
        ck_assert_int_eq(modulus_init(&m, moduli[i]), 0);
        for (unsigned d = 0; d < 20000; d++) {
            uint64_t a = d < 4 ? d % 2 * (m.q - 1) : next() % m.q, b = d < 4 ? d / 2 * (m.q - 1) : next() % m.q, any = next();
            SAME(mod_add(&m, a, b), (a + b) % m.q);
            SAME(mod_sub(&m, a, b), (a + (m.q - b)) % m.q);
            SAME(mod_neg(&m, a), (m.q - a) % m.q);
            SAME(mod_mul(&m, a, b), (uint64_t)((u128)a * b % m.q));
            uint64_t s = mod_shoup_var(m.q, a);
            SAME(mod_mul_shoup(m.q, any, a, s), (uint64_t)((u128)any * a % m.q));
            SAME(mod_mul_shoup_lazy(m.q, any, a, s) < 2 * m.q, 1);
            int64_t x = d == 0 ? MOD_SIGNED_MAX : d == 1 ? -MOD_SIGNED_MAX : (int64_t)any >> 2;
            __int128 r = (__int128)x % (__int128)m.q;
            SAME(mod_from_signed(&m, x), (uint64_t)(r < 0 ? r + m.q : r));
        }
    }
}
END_TEST

START_TEST(powers_and_inverses)
{
    modulus m;
    ck_assert_int_eq(modulus_init(&m, 1125899906826241), 0);
    uint64_t want = 1;
    for (unsigned e = 0; e < 200; e++) {
        ck_assert_uint_eq(mod_pow_var(&m, 123456789, e), want);
        want = (uint64_t)((u128)want * 123456789 % m.q);
    }
    const uint64_t edges[] = {1, 2, 127, m.q / 2, m.q / 2 + 1, m.q - 2, m.q - 1};
    for (unsigned d = 0; d < 1000; d++) {
        uint64_t a = d < sizeof edges / sizeof *edges ? edges[d] : 1 + next() % (m.q - 1);
        ck_assert_uint_eq((uint64_t)((u128)a * mod_inv_var(&m, a) % m.q), 1);
    }
}
END_TEST

START_TEST(refused_moduli)
{
    modulus m;
    ck_assert_int_eq(modulus_init(&m, 0), ERR_ARG);
    ck_assert_int_eq(modulus_init(&m, 1), ERR_ARG);
    ck_assert_int_eq(modulus_init(&m, 4096), ERR_ARG);
    ck_assert_int_eq(modulus_init(&m, (UINT64_C(1) << 61) + 1), ERR_ARG);
}
END_TEST

static int by_trial(uint64_t x)
{
    if (x < 2) return 0;
    for (uint64_t d = 2; d * d <= x; d++)
        if (x % d == 0) return 0;
    return 1;
}

START_TEST(primality)
{
    for (uint64_t x = 0; x < 30000; x++) SAME(mod_is_prime_var(x), by_trial(x));
    /* Carmichael numbers and strong pseudoprimes to the first 4, 5, 6 and 7 prime bases [Jae93]; two primes' product */
    static const uint64_t composite[] = {561,           41041,         825265,          321197185,        3215031751,
                                         2152302898747, 3474749660383, 341550071728321, UINT64_C(4294967291) * 65521};
    for (size_t i = 0; i < sizeof composite / sizeof composite[0]; i++) ck_assert_int_eq(mod_is_prime_var(composite[i]), 0);
    ck_assert_int_eq(mod_is_prime_var((UINT64_C(1) << 61) - 1), 1);
    ck_assert_int_eq(mod_is_prime_var(4294967291), 1);
}
END_TEST

START_TEST(prime_search)
{
    for (uint64_t step = 2; step <= 4096; step *= 2) {
        uint64_t hi = 1 << 16;
        for (int found = 0; found < 20; found++) {
            uint64_t want = hi - 1;
            while (want && !(want % step == 1 && by_trial(want))) want--;
            uint64_t got = mod_prime_below_var(hi, 0, step);
            ck_assert_uint_eq(got, want);
            if (!got) break;
            hi = got;
        }
    }
    ck_assert_uint_eq(mod_prime_below_var(2, 0, 2), 0);
    ck_assert_uint_eq(mod_prime_below_var(12289, 12288, 4096), 0);
    ck_assert_uint_eq(mod_prime_below_var(12290, 12288, 4096), 12289);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("modulus");
    TCase *t = tcase_create("modulus");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, reduce_is_the_remainder);
    tcase_add_test(t, operations);
    tcase_add_test(t, powers_and_inverses);
    tcase_add_test(t, refused_moduli);
    tcase_add_test(t, primality);
    tcase_add_test(t, prime_search);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
