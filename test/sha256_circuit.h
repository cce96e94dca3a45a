// SPDX-License-Identifier: ISC
/** sha256_circuit.h: the compression function of SHA-256 [FIPS-180] as a circuit. */
#ifndef TACIT_TEST_SHA256_CIRCUIT_H
#define TACIT_TEST_SHA256_CIRCUIT_H

#include "gc/circuit.h"

#define TEST_SHA256_ANDS 22573

/** test_sha256_circuit: evaluator's inputs: the block (512 bits), then the chaining value (256); outputs: the next chaining value (256).
 *  Each is a string of bytes, bit i of byte j at 8 j + i, words big endian as in a digest.  TEST_SHA256_ANDS ANDs. */
int test_sha256_circuit(gc_circuit **out) MUST_CHECK;

#endif
