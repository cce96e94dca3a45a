// SPDX-License-Identifier: ISC
/* Quantiser, planner, plan on the wire, cleartext reference, error bounds, IDX files. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "gc/relu.h"
#include "nn/onnx.h"
#include "nn/reference.h"
#include "test/alloc.h"
#include "test/nets.h"

static prg rng;

static void setup(void)
{
    uint8_t seed[PRG_SEED_BYTES] = "plan";
    prg_init(&rng, seed, PRG_TEST, 0);
}

/** tiny: 2 -> 2 -> 2 by hand. */
static nn_model *tiny(const float w[2][4], const float bias[2][2])
{
    nn_model *m = mem_alloc(1, sizeof *m);
    m->channels = m->height = 1;
    m->width = 2;
    m->layers = 2;
    for (int i = 0; i < 2; i++) {
        nn_affine *a = &m->layer[i];
        snprintf(a->name, sizeof a->name, "layer%d", i);
        a->in = a->out = 2;
        a->row = mem_alloc(3, sizeof *a->row);
        a->col = mem_alloc(4, sizeof *a->col);
        a->w = mem_alloc(4, sizeof *a->w);
        a->bias = mem_alloc(2, sizeof *a->bias);
        for (uint32_t e = 0; e < 4; e++) {
            a->row[e / 2 + 1] = 2 * (e / 2 + 1);
            a->col[e] = e % 2;
            a->w[e] = w[i][e];
        }
        memcpy(a->bias, bias[i], 2 * sizeof(float));
    }
    return m;
}

START_TEST(integers_are_those_worked_out_by_hand)
{
    static const float w[2][4] = {{1.0f, -0.5f, 0.25f, 0.125f}, {2.0f, 1.0f, -2.0f, 0.5f}}, b[2][2] = {{0.5f, -0.1f}, {0, 0.25f}};
    nn_model *m = tiny(w, b);
    nn_qmodel *q;
    ck_assert_int_eq(nn_quantise(&q, m, NULL), 0);
    /* unit of the weights: 1 / 127; of the sums: 1 / (127 * 255) */
    static const int16_t due[4] = {127, -64, 32, 16};
    for (int e = 0; e < 4; e++)
        ck_assert_int_eq(q->layer[0].w[e], due[e]);
    ck_assert_int_eq(q->layer[0].bias[0], llround((double)0.5f * 127 * 255));
    ck_assert_int_eq(q->layer[0].bias[1], llround((double)-0.1f * 127 * 255));
    ck_assert_double_eq_tol(q->layer[0].scale * 127 * 255, 1, 1e-12);
    const unsigned t = q->plan.layer[0].t;
    ck_assert_double_eq_tol(q->layer[1].scale, 2.0 / 127 * q->layer[0].scale * (1 << t), 1e-12);
    int64_t x[2] = {200, 100}, y[2];
    nn_ref_layer(q, 0, x, y);
    int64_t acc = 127 * 200 - 64 * 100 + q->layer[0].bias[0];
    ck_assert_int_eq(y[0], acc >> t);
    x[0] = 0;
    x[1] = 255;
    nn_ref_layer(q, 0, x, y);
    acc = -64 * 255 + q->layer[0].bias[0];
    ck_assert_int_eq(y[0], acc < 0 ? 0 : acc >> t);
    nn_qmodel_free(q);
    nn_model_free(m);
}
END_TEST

/** worst: no input can leave the planner's interval: the extreme input of every output, in plain 128-bit integers. */
static void worst(const nn_qmodel *q)
{
    int64_t *high = mem_alloc(nn_ref_scratch(q), sizeof *high), *next = mem_alloc(nn_ref_scratch(q), sizeof *next);
    for (uint32_t j = 0; j < q->plan.layer[0].in; j++)
        high[j] = 255;
    for (uint32_t i = 0; i < q->plan.layers; i++) {
        const nn_plan_layer *a = &q->plan.layer[i];
        const nn_qlayer *l = &q->layer[i];
        const int64_t e = nn_noise_bound(a->ckks.n);
        ck_assert((INT64_C(1) << nn_drop(a)) > e);
        for (uint32_t o = 0; o < a->out; o++) {
            __int128 lo = l->bias[o], hi = l->bias[o];
            for (uint32_t k = l->row[o]; k < l->row[o + 1]; k++)
                *(l->w[k] < 0 ? &lo : &hi) += (__int128)l->w[k] * high[l->col[k]];
            lo *= 1 << a->g;
            hi *= 1 << a->g;
            ck_assert(-((__int128)1 << (nn_k(a) - 1)) + ((__int128)1 << nn_drop(a)) + e <= lo);
            ck_assert(hi < ((__int128)1 << (nn_k(a) - 1)) - e);
            hi >>= nn_drop(a);
            next[o] = hi < 0 ? 0 : (int64_t)hi + 1; /* the noise may lift a floor by one */
        }
        memcpy(high, next, a->out * sizeof *high);
        if (a->relu)
            ck_assert_int_eq(gc_relu_check(nn_n(a), q->plan.layer[i + 1].l), 0);
        ck_assert(q->layer[i].noise <= -8);
    }
    mem_free(high), mem_free(next);
}

