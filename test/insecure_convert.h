// SPDX-License-Identifier: ISC
/** insecure_convert.h: weakened responses, for the attacks in test_convert.c.  Never linked into the library. */
#ifndef TACIT_TEST_INSECURE_CONVERT_H
#define TACIT_TEST_INSECURE_CONVERT_H

#include "convert/linear.h"

/** A response without step 3: c1 goes back as the weighted sum of what the client sent. */
void insecure_respond_plain(const ckks_params *p, unsigned k, uint64_t *ct, size_t batch, uint8_t *wire, uint64_t *share, prg *rng,
                            uint64_t *scratch);

/** A response whose u comes from a generator that is rewound for every ciphertext. */
void insecure_respond_reused(const ckks_pk *pk, const ckks_params *p, unsigned k, uint64_t *ct, size_t batch, uint8_t *wire, uint64_t *share,
                             const prg *rewound, prg *rng, uint64_t *scratch);

/** A response whose encryption of zero is minus that of a generator's state: the sum with a response from the same state shows the weights. */
void insecure_respond_negated(const ckks_pk *pk, const ckks_params *p, unsigned k, uint64_t *ct, size_t batch, uint8_t *wire, uint64_t *share,
                              const prg *rewound, prg *rng, uint64_t *scratch);

/** A mask drawn in a few slots and carried to the coefficients by the embedding: not uniform there.  r[n] modulo 2^k. */
void insecure_slot_mask(uint64_t *r, size_t n, unsigned k, prg *rng);

#endif
