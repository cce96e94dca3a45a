// SPDX-License-Identifier: ISC
/** gcm_body.h: the functions of gcm_vaes.c and gcm_vaes512.c, after aes_v256.h or aes_v512.h, which define v, LANES and
 * v_*.
 *
 *  Encryption and GHASH are one loop: between the rounds of FLIGHT vectors of counters, as many vectors of ciphertext
 * are multiplied, so that the units for AES and for carry-less products are both busy.  To seal, those are the vectors
 * of the flight before.
 *
 *  GHASH [GK14]: a block, its bytes reversed, is a polynomial with the coefficient of x^i in bit 127 - i; such a
 * product of a and b is one bit short of its place, so that the powers here are H^i x.  Up to GCM_GROUP blocks (or one
 * more: the lengths) are multiplied with descending powers and added up, then reduced once; a lane has its own sum till
 * then.  h[TOP - i] belongs to H^i, so that n blocks begin at h[TOP - n], a full group at a multiple of 64 bytes; after
 * the first power come zeros, for the lanes after the last block. */
#include <string.h>

#include <sodium.h>

#include "base/cpu.h"
#include "base/gcm_kern.h"

#define UNROLL _Pragma("GCC unroll 16") /* at -O2, too, else vectors go to memory */
#define FLIGHT 8                        /* vectors in flight: two units, four cycles each */
#define WIDE (FLIGHT * LANES)           /* blocks in flight */
#define BYTES (16 * WIDE)
#define TOP (GCM_GROUP + 4)
#define HALVES (GCM_POWERS) /* from a power to its halves, in blocks */

_Static_assert(GCM_GROUP % WIDE == 0 && LANES <= 4, "a group is some flights");
_Static_assert(offsetof(gcm_key, halves) == HALVES * sizeof(block), "halves follow the powers");

/* The sums of one group: lower, middle (at bit 64) and upper products; y, what was hashed before, is added to the first
 * block. */
typedef struct {
    v low, middle, high, y;
} sums;

INLINE v reverse(v x) { return v_shuffle8(x, v_rows(0x08090a0b0c0d0e0f, 0x0001020304050607)); }

/* Karatsuba: three products for four. */
INLINE void multiply(sums *s, v x, const block *h)
{
    const v p = v_load(h), low = v_clmul_low(x, p), high = v_clmul_high(x, p);
    const v middle = v_clmul_low(v_xor(x, v_swap64(x)), v_load(h + HALVES));
    s->low = v_xor(s->low, low);
    s->high = v_xor(s->high, high);
    s->middle = v_xor(s->middle, middle);
}

INLINE void absorb(sums *s, const uint8_t *from, const block *h)
{
    multiply(s, v_xor(s->y, reverse(v_load_bytes(from))), h);
    s->y = v_zero();
}

/* y = the sum of all lanes modulo x^128 + x^127 + x^126 + x^121 + 1, from the lowest word up: 64 bits at a time by one
 * product. */
INLINE void reduce(sums *s)
{
    const v poly = v_rows(0xc200000000000000, 0);
    v m = v_xor(s->middle, v_xor(s->low, s->high));
    m = v_xor(m, v_xor(v_swap64(s->low), v_clmul_low(s->low, poly)));
    const v r = v_xor(s->high, v_xor(v_swap64(m), v_clmul_low(m, poly)));
    *s = (sums){v_zero(), v_zero(), v_zero(), v_fold(r)};
}

/* Where the powers for the next blocks begin, if so many are left. */
INLINE const block *powers(const gcm_key *k, size_t left)
{
    return k->h + TOP - (left <= GCM_GROUP + 1 ? left : GCM_GROUP);
}

/* SubWord in every word by one last round: after the shuffle all four columns are equal, so that ShiftRows changes
 * nothing. */
INLINE v next_key(v k, v last, int turn, int rcon)
{
    const v word = v_aeslast(v_shuffle8(last, v_set32(turn)), v_set32(rcon));
    k = v_xor(k, v_shuffle8(k, v_rows(0x0302010080808080, 0x0b0a090807060504)));
    k = v_xor(k, v_unpack64_low(v_zero(), k));
    return v_xor(k, word);
}

INLINE v encrypt_one(const gcm_key *k, v x)
{
    x = v_xor(x, v_same(&k->rk[0]));
    for (int r = 1; r < 14; r++)
        x = v_aes(x, v_same(&k->rk[r]));
    return v_aeslast(x, v_same(&k->rk[14]));
}

