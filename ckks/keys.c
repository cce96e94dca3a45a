// SPDX-License-Identifier: ISC
#include "ckks/keys.h"

#include <sodium.h>
#include <string.h>

#include "base/bits.h"
#include "base/mem.h"
#include "ckks/ring_kern.h"
#include "ckks/sample.h"

int ckks_sk_create(ckks_sk **out, const ckks_params *p, prg *rng)
{
    *out = NULL;
    int rc = 0;
    const size_t n = p->n;
    int8_t *small = mem_alloc(n, 1);
    ckks_sk *sk = mem_alloc(1, sizeof *sk);
    if (sk) sk->s = mem_alloc(n * (p->primes + p->special + 1), sizeof *sk->s);
    if (!small || !sk || !sk->s) {
        rc = err_set(ERR_MEM, "secret key: out of memory");
        goto out;
    }
    sk->p = p;
    sample_ternary(rng, small, n);
    for (uint32_t i = 0; i <= p->primes + p->special; i++) {
        const ntt_table *t = i < p->primes + p->special ? p->ntt[i] : p->wide;
        ntt_forward_small(t, sk->s + i * n, small, 1, NULL, NULL, NULL);
    }
    *out = sk;
    sk = NULL;
out:
    ckks_sk_free(sk);
    mem_free(small);
    return rc;
}

void ckks_sk_free(ckks_sk *sk)
{
    if (sk) mem_free(sk->s);
    mem_free(sk);
}

static ckks_pk *pk_alloc(const ckks_params *p)
{
    const size_t words = (size_t)p->primes * p->n;
    ckks_pk *pk = mem_alloc(1, sizeof *pk);
    if (!pk) return NULL;
    pk->a = mem_alloc(2 * words + (p->special ? 2 * (size_t)p->n : 0), sizeof *pk->a);
    if (!pk->a) {
        mem_free(pk);
        return NULL;
    }
    pk->p = p;
    pk->b = pk->a + words;
    if (p->special) {
        pk->b_low = pk->b + words;
        pk->low = pk->b_low + p->n;
    }
    return pk;
}

uint32_t ckks_pk_prime(const ckks_params *p)
{
    uint32_t i = 0;
    while (i < p->primes && p->ntt[i]->q.bits < ckks_pk_shift(p) + p->logn + CKKS_PK_BITS + 2) i++;
    return i < p->primes ? i : p->primes + p->special;
}

static const ntt_table *low_table(const ckks_params *p)
{
    const uint32_t i = ckks_pk_prime(p);
    return i < p->primes ? p->ntt[i] : p->wide;
}

static const modulus divisor = {CKKS_PK_DIVISOR, (uint64_t)(((u128)1 << (CKKS_PK_BITS + 63)) / CKKS_PK_DIVISOR),
                                CKKS_PK_DIVISOR * ((UINT64_C(1) << 61) / CKKS_PK_DIVISOR + 1), CKKS_PK_BITS};

static int8_t centred(uint64_t x) { return (int8_t)((int)x - (CKKS_PK_DIVISOR & -((int)(x + 64) >> 7))); } /* x < 127 */

void ckks_pk_seed(uint8_t out[PRG_SEED_BYTES], const uint8_t session[32], const uint8_t seed[PRG_SEED_BYTES])
{
    uint8_t both[32 + PRG_SEED_BYTES];
    memcpy(both, session, 32);
    memcpy(both + 32, seed, PRG_SEED_BYTES);
    crypto_generichash(out, PRG_SEED_BYTES, both, sizeof both, (const uint8_t *)"tacit public key", 16);
}

/* a is uniform in the NTT domain as it is in the coefficients, so no transform is spent on it; a_low[n], centred, is a modulo D. */
static void expand_a(ckks_pk *pk, const uint8_t session[32], int8_t *a_low)
{
    const ckks_params *p = pk->p;
    uint8_t seed[PRG_SEED_BYTES];
    prg g;
    ckks_pk_seed(seed, session, pk->seed);
    prg_init(&g, seed, PRG_CKKS_PK, 0);
    for (uint32_t i = 0; i < p->primes; i++) sample_uniform_var(&g, &p->ntt[i]->q, pk->a + (size_t)i * p->n, p->n);
    if (p->special) {
        sample_uniform_var(&g, &divisor, pk->low, p->n);
        for (uint32_t j = 0; j < p->n; j++) a_low[j] = centred(pk->low[j]);
    }
    prg_wipe(&g);
}

/* b_low = e - a_low s.  The product is exact: the prime is large enough. */
static void make_b_low(ckks_pk *pk, const ckks_sk *sk, const int8_t *a_low, const int8_t *e)
{
    const ckks_params *p = pk->p;
    const ntt_table *t = low_table(p);
    ntt_forward_small(t, pk->low, a_low, 1, NULL, NULL, NULL);
    ntt_multiply(t, pk->low, pk->low, sk->s + (size_t)ckks_pk_prime(p) * p->n);
    ntt_inverse(t, pk->low, pk->low);
    for (uint32_t j = 0; j < p->n; j++) pk->b_low[j] = mod_from_signed(&divisor, e[j] - mod_centred(t->q.q, pk->low[j]));
}

