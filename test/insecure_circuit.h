// SPDX-License-Identifier: ISC
/** insecure_circuit.h: a circuit that the builder refuses to make.  Never linked into the library. */
#ifndef TACIT_TEST_INSECURE_CIRCUIT_H
#define TACIT_TEST_INSECURE_CIRCUIT_H

#include "gc/circuit.h"

/** insecure_circuit_cancelled: ((x ^ k) ^ x) & s: x and s are the evaluator's, k the garbler's.  The first operand of the AND has the label
 *  0 or k delta in every lane.   Errors: ERR_MEM. */
int insecure_circuit_cancelled(gc_circuit **out) MUST_CHECK;

#endif
