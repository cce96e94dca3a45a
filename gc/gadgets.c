// SPDX-License-Identifier: ISC
#include "gc/gadgets.h"


/** carry: the majority of a, b, c with one AND: c ^ ((a ^ c) & (b ^ c)). */
static gc_wire carry(gc_circuit *c, gc_wire a, gc_wire b, gc_wire in)
{
    return gc_xor(c, in, gc_and(c, gc_xor(c, a, in), gc_xor(c, b, in)));
}

void gc_word_add(gc_circuit *c, gc_wire *out, const gc_wire *a, const gc_wire *b, unsigned w)
{
    gc_wire in = gc_const(c, 0);
    for (unsigned i = 0; i < w; i++) {
        const gc_wire x = a[i], y = b[i];
        out[i] = gc_xor(c, gc_xor(c, x, y), in);
        if (i + 1 < w)
            in = carry(c, x, y, in);
    }
}

/** borrow: 1 iff x - y - in < 0: where x and y differ, y decides. */
static gc_wire borrow(gc_circuit *c, gc_wire x, gc_wire y, gc_wire in)
{
    return gc_xor(c, in, gc_and(c, gc_xor(c, x, y), gc_xor(c, y, in)));
}

void gc_word_sub(gc_circuit *c, gc_wire *out, const gc_wire *a, const gc_wire *b, unsigned w)
{
    gc_wire in = gc_const(c, 0);
    for (unsigned i = 0; i < w; i++) {
        const gc_wire x = a[i], y = b[i];
        out[i] = gc_xor(c, gc_xor(c, x, y), in);
        if (i + 1 < w)
            in = borrow(c, x, y, in);
    }
}

gc_wire gc_word_below(gc_circuit *c, const gc_wire *a, const gc_wire *b, unsigned w)
{
    gc_wire in = gc_const(c, 0);
    for (unsigned i = 0; i < w; i++)
        in = borrow(c, a[i], b[i], in);
    return in;
}

gc_wire gc_word_less(gc_circuit *c, const gc_wire *a, const gc_wire *b, unsigned w)
{
    return w ? borrow(c, b[w - 1], a[w - 1], gc_word_below(c, a, b, w - 1)) : gc_const(c, 0); /* the sign bit counts the other way */
}

void gc_word_select(gc_circuit *c, gc_wire *out, gc_wire s, const gc_wire *a, unsigned w)
{
    for (unsigned i = 0; i < w; i++)
        out[i] = gc_and(c, s, a[i]);
}

void gc_word_mux(gc_circuit *c, gc_wire *out, gc_wire s, const gc_wire *a, const gc_wire *b, unsigned w)
{
    for (unsigned i = 0; i < w; i++)
        out[i] = gc_mux(c, s, a[i], b[i]);
}

void gc_word_max(gc_circuit *c, gc_wire *out, const gc_wire *a, const gc_wire *b, unsigned w)
{
    gc_word_mux(c, out, gc_word_less(c, a, b, w), b, a, w);
}

void gc_word_relu(gc_circuit *c, gc_wire *out, const gc_wire *a, unsigned w)
{
    if (!w)
        return;
    gc_word_select(c, out, gc_not(c, a[w - 1]), a, w - 1);
    out[w - 1] = gc_const(c, 0);
}

enum { HALF = GC_MULTIPLY_MAX / 2 + 1 }; /* bits of a half of a factor, and of the sum of two halves, at most */

static unsigned lesser(unsigned a, unsigned b) { return a < b ? a : b; }

/** extend: out[n] = a[w], zeros above.  In: w <= n, or the bits from n on are dropped. */
static void extend(gc_circuit *c, gc_wire *out, unsigned n, const gc_wire *a, unsigned w)
{
    for (unsigned i = 0; i < n; i++)
        out[i] = i < w ? a[i] : gc_const(c, 0);
}

