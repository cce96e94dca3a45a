// SPDX-License-Identifier: ISC
/** aes_wide.h: AES-128 on vectors of LANES blocks: the body of aes_vaes.c and aes_vaes512.c, which define v and the operations on it. */
#include "base/aes_kern.h"
#include "base/crh.h"
#include "base/mem.h"

#define FLIGHT 8                /* vectors in flight: two units, four cycles each */
#define WIDE (FLIGHT * LANES)   /* blocks in flight */
#define KEYS (4 * LANES)        /* keys expanded together: a vector of each word of them */
#define GROUP (CRH_LANES / LANES) /* vectors under one key of the hash */

/* [r][key]: round key r of KEYS keys, each a block of its own. */
typedef struct {
    _Alignas(64) block rk[11][KEYS];
} schedules;

/* Words 0..3 of KEYS keys, word by word: 32-bit column c of 128-bit part p belongs to key LANES c + p. */
INLINE void store_round(schedules *s, int r, const v w[4])
{
    const v a = v_unpack32_low(w[0], w[1]), b = v_unpack32_high(w[0], w[1]), c = v_unpack32_low(w[2], w[3]), d = v_unpack32_high(w[2], w[3]);
    v_store(&s->rk[r][0], v_unpack64_low(a, c));
    v_store(&s->rk[r][LANES], v_unpack64_high(a, c));
    v_store(&s->rk[r][2 * LANES], v_unpack64_low(b, d));
    v_store(&s->rk[r][3 * LANES], v_unpack64_high(b, d));
}

/* The schedules of the keys start XOR (index + i), i < KEYS.  The columns of a vector are words of different keys: SubWord is the last
 * round, after a shuffle that turns each word and undoes ShiftRows. */
static void expand_keys(schedules *s, const block *start, uint64_t index)
{
    static const uint8_t rcons[10] = {1, 2, 4, 8, 16, 32, 64, 128, 27, 54};
    v w[4], k[4];
    for (uint64_t i = 0; i < KEYS; i++) s->rk[0][i] = (block){{start->w[0] ^ (index + i), start->w[1]}};
    for (int i = 0; i < 4; i++) k[i] = v_load(&s->rk[0][i * LANES]);
    const v a = v_unpack32_low(k[0], k[1]), b = v_unpack32_high(k[0], k[1]), c = v_unpack32_low(k[2], k[3]), d = v_unpack32_high(k[2], k[3]);
    w[0] = v_unpack64_low(a, c);
    w[1] = v_unpack64_high(a, c);
    w[2] = v_unpack64_low(b, d);
    w[3] = v_unpack64_high(b, d);
    const v turn = v_rows(0x080f0205040b0e01, 0x00070a0d0c030609);
    for (int r = 0; r < 10; r++) {
        w[0] = v_xor(w[0], v_aeslast(v_shuffle8(w[3], turn), v_set32(rcons[r])));
        w[1] = v_xor(w[1], w[0]);
        w[2] = v_xor(w[2], w[1]);
        w[3] = v_xor(w[3], w[2]);
        store_round(s, r + 1, w);
    }
}

INLINE void rounds(v x[FLIGHT], const aes128_key *k)
{
    for (int i = 0; i < FLIGHT; i++) x[i] = v_xor(x[i], v_same(&k->rk[0]));
    for (int r = 1; r < 10; r++)
        for (int i = 0; i < FLIGHT; i++) x[i] = v_aes(x[i], v_same(&k->rk[r]));
    for (int i = 0; i < FLIGHT; i++) x[i] = v_aeslast(x[i], v_same(&k->rk[10]));
}

static void expand(aes128_key *k, const block *key) { aes_kern_aesni.expand(k, key); }

static void encrypt(const aes128_key *k, block *out, const block *in, size_t count)
{
    v x[FLIGHT];
    size_t at = 0;
    for (; at + WIDE <= count; at += WIDE) {
        for (int i = 0; i < FLIGHT; i++) x[i] = v_load(in + at + i * LANES);
        rounds(x, k);
        for (int i = 0; i < FLIGHT; i++) v_store(out + at + i * LANES, x[i]);
    }
    aes_kern_aesni.encrypt(k, out + at, in + at, count - at);
}

