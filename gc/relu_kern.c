// SPDX-License-Identifier: ISC
#include "gc/relu_kern.h"

#include "gc/relu_body.h"

const gc_relu_kern gc_relu_portable = {"portable", 0, bit, project_garble, project_eval, half_garble, half_eval, reduce};

static int answer(const void *kern, uint64_t *sum)
{
    enum { TILE = GC_RELU_TILE };
    static const unsigned shapes[][2] = {{12, 24}, {2, 43}, {59, 62}};
    const gc_relu_kern *k = kern;
    struct {
        block h0[TILE], h1[TILE], s[TILE];
        uint64_t v[TILE], r[3][TILE], row[3][TILE], share[TILE];
        uint8_t bits[TILE];
    } x;
    for (unsigned c = 0; c < 3; c++)
        for (size_t m = TILE; m > TILE - 16; m -= 5) {
            const unsigned n = shapes[c][0], l = shapes[c][1], i = n - 1;
            kern_fill(&x, sizeof x, m + c);
            for (size_t j = 0; j < TILE; j++)
                x.v[j] = ct_low(x.v[j], n);
            k->bit(x.bits, x.v, i, m);
            k->project_garble(x.r, x.row, x.h0, x.h1, x.s, x.v, n, l, m);
            kern_mix(sum, x.r, sizeof x.r);
            kern_mix(sum, x.row, sizeof x.row);
            k->project_eval(x.r, (const uint64_t(*)[TILE])x.row, x.h1, x.s, n, l,
                            m); /* with h0 r would stay as it is */
            kern_mix(sum, x.r, sizeof x.r);
            k->half_garble(x.row[0], x.share, x.h0, x.h1, x.r[0], i, m);
            kern_mix(sum, x.row[0], sizeof x.row[0]);
            k->half_eval(x.share, x.row[0], x.h0, x.r[1], x.v, i, m);
            kern_mix(sum, x.share, sizeof x.share);
            k->reduce(x.share, l, m);
            kern_mix(sum, &x, sizeof x);
        }
    return 0;
}

kern_set gc_relu_kerns = {.what = "relu", .of = {&gc_relu_portable, &gc_relu_avx2},
                          .answer = answer, .right = UINT64_C(0x6dd3254e5e6ae1ae)};