/** extremes: the protocol's errors chosen by an adversary; the margin's promise must hold. */
static void extremes(const nn_qmodel *q, const uint8_t *pixels)
{
    const size_t width = nn_ref_scratch(q);
    int64_t *s = mem_alloc(9 * width, sizeof *s), *x = s + 6 * width, *y = s + 7 * width, *logits = s + 8 * width;
    const int32_t due = nn_ref_run(q, pixels, logits, s);
    const int certain = nn_ref_margin(q, pixels, s);
    for (int trial = 0; trial < 20 && certain; trial++) {
        for (uint32_t j = 0; j < q->plan.layer[0].in; j++)
            x[j] = pixels[j];
        for (uint32_t i = 0; i < q->plan.layers; i++) {
            const nn_plan_layer *a = &q->plan.layer[i];
            const int64_t e = nn_noise_bound(a->ckks.n);
            for (uint32_t o = 0; o < a->out; o++) {
                int64_t acc = q->layer[i].bias[o];
                for (uint32_t k = q->layer[i].row[o]; k < q->layer[i].row[o + 1]; k++)
                    acc += q->layer[i].w[k] * x[q->layer[i].col[k]];
                const int up = trial == 0 ? 0 : trial == 1 ? 1 : (int)(prg_u64(&rng) & 1);
                acc = (acc * (1 << a->g) + (up ? e : -e)) >> nn_drop(a);
                if (a->relu)
                    acc = acc - !up < 0 ? 0 : acc - !up;
                y[o] = acc;
            }
            memcpy(x, y, a->out * sizeof *x);
        }
        int32_t label = 0;
        for (uint32_t o = 1; o < q->plan.layer[q->plan.layers - 1].out; o++)
            if (x[o] > x[label])
                label = (int32_t)o;
        ck_assert_int_eq(label, due);
    }
    mem_free(s);
}

START_TEST(intervals_hold_and_margins_are_kept)
{
    static const uint32_t shapes[][5] = {{10, 3}, {20, 15, 4}, {30, 25, 20, 5}, {8, 60, 7, 9, 10}};
    for (uint32_t n = 0; n < 4; n++) {
        nn_qmodel *q = nets_dense(shapes[n], n + 1, &rng);
        worst(q);
        for (int i = 0; i < 50; i++) {
            uint8_t pixels[30];
            prg_bytes(&rng, pixels, sizeof pixels);
            if (i < 10)
                for (int j = 0; j < 30; j++)
                    pixels[j] = pixels[j] & 1 ? 255 : 0;
            extremes(q, pixels);
        }
        nn_qmodel_free(q);
    }
}
END_TEST

START_TEST(models_that_cannot_fit_are_refused_by_name)
{
    static const float w[2][4] = {{1, 1, 1, 1}, {1, 1, 1, 1}}, huge[2][2] = {{0, 0}, {3e13f, 0}}, none[2][4] = {{1, 1, 1, 1}, {0, 0, 0, 0}};
    static const float zero[2][2] = {{0, 0}, {0, 0}};
    const nn_quant_options bad[] = {{1, 8}, {12, 8}, {8, 3}, {8, 21}};
    nn_qmodel *q;
    nn_model *m = tiny(w, huge);
    ck_assert_int_eq(nn_quantise(&q, m, NULL), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_text(), "layer1"));
    ck_assert_ptr_nonnull(strpbrk(err_text(), "23456789"));
    ck_assert_ptr_null(q);
    nn_model_free(m);
    m = tiny(none, zero);
    ck_assert_int_eq(nn_quantise(&q, m, NULL), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_text(), "layer1"));
    nn_model_free(m);
    m = tiny(w, zero);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(nn_quantise(&q, m, &bad[i]), ERR_ARG);
    int rc = ERR_MEM;
    for (long k = 1; rc == ERR_MEM; k++) {
        test_alloc_fail_at(k);
        rc = nn_quantise(&q, m, NULL);
        ck_assert_int_lt(k, 100);
    }
    test_alloc_fail_at(0);
    ck_assert_int_eq(rc, 0);
    nn_qmodel_free(q);
    nn_model_free(m);
}
END_TEST

START_TEST(plans_survive_the_wire_and_hostile_ones_do_not)
{
    static uint8_t wire[NN_PLAN_BYTES_MAX], again[NN_PLAN_BYTES_MAX], damaged[NN_PLAN_BYTES_MAX];
    static nn_plan p;
    nn_qmodel *q = nets_dense((uint32_t[]){20, 15, 10, 4}, 3, &rng);
    const size_t len = nn_plan_write(&q->plan, wire);
    ck_assert_int_eq(nn_plan_read(&p, wire, len), 0);
    ck_assert_uint_eq(nn_plan_write(&p, again), len);
    ck_assert_mem_eq(wire, again, len);
    for (size_t cut = 0; cut < len; cut++)
        ck_assert_int_eq(nn_plan_read(&p, wire, cut), ERR_PEER);
    int refused = 0;
    for (size_t at = 0; at < len; at++)
        for (int v = 0; v < 256; v += 5) {
            memcpy(damaged, wire, len);
            damaged[at] = (uint8_t)v;
            const int rc = nn_plan_read(&p, damaged, len);
            ck_assert(rc == 0 || rc == ERR_PEER);
            refused += rc != 0;
            if (!rc) { /* what is let through is a plan that can run */
                ck_assert_uint_eq(nn_plan_write(&p, again), len);
                ck_assert_int_eq(nn_plan_check(&p), 0);
            }
        }
    ck_assert_int_gt(refused, 1000);
    nn_qmodel_free(q);
}
END_TEST

