// SPDX-License-Identifier: ISC
#include "ot/check_kern.h"

#include "base/ct.h"

/* r += a * b */
static void mul64(block *r, uint64_t a, uint64_t b)
{
    for (unsigned i = 0; i < 64; i++) {
        const uint64_t x = a & ct_mask(b >> i & 1);
        r->w[0] ^= x << i;
        r->w[1] ^= x >> 1 >> (63 - i);
    }
}

static void absorb(ot_check_sum *sum, const block *x, size_t count, const block *power)
{
    for (size_t j = 0; j < count; j++) {
        mul64(&sum[j].low, x[j].w[0], power->w[0]);
        mul64(&sum[j].middle, x[j].w[0], power->w[1]);
        mul64(&sum[j].middle, x[j].w[1], power->w[0]);
        mul64(&sum[j].high, x[j].w[1], power->w[1]);
    }
}

/* Words 0 and 1 of x * X^128 = x * (X^7 + X^2 + X + 1) into r[0], r[1]. */
static void fold(uint64_t r[2], uint64_t x)
{
    r[0] ^= x ^ x << 1 ^ x << 2 ^ x << 7;
    r[1] ^= x >> 63 ^ x >> 62 ^ x >> 57;
}

block ot_check_reduce(const ot_check_sum *s)
{
    uint64_t w[4] = {s->low.w[0], s->low.w[1] ^ s->middle.w[0], s->high.w[0] ^ s->middle.w[1], s->high.w[1]};
    fold(w + 1, w[3]);
    fold(w, w[2]);
    return (block){{w[0], w[1]}};
}

const ot_check_kern ot_check_kern_portable = {"portable", 0, absorb};

static int answer(const void *kern, uint64_t *seen)
{
    enum { COUNT = 130 };
    const ot_check_kern *k = kern;
    ot_check_sum sum[COUNT];
    block x[COUNT + 1];
    kern_fill(sum, sizeof sum, 19);
    kern_fill(x, sizeof x, 20);
    k->absorb(sum, x, COUNT, &x[COUNT]);
    kern_mix(seen, sum, sizeof sum);
    return 0;
}

kern_set ot_check_kerns = {.what = "check", .of = {&ot_check_kern_portable, &ot_check_kern_pclmul},
                           .answer = answer, .right = UINT64_C(0x795814f2e3895e15)};
