// SPDX-License-Identifier: ISC
/** iknp.h: correlated OT by extension [IKNP03; ALSZ13].  After it the sender holds q_i, the receiver t_i = q_i XOR r_i * delta.
 *  Pure: the correction matrix u is a byte string that the caller carries.  Both parties call with the same sequence of m.
 *
 *  Column j of the matrices is bit j of the blocks (column 0 = lowest bit of w[0]); G is prg(seed, PRG_OT_COLUMN, j), which runs on
 *  over calls:
 *      receiver   t^j = G(k_j,0),  u^j = t^j XOR G(k_j,1) XOR r                  sends u
 *      sender     q^j = G(k_j,delta_j) XOR delta_j u^j
 *
 *  Security: semi-honest.  u is pseudorandom to the sender, so r stays hidden from any sender, even a malicious one; q is pseudorandom
 *  to an honest receiver, who learns nothing of delta.  A malicious receiver that puts different r into different columns learns bits of
 *  delta from what is later done with the q_i (nothing checks consistency): outside the model, see docs/SECURITY.md.  delta and the base
 *  keys are fresh in every session.  A t_i becomes a wire label as it is, or is hashed to break the correlation, never both. */
#ifndef TACIT_OT_IKNP_H
#define TACIT_OT_IKNP_H

#include <stddef.h>

#include "ot/base_ot.h"

#define OT_IKNP_TILE 4096                 /* columns of u are cut into pieces of this many bits */
#define OT_IKNP_LIMIT (UINT64_C(1) << 44) /* correlated OTs a session, each call's m rounded up to 128 */

typedef struct ot_iknp_sender ot_iknp_sender;
typedef struct ot_iknp_receiver ot_iknp_receiver;

/** ot_iknp_sender_create: keys are the chosen base OT keys under choice bits `delta` (the sender of the extension receives base OTs).
 *  In:   delta's lowest bit is 1 (so that a label's lowest bit is its colour).   CT: constant time in keys and delta.
 *  Errors: ERR_MEM, ERR_ARG (that bit is 0); *out is then NULL.   One thread an object at a time, as for the receiver. */
int ot_iknp_sender_create(ot_iknp_sender **out, const uint8_t keys[OT_BASE_COUNT][PRG_SEED_BYTES], const block *delta) MUST_CHECK;
void ot_iknp_sender_free(ot_iknp_sender *s);

/** ot_iknp_receiver_create: keys are both base OT keys of each instance.   Errors: ERR_MEM; *out is then NULL. */
int ot_iknp_receiver_create(ot_iknp_receiver **out, const uint8_t keys[OT_BASE_COUNT][2][PRG_SEED_BYTES]) MUST_CHECK;
void ot_iknp_receiver_free(ot_iknp_receiver *r);

/** ot_iknp_bytes: size of u for m correlated OTs: 16 * (m rounded up to 128).
 *  The layout follows from m alone: tiles of OT_IKNP_TILE OTs, the last one shorter (a multiple of 128); of a tile of w OTs, column 0's
 *  w / 8 bytes, then column 1's, ... 127's; OT i of a tile is bit i % 8 of byte i / 8. */
size_t ot_iknp_bytes(size_t m);

/** ot_iknp_recv: u and t[m] for choice bits r (bit i of `choice` at byte i / 8, bit i % 8; bits beyond m are ignored).
 *  In:   m >= 0; 0 does nothing.   Out: t has room for m rounded up to 128; what is written beyond m is unspecified.
 *  CT:   depends on m only.   Errors: ERR_LIMIT (OT_IKNP_LIMIT passed; nothing is written): set up a new session. */
int ot_iknp_recv(ot_iknp_receiver *s, block *t, uint8_t *u, const uint8_t *choice, size_t m) MUST_CHECK;

/** ot_iknp_send: q[m] (room for m rounded up to 128) from the peer's u, of which any ot_iknp_bytes(m) bytes are valid.
 *  CT:   depends on m only.   Errors: as above. */
int ot_iknp_send(ot_iknp_sender *s, block *q, const uint8_t *u, size_t m) MUST_CHECK;

#endif
