// SPDX-License-Identifier: ISC
#include "ot/random.h"

#include <string.h>

#include "base/ct.h"
#include "base/mem.h"

_Static_assert(OT_EXT_TILE % CRH_SPAN == 0, "a tile is whole keys");

/* A tile at a time: what is hashed is still in the first-level cache. */

int ot_random_recv(ot_ext_receiver *r, block *x, uint8_t *u, const block *start, uint64_t index, const uint8_t *choice, size_t m)
{
    int code = ot_ext_receiver_room(r, m);
    for (size_t done = 0; done < m && !code; done += OT_EXT_TILE) {
        size_t n = m - done < OT_EXT_TILE ? m - done : OT_EXT_TILE;
        code = ot_ext_recv(r, x + done, u + ot_ext_bytes(ot_ext_receiver_k(r), done), choice + done / 8, n);
        if (!code) crh_hash(start, index + crh_key(done), x + done, x + done, n);
    }
    return code;
}

int ot_random_send(ot_ext_sender *s, block *x0, block *x1, const block *start, uint64_t index, const uint8_t *u, size_t m)
{
    block delta = ot_ext_sender_delta(s);
    int code = ot_ext_sender_room(s, m);
    for (size_t done = 0; done < m && !code; done += OT_EXT_TILE) {
        size_t n = m - done < OT_EXT_TILE ? m - done : OT_EXT_TILE;
        code = ot_ext_send(s, x0 + done, u + ot_ext_bytes(ot_ext_sender_k(s), done), n);
        if (!code) crh_hash_pair(start, index + crh_key(done), x0 + done, x1 + done, x0 + done, &delta, n);
    }
    mem_wipe(&delta, sizeof delta);
    mem_wipe_stack(); /* hashes of the messages that are not chosen */
    return code;
}

void ot_derandomise(uint8_t *d, const uint8_t *c, const uint8_t *r, size_t m)
{
    for (size_t i = 0; i < (m + 7) / 8; i++) d[i] = c[i] ^ r[i];
    if (m % 8) d[m / 8] &= (uint8_t)((1u << m % 8) - 1);
}

static inline uint64_t bit_mask(const uint8_t *bits, size_t i) { return ct_mask(bits[i / 8] >> i % 8 & 1); }

void ot_chosen_seal(uint8_t *y, const block *m0, const block *m1, const block *x0, const block *x1, const uint8_t *d, size_t m)
{
    for (size_t i = 0; i < m; i++, y += OT_CHOSEN_BYTES) {
        block swap = d ? block_and(block_xor(x0[i], x1[i]), bit_mask(d, i)) : (block){{0, 0}};
        block out[2] = {block_xor(block_xor(m0[i], x0[i]), swap), block_xor(block_xor(m1[i], x1[i]), swap)};
        memcpy(y, out, sizeof out);
    }
}

void ot_chosen_open(block *out, const uint8_t *y, const block *x, const uint8_t *c, size_t m)
{
    for (size_t i = 0; i < m; i++, y += OT_CHOSEN_BYTES) {
        block both[2];
        memcpy(both, y, sizeof both);
        out[i] = block_xor(block_xor(both[0], x[i]), block_and(block_xor(both[0], both[1]), bit_mask(c, i)));
    }
}
