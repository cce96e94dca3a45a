// SPDX-License-Identifier: ISC
#include "convert/linear.h"

#include "base/bits.h"
#include "base/ct.h"
#include "ckks/ring_kern.h"

/* The most of: one polynomial and what encryption needs; a ciphertext and a polynomial; two switched polynomials and what re-randomisation needs. */
size_t convert_scratch_words(const ckks_params *p)
{
    const size_t respond = ckks_poly_words(p) + 2 * (size_t)p->n + ckks_scratch_words(p), accept = 3 * ckks_poly_words(p);
    return respond > accept ? respond : accept;
}

void convert_encrypt(const ckks_sk *sk, const ckks_params *p, unsigned l, const uint64_t *share, size_t batch,
                     const uint8_t seed[PRG_SEED_BYTES], uint64_t index, uint8_t *wire, prg *rng, uint64_t *scratch)
{
    uint64_t *c0 = scratch, *rest = scratch + ckks_poly_words(p) + 2 * (size_t)p->n;

    ckks_encode_ring(p, l, c0, share, batch);
    ckks_encrypt_seeded(sk, c0, c0, seed, index, rng, rest);
    ckks_poly_write(p, wire, c0);
}

int convert_accept(convert_inputs *in, uint32_t column, unsigned l, const uint8_t *wire, const uint8_t seed[PRG_SEED_BYTES], uint64_t index,
                   const uint64_t *share, size_t batch, uint64_t *scratch)
{
    const ckks_params *p = in->p;
    uint64_t *ct = scratch, *mine = scratch + convert_ct_words(p);
    int rc = ckks_poly_read(p, ct, wire);
    if (rc)
        return rc;
    ckks_expand_c1(p, ct + ckks_poly_words(p), seed, index);
    if (share) {
        ckks_encode_ring(p, l, mine, share, batch);
        for (uint32_t i = 0; i < p->primes; i++) {
            const size_t at = (size_t)i * p->n;
            ring_kern_best()->add(ct + at, ct + at, mine + at, p->n, &p->ntt[i]->q);
        }
    }
    convert_inputs_set(in, column, ct);
    return 0;
}

size_t convert_response_bytes(const ckks_params *p, unsigned k, size_t batch)
{
    return bits_bytes(batch, k) + bits_bytes(p->n, k);
}

void convert_mask(const ckks_params *p, unsigned k, uint64_t *c0, const uint64_t *c1, size_t batch, uint8_t *wire, uint64_t *share, prg *rng)
{
    prg_bytes(rng, share, batch * sizeof *share);
    for (size_t j = 0; j < batch; j++) {
        c0[j] = ct_low(c0[j] + share[j], k);
        share[j] = ct_low(0 - share[j], k);
    }
    bits_pack(wire, c0, batch, k);
    bits_pack(wire + bits_bytes(batch, k), c1, p->n, k);
}

void convert_respond(const ckks_pk *pk, const ckks_params *p, unsigned k, uint64_t *ct, size_t batch, uint8_t *wire, uint64_t *share, prg *rng,
                     uint64_t *scratch)
{
    uint64_t *c0 = scratch, *c1 = scratch + p->n;

    ckks_rerandomise(pk, ct, ct + ckks_poly_words(p), rng, scratch + ckks_poly_words(p) + 2 * (size_t)p->n);
    ckks_switch_pow2(p, k, c0, ct);
    ckks_switch_pow2(p, k, c1, ct + ckks_poly_words(p));
    convert_mask(p, k, c0, c1, batch, wire, share, rng);
}

int convert_open(const ckks_sk *sk, const ckks_params *p, unsigned k, uint64_t *share, const uint8_t *wire, size_t batch, uint64_t *scratch)
{
    uint64_t *c1 = scratch;

    bits_unpack(share, wire, batch, k);
    bits_unpack(c1, wire + bits_bytes(batch, k), p->n, k);
    return ckks_decrypt_pow2(sk, k, share, share, batch, c1, scratch + ckks_poly_words(p) + 2 * (size_t)p->n);
}
