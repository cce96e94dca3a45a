// SPDX-License-Identifier: ISC
/** model.h: a float network as the importer leaves it: affine, ReLU, affine, ..., affine.  Every chain of linear operators
 *  (Conv, Gemm, Add of a constant, Pad, ...: see onnx.h) is one sparse affine map. */
#ifndef TACIT_NN_MODEL_H
#define TACIT_NN_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define NN_NAME_MAX 64
#define NN_MAX_LAYERS 64
#define NN_MAX_ELEMENTS (1u << 20) /* of a tensor */
#define NN_MAX_WEIGHTS (1u << 26)  /* entries of all affine maps */

/** nn_affine: y = W x + b.  Row o's entries are [row[o], row[o + 1]) of col and w; columns ascend within a row, no zero weights. */
typedef struct {
    char name[NN_NAME_MAX]; /* of the node with the weights: "/1/Conv"; printable ASCII */
    uint32_t in, out;
    uint32_t *row; /* [out + 1] */
    uint32_t *col;
    float *w;
    float *bias; /* [out] */
} nn_affine;

/** nn_model: layers with a ReLU between each two; none after the last.  (A network that ends in ReLU gets an identity map behind it; a
 *  ReLU on the input, whose pixels are not negative, is dropped.) */
typedef struct {
    uint32_t channels, height, width; /* input: channels * height * width = layer[0].in; a vector is 1 x 1 x length */
    uint32_t layers;                  /* 1 .. NN_MAX_LAYERS */
    nn_affine layer[NN_MAX_LAYERS];
} nn_model;

void nn_model_free(nn_model *m);

#endif
