// SPDX-License-Identifier: ISC
/** gc_party.h: garbler and evaluator side by side for tests; correlated OT is dealt: q random, t = q XOR r delta. */
#ifndef TACIT_TEST_GC_PARTY_H
#define TACIT_TEST_GC_PARTY_H

#include "base/prg.h"
#include "gc/garble.h"

typedef struct {
    gc_session g, e;
    prg rng;
} gc_party;

/** gc_party_init: deterministic in `seed`. */
void gc_party_init(gc_party *p, uint64_t seed);

/** gc_party_deal: q[wires][stride], t[wires][stride] for choice bits[wires][stride]; all lanes, padding too, are random. */
void gc_party_deal(gc_party *p, block *q, block *t, const uint8_t *bits, size_t wires, size_t lanes);

/** gc_party_run: garbles and evaluates, rows at an odd address; out[outputs][stride] decoded through gc_colours.  Fails the running test
 *  on any error, on an active label that is neither of the two, and on a byte written beyond the rows. */
void gc_party_run(gc_party *p, const gc_circuit *c, size_t lanes, const uint8_t *eval_bits, const uint8_t *known, uint8_t *out);

/** gc_party_relu: sum[lanes] of both parties' shares modulo 2^l. */
void gc_party_relu(gc_party *p, unsigned n, unsigned l, size_t lanes, const uint64_t *v_g, const uint64_t *v_e, uint64_t *sum);

/** gc_party_bits: bits[i][stride] = bit i of v[j]. */
void gc_party_bits(uint8_t *bits, const uint64_t *v, size_t lanes, unsigned width);

#endif
