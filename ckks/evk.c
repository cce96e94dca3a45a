// SPDX-License-Identifier: ISC
#include "ckks/evk.h"

#include <string.h>

#include "base/mem.h"
#include "ckks/sample.h"

static uint32_t all_primes(const ckks_params *p) { return p->primes + p->special; }
static size_t digit_words(const ckks_params *p) { return (size_t)all_primes(p) * p->n; }

uint32_t ckks_galois_rotation(const ckks_params *p, int32_t r)
{
    uint32_t g = 1;
    for (uint32_t i = (uint32_t)r % (p->n / 2); i; i--) g = g * 5 % (2 * p->n); /* n/2 divides 2^32 */
    return g;
}

uint32_t ckks_galois_conjugation(const ckks_params *p) { return 2 * p->n - 1; }

static uint32_t reversed(uint32_t j, uint32_t logn)
{
    uint32_t r = 0;
    for (uint32_t i = 0; i < logn; i++) r |= (j >> i & 1) << (logn - 1 - i);
    return r;
}

/* Number j of a transform is the value at psi^(2 rev(j) + 1); x -> x^g takes it from psi^(g (2 rev(j) + 1)).  The last log2 b bits of j stand for
 * multiples of 2n / b in the exponent, so a block of b numbers comes from one block, which g times the rest of the exponent names. */
static void fill_from(const ckks_params *p, uint32_t *from, uint32_t g)
{
    for (uint32_t j = 0; j < p->n; j++) from[j] = reversed(g * (2 * reversed(j, p->logn) + 1) % (2 * p->n) / 2, p->logn);
}

static int galois_ok(const ckks_params *p, uint32_t g) { return g == 0 || (g % 2 && g < 2 * p->n); }

static int evk_alloc(ckks_evk **out, const ckks_params *p, uint32_t galois)
{
    const size_t words = p->primes * digit_words(p);
    ckks_evk *k = mem_alloc(1, sizeof *k);
    if (k) k->a = mem_alloc(words, 2 * sizeof *k->a);
    if (k && galois) k->from = mem_alloc(p->n, sizeof *k->from);
    if (!k || !k->a || (galois && !k->from)) {
        ckks_evk_free(k);
        return err_set(ERR_MEM, "evaluation key: out of memory");
    }
    k->p = p;
    k->b = k->a + words;
    k->galois = galois;
    if (galois) fill_from(p, k->from, galois);
    *out = k;
    return 0;
}

void ckks_evk_free(ckks_evk *k)
{
    if (k) {
        mem_free(k->from);
        mem_free(k->a);
    }
    mem_free(k);
}

static void expand_a(ckks_evk *k)
{
    const ckks_params *p = k->p;
    for (uint32_t d = 0; d < p->primes; d++) {
        prg g;
        prg_init(&g, k->seed, PRG_CKKS_EVK, d);
        for (uint32_t i = 0; i < all_primes(p); i++)
            sample_uniform_var(&g, &p->ntt[i]->q, k->a + d * digit_words(p) + (size_t)i * p->n, p->n);
        prg_wipe(&g);
    }
}

/* t[n] = what a key of this kind is under, modulo prime i. */
static void key_under(const ckks_evk *k, uint64_t *t, const uint64_t *s)
{
    for (uint32_t j = 0; j < k->p->n; j++) t[k->galois ? k->from[j] : j] = s[j]; /* the permutation is public, and this its inverse */
}

/* One digit modulo prime i; t[n] scratch. */
static void make_b(const ckks_evk *k, const ckks_sk *sk, uint32_t d, uint32_t i, const int8_t *e, uint64_t *t)
{
    const ckks_params *p = k->p;
    const size_t n = p->n, at = d * digit_words(p) + i * n;
    const uint64_t *s = sk->s + i * n;
    const ntt_table *ntt = p->ntt[i];
    uint64_t *b = k->b + at;
    ntt_forward_small(ntt, b, e, 1, NULL, NULL, NULL);
    key_under(k, t, s);
    ntt_multiply_sub(ntt, b, t, k->a + at);
    if (i != d) return;
    uint64_t w = 1; /* P */
    for (uint32_t j = p->primes; j < all_primes(p); j++) w = mod_mul(&ntt->q, w, p->q[j]);
    if (k->galois == 0)
        ntt_multiply(ntt, t, s, s);
    else
        memcpy(t, s, n * sizeof *t);
    ntt_scale_add(ntt, b, t, w, b);
}

