// SPDX-License-Identifier: ISC
/** aes_wide.h: the garbling hash on vectors of LANES blocks, after aes_v256.h or aes_v512.h. */
#ifndef TACIT_BASE_AES_WIDE_H
#define TACIT_BASE_AES_WIDE_H

#include "base/crh.h"

#define UNROLL _Pragma("GCC unroll 16") /* at -O2, too, else vectors go to memory */
#define FLIGHT 8                     /* vectors in flight: two units, four cycles each */
#define WIDE (FLIGHT * LANES)        /* blocks in flight */
#define KEYS (4 * LANES)             /* keys expanded together: a vector of each word of them */
#define TWICE (2 * KEYS * CRH_LANES) /* lanes under two such sets */

_Static_assert(CRH_SPAN % WIDE == 0 && KEYS % CRH_ROW == 0 && CRH_ROW % LANES == 0, "a flight is inside one row of keys, a row inside one set");

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

/* The words of the keys start XOR (index + i), i < KEYS. */
INLINE void load_words(schedules *s, v w[4], const block *start, uint64_t index)
{
    v k[4], number = v_counters(0, index);
    UNROLL for (int i = 0; i < 4; i++, number = v_add64(number, v_rows(LANES, 0))) {
        k[i] = v_xor(v_same(start), number);
        v_store(&s->rk[0][i * LANES], k[i]);
    }
    const v a = v_unpack32_low(k[0], k[1]), c = v_unpack32_low(k[2], k[3]);
    w[0] = v_unpack64_low(a, c);
    w[1] = v_unpack64_high(a, c);
    w[2] = v_third32(v_same(start)); /* an index has 64 bits */
    w[3] = v_fourth32(v_same(start));
}

/* The columns of a vector are words of different keys: SubWord is the last round, after a shuffle that turns each word and undoes ShiftRows. */
INLINE void next_words(v w[4], v rcon)
{
    const v turn = v_rows(0x080f0205040b0e01, 0x00070a0d0c030609);
    w[0] = v_xor(w[0], v_aeslast(v_shuffle8(w[3], turn), rcon));
    w[1] = v_xor(w[1], w[0]);
    w[2] = v_xor(w[2], w[1]);
    w[3] = v_xor(w[3], w[2]);
}

/* s[m]: the schedules of start XOR (index[m] + i), i < KEYS: a chain of latencies for each m. */
INLINE void expand_sets(schedules *s, int sets, const block *start, const uint64_t *index)
{
    static const uint8_t rcons[10] = {1, 2, 4, 8, 16, 32, 64, 128, 27, 54};
    v w[2][4];
    UNROLL for (int m = 0; m < sets; m++) load_words(&s[m], w[m], start, index[m]);
    UNROLL for (int r = 0; r < 10; r++) {
        const v rcon = v_set32(rcons[r]);
        UNROLL for (int m = 0; m < sets; m++) next_words(w[m], rcon);
        UNROLL for (int m = 0; m < sets; m++) store_round(&s[m], r + 1, w[m]);
    }
}
static inline void expand_keys(schedules s[2], const block *start, uint64_t a, uint64_t b) { expand_sets(s, 2, start, (uint64_t[2]){a, b}); }

/* The next keys of one site that has so many lanes left: where one set has sixteen, one may do. */
static inline void expand_site(schedules s[2], const block *start, uint64_t index, size_t lanes)
{
    if (KEYS < 16 || lanes > TWICE / 2) expand_keys(s, start, index, index + KEYS);
    else expand_sets(s, 1, start, &index);
}

/* (L || R) -> (L XOR R) || L, L the upper half: halves exchanged, and L added to the upper one. */
INLINE v sigma(v x) { return v_xor(v_swap64(x), v_and(x, v_rows(0, ~UINT64_C(0)))); }

/* s[n] = sigma(x) in, hashes out: the `per` vectors of each group are neighbouring lanes from the first of a row's keys on, which are at
 * k[i / per], in each round of a schedule.   In: n <= FLIGHT and per, a multiple of CRH_ROW / LANES, known when compiled.
 * aside: what the last round adds, its keys and sigma(x), is put aside: quicker for the hash alone, not for gates. */
INLINE void hash_vectors(v *s, int n, const block *const *k, int per, int aside)
{
#define KEY(i, r) v_load(k[(i) / per] + (i) % (CRH_ROW / LANES) * LANES + (r) * KEYS)
    v y[FLIGHT];
    UNROLL for (int i = 0; i < n; i++) {
        y[i] = v_xor(s[i], KEY(i, 0));
        if (aside) s[i] = v_xor(s[i], KEY(i, 10));
        if (aside) v_aside(&s[i]);
    }
    UNROLL for (int r = 1; r < 10; r++)
        UNROLL for (int i = 0; i < n; i++) y[i] = v_aes(y[i], KEY(i, r));
    UNROLL for (int i = 0; i < n; i++) s[i] = aside ? v_aeslast(y[i], s[i]) : v_xor(s[i], v_aeslast(y[i], KEY(i, 10)));
#undef KEY
}

#endif