static void init(gcm_key *k, const uint8_t key[GCM_KEY_BYTES])
{
    v a = v_one(key), b = v_one(key + 16);
    v_store_one(&k->rk[0], a);
    v_store_one(&k->rk[1], b);
    for (int r = 2; r < 15; r += 2) {
        a = next_key(a, b, 0x0c0f0e0d, 1 << (r / 2 - 1));
        v_store_one(&k->rk[r], a);
        if (r == 14)
            break;
        b = next_key(b, a, 0x0f0e0d0c, 0);
        v_store_one(&k->rk[r + 1], b);
    }
    memset(k->h, 0, sizeof k->h);
    memset(k->halves, 0, sizeof k->halves);
    block h;
    v_store_one(&h, reverse(encrypt_one(k, v_zero())));
    const uint64_t carry = 0 - (h.w[1] >> 63);
    h = (block){{h.w[0] << 1 ^ (carry & 1), (h.w[1] << 1 | h.w[0] >> 63) ^ (carry & 0xc200000000000000)}};
    k->h[TOP - 1] = h;
    k->halves[TOP - 1].w[0] = h.w[0] ^ h.w[1];
    for (int i = 2; i <= GCM_GROUP + 1; i++) {
        sums s = {v_zero(), v_zero(), v_zero(), v_zero()};
        multiply(&s, v_one(&k->h[TOP - i + 1]), &k->h[TOP - 1]); /* the lanes above: by zero */
        reduce(&s);
        v_store_one(&k->h[TOP - i], s.y);
        k->halves[TOP - i].w[0] = k->h[TOP - i].w[0] ^ k->h[TOP - i].w[1];
    }
    sodium_memzero(&h, sizeof h);
}

/* What is here is computed before what follows: left to itself, the compiler puts the rounds together, and one unit
 * waits for the other. */
INLINE void in_order(v x[FLIGHT], sums *s)
{
    (void)x;
    (void)s;
#ifndef CT_FOLLOWED /* MemorySanitizer would take it for a use */
    __asm__(""
            : "+v"(x[0]), "+v"(x[1]), "+v"(x[2]), "+v"(x[3]), "+v"(x[4]), "+v"(x[5]), "+v"(x[6]), "+v"(x[7]),
              "+v"(s->low), "+v"(s->middle), "+v"(s->high));
#endif
}

/* out = in XOR keystream, BYTES of them.  absorbs, known when compiled: the blocks at `hashed` are absorbed.   Alias:
 * out may be in, or hashed. */
INLINE void flight(const gcm_key *k, v *number, uint8_t *out, const uint8_t *in, sums *s, int absorbs,
                   const uint8_t *hashed, const block *h)
{
    const v swap = v_rows(0x0706050403020100, 0x0c0d0e0f0b0a0908), step = v_rows(0, (uint64_t)LANES << 32);
    v x[FLIGHT], key = v_same(&k->rk[0]);
    UNROLL for (int i = 0; i < FLIGHT; i++) {
        x[i] = v_xor(v_shuffle8(*number, swap), key);
        *number = v_add32(*number, step);
    }
    UNROLL for (int r = 1; r < 14; r++) {
        key = v_same(&k->rk[r]);
        UNROLL for (int i = 0; i < FLIGHT; i++) x[i] = v_aes(x[i], key);
        const int i = (r - 1) * FLIGHT / 13; /* spread evenly */
        if (absorbs && i < r * FLIGHT / 13) {
            absorb(s, hashed + i * 16 * LANES, h + i * LANES);
            in_order(x, s);
        }
    }
    key = v_same(&k->rk[14]);
    UNROLL for (int i = 0; i < FLIGHT; i++) x[i] = v_aeslast(x[i], v_xor(key, v_load_bytes(in + i * 16 * LANES)));
    UNROLL for (int i = 0; i < FLIGHT; i++) v_store_bytes(out + i * 16 * LANES, x[i]);
}

/* Whole flights of ciphertext that were absorbed: what is next. */
INLINE const block *after_flight(const gcm_key *k, sums *s, const block *h, size_t *left)
{
    h += WIDE;
    *left -= WIDE;
    if (h != k->h + TOP)
        return h;
    reduce(s);
    return powers(k, *left);
}

INLINE void absorb_blocks(sums *s, const uint8_t *from, const block *h, size_t blocks)
{
    for (size_t i = 0; i < blocks; i += LANES)
        absorb(s, from + 16 * i, h + i);
}

static void absorb_ad(const gcm_key *k, sums *s, const uint8_t *ad, size_t ad_len)
{
    for (size_t at = 0; at < ad_len; at += BYTES) {
        uint8_t part[BYTES] = {0};
        const size_t n = ad_len - at < BYTES ? ad_len - at : BYTES, blocks = (n + 15) / 16;
        memcpy(part, ad + at, n);
        absorb_blocks(s, part, k->h + TOP - blocks, blocks);
        reduce(s);
    }
}

