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

/* ---- small files with large claims ---- */

/** message: a protobuf message under construction. */
typedef struct {
    uint8_t b[8192];
    size_t n;
} message;

static void varint(message *m, uint64_t x)
{
    for (; x > 127; x >>= 7)
        m->b[m->n++] = (uint8_t)(x | 128);
    m->b[m->n++] = (uint8_t)x;
}

static void number(message *m, unsigned field, uint64_t x)
{
    varint(m, field << 3);
    varint(m, x);
}

static void bytes(message *m, unsigned field, const void *p, size_t n)
{
    ck_assert_uint_lt(m->n + n + 8, sizeof m->b);
    varint(m, field << 3 | 2);
    varint(m, n);
    memcpy(m->b + m->n, p, n);
    m->n += n;
}

static void text(message *m, unsigned field, const char *s) { bytes(m, field, s, strlen(s)); }
static void inside(message *m, unsigned field, const message *x) { bytes(m, field, x->b, x->n); }

/** tensor: TensorProto of `type` (1 float, 7 int64) with raw data. */
static message tensor(const char *name, unsigned type, const int64_t *dim, size_t dims, const void *raw, size_t len)
{
    message t = {.n = 0};
    for (size_t d = 0; d < dims; d++)
        number(&t, 1, (uint64_t)dim[d]);
    number(&t, 2, type);
    text(&t, 8, name);
    bytes(&t, 9, raw, len);
    return t;
}

static message ints(const char *name, const int64_t *x, size_t count)
{
    const int64_t dim = (int64_t)count;
    return tensor(name, 7, &dim, 1, x, count * sizeof *x);
}

/** node: its inputs are separated by spaces. */
static message node(const char *op, const char *in, const char *out)
{
    message n = {.n = 0};
    for (; *in; in += strcspn(in, " ") + (in[strcspn(in, " ")] == ' '))
        bytes(&n, 1, in, strcspn(in, " "));
    text(&n, 2, out);
    text(&n, 4, op);
    return n;
}

static void list(message *n, const char *name, const int64_t *x, size_t count)
{
    message a = {.n = 0};
    text(&a, 1, name);
    for (size_t i = 0; i < count; i++)
        number(&a, 8, (uint64_t)x[i]);
    number(&a, 20, 7);
    inside(n, 5, &a);
}

/** graph_begin: an input "x" of 1 x 1 x side x side.   graph_end: parses the model; what it says, and the most memory
 * it took. */
static void graph_begin(message *g, uint64_t side)
{
    const uint64_t dim[4] = {1, 1, side, side};
    message shape = {.n = 0}, type = {.n = 0}, holder = {.n = 0}, value = {.n = 0};
    g->n = 0;
    for (int d = 0; d < 4; d++) {
        message x = {.n = 0};
        number(&x, 1, dim[d]);
        inside(&shape, 1, &x);
    }
    number(&type, 1, 1);
    inside(&type, 2, &shape);
    inside(&holder, 1, &type);
    text(&value, 1, "x");
    inside(&value, 2, &holder);
    inside(g, 11, &value);
}

static int graph_end(message *g, const char *output, long long *peak)
{
    message opset = {.n = 0}, value = {.n = 0}, file = {.n = 0};
    nn_model *m;
    text(&value, 1, output);
    inside(g, 12, &value);
    number(&opset, 2, 13);
    inside(&file, 8, &opset);
    inside(&file, 7, g);
    test_alloc_mark();
    const int rc = nn_onnx_parse(&m, file.b, file.n);
    *peak = test_alloc_peak();
    nn_model_free(m);
    return rc;
}

