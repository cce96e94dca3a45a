// SPDX-License-Identifier: ISC
/* Every kernel of the half gates against the portable one. */
#include "gc/gate.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/prg.h"

#define MOST 400

typedef struct {
    block a[MOST], b[MOST], out[MOST + 1];
    uint64_t y[MOST];
    uint8_t rows[32 * MOST + 2];
} lanes_of;

static block start, delta;

/* One call of each function; out and rows of `x` are what it leaves, rows at an odd address. */
static void run(const gc_gate_kern *k, int what, lanes_of *x, size_t lanes, int in_place)
{
    block *out = in_place ? x->a : x->out;
    uint8_t *rows = x->rows + 1;
    if (what == 0) k->garble_and(&start, &delta, 1000, 5000, x->a, x->b, lanes, rows, out);
    if (what == 1) k->garble_known(&start, &delta, 77, x->a, x->y, lanes, rows, out);
    if (what == 2) k->eval_and(&start, 1000, 5000, x->a, x->b, lanes, rows, out);
    if (what == 3) k->eval_known(&start, 77, x->a, lanes, rows, out);
    if (what == 4) k->sum(x->a, x->b, lanes, out);
}

START_TEST(kernels_agree)
{
    static const uint8_t seed[PRG_SEED_BYTES] = {9};
    static lanes_of given, want, got;
    prg g;
    prg_init(&g, seed, PRG_TEST, 0);
    prg_bytes(&g, &start, sizeof start);
    prg_bytes(&g, &delta, sizeof delta);
    delta.w[0] |= 1;
    for (unsigned i = 1; i < KERN_MOST; i++) {
        const gc_gate_kern *k = gc_gate_kerns.of[i];
        if (!kern_usable(&gc_gate_kerns, i, cpu_features())) continue;
        for (size_t lanes = 0; lanes <= MOST; lanes += lanes < 150 ? 1 : 13)
            for (int what = 0; what < 5; what++)
                for (int in_place = 0; in_place < 2; in_place++) {
                    prg_bytes(&g, &given, sizeof given);
                    for (size_t j = 0; j < MOST; j++) given.y[j] = 0 - (given.y[j] & 1);
                    want = got = given;
                    run(&gc_gate_portable, what, &want, lanes, in_place);
                    run(k, what, &got, lanes, in_place);
                    if (memcmp(&want, &got, sizeof want))
                        ck_abort_msg("%s, function %d, %zu lanes", k->name, what, lanes);
                }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gate");
    TCase *t = tcase_create("gate");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, kernels_agree);
    suite_add_tcase(suite, t);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
