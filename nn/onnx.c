// SPDX-License-Identifier: ISC
/* From a graph to layers: every linear operator becomes a sparse affine map and is composed with what has come since the last ReLU. */
#include "nn/onnx.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "nn/affine.h"
#include "nn/onnx_graph.h"

#define MAX_FILE (UINT64_C(1) << 30)

/** lowering: the state between two nodes. */
typedef struct {
    onnx_graph *g;
    nn_model *m;
    pb_slice current;   /* name of the activation */
    uint32_t dims;      /* of one image: 1 (features) or 3 (channels, height, width), at most 3 */
    uint32_t dim[3];
    int pending;        /* the layer under construction, m->layer[m->layers], has a map */
    int positive;       /* the activation comes straight from a ReLU or is the image itself */
    int done;           /* nothing may follow */
} lowering;

static uint32_t elements(const lowering *s)
{
    uint64_t n = 1;
    for (uint32_t d = 0; d < s->dims; d++)
        n *= s->dim[d];
    return n > NN_MAX_ELEMENTS ? 0 : (uint32_t)n;
}

/** apply: composes `map` behind what is pending; takes map's memory.  A node with weights gives the layer its name. */
static int apply(lowering *s, const onnx_node *n, nn_affine *map)
{
    nn_affine *a = &s->m->layer[s->m->layers];
    nn_affine whole;
    char text[64];
    int rc = 0;

    if (s->pending) {
        rc = affine_compose(&whole, map, a);
        affine_free(map);
        if (!rc) {
            memcpy(whole.name, a->name, sizeof whole.name);
            affine_free(a);
            *a = whole;
        }
    } else {
        *a = *map;
        memset(map, 0, sizeof *map);
    }
    if (rc)
        return rc;
    s->pending = 1;
    s->positive = 0;
    for (uint32_t e = 0; e < a->row[a->out]; e++)
        if (!isfinite(a->w[e]))
            return onnx_refuse(n, "a weight is not finite");
    for (uint32_t o = 0; o < a->out; o++)
        if (!isfinite(a->bias[o]))
            return onnx_refuse(n, "a bias is not finite");
    if (!a->name[0] || onnx_is(n->op, "Conv") || onnx_is(n->op, "Gemm") || onnx_is(n->op, "MatMul"))
        snprintf(a->name, sizeof a->name, "%s", onnx_text(n->name.len ? n->name : n->output[0], text));
    return 0;
}

/** constant: input k of the node, which must be a float constant. */
static int constant(const lowering *s, const onnx_node *n, uint32_t k, const onnx_tensor **t)
{
    *t = k < n->inputs ? onnx_find(s->g, n->input[k]) : NULL;
    return *t && (*t)->is_float ? 0 : onnx_refuse(n, "an operand that must be a constant is not one");
}

static int optional(const lowering *s, const onnx_node *n, uint32_t k, const onnx_tensor **t)
{
    *t = NULL;
    return k < n->inputs && n->input[k].len ? constant(s, n, k, t) : 0;
}

/* ---- shapes ---- */

static int lower_flatten(lowering *s, const onnx_node *n)
{
    int64_t axis = 1;
    int rc = onnx_attr_int(s->g, n, "axis", &axis);
    if (rc < 0)
        return rc;
    if (axis != 1 && axis != -(int64_t)s->dims)
        return onnx_refuse(n, "only axis 1 keeps the images of a batch apart");
    s->dim[0] = elements(s);
    s->dims = 1;
    return 0;
}

static int lower_reshape(lowering *s, const onnx_node *n)
{
    const onnx_tensor *t = n->inputs == 2 ? onnx_find(s->g, n->input[1]) : NULL;
    const uint32_t all = elements(s);
    uint64_t rest = 1;
    uint32_t dim[3];
    int infer = -1;

    if (!t || t->is_float || t->dims != 1 || t->count < 2 || t->count > 4)
        return onnx_refuse(n, "its shape must be a constant of two to four integers");
    for (uint32_t d = 1; d < t->count; d++) {
        int64_t x = t->i[d] == 0 && d <= s->dims ? s->dim[d - 1] : t->i[d];
        if (x == -1 && infer < 0 && t->i[0] != -1)
            infer = (int)d - 1;
        else if (x < 1 || x > NN_MAX_ELEMENTS || (rest *= (uint64_t)x) > NN_MAX_ELEMENTS)
            return onnx_refuse(n, "its shape is out of range");
        dim[d - 1] = (uint32_t)x;
    }
    if (infer >= 0)
        dim[infer] = (uint32_t)(all / rest);
    if (all % rest || (infer >= 0 ? rest * dim[infer] : rest) != all || t->i[0] < -1)
        return onnx_refuse(n, "its shape does not keep the images of a batch apart");
    s->dims = (uint32_t)t->count - 1;
    memcpy(s->dim, dim, sizeof dim);
    return 0;
}

