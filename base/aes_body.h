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

/* WIDE lanes under the keys from k on. */
INLINE void hash_flight(const block *k, block *h, const block *x)
{
    v s[FLIGHT];
    UNROLL for (int i = 0; i < FLIGHT; i++) s[i] = sigma(v_load(x + i * LANES));
    hash_vectors(s, FLIGHT, &k, FLIGHT, 1);
    UNROLL for (int i = 0; i < FLIGHT; i++) v_store(h + i * LANES, s[i]);
}

static void hash(const block *start, uint64_t index, block *h, const block *x, size_t lanes)
{
    schedules ks[2];
    size_t at = 0;
    for (; lanes - at >= CRH_SPAN; at += CRH_SPAN) {
        const size_t key = crh_key(at);
        if (at % TWICE == 0) expand_site(ks, start, index + key, lanes - at);
        const block *k = &ks[key / KEYS % 2].rk[0][key % KEYS];
        for (size_t j = at; j < at + CRH_SPAN; j += WIDE) hash_flight(k, h + j, x + j);
    }
    if (at < lanes) aes_kern_aesni.hash(start, index + crh_key(at), h + at, x + at, lanes - at);
}

/* WIDE / 2 lanes, also with delta: d = sigma(delta). */
INLINE void pair_flight(const block *k, block *h0, block *h1, const block *x, v d)
{
    enum { HALF = FLIGHT / 2 };
    v s[FLIGHT];
    UNROLL for (int i = 0; i < HALF; i++) {
        s[i] = sigma(v_load(x + i * LANES));
        s[HALF + i] = v_xor(s[i], d);
    }
    hash_vectors(s, FLIGHT, &k, FLIGHT, 1);
    UNROLL for (int i = 0; i < FLIGHT; i++) v_store((i < HALF ? h0 : h1) + i % HALF * LANES, s[i]);
}

static void hash_pair(const block *start, uint64_t index, block *h0, block *h1, const block *x, const block *delta, size_t lanes)
{
    schedules ks[2];
    const v d = sigma(v_same(delta)); /* sigma is linear */
    size_t at = 0;
    for (; lanes - at >= CRH_SPAN; at += CRH_SPAN) {
        const size_t key = crh_key(at);
        if (at % TWICE == 0) expand_site(ks, start, index + key, lanes - at);
        const block *k = &ks[key / KEYS % 2].rk[0][key % KEYS];
        for (size_t j = at; j < at + CRH_SPAN; j += WIDE / 2) pair_flight(k, h0 + j, h1 + j, x + j, d);
    }
    if (at < lanes) aes_kern_aesni.hash_pair(start, index + crh_key(at), h0 + at, h1 + at, x + at, delta, lanes - at);
}
