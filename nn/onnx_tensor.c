// SPDX-License-Identifier: ISC
/* TensorProto and AttributeProto. */
#include <string.h>

#include "base/mem.h"
#include "nn/onnx_graph.h"

enum { TYPE_FLOAT = 1, TYPE_INT32 = 6, TYPE_INT64 = 7, TYPE_BOOL = 9, TYPE_DOUBLE = 11 };
enum { ATTR_FLOAT = 1, ATTR_INT = 2, ATTR_STRING = 3, ATTR_TENSOR = 4, ATTR_FLOATS = 6, ATTR_INTS = 7 };

/** count_of: elements of a tensor. */
static int count_of(uint32_t dims, const int64_t *dim, uint64_t *out)
{
    uint64_t count = *out = 1;
    if (dims > ONNX_MAX_DIMS)
        return err_set(ERR_DATA, "a tensor has %u dimensions; at most %d are supported", dims, ONNX_MAX_DIMS);
    for (uint32_t i = 0; i < dims; i++) {
        if (dim[i] < 0 || (uint64_t)dim[i] > ONNX_MAX_COUNT || (dim[i] && count > ONNX_MAX_COUNT / (uint64_t)dim[i]))
            return err_set(ERR_DATA, "a tensor's dimension %u, %lld, is negative or too large", i, (long long)dim[i]);
        count *= (uint64_t)dim[i];
    }
    *out = count;
    return 0;
}

