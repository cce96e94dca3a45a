// SPDX-License-Identifier: ISC
#include "gc/gadgets.h"

#include "base/mem.h"

/** carry: the majority of a, b, c with one AND: c ^ ((a ^ c) & (b ^ c)). */
static gc_wire carry(gc_circuit *c, gc_wire a, gc_wire b, gc_wire in)
{
    return gc_xor(c, in, gc_and(c, gc_xor(c, a, in), gc_xor(c, b, in)));
}

void gc_word_add(gc_circuit *c, gc_wire *out, const gc_wire *a, const gc_wire *b, unsigned w)
{
    gc_wire in = gc_const(c, 0);
    for (unsigned i = 0; i < w; i++) {
        gc_wire x = a[i], y = b[i];
        out[i] = gc_xor(c, gc_xor(c, x, y), in);
        if (i + 1 < w)
            in = carry(c, x, y, in);
    }
}

gc_wire gc_word_less(gc_circuit *c, const gc_wire *a, const gc_wire *b, unsigned w)
{
    gc_wire less = gc_const(c, 0); /* a < b on the bits below i, unsigned: where they differ, b decides */
    for (unsigned i = 0; i < w; i++) {
        gc_wire win = i + 1 < w ? b[i] : a[i]; /* the sign bit counts the other way */
        less = gc_xor(c, less, gc_and(c, gc_xor(c, a[i], b[i]), gc_xor(c, win, less)));
    }
    return less;
}

void gc_word_mux(gc_circuit *c, gc_wire *out, gc_wire s, const gc_wire *a, const gc_wire *b, unsigned w)
{
    for (unsigned i = 0; i < w; i++)
        out[i] = gc_mux(c, s, a[i], b[i]);
}

int gc_sign_circuit(gc_circuit **out, unsigned n)
{
    gc_circuit *c;
    *out = NULL;
    if (n < 2 || n > 62)
        return err_set(ERR_ARG, "sign: %u bits are not in [2, 62]", n);
    int rc = gc_circuit_create(&c, n, n);
    if (rc)
        return rc;
    gc_wire in = gc_const(c, 0);
    for (unsigned i = 0; i + 1 < n; i++)
        in = carry(c, i, n + i, in);
    gc_output(c, gc_not(c, gc_xor(c, gc_xor(c, n - 1, in), 2 * n - 1)));
    if ((rc = gc_circuit_finish(c))) {
        gc_circuit_free(c);
        c = NULL;
    }
    *out = c;
    return rc;
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
    int rc = gc_circuit_create(&c, count * k, count * k);
    if (rc)
        return rc;
    for (unsigned e = 0; e < count; e++) {
        for (unsigned i = 0; i < k; i++) {
            mine[i] = e * k + i;
            theirs[i] = (count + e) * k + i;
        }
        gc_word_add(c, sum, mine, theirs, k);
        gc_wire win = e ? gc_word_less(c, best, sum + drop, k - drop) : gc_const(c, 1);
        for (unsigned i = 0; i < k - drop; i++)
            best[i] = e ? gc_mux(c, win, sum[drop + i], best[i]) : sum[drop + i];
        for (unsigned i = 0; i < bits; i++)
            index[i] = e ? gc_mux(c, win, gc_const(c, (int)(e >> i & 1)), index[i]) : gc_const(c, 0);
    }
    for (unsigned i = 0; i < bits; i++)
        gc_output(c, index[i]);
    if ((rc = gc_circuit_finish(c))) {
        gc_circuit_free(c);
        return rc;
    }
    *out = c;
    return 0;
}
