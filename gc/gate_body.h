// SPDX-License-Identifier: ISC
/** gate_body.h: the functions of gate_vaes.c and gate_vaes512.c, eight lanes at a time: labels and hashes stay in registers.  The lanes that are
 *  left over go to the portable kernel. */
#include "base/aes_wide.h"
#include "gc/gate.h"

#define EIGHT CRH_LANES

/* All ones in a part whose label has colour 1. */
INLINE v colour_mask(v x) { return v_sub64(v_zero(), v_low64(v_and(x, v_rows(1, 0)))); }

/* s[GROUP] = H(x), s[GROUP ..] = H(x ^ delta) of eight lanes, d = sigma(delta). */
INLINE void hash_both(v s[2 * GROUP], const v x[GROUP], v d, const block *k)
{
    UNROLL for (int i = 0; i < GROUP; i++) {
        s[i] = sigma(x[i]);
        s[GROUP + i] = v_xor(s[i], d);
    }
    hash_vectors(s, 2 * GROUP, &k, 2 * GROUP, 0);
}

INLINE void load_eight(v x[GROUP], const block *from)
{
    UNROLL for (int i = 0; i < GROUP; i++) x[i] = v_load(from + i * LANES);
}

static void garble_and(const block *start, const block *delta, uint64_t at_a, uint64_t at_b, const block *a, const block *b, size_t lanes,
                       uint8_t *rows, block *out)
{
    schedules ks[2];
    const v d = v_same(delta), sd = sigma(d);
    uint8_t *rows_b = rows + 16 * lanes;
    size_t j = 0, key = 0;
    for (; j + EIGHT <= lanes; j += EIGHT, key++) {
        v x[GROUP], y[GROUP], s[2 * GROUP], o[GROUP];
        if (key % KEYS == 0) expand_keys(ks, start, at_a + key, at_b + key);
        load_eight(x, a + j);
        hash_both(s, x, sd, &ks[0].rk[0][key % KEYS]);
        load_eight(y, b + j);
        UNROLL for (int i = 0; i < GROUP; i++) {
            const v row = v_xor(v_xor(s[i], s[GROUP + i]), v_and(d, colour_mask(y[i])));
            v_store_bytes(rows + 16 * (j + (size_t)i * LANES), row);
            o[i] = v_xor(s[i], v_and(row, colour_mask(x[i])));
        }
        hash_both(s, y, sd, &ks[1].rk[0][key % KEYS]);
        load_eight(x, a + j);
        load_eight(y, b + j);
        UNROLL for (int i = 0; i < GROUP; i++) {
            const v sum = v_xor(s[i], s[GROUP + i]);
            v_store_bytes(rows_b + 16 * (j + (size_t)i * LANES), v_xor(sum, x[i]));
            v_store(out + j + i * LANES, v_xor(v_xor(o[i], s[i]), v_and(sum, colour_mask(y[i]))));
        }
    }
    if (j < lanes) {
        uint8_t last[2 * EIGHT * 16];
        gc_gate_portable.garble_and(start, delta, at_a + key, at_b + key, a + j, b + j, lanes - j, last, out + j);
        memcpy(rows + 16 * j, last, 16 * (lanes - j));
        memcpy(rows_b + 16 * j, last + 16 * (lanes - j), 16 * (lanes - j));
    }
}

