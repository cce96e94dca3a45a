// SPDX-License-Identifier: ISC
#include "ckks/modulus.h"

int modulus_init(modulus *m, uint64_t q)
{
    if (q < 3 || q % 2 == 0 || q >> 61) return err_set(ERR_ARG, "modulus: q must be odd and in [3, 2^61)");
    m->q = q;
    m->bits = 0;
    while (q >> m->bits) m->bits++;
    m->mu = (uint64_t)(((u128)1 << (m->bits + 63)) / q);
    m->lift = q * ((UINT64_C(1) << 61) / q + 1);
    return 0;
}

uint64_t mod_pow_var(const modulus *m, uint64_t a, uint64_t e)
{
    uint64_t r = 1;
    for (; e; e >>= 1) {
        if (e & 1) r = mod_mul(m, r, a);
        a = mod_mul(m, a, a);
    }
    return r;
}

/* Euclid: y a = r and s a = t modulo q, |y| and |s| at most q. */
uint64_t mod_inv_var(const modulus *m, uint64_t a)
{
    int64_t r = (int64_t)m->q, t = (int64_t)a, y = 0, s = 1;
    while (t) {
        const int64_t quotient = r / t, rest = r % t, next = y - quotient * s;
        r = t, t = rest;
        y = s, s = next;
    }
    return (uint64_t)(y < 0 ? y + (int64_t)m->q : y);
}

/* 1 if x = d * 2^r + 1 passes the strong test to base a. */
static int strong_probable_prime(const modulus *m, uint64_t a, uint64_t d, unsigned r)
{
    uint64_t y = mod_pow_var(m, a, d);
    if (y == 1 || y == m->q - 1) return 1;
    for (unsigned i = 1; i < r; i++) {
        y = mod_mul(m, y, y);
        if (y == m->q - 1) return 1;
    }
    return 0;
}

int mod_is_prime_var(uint64_t x)
{
    static const uint8_t base[12] = {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37};
    for (int i = 0; i < 12; i++)
        if (x % base[i] == 0) return x == base[i];
    modulus m;
    if (x < 2 || modulus_init(&m, x) < 0) return 0;
    uint64_t d = x - 1;
    unsigned r = 0;
    for (; d % 2 == 0; d /= 2) r++;
    for (int i = 0; i < 12; i++)
        if (!strong_probable_prime(&m, base[i], d, r)) return 0;
    return 1;
}

uint64_t mod_prime_below_var(uint64_t hi, uint64_t lo, uint64_t step)
{
    if (hi < 3) return 0;
    uint64_t x = (hi - 2) / step * step + 1;
    for (; x > lo; x -= step) {
        if (mod_is_prime_var(x)) return x;
        if (x < step) return 0;
    }
    return 0;
}
