// SPDX-License-Identifier: ISC
/** keys.h: secret and public keys. */
#ifndef TACIT_CKKS_KEYS_H
#define TACIT_CKKS_KEYS_H

#include "base/prg.h"
#include "ckks/params.h"

typedef struct ckks_sk ckks_sk; /* uniform ternary s, NTT domain, for every prime and the wide one */
typedef struct ckks_pk ckks_pk; /* seed of a, b = -a*s + e */

int ckks_sk_create(ckks_sk **out, const ckks_params *p, prg *rng) MUST_CHECK;
void ckks_sk_free(ckks_sk *sk);

int ckks_pk_create(ckks_pk **out, const ckks_sk *sk, prg *rng) MUST_CHECK;
void ckks_pk_free(ckks_pk *pk);

/** ckks_pk_bytes: size on the wire: 32 bytes of seed, then b bit-packed (ceil(log2 q_i) bits a coefficient). */
size_t ckks_pk_bytes(const ckks_params *p);
void ckks_pk_write(const ckks_pk *pk, uint8_t *out);
/** ckks_pk_read: validates every coefficient (< q_i) and expands a from the seed itself.  Errors: ERR_PEER, ERR_MEM. */
int ckks_pk_read(ckks_pk **out, const ckks_params *p, const uint8_t *in) MUST_CHECK;

/** Polynomials on the wire, ceil(log2 q_i) bits a coefficient, prime by prime.  ckks_poly_read: ERR_PEER if a residue is >= q_i. */
size_t ckks_poly_bytes(const ckks_params *p);
void ckks_poly_write(const ckks_params *p, uint8_t *out, const uint64_t *poly);
int ckks_poly_read(const ckks_params *p, uint64_t *poly, const uint8_t *in) MUST_CHECK;

#endif