/* ---- linear operators ---- */

static int lower_pad(lowering *s, const onnx_node *n)
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
        if ((rc = optional(s, n, 2, &v)))
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
    if (!elements(s))
        return onnx_refuse(n, "its output is too large");
    affine_builder b;
    nn_affine map;
    affine_begin(&b, from[0] * from[1] * from[2], elements(s));
    for (uint32_t i = 0; i < to[0]; i++)
        for (uint32_t j = 0; j < to[1]; j++)
            for (uint32_t k = 0; k < to[2]; k++) {
                const uint32_t x = i - before[0], y = j - before[1], z = k - before[2]; /* wraps below zero */
                const int inside = x < from[0] && y < from[1] && z < from[2];
                if (inside)
                    affine_entry(&b, (x * from[1] + y) * from[2] + z, 1);
                affine_row_end(&b, inside ? 0 : value);
            }
    rc = affine_finish(&b, &map);
    return rc ? rc : apply(s, n, &map);
}

typedef struct {
    int64_t stride[2], dilation[2], pad[4], kernel[2], group;
    uint32_t out[2];
} conv_shape;

static int conv_attributes(const lowering *s, const onnx_node *n, conv_shape *c)
{
    uint32_t count = 2;
    pb_slice automatic = {(const uint8_t *)"NOTSET", 6};
    int64_t kernel[2] = {c->kernel[0], c->kernel[1]};
    int rc;

    *c = (conv_shape){{1, 1}, {1, 1}, {0, 0, 0, 0}, {kernel[0], kernel[1]}, 1, {0, 0}};
    if ((rc = onnx_attr_ints(s->g, n, "strides", c->stride, 2, &count)) < 0 || count != 2 ||
        (rc = onnx_attr_ints(s->g, n, "dilations", c->dilation, 2, &count)) < 0 || count != 2 ||
        (rc = onnx_attr_ints(s->g, n, "kernel_shape", kernel, 2, &count)) < 0 || count != 2)
        return rc < 0 ? rc : onnx_refuse(n, "only two-dimensional convolution is supported");
    count = 4;
    if ((rc = onnx_attr_ints(s->g, n, "pads", c->pad, 4, &count)) < 0 || (rc = onnx_attr_int(s->g, n, "group", &c->group)) < 0 ||
        (rc = onnx_attr_text(s->g, n, "auto_pad", &automatic)) < 0)
        return rc;
    if (count != 4 || kernel[0] != c->kernel[0] || kernel[1] != c->kernel[1])
        return onnx_refuse(n, "its attributes contradict its weights");
    const int upper = onnx_is(automatic, "SAME_UPPER"), lower = onnx_is(automatic, "SAME_LOWER");
    if (!upper && !lower && !onnx_is(automatic, "NOTSET") && !onnx_is(automatic, "VALID"))
        return onnx_refuse(n, "its auto_pad is not supported");
    for (int d = 0; d < 2; d++) {
        const int64_t size = s->dim[d + 1];
        if (c->stride[d] < 1 || c->stride[d] > 65536 || c->dilation[d] < 1 || c->dilation[d] > 65536 || c->pad[d] < 0 || c->pad[d] > 65536 ||
            c->pad[d + 2] < 0 || c->pad[d + 2] > 65536 || c->kernel[d] > 65536)
            return onnx_refuse(n, "a stride, dilation, pad or kernel size is out of range");
        const int64_t reach = (c->kernel[d] - 1) * c->dilation[d] + 1;
        if (upper || lower) {
            int64_t all = ((size + c->stride[d] - 1) / c->stride[d] - 1) * c->stride[d] + reach - size;
            all = all < 0 ? 0 : all;
            c->pad[d] = (all + lower) / 2;
            c->pad[d + 2] = all - c->pad[d];
        } else if (onnx_is(automatic, "VALID")) {
            c->pad[d] = c->pad[d + 2] = 0;
        }
        const int64_t room = size + c->pad[d] + c->pad[d + 2] - reach;
        if (room < 0)
            return onnx_refuse(n, "its kernel is larger than its input");
        c->out[d] = (uint32_t)(room / c->stride[d] + 1);
    }
    return 0;
}

