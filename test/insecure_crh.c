// SPDX-License-Identifier: ISC
#include "test/insecure_crh.h"

#include <string.h>

#include "base/aes.h"

static aes128_key key_of(const block *start, uint64_t index)
{
    const block seed = {{start->w[0] ^ index, start->w[1]}};
    aes128_key k;
    aes128_expand(&k, &seed);
    return k;
}

void insecure_crh_no_sigma(const block *start, uint64_t index, block *h, const block *x, size_t lanes)
{
    for (size_t j = 0; j < lanes; j++) {
        const aes128_key k = key_of(start, index + crh_key(j));
        block y;
        aes128_encrypt(&k, &y, &x[j], 1);
        h[j] = block_xor(x[j], y);
    }
}

static uint8_t times(uint8_t a, uint8_t b)
{
    unsigned r = 0;
    for (unsigned i = 0; i < 8; i++)
        r ^= (b >> i & 1) * ((unsigned)a << i);
    for (unsigned i = 14; i >= 8; i--)
        r ^= (r >> i & 1) * (0x11bu << (i - 8));
    return (uint8_t)r;
}

/* [FIPS-197, 5.3.2]: the inverse affine map by trying all bytes. */
static void inverse_sbox(uint8_t inv[256])
{
    for (unsigned x = 0; x < 256; x++) {
        uint8_t y = 1, s = 0x63;
        for (unsigned i = 0; i < 254; i++)
            y = times(y, (uint8_t)x);
        for (unsigned i = 0; i < 5; i++)
            s ^= (uint8_t)(y << i | y >> (8 - i));
        inv[s] = (uint8_t)x;
    }
}

block insecure_aes_decrypt(const block *start, uint64_t index, block x)
{
    static uint8_t inv[256];
    const aes128_key k = key_of(start, index);
    uint8_t s[16], t[16];
    if (inv[0x63] == inv[0x7c])
        inverse_sbox(inv);
    for (unsigned r = 10;; r--) {
        x = block_xor(x, k.rk[r]);
        if (!r)
            return x;
        memcpy(s, &x, 16);
        for (unsigned c = 0; r < 10 && c < 16; c += 4) { /* undo MixColumns */
            static const uint8_t m[4] = {14, 11, 13, 9};
            uint8_t col[4];
            memcpy(col, s + c, 4);
            for (unsigned i = 0; i < 4; i++)
                s[c + i] = (uint8_t)(times(col[0], m[(4 - i) % 4]) ^ times(col[1], m[(5 - i) % 4]) ^ times(col[2], m[(6 - i) % 4]) ^
                                     times(col[3], m[(7 - i) % 4]));
        }
        for (unsigned c = 0; c < 4; c++) /* undo ShiftRows and SubBytes */
            for (unsigned i = 0; i < 4; i++)
                t[4 * ((c + i) % 4) + i] = inv[s[4 * c + i]];
        memcpy(&x, t, 16);
    }
}
