// SPDX-License-Identifier: ISC
/* Constants computed from constants: what exporters leave behind for pads and shapes. */
#include <string.h>

#include "nn/onnx_graph.h"

static void copy_element(onnx_tensor *to, uint64_t i, const onnx_tensor *from, uint64_t j)
{
    if (to->is_float)
        to->f[i] = from->f[j];
    else
        to->i[i] = from->i[j];
}

static int copy_as(const onnx_graph *g, onnx_tensor **out, const onnx_tensor *t, uint32_t dims, const int64_t *dim)
{
    int rc = onnx_tensor_new(out, g, t->is_float, dims, dim);
    for (uint64_t i = 0; !rc && i < t->count; i++)
        copy_element(*out, i, t, i);
    return rc;
}

static int fold_constant(const onnx_graph *g, const onnx_node *n, onnx_tensor **out)
{
    static const int64_t none[1] = {0};
    int64_t list[64], x = 0;
    uint32_t count;
    float f;
    int rc = onnx_attr_tensor(g, n, "value", out);
    if (rc)
        return rc < 0 ? rc : 0;
    if ((rc = onnx_attr_float(g, n, "value_float", &f)) > 0) {
        if (!(rc = onnx_tensor_new(out, g, 1, 0, none)))
            (*out)->f[0] = f;
        return rc;
    }
    if (rc < 0)
        return rc;
    if ((rc = onnx_attr_int(g, n, "value_int", &x)) > 0) {
        if (!(rc = onnx_tensor_new(out, g, 0, 0, none)))
            (*out)->i[0] = x;
        return rc;
    }
    if (rc < 0 || (rc = onnx_attr_floats(g, n, "value_floats", out)))
        return rc < 0 ? rc : 0;
    if ((rc = onnx_attr_ints(g, n, "value_ints", list, 64, &count)) < 0)
        return rc;
    if (!rc)
        return onnx_refuse(n, "this kind of value is not supported");
    const int64_t dim = count;
    if (!(rc = onnx_tensor_new(out, g, 0, 1, &dim)))
        memcpy((*out)->i, list, count * sizeof *list);
    return rc;
}

static int fold_fill(const onnx_graph *g, const onnx_node *n, const onnx_tensor *shape, onnx_tensor **out)
{
    onnx_tensor *value = NULL;
    int rc = shape->is_float || shape->dims != 1 || shape->count > ONNX_MAX_DIMS ? onnx_refuse(n, "its shape is not a list of integers")
                                                                                : onnx_attr_tensor(g, n, "value", &value);
    if (rc < 0)
        return rc;
    if (value && value->count != 1)
        rc = onnx_refuse(n, "its value is not one element");
    else
        rc = onnx_tensor_new(out, g, !value || value->is_float, (uint32_t)shape->count, shape->i);
    for (uint64_t i = 0; !rc && value && i < (*out)->count; i++)
        copy_element(*out, i, value, 0);
    onnx_tensor_free(value);
    return rc;
}

static int axis_of(const onnx_node *n, int64_t axis, uint32_t dims, uint32_t *out)
{
    *out = 0;
    if (axis < 0)
        axis += dims;
    if (axis < 0 || axis >= dims)
        return onnx_refuse(n, "an axis is out of range");
    *out = (uint32_t)axis;
    return 0;
}

static int fold_concat(const onnx_graph *g, const onnx_node *n, onnx_tensor *const *in, onnx_tensor **out)
{
    int64_t axis = 0, dim[ONNX_MAX_DIMS];
    uint32_t a;
    int rc = onnx_attr_int(g, n, "axis", &axis);
    if (rc < 0 || (rc = axis_of(n, axis, in[0]->dims, &a)))
        return rc;
    memcpy(dim, in[0]->dim, sizeof dim);
    for (uint32_t k = 1; k < n->inputs; k++) {
        if (!in[k] || in[k]->dims != in[0]->dims || in[k]->is_float != in[0]->is_float)
            return onnx_refuse(n, "its inputs do not fit together");
        for (uint32_t d = 0; d < in[0]->dims; d++)
            if (d != a && in[k]->dim[d] != dim[d])
                return onnx_refuse(n, "its inputs do not fit together");
        dim[a] += in[k]->dim[a];
    }
    if ((rc = onnx_tensor_new(out, g, in[0]->is_float, in[0]->dims, dim)))
        return rc;
    uint64_t outer = 1, inner = 1, at = 0;
    for (uint32_t d = 0; d < a; d++)
        outer *= (uint64_t)dim[d];
    for (uint32_t d = a + 1; d < in[0]->dims; d++)
        inner *= (uint64_t)dim[d];
    for (uint64_t o = 0; o < outer; o++)
        for (uint32_t k = 0; k < n->inputs; k++) {
            const uint64_t run = (uint64_t)in[k]->dim[a] * inner;
            for (uint64_t i = 0; i < run; i++)
                copy_element(*out, at++, in[k], o * run + i);
        }
    return 0;
}

