// SPDX-License-Identifier: ISC
/** block.h: 128-bit strings (wire labels, AES blocks).  Byte order in memory is the order on the wire; bit 0 of w[0] is the
 *  least significant bit, a label's colour. */
#ifndef TACIT_BASE_BLOCK_H
#define TACIT_BASE_BLOCK_H

#include <stdint.h>

typedef struct {
    _Alignas(16) uint64_t w[2]; /* little endian */
} block;

static inline block block_xor(block a, block b)
{
    a.w[0] ^= b.w[0];
    a.w[1] ^= b.w[1];
    return a;
}

/** block_and: a AND (mask, mask). */
static inline block block_and(block a, uint64_t mask)
{
    a.w[0] &= mask;
    a.w[1] &= mask;
    return a;
}

#endif
