// SPDX-License-Identifier: ISC
/* The words of ReLU with AVX2 against the portable loops, and those against 128-bit arithmetic. */
#include "gc/relu_kern.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/ct.h"
#include "base/prg.h"

#define TILE GC_RELU_TILE

static const unsigned shapes[][2] = {{2, 2}, {2, 43}, {5, 9}, {12, 24}, {12, 46}, {14, 47}, {16, 47}, {32, 32}, {48, 58}, {59, 62}, {62, 62}};
#define SHAPES (sizeof shapes / sizeof *shapes)

typedef struct {
    block h0[TILE], h1[TILE], s[TILE];
    uint64_t v[TILE], r[3][TILE], row[3][TILE], share[TILE];
    uint8_t bits[TILE];
} words;

static prg rng;

static void setup(void)
{
    static const uint8_t seed[PRG_SEED_BYTES] = {17};
    prg_init(&rng, seed, PRG_TEST, 0);
}

static void run(const gc_relu_kern *k, words *x, int what, unsigned n, unsigned l, unsigned i, size_t m)
{
    if (what == 0) k->bit(x->bits, x->v, i, m);
    if (what == 1) k->project_garble(x->r, x->row, x->h0, x->h1, x->s, x->v, n, l, m);
    if (what == 2) k->project_eval(x->r, (const uint64_t(*)[TILE])x->row, x->h0, x->s, n, l, m);
    if (what == 3) k->half_garble(x->row[0], x->share, x->h0, x->h1, x->r[0], i, m);
    if (what == 4) k->half_eval(x->share, x->row[0], x->h0, x->r[1], x->v, i, m);
    if (what == 5) k->reduce(x->share, l, m);
}

START_TEST(kernels_agree)
{
    static words given, want, got;
    const unsigned n = shapes[_i][0], l = shapes[_i][1];
    if (!(cpu_features() & CPU_AVX2)) return;
    for (size_t m = 0; m <= TILE; m++)
        for (int what = 0; what < 6; what++) {
            prg_bytes(&rng, &given, sizeof given);
            for (size_t j = 0; j < TILE; j++) given.v[j] = ct_low(given.v[j], n);
            want = got = given;
            run(&gc_relu_portable, &want, what, n, l, (unsigned)m % n, m);
            run(&gc_relu_avx2, &got, what, n, l, (unsigned)m % n, m);
            if (memcmp(&want, &got, sizeof want)) ck_abort_msg("function %d, n = %u, l = %u, %zu lanes", what, n, l, m);
        }
}
END_TEST

static uint64_t field(block h, unsigned n, unsigned l, int f)
{
    const unsigned __int128 x = (unsigned __int128)h.w[1] << 64 | h.w[0];
    return ct_low((uint64_t)(x >> (f == 0 ? 0 : f == 1 ? l : 2 * l - n + 1)), f == 1 ? l - n + 1 : l);
}

/* What a label's holder computes from row and hash is R + the wire's value, for either label: colour and value are those of the label. */
START_TEST(projection)
{
    static words x, y;
    const unsigned n = shapes[_i][0], l = shapes[_i][1];
    for (uint64_t s = 0; s < 2; s++) { /* the active label's value; x.s are zero labels */
        prg_bytes(&rng, &x, sizeof x);
        for (size_t j = 0; j < TILE; j++) x.v[j] = ct_low(x.v[j], n);
        run(&gc_relu_portable, &x, 1, n, l, 0, TILE);
        y = x;
        for (size_t j = 0; j < TILE; j++) {
            y.h0[j] = s ? x.h1[j] : x.h0[j];
            y.s[j].w[0] ^= s;
        }
        run(&gc_relu_portable, &y, 2, n, l, 0, TILE);
        for (size_t j = 0; j < TILE; j++) {
            const uint64_t top = x.v[j] >> (n - 1), value[3] = {s, s * (2 * top - 1), s * (x.v[j] - (top << n))};
            for (int f = 0; f < 3; f++) {
                const unsigned w = f == 1 ? l - n + 1 : l;
                ck_assert_uint_eq(y.r[f][j], ct_low(x.r[f][j] + value[f], w));
                const block zero_colour = x.s[j].w[0] & 1 ? x.h1[j] : x.h0[j]; /* no row is added for it */
                const uint64_t p = x.s[j].w[0] & 1, held = p ? (f == 0 ? 1 : f == 1 ? 2 * top - 1 : x.v[j] - (top << n)) : 0;
                ck_assert_uint_eq(field(zero_colour, n, l, f), ct_low(x.r[f][j] + held, w));
            }
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("relu_kern");
    TCase *t = tcase_create("relu_kern");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_add_loop_test(t, kernels_agree, 0, SHAPES);
    tcase_add_loop_test(t, projection, 0, SHAPES);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
