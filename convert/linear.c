// SPDX-License-Identifier: ISC
#include "convert/linear.h"

#include "base/bits.h"
#include "base/ct.h"
#include "ckks/ring_kern.h"

#define TILE 64 /* coefficients that stay in L1 while a row of weights runs over them */

size_t convert_scratch_words(const ckks_params *p)
{
    size_t weigh_or_switch = ckks_poly_words(p) + 2 * (size_t)p->n;
    return weigh_or_switch + ckks_scratch_words(p);
}

void convert_encrypt(const ckks_sk *sk, const ckks_params *p, unsigned l, const uint64_t *share, size_t batch,
                     const uint8_t seed[PRG_SEED_BYTES], uint64_t index, uint8_t *wire, prg *rng, uint64_t *scratch)
{
    uint64_t *c0 = scratch, *rest = scratch + ckks_poly_words(p) + 2 * (size_t)p->n;

    ckks_encode_ring(p, l, c0, share, batch);
    ckks_encrypt_seeded(sk, c0, c0, seed, index, rng, rest);
    ckks_poly_write(p, wire, c0);
}

int convert_accept(const ckks_params *p, unsigned l, uint64_t *ct, const uint8_t *wire, const uint8_t seed[PRG_SEED_BYTES], uint64_t index,
                   const uint64_t *share, size_t batch, uint64_t *scratch)
{
    int rc = ckks_poly_read(p, ct, wire);
    if (rc)
        return rc;
    ckks_expand_c1(p, ct + ckks_poly_words(p), seed, index);
    if (!share)
        return 0;
    ckks_encode_ring(p, l, scratch, share, batch);
    for (uint32_t i = 0; i < p->primes; i++) {
        uint64_t *r = ct + (size_t)i * p->n;
        ring_kern_best()->add(r, r, scratch + (size_t)i * p->n, p->n, &p->ntt[i]->q);
    }
    return 0;
}

/** weigh_tile: acc[j] = sum w[e] * x[col[e]][j] mod q, j < TILE, reduced once in `burst` terms.
 *  Bound: |w * x| < 2^room, so burst + 1 terms, the reduced one among them, are at most MOD_SIGNED_MAX = 2^61. */
static void weigh_tile(const modulus *q, uint32_t burst, const uint32_t *col, const int16_t *w, size_t entries, const uint64_t *x,
                       size_t ct_words, uint64_t *out)
{
    int64_t acc[TILE] = {0};

    for (size_t e = 0; e < entries;) {
        size_t stop = entries - e > burst ? e + burst : entries;
        for (; e < stop; e++) {
            const uint64_t *v = x + col[e] * ct_words;
            for (size_t j = 0; j < TILE; j++)
                acc[j] += (int64_t)w[e] * (int64_t)v[j];
        }
        for (size_t j = 0; j < TILE; j++)
            acc[j] = (int64_t)mod_from_signed(q, acc[j]);
    }
    for (size_t j = 0; j < TILE; j++)
        out[j] = (uint64_t)acc[j];
}

int convert_weigh(const ckks_params *p, unsigned wbits, const uint32_t *row, const uint32_t *col, const int16_t *w, size_t outputs,
                  const uint64_t *ct, uint64_t *out)
{
    const size_t words = convert_ct_words(p);

    for (size_t plane = 0; plane < 2 * (size_t)p->primes; plane++) {
        const modulus *q = &p->ntt[plane % p->primes]->q;
        const unsigned room = q->bits + wbits - 1;
        if (wbits < 2 || room > 60)
            return err_set(ERR_ARG, "%u-bit weights do not fit beside a prime of %u bits", wbits, q->bits);
        const uint32_t burst = (UINT32_C(1) << (61 - room > 16 ? 16 : 61 - room)) - 1;
        for (size_t tile = 0; tile < p->n; tile += TILE)
            for (size_t o = 0; o < outputs; o++) {
                size_t at = plane * p->n + tile;
                weigh_tile(q, burst, col + row[o], w + row[o], row[o + 1] - row[o], ct + at, words, out + o * words + at);
            }
    }
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
