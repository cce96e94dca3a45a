// SPDX-License-Identifier: ISC
/** gate_body.h: the functions of gate_vaes.c and gate_vaes512.c, STEP lanes at a time: labels and hashes stay in registers.  What is left over
 *  of CRH_SPAN lanes is padded: hashes of nothing, which go nowhere.  gc/garble.c wipes the stack. */
#include "base/aes_wide.h"
#include "gc/gate.h"

#define STEP 8
#define GROUP (STEP / LANES) /* vectors of a step */

typedef struct {
    block a[CRH_SPAN], b[CRH_SPAN], out[CRH_SPAN];
    uint64_t y[CRH_SPAN];
    uint8_t rows[2 * 16 * CRH_SPAN];
} padded;

/* All ones in a part whose label has colour 1. */
INLINE v colour_mask(v x) { return v_sub64(v_zero(), v_low64(v_and(x, v_rows(1, 0)))); }

/* s[GROUP] = H(x), s[GROUP ..] = H(x ^ delta) of a step, d = sigma(delta). */
INLINE void hash_both(v s[2 * GROUP], const v x[GROUP], v d, const block *k)
{
    UNROLL for (int i = 0; i < GROUP; i++) {
        s[i] = sigma(x[i]);
        s[GROUP + i] = v_xor(s[i], d);
    }
    hash_vectors(s, 2 * GROUP, &k, 2 * GROUP, 0);
}

INLINE void load_step(v x[GROUP], const block *from)
{
    UNROLL for (int i = 0; i < GROUP; i++) x[i] = v_load(from + i * LANES);
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
        for (size_t at = j; at < j + CRH_SPAN; at += STEP) {
            v x[GROUP], y[GROUP], s[2 * GROUP], o[GROUP];
            load_step(x, a + at);
            hash_both(s, x, sd, &ks[0].rk[0][key % KEYS]);
            load_step(y, b + at);
            UNROLL for (int i = 0; i < GROUP; i++) {
                const v row = v_xor(v_xor(s[i], s[GROUP + i]), v_and(d, colour_mask(y[i])));
                v_store_bytes(rows + 16 * (at + (size_t)i * LANES), row);
                o[i] = v_xor(s[i], v_and(row, colour_mask(x[i])));
            }
            hash_both(s, y, sd, &ks[1].rk[0][key % KEYS]);
            load_step(x, a + at);
            load_step(y, b + at);
            UNROLL for (int i = 0; i < GROUP; i++) {
                const v sum = v_xor(s[i], s[GROUP + i]);
                v_store_bytes(rows_b + 16 * (at + (size_t)i * LANES), v_xor(sum, x[i]));
                v_store(out + at + i * LANES, v_xor(v_xor(o[i], s[i]), v_and(sum, colour_mask(y[i]))));
            }
        }
    }
    if (j < lanes) {
        const size_t bytes = 16 * (lanes - j);
        padded p = {.a = {{{0, 0}}}};
        memcpy(p.a, a + j, bytes), memcpy(p.b, b + j, bytes);
        garble_and(start, delta, at_a + crh_key(j), at_b + crh_key(j), p.a, p.b, CRH_SPAN, p.rows, p.out);
        memcpy(rows + 16 * j, p.rows, bytes), memcpy(rows_b + 16 * j, p.rows + 16 * CRH_SPAN, bytes);
        memcpy(out + j, p.out, bytes);
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
        for (size_t at = j; at < j + CRH_SPAN; at += STEP) {
            v x[GROUP], s[2 * GROUP];
            load_step(x, a + at);
            hash_both(s, x, sd, &ks[key / KEYS % 2].rk[0][key % KEYS]);
            load_step(x, a + at);
            UNROLL for (int i = 0; i < GROUP; i++) {
                const v r = v_xor(v_xor(s[i], s[GROUP + i]), v_and(d, v_spread(y + at + i * LANES)));
                v_store_bytes(row + 16 * (at + (size_t)i * LANES), r);
                v_store(out + at + i * LANES, v_xor(s[i], v_and(r, colour_mask(x[i]))));
            }
        }
    }
    if (j < lanes) {
        const size_t bytes = 16 * (lanes - j);
        padded p = {.a = {{{0, 0}}}};
        memcpy(p.a, a + j, bytes), memcpy(p.y, y + j, bytes / 2);
        garble_known(start, delta, index + crh_key(j), p.a, p.y, CRH_SPAN, p.rows, p.out);
        memcpy(row + 16 * j, p.rows, bytes), memcpy(out + j, p.out, bytes);
    }
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
        for (size_t at = j; at < j + CRH_SPAN; at += STEP) {
            v s[2 * GROUP];
            UNROLL for (int i = 0; i < GROUP; i++) {
                s[i] = sigma(v_load(a + at + i * LANES));
                s[GROUP + i] = sigma(v_load(b + at + i * LANES));
            }
            hash_vectors(s, 2 * GROUP, k, GROUP, 0);
            UNROLL for (int i = 0; i < GROUP; i++) {
                const size_t byte = 16 * (at + (size_t)i * LANES);
                const v x = v_load(a + at + i * LANES), y = v_load(b + at + i * LANES);
                const v g = v_load_bytes(rows + byte), e = v_xor(v_load_bytes(rows_b + byte), x);
                v_store(out + at + i * LANES, v_xor(v_xor(s[i], v_and(g, colour_mask(x))), v_xor(s[GROUP + i], v_and(e, colour_mask(y)))));
            }
        }
    }
    if (j < lanes) {
        const size_t bytes = 16 * (lanes - j);
        padded p = {.a = {{{0, 0}}}};
        memcpy(p.a, a + j, bytes), memcpy(p.b, b + j, bytes);
        memcpy(p.rows, rows + 16 * j, bytes), memcpy(p.rows + 16 * CRH_SPAN, rows_b + 16 * j, bytes);
        eval_and(start, at_a + crh_key(j), at_b + crh_key(j), p.a, p.b, CRH_SPAN, p.rows, p.out);
        memcpy(out + j, p.out, bytes);
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
        for (size_t at = j; at < j + CRH_SPAN; at += STEP) {
            v s[GROUP];
            UNROLL for (int i = 0; i < GROUP; i++) s[i] = sigma(v_load(a + at + i * LANES));
            hash_vectors(s, GROUP, &k, GROUP, 0);
            UNROLL for (int i = 0; i < GROUP; i++) {
                const v x = v_load(a + at + i * LANES), g = v_load_bytes(row + 16 * (at + (size_t)i * LANES));
                v_store(out + at + i * LANES, v_xor(s[i], v_and(g, colour_mask(x))));
            }
        }
    }
    if (j < lanes) {
        const size_t bytes = 16 * (lanes - j);
        padded p = {.a = {{{0, 0}}}};
        memcpy(p.a, a + j, bytes), memcpy(p.rows, row + 16 * j, bytes);
        eval_known(start, index + crh_key(j), p.a, CRH_SPAN, p.rows, p.out);
        memcpy(out + j, p.out, bytes);
    }
}

static void sum(const block *a, const block *b, size_t lanes, block *out)
{
    size_t j = 0;
    for (; j + LANES <= lanes; j += LANES) v_store(out + j, v_xor(v_load(a + j), v_load(b + j)));
    for (; j < lanes; j++) out[j] = block_xor(a[j], b[j]);
}
