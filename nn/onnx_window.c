// SPDX-License-Identifier: ISC
/* Operators that slide a window over an image: convolution and average pools. */
#include "nn/onnx_lower.h"

#include <string.h>

typedef struct {
    int64_t stride[2], dilation[2], pad[4], kernel[2], group;
    uint32_t out[2];
} window_shape;

/** window: the attributes that Conv and the pools share; in: c->kernel (0: the attribute says it). */
static int window(const onnx_lowering *s, const onnx_node *n, window_shape *c)
{
    uint32_t count = 2;
    pb_slice automatic = {(const uint8_t *)"NOTSET", 6};
    int64_t kernel[2] = {c->kernel[0], c->kernel[1]};
    int rc;

    *c = (window_shape){{1, 1}, {1, 1}, {0, 0, 0, 0}, {kernel[0], kernel[1]}, 1, {0, 0}};
    if ((rc = onnx_attr_ints(s->g, n, "strides", c->stride, 2, &count)) < 0 || count != 2 ||
        (rc = onnx_attr_ints(s->g, n, "dilations", c->dilation, 2, &count)) < 0 || count != 2 ||
        (rc = onnx_attr_ints(s->g, n, "kernel_shape", kernel, 2, &count)) < 0 || count != 2)
        return rc < 0 ? rc : onnx_refuse(n, "only two-dimensional windows are supported");
    count = 4;
    if ((rc = onnx_attr_ints(s->g, n, "pads", c->pad, 4, &count)) < 0 || (rc = onnx_attr_int(s->g, n, "group", &c->group)) < 0 ||
        (rc = onnx_attr_text(s->g, n, "auto_pad", &automatic)) < 0)
        return rc;
    for (int d = 0; d < 2; d++)
        if (!c->kernel[d])
            c->kernel[d] = kernel[d];
    if (count != 4 || kernel[0] != c->kernel[0] || kernel[1] != c->kernel[1])
        return onnx_refuse(n, "its attributes contradict its weights");
    const int upper = onnx_is(automatic, "SAME_UPPER"), lower = onnx_is(automatic, "SAME_LOWER");
    if (!upper && !lower && !onnx_is(automatic, "NOTSET") && !onnx_is(automatic, "VALID"))
        return onnx_refuse(n, "its auto_pad is not supported");
    for (int d = 0; d < 2; d++) {
        const int64_t size = s->dim[d + 1];
        if (c->stride[d] < 1 || c->stride[d] > 65536 || c->dilation[d] < 1 || c->dilation[d] > 65536 || c->pad[d] < 0 || c->pad[d] > 65536 ||
            c->pad[d + 2] < 0 || c->pad[d + 2] > 65536 || c->kernel[d] < 1 || c->kernel[d] > 65536)
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

/** taps: places of all windows along axis d that lie inside the image. */
static uint64_t taps(const window_shape *c, int d, int64_t size)
{
    uint64_t sum = 0;
    for (int64_t o = 0; o < c->out[d]; o++)
        for (int64_t i = 0; i < c->kernel[d]; i++) {
            const int64_t at = o * c->stride[d] - c->pad[d] + i * c->dilation[d];
            sum += at >= 0 && at < size;
        }
    return sum;
}

int onnx_lower_conv(onnx_lowering *s, const onnx_node *n)
{
    const onnx_tensor *w, *bias;
    window_shape c;
    affine_builder b;
    int rc = onnx_constant(s, n, 1, &w);
    if (rc || (rc = onnx_optional(s, n, 2, &bias)))
        return rc;
    if (s->dims != 3 || w->dims != 4 || !w->count)
        return onnx_refuse(n, "only two-dimensional convolution is supported");
    c.kernel[0] = w->dim[2];
    c.kernel[1] = w->dim[3];
    if ((rc = window(s, n, &c)))
        return rc;
    if (c.group < 1 || w->dim[0] % c.group || w->dim[1] * c.group != s->dim[0] || (bias && bias->count != (uint64_t)w->dim[0]))
        return onnx_refuse(n, "its weights do not fit its input");
    const uint32_t maps = (uint32_t)w->dim[0], per = (uint32_t)w->dim[1], height = s->dim[1], width = s->dim[2], in = onnx_elements(s);
    const uint64_t positions = (uint64_t)c.out[0] * c.out[1];
    if (maps > NN_MAX_ELEMENTS || positions > NN_MAX_ELEMENTS / maps)
        return onnx_refuse(n, "its output is too large");
    if ((rc = onnx_spend(s, n, positions * w->count)))
        return rc;
    if ((rc = onnx_begin(s, n, &b, in, maps * c.out[0] * c.out[1], (uint64_t)maps * per * taps(&c, 0, height) * taps(&c, 1, width))))
        return rc;
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
    s->dim[0] = maps;
    s->dim[1] = c.out[0];
    s->dim[2] = c.out[1];
    return onnx_apply(s, n, &b);
}

int onnx_lower_pool(onnx_lowering *s, const onnx_node *n)
{
    const int global = onnx_is(n->op, "GlobalAveragePool");
    window_shape c = {.kernel = {0, 0}};
    int64_t ceiling = 0, with_pad = 0;
    affine_builder b;
    int rc;

    if (s->dims != 3)
        return onnx_refuse(n, "only two-dimensional windows are supported");
    if (global)
        c = (window_shape){{1, 1}, {1, 1}, {0, 0, 0, 0}, {s->dim[1], s->dim[2]}, 1, {1, 1}};
    else if ((rc = window(s, n, &c)) || (rc = onnx_attr_int(s->g, n, "ceil_mode", &ceiling)) < 0 ||
             (rc = onnx_attr_int(s->g, n, "count_include_pad", &with_pad)) < 0)
        return rc;
    if (ceiling)
        return onnx_refuse(n, "ceil_mode is not supported");
    const uint64_t positions = (uint64_t)c.out[0] * c.out[1], all = (uint64_t)c.kernel[0] * (uint64_t)c.kernel[1];
    const uint32_t height = s->dim[1], width = s->dim[2], maps = s->dim[0];
    if (positions > NN_MAX_ELEMENTS / maps)
        return onnx_refuse(n, "its output is too large");
    if (all > UINT32_MAX || (rc = onnx_spend(s, n, positions * maps * all)))
        return onnx_refuse(n, "its window is too large");
    if ((rc = onnx_begin(s, n, &b, onnx_elements(s), (uint32_t)(maps * positions), maps * taps(&c, 0, height) * taps(&c, 1, width))))
        return rc;
    for (uint32_t o = 0; o < maps * positions; o++) {
        const uint32_t m = (uint32_t)(o / positions), y = (uint32_t)(o % positions / c.out[1]), x = o % c.out[1];
        uint32_t inside = 0;
        for (int pass = 0; pass < 2; pass++) /* count, then write */
            for (int64_t i = 0; i < c.kernel[0]; i++)
                for (int64_t j = 0; j < c.kernel[1]; j++) {
                    const int64_t row = y * c.stride[0] - c.pad[0] + i * c.dilation[0];
                    const int64_t col = x * c.stride[1] - c.pad[1] + j * c.dilation[1];
                    if (row < 0 || row >= height || col < 0 || col >= width)
                        continue;
                    if (pass)
                        affine_entry(&b, (m * height + (uint32_t)row) * width + (uint32_t)col, (float)(1.0 / (with_pad ? (double)all : inside)));
                    else
                        inside++;
                }
        affine_row_end(&b, 0);
    }
    s->dim[1] = c.out[0];
    s->dim[2] = c.out[1];
    return onnx_apply(s, n, &b);
}