/* A message on its way: its counters and what is left to absorb.  The last part, of less than BYTES, has its place in
 * `rest`, with the block of the lengths after it. */
typedef struct {
    _Alignas(64) uint8_t rest[BYTES + 16 * LANES];
    sums s;
    v number, mask; /* nonce and counter in four words of this machine; what hides the tag */
    const block *h;
    size_t left, whole, tail, blocks;
} message;

INLINE void begin(message *m, const gcm_key *k, size_t len, const uint8_t *nonce, const uint8_t *ad, size_t ad_len)
{
    const uint64_t lengths[2] = {__builtin_bswap64(8 * (uint64_t)ad_len), __builtin_bswap64(8 * (uint64_t)len)};
    block first = {{0, 0}}, mask;
    memcpy(&first, nonce, GCM_NONCE_BYTES);
    mask = (block){{first.w[0], first.w[1] | UINT64_C(1) << 56}};
    m->number = v_xor(v_same(&first), v_shuffle8(v_counters(0, 2), v_rows(0x8080808080808080, 0x0302010080808080)));
    m->mask = encrypt_one(k, v_same(&mask));
    m->s = (sums){v_zero(), v_zero(), v_zero(), v_zero()};
    m->whole = len - len % BYTES;
    m->tail = len - m->whole;
    m->blocks = (m->tail + 15) / 16;
    m->left = (len + 15) / 16 + 1;
    m->h = powers(k, m->left);
    memset(m->rest, 0, sizeof m->rest);
    memcpy(m->rest + 16 * m->blocks, lengths, sizeof lengths);
    absorb_ad(k, &m->s, ad, ad_len);
}

INLINE void finish(const message *m, sums *s, const block *h, uint8_t tag[GCM_TAG_BYTES])
{
    absorb_blocks(s, m->rest, h, m->blocks + 1);
    reduce(s);
    v_store_one(tag, v_xor(reverse(s->y), m->mask));
}

static void seal(const gcm_key *k, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *nonce, const uint8_t *ad,
                 size_t ad_len)
{
    message m;
    uint8_t last[BYTES] = {0};
    begin(&m, k, len, nonce, ad, ad_len);
    sums s = m.s;
    v number = m.number;
    const block *h = m.h;
    if (m.tail)
        memcpy(last, in + m.whole, m.tail);
    if (m.whole) {
        flight(k, &number, out, in, &s, 0, NULL, NULL);
        for (size_t at = BYTES; at < m.whole; at += BYTES) {
            flight(k, &number, out + at, in + at, &s, 1, out + at - BYTES, h);
            h = after_flight(k, &s, h, &m.left);
        }
        flight(k, &number, last, last, &s, 1, out + m.whole - BYTES, h);
        h = after_flight(k, &s, h, &m.left);
    } else
        flight(k, &number, last, last, &s, 0, NULL, NULL);
    if (m.tail) {
        memcpy(m.rest, last, m.tail);
        memcpy(out + m.whole, last, m.tail);
    }
    finish(&m, &s, h, out + len);
    sodium_memzero(last, sizeof last);
    sodium_memzero(&m, sizeof m);
}

static int open_sealed(const gcm_key *k, uint8_t *out, const uint8_t *in, size_t len, const uint8_t *nonce,
                       const uint8_t *ad, size_t ad_len)
{
    message m;
    uint8_t tag[GCM_TAG_BYTES], due[GCM_TAG_BYTES];
    memcpy(due, in + len, sizeof due);
    begin(&m, k, len, nonce, ad, ad_len);
    sums s = m.s;
    v number = m.number;
    const block *h = m.h;
    for (size_t at = 0; at < m.whole; at += BYTES) {
        flight(k, &number, out + at, in + at, &s, 1, in + at, h);
        h = after_flight(k, &s, h, &m.left);
    }
    if (m.tail)
        memcpy(m.rest, in + m.whole, m.tail);
    finish(&m, &s, h, tag);
    const int forged = sodium_memcmp(tag, due, sizeof tag);
    if (forged) {
        if (len)
            memset(out, 0, len);
    } else if (m.tail) {
        flight(k, &number, m.rest, m.rest, &s, 0, NULL, NULL);
        memcpy(out + m.whole, m.rest, m.tail);
    }
    sodium_memzero(tag, sizeof tag);
    sodium_memzero(&m, sizeof m);
    return forged;
}
