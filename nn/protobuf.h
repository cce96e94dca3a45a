// SPDX-License-Identifier: ISC
/** protobuf.h: a bounded reader of the protobuf wire format.  Every byte is hostile; offsets are from the start of the file. */
#ifndef TACIT_NN_PROTOBUF_H
#define TACIT_NN_PROTOBUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/** pb_slice: bytes of the file, not terminated. */
typedef struct {
    const uint8_t *p;
    size_t len;
} pb_slice;

typedef struct {
    const uint8_t *file, *at, *end;
} pb_reader;

enum { PB_VARINT = 0, PB_FIXED64 = 1, PB_BYTES = 2, PB_FIXED32 = 5 };

typedef struct {
    uint32_t number; /* of the field */
    uint8_t wire;
    uint64_t value;  /* PB_VARINT, PB_FIXED64, PB_FIXED32 */
    pb_slice bytes;  /* PB_BYTES */
} pb_field;

/** pb_open: a reader of a message inside the file that starts at `file`. */
pb_reader pb_open(const uint8_t *file, pb_slice message);
/** pb_next: the next field: 1, 0 at the end, ERR_DATA (with the offset) where the bytes are malformed. */
int pb_next(pb_reader *r, pb_field *f) MUST_CHECK;
/** pb_varint: one number of a packed field: 1, 0 at the end, ERR_DATA. */
int pb_varint(pb_reader *r, uint64_t *x) MUST_CHECK;
/** pb_last: the last field `number` of a message, if it has this wire type: 1, 0 if there is none (*out is left alone), ERR_DATA. */
int pb_last(const uint8_t *file, pb_slice message, uint32_t number, uint8_t wire, pb_field *out) MUST_CHECK;

#endif
