// SPDX-License-Identifier: ISC
/** gate_body.h: the functions of gate_vaes.c and gate_vaes512.c, eight lanes at a time: labels and hashes stay in registers.  The lanes that are
 *  left over go to the portable kernel. */
#include "base/aes_wide.h"
#include "gc/gate.h"

/* All ones in a part whose label has colour 1. */
INLINE v colour_mask(v x) { return v_sub64(v_zero(), v_low64(v_and(x, v_rows(1, 0)))); }

/* s[EIGHT] = H(x), s[EIGHT ..] = H(x ^ delta) of eight lanes, d = sigma(delta). */
INLINE void hash_both(v s[2 * EIGHT], const v x[EIGHT], v d, const block *k)
{
    UNROLL for (int i = 0; i < EIGHT; i++) {
        s[i] = sigma(x[i]);
        s[EIGHT + i] = v_xor(s[i], d);
    }
    hash_vectors(s, 2 * EIGHT, &k, 2 * EIGHT, 0);
}

INLINE void load_eight(v x[EIGHT], const block *from)
{
    UNROLL for (int i = 0; i < EIGHT; i++) x[i] = v_load(from + i * LANES);
}

static void garble_and(const block *start, const block *delta, uint64_t at_a, uint64_t at_b, const block *a, const block *b, size_t lanes,
                       uint8_t *rows, block *out)
{
    schedules ks[2];
    const v d = v_same(delta), sd = sigma(d);
    uint8_t *rows_b = rows + 16 * lanes;
    size_t j = 0;
    for (; j + CRH_SPAN <= lanes; j += CRH_SPAN) {
        const size_t key = crh_key(j);
        if (key % KEYS == 0) expand_keys(ks, start, at_a + key, at_b + key);
        for (size_t at = j; at < j + CRH_SPAN; at += 8) {
            v x[EIGHT], y[EIGHT], s[2 * EIGHT], o[EIGHT];
            load_eight(x, a + at);
            hash_both(s, x, sd, &ks[0].rk[0][key % KEYS]);
            load_eight(y, b + at);
            UNROLL for (int i = 0; i < EIGHT; i++) {
                const v row = v_xor(v_xor(s[i], s[EIGHT + i]), v_and(d, colour_mask(y[i])));
                v_store_bytes(rows + 16 * (at + (size_t)i * LANES), row);
                o[i] = v_xor(s[i], v_and(row, colour_mask(x[i])));
            }
            hash_both(s, y, sd, &ks[1].rk[0][key % KEYS]);
            load_eight(x, a + at);
            load_eight(y, b + at);
            UNROLL for (int i = 0; i < EIGHT; i++) {
                const v sum = v_xor(s[i], s[EIGHT + i]);
                v_store_bytes(rows_b + 16 * (at + (size_t)i * LANES), v_xor(sum, x[i]));
                v_store(out + at + i * LANES, v_xor(v_xor(o[i], s[i]), v_and(sum, colour_mask(y[i]))));
            }
        }
    }
    if (j < lanes) {
        uint8_t last[2 * CRH_SPAN * 16];
        gc_gate_portable.garble_and(start, delta, at_a + crh_key(j), at_b + crh_key(j), a + j, b + j, lanes - j, last, out + j);
        memcpy(rows + 16 * j, last, 16 * (lanes - j));
        memcpy(rows_b + 16 * j, last + 16 * (lanes - j), 16 * (lanes - j));
    }
}

static void garble_known(const block *start, const block *delta, uint64_t index, const block *a, const uint64_t *y, size_t lanes, uint8_t *row,
                         block *out)
{
    schedules ks[2];
    const v d = v_same(delta), sd = sigma(d);
    size_t j = 0;
    for (; j + CRH_SPAN <= lanes; j += CRH_SPAN) {
        const size_t key = crh_key(j);
        if (j % TWICE == 0) expand_site(ks, start, index + key, lanes - j);
        for (size_t at = j; at < j + CRH_SPAN; at += 8) {
            v x[EIGHT], s[2 * EIGHT];
            load_eight(x, a + at);
            hash_both(s, x, sd, &ks[key / KEYS % 2].rk[0][key % KEYS]);
            load_eight(x, a + at);
            UNROLL for (int i = 0; i < EIGHT; i++) {
                const v r = v_xor(v_xor(s[i], s[EIGHT + i]), v_and(d, v_spread(y + at + i * LANES)));
                v_store_bytes(row + 16 * (at + (size_t)i * LANES), r);
                v_store(out + at + i * LANES, v_xor(s[i], v_and(r, colour_mask(x[i]))));
            }
        }
    }
    if (j < lanes) gc_gate_portable.garble_known(start, delta, index + crh_key(j), a + j, y + j, lanes - j, row + 16 * j, out + j);
}

