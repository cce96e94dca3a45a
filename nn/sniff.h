// SPDX-License-Identifier: ISC
/** sniff.h: what a file is that is not what was wanted, told from its first bytes, and what its owner can do about
 *  it. */
#ifndef TACIT_NN_SNIFF_H
#define TACIT_NN_SNIFF_H

#include <stddef.h>
#include <stdint.h>

enum { NN_SNIFF_MODEL, NN_SNIFF_IMAGES };
#define NN_SNIFF_BYTES 512 /* that many first bytes are enough */

/** nn_sniff: a sentence for files of a known kind that serve neither as a model nor as images, or not where they
 *  were given; NULL: unknown. */
const char *nn_sniff(const uint8_t *head, size_t len, int wanted);

#endif
