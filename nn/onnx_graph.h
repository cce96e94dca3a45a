// SPDX-License-Identifier: ISC
/** onnx_graph.h: an ONNX file as nodes and tensors, before anything is computed.  Names and raw attributes point into the file's bytes. */
#ifndef TACIT_NN_ONNX_GRAPH_H
#define TACIT_NN_ONNX_GRAPH_H

#include "nn/protobuf.h"

#define ONNX_MAX_NODES 4096
#define ONNX_MAX_INPUTS 16
#define ONNX_MAX_DIMS 8
#define ONNX_MAX_COUNT (UINT64_C(1) << 30) /* elements of a tensor, before it is asked whether there is room */
#define ONNX_MAX_NAME 512                   /* bytes of a value's name */

/** onnx_tensor: a constant: either f or i is set (i also for an empty tensor of integers). */
typedef struct {
    uint32_t dims;
    int64_t dim[ONNX_MAX_DIMS];
    uint64_t count;
    int is_float;
    float *f;
    int64_t *i;
} onnx_tensor;

typedef struct {
    pb_slice op, name, domain;
    uint32_t inputs, outputs, attributes;
    pb_slice input[ONNX_MAX_INPUTS], output[ONNX_MAX_INPUTS], attribute[ONNX_MAX_INPUTS];
} onnx_node;

typedef struct {
    pb_slice name;
    onnx_tensor *t;
} onnx_value;

typedef struct {
    const uint8_t *file;
    int64_t opset;
    size_t len;        /* of the file */
    uint64_t elements; /* of all constants, those that folding makes included */
    uint64_t room;     /* how many there may be: four for a byte of the file, and a few thousand */
    uint32_t nodes, node_room, values, value_room;
    onnx_node *node;
    onnx_value *value; /* constants by name: initializers, then what folding adds */
    pb_slice input;    /* the one data input */
    uint32_t input_dims;
    int64_t input_dim[ONNX_MAX_DIMS]; /* -1: symbolic */
    pb_slice output;
} onnx_graph;

int onnx_graph_parse(onnx_graph **out, const uint8_t *bytes, size_t len) MUST_CHECK;
void onnx_graph_free(onnx_graph *g);

int onnx_is(pb_slice s, const char *text);
int onnx_same(pb_slice a, pb_slice b);
/** onnx_text: a slice as printable ASCII, cut to fit. */
const char *onnx_text(pb_slice s, char buf[64]);
/** onnx_refuse: ERR_DATA "node NAME (OP): ...". */
int onnx_refuse(const onnx_node *n, const char *why);

/** Constants by name; onnx_define takes ownership of t (frees it on error). */
onnx_tensor *onnx_find(const onnx_graph *g, pb_slice name);
int onnx_define(onnx_graph *g, pb_slice name, onnx_tensor *t) MUST_CHECK;
/** onnx_tensor_new: zeroed tensor of these dimensions.  Errors: ERR_DATA (negative, too large, no room for it in g), ERR_MEM. */
int onnx_tensor_new(onnx_tensor **out, const onnx_graph *g, int is_float, uint32_t dims, const int64_t *dim) MUST_CHECK;
void onnx_tensor_free(onnx_tensor *t);
int onnx_tensor_parse(onnx_tensor **out, const onnx_graph *g, pb_slice message, pb_slice *name) MUST_CHECK;

/** Attributes by name; 1 if there, 0 if not (the default stays), ERR_DATA if of the wrong type or too long. */
int onnx_attr_int(const onnx_graph *g, const onnx_node *n, const char *name, int64_t *x) MUST_CHECK;
int onnx_attr_float(const onnx_graph *g, const onnx_node *n, const char *name, float *x) MUST_CHECK;
int onnx_attr_text(const onnx_graph *g, const onnx_node *n, const char *name, pb_slice *x) MUST_CHECK;
int onnx_attr_ints(const onnx_graph *g, const onnx_node *n, const char *name, int64_t *x, uint32_t most, uint32_t *count) MUST_CHECK;
/** A list of floats, as a tensor of one axis. */
int onnx_attr_floats(const onnx_graph *g, const onnx_node *n, const char *name, onnx_tensor **x) MUST_CHECK;
int onnx_attr_tensor(const onnx_graph *g, const onnx_node *n, const char *name, onnx_tensor **x) MUST_CHECK;

/** onnx_fold: if every input of the node is a constant, computes its output: 1 done, 0 not a constant node, or an error. */
int onnx_fold(onnx_graph *g, const onnx_node *n) MUST_CHECK;

#endif
