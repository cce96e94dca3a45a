// SPDX-License-Identifier: ISC
/* Every linear operator becomes a sparse affine map and is composed with what has come since the last ReLU. */
#include "nn/onnx_lower.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define MAX_WORK (UINT64_C(1) << 32) /* multiplications and entries looked at, in all: some ten seconds */

uint32_t onnx_elements(const onnx_lowering *s)
{
    uint64_t n = 1;
    for (uint32_t d = 0; d < s->dims; d++)
        n *= s->dim[d]; /* three factors below 2^21 */
    return n > NN_MAX_ELEMENTS ? 0 : (uint32_t)n;
}

int onnx_spend(onnx_lowering *s, const onnx_node *n, uint64_t work)
{
    if (work > MAX_WORK - s->work)
        return onnx_refuse(n, "the network takes too much work to read");
    s->work += work;
    return 0;
}

/** fits: whether there is room for a map beside the finished layers. */
static int fits(const onnx_lowering *s, const onnx_node *n, uint64_t out, uint64_t entries)
{
    return entries <= s->room && out + entries <= s->room - s->used ? 0 : onnx_refuse(n, "its map has more weights than a file of this size may have");
}

int onnx_begin(const onnx_lowering *s, const onnx_node *n, affine_builder *b, uint32_t in, uint32_t out, uint64_t entries)
{
    const int rc = fits(s, n, out, entries);
    if (!rc)
        affine_begin(b, in, out, entries);
    return rc;
}

/** name_layer: after the last node with weights; before there is one, after the first node. */
static void name_layer(onnx_lowering *s, const onnx_node *n, nn_affine *a)
{
    char text[64];
    const int moves = onnx_is(n->op, "Pad") || onnx_is(n->op, "Add") || onnx_is(n->op, "Sub");
    if (a->name[0] && moves)
        return;
    if (n->name.len)
        snprintf(a->name, sizeof a->name, "%s", onnx_text(n->name, text));
    else
        snprintf(a->name, sizeof a->name, "%.48s_%u", onnx_text(n->op, text), s->index);
}

int onnx_apply(onnx_lowering *s, const onnx_node *n, affine_builder *b)
{
    nn_affine *a = &s->m->layer[s->m->layers];
    nn_affine map, whole;
    uint64_t work;
    int rc = affine_finish(b, &map);

    if (rc)
        return rc;
    if (s->pending) {
        const uint64_t entries = affine_composed(&map, a, &work);
        if (!(rc = onnx_spend(s, n, work)) && !(rc = fits(s, n, map.out, entries)))
            rc = affine_compose(&whole, &map, a);
        affine_free(&map);
        if (rc)
            return rc;
        memcpy(whole.name, a->name, sizeof whole.name);
        affine_free(a);
        *a = whole;
    } else {
        *a = map;
    }
    s->pending = 1;
    s->positive = 0;
    if (!onnx_is(n->op, "Pad"))
        s->weighted = 1;
    for (uint32_t e = 0; e < a->row[a->out]; e++)
        if (!isfinite(a->w[e]))
            return onnx_refuse(n, "a weight is not finite");
    for (uint32_t o = 0; o < a->out; o++)
        if (!isfinite(a->bias[o]))
            return onnx_refuse(n, "a bias is not finite");
    name_layer(s, n, a);
    return 0;
}

int onnx_constant(const onnx_lowering *s, const onnx_node *n, uint32_t k, const onnx_tensor **t)
{
    *t = k < n->inputs ? onnx_find(s->g, n->input[k]) : NULL;
    return *t && (*t)->is_float ? 0 : onnx_refuse(n, "an operand that must be a constant of floats is not one");
}

int onnx_optional(const onnx_lowering *s, const onnx_node *n, uint32_t k, const onnx_tensor **t)
{
    *t = NULL;
    return k < n->inputs && n->input[k].len ? onnx_constant(s, n, k, t) : 0;
}

/* ---- shapes ---- */

