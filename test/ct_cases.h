// SPDX-License-Identifier: ISC
/** ct_cases.h: the parts of test/ct, each of which runs a folder's functions on secrets (test/secret.h). */
#ifndef TACIT_TEST_CT_CASES_H
#define TACIT_TEST_CT_CASES_H

#include <stddef.h>

#include "base/prg.h"

typedef struct {
    const char *name;
    void (*run)(void);
} ct_case;

extern const ct_case ct_base[], ct_ckks[], ct_parties[]; /* up to a NULL name */

/** ct_must: ends the program unless code = 0.
 *  ct_secret: ends it unless p[0..n) depends on secrets throughout, else what came before would have watched nothing.  MemorySanitizer, which
 *  loses some on the way (the upper half of a product by a constant), is told instead.
 *  ct_secret_prg: a generator whose seed is secret. */
void ct_must(int code);
void ct_secret(const char *what, void *p, size_t n);
void ct_secret_prg(prg *rng, uint64_t index);

#endif