static int fold_reshape(const onnx_graph *g, const onnx_node *n, const onnx_tensor *t, const onnx_tensor *shape, onnx_tensor **out)
{
    int64_t dim[ONNX_MAX_DIMS], zero = 0;
    int infer = -1, rc;
    uint64_t rest = 1;

    if ((rc = onnx_attr_int(g, n, "allowzero", &zero)) < 0)
        return rc;
    if (shape->is_float || shape->dims > 1 || shape->count > ONNX_MAX_DIMS)
        return onnx_refuse(n, "its shape is not a list of integers");
    for (uint32_t d = 0; d < shape->count; d++) {
        dim[d] = shape->i[d] == 0 && !zero && d < t->dims ? t->dim[d] : shape->i[d];
        if (dim[d] == -1 && infer < 0)
            infer = (int)d;
        else if (dim[d] < 0 || (uint64_t)dim[d] > ONNX_MAX_COUNT || (rest *= (uint64_t)dim[d]) > ONNX_MAX_COUNT)
            return onnx_refuse(n, "its shape is out of range");
    }
    if (infer >= 0)
        dim[infer] = rest ? (int64_t)(t->count / rest) : 0;
    if ((infer >= 0 ? rest * (uint64_t)dim[infer] : rest) != t->count)
        return onnx_refuse(n, "its shape does not have as many elements as its input");
    return copy_as(g, out, t, (uint32_t)shape->count, dim);
}

/** clamp_slice: [start, end) step of one axis as ONNX clamps them, without overflow; *count elements. */
static void clamp_slice(int64_t size, int64_t *start, int64_t end, int64_t step, int64_t *count)
{
    const int64_t low[2] = {0, step > 0 ? 0 : -1}, high = step > 0 ? size : size - 1;
    int64_t *x[2] = {start, &end};
    *count = 0;
    if (!size) /* backwards, there would be no first element to clamp to */
        return;
    for (int i = 0; i < 2; i++) {
        if (*x[i] < 0)
            *x[i] = *x[i] < -size ? low[i] : *x[i] + size; /* far below zero: the low end */
        if (*x[i] > high)
            *x[i] = high;
    }
    if (step > 0)
        *count = end > *start ? (end - *start - 1) / step + 1 : 0;
    else
        *count = *start > end ? (*start - end - 1) / (step == INT64_MIN ? INT64_MAX : -step) + 1 : 0;
}

static int small_list(const onnx_node *n, const onnx_tensor *t, int64_t *x, uint32_t *count)
{
    if (t->is_float || t->dims > 1 || t->count > ONNX_MAX_DIMS)
        return onnx_refuse(n, "starts, ends, axes and steps must be short lists of integers");
    *count = (uint32_t)t->count;
    memcpy(x, t->i, t->count * sizeof *x);
    return 0;
}

static int fold_slice(const onnx_graph *g, const onnx_node *n, onnx_tensor *const *in, onnx_tensor **out)
{
    enum { START, END, AXIS, STEP, LISTS };
    static const char *const attr[LISTS] = {"starts", "ends", "axes", NULL};
    const onnx_tensor *t = in[0];
    int64_t list[LISTS][ONNX_MAX_DIMS], start[ONNX_MAX_DIMS], step[ONNX_MAX_DIMS], dim[ONNX_MAX_DIMS], at[ONNX_MAX_DIMS] = {0};
    uint32_t count[LISTS] = {0};
    int rc = 0;

    for (int k = 0; k < LISTS && !rc; k++) {
        if (g->opset >= 10 && (uint32_t)k + 1 < n->inputs && in[k + 1])
            rc = small_list(n, in[k + 1], list[k], &count[k]);
        else if (g->opset < 10 && attr[k])
            rc = (rc = onnx_attr_ints(g, n, attr[k], list[k], ONNX_MAX_DIMS, &count[k])) < 0 ? rc : 0;
    }
    if (rc)
        return rc;
    if (!count[START] || count[END] != count[START] || (count[AXIS] && count[AXIS] != count[START]) ||
        (count[STEP] && count[STEP] != count[START]) || count[START] > t->dims)
        return onnx_refuse(n, "starts, ends, axes and steps do not fit together");
    for (uint32_t d = 0; d < t->dims; d++) {
        start[d] = 0;
        step[d] = 1;
        dim[d] = t->dim[d];
    }
    for (uint32_t k = 0; k < count[START]; k++) {
        uint32_t a;
        if ((rc = axis_of(n, count[AXIS] ? list[AXIS][k] : (int64_t)k, t->dims, &a)))
            return rc;
        start[a] = list[START][k];
        step[a] = count[STEP] ? list[STEP][k] : 1;
        if (!step[a])
            return onnx_refuse(n, "a step is zero");
        clamp_slice(t->dim[a], &start[a], list[END][k], step[a], &dim[a]);
    }
    if ((rc = onnx_tensor_new(out, g, t->is_float, t->dims, dim)))
        return rc;
    for (uint64_t i = 0; i < (*out)->count; i++) {
        uint64_t from = 0;
        for (uint32_t d = 0; d < t->dims; d++)
            from = from * (uint64_t)t->dim[d] + (uint64_t)(start[d] + at[d] * step[d]);
        copy_element(*out, i, t, from);
        for (uint32_t d = t->dims; d-- > 0 && ++at[d] == dim[d];)
            at[d] = 0;
    }
    return 0;
}

