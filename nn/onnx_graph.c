// SPDX-License-Identifier: ISC
#include "nn/onnx_graph.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { TYPE_FLOAT = 1, TYPE_INT32 = 6, TYPE_INT64 = 7, TYPE_BOOL = 9, TYPE_DOUBLE = 11 };

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

/* ---- tensors ---- */

int onnx_tensor_new(onnx_tensor **out, int is_float, uint32_t dims, const int64_t *dim)
{
    uint64_t count = 1;
    *out = NULL;
    if (dims > ONNX_MAX_DIMS)
        return err_set(ERR_DATA, "a tensor has %u dimensions; at most %d are supported", dims, ONNX_MAX_DIMS);
    for (uint32_t i = 0; i < dims; i++) {
        if (dim[i] < 0 || (uint64_t)dim[i] > ONNX_MAX_COUNT || (dim[i] && count > ONNX_MAX_COUNT / (uint64_t)dim[i]))
            return err_set(ERR_DATA, "a tensor's dimension %u, %lld, is negative or too large", i, (long long)dim[i]);
        count *= (uint64_t)dim[i];
    }
    onnx_tensor *t = mem_alloc(1, sizeof *t);
    if (!t)
        return err_set(ERR_MEM, "out of memory for a tensor");
    t->dims = dims;
    for (uint32_t i = 0; i < dims; i++)
        t->dim[i] = dim[i];
    t->count = count;
    t->is_float = is_float;
    if (is_float)
        t->f = mem_alloc(count, sizeof *t->f);
    else
        t->i = mem_alloc(count, sizeof *t->i);
    if (!t->f && !t->i) {
        mem_free(t);
        return err_set(ERR_MEM, "out of memory for a tensor of %llu elements", (unsigned long long)count);
    }
    *out = t;
    return 0;
}

