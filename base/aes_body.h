// SPDX-License-Identifier: ISC
/** aes_body.h: the functions of aes_vaes.c and aes_vaes512.c, on vectors of LANES blocks. */
#include "base/aes_kern.h"
#include "base/aes_wide.h"

INLINE void rounds(v x[FLIGHT], const aes128_key *k)
{
    UNROLL for (int i = 0; i < FLIGHT; i++) x[i] = v_xor(x[i], v_same(&k->rk[0]));
    UNROLL for (int r = 1; r < 10; r++)
        UNROLL for (int i = 0; i < FLIGHT; i++) x[i] = v_aes(x[i], v_same(&k->rk[r]));
    UNROLL for (int i = 0; i < FLIGHT; i++) x[i] = v_aeslast(x[i], v_same(&k->rk[10]));
}

static void expand(aes128_key *k, const block *key) { aes_kern_aesni.expand(k, key); }

static void encrypt(const aes128_key *k, block *out, const block *in, size_t count)
{
    v x[FLIGHT];
    size_t at = 0;
    for (; at + WIDE <= count; at += WIDE) {
        UNROLL for (int i = 0; i < FLIGHT; i++) x[i] = v_load(in + at + i * LANES);
        rounds(x, k);
        UNROLL for (int i = 0; i < FLIGHT; i++) v_store(out + at + i * LANES, x[i]);
    }
    aes_kern_aesni.encrypt(k, out + at, in + at, count - at);
}

static void ctr_blocks(const aes128_key *k, block *out, uint64_t nonce, uint64_t ctr, size_t count)
{
    v x[FLIGHT], number = v_counters(nonce, ctr);
    size_t at = 0;
    for (; at + WIDE <= count; at += WIDE) {
        UNROLL for (int i = 0; i < FLIGHT; i++, number = v_add64(number, v_rows(LANES, 0))) x[i] = number;
        rounds(x, k);
        UNROLL for (int i = 0; i < FLIGHT; i++) v_store(out + at + i * LANES, x[i]);
    }
    aes_kern_aesni.ctr(k, out + at, nonce, ctr + at, count - at);
}

#define STEP (FLIGHT / GROUP) /* keys of one flight of hashes, FLIGHT * LANES = 8 STEP lanes */

/* The STEP * CRH_LANES lanes under the keys from k on. */
INLINE void hash_flight(const block *k, block *h, const block *x)
{
    const block *const each[] = {k, k + 1, k + STEP - 2, k + STEP - 1};
    v s[FLIGHT];
    UNROLL for (int i = 0; i < FLIGHT; i++) s[i] = sigma(v_load(x + i * LANES));
    hash_vectors(s, FLIGHT, each + (STEP == 2 ? 2 : 0), GROUP, 1);
    UNROLL for (int i = 0; i < FLIGHT; i++) v_store(h + i * LANES, s[i]);
}

static void hash(const block *start, uint64_t index, block *h, const block *x, size_t lanes)
{
    enum { FLIGHTS = KEYS / STEP, ONE = STEP * CRH_LANES };
    schedules ks[2];
    size_t at = 0;
    while (lanes - at >= ONE) {
        expand_keys(ks, start, index, index + KEYS);
        for (size_t g = 0; g < 2; g++)
            for (size_t f = 0; f < FLIGHTS && lanes - at >= ONE; f++, at += ONE, index += STEP) hash_flight(&ks[g].rk[0][f * STEP], h + at, x + at);
    }
    if (at < lanes) aes_kern_aesni.hash(start, index, h + at, x + at, lanes - at);
}

/* Where vector i of a flight belongs: under each key its vectors, then the same with delta. */
INLINE int pair_of(int i) { return i / (2 * GROUP) * GROUP + i % GROUP; }

/* The STEP * CRH_LANES / 2 lanes under the keys from k on, d = sigma(delta). */
INLINE void pair_flight(const block *k, block *h0, block *h1, const block *x, v d)
{
    const block *const each[] = {k, k + 1};
    v s[FLIGHT];
    UNROLL for (int i = 0; i < FLIGHT; i++) {
        s[i] = sigma(v_load(x + pair_of(i) * LANES));
        if (i / GROUP % 2) s[i] = v_xor(s[i], d);
    }
    hash_vectors(s, FLIGHT, each, 2 * GROUP, 1);
    UNROLL for (int i = 0; i < FLIGHT; i++) v_store((i / GROUP % 2 ? h1 : h0) + pair_of(i) * LANES, s[i]);
}

static void hash_pair(const block *start, uint64_t index, block *h0, block *h1, const block *x, const block *delta, size_t lanes)
{
    enum { HALF = STEP / 2, FLIGHTS = KEYS / HALF, ONE = HALF * CRH_LANES };
    schedules ks[2];
    const v d = sigma(v_same(delta)); /* sigma is linear */
    size_t at = 0;
    while (lanes - at >= ONE) {
        expand_keys(ks, start, index, index + KEYS);
        for (size_t g = 0; g < 2; g++)
            for (size_t f = 0; f < FLIGHTS && lanes - at >= ONE; f++, at += ONE, index += HALF)
                pair_flight(&ks[g].rk[0][f * HALF], h0 + at, h1 + at, x + at, d);
    }
    if (at < lanes) aes_kern_aesni.hash_pair(start, index, h0 + at, h1 + at, x + at, delta, lanes - at);
}
