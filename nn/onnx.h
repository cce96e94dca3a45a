// SPDX-License-Identifier: ISC
/** onnx.h: reads an ONNX file (own protobuf reader), folds constants, lowers the network to an nn_model. */
#ifndef TACIT_NN_ONNX_H
#define TACIT_NN_ONNX_H

#include "nn/model.h"

/** nn_onnx_parse: bytes -> model.  Errors: ERR_DATA with a text that names the field, the node or the operator, and the byte offset
 *  where the file is malformed; ERR_MEM. */
int nn_onnx_parse(nn_model **out, const uint8_t *bytes, size_t len) MUST_CHECK;
/** nn_onnx_load: the same from a file (at most 1 GiB). */
int nn_onnx_load(nn_model **out, const char *path) MUST_CHECK;

#endif
