// SPDX-License-Identifier: ISC
#include <immintrin.h>

#include "base/aes_kern.h"
#include "base/cpu.h"
#include "base/crh.h"

#define WIDE 8 /* blocks in flight */

static __m128i load(const block *b) { return _mm_load_si128((const __m128i *)b); }
static void store(block *b, __m128i x) { _mm_store_si128((__m128i *)b, x); }

/* One step of the key schedule.  SubWord(RotWord(w3)) in every word by one aesenclast: after the shuffle all four columns are equal, so that
 * ShiftRows changes nothing; much cheaper than aeskeygenassist where many keys are expanded. */
static inline __m128i next_key(__m128i k, __m128i rcon)
{
    const __m128i rot = _mm_set1_epi32(0x0c0f0e0d);
    __m128i w = _mm_aesenclast_si128(_mm_shuffle_epi8(k, rot), rcon);
    k = _mm_xor_si128(k, _mm_slli_si128(k, 4));
    k = _mm_xor_si128(k, _mm_slli_si128(k, 8));
    return _mm_xor_si128(k, w);
}

static const uint8_t rcons[10] = {1, 2, 4, 8, 16, 32, 64, 128, 27, 54};

static void expand(aes128_key *k, const block *key)
{
    __m128i x = load(key);
    store(&k->rk[0], x);
    for (int r = 0; r < 10; r++) {
        x = next_key(x, _mm_set1_epi32(rcons[r]));
        store(&k->rk[r + 1], x);
    }
}

static inline void rounds(__m128i x[WIDE], const aes128_key *k)
{
    __m128i rk = load(&k->rk[0]);
    for (int i = 0; i < WIDE; i++)
        x[i] = _mm_xor_si128(x[i], rk);
    for (int r = 1; r < 10; r++) {
        rk = load(&k->rk[r]);
        for (int i = 0; i < WIDE; i++)
            x[i] = _mm_aesenc_si128(x[i], rk);
    }
    rk = load(&k->rk[10]);
    for (int i = 0; i < WIDE; i++)
        x[i] = _mm_aesenclast_si128(x[i], rk);
}

static void encrypt(const aes128_key *k, block *out, const block *in, size_t count)
{
    __m128i x[WIDE];
    for (size_t at = 0; at < count; at += WIDE) {
        const size_t n = count - at < WIDE ? count - at : WIDE;
        for (size_t i = 0; i < WIDE; i++)
            x[i] = i < n ? load(in + at + i) : _mm_setzero_si128();
        rounds(x, k);
        for (size_t i = 0; i < n; i++)
            store(out + at + i, x[i]);
    }
}

static void ctr_blocks(const aes128_key *k, block *out, uint64_t nonce, uint64_t ctr, size_t count)
{
    __m128i x[WIDE];
    for (size_t at = 0; at < count; at += WIDE) {
        const size_t n = count - at < WIDE ? count - at : WIDE;
        for (size_t i = 0; i < WIDE; i++)
            x[i] = _mm_set_epi64x((int64_t)nonce, (int64_t)(ctr + at + i));
        rounds(x, k);
        for (size_t i = 0; i < n; i++)
            store(out + at + i, x[i]);
    }
}

static inline __m128i sigma(__m128i x)
{
    return _mm_xor_si128(_mm_shuffle_epi32(x, 0x4e), _mm_unpackhi_epi64(_mm_setzero_si128(), x));
}

/* The schedules of four keys side by side: their latencies overlap. */
static void expand4(aes128_key k[4], const block *start, uint64_t index)
{
    __m128i x[4];
    for (unsigned i = 0; i < 4; i++) {
        x[i] = _mm_xor_si128(load(start), _mm_set_epi64x(0, (int64_t)(index + i)));
        store(&k[i].rk[0], x[i]);
    }
    for (int r = 0; r < 10; r++) {
        const __m128i rcon = _mm_set1_epi32(rcons[r]);
        for (int i = 0; i < 4; i++) {
            x[i] = next_key(x[i], rcon);
            store(&k[i].rk[r + 1], x[i]);
        }
    }
}

/* h = H(k, x) for n <= 8 lanes, CRH_ROW apart; xored into x first: delta. */
static inline void hash8(const aes128_key *k, block *h, const block *x, __m128i delta, size_t n)
{
    __m128i s[CRH_LANES], y[CRH_LANES];
    for (size_t i = 0; i < CRH_LANES; i++)
        y[i] = s[i] = sigma(i < n ? _mm_xor_si128(load(x + i * CRH_ROW), delta) : _mm_setzero_si128());
    rounds(y, k);
    for (size_t i = 0; i < n; i++)
        store(h + i * CRH_ROW, _mm_xor_si128(y[i], s[i]));
}

/* CRH_SPAN lanes, or fewer, under four keys. */
static inline void hash_span(const aes128_key k[CRH_ROW], block *h, const block *x, __m128i delta, size_t lanes)
{
    if (lanes >= CRH_SPAN)
        for (size_t i = 0; i < CRH_ROW; i++) hash8(&k[i], h + i, x + i, delta, CRH_LANES);
    else
        for (size_t i = 0; i < CRH_ROW && i < lanes; i++) hash8(&k[i], h + i, x + i, delta, (lanes - i + CRH_ROW - 1) / CRH_ROW);
}

static void hash(const block *start, uint64_t index, block *h, const block *x, size_t lanes)
{
    aes128_key k[CRH_ROW];
    for (size_t at = 0; at < lanes; at += CRH_SPAN) {
        expand4(k, start, index + crh_key(at));
        hash_span(k, h + at, x + at, _mm_setzero_si128(), lanes - at);
    }
}

static void hash_pair(const block *start, uint64_t index, block *h0, block *h1, const block *x, const block *delta, size_t lanes)
{
    const __m128i d = load(delta);
    aes128_key k[CRH_ROW];
    for (size_t at = 0; at < lanes; at += CRH_SPAN) {
        expand4(k, start, index + crh_key(at));
        hash_span(k, h1 + at, x + at, d, lanes - at);
        hash_span(k, h0 + at, x + at, _mm_setzero_si128(), lanes - at);
    }
}

const aes_kern aes_kern_aesni = {"aesni", CPU_AESNI, expand, encrypt, ctr_blocks, hash, hash_pair};
