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

/* A public key b = -a*s + e modulo Q or, where there are special primes (and so room in the security table), modulo D Q, D = CKKS_PK_DIVISOR:
 * encryption then divides by D.  D is odd, so a remainder by D is in [-D/2, D/2] without a tie, and 0 in the mean. */
#define CKKS_PK_DIVISOR 127
#define CKKS_PK_BITS 7

typedef struct ckks_pk {
    const ckks_params *p;
    uint8_t seed[PRG_SEED_BYTES]; /* of a, together with the session's name */
    uint64_t *a, *b;              /* NTT domain, [primes][n] */
    uint64_t *b_low;              /* [n], b modulo D; NULL without special primes */
    uint64_t *low;                /* NTT domain modulo ckks_pk_prime, [n]: both low parts in one, see ckks_pk_shift */
} ckks_pk;

/** ckks_pk_prime: the first prime of ciphertexts that is above twice any coefficient of u * (b + 2^shift a), u ternary, a and b modulo
 *  D and centred; p->primes + p->special, for the wide prime, if there is none.
 *  ckks_pk_shift: 2^(shift-1) is above any coefficient of u * b. */
uint32_t ckks_pk_prime(const ckks_params *p);
static inline unsigned ckks_pk_shift(const ckks_params *p) { return p->logn + CKKS_PK_BITS + 1; }

int ckks_sk_create(ckks_sk **out, const ckks_params *p, prg *rng) MUST_CHECK;
void ckks_sk_free(ckks_sk *sk);

/** ckks_pk_create: a is expanded from BLAKE2b(session, a fresh seed), so that no key (nor anything computed on an a in advance) serves in
 *  two sessions.  Outside of a session: any 32 bytes.   Errors: ERR_MEM. */
int ckks_pk_create(ckks_pk **out, const ckks_sk *sk, const uint8_t session[32], prg *rng) MUST_CHECK;
void ckks_pk_free(ckks_pk *pk);

/** ckks_pk_bytes: size on the wire: 32 bytes of seed, then b in the NTT domain, bit-packed (ceil(log2 q_i) bits a residue), then, where
 *  there are special primes, b modulo D, in coefficients, CKKS_PK_BITS bits each.  a is what session and seed give (ckks_pk_seed) by
 *  sample_uniform_var, prime by prime and then modulo D. */
size_t ckks_pk_bytes(const ckks_params *p);
void ckks_pk_write(const ckks_pk *pk, uint8_t *out);
/** ckks_pk_read: validates every residue (< q_i, < D) and expands a itself.  Errors: ERR_PEER, ERR_MEM. */
int ckks_pk_read(ckks_pk **out, const ckks_params *p, const uint8_t session[32], const uint8_t *in) MUST_CHECK;
void ckks_pk_seed(uint8_t out[PRG_SEED_BYTES], const uint8_t session[32], const uint8_t seed[PRG_SEED_BYTES]);

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