static int lower_conv(lowering *s, const onnx_node *n)
{
    const onnx_tensor *w, *bias;
    conv_shape c;
    affine_builder b;
    nn_affine map;
    int rc = constant(s, n, 1, &w);
    if (rc || (rc = optional(s, n, 2, &bias)))
        return rc;
    if (s->dims != 3 || w->dims != 4 || !w->count)
        return onnx_refuse(n, "only two-dimensional convolution is supported");
    c.kernel[0] = w->dim[2];
    c.kernel[1] = w->dim[3];
    if ((rc = conv_attributes(s, n, &c)))
        return rc;
    if (c.group < 1 || w->dim[0] % c.group || w->dim[1] * c.group != s->dim[0] || (bias && bias->count != (uint64_t)w->dim[0]))
        return onnx_refuse(n, "its weights do not fit its input");
    const uint32_t maps = (uint32_t)w->dim[0], per = (uint32_t)w->dim[1], height = s->dim[1], width = s->dim[2], in = elements(s);
    if ((uint64_t)maps * c.out[0] * c.out[1] > NN_MAX_ELEMENTS || c.out[0] * (uint64_t)c.out[1] > 16 * (uint64_t)NN_MAX_WEIGHTS / w->count)
        return onnx_refuse(n, "its output is too large");
    affine_begin(&b, in, maps * c.out[0] * c.out[1]);
    for (uint32_t m = 0; m < maps; m++)
        for (uint32_t y = 0; y < c.out[0]; y++)
            for (uint32_t x = 0; x < c.out[1]; x++) {
                for (uint32_t k = 0; k < per; k++)
                    for (int64_t i = 0; i < c.kernel[0]; i++)
                        for (int64_t j = 0; j < c.kernel[1]; j++) {
                            const int64_t row = y * c.stride[0] - c.pad[0] + i * c.dilation[0];
                            const int64_t col = x * c.stride[1] - c.pad[1] + j * c.dilation[1];
                            if (row < 0 || row >= height || col < 0 || col >= width)
                                continue;
                            const uint32_t channel = (uint32_t)(m / (maps / (uint32_t)c.group)) * per + k;
                            affine_entry(&b, (channel * height + (uint32_t)row) * width + (uint32_t)col,
                                         w->f[((m * (uint64_t)per + k) * (uint64_t)c.kernel[0] + (uint64_t)i) * (uint64_t)c.kernel[1] + (uint64_t)j]);
                        }
                affine_row_end(&b, bias ? bias->f[m] : 0);
            }
    if ((rc = affine_finish(&b, &map)))
        return rc;
    s->dim[0] = maps;
    s->dim[1] = c.out[0];
    s->dim[2] = c.out[1];
    return apply(s, n, &map);
}

/** dense: y[o] = alpha * sum_j w[o][j] x[j] + beta * c[o]; w is [out][in] if `rows`, else [in][out]. */
static int dense(lowering *s, const onnx_node *n, const onnx_tensor *w, int rows, float alpha, const onnx_tensor *bias, float beta)
{
    affine_builder b;
    nn_affine map;

    if (s->dims != 1 || w->dims != 2 || w->dim[!rows ? 0 : 1] != s->dim[0] || w->dim[rows ? 0 : 1] < 1 ||
        w->dim[rows ? 0 : 1] > NN_MAX_ELEMENTS)
        return onnx_refuse(n, "its weights do not fit its input");
    const uint32_t in = s->dim[0], out = (uint32_t)w->dim[rows ? 0 : 1];
    if (bias && bias->count != 1 && (bias->count != out || (bias->dims && bias->dim[bias->dims - 1] != out)))
        return onnx_refuse(n, "its bias does not fit its output");
    affine_begin(&b, in, out);
    for (uint32_t o = 0; o < out; o++) {
        for (uint32_t j = 0; j < in; j++)
            affine_entry(&b, j, alpha * (rows ? w->f[(uint64_t)o * in + j] : w->f[(uint64_t)j * out + o]));
        affine_row_end(&b, bias ? beta * bias->f[bias->count == 1 ? 0 : o] : 0);
    }
    int rc = affine_finish(&b, &map);
    if (rc)
        return rc;
    s->dim[0] = out;
    return apply(s, n, &map);
}

