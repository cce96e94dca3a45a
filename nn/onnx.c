// SPDX-License-Identifier: ISC
/* From a graph to layers: the chain of nodes that the output needs, cut at every ReLU. */
#include "nn/onnx.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "nn/onnx_lower.h"
#include "nn/sniff.h"

#define MAX_FILE (UINT64_C(1) << 30)
/* Weights of all maps: a convolution has one for each place where it puts a weight of the file, a thousand on 32 x 32; a pool has no weights in
 * the file at all.  No more than NN_MAX_WEIGHTS, 512 MiB. */
#define ROOM (UINT64_C(1) << 22)
#define ROOM_PER_BYTE 1024

static int lower_relu(onnx_lowering *s, const onnx_node *n)
{
    if (s->positive) /* of a pixel, or of another ReLU: nothing changes */
        return 0;
    if (s->m->layers + 1 == NN_MAX_LAYERS)
        return onnx_refuse(n, "the network has too many layers");
    const nn_affine *a = &s->m->layer[s->m->layers++];
    s->used += a->out + a->row[a->out];
    s->pending = 0;
    s->positive = 1;
    return 0;
}

static int lower_dropout(onnx_lowering *s, const onnx_node *n)
{
    const onnx_tensor *t = n->inputs > 2 && n->input[2].len ? onnx_find(s->g, n->input[2]) : NULL;
    return t && (t->is_float || t->count != 1 || t->i[0]) ? onnx_refuse(n, "only inference is supported") : 0;
}

/** lower_softmax: monotone, so the label is that of its input. */
static int lower_softmax(onnx_lowering *s, const onnx_node *n)
{
    int64_t axis = s->g->opset < 13 ? 1 : -1;
    int rc = onnx_attr_int(s->g, n, "axis", &axis);
    if (rc < 0)
        return rc;
    if (s->dims != 1 || (axis != 1 && axis != -1))
        return onnx_refuse(n, "it is supported on the last axis of a vector only");
    s->done = 1;
    return 0;
}

/** name_of: what to call a node in a message. */
static const char *name_of(const onnx_node *n, char text[64]) { return onnx_text(n->name.len ? n->name : n->op, text); }

/** chained: the activation is one operand (the first, unless `any`), all others are constants. */
static int chained(const onnx_lowering *s, const onnx_node *n, int any)
{
    char text[64], other[64];
    uint32_t uses = 0;
    for (uint32_t k = 0; k < n->inputs; k++) {
        const int same = onnx_same(n->input[k], s->current);
        uses += (uint32_t)same;
        if (n->input[k].len && !same && !onnx_find(s->g, n->input[k]))
            return err_set(ERR_DATA, "node %s: operator %s: input %s is not the output of the node before: only chains are supported",
                           name_of(n, text), onnx_text(n->op, (char[64]){0}), onnx_text(n->input[k], other));
    }
    if (uses != 1 || !n->outputs || !n->output[0].len)
        return onnx_refuse(n, "it must have the activation as one operand, and an output");
    if (!any && !onnx_same(n->input[0], s->current))
        return onnx_refuse(n, "the activation must be its first operand");
    return 0;
}

static int lower_node(onnx_lowering *s, const onnx_node *n)
{
    static const struct {
        const char *op;
        int (*lower)(onnx_lowering *, const onnx_node *);
    } operators[] = {
        {"Conv", onnx_lower_conv},        {"Gemm", onnx_lower_gemm},
        {"MatMul", onnx_lower_matmul},    {"Add", onnx_lower_each},
        {"Sub", onnx_lower_each},         {"Mul", onnx_lower_each},
        {"Div", onnx_lower_each},         {"BatchNormalization", onnx_lower_norm},
        {"Pad", onnx_lower_pad},          {"AveragePool", onnx_lower_pool},
        {"Relu", lower_relu},             {"GlobalAveragePool", onnx_lower_pool},
        {"Flatten", onnx_lower_flatten},  {"Reshape", onnx_lower_reshape},
        {"Dropout", lower_dropout},       {"Softmax", lower_softmax},
        {"LogSoftmax", lower_softmax},    {"Identity", NULL},
    };

    if (n->domain.len && !onnx_is(n->domain, "ai.onnx"))
        return onnx_refuse(n, "its domain is not supported");
    int rc = onnx_fold(s->g, n);
    if (rc)
        return rc < 0 ? rc : 0;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!onnx_is(n->op, operators[i].op))
            continue;
        if ((rc = chained(s, n, operators[i].lower == onnx_lower_each)))
            return rc;
        if (s->done)
            return onnx_refuse(n, "it follows a Softmax, which must be the last node");
        rc = operators[i].lower ? operators[i].lower(s, n) : 0;
        s->current = n->output[0];
        return rc;
    }
    if (onnx_is(n->op, "Shape"))
        return onnx_refuse(n, "the shape of an activation, with its batch axis, is not a constant");
    return onnx_refuse(n, "it is not supported");
}

