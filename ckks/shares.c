// SPDX-License-Identifier: ISC
#include "ckks/shares.h"

#include <string.h>

#include "base/ct.h"
#include "ckks/ring_kern.h"
#include "ckks/sample.h"

void ckks_encode_ring(const ckks_params *p, unsigned l, uint64_t *m, const uint64_t *v, size_t count)
{
    const size_t n = p->n;
    if (p->primes == 1 && ring_scale_fits(&p->ntt[0]->q, l)) {
        const size_t whole = count / 8 * 8;
        ring_kern_best()->scale(m, v, whole, &p->ntt[0]->q, l);
        ring_kern_portable.scale(m + whole, v + whole, count - whole, &p->ntt[0]->q, l);
        memset(m + count, 0, (n - count) * sizeof *m);
        return;
    }
    uint64_t q_low = 1; /* Q mod 2^64 */
    for (uint32_t i = 0; i < p->primes; i++) q_low *= p->q[i];
    for (uint32_t i = 0; i < p->primes; i++) {
        /* v Q = 2^l y + rem, rem in [-2^(l-1), 2^(l-1)), so y = floor(v Q / 2^l + 1/2) = -rem / 2^l mod q_i, for Q = 0 mod q_i */
        const modulus q = p->ntt[i]->q;
        const uint64_t w = mod_pow_var(&q, (q.q + 1) / 2, l), ws = mod_shoup_var(q.q, w);
        uint64_t *r = m + i * n;
        for (size_t j = 0; j < count; j++) {
            int64_t rem = ct_signed(ct_low(v[j] * q_low, l), l);
            r[j] = mod_mul_shoup(q.q, q.lift - (uint64_t)rem, w, ws);
        }
        memset(r + count, 0, (n - count) * sizeof *r);
    }
}

static void expand_prime(const ckks_params *p, uint32_t i, prg *g, uint64_t *c1) { sample_uniform_var(g, &p->ntt[i]->q, c1, p->n); }

void ckks_expand_c1(const ckks_params *p, uint64_t *c1, const uint8_t seed[PRG_SEED_BYTES], uint64_t index)
{
    prg g;
    prg_init(&g, seed, PRG_CKKS_C1, index);
    for (uint32_t i = 0; i < p->primes; i++) expand_prime(p, i, &g, c1 + (size_t)i * p->n);
}

void ckks_encrypt_seeded(const ckks_sk *sk, uint64_t *c0, const uint64_t *m, const uint8_t seed[PRG_SEED_BYTES], uint64_t index,
                         prg *rng, uint64_t *scratch)
{
    const ckks_params *p = sk->p;
    const size_t n = p->n;
    uint64_t *c1 = scratch;
    int8_t *e = (int8_t *)(scratch + n);
    prg g;
    prg_init(&g, seed, PRG_CKKS_C1, index);
    sample_cbd(rng, e, n);
    for (uint32_t i = 0; i < p->primes; i++) {
        expand_prime(p, i, &g, c1);
        ntt_convolve(p->ntt[i], c1, c1, sk->s + i * n);
        ring_kern_best()->noisy_sub(c0 + i * n, m + i * n, c1, e, n, &p->ntt[i]->q);
    }
}

void ckks_rerandomise(const ckks_pk *pk, uint64_t *c0, uint64_t *c1, prg *rng, uint64_t *scratch)
{
    const ckks_params *p = pk->p;
    const size_t n = p->n;
    uint64_t *u_ntt = scratch, *t = scratch + n;
    int32_t *e0 = (int32_t *)(scratch + 2 * n);
    int8_t *u = (int8_t *)(e0 + n), *e1 = u + n;
    const ring_kern *kern = ring_kern_best();
    sample_ternary(rng, u, n);
    sample_wide(rng, e0, n);
    sample_cbd(rng, e1, n); /* never left out: without it c1 / a is an LWE sample in the weights */
    for (uint32_t i = 0; i < p->primes; i++) {
        const ntt_table *ntt = p->ntt[i];
        ntt_forward_small(ntt, u_ntt, u, 1, NULL, NULL, NULL);
        ntt_multiply(ntt, t, pk->b + i * n, u_ntt);
        ntt_inverse(ntt, t, t);
        kern->wide_add(c0 + i * n, c0 + i * n, t, e0, n, &ntt->q);
        ntt_multiply(ntt, t, pk->a + i * n, u_ntt);
        ntt_inverse(ntt, t, t);
        kern->noisy_add(c1 + i * n, c1 + i * n, t, e1, n, &ntt->q);
    }
}

