// SPDX-License-Identifier: ISC
#include "base/bits.h"

#include "base/ct.h"

void bits_pack(uint8_t *out, const uint64_t *v, size_t count, unsigned w)
{
    unsigned __int128 acc = 0; /* fewer than 8 bits wait between two values */
    unsigned have = 0;

    for (size_t i = 0; i < count; i++) {
        acc |= (unsigned __int128)ct_low(v[i], w) << have;
        for (have += w; have >= 8; have -= 8) {
            *out++ = (uint8_t)acc;
            acc >>= 8;
        }
    }
    if (have)
        *out = (uint8_t)acc;
}

void bits_unpack(uint64_t *v, const uint8_t *in, size_t count, unsigned w)
{
    unsigned __int128 acc = 0;
    unsigned have = 0;

    for (size_t i = 0; i < count; i++) {
        for (; have < w; have += 8)
            acc |= (unsigned __int128)*in++ << have;
        v[i] = ct_low((uint64_t)acc, w);
        acc >>= w;
        have -= w;
    }
}