/* None of these is larger than a few kB; the first once took 1 GiB before it was refused. */
START_TEST(a_small_file_takes_little_memory_whatever_it_claims)
{
    static const int64_t many[1] = {1 << 27}, one = 1, side[2] = {8, 8}, wide[2] = {512, 512},
                         around[8] = {0, 0, 0, 0, 0, 0, 1023, 1023};
    static const float weights[64] = {1, 2, 3};
    static const int64_t kernel[4] = {1, 1, 8, 8};
    message g, t, n;
    long long peak;

    graph_begin(&g, 28); /* a constant of 2^27 integers */
    t = ints("shape", many, 1), inside(&g, 5, &t);
    n = node("ConstantOfShape", "shape", "c");
    message value = {.n = 0}, fill = ints("", &one, 1);
    text(&value, 1, "value"), inside(&value, 5, &fill), number(&value, 20, 4), inside(&n, 5, &value);
    inside(&g, 1, &n);
    n = node("Add", "x c", "y"), inside(&g, 1, &n);
    ck_assert_int_eq(graph_end(&g, "y", &peak), ERR_DATA);
    ck_assert_msg(strstr(err_text(), "too large for a file") != NULL, "%s", err_text());
    ck_assert_int_lt(peak, 4 << 20);

    graph_begin(&g, 28); /* 16^8 elements by concatenation */
    t = tensor("c0", 1, &one, 1, weights, 4), inside(&g, 5, &t);
    for (int i = 0; i < 8; i++) {
        char in[64], out[8];
        message axis = {.n = 0};
        snprintf(in, sizeof in, "c%d c%d c%d c%d c%d c%d c%d c%d c%d c%d c%d c%d c%d c%d c%d c%d", i, i, i, i, i, i, i,
                 i, i, i, i, i, i, i, i, i);
        snprintf(out, sizeof out, "c%d", i + 1);
        n = node("Concat", in, out);
        text(&axis, 1, "axis"), number(&axis, 3, 0), number(&axis, 20, 2), inside(&n, 5, &axis);
        inside(&g, 1, &n);
    }
    n = node("Add", "x c8", "y"), inside(&g, 1, &n);
    ck_assert_int_eq(graph_end(&g, "y", &peak), ERR_DATA);
    ck_assert_int_lt(peak, 4 << 20);

    graph_begin(&g, 1024); /* 64 weights at a million places */
    t = tensor("w", 1, kernel, 4, weights, sizeof weights), inside(&g, 5, &t);
    n = node("Conv", "x w", "y"), inside(&g, 1, &n);
    ck_assert_int_eq(graph_end(&g, "y", &peak), ERR_DATA);
    ck_assert_msg(strstr(err_text(), "more weights than a file of this size") != NULL, "%s", err_text());
    ck_assert_int_lt(peak, 4 << 20);

    graph_begin(&g, 1024); /* pools have no weights in the file */
    n = node("AveragePool", "x", "y"), list(&n, "kernel_shape", side, 2), inside(&g, 1, &n);
    ck_assert_int_eq(graph_end(&g, "y", &peak), ERR_DATA);
    ck_assert_int_lt(peak, 4 << 20);
    graph_begin(&g, 1024);
    n = node("AveragePool", "x", "y"), list(&n, "kernel_shape", wide, 2), inside(&g, 1, &n);
    ck_assert_int_eq(graph_end(&g, "y", &peak), ERR_DATA);
    ck_assert_int_lt(peak, 4 << 20);

    for (int pad = 0; pad < 2; pad++) { /* a million rows a layer, many layers */
        graph_begin(&g, pad ? 1 : 1024);
        t = tensor("c", 1, &one, 1, weights, 4), inside(&g, 5, &t);
        t = ints("around", around, 8), inside(&g, 5, &t);
        if (pad)
            n = node("Pad", "x around", "z0"), inside(&g, 1, &n);
        for (int i = 0; i < 40; i++) {
            char in[8], mid[8], out[8], operands[16];
            snprintf(in, sizeof in, i || pad ? "z%d" : "x", i), snprintf(mid, sizeof mid, "m%d", i),
                snprintf(out, sizeof out, "z%d", i + 1);
            snprintf(operands, sizeof operands, "%s c", in);
            n = node("Sub", operands, mid), inside(&g, 1, &n);
            n = node("Relu", mid, out), inside(&g, 1, &n);
        }
        ck_assert_int_eq(graph_end(&g, "z40", &peak), ERR_DATA);
        ck_assert_msg(strstr(err_text(), "more weights than a file of this size") != NULL, "%s", err_text());
        ck_assert_int_lt(peak, 128 << 20);
    }
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
    tcase_add_test(t, a_small_file_takes_little_memory_whatever_it_claims);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