int ckks_evk_create(ckks_evk **out, const ckks_sk *sk, uint32_t galois, prg *rng)
{
    *out = NULL;
    const ckks_params *p = sk->p;
    if (!p->special) return err_set(ERR_ARG, "evaluation key: the parameters have no special prime");
    if (!galois_ok(p, galois)) return err_set(ERR_ARG, "evaluation key: galois = %u is neither 0 nor odd and below 2n", galois);
    ckks_evk *k = NULL;
    int8_t *e = mem_alloc(p->n, 1);
    uint64_t *t = mem_alloc(p->n, sizeof *t);
    int rc = e && t ? evk_alloc(&k, p, galois) : err_set(ERR_MEM, "evaluation key: out of memory");
    if (rc < 0) goto out;
    prg_bytes(rng, k->seed, sizeof k->seed);
    expand_a(k);
    for (uint32_t d = 0; d < p->primes; d++) {
        sample_cbd(rng, e, p->n);
        for (uint32_t i = 0; i < all_primes(p); i++) make_b(k, sk, d, i, e, t);
    }
    *out = k;
out:
    mem_free(t);
    mem_free(e);
    return rc;
}

static const uint8_t magic[4] = {'T', 'E', 'K', 1};

size_t ckks_evk_bytes(const ckks_params *p) { return CKKS_EVK_HEAD_BYTES + p->primes * ckks_poly_bytes_at(p, all_primes(p)); }

void ckks_evk_write(const ckks_evk *k, uint8_t *out)
{
    const ckks_params *p = k->p;
    memcpy(out, magic, sizeof magic);
    out[4] = (uint8_t)p->logn;
    out[5] = (uint8_t)p->primes;
    out[6] = (uint8_t)p->special;
    out[7] = 0;
    for (int i = 0; i < 4; i++) out[8 + i] = (uint8_t)(k->galois >> 8 * i);
    memcpy(out + 12, k->seed, PRG_SEED_BYTES);
    out += CKKS_EVK_HEAD_BYTES;
    for (uint32_t d = 0; d < p->primes; d++, out += ckks_poly_bytes_at(p, all_primes(p)))
        ckks_poly_write_at(p, all_primes(p), out, k->b + d * digit_words(p));
}

int ckks_evk_read(ckks_evk **out, const ckks_params *p, const uint8_t *in, size_t len)
{
    *out = NULL;
    if (!p->special) return err_set(ERR_ARG, "evaluation key: the parameters have no special prime");
    if (len != ckks_evk_bytes(p)) return err_set(ERR_PEER, "evaluation key: length %zu, not %zu", len, ckks_evk_bytes(p));
    if (memcmp(in, magic, 3)) return err_set(ERR_PEER, "evaluation key: offset 0: magic is not \"TEK\"");
    if (in[3] != magic[3]) return err_set(ERR_PEER, "evaluation key: offset 3: version %u is not %u", in[3], magic[3]);
    if (in[4] != p->logn) return err_set(ERR_PEER, "evaluation key: offset 4: log2 n = %u, not %u", in[4], p->logn);
    if (in[5] != p->primes) return err_set(ERR_PEER, "evaluation key: offset 5: primes = %u, not %u", in[5], p->primes);
    if (in[6] != p->special) return err_set(ERR_PEER, "evaluation key: offset 6: special = %u, not %u", in[6], p->special);
    if (in[7]) return err_set(ERR_PEER, "evaluation key: offset 7: reserved byte %u is not 0", in[7]);
    const uint32_t galois = in[8] | (uint32_t)in[9] << 8 | (uint32_t)in[10] << 16 | (uint32_t)in[11] << 24;
    if (!galois_ok(p, galois)) return err_set(ERR_PEER, "evaluation key: offset 8: galois = %u is neither 0 nor odd and below 2n", galois);
    ckks_evk *k;
    int rc = evk_alloc(&k, p, galois);
    if (rc < 0) return rc;
    memcpy(k->seed, in + 12, PRG_SEED_BYTES);
    in += CKKS_EVK_HEAD_BYTES;
    for (uint32_t d = 0; d < p->primes; d++, in += ckks_poly_bytes_at(p, all_primes(p))) {
        rc = ckks_poly_read_at(p, all_primes(p), k->b + d * digit_words(p), in);
        if (rc < 0) goto out;
    }
    expand_a(k);
    *out = k;
    k = NULL;
out:
    ckks_evk_free(k);
    return rc;
}
