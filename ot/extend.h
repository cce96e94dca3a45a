// SPDX-License-Identifier: ISC
/** extend.h: correlated OT by extension, SoftSpokenOT [Roy22, 2022/192] with k = 1, 2, 4 or 8; k = 1 is IKNP [IKNP03; ALSZ13].  After it the
 *  sender holds q_i, the receiver t_i = q_i XOR r_i * delta.
 *  Pure: the correction matrix u is a byte string that the caller carries.  Both parties call with the same sequence of m.
 *
 *  Column j of the matrices is bit j of the blocks (column 0 = lowest bit of w[0]).  Tree i (ot/tree.h) has the base OTs ik .. ik + k-1, whose
 *  choice bits are bits of delta, and gives the columns ik + j, j < k, from one row of u; s_y is the stream of the leaf at place y,
 *  AES-128 in counter mode under a key and a nonce that the generator prg(leaf, PRG_OT_COLUMN, i) starts with:
 *      receiver   t^(ik+j) = sum of the s_y whose y has bit j,   u^i = (sum of all s_y) XOR r              sends u
 *      sender     q^(ik+j) = the same of its own s_y, XOR delta_(ik+j) u^i
 *  An OT costs 16 / k bytes; 2^k * 128 / k bits of stream at the receiver.
 *
 *  Security: semi-honest.  u is pseudorandom to the sender, so r stays hidden from any sender, even a malicious one; q is pseudorandom
 *  to an honest receiver, who learns nothing of delta.  A malicious receiver that puts different r into different rows learns bits of
 *  delta from what is later done with the q_i, unless ot/check.h comes between (docs/SECURITY.md).  delta and the base
 *  keys are fresh in every session.  A t_i becomes a wire label as it is, or is hashed to break the correlation, never both. */
#ifndef TACIT_OT_EXTEND_H
#define TACIT_OT_EXTEND_H

#include <stddef.h>

#include "ot/base_ot.h"

#define OT_EXT_TILE 4096                 /* rows of u are cut into pieces of this many bits */
#define OT_EXT_LIMIT (UINT64_C(1) << 39) /* OTs a session, each call's m rounded up to 128: 2^32 blocks of AES under one key */

typedef struct ot_ext_sender ot_ext_sender;
typedef struct ot_ext_receiver ot_ext_receiver;

/** ot_ext_valid: whether k is 1, 2, 4 or 8.   ot_ext_rounded: m rounded up to 128, as all arrays of blocks here. */
static inline int ot_ext_valid(unsigned k) { return k == 1 || k == 2 || k == 4 || k == 8; }
static inline size_t ot_ext_rounded(size_t m) { return (m + 127) / 128 * 128; }

/** ot_ext_bytes: size of u for m OTs: 16 / k * (m rounded up to 128).
 *  The layout follows from m and k alone: tiles of OT_EXT_TILE OTs, the last one shorter (a multiple of 128); of a tile of w OTs, row 0's
 *  w / 8 bytes, then row 1's, ...; OT i of a tile is bit i % 8 of byte i / 8. */
static inline size_t ot_ext_bytes(unsigned k, size_t m) { return 16 / k * ot_ext_rounded(m); }

/** ot_ext_setup_bytes: size of the receiver's one message before the first u: 0 for k = 1.   In: ot_ext_valid(k). */
size_t ot_ext_setup_bytes(unsigned k);
#define OT_EXT_SETUP_MAX (16 << 10)

/** ot_ext_receiver_create: keys are both base OT keys of each instance; setup gets ot_ext_setup_bytes(k) bytes.
 *  Errors: ERR_MEM, ERR_ARG (k); *out is then NULL.   CT: depends on k only. */
int ot_ext_receiver_create(ot_ext_receiver **out, uint8_t *setup, unsigned k, const uint8_t keys[OT_BASE_COUNT][2][PRG_SEED_BYTES]) MUST_CHECK;
void ot_ext_receiver_free(ot_ext_receiver *r);

/** ot_ext_sender_create: keys are the chosen base OT keys under choice bits `delta` (the sender of the extension receives base OTs);
 *  setup is the peer's message.
 *  In:   delta's lowest bit is 1 (so that a label's lowest bit is its colour).   CT: depends on k only, but for whether setup is refused.
 *  Errors: ERR_MEM, ERR_ARG (k, or that bit is 0), ERR_PEER (setup does not fit the keys: the receiver cheats; stop); *out is then NULL.
 *  One thread an object at a time, as for the receiver. */
int ot_ext_sender_create(ot_ext_sender **out, const uint8_t *setup, unsigned k, const uint8_t keys[OT_BASE_COUNT][PRG_SEED_BYTES],
                         const block *delta) MUST_CHECK;
void ot_ext_sender_free(ot_ext_sender *s);

unsigned ot_ext_receiver_k(const ot_ext_receiver *r);
unsigned ot_ext_sender_k(const ot_ext_sender *s);
/** ot_ext_receiver_room / _sender_room: 0 if m more OTs fit below the limit, else ERR_LIMIT. */
int ot_ext_receiver_room(const ot_ext_receiver *r, size_t m) MUST_CHECK;
int ot_ext_sender_room(const ot_ext_sender *s, size_t m) MUST_CHECK;
block ot_ext_sender_delta(const ot_ext_sender *s); /* secret */

/** ot_ext_recv: u and t[m] for choice bits r (bit i of `choice` at byte i / 8, bit i % 8; bits beyond m are ignored).
 *  In:   m >= 0; 0 does nothing.   Out: t has room for m rounded up to 128; what is written beyond m is unspecified.
 *  CT:   depends on m and k only.   Errors: ERR_LIMIT (OT_EXT_LIMIT passed; nothing is written): set up a new session. */
int ot_ext_recv(ot_ext_receiver *r, block *t, uint8_t *u, const uint8_t *choice, size_t m) MUST_CHECK;

/** ot_ext_send: q[m] (room for m rounded up to 128) from the peer's u, of which any ot_ext_bytes(k, m) bytes are valid.
 *  CT:   depends on m and k only.   Errors: as above. */
int ot_ext_send(ot_ext_sender *s, block *q, const uint8_t *u, size_t m) MUST_CHECK;

#endif
