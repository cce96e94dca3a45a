// SPDX-License-Identifier: ISC
#include "test/sha256_circuit.h"

#include <string.h>

#include "gc/gadgets.h"

#define WORD 32

typedef gc_wire word[WORD];

static const uint32_t k256[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

/** wire_of: bit b of the big-endian word t of a string of bytes that starts at wire `from`. */
static gc_wire wire_of(gc_wire from, unsigned t, unsigned b) { return from + 8 * (4 * t + 3 - b / 8) + b % 8; }

/** sigma: out = (a >>> r) ^ (a >>> s) ^ (a >>> t), the last a shift if `shift`. */
static void sigma(gc_circuit *c, gc_wire *out, const gc_wire *a, unsigned r, unsigned s, unsigned t, int shift)
{
    for (unsigned i = 0; i < WORD; i++) {
        out[i] = gc_xor(c, a[(i + r) % WORD], a[(i + s) % WORD]);
        if (!shift || i + t < WORD)
            out[i] = gc_xor(c, out[i], a[(i + t) % WORD]);
    }
}

static void add(gc_circuit *c, gc_wire *sum, const gc_wire *a) { gc_word_add(c, sum, sum, a, WORD); }

/** schedule: w[t mod 16] for round t >= 16. */
static void schedule(gc_circuit *c, word *w, unsigned t)
{
    word s;
    gc_wire *next = w[t % 16];
    sigma(c, s, w[(t + 1) % 16], 7, 18, 3, 1);
    add(c, next, s);
    add(c, next, w[(t + 9) % 16]);
    sigma(c, s, w[(t + 14) % 16], 17, 19, 10, 1);
    add(c, next, s);
}

/** compress_round: v = a .. h [FIPS-180, 6.2.2, step 3]. */
static void compress_round(gc_circuit *c, word *v, const gc_wire *w, uint32_t k)
{
    word t1, t2, f;
    for (unsigned i = 0; i < WORD; i++)
        t1[i] = gc_const(c, (int)(k >> i & 1));
    add(c, t1, w);
    add(c, t1, v[7]);
    sigma(c, f, v[4], 6, 11, 25, 0);
    add(c, t1, f);
    for (unsigned i = 0; i < WORD; i++)
        f[i] = gc_mux(c, v[4][i], v[5][i], v[6][i]); /* choice */
    add(c, t1, f);
    sigma(c, t2, v[0], 2, 13, 22, 0);
    for (unsigned i = 0; i < WORD; i++) /* majority */
        f[i] = gc_xor(c, v[0][i], gc_and(c, gc_xor(c, v[0][i], v[1][i]), gc_xor(c, v[0][i], v[2][i])));
    add(c, t2, f);
    memmove(v[1], v[0], 7 * sizeof *v);
    add(c, v[4], t1);
    gc_word_add(c, v[0], t1, t2, WORD);
}

int test_sha256_circuit(gc_circuit **out)
{
    gc_circuit *c;
    word w[16], v[8], state;
    int rc = gc_circuit_create(&c, 768, 0);
    *out = NULL;
    if (rc)
        return rc;
    for (unsigned t = 0; t < 16; t++)
        for (unsigned b = 0; b < WORD; b++)
            w[t][b] = wire_of(0, t, b);
    for (unsigned t = 0; t < 8; t++)
        for (unsigned b = 0; b < WORD; b++)
            v[t][b] = wire_of(512, t, b);
    for (unsigned t = 0; t < 64; t++) {
        if (t >= 16)
            schedule(c, w, t);
        compress_round(c, v, w[t % 16], k256[t]);
    }
    for (unsigned t = 0; t < 8; t++) {
        for (unsigned b = 0; b < WORD; b++)
            state[b] = wire_of(512, t, b);
        add(c, v[t], state);
    }
    for (unsigned i = 0; i < 256; i++)
        gc_output(c, v[i / WORD][wire_of(0, 0, i % WORD)]);
    rc = gc_circuit_finish(c);
    if (rc)
        gc_circuit_free(c);
    else
        *out = c;
    return rc;
}