int onnx_lower_flatten(onnx_lowering *s, const onnx_node *n)
{
    int64_t axis = 1;
    int rc = onnx_attr_int(s->g, n, "axis", &axis);
    if (rc < 0)
        return rc;
    if (axis < 0)
        axis += s->dims + 1;
    uint32_t before = axis >= 1 && axis <= s->dims + 1 ? 1 : 0; /* elements of an image that would join the batch axis */
    for (uint32_t d = 0; before && d + 1 < axis; d++)
        before = s->dim[d] == 1;
    if (!before)
        return onnx_refuse(n, "this axis does not keep the images of a batch apart");
    s->dim[0] = onnx_elements(s);
    s->dims = 1;
    return 0;
}

int onnx_lower_reshape(onnx_lowering *s, const onnx_node *n)
{
    const onnx_tensor *t = n->inputs == 2 ? onnx_find(s->g, n->input[1]) : NULL;
    const uint32_t all = onnx_elements(s);
    uint64_t rest = 1;
    uint32_t dim[3];
    int64_t zero = 0;
    int infer = -1, rc = onnx_attr_int(s->g, n, "allowzero", &zero);

    if (rc < 0)
        return rc;
    if (!t || t->is_float || t->dims != 1 || t->count < 2 || t->count > 4)
        return onnx_refuse(n, "its shape must be a constant of two to four integers");
    for (uint32_t d = 1; d < t->count; d++) {
        int64_t x = t->i[d] == 0 && !zero && d <= s->dims ? s->dim[d - 1] : t->i[d];
        if (x == -1 && infer < 0 && t->i[0] != -1)
            infer = (int)d - 1;
        else if (x < 1 || x > NN_MAX_ELEMENTS || (rest *= (uint64_t)x) > NN_MAX_ELEMENTS)
            return onnx_refuse(n, "its shape is out of range");
        dim[d - 1] = (uint32_t)x;
    }
    if (infer >= 0)
        dim[infer] = (uint32_t)(all / rest);
    if (all % rest || (infer >= 0 ? rest * dim[infer] : rest) != all || t->i[0] < -1 || (zero && !t->i[0]))
        return onnx_refuse(n, "its shape does not keep the images of a batch apart");
    s->dims = (uint32_t)t->count - 1;
    memcpy(s->dim, dim, sizeof dim);
    return 0;
}

/* ---- linear operators ---- */

int onnx_lower_pad(onnx_lowering *s, const onnx_node *n)
{
    int64_t pads[8];
    uint32_t count = 0;
    float value = 0;
    pb_slice mode = {(const uint8_t *)"constant", 8};
    int rc = onnx_attr_text(s->g, n, "mode", &mode);
    if (rc < 0)
        return rc;
    if (!onnx_is(mode, "constant"))
        return onnx_refuse(n, "only constant padding is supported");
    if (s->g->opset < 11) {
        if ((rc = onnx_attr_ints(s->g, n, "pads", pads, 8, &count)) < 0 || (rc = onnx_attr_float(s->g, n, "value", &value)) < 0)
            return rc;
    } else {
        const onnx_tensor *p = n->inputs > 1 ? onnx_find(s->g, n->input[1]) : NULL, *v;
        if (!p || p->is_float || p->count > 8 || (n->inputs > 3 && n->input[3].len))
            return onnx_refuse(n, "its pads must be a constant list of integers for all axes");
        count = (uint32_t)p->count;
        memcpy(pads, p->i, count * sizeof *pads);
        if ((rc = onnx_optional(s, n, 2, &v)))
            return rc;
        if (v && v->count != 1)
            return onnx_refuse(n, "its value must be one number");
        value = v ? v->f[0] : 0;
    }
    const uint32_t rank = s->dims + 1;
    uint32_t from[3] = {1, 1, 1}, to[3] = {1, 1, 1}, before[3] = {0, 0, 0};
    if (count != 2 * rank || pads[0] || pads[rank])
        return onnx_refuse(n, "its pads do not fit its input");
    for (uint32_t d = 0; d < s->dims; d++) {
        const int64_t a = pads[d + 1], b = pads[rank + d + 1];
        if (a < 0 || b < 0 || a > 65536 || b > 65536)
            return onnx_refuse(n, "a pad is negative or too large");
        const uint32_t at = 3 - s->dims + d;
        from[at] = s->dim[d];
        before[at] = (uint32_t)a;
        to[at] = s->dim[d] = s->dim[d] + (uint32_t)(a + b);
    }
    if (!onnx_elements(s))
        return onnx_refuse(n, "its output is too large");
    affine_builder b;
    const uint32_t in = from[0] * from[1] * from[2];
    if ((rc = onnx_begin(s, n, &b, in, onnx_elements(s), in)))
        return rc;
    for (uint32_t i = 0; i < to[0]; i++)
        for (uint32_t j = 0; j < to[1]; j++)
            for (uint32_t k = 0; k < to[2]; k++) {
                const uint32_t x = i - before[0], y = j - before[1], z = k - before[2]; /* wraps below zero */
                const int inside = x < from[0] && y < from[1] && z < from[2];
                if (inside)
                    affine_entry(&b, (x * from[1] + y) * from[2] + z, 1);
                affine_row_end(&b, inside ? 0 : value);
            }
    const int positive = s->positive && value >= 0;
    rc = onnx_apply(s, n, &b);
    s->positive = positive; /* so that a ReLU behind the pad of an image is still dropped */
    return rc;
}