/* low = D (b_low + 2^shift a_low): encryption multiplies it by u / D. */
static void make_low(ckks_pk *pk, const int8_t *a_low)
{
    const ntt_table *t = low_table(pk->p);
    for (uint32_t j = 0; j < pk->p->n; j++) {
        const int64_t both = centred(pk->b_low[j]) + a_low[j] * (INT64_C(1) << ckks_pk_shift(pk->p));
        pk->low[j] = mod_from_signed(&t->q, both * CKKS_PK_DIVISOR);
    }
    ntt_forward(t, pk->low, pk->low);
}

int ckks_pk_create(ckks_pk **out, const ckks_sk *sk, const uint8_t session[32], prg *rng)
{
    *out = NULL;
    int rc = 0;
    const ckks_params *p = sk->p;
    const size_t n = p->n;
    int8_t *e = mem_alloc(n, 1), *a_low = mem_alloc(n, 1);
    ckks_pk *pk = pk_alloc(p);
    if (!e || !a_low || !pk) {
        rc = err_set(ERR_MEM, "public key: out of memory");
        goto out;
    }
    prg_bytes(rng, pk->seed, sizeof pk->seed);
    expand_a(pk, session, a_low);
    sample_cbd(rng, e, n);
    for (uint32_t i = 0; i < p->primes; i++) {
        uint64_t *b = pk->b + i * n;
        ntt_forward_small(p->ntt[i], b, e, 1, NULL, NULL, NULL);
        ntt_multiply_sub(p->ntt[i], b, pk->a + i * n, sk->s + i * n);
    }
    if (p->special) {
        make_b_low(pk, sk, a_low, e);
        make_low(pk, a_low);
    }
    *out = pk;
    pk = NULL;
out:
    ckks_pk_free(pk);
    mem_free(a_low);
    mem_free(e);
    return rc;
}

void ckks_pk_free(ckks_pk *pk)
{
    if (pk) mem_free(pk->a);
    mem_free(pk);
}

static size_t low_bytes(const ckks_params *p) { return p->special ? bits_bytes(p->n, CKKS_PK_BITS) : 0; }

size_t ckks_pk_bytes(const ckks_params *p) { return PRG_SEED_BYTES + ckks_poly_bytes(p) + low_bytes(p); }

void ckks_pk_write(const ckks_pk *pk, uint8_t *out)
{
    memcpy(out, pk->seed, PRG_SEED_BYTES);
    out += PRG_SEED_BYTES;
    ckks_poly_write(pk->p, out, pk->b);
    if (pk->b_low) bits_pack(out + ckks_poly_bytes(pk->p), pk->b_low, pk->p->n, CKKS_PK_BITS);
}

int ckks_pk_read(ckks_pk **out, const ckks_params *p, const uint8_t session[32], const uint8_t *in)
{
    *out = NULL;
    int rc = 0;
    int8_t *a_low = mem_alloc(p->n, 1);
    ckks_pk *pk = pk_alloc(p);
    if (!a_low || !pk) {
        rc = err_set(ERR_MEM, "public key: out of memory");
        goto out;
    }
    memcpy(pk->seed, in, PRG_SEED_BYTES);
    in += PRG_SEED_BYTES;
    if ((rc = ckks_poly_read(p, pk->b, in)) < 0) goto out;
    if (p->special) {
        bits_unpack(pk->b_low, in + ckks_poly_bytes(p), p->n, CKKS_PK_BITS);
        if (ring_kern_best()->outside(pk->b_low, p->n, &divisor)) {
            rc = err_set(ERR_PEER, "public key: a residue modulo %d is not below it", CKKS_PK_DIVISOR);
            goto out;
        }
    }
    expand_a(pk, session, a_low);
    if (p->special) make_low(pk, a_low);
    *out = pk;
    pk = NULL;
out:
    ckks_pk_free(pk);
    mem_free(a_low);
    return rc;
}

/* n is a multiple of 8, so each prime's part ends on a byte. */
size_t ckks_poly_bytes_at(const ckks_params *p, uint32_t level)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < level; i++) bytes += bits_bytes(p->n, p->ntt[i]->q.bits);
    return bytes;
}

void ckks_poly_write_at(const ckks_params *p, uint32_t level, uint8_t *out, const uint64_t *poly)
{
    for (uint32_t i = 0; i < level; i++) {
        bits_pack(out, poly + (size_t)i * p->n, p->n, p->ntt[i]->q.bits);
        out += bits_bytes(p->n, p->ntt[i]->q.bits);
    }
}

int ckks_poly_read_at(const ckks_params *p, uint32_t level, uint64_t *poly, const uint8_t *in)
{
    for (uint32_t i = 0; i < level; i++) {
        uint64_t *r = poly + (size_t)i * p->n;
        bits_unpack(r, in, p->n, p->ntt[i]->q.bits);
        in += bits_bytes(p->n, p->ntt[i]->q.bits);
        if (!ring_kern_best()->outside(r, p->n, &p->ntt[i]->q)) continue;
        uint32_t j = 0;
        while (r[j] < p->q[i]) j++;
        mem_wipe(poly, (size_t)level * p->n * sizeof *poly);
        return err_set(ERR_PEER, "polynomial: residue %u of prime %u is not below its modulus", j, i);
    }
    return 0;
}

size_t ckks_poly_bytes(const ckks_params *p) { return ckks_poly_bytes_at(p, p->primes); }
void ckks_poly_write(const ckks_params *p, uint8_t *out, const uint64_t *poly) { ckks_poly_write_at(p, p->primes, out, poly); }
int ckks_poly_read(const ckks_params *p, uint64_t *poly, const uint8_t *in) { return ckks_poly_read_at(p, p->primes, poly, in); }
