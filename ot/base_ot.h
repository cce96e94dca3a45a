// SPDX-License-Identifier: ISC
/** base_ot.h: 128 base oblivious transfers over Ristretto255 [MR19, 2019/706]: the receiver sends, the sender answers.
 *  Pure: messages are byte strings that the caller carries.  Keys are hashed with session, index and transcript. */
#ifndef TACIT_OT_BASE_OT_H
#define TACIT_OT_BASE_OT_H

#include <stdint.h>

#include "base/block.h"
#include "base/err.h"
#include "base/prg.h"

#define OT_BASE_COUNT 128
#define OT_BASE_RECV_BYTES (OT_BASE_COUNT * 64) /* two group elements an instance */
#define OT_BASE_SEND_BYTES (OT_BASE_COUNT * 64)

typedef struct ot_base_receiver ot_base_receiver;

/** ot_base_recv_start: the receiver's message for choice bits `choice` (bit i of the 128-bit string).  `session` is public, agreed. */
int ot_base_recv_start(ot_base_receiver **out, uint8_t message[OT_BASE_RECV_BYTES], const block *choice, const uint8_t session[32],
                       prg *rng) MUST_CHECK;

/** ot_base_send: the sender's answer and both keys of each instance.
 *  Errors: ERR_PEER (an element that is not canonical, or the identity). */
int ot_base_send(uint8_t reply[OT_BASE_SEND_BYTES], uint8_t keys[OT_BASE_COUNT][2][PRG_SEED_BYTES],
                 const uint8_t message[OT_BASE_RECV_BYTES], const uint8_t session[32], prg *rng) MUST_CHECK;

/** ot_base_recv_finish: the chosen key of each instance.  Errors: ERR_PEER. */
int ot_base_recv_finish(ot_base_receiver *r, uint8_t keys[OT_BASE_COUNT][PRG_SEED_BYTES],
                        const uint8_t reply[OT_BASE_SEND_BYTES]) MUST_CHECK;
void ot_base_receiver_free(ot_base_receiver *r);

#endif