static void ctr_blocks(const aes128_key *k, block *out, uint64_t nonce, uint64_t ctr, size_t count)
{
    v x[FLIGHT];
    size_t at = 0;
    for (; at + WIDE <= count; at += WIDE) {
        for (int i = 0; i < FLIGHT; i++) x[i] = v_counters(nonce, ctr + at + (uint64_t)i * LANES);
        rounds(x, k);
        for (int i = 0; i < FLIGHT; i++) v_store(out + at + i * LANES, x[i]);
    }
    aes_kern_aesni.ctr(k, out + at, nonce, ctr + at, count - at);
}

/* (L || R) -> (L XOR R) || L, L the upper half: halves exchanged, and L added to the upper one. */
INLINE v sigma(v x) { return v_xor(v_swap64(x), v_and(x, v_rows(0, ~UINT64_C(0)))); }

/* s[FLIGHT] in, hashes out: vector i under key `key` + i / per. */
INLINE void hash_flight(v s[FLIGHT], const schedules *ks, size_t key, int per)
{
    v y[FLIGHT];
    for (int i = 0; i < FLIGHT; i++) y[i] = v_xor(s[i], v_same(&ks->rk[0][key + (size_t)(i / per)]));
    for (int r = 1; r < 10; r++)
        for (int i = 0; i < FLIGHT; i++) y[i] = v_aes(y[i], v_same(&ks->rk[r][key + (size_t)(i / per)]));
    for (int i = 0; i < FLIGHT; i++) s[i] = v_xor(s[i], v_aeslast(y[i], v_same(&ks->rk[10][key + (size_t)(i / per)])));
}

#define STEP (FLIGHT / GROUP) /* keys of one flight of hashes, FLIGHT * LANES = 8 STEP lanes */

static void hash(const block *start, uint64_t index, block *h, const block *x, size_t lanes)
{
    schedules ks;
    size_t at = 0, key = 0;
    for (; at + STEP * CRH_LANES <= lanes; at += STEP * CRH_LANES, key += STEP) {
        v s[FLIGHT];
        if (key % KEYS == 0) expand_keys(&ks, start, index + key);
        for (int i = 0; i < FLIGHT; i++) s[i] = sigma(v_load(x + at + i * LANES));
        hash_flight(s, &ks, key % KEYS, GROUP);
        for (int i = 0; i < FLIGHT; i++) v_store(h + at + i * LANES, s[i]);
    }
    if (at < lanes) aes_kern_aesni.hash(start, index + key, h + at, x + at, lanes - at);
}

static void hash_pair(const block *start, uint64_t index, block *h0, block *h1, const block *x, const block *delta, size_t lanes)
{
    schedules ks;
    size_t at = 0, key = 0;
    const v d = sigma(v_same(delta)); /* sigma is linear */
    for (; at + STEP * CRH_LANES / 2 <= lanes; at += STEP * CRH_LANES / 2, key += STEP / 2) {
        v s[FLIGHT];
        if (key % KEYS == 0) expand_keys(&ks, start, index + key);
        /* under each key its vectors, then the same with delta */
        for (int i = 0; i < FLIGHT; i++) {
            const int of = i / (2 * GROUP) * GROUP + i % GROUP;
            s[i] = sigma(v_load(x + at + of * LANES));
            if (i / GROUP % 2) s[i] = v_xor(s[i], d);
        }
        hash_flight(s, &ks, key % KEYS, 2 * GROUP);
        for (int i = 0; i < FLIGHT; i++) {
            const int of = i / (2 * GROUP) * GROUP + i % GROUP;
            v_store((i / GROUP % 2 ? h1 : h0) + at + of * LANES, s[i]);
        }
    }
    if (at < lanes) aes_kern_aesni.hash_pair(start, index + key, h0 + at, h1 + at, x + at, delta, lanes - at);
}