/** schoolbook: row after row, each added to what stands above its place. */
static void schoolbook(gc_circuit *c, gc_wire *out, unsigned keep, const gc_wire *a, const gc_wire *b, unsigned w)
{
    for (unsigned k = 0; k < keep; k++)
        out[k] = k < w ? gc_and(c, a[k], b[0]) : gc_const(c, 0);
    for (unsigned i = 1; i < w && i < keep; i++) {
        gc_wire in = gc_const(c, 0);
        for (unsigned j = 0; j < w && i + j < keep; j++) {
            const gc_wire x = out[i + j], y = gc_and(c, a[j], b[i]);
            out[i + j] = gc_xor(c, gc_xor(c, x, y), in);
            if (i + j + 1 < keep)
                in = carry(c, x, y, in);
        }
        if (i + w < keep)
            out[i + w] = in;
    }
}

static void multiply(gc_circuit *c, gc_wire *out, unsigned keep, const gc_wire *a, const gc_wire *b, unsigned w);

/** karatsuba: with halves of h and w - h bits, low = a0 b0, top = a1 b1, mid = (a0 + a1)(b0 + b1) - low - top < 2^(w + 1):
 *  a b = low + 2^h mid + 2^(2h) top.   In: w > 3, 2h < keep <= 2w. */
static void karatsuba(gc_circuit *c, gc_wire *out, unsigned keep, const gc_wire *a, const gc_wire *b, unsigned w)
{
    const unsigned h = (w + 1) / 2, m = lesser(w + 1, keep - h), t = lesser(2 * (w - h), keep - h);
    gc_wire x[HALF], y[HALF], low[2 * HALF], top[2 * HALF], mid[2 * HALF], wide[2 * HALF], sum[3 * HALF], part[3 * HALF];

    extend(c, x, h + 1, a, h);
    extend(c, wide, h + 1, a + h, w - h);
    gc_word_add(c, x, x, wide, h + 1);
    extend(c, y, h + 1, b, h);
    extend(c, wide, h + 1, b + h, w - h);
    gc_word_add(c, y, y, wide, h + 1);

    multiply(c, low, 2 * h, a, b, h);
    multiply(c, top, t, a + h, b + h, w - h);
    multiply(c, mid, m, x, y, h + 1);
    extend(c, wide, m, low, 2 * h);
    gc_word_sub(c, mid, mid, wide, m);
    extend(c, wide, m, top, t);
    gc_word_sub(c, mid, mid, wide, m);

    for (unsigned i = 0; i < keep - h; i++)
        sum[i] = i < h ? low[h + i] : top[i - h];
    extend(c, part, keep - h, mid, m);
    gc_word_add(c, out + h, sum, part, keep - h);
    for (unsigned i = 0; i < h; i++)
        out[i] = low[i];
}

/** split: modulo 2^w, a b = a0 b0 + 2^h (a0 b1 + a1 b0): one product nearly whole, two half as wide modulo 2^(w - h). */
static void split(gc_circuit *c, gc_wire *out, const gc_wire *a, const gc_wire *b, unsigned w)
{
    const unsigned h = (9 * w + 15) / 16, m = w - h;
    gc_wire x[HALF], y[HALF];
    multiply(c, out, w, a, b, h);
    multiply(c, x, m, a, b + h, m);
    multiply(c, y, m, a + h, b, m);
    gc_word_add(c, out + h, out + h, x, m);
    gc_word_add(c, out + h, out + h, y, m);
}

/** multiply: the cheapest of the three.  12, 28 and 9/16 were found by trying all cuts: within 3 % of the best ones at every width. */
static void multiply(gc_circuit *c, gc_wire *out, unsigned keep, const gc_wire *a, const gc_wire *b, unsigned w)
{
    if (w >= 12 && 2 * keep >= 3 * w)
        karatsuba(c, out, keep, a, b, w);
    else if (w >= 28 && keep == w)
        split(c, out, a, b, w);
    else
        schoolbook(c, out, keep, a, b, w);
}

