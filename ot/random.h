// SPDX-License-Identifier: ISC
/** random.h: OT that leaves the correlation: random OT, chosen OT, and random OT ahead of time for chosen OT later [Bea95].
 *  Pure: messages are byte strings that the caller carries.
 *
 *      random     x_(i,0) = H(i, q_i), x_(i,1) = H(i, q_i XOR delta) at the sender,  H(i, t_i) = x_(i,r_i) at the receiver
 *      chosen     sender  y_(i,b) = m_(i,b) XOR x_(i,b)                                    sends y, 32 bytes an OT
 *      derandomised, choice c after the random OT with r:   receiver  d_i = c_i XOR r_i    sends d, a bit an OT
 *                 sender  y_(i,b) = m_(i,b) XOR x_(i,b XOR d_i)                            sends y
 *      receiver   m_(i,c) = y_(i,c) XOR x_(i,r)
 *  H is MITCCRH (base/crh.h), a key for 8 OTs at most.  Its indices are of the space that the garbling of the session uses up, with which delta is
 *  shared: the caller takes crh_keys(m) fresh ones (gc_take_indices), the same at both parties.  The t_i and q_i that are hashed here are never labels.
 *
 *  Security: semi-honest, as ot/extend.h.  Given t_i the other message is under H of t_i XOR delta, pseudorandom by the hash's circular correlation
 *  robustness.  d is uniform, since r is random and serves once. */
#ifndef TACIT_OT_RANDOM_H
#define TACIT_OT_RANDOM_H

#include "base/crh.h"
#include "ot/extend.h"

#define OT_CHOSEN_BYTES 32 /* of y, an OT */

/** ot_random_recv: u and x[m] for choice bits `choice`, as ot_ext_recv and in its layout.   In: `start` public, indices [index, index + crh_keys(m)).
 *  Out:  x has room for m rounded up to 128; what is written beyond m is unspecified.   CT: depends on m and k only.   Errors: ERR_LIMIT. */
int ot_random_recv(ot_ext_receiver *r, block *x, uint8_t *u, const block *start, uint64_t index, const uint8_t *choice, size_t m) MUST_CHECK;

/** ot_random_send: x0[m] and x1[m] (room as above) from the peer's u.   CT, errors: as above. */
int ot_random_send(ot_ext_sender *s, block *x0, block *x1, const block *start, uint64_t index, const uint8_t *u, size_t m) MUST_CHECK;

/** ot_derandomise: d = c XOR r, m bits at bit i % 8 of byte i / 8; the last byte's other bits are 0.   Alias: d may equal c or r. */
void ot_derandomise(uint8_t *d, const uint8_t *c, const uint8_t *r, size_t m);

/** ot_chosen_seal: y[32 m] from the messages m0, m1 under the random OT's x0, x1; d may be NULL (the choice was c itself).
 *  Alias: none.   CT: in all but d, which is public. */
void ot_chosen_seal(uint8_t *y, const block *m0, const block *m1, const block *x0, const block *x1, const uint8_t *d, size_t m);

/** ot_chosen_open: out[i] = message c_i from y under x.   Alias: out may equal x.   CT: depends on m only. */
void ot_chosen_open(block *out, const uint8_t *y, const block *x, const uint8_t *c, size_t m);

#endif
