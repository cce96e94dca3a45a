// SPDX-License-Identifier: ISC
/** base_ot.h: 128 base oblivious transfers over Ristretto255, the endemic OT of [MR19, 2019/706]: the receiver sends, the sender answers.
 *  Pure: messages are byte strings that the caller carries.
 *
 *  Instance i, choice b; T_0 = session, T_(i+1) = BLAKE2b(T_i, r_0, r_1); H_j(r) = map-to-group(BLAKE2b(T_i, i, j, r)):
 *      receiver   r_(1-b) a random element, x random, r_b = x G - H_b(r_(1-b))                sends r_0, r_1
 *      sender     y_0, y_1 random, B_j = y_j G, S_j = y_j (r_j + H_j(r_(1-j)))                sends B_0, B_1
 *      both       key_j = BLAKE2b(T, i, j, S_j),  T = BLAKE2b(T_128, all B);  the receiver's S_b = x B_b
 *  Differs: every hash takes the session and the whole transcript so far, and no B_j serves two instances or two keys [2021/682].
 *
 *  Security: r_0, r_1 are uniform and independent of b, so the choices are hidden whatever the sender computes;
 *  the other key is pseudorandom by computational Diffie-Hellman with BLAKE2b as a random oracle.  Both elements of the sender's answer
 *  are checked before the choice is used, so that a refusal says nothing of it.  A malicious party may steer the keys
 *  that it gets itself (endemic security): enough for IKNP between semi-honest parties. */
#ifndef TACIT_OT_BASE_OT_H
#define TACIT_OT_BASE_OT_H

#include <stdint.h>

#include "base/block.h"
#include "base/err.h"
#include "base/prg.h"

#define OT_BASE_COUNT 128
#define OT_BASE_RECV_BYTES (OT_BASE_COUNT * 64) /* r_0, r_1 of instance 0, then of instance 1, ...: 32 bytes each */
#define OT_BASE_SEND_BYTES (OT_BASE_COUNT * 64) /* B_0, B_1 likewise */

typedef struct ot_base_receiver ot_base_receiver;

/** ot_base_recv_start: the receiver's message for choice bits `choice` (bit i of the 128-bit string).
 *  In:   `session` is public, agreed and never used twice; rng private.   Out: *out until ot_base_receiver_free; NULL on error.
 *  CT:   constant time in choice and rng, but for branches on whether own elements are valid, which they are.
 *  Errors: ERR_MEM, ERR_ARG (the generator gave a zero scalar: it is broken). */
int ot_base_recv_start(ot_base_receiver **out, uint8_t message[OT_BASE_RECV_BYTES], const block *choice, const uint8_t session[32],
                       prg *rng) MUST_CHECK;

/** ot_base_send: the sender's answer and both keys of each instance; zeroed on error.
 *  CT:   constant time in rng; the peer's message is public.
 *  Errors: ERR_PEER (an element that is not canonical, or the identity), ERR_ARG as above. */
int ot_base_send(uint8_t reply[OT_BASE_SEND_BYTES], uint8_t keys[OT_BASE_COUNT][2][PRG_SEED_BYTES],
                 const uint8_t message[OT_BASE_RECV_BYTES], const uint8_t session[32], prg *rng) MUST_CHECK;

/** ot_base_recv_finish: the chosen key of each instance; zeroed on error.  Once an object: the scalars are wiped.
 *  CT:   constant time in the choice, with the same exception.   Errors: ERR_PEER as above, ERR_ARG (a second call). */
int ot_base_recv_finish(ot_base_receiver *r, uint8_t keys[OT_BASE_COUNT][PRG_SEED_BYTES],
                        const uint8_t reply[OT_BASE_SEND_BYTES]) MUST_CHECK;

/** ot_base_receiver_free: wipes; NULL is allowed. */
void ot_base_receiver_free(ot_base_receiver *r);

#endif
