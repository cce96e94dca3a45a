// SPDX-License-Identifier: ISC
/** check.h: correlated OT whose sender finds out a receiver that put different choice bits into the rows of u: the consistency check of
 *  SoftSpokenOT [Roy22, Sec. 4] with a polynomial hash over GF(2^128) (X^128 + X^7 + X^2 + X + 1).
 *
 *  To the m OTs come 128 in front of them with random choices, which are spent.  For a string of bits cut into blocks x_0, x_1, ... of 128 (x_0 from the
 *  OTs in front), H(x) = sum_b x_b chi^b.  Three flights:
 *      receiver   u                                                        after that it cannot change its mind
 *      sender     chi, random
 *      receiver   x = H(r); p = BLAKE2b(chi, x, H(t^0) .. H(t^127), H*(u))                sends x, p
 *      sender     compares p with BLAKE2b(chi, x, H(q^0) XOR delta_0 x, ..., H*(u))
 *  t^j is column j over all OTs; H*(u) are 128 polynomials: number j is over the 16-byte pieces j, j + 128, ... of u.
 *
 *  Security: a receiver whose rows differ passes only if it guesses the bits of delta where they do, c bits with probability 2^-c + m 2^-135, and
 *  is caught otherwise (docs/SECURITY.md).  H*(u) binds what was received, so that an alteration on the way is found whatever delta is.
 *  The sender learns nothing of r: x is masked by the OTs in front, whose coefficient is 1 whatever chi, and it can compute p itself.
 *  Nothing that depends on q may leave the sender, and none of the q_i be used, before ot_ext_verify has returned 0; after a failure the session ends. */
#ifndef TACIT_OT_CHECK_H
#define TACIT_OT_CHECK_H

#include "ot/extend.h"

#define OT_CHECK_MASK 128 /* OTs spent a call */
#define OT_CHECK_CHALLENGE_BYTES 16
#define OT_CHECK_PROOF_BYTES 48

/** ot_check: what a party keeps between the flights of one call; any bytes before it. */
typedef struct {
    int open;
    block rows[OT_CHECK_MASK]; /* t or q of the OTs in front */
    block bits;                /* their choice bits; the sender's chi */
} ot_check;

/** ot_ext_checked_bytes: size of u for m checked OTs. */
static inline size_t ot_ext_checked_bytes(unsigned k, size_t m) { return ot_ext_bytes(k, OT_CHECK_MASK) + ot_ext_bytes(k, m); }

/** ot_ext_recv_checked: as ot_ext_recv; t (all of the room), u and choice stay as they are until ot_ext_prove. */
int ot_ext_recv_checked(ot_ext_receiver *r, ot_check *c, block *t, uint8_t *u, const uint8_t *choice, size_t m, prg *rng) MUST_CHECK;

/** ot_ext_send_checked: as ot_ext_send, and the challenge, drawn from rng now that u is here. */
int ot_ext_send_checked(ot_ext_sender *s, ot_check *c, block *q, uint8_t challenge[OT_CHECK_CHALLENGE_BYTES], const uint8_t *u, size_t m,
                        prg *rng) MUST_CHECK;

/** ot_ext_prove: the answer; once a call (two answers would show r).   CT: depends on m and k only.   Errors: ERR_ARG (a second time). */
int ot_ext_prove(const ot_ext_receiver *r, ot_check *c, uint8_t proof[OT_CHECK_PROOF_BYTES], const block *t, const uint8_t *u, const uint8_t *choice,
                 size_t m, const uint8_t challenge[OT_CHECK_CHALLENGE_BYTES]) MUST_CHECK;

/** ot_ext_verify: 0 if the proof is right; else q is wiped.   CT: depends on m and k only, but for the outcome.
 *  Errors: ERR_PEER (the receiver cheats), ERR_ARG (a second time). */
int ot_ext_verify(const ot_ext_sender *s, ot_check *c, block *q, const uint8_t *u, size_t m, const uint8_t proof[OT_CHECK_PROOF_BYTES]) MUST_CHECK;

#endif