/* 1 / q modulo 2^64, q odd: Newton; q itself is right modulo 8, and each step doubles the bits. */
static uint64_t inverse_pow2(uint64_t q)
{
    uint64_t x = q;
    for (int i = 0; i < 5; i++) x *= 2 - q * x;
    return x;
}

/* With z_i = c 2^k (Q/q_i)^-1 mod q_i, c 2^k mod Q centred is rem = sum z_i Q/q_i - h Q, h = round(sum z_i / q_i), so
 *     -rem / Q = h - sum z_i / q_i  modulo 2^64.
 * h is taken from a quotient in units of 2^-64: z mu / 2^(bits+63) is below z / q by less than 2^-63, the shift cuts less than 2^-64
 * more, so 20 primes are off by less than 2^-58.  One prime is exact: |z/q - 1/2| >= 1/2q > 2^-61. */
void ckks_fraction(const ckks_params *p, uint32_t level, unsigned k, uint64_t *out, const uint64_t *c)
{
    const size_t n = p->n;
    modulus q[CKKS_MAX_PRIMES];
    uint64_t w[CKKS_MAX_PRIMES], ws[CKKS_MAX_PRIMES], inv[CKKS_MAX_PRIMES];
    for (uint32_t i = 0; i < level; i++) {
        q[i] = p->ntt[i]->q;
        uint64_t others = 1;
        for (uint32_t j = 0; j < level; j++)
            if (j != i) others = mod_mul(&q[i], others, p->q[j]);
        w[i] = mod_mul(&q[i], mod_pow_var(&q[i], 2, k), mod_inv_var(&q[i], others));
        ws[i] = mod_shoup_var(q[i].q, w[i]);
        inv[i] = inverse_pow2(q[i].q);
    }
    for (size_t j = 0; j < n; j++) {
        u128 h = UINT64_C(1) << 63;
        uint64_t y = 0;
        for (uint32_t i = 0; i < level; i++) {
            uint64_t z = mod_mul_shoup(q[i].q, c[i * n + j], w[i], ws[i]);
            h += (u128)z * q[i].mu >> (q[i].bits - 1);
            y += z * inv[i];
        }
        out[j] = (uint64_t)(h >> 64) - y;
    }
}

void ckks_switch_pow2(const ckks_params *p, unsigned k, uint64_t *out, const uint64_t *c)
{
    if (p->primes == 1 && ring_switch_fits(&p->ntt[0]->q, k)) {
        ring_kern_best()->to_pow2(out, c, p->n, &p->ntt[0]->q, k);
        return;
    }
    ckks_fraction(p, p->primes, k, out, c);
    for (uint32_t j = 0; j < p->n; j++) out[j] = ct_low(out[j], k);
}

int ckks_decrypt_pow2(const ckks_sk *sk, unsigned k, uint64_t *v, const uint64_t *c0, size_t count, const uint64_t *c1,
                      uint64_t *scratch)
{
    const ckks_params *p = sk->p;
    const size_t n = p->n;
    if (k < 1 || k + p->logn > 59) return err_set(ERR_ARG, "decryption: k = %u is not in [1, %u]", k, 59 - p->logn);
    if (count > n) return err_set(ERR_ARG, "decryption: count = %zu above n = %zu", count, n);
    /* |c1 * s| <= n 2^(k-1) is below half the prime: the centred residue is the integer itself */
    const int narrow = k + p->logn < p->ntt[0]->q.bits;
    const ntt_table *t = narrow ? p->ntt[0] : p->wide;
    const ring_kern *kern = ring_kern_best();
    const size_t whole = count / 8 * 8;
    kern->from_pow2(scratch, c1, n, &t->q, k);
    ntt_convolve(t, scratch, scratch, sk->s + (narrow ? 0 : (p->primes + p->special) * n));
    kern->add_centred(v, c0, scratch, whole, &t->q, k);
    ring_kern_portable.add_centred(v + whole, c0 + whole, scratch + whole, count - whole, &t->q, k);
    return 0;
}
