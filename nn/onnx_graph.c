// SPDX-License-Identifier: ISC
#include "nn/onnx_graph.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

int onnx_is(pb_slice s, const char *text) { return s.len == strlen(text) && !memcmp(s.p, text, s.len); }
int onnx_same(pb_slice a, pb_slice b) { return a.len == b.len && (!a.len || !memcmp(a.p, b.p, a.len)); }

const char *onnx_text(pb_slice s, char buf[64])
{
    size_t n = s.len < 63 ? s.len : 63;
    for (size_t i = 0; i < n; i++)
        buf[i] = s.p[i] < 32 || s.p[i] > 126 ? '?' : (char)s.p[i];
    buf[n] = 0;
    return buf;
}

int onnx_refuse(const onnx_node *n, const char *why)
{
    char name[64], op[64];
    return err_set(ERR_DATA, "node %s: operator %s: %s", onnx_text(n->name.len ? n->name : n->outputs ? n->output[0] : n->name, name),
                   onnx_text(n->op, op), why);
}

static int grow(void **array, uint32_t *room, uint32_t used, size_t size)
{
    if (used < *room)
        return 0;
    uint32_t more = *room ? 2 * *room : 64;
    void *p = mem_alloc(more, size);
    if (!p)
        return err_set(ERR_MEM, "out of memory for the graph");
    if (used)
        memcpy(p, *array, used * size);
    mem_free(*array);
    *array = p;
    *room = more;
    return 0;
}

onnx_tensor *onnx_find(const onnx_graph *g, pb_slice name)
{
    for (uint32_t i = 0; i < g->values; i++)
        if (onnx_same(g->value[i].name, name))
            return g->value[i].t;
    return NULL;
}

int onnx_define(onnx_graph *g, pb_slice name, onnx_tensor *t)
{
    char text[64];
    int rc = 0;
    if (name.len > ONNX_MAX_NAME)
        rc = err_set(ERR_DATA, "value %s: its name is longer than %d bytes", onnx_text(name, text), ONNX_MAX_NAME);
    else if (onnx_find(g, name))
        rc = err_set(ERR_DATA, "value %s is defined twice", onnx_text(name, text));
    else if (g->values >= 4 * ONNX_MAX_NODES || t->count > g->room - g->elements)
        rc = err_set(ERR_DATA, "value %s: the constants of the graph are too many or too large", onnx_text(name, text));
    if (!rc)
        rc = grow((void **)&g->value, &g->value_room, g->values, sizeof *g->value);
    if (rc)
        onnx_tensor_free(t);
    else {
        g->elements += t->count;
        g->value[g->values++] = (onnx_value){name, t};
    }
    return rc;
}

static int add_slice(pb_slice *list, uint32_t *count, pb_slice s, const onnx_node *n)
{
    if (*count == ONNX_MAX_INPUTS)
        return onnx_refuse(n, "too many inputs, outputs or attributes");
    list[(*count)++] = s;
    return 0;
}

static int parse_node(onnx_graph *g, pb_slice message)
{
    pb_reader r = pb_open(g->file, message);
    pb_field f;
    int rc;

    if (g->nodes == ONNX_MAX_NODES)
        return err_set(ERR_DATA, "the graph has more than %d nodes", ONNX_MAX_NODES);
    if ((rc = grow((void **)&g->node, &g->node_room, g->nodes, sizeof *g->node)))
        return rc;
    onnx_node *n = &g->node[g->nodes++];
    while ((rc = pb_next(&r, &f)) > 0) {
        rc = 0;
        if ((f.number == 1 || f.number == 2) && f.bytes.len > ONNX_MAX_NAME)
            rc = onnx_refuse(n, "the name of an operand is too long");
        else if (f.number == 1)
            rc = add_slice(n->input, &n->inputs, f.bytes, n);
        else if (f.number == 2)
            rc = add_slice(n->output, &n->outputs, f.bytes, n);
        else if (f.number == 3)
            n->name = f.bytes;
        else if (f.number == 4)
            n->op = f.bytes;
        else if (f.number == 5)
            rc = add_slice(n->attribute, &n->attributes, f.bytes, n);
        else if (f.number == 7)
            n->domain = f.bytes;
        if (rc)
            return rc;
    }
    return rc;
}