static int lower_gemm(lowering *s, const onnx_node *n)
{
    const onnx_tensor *w, *bias;
    int64_t trans_a = 0, trans_b = 0;
    float alpha = 1, beta = 1;
    int rc;
    if ((rc = constant(s, n, 1, &w)) || (rc = optional(s, n, 2, &bias)) || (rc = onnx_attr_int(s->g, n, "transA", &trans_a)) < 0 ||
        (rc = onnx_attr_int(s->g, n, "transB", &trans_b)) < 0 || (rc = onnx_attr_float(s->g, n, "alpha", &alpha)) < 0 ||
        (rc = onnx_attr_float(s->g, n, "beta", &beta)) < 0)
        return rc;
    if (trans_a)
        return onnx_refuse(n, "transA mixes the images of a batch");
    return dense(s, n, w, trans_b != 0, alpha, bias, beta);
}

static int lower_matmul(lowering *s, const onnx_node *n)
{
    const onnx_tensor *w;
    if (!onnx_same(n->input[0], s->current))
        return onnx_refuse(n, "the constant must be on the right");
    int rc = constant(s, n, 1, &w);
    return rc ? rc : dense(s, n, w, 0, 1, NULL, 0);
}

/** lower_add: the sum with a constant that broadcasts over the batch. */
static int lower_add(lowering *s, const onnx_node *n)
{
    const onnx_tensor *t = NULL;
    affine_builder b;
    nn_affine map;
    int rc = n->inputs == 2 ? constant(s, n, onnx_same(n->input[0], s->current), &t) : onnx_refuse(n, "it must have two operands");
    if (rc)
        return rc;
    uint64_t step[3] = {0, 0, 0}, stride = 1;
    for (uint32_t back = 0; back < t->dims; back++) { /* axes from the last one on */
        const int64_t d = t->dim[t->dims - 1 - back];
        if (d != 1 && (back >= s->dims || d != s->dim[s->dims - 1 - back]))
            return onnx_refuse(n, "its constant does not broadcast to its input");
        if (d != 1)
            step[s->dims - 1 - back] = stride;
        stride *= (uint64_t)d;
    }
    const uint32_t all = elements(s);
    affine_begin(&b, all, all);
    for (uint32_t i = 0; i < all; i++) {
        uint64_t from = 0;
        uint32_t rest = i;
        for (uint32_t d = s->dims; d-- > 0; rest /= s->dim[d])
            from += step[d] * (rest % s->dim[d]);
        affine_entry(&b, i, 1);
        affine_row_end(&b, t->f[from]);
    }
    rc = affine_finish(&b, &map);
    return rc ? rc : apply(s, n, &map);
}

static int lower_relu(lowering *s, const onnx_node *n)
{
    if (s->positive) /* of a pixel, or of another ReLU: nothing changes */
        return 0;
    if (s->m->layers + 1 == NN_MAX_LAYERS)
        return onnx_refuse(n, "the network has too many layers");
    s->m->layers++;
    s->pending = 0;
    s->positive = 1;
    return 0;
}

/* ---- the chain ---- */

static int lower_node(lowering *s, const onnx_node *n)
{
    static const struct {
        const char *op;
        int (*lower)(lowering *, const onnx_node *);
    } operators[] = {
        {"Conv", lower_conv},       {"Gemm", lower_gemm},       {"MatMul", lower_matmul}, {"Add", lower_add},
        {"Relu", lower_relu},       {"Flatten", lower_flatten}, {"Pad", lower_pad},       {"Reshape", lower_reshape},
        {"Identity", NULL},
    };
    char text[64];
    uint32_t uses = 0;

    if (n->domain.len && !onnx_is(n->domain, "ai.onnx"))
        return onnx_refuse(n, "its domain is not supported");
    if (!onnx_is(n->op, "Constant") || !n->inputs) {
        int rc = onnx_fold(s->g, n);
        if (rc)
            return rc < 0 ? rc : 0;
    }
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!onnx_is(n->op, operators[i].op))
            continue;
        for (uint32_t k = 0; k < n->inputs; k++) {
            uses += onnx_same(n->input[k], s->current);
            if (n->input[k].len && !onnx_same(n->input[k], s->current) && !onnx_find(s->g, n->input[k]))
                return err_set(ERR_DATA, "node %s: input %s is not the output of the node before: only chains are supported",
                               onnx_text(n->name.len ? n->name : n->op, text), onnx_text(n->input[k], (char[64]){0}));
        }
        if (uses != 1 || n->outputs != 1)
            return onnx_refuse(n, "it must have the activation as one operand, and one output");
        if (!onnx_is(n->op, "Add") && !onnx_same(n->input[0], s->current))
            return onnx_refuse(n, "the activation must be its first operand");
        int rc = operators[i].lower ? operators[i].lower(s, n) : 0;
        s->current = n->output[0];
        return rc;
    }
    return onnx_refuse(n, "it is not supported");
}

