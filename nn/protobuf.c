// SPDX-License-Identifier: ISC
#include "nn/protobuf.h"

#include <string.h>

pb_reader pb_open(const uint8_t *file, pb_slice message)
{
    if (!message.len) /* also a field that was not there */
        message.p = file;
    return (pb_reader){file, message.p, message.p + message.len};
}

static int malformed(const pb_reader *r, const char *what)
{
    return err_set(ERR_DATA, "malformed at byte %zu: %s", (size_t)(r->at - r->file), what);
}

int pb_varint(pb_reader *r, uint64_t *x)
{
    *x = 0;
    if (r->at == r->end)
        return 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        if (r->at == r->end)
            return malformed(r, "a number is cut off");
        const uint8_t b = *r->at++;
        if (shift == 63 && b > 1)
            break;
        *x |= (uint64_t)(b & 127) << shift;
        if (b < 128)
            return 1;
    }
    return malformed(r, "a number is longer than 64 bits");
}

static int fixed(pb_reader *r, unsigned bytes, uint64_t *x)
{
    if ((size_t)(r->end - r->at) < bytes)
        return malformed(r, "a number is cut off");
    *x = 0;
    for (unsigned i = 0; i < bytes; i++)
        *x |= (uint64_t)*r->at++ << 8 * i;
    return 1;
}

int pb_next(pb_reader *r, pb_field *f)
{
    uint64_t tag, len;
    int rc = pb_varint(r, &tag);

    memset(f, 0, sizeof *f);
    if (rc <= 0)
        return rc;
    if (tag >> 3 == 0 || tag >> 3 > 0x1fffffff)
        return malformed(r, "a field number is out of range");
    f->number = (uint32_t)(tag >> 3);
    f->wire = tag & 7;
    switch (f->wire) {
    case PB_VARINT:
        rc = pb_varint(r, &f->value);
        return rc ? rc : malformed(r, "a number is missing");
    case PB_FIXED64:
        return fixed(r, 8, &f->value);
    case PB_FIXED32:
        return fixed(r, 4, &f->value);
    case PB_BYTES:
        rc = pb_varint(r, &len);
        if (rc <= 0)
            return rc ? rc : malformed(r, "a length is missing");
        if (len > (size_t)(r->end - r->at))
            return malformed(r, "a length passes the end");
        f->bytes = (pb_slice){r->at, (size_t)len};
        r->at += len;
        return 1;
    default:
        return malformed(r, "an unknown wire type");
    }
}

int pb_last(const uint8_t *file, pb_slice message, uint32_t number, uint8_t wire, pb_field *out)
{
    pb_reader r = pb_open(file, message);
    pb_field f;
    int rc, found = 0;
    while ((rc = pb_next(&r, &f)) > 0)
        if (f.number == number && f.wire == wire) {
            *out = f;
            found = 1;
        }
    return rc ? rc : found;
}