static int fold_transpose(const onnx_graph *g, const onnx_node *n, const onnx_tensor *t, onnx_tensor **out)
{
    int64_t perm[ONNX_MAX_DIMS], dim[ONNX_MAX_DIMS], at[ONNX_MAX_DIMS] = {0};
    uint32_t count = 0, seen = 0;
    int rc = onnx_attr_ints(g, n, "perm", perm, ONNX_MAX_DIMS, &count);
    if (rc < 0)
        return rc;
    if (!rc)
        for (count = 0; count < t->dims; count++)
            perm[count] = t->dims - 1 - count;
    if (count != t->dims)
        return onnx_refuse(n, "perm is not a permutation of the axes");
    for (uint32_t d = 0; d < count; d++) {
        if (perm[d] < 0 || perm[d] >= t->dims || seen >> perm[d] & 1)
            return onnx_refuse(n, "perm is not a permutation of the axes");
        seen |= 1u << perm[d];
        dim[d] = t->dim[perm[d]];
    }
    if ((rc = onnx_tensor_new(out, g, t->is_float, t->dims, dim)))
        return rc;
    for (uint64_t i = 0; i < (*out)->count; i++) {
        int64_t where[ONNX_MAX_DIMS] = {0};
        uint64_t from = 0;
        for (uint32_t d = 0; d < t->dims; d++)
            where[perm[d]] = at[d];
        for (uint32_t d = 0; d < t->dims; d++)
            from = from * (uint64_t)t->dim[d] + (uint64_t)where[d];
        copy_element(*out, i, t, from);
        for (uint32_t d = t->dims; d-- > 0 && ++at[d] == dim[d];)
            at[d] = 0;
    }
    return 0;
}

/** fold_axes: Unsqueeze and Squeeze; their axes are an input from opset 13 on. */
static int fold_axes(const onnx_graph *g, const onnx_node *n, onnx_tensor *const *in, onnx_tensor **out)
{
    const int more = onnx_is(n->op, "Unsqueeze");
    const onnx_tensor *t = in[0];
    int64_t axes[ONNX_MAX_DIMS], dim[ONNX_MAX_DIMS];
    uint32_t count = 0, marked = 0, dims = 0, axis, from = 0;
    int rc = 0;

    if (g->opset < 13)
        rc = onnx_attr_ints(g, n, "axes", axes, ONNX_MAX_DIMS, &count);
    else if (n->inputs > 1 && in[1])
        rc = small_list(n, in[1], axes, &count);
    if (rc < 0)
        return rc;
    const uint32_t rank = more ? t->dims + count : t->dims;
    if (rank > ONNX_MAX_DIMS)
        return onnx_refuse(n, "its result has too many axes");
    for (uint32_t k = 0; k < count; k++) {
        if ((rc = axis_of(n, axes[k], rank, &axis)))
            return rc;
        if (marked >> axis & 1 || (!more && t->dim[axis] != 1))
            return onnx_refuse(n, "its axes do not fit its input");
        marked |= 1u << axis;
    }
    for (uint32_t d = 0; !more && !count && d < rank; d++) /* Squeeze: all there are */
        marked |= (uint32_t)(t->dim[d] == 1) << d;
    for (uint32_t d = 0; d < rank; d++)
        if (more)
            dim[dims++] = marked >> d & 1 ? 1 : t->dim[from++];
        else if (!(marked >> d & 1))
            dim[dims++] = t->dim[d];
    return copy_as(g, out, t, dims, dim);
}

