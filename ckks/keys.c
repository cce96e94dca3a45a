// SPDX-License-Identifier: ISC
#include "ckks/keys.h"

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
        sample_lift(&t->q, sk->s + i * n, small, n);
        ntt_forward(t, sk->s + i * n, sk->s + i * n);
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

static uint32_t all_primes(const ckks_params *p) { return p->primes + p->special; }

static ckks_pk *pk_alloc(const ckks_params *p)
{
    const size_t words = (size_t)all_primes(p) * p->n;
    ckks_pk *pk = mem_alloc(1, sizeof *pk);
    if (!pk) return NULL;
    pk->a = mem_alloc(words, 2 * sizeof *pk->a);
    if (!pk->a) {
        mem_free(pk);
        return NULL;
    }
    pk->p = p;
    pk->b = pk->a + words;
    return pk;
}

/* a is uniform in the NTT domain as it is in the coefficients, so no transform is spent on it. */
static void expand_a(ckks_pk *pk)
{
    prg g;
    prg_init(&g, pk->seed, PRG_CKKS_PK, 0);
    for (uint32_t i = 0; i < all_primes(pk->p); i++) sample_uniform_var(&g, &pk->p->ntt[i]->q, pk->a + (size_t)i * pk->p->n, pk->p->n);
    prg_wipe(&g);
}

int ckks_pk_create(ckks_pk **out, const ckks_sk *sk, prg *rng)
{
    *out = NULL;
    int rc = 0;
    const ckks_params *p = sk->p;
    const size_t n = p->n;
    int8_t *e = mem_alloc(n, 1);
    ckks_pk *pk = pk_alloc(p);
    if (!e || !pk) {
        rc = err_set(ERR_MEM, "public key: out of memory");
        goto out;
    }
    prg_bytes(rng, pk->seed, sizeof pk->seed);
    expand_a(pk);
    sample_cbd(rng, e, n);
    for (uint32_t i = 0; i < all_primes(p); i++) {
        const modulus *q = &p->ntt[i]->q;
        const uint64_t *a = pk->a + i * n, *s = sk->s + i * n;
        uint64_t *b = pk->b + i * n;
        sample_lift(q, b, e, n);
        ntt_forward(p->ntt[i], b, b);
        for (size_t j = 0; j < n; j++) b[j] = mod_sub(q, b[j], mod_mul(q, a[j], s[j]));
    }
    *out = pk;
    pk = NULL;
out:
    ckks_pk_free(pk);
    mem_free(e);
    return rc;
}

void ckks_pk_free(ckks_pk *pk)
{
    if (pk) mem_free(pk->a);
    mem_free(pk);
}

size_t ckks_pk_bytes(const ckks_params *p) { return PRG_SEED_BYTES + ckks_poly_bytes_at(p, all_primes(p)); }

void ckks_pk_write(const ckks_pk *pk, uint8_t *out)
{
    memcpy(out, pk->seed, PRG_SEED_BYTES);
    ckks_poly_write_at(pk->p, all_primes(pk->p), out + PRG_SEED_BYTES, pk->b);
}

int ckks_pk_read(ckks_pk **out, const ckks_params *p, const uint8_t *in)
{
    *out = NULL;
    ckks_pk *pk = pk_alloc(p);
    if (!pk) return err_set(ERR_MEM, "public key: out of memory");
    memcpy(pk->seed, in, PRG_SEED_BYTES);
    int rc = ckks_poly_read_at(p, all_primes(p), pk->b, in + PRG_SEED_BYTES);
    if (rc < 0) goto out;
    expand_a(pk);
    *out = pk;
    pk = NULL;
out:
    ckks_pk_free(pk);
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