int onnx_tensor_new(onnx_tensor **out, const onnx_graph *g, int is_float, uint32_t dims, const int64_t *dim)
{
    uint64_t count;
    int rc = count_of(dims, dim, &count);
    *out = NULL;
    if (rc)
        return rc;
    if (count > g->room - g->elements) /* memory is taken only for what the file's own size justifies */
        return err_set(ERR_DATA, "a tensor of %llu elements: the constants are too large for a file of %zu bytes", (unsigned long long)count, g->len);
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
    const uint8_t wire = type == TYPE_FLOAT ? PB_FIXED32 : type == TYPE_DOUBLE ? PB_FIXED64 : PB_VARINT;
    uint64_t x;
    int rc = 1;

    if (f->wire != PB_BYTES) {
        if (f->wire != wire)
            return err_set(ERR_DATA, "tensor data has wire type %u, not %u", f->wire, wire);
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

int onnx_tensor_parse(onnx_tensor **out, const onnx_graph *g, pb_slice message, pb_slice *name)
{
    const uint8_t *file = g->file;
    tensor_head h;
    onnx_tensor *t = NULL;
    uint64_t filled = 0, count;
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
    if (h.type != TYPE_FLOAT && h.type != TYPE_DOUBLE && h.type != TYPE_INT32 && h.type != TYPE_INT64 && h.type != TYPE_BOOL)
        return err_set(ERR_DATA, "tensor %s: data type %lld is not supported", onnx_text(h.name, text), (long long)h.type);
    /* memory is taken only for what the file can hold: an element has at least a byte */
    if ((rc = count_of(h.dims, h.dim, &count)))
        return rc;
    if (count > message.len)
        return err_set(ERR_DATA, "tensor %s: its data does not have the %llu elements of its shape", onnx_text(h.name, text),
                       (unsigned long long)count);
    if ((rc = onnx_tensor_new(&t, g, h.type == TYPE_FLOAT || h.type == TYPE_DOUBLE, h.dims, h.dim)))
        return rc;
    if (h.has_raw) {
        const unsigned width = h.type == TYPE_BOOL ? 1 : h.type == TYPE_FLOAT || h.type == TYPE_INT32 ? 4 : 8;
        for (; filled < t->count && (filled + 1) * width <= h.raw.len; filled++)
            set(t, filled, h.type, little(h.raw.p + filled * width, width));
        if (h.raw.len != t->count * width)
            filled = UINT64_MAX;
    } else {
        const uint32_t field = h.type == TYPE_FLOAT ? 4 : h.type == TYPE_INT32 || h.type == TYPE_BOOL ? 5 : h.type == TYPE_INT64 ? 7 : 10;
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

/** attribute: the AttributeProto of this name: 1, 0 if there is none. */
static int attribute(const onnx_graph *g, const onnx_node *n, const char *name, pb_slice *out)
{
    for (uint32_t i = 0; i < n->attributes; i++) {
        pb_field key;
        int rc = pb_last(g->file, n->attribute[i], 1, PB_BYTES, &key);
        if (rc < 0)
            return rc;
        if (rc && onnx_is(key.bytes, name)) {
            *out = n->attribute[i];
            return 1;
        }
    }
    return 0;
}

/** typed: the AttributeProto of this name, of this type; files before IR 3 do not say a type. */
static int typed(const onnx_graph *g, const onnx_node *n, const char *name, uint64_t type, pb_slice *out)
{
    pb_field f = {.value = type};
    int rc = attribute(g, n, name, out);
    if (rc <= 0)
        return rc;
    if ((rc = pb_last(g->file, *out, 20, PB_VARINT, &f)) < 0)
        return rc;
    return f.value == type ? 1 : onnx_refuse(n, "an attribute has the wrong type");
}

/** attr_field: the named attribute's value, field `number`; zero if the file leaves it out. */
static int attr_field(const onnx_graph *g, const onnx_node *n, const char *name, uint64_t type, uint32_t number, uint8_t wire, pb_field *out)
{
    pb_slice a;
    int rc = typed(g, n, name, type, &a);
    memset(out, 0, sizeof *out);
    if (rc <= 0)
        return rc;
    rc = pb_last(g->file, a, number, wire, out);
    return rc < 0 ? rc : 1;
}

int onnx_attr_int(const onnx_graph *g, const onnx_node *n, const char *name, int64_t *x)
{
    pb_field f;
    int rc = attr_field(g, n, name, ATTR_INT, 3, PB_VARINT, &f);
    if (rc > 0)
        *x = (int64_t)f.value;
    return rc;
}

int onnx_attr_float(const onnx_graph *g, const onnx_node *n, const char *name, float *x)
{
    pb_field f;
    int rc = attr_field(g, n, name, ATTR_FLOAT, 2, PB_FIXED32, &f);
    if (rc > 0)
        *x = float_of((uint32_t)f.value);
    return rc;
}

int onnx_attr_text(const onnx_graph *g, const onnx_node *n, const char *name, pb_slice *x)
{
    pb_field f;
    int rc = attr_field(g, n, name, ATTR_STRING, 4, PB_BYTES, &f);
    if (rc > 0)
        *x = f.bytes;
    return rc;
}

int onnx_attr_ints(const onnx_graph *g, const onnx_node *n, const char *name, int64_t *x, uint32_t most, uint32_t *count)
{
    pb_slice a;
    pb_field f;
    int rc = typed(g, n, name, ATTR_INTS, &a);
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

int onnx_attr_floats(const onnx_graph *g, const onnx_node *n, const char *name, onnx_tensor **x)
{
    pb_slice a;
    uint64_t filled = 0;
    pb_field f;
    int rc = typed(g, n, name, ATTR_FLOATS, &a);
    *x = NULL;
    if (rc <= 0)
        return rc;
    for (int pass = 0; pass < 2; pass++) { /* count, then read: typed_data passes over what has no room */
        onnx_tensor none = {.count = 0};
        pb_reader r = pb_open(g->file, a);
        const int64_t dim = (int64_t)filled;
        if (pass && (rc = onnx_tensor_new(x, g, 1, 1, &dim)))
            return rc;
        filled = 0;
        while ((rc = pb_next(&r, &f)) > 0)
            if (f.number == 7 && (rc = typed_data(pass ? *x : &none, TYPE_FLOAT, g->file, &f, &filled)))
                break;
        if (rc) {
            onnx_tensor_free(*x);
            *x = NULL;
            return rc;
        }
    }
    return 1;
}

int onnx_attr_tensor(const onnx_graph *g, const onnx_node *n, const char *name, onnx_tensor **x)
{
    pb_field f;
    int rc = attr_field(g, n, name, ATTR_TENSOR, 5, PB_BYTES, &f);
    if (rc <= 0)
        return rc;
    rc = onnx_tensor_parse(x, g, f.bytes, NULL);
    return rc ? rc : 1;
}