/** dense: y[o] = alpha * sum_j w[o][j] x[j] + beta * c[o]; w is [out][in] if `rows`, else [in][out]. */
static int dense(onnx_lowering *s, const onnx_node *n, const onnx_tensor *w, int rows, float alpha, const onnx_tensor *bias, float beta)
{
    affine_builder b;

    if (s->dims != 1 || w->dims != 2 || w->dim[!rows ? 0 : 1] != s->dim[0] || w->dim[rows ? 0 : 1] < 1 ||
        w->dim[rows ? 0 : 1] > NN_MAX_ELEMENTS)
        return onnx_refuse(n, "its weights do not fit its input");
    const uint32_t in = s->dim[0], out = (uint32_t)w->dim[rows ? 0 : 1];
    if (bias && bias->count != 1 && (bias->count != out || (bias->dims && bias->dim[bias->dims - 1] != out)))
        return onnx_refuse(n, "its bias does not fit its output");
    const int rc = onnx_begin(s, n, &b, in, out, (uint64_t)in * out);
    if (rc)
        return rc;
    for (uint32_t o = 0; o < out; o++) {
        for (uint32_t j = 0; j < in; j++)
            affine_entry(&b, j, alpha * (rows ? w->f[(uint64_t)o * in + j] : w->f[(uint64_t)j * out + o]));
        affine_row_end(&b, bias ? beta * bias->f[bias->count == 1 ? 0 : o] : 0);
    }
    s->dim[0] = out;
    return onnx_apply(s, n, &b);
}

int onnx_lower_gemm(onnx_lowering *s, const onnx_node *n)
{
    const onnx_tensor *w, *bias;
    int64_t trans_a = 0, trans_b = 0;
    float alpha = 1, beta = 1;
    int rc;
    if ((rc = onnx_constant(s, n, 1, &w)) || (rc = onnx_optional(s, n, 2, &bias)) || (rc = onnx_attr_int(s->g, n, "transA", &trans_a)) < 0 ||
        (rc = onnx_attr_int(s->g, n, "transB", &trans_b)) < 0 || (rc = onnx_attr_float(s->g, n, "alpha", &alpha)) < 0 ||
        (rc = onnx_attr_float(s->g, n, "beta", &beta)) < 0)
        return rc;
    if (trans_a)
        return onnx_refuse(n, "transA mixes the images of a batch");
    return dense(s, n, w, trans_b != 0, alpha, bias, beta);
}

int onnx_lower_matmul(onnx_lowering *s, const onnx_node *n)
{
    const onnx_tensor *w;
    if (!onnx_same(n->input[0], s->current))
        return onnx_refuse(n, "the constant must be on the right");
    int rc = onnx_constant(s, n, 1, &w);
    return rc ? rc : dense(s, n, w, 0, 1, NULL, 0);
}

/** each: y[i] = scale * x[i] + shift, with the element sum_d step[d] * i_d of either list; NULL: one, zero. */
static int each(onnx_lowering *s, const onnx_node *n, const float *scale, const float *shift, const uint64_t step[3])
{
    affine_builder b;
    const uint32_t all = onnx_elements(s);

    const int rc = onnx_begin(s, n, &b, all, all, all);
    if (rc)
        return rc;
    for (uint32_t i = 0; i < all; i++) {
        uint64_t from = 0;
        uint32_t rest = i;
        for (uint32_t d = s->dims; d-- > 0; rest /= s->dim[d])
            from += step[d] * (rest % s->dim[d]);
        affine_entry(&b, i, scale ? scale[from] : 1);
        affine_row_end(&b, shift ? shift[from] : 0);
    }
    return onnx_apply(s, n, &b);
}

