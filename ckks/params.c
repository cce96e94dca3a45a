// SPDX-License-Identifier: ISC
#include "ckks/params.h"

#include "base/mem.h"

#define WIDE_BITS 60

unsigned ckks_max_log_q(uint32_t n)
{
    static const unsigned bits[CKKS_MAX_LOGN - CKKS_MIN_LOGN + 1] = {26, 53, 106, 214, 430, 868};
    for (unsigned i = 0; i <= CKKS_MAX_LOGN - CKKS_MIN_LOGN; i++)
        if (n == UINT32_C(1) << (CKKS_MIN_LOGN + i)) return bits[i];
    return 0;
}

static int check_literal(const ckks_literal *lit)
{
    const unsigned most = ckks_max_log_q(lit->n);
    if (!most) return err_set(ERR_ARG, "parameters: n = %u is not a power of two in [1024, 32768]", lit->n);
    if (lit->primes < 1 || lit->primes > CKKS_MAX_PRIMES)
        return err_set(ERR_ARG, "parameters: primes = %u is not in [1, %d]", lit->primes, CKKS_MAX_PRIMES);
    if (lit->special >= lit->primes)
        return err_set(ERR_ARG, "parameters: special = %u is not in [0, primes = %u)", lit->special, lit->primes);
    unsigned sum = 0;
    for (uint32_t i = 0; i < lit->primes; i++) {
        if (lit->bits[i] < 20 || lit->bits[i] > 60)
            return err_set(ERR_ARG, "parameters: bits[%u] = %u is not in [20, 60]", i, lit->bits[i]);
        sum += lit->bits[i];
    }
    if (sum > most)
        return err_set(ERR_ARG, "parameters: log Q = %u bits at n = %u, above the %u of the security table", sum, lit->n, most);
    return 0;
}

/* Prime i: the largest one of bits[i] bits that no earlier entry took. */
static int choose_prime(ckks_params *p, const ckks_literal *lit, uint32_t i)
{
    const uint64_t lo = UINT64_C(1) << (lit->bits[i] - 1);
    uint64_t hi = 2 * lo;
    for (;;) {
        hi = mod_prime_below_var(hi, lo, 2 * (uint64_t)lit->n);
        if (!hi) return err_set(ERR_ARG, "parameters: bits[%u] = %u: no prime of that size left at n = %u", i, lit->bits[i], lit->n);
        uint32_t j = 0;
        while (j < i && p->q[j] != hi) j++;
        if (j == i) break;
    }
    p->q[i] = hi;
    return 0;
}

int ckks_params_create(ckks_params **out, const ckks_literal *lit)
{
    *out = NULL;
    int rc = check_literal(lit);
    if (rc < 0) return rc;
    ckks_params *p = mem_alloc(1, sizeof *p);
    if (!p) return err_set(ERR_MEM, "parameters: out of memory");
    p->n = lit->n;
    while (p->n >> (p->logn + 1)) p->logn++;
    p->primes = lit->primes - lit->special;
    p->special = lit->special;
    for (uint32_t i = 0; i < lit->primes; i++) {
        *(i < p->primes ? &p->log_q : &p->log_p) += lit->bits[i];
        if ((rc = choose_prime(p, lit, i)) < 0) goto out;
        if ((rc = ntt_create(&p->ntt[i], p->n, p->q[i])) < 0) goto out;
    }
    const uint64_t lo = UINT64_C(1) << (WIDE_BITS - 1);
    rc = ntt_create(&p->wide, p->n, mod_prime_below_var(2 * lo, lo, 2 * (uint64_t)p->n));
    if (rc < 0) goto out;
    *out = p;
    p = NULL;
out:
    ckks_params_free(p);
    return rc;
}

void ckks_params_free(ckks_params *p)
{
    if (!p) return;
    ntt_free(p->wide);
    for (uint32_t i = p->primes + p->special; i-- > 0;) ntt_free(p->ntt[i]);
    mem_free(p);
}
