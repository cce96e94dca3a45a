// SPDX-License-Identifier: ISC
/** keys.h: secret and public keys, and polynomials on the wire.  Keys refer to their parameters, which must outlive them. */
#ifndef TACIT_CKKS_KEYS_H
#define TACIT_CKKS_KEYS_H

#include "base/prg.h"
#include "ckks/params.h"

typedef struct ckks_sk {
    const ckks_params *p;
    uint64_t *s; /* uniform ternary, NTT domain: [primes + special + 1][n], the wide prime last */
} ckks_sk;

typedef struct ckks_pk {
    const ckks_params *p;
    uint8_t seed[PRG_SEED_BYTES]; /* of a */
    uint64_t *a, *b;              /* NTT domain, [primes + special][n]: b = -a*s + e */
} ckks_pk;

int ckks_sk_create(ckks_sk **out, const ckks_params *p, prg *rng) MUST_CHECK;
void ckks_sk_free(ckks_sk *sk);

int ckks_pk_create(ckks_pk **out, const ckks_sk *sk, prg *rng) MUST_CHECK;
void ckks_pk_free(ckks_pk *pk);

/** ckks_pk_bytes: size on the wire: 32 bytes of seed, then b in the NTT domain, bit-packed (ceil(log2 q_i) bits a residue), special
 *  primes last. */
size_t ckks_pk_bytes(const ckks_params *p);
void ckks_pk_write(const ckks_pk *pk, uint8_t *out);
/** ckks_pk_read: validates every residue (< q_i) and expands a from the seed itself.  Errors: ERR_PEER, ERR_MEM. */
int ckks_pk_read(ckks_pk **out, const ckks_params *p, const uint8_t *in) MUST_CHECK;

/** Polynomials on the wire, ceil(log2 q_i) bits a residue, prime by prime, the first `level` primes, special ones after
 *  the others, in the _at forms.
 *  ckks_poly_read: ERR_PEER if a residue is >= q_i; the polynomial is then zero. */
size_t ckks_poly_bytes_at(const ckks_params *p, uint32_t level);
void ckks_poly_write_at(const ckks_params *p, uint32_t level, uint8_t *out, const uint64_t *poly);
int ckks_poly_read_at(const ckks_params *p, uint32_t level, uint64_t *poly, const uint8_t *in) MUST_CHECK;

size_t ckks_poly_bytes(const ckks_params *p);
void ckks_poly_write(const ckks_params *p, uint8_t *out, const uint64_t *poly);
int ckks_poly_read(const ckks_params *p, uint64_t *poly, const uint8_t *in) MUST_CHECK;

#endif