START_TEST(noise_bound_is_its_formula)
{
    ck_assert_uint_eq(nn_noise_bound(2048), 101);
    for (uint32_t n = 1024; n <= 32768; n *= 2)
        ck_assert_uint_ge(nn_noise_bound(n), (uint32_t)(9.3 * sqrt((1 + 2.0 * n / 3) / 12)));
}
END_TEST

START_TEST(mnist_accuracy_in_the_clear)
{
    nn_qmodel *q;
    nn_idx *images, *labels;
    char command[4200], path[] = "/tmp/tacit-labels-XXXXXX";
    if (!nets_mnist(&q, &images, 0))
        return;
    worst(q);
    const char *dir = getenv("TACIT_MNIST");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    snprintf(command, sizeof command, "zcat '%s/t10k-labels-idx1-ubyte.gz' > %s", dir ? dir : "../shared/mnist", path);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(nn_idx_load(&labels, path, 0), 0);
    unlink(path);
    ck_assert_uint_eq(images->count, 10000);
    int64_t *s = mem_alloc(7 * nn_ref_scratch(q), sizeof *s);
    uint32_t right = 0, certain = 0;
    for (uint32_t i = 0; i < images->count; i++)
        right += nn_ref_run(q, images->data + (size_t)i * 784, s + 6 * nn_ref_scratch(q), s) == labels->data[i];
    for (uint32_t i = 0; i < 1000; i++)
        certain += (uint32_t)nn_ref_margin(q, images->data + (size_t)i * 784, s);
    ck_assert_msg(right >= 9900, "%u of 10000 right", right);
    ck_assert_msg(certain >= 900, "the bound speaks of %u of 1000", certain);
    mem_free(s);
    nn_idx_free(labels);
    nn_idx_free(images);
    nn_qmodel_free(q);
}
END_TEST

/** idx_case: loads a file of these bytes. */
static int idx_case(const uint8_t *bytes, size_t len, uint32_t limit, nn_idx **x)
{
    char path[] = "/tmp/tacit-idx-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, bytes, len), (int)len);
    close(fd);
    int rc = nn_idx_load(x, path, limit);
    unlink(path);
    return rc;
}

START_TEST(idx_files_are_read_and_bad_ones_refused)
{
    const uint8_t good[] = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6};
    nn_idx *x;
    ck_assert_int_eq(idx_case(good, sizeof good, 0, &x), 0);
    ck_assert_uint_eq(x->count, 2);
    ck_assert_uint_eq(x->size, 3);
    ck_assert_mem_eq(x->data, good + 16, 6);
    nn_idx_free(x);
    ck_assert_int_eq(idx_case(good, sizeof good, 1, &x), 0);
    ck_assert_uint_eq(x->count, 1);
    nn_idx_free(x);
    for (size_t cut = 0; cut < sizeof good; cut++)
        ck_assert_int_eq(idx_case(good, cut, 0, &x), ERR_DATA);
    static const struct {
        size_t at;
        uint8_t to;
        const char *says;
    } bad[] = {{0, 0x1f, "IDX"}, {2, 13, "byte 2"}, {3, 0, "byte 3"}, {3, 5, "byte 3"}, {11, 0, "byte 8"}, {12, 255, "byte 12"}, {4, 255, "many"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        uint8_t b[sizeof good];
        memcpy(b, good, sizeof b);
        b[bad[i].at] = bad[i].to;
        ck_assert_int_eq(idx_case(b, sizeof b, 0, &x), ERR_DATA);
        ck_assert_msg(strstr(err_text(), bad[i].says) != NULL, "%s", err_text());
    }
    const uint8_t gzip[] = {0x1f, 0x8b, 8, 0};
    ck_assert_int_eq(idx_case(gzip, sizeof gzip, 0, &x), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_text(), "zcat"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plan");
    TCase *t = tcase_create("plan");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 300);
    tcase_add_test(t, integers_are_those_worked_out_by_hand);
    tcase_add_test(t, intervals_hold_and_margins_are_kept);
    tcase_add_test(t, models_that_cannot_fit_are_refused_by_name);
    tcase_add_test(t, plans_survive_the_wire_and_hostile_ones_do_not);
    tcase_add_test(t, noise_bound_is_its_formula);
    tcase_add_test(t, mnist_accuracy_in_the_clear);
    tcase_add_test(t, idx_files_are_read_and_bad_ones_refused);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