/** bytes_of: the last field `number` of a message; empty if there is none. */
static int bytes_of(const onnx_graph *g, pb_slice message, uint32_t number, pb_slice *out)
{
    pb_field f = {.bytes = {NULL, 0}};
    const int rc = pb_last(g->file, message, number, PB_BYTES, &f);
    *out = f.bytes;
    return rc;
}

static int parse_shape(onnx_graph *g, pb_slice shape)
{
    char text[64];
    pb_reader r = pb_open(g->file, shape);
    pb_field f, v;
    int rc;
    while ((rc = pb_next(&r, &f)) > 0) {
        if (f.number != 1 || f.wire != PB_BYTES)
            continue;
        if (g->input_dims == ONNX_MAX_DIMS)
            return err_set(ERR_DATA, "input %s: too many dimensions", onnx_text(g->input, text));
        v.value = UINT64_MAX; /* a symbol or nothing */
        if ((rc = pb_last(g->file, f.bytes, 1, PB_VARINT, &v)) < 0)
            return rc;
        g->input_dim[g->input_dims++] = (int64_t)v.value;
    }
    return rc;
}

/** parse_input: ValueInfoProto -> TypeProto -> Tensor -> element type and TensorShapeProto. */
static int parse_input(onnx_graph *g, pb_slice message)
{
    pb_slice name, type, tensor, shape;
    char text[64];
    pb_field element = {.value = 0};
    int rc = bytes_of(g, message, 1, &name);

    if (rc < 0 || onnx_find(g, name))
        return rc < 0 ? rc : 0;
    if (!name.len || name.len > ONNX_MAX_NAME)
        return err_set(ERR_DATA, "an input has no name, or one longer than %d bytes", ONNX_MAX_NAME);
    if (g->input.len)
        return err_set(ERR_DATA, "input %s: the network has more than one data input", onnx_text(name, text));
    g->input = name;
    if ((rc = bytes_of(g, message, 2, &type)) <= 0 || (rc = bytes_of(g, type, 1, &tensor)) <= 0 ||
        (rc = bytes_of(g, tensor, 2, &shape)) <= 0)
        return rc ? rc : err_set(ERR_DATA, "input %s: it has no shape", onnx_text(name, text));
    if ((rc = pb_last(g->file, tensor, 1, PB_VARINT, &element)) < 0)
        return rc;
    if (element.value != 1)
        return err_set(ERR_DATA, "input %s: element type %llu is not supported (1, float, is)", onnx_text(name, text),
                       (unsigned long long)element.value);
    return parse_shape(g, shape);
}

static int by_name(const void *a, const void *b)
{
    const pb_slice *x = a, *y = b;
    if (x->len != y->len)
        return x->len < y->len ? -1 : 1;
    return x->len ? memcmp(x->p, y->p, x->len) : 0;
}

/** check_names: every value is defined once, as the input or by one node (constants: see onnx_define). */
static int check_names(const onnx_graph *g)
{
    char text[64];
    size_t count = 1, room = 1;
    int rc = 0;
    for (uint32_t i = 0; i < g->nodes; i++)
        room += g->node[i].outputs;
    pb_slice *all = mem_alloc(room, sizeof *all);
    if (!all)
        return err_set(ERR_MEM, "out of memory for the graph");
    all[0] = g->input;
    for (uint32_t i = 0; i < g->nodes; i++)
        for (uint32_t k = 0; k < g->node[i].outputs; k++)
            if (g->node[i].output[k].len) {
                all[count++] = g->node[i].output[k];
                if (onnx_find(g, g->node[i].output[k]))
                    rc = err_set(ERR_DATA, "value %s is defined twice", onnx_text(g->node[i].output[k], text));
            }
    qsort(all, count, sizeof *all, by_name);
    for (size_t i = 1; i < count && !rc; i++)
        if (onnx_same(all[i - 1], all[i]))
            rc = err_set(ERR_DATA, "value %s is defined twice", onnx_text(all[i], text));
    mem_free(all);
    return rc;
}

