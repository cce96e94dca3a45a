// SPDX-License-Identifier: ISC
/** base_ot.h: 128 base oblivious transfers over Ristretto255 by Canetti, Sarkar and Wang [CSW20, 2020/110, random OT], three messages.
 *  Pure: messages are byte strings that the caller carries.
 *
 *  T = map-to-group(BLAKE2b(session, seed)); R = BLAKE2b(session, message, z): the transcript; h(p) = BLAKE2b(R, i, p):
 *      receiver   seed, a_i random, B_i = a_i G + b_i T                                       sends message = seed, B_0, B_1, ...
 *      sender     r random, z = r G                                                           sends z, at once
 *                 key_(i,0) = BLAKE2b(R, i, r B_i), key_(i,1) = BLAKE2b(R, i, r B_i - r T)
 *                 c_i = h(key_(i,0)) XOR h(key_(i,1)), a = BLAKE2b(R, all h(key_(i,0))), p = BLAKE2b(R, a)     sends c, p
 *      receiver   key_i = BLAKE2b(R, i, a_i z) = key_(i,b_i);  a from h(key_i) XOR b_i c_i; checks p           sends a
 *      sender     checks a
 *  Each of the uses of BLAKE2b has a personalisation of its own.
 *  Differs: z travels ahead of the rest of the sender's message, so that both parties multiply at the same time; every hash behind T takes
 *  the transcript, and the index is in it [2021/682].
 *
 *  Security: B_i is uniform, so the choices are hidden whatever the sender computes, but for what a_i z and p make of a cheating sender's c: it
 *  learns that its guess of some choices was right, or is caught.  Whoever knows both keys of an instance knows r T: computational
 *  Diffie-Hellman with BLAKE2b as a random oracle.  An answer `a` that is right was computed from one key of every instance, so a receiver
 *  has chosen when it arrives.  The paper's theorem is for malicious parties; tacit's model asks for less (docs/SECURITY.md). */
#ifndef TACIT_OT_BASE_OT_H
#define TACIT_OT_BASE_OT_H

#include <stdint.h>

#include "base/block.h"
#include "base/err.h"
#include "base/prg.h"

#define OT_BASE_COUNT 128
#define OT_BASE_MESSAGE_BYTES (32 + OT_BASE_COUNT * 32)   /* seed, then B_0, B_1, ...: receiver to sender */
#define OT_BASE_ELEMENT_BYTES 32                          /* z: sender to receiver */
#define OT_BASE_CHALLENGE_BYTES (OT_BASE_COUNT * 32 + 32) /* c_0, c_1, ..., then p: sender to receiver */
#define OT_BASE_ANSWER_BYTES 32                           /* a: receiver to sender */

typedef struct ot_base_receiver ot_base_receiver;
typedef struct ot_base_sender ot_base_sender;

/** ot_base_recv_start: the receiver's message for choice bits `choice` (bit i of the 128-bit string).
 *  In:   `session` is public, agreed and never used twice; rng private.   Out: *out until ot_base_receiver_free; NULL on error.
 *  CT:   constant time in choice and rng, but for branches on whether own elements are valid, which they are.
 *  Errors: ERR_MEM, ERR_ARG (the generator gave a zero scalar: it is broken). */
int ot_base_recv_start(ot_base_receiver **out, uint8_t message[OT_BASE_MESSAGE_BYTES], const block *choice, const uint8_t session[32],
                       prg *rng) MUST_CHECK;

/** ot_base_send_start: z, once the receiver's message is there (never before: the receiver must choose T without knowing z).
 *  Out:  *out until ot_base_sender_free; NULL on error.   CT: constant time in rng; the peer's message is public.   Errors: as above. */
int ot_base_send_start(ot_base_sender **out, uint8_t element[OT_BASE_ELEMENT_BYTES], const uint8_t message[OT_BASE_MESSAGE_BYTES],
                       const uint8_t session[32], prg *rng) MUST_CHECK;

/** ot_base_send_challenge: both keys of each instance, and c, p; all zeroed on error.  Keys become good with ot_base_send_finish.
 *  CT:   constant time in r and the keys.
 *  Errors: ERR_PEER (an element of the message that is not canonical, the identity or T), ERR_ARG (a second call). */
int ot_base_send_challenge(ot_base_sender *s, uint8_t challenge[OT_BASE_CHALLENGE_BYTES],
                           uint8_t keys[OT_BASE_COUNT][2][PRG_SEED_BYTES]) MUST_CHECK;

/** ot_base_recv_element: the receiver's keys, kept inside: everything that is slow, before the challenge is needed.  Once an object: the
 *  scalars are wiped.   CT: constant time in choice and scalars.
 *  Errors: ERR_PEER (z not canonical, or the identity: this says nothing of the choice), ERR_ARG (a second call). */
int ot_base_recv_element(ot_base_receiver *r, const uint8_t element[OT_BASE_ELEMENT_BYTES]) MUST_CHECK;

/** ot_base_recv_finish: the chosen key of each instance, and the answer; both zeroed on error.
 *  CT:   constant time in choice and keys, but for whether p is right.
 *  Errors: ERR_PEER (p is wrong: another session or transcript, or the sender cheats; send nothing more), ERR_ARG (out of order). */
int ot_base_recv_finish(ot_base_receiver *r, uint8_t keys[OT_BASE_COUNT][PRG_SEED_BYTES], uint8_t answer[OT_BASE_ANSWER_BYTES],
                        const uint8_t challenge[OT_BASE_CHALLENGE_BYTES]) MUST_CHECK;

/** ot_base_send_finish: whether the receiver knew one key of each instance.  Errors: ERR_PEER (the answer is wrong), ERR_ARG (out of order). */
int ot_base_send_finish(ot_base_sender *s, const uint8_t answer[OT_BASE_ANSWER_BYTES]) MUST_CHECK;

/** ot_base_receiver_free / ot_base_sender_free: wipe; NULL is allowed. */
void ot_base_receiver_free(ot_base_receiver *r);
void ot_base_sender_free(ot_base_sender *s);

#endif