void onnx_tensor_free(onnx_tensor *t)
{
    if (!t)
        return;
    mem_free(t->f);
    mem_free(t->i);
    mem_free(t);
}

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static double double_of(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint64_t little(const uint8_t *p, unsigned bytes)
{
    uint64_t x = 0;
    for (unsigned i = 0; i < bytes; i++)
        x |= (uint64_t)p[i] << 8 * i;
    return x;
}

/** set: element i from its raw bits; 32-bit integers are sign-extended. */
static void set(onnx_tensor *t, uint64_t i, int64_t type, uint64_t bits)
{
    if (type == TYPE_FLOAT)
        t->f[i] = float_of((uint32_t)bits);
    else if (type == TYPE_DOUBLE)
        t->f[i] = (float)double_of(bits);
    else
        t->i[i] = type == TYPE_INT32 ? (int32_t)(uint32_t)bits : (int64_t)bits;
}

/** typed_data: elements from one occurrence of float_data, int32_data, int64_data or double_data, packed or not. */
static int typed_data(onnx_tensor *t, int64_t type, const uint8_t *file, const pb_field *f, uint64_t *filled)
{
    const unsigned width = type == TYPE_FLOAT ? 4 : type == TYPE_DOUBLE ? 8 : 0;
    uint64_t x;
    int rc = 1;

    if (f->wire != PB_BYTES) {
        if (*filled < t->count)
            set(t, *filled, type, f->value);
        ++*filled;
        return 0;
    }
    pb_reader r = pb_open(file, f->bytes);
    for (;;) {
        if (width) {
            if ((size_t)(r.end - r.at) < width)
                return r.at == r.end ? 0 : err_set(ERR_DATA, "malformed at byte %zu: tensor data", (size_t)(r.at - file));
            x = little(r.at, width);
            r.at += width;
        } else if ((rc = pb_varint(&r, &x)) <= 0) {
            return rc;
        }
        if (*filled < t->count)
            set(t, *filled, type, x);
        ++*filled;
    }
}

typedef struct {
    int64_t type, dim[ONNX_MAX_DIMS];
    uint32_t dims;
    pb_slice name, raw;
    int has_raw, external;
} tensor_head;

static int tensor_dim(tensor_head *h, uint64_t x)
{
    if (h->dims == ONNX_MAX_DIMS)
        return err_set(ERR_DATA, "a tensor has more than %d dimensions", ONNX_MAX_DIMS);
    h->dim[h->dims++] = (int64_t)x;
    return 0;
}

static int tensor_head_parse(tensor_head *h, const uint8_t *file, pb_slice message)
{
    pb_reader r = pb_open(file, message);
    pb_field f;
    int rc;

    memset(h, 0, sizeof *h);
    while ((rc = pb_next(&r, &f)) > 0) {
        if (f.number == 1 && f.wire == PB_BYTES) {
            pb_reader packed = pb_open(file, f.bytes);
            uint64_t x;
            while ((rc = pb_varint(&packed, &x)) > 0)
                if ((rc = tensor_dim(h, x)))
                    return rc;
            if (rc)
                return rc;
        } else if (f.number == 1 && (rc = tensor_dim(h, f.value))) {
            return rc;
        } else if (f.number == 2) {
            h->type = (int64_t)f.value;
        } else if (f.number == 8) {
            h->name = f.bytes;
        } else if (f.number == 9) {
            h->raw = f.bytes;
            h->has_raw = 1;
        } else if (f.number == 13 || (f.number == 14 && f.value == 1)) {
            h->external = 1;
        }
    }
    return rc;
}

int onnx_tensor_parse(onnx_tensor **out, const uint8_t *file, pb_slice message, pb_slice *name)
{
    tensor_head h;
    onnx_tensor *t = NULL;
    uint64_t filled = 0;
    char text[64];
    pb_field f;
    int rc = tensor_head_parse(&h, file, message);

    *out = NULL;
    if (rc)
        return rc;
    if (name)
        *name = h.name;
    if (h.external)
        return err_set(ERR_DATA, "tensor %s: external data is not supported", onnx_text(h.name, text));
    if (h.type != TYPE_FLOAT && h.type != TYPE_DOUBLE && h.type != TYPE_INT32 && h.type != TYPE_INT64)
        return err_set(ERR_DATA, "tensor %s: data type %lld is not supported", onnx_text(h.name, text), (long long)h.type);
    if ((rc = onnx_tensor_new(&t, h.type == TYPE_FLOAT || h.type == TYPE_DOUBLE, h.dims, h.dim)))
        return rc;
    if (h.has_raw) {
        const unsigned width = h.type == TYPE_FLOAT || h.type == TYPE_INT32 ? 4 : 8;
        for (; filled < t->count && (filled + 1) * width <= h.raw.len; filled++)
            set(t, filled, h.type, little(h.raw.p + filled * width, width));
        if (h.raw.len != t->count * width)
            filled = UINT64_MAX;
    } else {
        const uint32_t field = h.type == TYPE_FLOAT ? 4 : h.type == TYPE_INT32 ? 5 : h.type == TYPE_INT64 ? 7 : 10;
        pb_reader r = pb_open(file, message);
        while ((rc = pb_next(&r, &f)) > 0)
            if (f.number == field && (rc = typed_data(t, h.type, file, &f, &filled)))
                break;
    }
    if (!rc && filled != t->count)
        rc = err_set(ERR_DATA, "tensor %s: its data does not have the %llu elements of its shape", onnx_text(h.name, text),
                     (unsigned long long)t->count);
    if (rc) {
        onnx_tensor_free(t);
        return rc;
    }
    *out = t;
    return 0;
}

/* ---- the graph ---- */

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
    int rc = onnx_find(g, name) ? err_set(ERR_DATA, "value %s is defined twice", onnx_text(name, text))
                                : g->values >= 4 * ONNX_MAX_NODES ? err_set(ERR_DATA, "the graph has too many constants") : 0;
    if (!rc)
        rc = grow((void **)&g->value, &g->value_room, g->values, sizeof *g->value);
    if (rc)
        onnx_tensor_free(t);
    else
        g->value[g->values++] = (onnx_value){name, t};
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
        if (f.number == 1)
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

/** sub: the bytes of the last field `number` of a message: 1, 0 if there is none. */
static int sub(const onnx_graph *g, pb_slice message, uint32_t number, pb_slice *out)
{
    pb_reader r = pb_open(g->file, message);
    pb_field f;
    int rc, found = 0;
    while ((rc = pb_next(&r, &f)) > 0)
        if (f.number == number && f.wire == PB_BYTES) {
            *out = f.bytes;
            found = 1;
        }
    return rc ? rc : found;
}

/** parse_input: ValueInfoProto -> TypeProto -> Tensor -> TensorShapeProto -> dimensions. */
static int parse_input(onnx_graph *g, pb_slice message)
{
    pb_slice name = {NULL, 0}, type, tensor, shape, dim;
    char text[64];
    pb_field f;
    int rc = sub(g, message, 1, &name);

    if (rc < 0 || onnx_find(g, name))
        return rc < 0 ? rc : 0;
    if (g->input.len)
        return err_set(ERR_DATA, "input %s: the network has more than one data input", onnx_text(name, text));
    g->input = name;
    if ((rc = sub(g, message, 2, &type)) <= 0 || (rc = sub(g, type, 1, &tensor)) <= 0 || (rc = sub(g, tensor, 2, &shape)) <= 0)
        return rc ? rc : err_set(ERR_DATA, "input %s: it has no shape", onnx_text(name, text));
    pb_reader r = pb_open(g->file, shape);
    while ((rc = pb_next(&r, &f)) > 0) {
        if (f.number != 1 || f.wire != PB_BYTES)
            continue;
        if (g->input_dims == ONNX_MAX_DIMS)
            return err_set(ERR_DATA, "input %s: too many dimensions", onnx_text(name, text));
        int64_t *d = &g->input_dim[g->input_dims++];
        *d = -1;
        dim = f.bytes;
        pb_reader inner = pb_open(g->file, dim);
        pb_field v;
        while ((rc = pb_next(&inner, &v)) > 0)
            if (v.number == 1 && v.wire == PB_VARINT)
                *d = (int64_t)v.value;
        if (rc)
            return rc;
    }
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
                if (!(rc = onnx_tensor_parse(&t, g->file, f.bytes, &name)))
                    rc = onnx_define(g, name, t);
            } else if (pass == 0 && f.number == 15) {
                rc = err_set(ERR_DATA, "sparse initializers are not supported");
            } else if (pass == 1 && f.number == 11) {
                rc = parse_input(g, f.bytes);
            } else if (pass == 1 && f.number == 12) {
                pb_slice name = {NULL, 0};
                if (g->output.len)
                    return err_set(ERR_DATA, "the network has more than one output");
                rc = sub(g, f.bytes, 1, &name);
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
    return 0;
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

/* ---- attributes ---- */

/** attribute: the AttributeProto of this name: 1, 0 if there is none. */
static int attribute(const onnx_graph *g, const onnx_node *n, const char *name, pb_slice *out)
{
    for (uint32_t i = 0; i < n->attributes; i++) {
        pb_slice key = {NULL, 0};
        int rc = sub(g, n->attribute[i], 1, &key);
        if (rc < 0)
            return rc;
        if (onnx_is(key, name)) {
            *out = n->attribute[i];
            return 1;
        }
    }
    return 0;
}

/** attr_field: the last field `number` of the named attribute. */
static int attr_field(const onnx_graph *g, const onnx_node *n, const char *name, uint32_t number, uint8_t wire, pb_field *out)
{
    pb_slice a;
    pb_field f;
    int rc = attribute(g, n, name, &a), found = 0;
    if (rc <= 0)
        return rc;
    pb_reader r = pb_open(g->file, a);
    while ((rc = pb_next(&r, &f)) > 0)
        if (f.number == number && f.wire == wire) {
            *out = f;
            found = 1;
        }
    return rc ? rc : found ? 1 : number == 3 ? 2 : onnx_refuse(n, "an attribute has the wrong type");
}

int onnx_attr_int(const onnx_graph *g, const onnx_node *n, const char *name, int64_t *x)
{
    pb_field f = {.value = 0}; /* a zero may be left out of the file */
    int rc = attr_field(g, n, name, 3, PB_VARINT, &f);
    if (rc > 0)
        *x = (int64_t)f.value;
    return rc > 0 ? 1 : rc;
}

int onnx_attr_float(const onnx_graph *g, const onnx_node *n, const char *name, float *x)
{
    pb_field f;
    int rc = attr_field(g, n, name, 2, PB_FIXED32, &f);
    if (rc > 0)
        *x = float_of((uint32_t)f.value);
    return rc;
}

int onnx_attr_text(const onnx_graph *g, const onnx_node *n, const char *name, pb_slice *x)
{
    pb_field f;
    int rc = attr_field(g, n, name, 4, PB_BYTES, &f);
    if (rc > 0)
        *x = f.bytes;
    return rc;
}

int onnx_attr_ints(const onnx_graph *g, const onnx_node *n, const char *name, int64_t *x, uint32_t most, uint32_t *count)
{
    pb_slice a;
    pb_field f;
    int rc = attribute(g, n, name, &a);
    if (rc <= 0)
        return rc;
    *count = 0;
    pb_reader r = pb_open(g->file, a);
    while ((rc = pb_next(&r, &f)) > 0) {
        if (f.number != 8)
            continue;
        pb_reader packed = pb_open(g->file, f.bytes);
        uint64_t v = f.value;
        do {
            if (f.wire == PB_BYTES && (rc = pb_varint(&packed, &v)) <= 0)
                break;
            if (*count == most)
                return onnx_refuse(n, "a list attribute is too long");
            x[(*count)++] = (int64_t)v;
        } while (f.wire == PB_BYTES);
        if (rc < 0)
            return rc;
    }
    return rc ? rc : 1;
}

int onnx_attr_tensor(const onnx_graph *g, const onnx_node *n, const char *name, onnx_tensor **x)
{
    pb_field f;
    int rc = attr_field(g, n, name, 5, PB_BYTES, &f);
    if (rc <= 0)
        return rc;
    rc = onnx_tensor_parse(x, g->file, f.bytes, NULL);
    return rc ? rc : 1;
}
