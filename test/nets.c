// SPDX-License-Identifier: ISC
#include "test/nets.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "nn/onnx.h"

nn_qmodel *nets_dense(const uint32_t *width, uint32_t layers, prg *rng)
{
    return nets_dense_with(width, layers, NULL, rng);
}

nn_qmodel *nets_dense_with(const uint32_t *width, uint32_t layers, const nn_quant_options *opt, prg *rng)
{
    nn_model *m = mem_alloc(1, sizeof *m);
    nn_qmodel *q = NULL;

    m->channels = m->height = 1;
    m->width = width[0];
    m->layers = layers;
    for (uint32_t i = 0; i < layers; i++) {
        nn_affine *a = &m->layer[i];
        a->in = width[i];
        a->out = width[i + 1];
        snprintf(a->name, sizeof a->name, "/dense%u", i);
        a->row = mem_alloc(a->out + 1, sizeof *a->row);
        a->col = mem_alloc((size_t)a->in * a->out, sizeof *a->col);
        a->w = mem_alloc((size_t)a->in * a->out, sizeof *a->w);
        a->bias = mem_alloc(a->out, sizeof *a->bias);
        for (uint32_t o = 0; o < a->out; o++) {
            a->bias[o] = (float)((int)(prg_u64(rng) % 2001) - 1000) / 4000;
            for (uint32_t j = 0; j < a->in; j++) {
                a->col[a->row[o] + j] = j;
                a->w[a->row[o] + j] = (float)((int)(prg_u64(rng) % 2001) - 1000) / 1000 + 0.0001f;
            }
            a->row[o + 1] = a->row[o] + a->in;
        }
    }
    ck_assert_msg(nn_quantise(&q, m, opt) == 0, "%s", err_text());
    nn_model_free(m);
    return q;
}

static const char *find(const char *env, const char *otherwise, const char *name, char *path, size_t len)
{
    const char *dir = getenv(env);
    snprintf(path, len, "%s/%s", dir ? dir : otherwise, name);
    return access(path, R_OK) ? NULL : path;
}

int nets_mnist(nn_qmodel **q, nn_idx **images, uint32_t count)
{
    char path[4096], temporary[] = "/tmp/tacit-idx-XXXXXX", command[9000];
    nn_model *m = NULL;

    if (!find("TACIT_MODELS", "../shared/models", "cryptonets-relu.onnx", path, sizeof path) && access("models/demo.onnx", R_OK)) {
        fprintf(stderr, "SKIPPED: no cryptonets-relu.onnx (set TACIT_MODELS)\n");
        return 0;
    }
    ck_assert_msg(nn_onnx_load(&m, access(path, R_OK) ? "models/demo.onnx" : path) == 0, "%s", err_text());
    ck_assert_msg(nn_quantise(q, m, NULL) == 0, "%s", err_text());
    nn_model_free(m);
    if (!find("TACIT_MNIST", "../shared/mnist", "t10k-images-idx3-ubyte.gz", path, sizeof path)) {
        fprintf(stderr, "SKIPPED: no MNIST test images (set TACIT_MNIST)\n");
        nn_qmodel_free(*q);
        return 0;
    }
    int fd = mkstemp(temporary);
    ck_assert_int_ge(fd, 0);
    close(fd);
    snprintf(command, sizeof command, "zcat '%s' > %s", path, temporary);
    ck_assert_int_eq(system(command), 0);
    int rc = nn_idx_load(images, temporary, count);
    unlink(temporary);
    ck_assert_msg(rc == 0, "%s", err_text());
    return 1;
}
