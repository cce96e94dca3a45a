// SPDX-License-Identifier: ISC
/* GF(4) = GF(2)[w]/(w^2 + w + 1), GF(16) = GF(4)[x]/(x^2 + x + w), GF(256) = GF(16)[y]/(y^2 + y + m).  An element's bits: the upper half
 * is the factor of w, x or y.  The maps from and to the field of AES are found by searching a root of its polynomial. */
#include "test/aes_circuit.h"

#include <limits.h>
#include <string.h>

static unsigned mul4(unsigned a, unsigned b)
{
    const unsigned hh = (a >> 1) & (b >> 1), ll = a & b & 1, mm = ((a >> 1) ^ a) & ((b >> 1) ^ b) & 1;
    return (mm ^ ll) << 1 | (ll ^ hh);
}

static unsigned mul16(unsigned a, unsigned b)
{
    const unsigned hh = mul4(a >> 2, b >> 2), ll = mul4(a & 3, b & 3), mm = mul4((a >> 2) ^ (a & 3), (b >> 2) ^ (b & 3));
    return (mm ^ ll) << 2 | (ll ^ mul4(hh, 2));
}

static unsigned mul256(unsigned a, unsigned b, unsigned m)
{
    const unsigned hh = mul16(a >> 4, b >> 4), ll = mul16(a & 15, b & 15), mm = mul16((a >> 4) ^ (a & 15), (b >> 4) ^ (b & 15));
    return (mm ^ ll) << 4 | (ll ^ mul16(hh, m));
}

typedef struct {
    unsigned m;                  /* y^2 + y + m has no root in GF(16) */
    uint8_t to[8], affine[8];    /* columns: AES field to tower; tower to AES field, then the affine map's linear part */
    uint8_t square_m[4];         /* a -> a^2 m in GF(16) */
} tower;

static void tower_init(tower *t)
{
    uint8_t map[256] = {0}, inverse[256];
    memset(t, 0, sizeof *t);
    for (unsigned root = 0; root < 16; root++) /* the first m without a root: start again with the next m when one is found */
        if ((mul16(root, root) ^ root) == t->m) {
            t->m++;
            root = UINT_MAX;
        }
    for (unsigned z = 2; z < 256; z++) { /* a root of x^8 + x^4 + x^3 + x + 1 */
        unsigned p[9] = {1};
        for (unsigned i = 1; i < 9; i++)
            p[i] = mul256(p[i - 1], z, t->m);
        if (p[8] ^ p[4] ^ p[3] ^ p[1] ^ p[0])
            continue;
        for (unsigned i = 0; i < 8; i++)
            t->to[i] = (uint8_t)p[i];
        break;
    }
    for (unsigned v = 0; v < 256; v++) {
        for (unsigned i = 0; i < 8; i++)
            map[v] ^= (uint8_t)((v >> i & 1) * t->to[i]);
        inverse[map[v]] = (uint8_t)v;
    }
    for (unsigned i = 0; i < 8; i++)
        for (unsigned k = 0; k < 5; k++)
            t->affine[i] ^= (uint8_t)(inverse[1u << i] << k | inverse[1u << i] >> (8 - k));
    for (unsigned i = 0; i < 4; i++)
        t->square_m[i] = (uint8_t)mul16(mul16(1u << i, 1u << i), t->m);
}

static void linear(gc_circuit *c, gc_wire *out, const gc_wire *in, const uint8_t *column, unsigned n)
{
    gc_wire r[8];
    for (unsigned o = 0; o < n; o++) {
        r[o] = gc_const(c, 0);
        for (unsigned i = 0; i < n; i++)
            if (column[i] >> o & 1)
                r[o] = gc_xor(c, r[o], in[i]);
    }
    memcpy(out, r, n * sizeof *r);
}

static void add(gc_circuit *c, gc_wire *out, const gc_wire *a, const gc_wire *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        out[i] = gc_xor(c, a[i], b[i]);
}

static void c_mul4(gc_circuit *c, gc_wire *out, const gc_wire *a, const gc_wire *b) /* 3 ANDs */
{
    const gc_wire hh = gc_and(c, a[1], b[1]), ll = gc_and(c, a[0], b[0]), mm = gc_and(c, gc_xor(c, a[0], a[1]), gc_xor(c, b[0], b[1]));
    out[1] = gc_xor(c, mm, ll);
    out[0] = gc_xor(c, ll, hh);
}

