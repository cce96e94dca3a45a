// SPDX-License-Identifier: ISC
/* Real ONNX files: the exports of one network are one network, others are refused by name, damaged ones never get through to memory. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/prg.h"
#include "nn/onnx.h"
#include "test/alloc.h"

/** in_models: the path of a model that is not in the repository; NULL, loudly, when it is not there. */
static const char *in_models(const char *name)
{
    static char path[4096];
    const char *dir = getenv("TACIT_MODELS");
    snprintf(path, sizeof path, "%s/%s", dir ? dir : "../shared/models", name);
    if (!access(path, R_OK))
        return path;
    fprintf(stderr, "SKIPPED: no %s (set TACIT_MODELS)\n", path);
    return NULL;
}

static uint8_t *slurp(const char *path, size_t *len)
{
    static uint8_t bytes[1 << 20];
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    *len = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    return bytes;
}

START_TEST(three_exports_are_one_network)
{
    static const char *const names[] = {"cryptonets-relu.onnx", "cryptonets-relu-pad.onnx", "cryptonets-relu-torchpad.onnx"};
    nn_model *m[3];
    for (int i = 0; i < 3; i++) {
        const char *path = in_models(names[i]);
        if (!path)
            return;
        ck_assert_msg(nn_onnx_load(&m[i], path) == 0, "%s", err_text());
    }
    ck_assert_uint_eq(m[0]->layers, 3);
    ck_assert_uint_eq(m[0]->channels * 1000000 + m[0]->height * 1000 + m[0]->width, 1028028);
    static const uint32_t shape[3][2] = {{784, 845}, {845, 100}, {100, 10}};
    for (uint32_t l = 0; l < 3; l++)
        for (int i = 0; i < 3; i++) {
            const nn_affine *a = &m[0]->layer[l], *b = &m[i]->layer[l];
            ck_assert_uint_eq(b->in, shape[l][0]);
            ck_assert_uint_eq(b->out, shape[l][1]);
            ck_assert_mem_eq(a->row, b->row, (a->out + 1) * sizeof *a->row);
            ck_assert_mem_eq(a->col, b->col, a->row[a->out] * sizeof *a->col);
            ck_assert_mem_eq(a->w, b->w, a->row[a->out] * sizeof *a->w);
            ck_assert_mem_eq(a->bias, b->bias, a->out * sizeof *a->bias);
        }
    for (int i = 0; i < 3; i++)
        nn_model_free(m[i]);
}
END_TEST

START_TEST(float_logits_are_those_of_onnx_runtime)
{
    enum { IMAGES = 100 };
    static uint8_t pixels[IMAGES * 784];
    static float due[IMAGES * 10];
    char command[4200];
    uint8_t head[128];
    nn_model *m;
    const char *path = in_models("cryptonets-relu.logits-t10k.npy"), *mnist = getenv("TACIT_MNIST");
    if (!path)
        return;
    FILE *f = fopen(path, "rb");
    ck_assert(f && fread(head, 1, 128, f) == 128 && fread(due, sizeof *due, IMAGES * 10, f) == IMAGES * 10);
    fclose(f);
    snprintf(command, sizeof command, "zcat '%s/t10k-images-idx3-ubyte.gz' 2> /dev/null", mnist ? mnist : "../shared/mnist");
    f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    const int there = fread(head, 1, 16, f) == 16 && fread(pixels, 784, IMAGES, f) == IMAGES;
    pclose(f);
    if (!there) {
        fprintf(stderr, "SKIPPED: no MNIST test images (set TACIT_MNIST)\n");
        return;
    }
    ck_assert_int_eq(nn_onnx_load(&m, in_models("cryptonets-relu.onnx")), 0);
    for (int i = 0; i < IMAGES; i++) {
        double x[845], y[845];
        for (int j = 0; j < 784; j++)
            x[j] = pixels[i * 784 + j] / 255.0;
        for (uint32_t l = 0; l < 3; l++) {
            const nn_affine *a = &m->layer[l];
            for (uint32_t o = 0; o < a->out; o++) {
                double v = a->bias[o];
                for (uint32_t e = a->row[o]; e < a->row[o + 1]; e++)
                    v += (double)a->w[e] * x[a->col[e]];
                y[o] = l < 2 && v < 0 ? 0 : v;
            }
            memcpy(x, y, sizeof x);
        }
        for (int o = 0; o < 10; o++)
            ck_assert_msg(fabs(x[o] - (double)due[i * 10 + o]) < 1e-3, "image %d, logit %d: %g, not %g", i, o, x[o], (double)due[i * 10 + o]);
    }
    nn_model_free(m);
}
END_TEST

