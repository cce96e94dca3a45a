// SPDX-License-Identifier: ISC
/** onnx.h: reads an ONNX file (own protobuf reader), folds constants, lowers the network to an nn_model.
 *
 *  Opset 7 to 21, default domain, one float input of two to four axes, the first being the batch whatever its size.  A chain of Conv (2-D),
 *  Gemm, MatMul, Add, Sub, Mul and Div with a constant, BatchNormalization, AveragePool, GlobalAveragePool, Pad (constant), Relu, Flatten,
 *  Reshape (images stay apart), Identity, Dropout.  A Softmax or LogSoftmax that comes last is left out: it keeps the order of the logits, so
 *  the label stands, but the numbers are those before it.  Nodes that the output does not need are not read.
 *  Constants are folded through Identity, ConstantOfShape, Concat, Reshape, Slice, Transpose, Cast, Unsqueeze, Squeeze, Gather, Shape. */
#ifndef TACIT_NN_ONNX_H
#define TACIT_NN_ONNX_H

#include "nn/model.h"

/** nn_onnx_parse: bytes -> model.  Errors: ERR_DATA with a text that names the field, the node or the operator, and the byte offset
 *  where the file is malformed; ERR_MEM. */
int nn_onnx_parse(nn_model **out, const uint8_t *bytes, size_t len) MUST_CHECK;
/** nn_onnx_load: the same from a file (at most 1 GiB). */
int nn_onnx_load(nn_model **out, const char *path) MUST_CHECK;

#endif