void gc_word_multiply(gc_circuit *c, gc_wire *out, unsigned keep, const gc_wire *a, const gc_wire *b, unsigned w)
{
    if (w < 1 || w > GC_MULTIPLY_MAX || keep < 1 || keep > 2 * w) {
        c->failed = c->failed ? c->failed : ERR_ARG;
        return;
    }
    multiply(c, out, keep, a, b, lesser(w, keep));
}

/** finish: *out = c, or NULL and an error. */
static int finish(gc_circuit **out, gc_circuit *c)
{
    const int rc = gc_circuit_finish(c);
    if (rc) {
        gc_circuit_free(c);
        c = NULL;
    }
    *out = c;
    return rc;
}

int gc_sign_circuit(gc_circuit **out, unsigned n)
{
    gc_circuit *c;
    *out = NULL;
    if (n < 2 || n > 62)
        return err_set(ERR_ARG, "sign: %u bits are not in [2, 62]", n);
    const int rc = gc_circuit_create(&c, n, n);
    if (rc)
        return rc;
    gc_wire in = gc_const(c, 0);
    for (unsigned i = 0; i + 1 < n; i++)
        in = carry(c, i, n + i, in);
    gc_output(c, gc_not(c, gc_xor(c, gc_xor(c, n - 1, in), 2 * n - 1)));
    return finish(out, c);
}

int gc_relu_shares_circuit(gc_circuit **out, unsigned n, int known)
{
    enum { WORD = 62 };
    gc_circuit *c;
    gc_wire a[WORD], b[WORD], m[WORD];

    *out = NULL;
    if (n < 2 || n > WORD)
        return err_set(ERR_ARG, "ReLU: %u bits are not in [2, %d]", n, WORD);
    const int rc = gc_circuit_create(&c, known ? n : 3 * n, known ? 2 * n : 0);
    if (rc)
        return rc;
    for (gc_wire i = 0; i < n; i++) {
        a[i] = i;
        b[i] = n + i;
        m[i] = 2 * n + i;
    }
    gc_word_add(c, a, a, b, n);
    gc_word_relu(c, a, a, n);
    gc_word_sub(c, a, a, m, n);
    for (unsigned i = 0; i < n; i++)
        gc_output(c, a[i]);
    return finish(out, c);
}

unsigned gc_index_bits(unsigned count)
{
    unsigned bits = 1;
    while (bits < 32 && count > UINT32_C(1) << bits)
        bits++;
    return bits;
}

int gc_argmax_circuit(gc_circuit **out, unsigned count, unsigned k, unsigned drop)
{
    enum { WORD = 62 };
    gc_circuit *c;
    gc_wire mine[WORD], theirs[WORD], sum[WORD], best[WORD], index[32];
    const unsigned bits = gc_index_bits(count);

    *out = NULL;
    if (count < 2 || count > GC_ARGMAX_MAX || k < 1 || k > WORD || drop >= k)
        return err_set(ERR_ARG, "argmax: %u values of %u bits less %u", count, k, drop);
    const int rc = gc_circuit_create(&c, count * k, count * k);
    if (rc)
        return rc;
    for (unsigned e = 0; e < count; e++) {
        for (unsigned i = 0; i < k; i++) {
            mine[i] = e * k + i;
            theirs[i] = (count + e) * k + i;
        }
        gc_word_add(c, sum, mine, theirs, k);
        gc_wire win = e ? gc_word_less(c, best, sum + drop, k - drop) : gc_const(c, 1);
        for (unsigned i = 0; i < k - drop && e + 1 < count; i++)
            best[i] = e ? gc_mux(c, win, sum[drop + i], best[i]) : sum[drop + i];
        for (unsigned i = 0; i < bits; i++)
            index[i] = e ? gc_mux(c, win, gc_const(c, (int)(e >> i & 1)), index[i]) : gc_const(c, 0);
    }
    for (unsigned i = 0; i < bits; i++)
        gc_output(c, index[i]);
    return finish(out, c);
}
