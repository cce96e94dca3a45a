// SPDX-License-Identifier: ISC
#include "nn/idx.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "nn/sniff.h"

#define MAX_BYTES (UINT64_C(1) << 32)

static int short_file(const char *path, const char *field, uint64_t at)
{
    return err_set(ERR_DATA, "%s: the file ends at byte %llu, in its %s", path, (unsigned long long)at, field);
}

/** stranger: what the file is in place of an IDX file that begins with b[n]. */
static int stranger(FILE *f, const char *path, const uint8_t *b, size_t n)
{
    uint8_t head[NN_SNIFF_BYTES];
    memcpy(head, b, n);
    n += fread(head + n, 1, sizeof head - n, f);
    if (ferror(f))
        return err_set(ERR_DATA, "%s: %s", path,
                       errno == EISDIR ? "a folder; images are one IDX file" : strerror(errno));
    const char *kind = nn_sniff(head, n, NN_SNIFF_IMAGES);
    return kind ? err_set(ERR_DATA, "%s: not an IDX file but %s", path, kind)
                : err_set(ERR_DATA, "%s: not an IDX file, which begins with bytes 0, 0, 8: magic at byte 0", path);
}

/** header: magic and dimensions.  *at counts bytes. */
static int header(nn_idx *x, FILE *f, const char *path, uint64_t *at)
{
    uint8_t b[4];
    size_t n = fread(b, 1, 4, f);

    *at = n;
    if (ferror(f))
        return err_set(ERR_DATA, "%s: %s", path, errno == EISDIR ? "a folder; images are one IDX file" : strerror(errno));
    if (n < 4 || b[0] || b[1])
        return stranger(f, path, b, n);
    if (b[2] != 8)
        return err_set(ERR_DATA, "%s: data type 0x%02x at byte 2: only unsigned bytes (0x08) are supported", path, b[2]);
    if (b[3] < 1 || b[3] > 4)
        return err_set(ERR_DATA, "%s: %u dimensions at byte 3: 1 to 4 are supported", path, b[3]);
    x->dims = b[3];
    uint64_t size = 1;
    for (uint32_t d = 0; d < x->dims; d++) {
        n = fread(b, 1, 4, f);
        *at += n;
        if (n < 4)
            return short_file(path, "dimensions", *at);
        x->dim[d] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
        if (d && (x->dim[d] == 0 || (size *= x->dim[d]) > 1u << 28))
            return err_set(ERR_DATA, "%s: dimension %u at byte %u, %u, is zero or too large%s", path, d, 4 + 4 * d,
                           x->dim[d], !b[2] && !b[3] && x->dim[d] ? ": IDX numbers have their high byte first" : "");
    }
    x->count = x->dim[0];
    x->size = (uint32_t)size;
    return 0;
}

int nn_idx_load(nn_idx **out, const char *path, uint32_t limit)
{
    const int standard = !strcmp(path, "-");
    FILE *f = standard ? stdin : fopen(path, "rb");
    uint64_t at = 0;
    int rc;

    *out = NULL;
    if (standard)
        path = "standard input";
    if (!f)
        return err_set(ERR_DATA, "%s: %s", path, strerror(errno));
    nn_idx *x = mem_alloc(1, sizeof *x);
    if (!x) {
        rc = err_set(ERR_MEM, "%s: out of memory", path);
        goto out;
    }
    if ((rc = header(x, f, path, &at)))
        goto out;
    if (limit && x->count > limit)
        x->count = limit;
    const uint64_t bytes = (uint64_t)x->count * x->size;
    if (bytes > MAX_BYTES) {
        rc = err_set(ERR_DATA, "%s: %u items of %u bytes are too many", path, x->count, x->size);
        goto out;
    }
    /* a header is believed only as far as data follows it */
    uint64_t have = 0, room = 0;
    while (have < bytes) {
        if (have == room) {
            room = room ? 2 * room : 1 << 20;
            if (room > bytes)
                room = bytes;
            uint8_t *more = mem_alloc(1, room);
            if (!more) {
                rc = err_set(ERR_MEM, "%s: out of memory", path);
                goto out;
            }
            if (have)
                memcpy(more, x->data, have);
            mem_free(x->data);
            x->data = more;
        }
        const size_t n = fread(x->data + have, 1, room - have, f);
        have += n;
        if (!n) {
            rc = ferror(f) ? err_set(ERR_DATA, "%s: %s", path, strerror(errno)) : short_file(path, "data", at + have);
            goto out;
        }
    }
    if (x->count == x->dim[0] && fgetc(f) != EOF)
        rc = err_set(
            ERR_DATA,
            "%s: bytes follow the last of its %u items, from byte %llu on: its dimensions are not those of its data",
            path, x->count, (unsigned long long)(at + have));
out:
    if (f && !standard)
        fclose(f);
    if (rc)
        nn_idx_free(x);
    else
        *out = x;
    return rc;
}

void nn_idx_free(nn_idx *x)
{
    if (!x)
        return;
    mem_free(x->data);
    mem_free(x);
}
