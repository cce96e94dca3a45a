// SPDX-License-Identifier: ISC
/** onnx_lower.h: the operators of a chain, each as a sparse affine map behind those before it.  Inside nn/ only. */
#ifndef TACIT_NN_ONNX_LOWER_H
#define TACIT_NN_ONNX_LOWER_H

#include "nn/affine.h"
#include "nn/onnx_graph.h"

/** onnx_lowering: the state between two nodes. */
typedef struct {
    onnx_graph *g;
    nn_model *m;
    pb_slice current; /* name of the activation */
    uint32_t index;   /* of the node at hand */
    uint32_t dims;    /* of one image, at most 3: (features), (channels, length) or (channels, height, width) */
    uint32_t dim[3];
    int pending;      /* the layer under construction, m->layer[m->layers], has a map */
    int weighted;     /* a node with weights was seen */
    int positive;     /* no activation is negative: the image itself, or straight from a ReLU */
    int done;         /* a final Softmax was seen: nothing may follow */
    uint64_t work;    /* done so far */
    uint64_t room;    /* weights and rows that the file's size justifies: of any map with all finished layers */
    uint64_t used;    /* of finished layers */
} onnx_lowering;

/** onnx_elements: of one image's activation; 0 if there are more than NN_MAX_ELEMENTS. */
uint32_t onnx_elements(const onnx_lowering *s);
/** onnx_spend: counts work, so that a small hostile file cannot keep us busy for hours.  ERR_DATA when it is too much. */
int onnx_spend(onnx_lowering *s, const onnx_node *n, uint64_t work) MUST_CHECK;
/** onnx_begin: affine_begin, if there is room for a map of that size.  ERR_DATA if not. */
int onnx_begin(const onnx_lowering *s, const onnx_node *n, affine_builder *b, uint32_t in, uint32_t out, uint64_t entries) MUST_CHECK;
/** onnx_apply: finishes the map in `b` and composes it behind what is pending; b is empty afterwards. */
int onnx_apply(onnx_lowering *s, const onnx_node *n, affine_builder *b) MUST_CHECK;
/** onnx_constant: input k of the node, which must be a constant of floats.  onnx_optional: NULL if it is left out. */
int onnx_constant(const onnx_lowering *s, const onnx_node *n, uint32_t k, const onnx_tensor **t) MUST_CHECK;
int onnx_optional(const onnx_lowering *s, const onnx_node *n, uint32_t k, const onnx_tensor **t) MUST_CHECK;

/** One function an operator: s->current is one of n's inputs (the first, where order matters), every other input is a constant. */
int onnx_lower_flatten(onnx_lowering *s, const onnx_node *n) MUST_CHECK;
int onnx_lower_reshape(onnx_lowering *s, const onnx_node *n) MUST_CHECK;
int onnx_lower_pad(onnx_lowering *s, const onnx_node *n) MUST_CHECK;
int onnx_lower_gemm(onnx_lowering *s, const onnx_node *n) MUST_CHECK;
int onnx_lower_matmul(onnx_lowering *s, const onnx_node *n) MUST_CHECK;
int onnx_lower_each(onnx_lowering *s, const onnx_node *n) MUST_CHECK; /* Add, Sub, Mul, Div with a constant */
int onnx_lower_norm(onnx_lowering *s, const onnx_node *n) MUST_CHECK; /* BatchNormalization */
int onnx_lower_conv(onnx_lowering *s, const onnx_node *n) MUST_CHECK;
int onnx_lower_pool(onnx_lowering *s, const onnx_node *n) MUST_CHECK; /* AveragePool, GlobalAveragePool */

#endif