START_TEST(what_is_not_supported_is_refused_by_name)
{
    nn_model *m;
    const char *path = in_models("minionn.onnx");
    if (!path)
        return;
    ck_assert_int_eq(nn_onnx_load(&m, path), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_text(), "MaxPool"));
    ck_assert_int_eq(nn_onnx_load(&m, in_models("cryptonets-square.onnx")), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_text(), "Mul"));
    ck_assert_int_eq(nn_onnx_load(&m, "/no/such/file"), ERR_DATA);
    ck_assert_ptr_nonnull(strstr(err_text(), "/no/such/file"));
}
END_TEST

/** try_bytes: a damaged file: our error or a model, nothing else. */
static int try_bytes(const uint8_t *bytes, size_t len)
{
    nn_model *m;
    const int rc = nn_onnx_parse(&m, bytes, len);
    ck_assert_msg(rc == 0 || rc == ERR_DATA, "%d: %s", rc, err_text());
    ck_assert((rc == 0) == (m != NULL));
    nn_model_free(m);
    return rc;
}

START_TEST(files_cut_anywhere_are_refused)
{
    size_t len;
    const uint8_t *bytes = slurp("models/demo.onnx", &len);
    ck_assert_int_eq(try_bytes(bytes, len), 0);
    for (size_t cut = 0; cut < len; cut += cut < 4096 || cut > len - 1024 ? 1 : 4001) {
        uint8_t *exact = mem_alloc(1, cut); /* so that a read beyond the end is seen */
        memcpy(exact, bytes, cut);
        if (try_bytes(exact, cut) == 0) /* nothing but the opset's message may be missing at the end of a file that still loads */
            ck_assert_uint_gt(cut + 16, len);
        mem_free(exact);
    }
}
END_TEST

START_TEST(damaged_files_are_refused_or_harmless)
{
    uint8_t seed[PRG_SEED_BYTES] = "onnx";
    size_t len;
    uint8_t *bytes = slurp("models/demo.onnx", &len);
    uint32_t refused = 0;
    prg g;
    /* the parts that are not weights: a few hundred bytes at either end, and around each tensor's head */
    prg_init(&g, seed, PRG_TEST, 0);
    for (int trial = 0; trial < 4000; trial++) {
        const uint64_t r = prg_u64(&g);
        const size_t at = trial % 2 ? (r >> 8) % 1200 : len - 1 - (r >> 8) % 4600;
        const uint8_t before = bytes[at];
        bytes[at] = trial % 3 ? (uint8_t)r : (uint8_t)(before ^ 1u << r % 8);
        refused += try_bytes(bytes, len) != 0;
        bytes[at] = before;
    }
    ck_assert_uint_gt(refused, 500);
}
END_TEST

START_TEST(every_failed_allocation_is_reported)
{
    size_t len;
    const uint8_t *bytes = slurp("models/demo.onnx", &len);
    nn_model *m;
    int rc = ERR_MEM;
    for (long k = 1; rc == ERR_MEM; k++) {
        test_alloc_fail_at(k);
        rc = nn_onnx_parse(&m, bytes, len);
        ck_assert_int_lt(k, 500);
    }
    test_alloc_fail_at(0);
    ck_assert_int_eq(rc, 0);
    nn_model_free(m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("onnx files");
    TCase *t = tcase_create("files");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, three_exports_are_one_network);
    tcase_add_test(t, float_logits_are_those_of_onnx_runtime);
    tcase_add_test(t, what_is_not_supported_is_refused_by_name);
    tcase_add_test(t, files_cut_anywhere_are_refused);
    tcase_add_test(t, damaged_files_are_refused_or_harmless);
    tcase_add_test(t, every_failed_allocation_is_reported);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
