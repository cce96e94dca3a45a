// SPDX-License-Identifier: ISC
/* AES-128, bitsliced over four blocks: plane b holds bit b of 64 bytes, byte i of block j at position 16 j + i.  No tables, no branches. */
#include <string.h>

#include "base/aes_kern.h"
#include "base/crh.h"
#include "base/mem.h"

#define GROUP 4 /* blocks in one set of planes */

/* 8x8 bit transpose of a word's bytes. */
static uint64_t transpose8(uint64_t x)
{
    uint64_t t = (x ^ (x >> 7)) & UINT64_C(0x00aa00aa00aa00aa);
    x ^= t ^ (t << 7);
    t = (x ^ (x >> 14)) & UINT64_C(0x0000cccc0000cccc);
    x ^= t ^ (t << 14);
    t = (x ^ (x >> 28)) & UINT64_C(0x00000000f0f0f0f0);
    return x ^ t ^ (t << 28);
}

static void to_planes(uint64_t p[8], const block in[GROUP])
{
    memset(p, 0, 8 * sizeof *p);
    for (int j = 0; j < GROUP; j++)
        for (int half = 0; half < 2; half++) {
            uint64_t t = transpose8(in[j].w[half]);
            for (int b = 0; b < 8; b++)
                p[b] |= (t >> 8 * b & 255) << (16 * j + 8 * half);
        }
}

static void from_planes(block out[GROUP], const uint64_t p[8])
{
    for (int j = 0; j < GROUP; j++)
        for (int half = 0; half < 2; half++) {
            uint64_t t = 0;
            for (int b = 0; b < 8; b++)
                t |= (p[b] >> (16 * j + 8 * half) & 255) << 8 * b;
            out[j].w[half] = transpose8(t);
        }
}

/* r = a * b modulo x^8 + x^4 + x^3 + x + 1.  Alias: r may equal a or b. */
static void gf_mul(uint64_t r[8], const uint64_t a[8], const uint64_t b[8])
{
    uint64_t t[15] = {0};
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            t[i + j] ^= a[i] & b[j];
    for (int i = 14; i >= 8; i--) {
        t[i - 4] ^= t[i];
        t[i - 5] ^= t[i];
        t[i - 7] ^= t[i];
        t[i - 8] ^= t[i];
    }
    memcpy(r, t, 8 * sizeof *r);
}

static void gf_square(uint64_t a[8])
{
    const uint64_t t[8] = {a[0] ^ a[4] ^ a[6],        a[4] ^ a[6] ^ a[7], a[1] ^ a[5],        a[4] ^ a[5] ^ a[6] ^ a[7],
                           a[2] ^ a[4] ^ a[7], a[5] ^ a[6],        a[3] ^ a[5], a[6] ^ a[7]};
    memcpy(a, t, sizeof t);
}

/* SubBytes: x^254 (0 stays 0), then the affine map [FIPS-197, 5.1.1]. */
static void sub_bytes(uint64_t x[8])
{
    uint64_t x2[8], x3[8], x12[8], y[8];
    memcpy(x2, x, sizeof x2);
    gf_square(x2);
    gf_mul(x3, x2, x);
    memcpy(x12, x3, sizeof x12);
    gf_square(x12);
    gf_square(x12);
    gf_mul(y, x12, x3); /* x^15 */
    for (int i = 0; i < 4; i++)
        gf_square(y); /* x^240 */
    gf_mul(y, y, x12);
    gf_mul(y, y, x2);
    for (int b = 0; b < 8; b++) {
        x[b] = y[b] ^ y[(b + 4) % 8] ^ y[(b + 5) % 8] ^ y[(b + 6) % 8] ^ y[(b + 7) % 8];
        if (0x63 >> b & 1)
            x[b] = ~x[b];
    }
}

/* Row r of a state is bit r of every nibble; ShiftRows moves it r nibbles down, around 16 bits. */
static uint64_t shift_rows(uint64_t x)
{
    const uint64_t row = UINT64_C(0x1111111111111111), low1 = UINT64_C(0x0fff0fff0fff0fff), low2 = UINT64_C(0x00ff00ff00ff00ff),
                   low3 = UINT64_C(0x000f000f000f000f);
    uint64_t r1 = x & row << 1, r2 = x & row << 2, r3 = x & row << 3;
    return (x & row) | (r1 >> 4 & low1) | (r1 << 12 & ~low1) | (r2 >> 8 & low2) | (r2 << 8 & ~low2) | (r3 >> 12 & low3) | (r3 << 4 & ~low3);
}

static uint64_t next_row(uint64_t x) { return (x >> 1 & UINT64_C(0x7777777777777777)) | (x << 3 & UINT64_C(0x8888888888888888)); }

