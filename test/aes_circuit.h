// SPDX-License-Identifier: ISC
/** aes_circuit.h: AES-128 as a circuit: 36 ANDs an S-box, which inverts in a tower of quadratic extensions of GF(2). */
#ifndef TACIT_TEST_AES_CIRCUIT_H
#define TACIT_TEST_AES_CIRCUIT_H

#include "gc/circuit.h"

/** test_aes_circuit: outputs AES_key(x), 128 bits each, bit i of byte j at 8 j + i.  x is the evaluator's; the key, expanded by the
 *  circuit, is known to the garbler (key_known = 1: 5,760 ANDs) or the evaluator's too, after x (0: 7,200). */
int test_aes_circuit(gc_circuit **out, int key_known) MUST_CHECK;

#endif