/** broadcast: the steps of a constant that is laid over an image, the same for every image of the batch. */
static int broadcast(const onnx_lowering *s, const onnx_node *n, const onnx_tensor *t, uint64_t step[3])
{
    uint64_t stride = 1;
    if (t->dims > s->dims + 1) /* the batch axis would move */
        return onnx_refuse(n, "its constant has more axes than its input");
    for (uint32_t back = 0; back < t->dims; back++) { /* axes from the last one on */
        const int64_t d = t->dim[t->dims - 1 - back];
        if (d != 1 && (back >= s->dims || d != s->dim[s->dims - 1 - back]))
            return onnx_refuse(n, "its constant does not broadcast to its input");
        if (d != 1)
            step[s->dims - 1 - back] = stride;
        stride *= (uint64_t)d;
    }
    return 0;
}

int onnx_lower_each(onnx_lowering *s, const onnx_node *n)
{
    const onnx_tensor *t;
    const int sub = onnx_is(n->op, "Sub"), mul = onnx_is(n->op, "Mul"), div = onnx_is(n->op, "Div");
    const int first = onnx_same(n->input[0], s->current); /* else the constant is */
    uint64_t step[3] = {0, 0, 0};
    int rc = n->inputs == 2 ? onnx_constant(s, n, (uint32_t)first, &t) : onnx_refuse(n, "it must have two operands");

    if (rc || (rc = broadcast(s, n, t, step)))
        return rc;
    if (div && !first)
        return onnx_refuse(n, "it divides by the activation");
    if (mul || (!sub && !div))
        return each(s, n, mul ? t->f : NULL, mul ? NULL : t->f, step);
    float *x = mem_alloc(t->count, sizeof *x), *minus = sub && !first ? mem_alloc(t->count, sizeof *minus) : NULL;
    if (!x || (sub && !first && !minus))
        rc = ERR_MEM;
    for (uint64_t i = 0; !rc && i < t->count; i++) {
        x[i] = div ? 1 / t->f[i] : first ? -t->f[i] : t->f[i];
        if (minus)
            minus[i] = -1;
    }
    if (!rc)
        rc = div ? each(s, n, x, NULL, step) : each(s, n, minus, x, step);
    mem_free(x);
    mem_free(minus);
    return rc;
}

int onnx_lower_norm(onnx_lowering *s, const onnx_node *n)
{
    const onnx_tensor *t[4]; /* scale, bias, mean, variance of each channel */
    const uint64_t step[3] = {1, 0, 0};
    int64_t training = 0, spatial = 1;
    float epsilon = 1e-5f;
    int rc = onnx_attr_float(s->g, n, "epsilon", &epsilon);

    if (rc < 0 || (rc = onnx_attr_int(s->g, n, "training_mode", &training)) < 0 || (rc = onnx_attr_int(s->g, n, "spatial", &spatial)) < 0)
        return rc;
    if (training || !spatial)
        return onnx_refuse(n, "only inference over channels is supported");
    for (uint32_t k = 0; k < 4; k++) {
        if ((rc = onnx_constant(s, n, k + 1, &t[k])))
            return rc;
        if (t[k]->count != s->dim[0])
            return onnx_refuse(n, "its constants do not fit its input");
    }
    float *scale = mem_alloc(s->dim[0], sizeof *scale), *shift = mem_alloc(s->dim[0], sizeof *shift);
    if (!scale || !shift)
        rc = ERR_MEM;
    for (uint32_t c = 0; !rc && c < s->dim[0]; c++) {
        const double a = t[0]->f[c] / sqrt((double)t[3]->f[c] + epsilon);
        scale[c] = (float)a;
        shift[c] = (float)(t[1]->f[c] - a * t[2]->f[c]);
    }
    if (!rc)
        rc = each(s, n, scale, shift, step);
    mem_free(scale);
    mem_free(shift);
    return rc;
}