static void garble_known(const block *start, const block *delta, uint64_t at, const block *a, const uint64_t *y, size_t lanes, uint8_t *row,
                         block *out)
{
    schedules ks[2];
    const v d = v_same(delta), sd = sigma(d);
    size_t j = 0, key = 0;
    for (; j + EIGHT <= lanes; j += EIGHT, key++) {
        v x[GROUP], s[2 * GROUP];
        if (key % (2 * KEYS) == 0) expand_keys(ks, start, at + key, at + key + KEYS);
        load_eight(x, a + j);
        hash_both(s, x, sd, &ks[key / KEYS % 2].rk[0][key % KEYS]);
        load_eight(x, a + j);
        UNROLL for (int i = 0; i < GROUP; i++) {
            const v r = v_xor(v_xor(s[i], s[GROUP + i]), v_and(d, v_spread(y + j + i * LANES)));
            v_store_bytes(row + 16 * (j + (size_t)i * LANES), r);
            v_store(out + j + i * LANES, v_xor(s[i], v_and(r, colour_mask(x[i]))));
        }
    }
    if (j < lanes) gc_gate_portable.garble_known(start, delta, at + key, a + j, y + j, lanes - j, row + 16 * j, out + j);
}

static void eval_and(const block *start, uint64_t at_a, uint64_t at_b, const block *a, const block *b, size_t lanes, const uint8_t *rows,
                     block *out)
{
    schedules ks[2];
    const uint8_t *rows_b = rows + 16 * lanes;
    size_t j = 0, key = 0;
    for (; j + EIGHT <= lanes; j += EIGHT, key++) {
        v s[2 * GROUP];
        if (key % KEYS == 0) expand_keys(ks, start, at_a + key, at_b + key);
        UNROLL for (int i = 0; i < GROUP; i++) {
            s[i] = sigma(v_load(a + j + i * LANES));
            s[GROUP + i] = sigma(v_load(b + j + i * LANES));
        }
        const block *const k[] = {&ks[0].rk[0][key % KEYS], &ks[1].rk[0][key % KEYS]};
        hash_vectors(s, 2 * GROUP, k, GROUP, 0);
        UNROLL for (int i = 0; i < GROUP; i++) {
            const v x = v_load(a + j + i * LANES), y = v_load(b + j + i * LANES);
            const v g = v_load_bytes(rows + 16 * (j + (size_t)i * LANES)), e = v_xor(v_load_bytes(rows_b + 16 * (j + (size_t)i * LANES)), x);
            v_store(out + j + i * LANES, v_xor(v_xor(s[i], v_and(g, colour_mask(x))), v_xor(s[GROUP + i], v_and(e, colour_mask(y)))));
        }
    }
    if (j < lanes) {
        uint8_t last[2 * EIGHT * 16];
        memcpy(last, rows + 16 * j, 16 * (lanes - j));
        memcpy(last + 16 * (lanes - j), rows_b + 16 * j, 16 * (lanes - j));
        gc_gate_portable.eval_and(start, at_a + key, at_b + key, a + j, b + j, lanes - j, last, out + j);
    }
}

static void eval_known(const block *start, uint64_t at, const block *a, size_t lanes, const uint8_t *row, block *out)
{
    schedules ks[2];
    size_t j = 0, key = 0;
    for (; j + EIGHT <= lanes; j += EIGHT, key++) {
        v s[GROUP];
        if (key % (2 * KEYS) == 0) expand_keys(ks, start, at + key, at + key + KEYS);
        UNROLL for (int i = 0; i < GROUP; i++) s[i] = sigma(v_load(a + j + i * LANES));
        const block *const k = &ks[key / KEYS % 2].rk[0][key % KEYS];
        hash_vectors(s, GROUP, &k, GROUP, 0);
        UNROLL for (int i = 0; i < GROUP; i++) {
            const v x = v_load(a + j + i * LANES), g = v_load_bytes(row + 16 * (j + (size_t)i * LANES));
            v_store(out + j + i * LANES, v_xor(s[i], v_and(g, colour_mask(x))));
        }
    }
    if (j < lanes) gc_gate_portable.eval_known(start, at + key, a + j, lanes - j, row + 16 * j, out + j);
}

static void sum(const block *a, const block *b, size_t lanes, block *out)
{
    size_t j = 0;
    for (; j + LANES <= lanes; j += LANES) v_store(out + j, v_xor(v_load(a + j), v_load(b + j)));
    for (; j < lanes; j++) out[j] = block_xor(a[j], b[j]);
}
