// SPDX-License-Identifier: ISC
/* Writes generated digits as IDX files, for models/train.py:
 *     cc -O2 -I. -o /tmp/dump_digits models/dump_digits.c cli/digits.c && /tmp/dump_digits 20000 1 images.idx labels.idx */
#include <stdio.h>
#include <stdlib.h>

#include "cli/digits.h"

static int write_idx(const char *name, const uint8_t *data, uint32_t count, uint8_t dims, size_t size)
{
    uint8_t head[16] = {0, 0, 8, dims, (uint8_t)(count >> 24), (uint8_t)(count >> 16), (uint8_t)(count >> 8), (uint8_t)count,
                        0, 0, 0, CLI_DIGIT_SIDE, 0, 0, 0, CLI_DIGIT_SIDE};
    FILE *f = fopen(name, "wb");
    if (!f) return -1;
    size_t wrote = fwrite(head, 4, dims + 1u, f) + fwrite(data, size, count, f);
    return fclose(f) == 0 && wrote == dims + 1u + count ? 0 : -1;
}

int main(int argc, char **argv)
{
    uint32_t count = argc == 5 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    if (count == 0 || count > 1000000) {
        fprintf(stderr, "usage: dump_digits COUNT SEED IMAGES.idx LABELS.idx (COUNT at most 1000000)\n");
        return 2;
    }
    uint8_t *pixels = malloc((size_t)count * CLI_DIGIT_PIXELS), *labels = malloc(count);
    int rc = 1;
    if (pixels && labels) {
        cli_digits(pixels, labels, count, strtoull(argv[2], NULL, 10));
        rc = write_idx(argv[3], pixels, count, 3, CLI_DIGIT_PIXELS) || write_idx(argv[4], labels, count, 1, 1);
        if (rc) perror("dump_digits");
    }
    free(pixels);
    free(labels);
    return rc;
}
