// SPDX-License-Identifier: ISC
#include "test/insecure_circuit.h"

/* Three gates as the builder would make them for unrelated operands, the second and the third then given the operands that it refuses. */
int insecure_circuit_cancelled(gc_circuit **out)
{
    const int rc = gc_circuit_create(out, 2, 1);
    if (rc)
        return rc;
    gc_circuit *c = *out;
    const gc_wire x = 0, s = 1, flipped = gc_xor(c, x, 2), empty = gc_xor(c, flipped, s);
    gc_output(c, gc_and(c, empty, s));
    c->gate[1].b = x;
    return gc_circuit_finish(c);
}