static int lower_input(lowering *s)
{
    const onnx_graph *g = s->g;
    char text[64];

    if (g->input_dims < 2 || g->input_dims > 4)
        return err_set(ERR_DATA, "input %s: %u dimensions; 2 to 4 are supported, the first being the batch", onnx_text(g->input, text), g->input_dims);
    s->dims = g->input_dims - 1;
    for (uint32_t d = 0; d < s->dims; d++) {
        if (g->input_dim[d + 1] < 1 || g->input_dim[d + 1] > NN_MAX_ELEMENTS)
            return err_set(ERR_DATA, "input %s: dimension %u must be a number in [1, %u]", onnx_text(g->input, text), d + 1, NN_MAX_ELEMENTS);
        s->dim[d] = (uint32_t)g->input_dim[d + 1];
    }
    if (!elements(s))
        return err_set(ERR_DATA, "input %s: it is too large", onnx_text(g->input, text));
    s->m->channels = s->dims == 3 ? s->dim[0] : 1;
    s->m->height = s->dims >= 2 ? s->dim[s->dims - 2] : 1;
    s->m->width = s->dim[s->dims - 1];
    s->current = g->input;
    s->positive = 1;
    return 0;
}

/** identity_behind: a network that ends in ReLU gets a layer that changes nothing, so that argmax has weights before it. */
static int identity_behind(lowering *s)
{
    affine_builder b;
    nn_affine *a = &s->m->layer[s->m->layers];
    const uint32_t n = elements(s);
    affine_begin(&b, n, n);
    for (uint32_t i = 0; i < n; i++) {
        affine_entry(&b, i, 1);
        affine_row_end(&b, 0);
    }
    int rc = affine_finish(&b, a);
    snprintf(a->name, sizeof a->name, "(identity)");
    s->pending = !rc;
    return rc;
}

int nn_onnx_parse(nn_model **out, const uint8_t *bytes, size_t len)
{
    lowering s = {0};
    char text[64];
    int rc = onnx_graph_parse(&s.g, bytes, len);

    *out = NULL;
    if (rc)
        return rc;
    rc = ERR_MEM;
    if (!(s.m = mem_alloc(1, sizeof *s.m)) || (rc = lower_input(&s)))
        goto out;
    for (uint32_t i = 0; i < s.g->nodes; i++)
        if ((rc = lower_node(&s, &s.g->node[i])))
            goto out;
    if (!onnx_same(s.current, s.g->output)) {
        rc = err_set(ERR_DATA, "output %s is not what the last node gives", onnx_text(s.g->output, text));
        goto out;
    }
    if (!s.pending && s.m->layers && (rc = identity_behind(&s)))
        goto out;
    if (!s.pending)
        rc = err_set(ERR_DATA, "the network has no layer with weights");
    else
        s.m->layers++;
out:
    onnx_graph_free(s.g);
    if (rc == ERR_MEM)
        rc = err_set(ERR_MEM, "out of memory for a model");
    if (rc)
        nn_model_free(s.m);
    else
        *out = s.m;
    return rc;
}

int nn_onnx_load(nn_model **out, const char *path)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t len = 0, room = 1 << 20;
    int rc = 0;

    *out = NULL;
    if (!f)
        return err_set(ERR_DATA, "%s: %s", path, strerror(errno));
    do {
        uint8_t *more = mem_alloc(1, room *= 2);
        if (more && len)
            memcpy(more, bytes, len);
        mem_free(bytes);
        bytes = more;
        if (!bytes)
            rc = err_set(ERR_MEM, "%s: out of memory", path);
        else if (room > MAX_FILE)
            rc = err_set(ERR_DATA, "%s: larger than 1 GiB", path);
        else
            len += fread(bytes + len, 1, room - len, f);
    } while (!rc && len == room);
    if (!rc && ferror(f))
        rc = err_set(ERR_DATA, "%s: %s", path, strerror(errno));
    fclose(f);
    if (!rc && (rc = nn_onnx_parse(out, bytes, len))) {
        char why[256];
        snprintf(why, sizeof why, "%s", err_text());
        rc = err_set(rc, "%s: %s", path, why);
    }
    mem_free(bytes);
    return rc;
}