static void mix_columns(uint64_t x[8])
{
    uint64_t n[8], d[8];
    for (int b = 0; b < 8; b++) {
        n[b] = next_row(x[b]);
        d[b] = x[b] ^ n[b];
    }
    for (int b = 0; b < 8; b++) { /* 2 (a0 + a1) + a1 + a2 + a3 */
        uint64_t twice = (b ? d[b - 1] : 0) ^ (0x1b >> b & 1 ? d[7] : 0);
        uint64_t two = next_row(n[b]);
        x[b] = twice ^ n[b] ^ two ^ next_row(two);
    }
}

static void encrypt_group(const uint64_t rk[11][8], block *out, const block *in)
{
    uint64_t x[8];
    to_planes(x, in);
    for (int b = 0; b < 8; b++)
        x[b] ^= rk[0][b];
    for (int r = 1; r <= 10; r++) {
        sub_bytes(x);
        for (int b = 0; b < 8; b++)
            x[b] = shift_rows(x[b]);
        if (r < 10)
            mix_columns(x);
        for (int b = 0; b < 8; b++)
            x[b] ^= rk[r][b];
    }
    from_planes(out, x);
    mem_wipe(x, sizeof x);
}

static void key_planes(uint64_t rk[11][8], const aes128_key *k)
{
    for (int r = 0; r < 11; r++) {
        const block same[GROUP] = {k->rk[r], k->rk[r], k->rk[r], k->rk[r]};
        to_planes(rk[r], same);
    }
}

static void encrypt(const aes128_key *k, block *out, const block *in, size_t count)
{
    uint64_t rk[11][8];
    block last[GROUP] = {{{0, 0}}};

    key_planes(rk, k);
    for (; count >= GROUP; count -= GROUP, in += GROUP, out += GROUP)
        encrypt_group((const uint64_t(*)[8])rk, out, in);
    if (count) {
        memcpy(last, in, count * sizeof *last);
        encrypt_group((const uint64_t(*)[8])rk, last, last);
        memcpy(out, last, count * sizeof *last);
    }
    mem_wipe(rk, sizeof rk);
    mem_wipe(last, sizeof last);
}

/* The word that SubWord(RotWord(w)) is, w the last word of a round key. */
static uint32_t schedule_word(uint32_t w)
{
    block in[GROUP] = {{{w >> 8 | w << 24, 0}}};
    uint64_t p[8];
    to_planes(p, in);
    sub_bytes(p);
    from_planes(in, p);
    return (uint32_t)in[0].w[0];
}

static void expand(aes128_key *k, const block *key)
{
    static const uint8_t rcon[10] = {1, 2, 4, 8, 16, 32, 64, 128, 27, 54};
    k->rk[0] = *key;
    for (int r = 0; r < 10; r++) {
        const block a = k->rk[r];
        uint32_t w[4] = {(uint32_t)a.w[0], (uint32_t)(a.w[0] >> 32), (uint32_t)a.w[1], (uint32_t)(a.w[1] >> 32)};
        w[0] ^= schedule_word(w[3]) ^ rcon[r];
        w[1] ^= w[0];
        w[2] ^= w[1];
        w[3] ^= w[2];
        k->rk[r + 1] = (block){{w[0] | (uint64_t)w[1] << 32, w[2] | (uint64_t)w[3] << 32}};
    }
}

static void ctr_blocks(const aes128_key *k, block *out, uint64_t nonce, uint64_t ctr, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (block){{ctr + i, nonce}};
    encrypt(k, out, out, count);
}

static block sigma(block x) { return (block){{x.w[1], x.w[1] ^ x.w[0]}}; }

static void hash(const block *start, uint64_t index, block *h, const block *x, size_t lanes)
{
    for (size_t i = 0; i < crh_keys(lanes); i++) {
        const size_t first = i / CRH_ROW * CRH_SPAN + i % CRH_ROW;
        const block seed = {{start->w[0] ^ (index + i), start->w[1]}};
        aes128_key k;
        block s[CRH_LANES], y[CRH_LANES];
        size_t n = 0;
        expand(&k, &seed);
        for (size_t j = first; n < CRH_LANES && j < lanes; j += CRH_ROW) s[n++] = sigma(x[j]);
        encrypt(&k, y, s, n);
        for (size_t m = 0; m < n; m++) h[first + m * CRH_ROW] = block_xor(y[m], s[m]);
    }
}

static void hash_pair(const block *start, uint64_t index, block *h0, block *h1, const block *x, const block *delta, size_t lanes)
{
    for (size_t j = 0; j < lanes; j++)
        h1[j] = block_xor(x[j], *delta);
    hash(start, index, h1, h1, lanes);
    hash(start, index, h0, x, lanes);
}

const aes_kern aes_kern_portable = {"portable", 0, expand, encrypt, ctr_blocks, hash, hash_pair};