static int parse_graph(onnx_graph *g, pb_slice message)
{
    for (uint32_t pass = 0; pass < 2; pass++) { /* constants first: old files list them among the inputs */
        pb_reader r = pb_open(g->file, message);
        pb_field f;
        int rc;
        while ((rc = pb_next(&r, &f)) > 0) {
            rc = 0;
            if (pass == 0 && f.number == 1) {
                rc = parse_node(g, f.bytes);
            } else if (pass == 0 && f.number == 5) {
                onnx_tensor *t;
                pb_slice name;
                if (!(rc = onnx_tensor_parse(&t, g, f.bytes, &name)))
                    rc = onnx_define(g, name, t);
            } else if (pass == 0 && f.number == 15) {
                rc = err_set(ERR_DATA, "sparse initializers are not supported");
            } else if (pass == 1 && f.number == 11) {
                rc = parse_input(g, f.bytes);
            } else if (pass == 1 && f.number == 12) {
                pb_slice name = {NULL, 0};
                if (g->output.len)
                    return err_set(ERR_DATA, "the network has more than one output");
                rc = bytes_of(g, f.bytes, 1, &name);
                rc = rc < 0 ? rc : 0;
                g->output = name;
            }
            if (rc)
                return rc;
        }
        if (rc)
            return rc;
    }
    if (!g->input.len || !g->output.len)
        return err_set(ERR_DATA, "the graph has no %s", g->input.len ? "output" : "data input");
    return check_names(g);
}

static int parse_opset(onnx_graph *g, pb_slice message)
{
    pb_reader r = pb_open(g->file, message);
    pb_slice domain = {NULL, 0};
    uint64_t version = 0;
    pb_field f;
    int rc;

    while ((rc = pb_next(&r, &f)) > 0) {
        if (f.number == 1)
            domain = f.bytes;
        if (f.number == 2)
            version = f.value;
    }
    if (rc)
        return rc;
    if (!domain.len || onnx_is(domain, "ai.onnx")) {
        if (version < 7 || version > 21)
            return err_set(ERR_DATA, "opset %llu is not supported (7 to 21 are)", (unsigned long long)version);
        g->opset = (int64_t)version;
    }
    return 0;
}

int onnx_graph_parse(onnx_graph **out, const uint8_t *bytes, size_t len)
{
    pb_slice graph = {NULL, 0};
    pb_reader r = pb_open(bytes, (pb_slice){bytes, len});
    pb_field f;
    int rc;

    *out = NULL;
    onnx_graph *g = mem_alloc(1, sizeof *g);
    if (!g)
        return err_set(ERR_MEM, "out of memory for the graph");
    g->file = bytes;
    g->len = len;
    g->room = 4 * (uint64_t)len + 4096;
    while ((rc = pb_next(&r, &f)) > 0) {
        rc = 0;
        if (f.number == 7 && f.wire == PB_BYTES)
            graph = f.bytes;
        if (f.number == 8 && f.wire == PB_BYTES)
            rc = parse_opset(g, f.bytes);
        if (rc)
            break;
    }
    if (!rc && !graph.p)
        rc = err_set(ERR_DATA, "not an ONNX model: it has no graph");
    if (!rc && !g->opset)
        rc = err_set(ERR_DATA, "the model names no opset");
    if (!rc)
        rc = parse_graph(g, graph);
    if (rc) {
        onnx_graph_free(g);
        return rc;
    }
    *out = g;
    return 0;
}

void onnx_graph_free(onnx_graph *g)
{
    if (!g)
        return;
    for (uint32_t i = 0; i < g->values; i++)
        onnx_tensor_free(g->value[i].t);
    mem_free(g->value);
    mem_free(g->node);
    mem_free(g);
}