static void c_mul16(gc_circuit *c, gc_wire *out, const gc_wire *a, const gc_wire *b) /* 9 ANDs */
{
    gc_wire hh[2], ll[2], mm[2], sa[2], sb[2];
    const gc_wire *ah = a + 2, *bh = b + 2;
    add(c, sa, a, ah, 2);
    add(c, sb, b, bh, 2);
    c_mul4(c, hh, ah, bh);
    c_mul4(c, ll, a, b);
    c_mul4(c, mm, sa, sb);
    add(c, out + 2, mm, ll, 2);
    out[0] = gc_xor(c, ll[0], hh[1]); /* w (h1 w + h0) = (h1 + h0) w + h1 */
    out[1] = gc_xor(c, ll[1], gc_xor(c, hh[1], hh[0]));
}

/* (h x + l)^-1 = (h x + h + l) / (h^2 w + h l + l^2); 9 ANDs */
static void c_inv16(gc_circuit *c, gc_wire *out, const gc_wire *a)
{
    gc_wire s[2], d[2];
    add(c, s, a, a + 2, 2);
    c_mul4(c, d, s, a); /* h l + l^2 */
    /* h^2 w = (h1 w + h1 + h0) w = h0 w + h1 */
    d[1] = gc_xor(c, d[1], a[2]);
    d[0] = gc_xor(c, d[0], a[3]);
    d[0] = gc_xor(c, d[0], d[1]); /* the inverse in GF(4) is the square */
    c_mul4(c, out + 2, a + 2, d);
    c_mul4(c, out, s, d);
}

static void sbox(gc_circuit *c, const tower *t, gc_wire *out, const gc_wire *in)
{
    gc_wire a[8], s[4], d[4], q[4], r[8];
    linear(c, a, in, t->to, 8);
    add(c, s, a, a + 4, 4);
    c_mul16(c, d, s, a);
    linear(c, q, a + 4, t->square_m, 4);
    add(c, d, d, q, 4);
    c_inv16(c, q, d);
    c_mul16(c, r + 4, a + 4, q);
    c_mul16(c, r, s, q);
    linear(c, out, r, t->affine, 8);
    for (unsigned i = 0; i < 8; i++)
        if (0x63 >> i & 1)
            out[i] = gc_not(c, out[i]);
}

static void next_key(gc_circuit *c, const tower *t, gc_wire *k, uint8_t rcon)
{
    gc_wire w[32];
    for (unsigned i = 0; i < 4; i++)
        sbox(c, t, w + 8 * i, k + 8 * (12 + (i + 1) % 4));
    for (unsigned i = 0; i < 8; i++)
        if (rcon >> i & 1)
            w[i] = gc_not(c, w[i]);
    add(c, k, k, w, 32);
    for (unsigned i = 32; i < 128; i++)
        k[i] = gc_xor(c, k[i], k[i - 32]);
}

static void mix_column(gc_circuit *c, gc_wire *s)
{
    gc_wire in[32];
    memcpy(in, s, sizeof in);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned b = 0; b < 8; b++) { /* 2 (a0 + a1) + a1 + a2 + a3 */
            const gc_wire *a0 = in + 8 * i, *a1 = in + 8 * ((i + 1) % 4), *a2 = in + 8 * ((i + 2) % 4), *a3 = in + 8 * ((i + 3) % 4);
            gc_wire r = gc_xor(c, a1[b], gc_xor(c, a2[b], a3[b]));
            if (b)
                r = gc_xor(c, r, gc_xor(c, a0[b - 1], a1[b - 1]));
            if (0x1b >> b & 1)
                r = gc_xor(c, r, gc_xor(c, a0[7], a1[7]));
            s[8 * i + b] = r;
        }
}

int test_aes_circuit(gc_circuit **out, int key_known)
{
    gc_circuit *c;
    tower t;
    gc_wire s[128], k[128], r[128];
    uint8_t rcon = 1;
    int rc = gc_circuit_create(&c, key_known ? 128 : 256, key_known ? 128 : 0);
    *out = NULL;
    if (rc)
        return rc;
    tower_init(&t);
    for (unsigned i = 0; i < 128; i++) {
        k[i] = 128 + i;
        s[i] = gc_xor(c, i, k[i]);
    }
    for (unsigned round = 1; round <= 10; round++) {
        for (unsigned i = 0; i < 16; i++) /* SubBytes and ShiftRows */
            sbox(c, &t, r + 8 * ((i + 16 - 4 * (i % 4)) % 16), s + 8 * i);
        for (unsigned col = 0; round < 10 && col < 4; col++)
            mix_column(c, r + 32 * col);
        next_key(c, &t, k, rcon);
        rcon = (uint8_t)(rcon << 1 ^ (rcon >> 7) * 0x1b);
        add(c, s, r, k, 128);
    }
    for (unsigned i = 0; i < 128; i++)
        gc_output(c, s[i]);
    rc = gc_circuit_finish(c);
    if (rc)
        gc_circuit_free(c);
    else
        *out = c;
    return rc;
}