/** fold_gather: elements of a list. */
static int fold_gather(const onnx_graph *g, const onnx_node *n, onnx_tensor *const *in, onnx_tensor **out)
{
    int64_t axis = 0;
    int rc = onnx_attr_int(g, n, "axis", &axis);
    if (rc < 0)
        return rc;
    if (n->inputs != 2 || !in[1] || in[1]->is_float || in[0]->dims != 1 || (axis != 0 && axis != -1))
        return onnx_refuse(n, "on constants it is supported for one axis only");
    if ((rc = onnx_tensor_new(out, g, in[0]->is_float, in[1]->dims, in[1]->dim)))
        return rc;
    for (uint64_t i = 0; i < in[1]->count; i++) {
        const int64_t at = in[1]->i[i] < 0 ? in[1]->i[i] + in[0]->dim[0] : in[1]->i[i];
        if (at < 0 || at >= in[0]->dim[0]) {
            onnx_tensor_free(*out);
            *out = NULL;
            return onnx_refuse(n, "an index is out of range");
        }
        copy_element(*out, i, in[0], (uint64_t)at);
    }
    return 0;
}

static int fold_shape(const onnx_graph *g, const onnx_node *n, const onnx_tensor *t, onnx_tensor **out)
{
    int64_t from = 0, to = t->dims;
    const int64_t dims = t->dims;
    int rc = onnx_attr_int(g, n, "start", &from);
    if (rc < 0 || (rc = onnx_attr_int(g, n, "end", &to)) < 0)
        return rc;
    if (from || to != dims)
        return onnx_refuse(n, "start and end are not supported");
    if (!(rc = onnx_tensor_new(out, g, 0, 1, &dims)))
        memcpy((*out)->i, t->dim, t->dims * sizeof *t->dim);
    return rc;
}

static int fold_cast(const onnx_graph *g, const onnx_node *n, const onnx_tensor *t, onnx_tensor **out)
{
    int64_t to = 0;
    int rc = onnx_attr_int(g, n, "to", &to);
    if (rc < 0)
        return rc;
    const int is_float = to == 1 || to == 11;
    if (!is_float && to != 6 && to != 7)
        return onnx_refuse(n, "it casts to a type that is not supported");
    if ((rc = onnx_tensor_new(out, g, is_float, t->dims, t->dim)))
        return rc;
    for (uint64_t i = 0; i < t->count; i++) {
        if (is_float)
            (*out)->f[i] = t->is_float ? t->f[i] : (float)t->i[i];
        else if (!t->is_float)
            (*out)->i[i] = to == 6 ? (int32_t)(uint32_t)(uint64_t)t->i[i] : t->i[i];
        else if (to == 6 ? t->f[i] >= -0x1p31f && t->f[i] < 0x1p31f : t->f[i] >= -0x1p63f && t->f[i] < 0x1p63f)
            (*out)->i[i] = (int64_t)t->f[i];
        else
            return onnx_tensor_free(*out), *out = NULL, onnx_refuse(n, "it casts a number that no integer holds");
    }
    return 0;
}

int onnx_fold(onnx_graph *g, const onnx_node *n)
{
    onnx_tensor *in[ONNX_MAX_INPUTS] = {NULL}, *t = NULL;
    int rc;

    if (onnx_is(n->op, "Constant")) {
        rc = fold_constant(g, n, &t);
    } else {
        for (uint32_t k = 0; k < n->inputs; k++)
            if (n->input[k].len && !(in[k] = onnx_find(g, n->input[k])))
                return 0;
        if (!n->inputs || !in[0])
            return 0;
        if (onnx_is(n->op, "Identity"))
            rc = copy_as(g, &t, in[0], in[0]->dims, in[0]->dim);
        else if (onnx_is(n->op, "ConstantOfShape"))
            rc = fold_fill(g, n, in[0], &t);
        else if (onnx_is(n->op, "Concat"))
            rc = fold_concat(g, n, in, &t);
        else if (onnx_is(n->op, "Reshape") && n->inputs == 2 && in[1])
            rc = fold_reshape(g, n, in[0], in[1], &t);
        else if (onnx_is(n->op, "Slice"))
            rc = fold_slice(g, n, in, &t);
        else if (onnx_is(n->op, "Transpose"))
            rc = fold_transpose(g, n, in[0], &t);
        else if (onnx_is(n->op, "Unsqueeze") || onnx_is(n->op, "Squeeze"))
            rc = fold_axes(g, n, in, &t);
        else if (onnx_is(n->op, "Gather"))
            rc = fold_gather(g, n, in, &t);
        else if (onnx_is(n->op, "Shape"))
            rc = fold_shape(g, n, in[0], &t);
        else if (onnx_is(n->op, "Cast"))
            rc = fold_cast(g, n, in[0], &t);
        else
            return onnx_refuse(n, "it is not supported on constants");
    }
    if (rc)
        return rc;
    if (n->outputs != 1) {
        onnx_tensor_free(t);
        return onnx_refuse(n, "it must have one output");
    }
    rc = onnx_define(g, n->output[0], t);
    return rc ? rc : 1;
}