static void eval_and(const block *start, uint64_t at_a, uint64_t at_b, const block *a, const block *b, size_t lanes, const uint8_t *rows,
                     block *out)
{
    schedules ks[2];
    const uint8_t *rows_b = rows + 16 * lanes;
    size_t j = 0;
    for (; j + CRH_SPAN <= lanes; j += CRH_SPAN) {
        const size_t key = crh_key(j);
        const block *const k[] = {&ks[0].rk[0][key % KEYS], &ks[1].rk[0][key % KEYS]};
        if (key % KEYS == 0) expand_keys(ks, start, at_a + key, at_b + key);
        for (size_t at = j; at < j + CRH_SPAN; at += 8) {
            v s[2 * EIGHT];
            UNROLL for (int i = 0; i < EIGHT; i++) {
                s[i] = sigma(v_load(a + at + i * LANES));
                s[EIGHT + i] = sigma(v_load(b + at + i * LANES));
            }
            hash_vectors(s, 2 * EIGHT, k, EIGHT, 0);
            UNROLL for (int i = 0; i < EIGHT; i++) {
                const size_t byte = 16 * (at + (size_t)i * LANES);
                const v x = v_load(a + at + i * LANES), y = v_load(b + at + i * LANES);
                const v g = v_load_bytes(rows + byte), e = v_xor(v_load_bytes(rows_b + byte), x);
                v_store(out + at + i * LANES, v_xor(v_xor(s[i], v_and(g, colour_mask(x))), v_xor(s[EIGHT + i], v_and(e, colour_mask(y)))));
            }
        }
    }
    if (j < lanes) {
        uint8_t last[2 * CRH_SPAN * 16];
        memcpy(last, rows + 16 * j, 16 * (lanes - j));
        memcpy(last + 16 * (lanes - j), rows_b + 16 * j, 16 * (lanes - j));
        gc_gate_portable.eval_and(start, at_a + crh_key(j), at_b + crh_key(j), a + j, b + j, lanes - j, last, out + j);
    }
}

static void eval_known(const block *start, uint64_t index, const block *a, size_t lanes, const uint8_t *row, block *out)
{
    schedules ks[2];
    size_t j = 0;
    for (; j + CRH_SPAN <= lanes; j += CRH_SPAN) {
        const size_t key = crh_key(j);
        const block *const k = &ks[key / KEYS % 2].rk[0][key % KEYS];
        if (j % TWICE == 0) expand_site(ks, start, index + key, lanes - j);
        for (size_t at = j; at < j + CRH_SPAN; at += 8) {
            v s[EIGHT];
            UNROLL for (int i = 0; i < EIGHT; i++) s[i] = sigma(v_load(a + at + i * LANES));
            hash_vectors(s, EIGHT, &k, EIGHT, 0);
            UNROLL for (int i = 0; i < EIGHT; i++) {
                const v x = v_load(a + at + i * LANES), g = v_load_bytes(row + 16 * (at + (size_t)i * LANES));
                v_store(out + at + i * LANES, v_xor(s[i], v_and(g, colour_mask(x))));
            }
        }
    }
    if (j < lanes) gc_gate_portable.eval_known(start, index + crh_key(j), a + j, lanes - j, row + 16 * j, out + j);
}

static void sum(const block *a, const block *b, size_t lanes, block *out)
{
    size_t j = 0;
    for (; j + LANES <= lanes; j += LANES) v_store(out + j, v_xor(v_load(a + j), v_load(b + j)));
    for (; j < lanes; j++) out[j] = block_xor(a[j], b[j]);
}