/** needed: marks the nodes that the output depends on; what exporters leave lying about is not read. */
static int mark_needed(const onnx_graph *g, uint8_t *mark)
{
    uint32_t count = 1, room = 1;
    for (uint32_t i = 0; i < g->nodes; i++)
        room += g->node[i].inputs;
    pb_slice *want = mem_alloc(room, sizeof *want);
    if (!want)
        return ERR_MEM;
    want[0] = g->output;
    for (uint32_t i = g->nodes; i-- > 0;) {
        const onnx_node *n = &g->node[i];
        for (uint32_t k = 0; k < n->outputs && !mark[i]; k++)
            for (uint32_t w = 0; w < count && !mark[i]; w++)
                mark[i] = n->output[k].len && onnx_same(n->output[k], want[w]);
        for (uint32_t k = 0; mark[i] && k < n->inputs; k++)
            want[count++] = n->input[k];
    }
    mem_free(want);
    return 0;
}

static int lower_nodes(onnx_lowering *s)
{
    char text[64];
    uint8_t *mark = mem_alloc(s->g->nodes, 1);
    int rc = mark ? mark_needed(s->g, mark) : ERR_MEM;
    for (s->index = 0; s->index < s->g->nodes && !rc; s->index++)
        if (mark[s->index])
            rc = lower_node(s, &s->g->node[s->index]);
    mem_free(mark);
    if (!rc && !onnx_same(s->current, s->g->output))
        rc = err_set(ERR_DATA, "output %s is not what the last node gives", onnx_text(s->g->output, text));
    return rc;
}

static int lower_input(onnx_lowering *s)
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
    if (!onnx_elements(s))
        return err_set(ERR_DATA, "input %s: it is too large", onnx_text(g->input, text));
    s->m->channels = s->dims == 3 ? s->dim[0] : 1;
    s->m->height = s->dims >= 2 ? s->dim[s->dims - 2] : 1;
    s->m->width = s->dim[s->dims - 1];
    s->current = g->input;
    s->positive = 1;
    s->room = ROOM + ROOM_PER_BYTE * (uint64_t)g->len;
    if (s->room > NN_MAX_WEIGHTS)
        s->room = NN_MAX_WEIGHTS;
    return 0;
}

/** identity_behind: a network that ends in ReLU gets a layer that changes nothing, so that argmax has weights before it. */
static int identity_behind(onnx_lowering *s)
{
    affine_builder b;
    nn_affine *a = &s->m->layer[s->m->layers];
    const uint32_t n = onnx_elements(s);
    affine_begin(&b, n, n, n);
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
    onnx_lowering s = {0};
    int rc = onnx_graph_parse(&s.g, bytes, len);

    *out = NULL;
    if (rc)
        return rc;
    rc = ERR_MEM;
    if (!(s.m = mem_alloc(1, sizeof *s.m)) || (rc = lower_input(&s)) || (rc = lower_nodes(&s)))
        goto out;
    if (!s.pending && s.m->layers && (rc = identity_behind(&s)))
        goto out;
    if (!s.pending || !s.weighted)
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
    const int standard = !strcmp(path, "-");
    FILE *f = standard ? stdin : fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t len = 0, room = 0;
    int rc = 0;

    *out = NULL;
    if (standard)
        path = "standard input";
    if (!f)
        return err_set(ERR_DATA, "%s: %s", path, strerror(errno));
    while (!rc && len == (bytes ? room : 0) && !(len && nn_sniff(bytes, len, NN_SNIFF_MODEL))) {
        room = !bytes ? 1 << 20 : 2 * room < MAX_FILE ? 2 * room : MAX_FILE + 1; /* one byte more, to see that there is none */
        uint8_t *more = len > MAX_FILE ? NULL : mem_alloc(1, room);
        if (len > MAX_FILE)
            rc = err_set(ERR_DATA, "%s: larger than 1 GiB", path);
        else if (!more)
            rc = err_set(ERR_MEM, "%s: out of memory", path);
        else if (len)
            memcpy(more, bytes, len);
        if (rc)
            break;
        mem_free(bytes);
        bytes = more;
        len += fread(bytes + len, 1, room - len, f);
    }
    if (!rc && ferror(f))
        rc = errno == EISDIR ? err_set(ERR_DATA, "%s: a folder; a model is one ONNX file (a SavedModel folder: tf2onnx --saved-model makes one)", path)
                             : err_set(ERR_DATA, "%s: %s", path, strerror(errno));
    if (!standard)
        fclose(f);
    if (!rc && (rc = nn_onnx_parse(out, bytes, len))) {
        const char *kind = nn_sniff(bytes, len, NN_SNIFF_MODEL);
        rc = kind && rc == ERR_DATA ? err_set(rc, "%s: not an ONNX model but %s", path, kind) : err_set(rc, "%s: %s", path, err_text());
    }
    mem_free(bytes);
    return rc;
}
