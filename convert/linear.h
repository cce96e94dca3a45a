// SPDX-License-Identifier: ISC
/** linear.h: a layer with weights: shares -> CKKS -> shares, batch packing (docs/PROTOCOL.md, "A layer with weights").
 *
 *  One ciphertext an element, coefficient j = image j.  A ciphertext out of convert_weigh is uint64_t[2][primes][n] (c0, c1), coefficients.
 *  Values are shared modulo 2^l on the way in, modulo 2^k on the way out.  `scratch` is uint64_t[convert_scratch_words(p)].
 *  Pure: what one party sends is a byte string that the caller carries. */
#ifndef TACIT_CONVERT_LINEAR_H
#define TACIT_CONVERT_LINEAR_H

#include "ckks/shares.h"
#include "convert/weigh.h"

size_t convert_scratch_words(const ckks_params *p);
static inline size_t convert_ct_words(const ckks_params *p) { return 2 * ckks_poly_words(p); }

/** convert_encrypt: step 1, the client: wire = c0 of the encryption of share[batch] at scale Q / 2^l, c1 from (seed, index).
 *  Out: ckks_poly_bytes(p) bytes.   The caller gives every element of a batch its own index, every batch and layer its own seed.
 *  CT: depends on the shape only. */
void convert_encrypt(const ckks_sk *sk, const ckks_params *p, unsigned l, const uint64_t *share, size_t batch,
                     const uint8_t seed[PRG_SEED_BYTES], uint64_t index, uint8_t *wire, prg *rng, uint64_t *scratch);

/** convert_accept: step 2, first half, the server: parses c0, expands c1, adds the encoding of its own share[batch] (NULL: zero): input
 *  `column` of a layer.   Errors: ERR_PEER (a residue out of range). */
int convert_accept(convert_inputs *in, uint32_t column, unsigned l, const uint8_t *wire, const uint8_t seed[PRG_SEED_BYTES], uint64_t index,
                   const uint64_t *share, size_t batch, uint64_t *scratch) MUST_CHECK;

/** convert_respond: steps 3 to 5, the server: re-randomises ct (destroyed), switches to 2^k, pads c0 with a fresh uniform mask r.
 *  Out:  wire = (c0 + r)[batch], c1[n], k bits each; share[batch] = -r mod 2^k.   CT: depends on the shape only. */
void convert_respond(const ckks_pk *pk, const ckks_params *p, unsigned k, uint64_t *ct, size_t batch, uint8_t *wire, uint64_t *share, prg *rng,
                     uint64_t *scratch);
size_t convert_response_bytes(const ckks_params *p, unsigned k, size_t batch);

/** convert_mask: step 5 alone: c0[batch] and c1[n], already modulo 2^k, to the wire; share = -r.  (The second half of convert_respond.) */
void convert_mask(const ckks_params *p, unsigned k, uint64_t *c0, const uint64_t *c1, size_t batch, uint8_t *wire, uint64_t *share, prg *rng);

/** convert_open: step 5, the client: its share[batch] modulo 2^k.   Errors: ERR_ARG (k). */
int convert_open(const ckks_sk *sk, const ckks_params *p, unsigned k, uint64_t *share, const uint8_t *wire, size_t batch,
                 uint64_t *scratch) MUST_CHECK;

#endif
