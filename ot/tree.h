// SPDX-License-Identifier: ISC
/** tree.h: 2^k seeds, all known to one party and all but one to the other, from k base OTs: a punctured tree [GGM86; Roy22, 2022/192, Sec. 6].
 *
 *  The dealer (the receiver of the extension) knows both base keys, the holder (its sender) those of the k choice bits c.  Leaf x has the
 *  bits x_0 .. x_(k-1); the holder lacks the one leaf with x_j = 1 - c_j for all j.  Level L = 0 .. k-1 decides bit j = k-1-L:
 *      dealer     the root's children are the keys of instance k-1: child b is key_(k-1,b)
 *                 (child 0, child 1) = BLAKE2b-512(node)
 *                 S_(L,b) = XOR of the children b of all nodes of level L;   e_(L,b) = S_(L,b) XOR key_(j,b), L >= 1        sends e
 *      holder     all children but of the one node that it lacks; of that one, child c_j from S_(L,c_j)
 *                 mark_x = BLAKE2b-512(leaf x; "mark");  dealer sends also  XOR of all marks, BLAKE2b(marks in order of x)
 *      holder     the missing mark from the sum, then compares the hash
 *
 *  Security: e_(L,1-c) is under a key that the holder does not have and that serves once, so the lacking leaf is pseudorandom to it.  The marks
 *  make a dealer that deviates commit to all leaves: it is caught, or learns that its guess of some choices was right [Roy22, Fig. 13].
 *  Order: both parties get leaf x at place x XOR (their own mask), the holder's being the leaf that it lacks (so place 0 is that one, zero), the
 *  dealer's all ones.  With the sum over places of place * stream: v at the dealer, w at the holder, v XOR w = c * (sum of all streams). */
#ifndef TACIT_OT_TREE_H
#define TACIT_OT_TREE_H

#include "base/err.h"
#include "base/prg.h"

#define OT_TREE_DEPTH_MAX 8
#define OT_TREE_MARK_BYTES 64

typedef uint8_t ot_seed[PRG_SEED_BYTES];

/** ot_tree_bytes: size of the dealer's message for one tree: 64 (k - 1) + 96; 0 for k = 1, where the leaves are the base keys. */
size_t ot_tree_bytes(unsigned k);

/** ot_tree_deal: leaves[2^k] and the message.   In: k in [1, 8]; keys[j] of the instance for bit j; scratch[2^k] marks.
 *  CT: depends on k only.   The caller wipes scratch, as below. */
void ot_tree_deal(ot_seed *leaves, uint8_t *message, const ot_seed keys[][2], unsigned k, uint8_t (*scratch)[OT_TREE_MARK_BYTES]);

/** ot_tree_hold: leaves[2^k], the first one zero; chosen[j] is the key of choice bit c_j (bit j of choice).   In: message is hostile.
 *  Out:  0, or nonzero if the marks do not fit, for the caller to tell once for all trees.   CT: depends on k only. */
int ot_tree_hold(ot_seed *leaves, const uint8_t *message, const ot_seed *chosen, unsigned choice, unsigned k,
                 uint8_t (*scratch)[OT_TREE_MARK_BYTES]) MUST_CHECK;

#endif
