// SPDX-License-Identifier: ISC
/** iknp.h: correlated OT by extension [IKNP03; ALSZ13].  After it the sender holds q_i, the receiver t_i = q_i XOR r_i * delta.
 *  Pure: the correction matrix u is a byte string that the caller carries.  Both parties call with the same sequence of m. */
#ifndef TACIT_OT_IKNP_H
#define TACIT_OT_IKNP_H

#include "ot/base_ot.h"

typedef struct ot_iknp_sender ot_iknp_sender;
typedef struct ot_iknp_receiver ot_iknp_receiver;

/** keys are the chosen base OT keys under choice bits `delta` (the sender of the extension receives base OTs). */
int ot_iknp_sender_create(ot_iknp_sender **out, const uint8_t keys[OT_BASE_COUNT][PRG_SEED_BYTES], const block *delta) MUST_CHECK;
void ot_iknp_sender_free(ot_iknp_sender *s);
int ot_iknp_receiver_create(ot_iknp_receiver **out, const uint8_t keys[OT_BASE_COUNT][2][PRG_SEED_BYTES]) MUST_CHECK;
void ot_iknp_receiver_free(ot_iknp_receiver *r);

/** ot_iknp_bytes: size of u for m correlated OTs: 16 * (m rounded up to 128). */
size_t ot_iknp_bytes(size_t m);

/** ot_iknp_recv: u and t[m] for choice bits r (bit i of `choice` at byte i / 8, bit i % 8; bits beyond m are ignored).
 *  t has room for m rounded up to 128.   CT: depends on m only.   Errors: ERR_LIMIT. */
int ot_iknp_recv(ot_iknp_receiver *s, block *t, uint8_t *u, const uint8_t *choice, size_t m) MUST_CHECK;

/** ot_iknp_send: q[m] (room for m rounded up to 128) from the peer's u.   CT: depends on m only. */
int ot_iknp_send(ot_iknp_sender *s, block *q, const uint8_t *u, size_t m) MUST_CHECK;

#endif
