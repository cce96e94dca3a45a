// SPDX-License-Identifier: ISC
#include "nn/affine.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void affine_free(nn_affine *a)
{
    mem_free(a->row);
    mem_free(a->col);
    mem_free(a->w);
    mem_free(a->bias);
    memset(a, 0, sizeof *a);
}

void affine_begin(affine_builder *b, uint32_t in, uint32_t out, uint64_t entries)
{
    memset(b, 0, sizeof *b);
    b->a.in = in;
    b->a.out = out;
    if (entries > NN_MAX_WEIGHTS) {
        b->rc = err_set(ERR_ARG, "a map of %llu weights", (unsigned long long)entries);
        return;
    }
    b->room = (uint32_t)entries;
    b->a.row = mem_alloc((size_t)out + 1, sizeof *b->a.row);
    b->a.bias = mem_alloc(out, sizeof *b->a.bias);
    b->a.col = mem_alloc(b->room, sizeof *b->a.col);
    b->a.w = mem_alloc(b->room, sizeof *b->a.w);
    if (!b->a.row || !b->a.bias || !b->a.col || !b->a.w)
        b->rc = ERR_MEM;
}

void affine_entry(affine_builder *b, uint32_t col, float w)
{
    if (b->rc || w == 0)
        return;
    if (b->entries == b->room) {
        b->rc = err_set(ERR_ARG, "a map has more than the %u weights that were announced", b->room);
        return;
    }
    b->a.col[b->entries] = col;
    b->a.w[b->entries++] = w;
}

void affine_row_end(affine_builder *b, float bias)
{
    if (b->rc)
        return;
    b->a.bias[b->rows++] = bias;
    b->a.row[b->rows] = b->entries;
}

int affine_finish(affine_builder *b, nn_affine *out)
{
    const int rc = b->rc == ERR_MEM ? err_set(ERR_MEM, "out of memory for a layer") : b->rc;
    if (rc)
        affine_free(&b->a);
    *out = b->a;
    memset(b, 0, sizeof *b);
    return rc;
}

static int ascending(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

uint64_t affine_composed(const nn_affine *outer, const nn_affine *inner, uint64_t *work)
{
    uint64_t entries = 0;
    *work = outer->out + outer->row[outer->out];
    for (uint32_t o = 0; o < outer->out; o++) {
        uint64_t sum = 0;
        for (uint32_t e = outer->row[o]; e < outer->row[o + 1]; e++)
            sum += inner->row[outer->col[e] + 1] - inner->row[outer->col[e]];
        *work += sum;
        entries += sum < inner->in ? sum : inner->in;
    }
    return entries;
}

int affine_compose(nn_affine *out, const nn_affine *outer, const nn_affine *inner)
{
    affine_builder b;
    double *sum = mem_alloc(inner->in, sizeof *sum);
    uint8_t *hit = mem_alloc(inner->in, 1);
    uint32_t *touched = mem_alloc(inner->in, sizeof *touched);

    uint64_t work;
    affine_begin(&b, inner->in, outer->out, affine_composed(outer, inner, &work));
    if (!sum || !hit || !touched)
        b.rc = ERR_MEM;
    for (uint32_t o = 0; o < outer->out && !b.rc; o++) {
        uint32_t count = 0;
        double bias = outer->bias[o];
        for (uint32_t e = outer->row[o]; e < outer->row[o + 1]; e++) {
            const uint32_t mid = outer->col[e];
            const double w = outer->w[e];
            bias += w * inner->bias[mid];
            for (uint32_t i = inner->row[mid]; i < inner->row[mid + 1]; i++) {
                const uint32_t c = inner->col[i];
                if (!hit[c]) {
                    hit[c] = 1;
                    touched[count++] = c;
                }
                sum[c] += w * inner->w[i];
            }
        }
        qsort(touched, count, sizeof *touched, ascending);
        for (uint32_t i = 0; i < count; i++) {
            affine_entry(&b, touched[i], (float)sum[touched[i]]);
            sum[touched[i]] = 0;
            hit[touched[i]] = 0;
        }
        affine_row_end(&b, (float)bias);
    }
    mem_free(sum);
    mem_free(hit);
    mem_free(touched);
    return affine_finish(&b, out);
}
