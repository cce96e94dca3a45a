// SPDX-License-Identifier: ISC
/** params.h: ring degree, RNS primes and their tables; the security table of docs/PARAMS.md. */
#ifndef TACIT_CKKS_PARAMS_H
#define TACIT_CKKS_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ckks/ntt.h"

#define CKKS_MAX_PRIMES 20
#define CKKS_MIN_LOGN 10
#define CKKS_MAX_LOGN 15

/** ckks_literal: what a parameter set is said to be, before it is checked: prime i is the largest prime = 1 mod 2n in
 *  (2^(bits[i]-1), 2^bits[i]) that no earlier entry took. */
typedef struct {
    uint32_t n;
    uint32_t primes; /* 1 .. CKKS_MAX_PRIMES */
    uint8_t bits[CKKS_MAX_PRIMES]; /* 20 .. 60 */
    uint32_t special; /* how many of them, the last ones, are special; below primes */
} ckks_literal;

typedef struct {
    uint32_t n, logn;
    uint32_t primes;  /* those that ciphertexts have; the first ones of q and ntt */
    uint32_t special; /* those of evaluation keys beside them, the next ones: P is their product */
    unsigned log_q, log_p; /* sums of bits; the security table speaks of log_q + log_p */
    uint64_t q[CKKS_MAX_PRIMES];
    ntt_table *ntt[CKKS_MAX_PRIMES];
    ntt_table *wide; /* the largest 60-bit prime = 1 mod 2n, for exact products in ckks_decrypt_pow2 that q[0] is too small for */
} ckks_params;

/** ckks_max_log_q: the most bits of modulus (special primes included) at ring degree n for 128-bit classical security
 *  [2024/463], ternary secret, error variance 10.5; 0 for an n that is not in the table. */
unsigned ckks_max_log_q(uint32_t n);

/** ckks_params_create: checks the literal against the table and builds every table.
 *  Errors: ERR_ARG with a text that names the field (n, primes, bits, log Q above the table); ERR_MEM. */
int ckks_params_create(ckks_params **out, const ckks_literal *lit) MUST_CHECK;
void ckks_params_free(ckks_params *p);

#endif
