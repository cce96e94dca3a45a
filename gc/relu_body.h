// SPDX-License-Identifier: ISC
/** relu_body.h: the functions of gc/relu_kern.h as loops without branches, which the compiler turns into vectors of the file that includes it. */
#include "base/ct.h"
#include "gc/relu_kern.h"

/* Where a value begins in a hash: bit `shift` of w[0] (below = all ones, it may go on in w[1]) or of w[1] (below = 0). */
typedef struct {
    unsigned shift;
    uint64_t below, mask;
} cut;

static cut cut_of(unsigned n, unsigned l, int f)
{
    const unsigned from = gc_relu_from(n, l, f);
    return (cut){from % 64, from < 64 ? UINT64_MAX : 0, ct_low(UINT64_MAX, gc_relu_width(n, l, f))};
}

static inline uint64_t take(block h, cut c)
{
    return (((h.w[0] >> c.shift | h.w[1] << 1 << (63 - c.shift)) & c.below) | (h.w[1] >> c.shift & ~c.below)) & c.mask;
}

static inline uint64_t all(uint64_t bit) { return 0 - (bit & 1); }

static void bit(uint8_t *restrict out, const uint64_t *restrict v, unsigned i, size_t m)
{
    for (size_t j = 0; j < m; j++) out[j] = (uint8_t)(v[j] >> i & 1);
}

/* The label of colour 0, whose hash is the mask, means s = p. */
static void project_garble(uint64_t r[restrict 3][GC_RELU_TILE], uint64_t row[restrict 3][GC_RELU_TILE], const block *restrict h0,
                           const block *restrict h1, const block *restrict s, const uint64_t *restrict v, unsigned n, unsigned l, size_t m)
{
    for (int f = 0; f < 3; f++) {
        const cut c = cut_of(n, l, f);
        /* value = (v & plain) + constant + factor * top bit of v: 1; 2 top - 1; v - 2^n top */
        const uint64_t plain = f == 2 ? UINT64_MAX : 0, constant = f == 0 ? 1 : f == 1 ? UINT64_MAX : 0;
        const uint64_t factor = f == 0 ? 0 : f == 1 ? 2 : 0 - (UINT64_C(1) << n);
        for (size_t j = 0; j < m; j++) {
            const uint64_t value = (v[j] & plain) + constant + (factor & all(v[j] >> (n - 1)));
            const uint64_t p = all(s[j].w[0]), a = take(h0[j], c), b = take(h1[j], c), x = (a ^ b) & p;
            const uint64_t mine = (a ^ x) - (p & value);
            r[f][j] = mine & c.mask;
            row[f][j] = mine + (~p & value) - (b ^ x);
        }
    }
}

static void project_eval(uint64_t r[restrict 3][GC_RELU_TILE], const uint64_t row[restrict 3][GC_RELU_TILE], const block *restrict h,
                         const block *restrict s, unsigned n, unsigned l, size_t m)
{
    for (int f = 0; f < 3; f++) {
        const cut c = cut_of(n, l, f);
        for (size_t j = 0; j < m; j++) r[f][j] = (take(h[j], c) + (row[f][j] & all(s[j].w[0]))) & c.mask;
    }
}

static void half_garble(uint64_t *restrict row, uint64_t *restrict share, const block *restrict h0, const block *restrict h1,
                        const uint64_t *restrict r, unsigned i, size_t m)
{
    for (size_t j = 0; j < m; j++) {
        row[j] = h0[j].w[0] - h1[j].w[0] - r[j];
        share[j] -= h0[j].w[0] << i;
    }
}

static void half_eval(uint64_t *restrict share, const uint64_t *restrict row, const block *restrict h, const uint64_t *restrict r,
                      const uint64_t *restrict v, unsigned i, size_t m)
{
    for (size_t j = 0; j < m; j++) share[j] += (h[j].w[0] + (all(v[j] >> i) & (row[j] + r[j]))) << i;
}

static void reduce(uint64_t *share, unsigned l, size_t m)
{
    for (size_t j = 0; j < m; j++) share[j] = ct_low(share[j], l);
}
