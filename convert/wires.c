// SPDX-License-Identifier: ISC
#include "convert/wires.h"

#include <string.h>

void convert_truncate(uint64_t *share, size_t count, unsigned drop)
{
    for (size_t i = 0; i < count; i++)
        share[i] >>= drop;
}

/* Bit i of byte j to bit j of byte i. */
static uint64_t transpose8(uint64_t x)
{
    uint64_t t = (x ^ x >> 7) & 0x00aa00aa00aa00aa;
    x ^= t ^ t << 7;
    t = (x ^ x >> 14) & 0x0000cccc0000cccc;
    x ^= t ^ t << 14;
    t = (x ^ x >> 28) & 0x00000000f0f0f0f0;
    return x ^ t ^ t << 28;
}

void convert_choices(uint8_t *bits, const uint64_t *v, size_t lanes, unsigned width)
{
    const size_t bytes = gc_stride(lanes) / 8;

    for (size_t b = 0; b < bytes; b++) {
        const size_t have = lanes - 8 * b < 8 ? lanes - 8 * b : 8;
        for (unsigned at = 0; at < width; at += 8) {
            uint64_t x = 0;
            for (size_t j = 0; j < have; j++)
                x |= (v[8 * b + j] >> at & 0xff) << 8 * j;
            x = transpose8(x);
            for (unsigned i = 0; i < 8 && at + i < width; i++)
                bits[(at + i) * bytes + b] = (uint8_t)(x >> 8 * i);
        }
    }
}

void convert_known(uint8_t *bits, const uint64_t *v, size_t lanes, unsigned width)
{
    const size_t stride = gc_stride(lanes);

    for (unsigned i = 0; i < width; i++) {
        for (size_t j = 0; j < lanes; j++)
            bits[i * stride + j] = (uint8_t)(v[j] >> i & 1);
        memset(bits + i * stride + lanes, 0, stride - lanes);
    }
}

int convert_ask(convert_evaluator *e, const uint8_t *choices, size_t wires, size_t lanes, block *labels, uint8_t *u)
{
    return ot_ext_recv(e->ot, labels, u, choices, wires * gc_stride(lanes));
}

int convert_relu_garble(convert_garbler *g, unsigned n, unsigned l, size_t lanes, const uint64_t *v_g, const uint8_t *u, block *labels0,
                        uint8_t *rows, uint64_t *share)
{
    int rc = ot_ext_send(g->ot, labels0, u, n * gc_stride(lanes));
    return rc ? rc : gc_relu_garble(&g->gc, n, l, lanes, labels0, v_g, rows, share);
}

int convert_relu_eval(convert_evaluator *e, unsigned n, unsigned l, size_t lanes, const block *labels, const uint64_t *v_e,
                      const uint8_t *rows, uint64_t *share)
{
    return gc_relu_eval(&e->gc, n, l, lanes, labels, v_e, rows, share);
}
