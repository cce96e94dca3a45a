// SPDX-License-Identifier: ISC
/* Circuits in the clear and garbled: gadgets, AES-128, ReLU on shares, the counter rule. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "base/mem.h"
#include "base/prg.h"
#include "gc/gadgets.h"
#include "gc/relu.h"
#include "test/alloc.h"

static prg rng;
static gc_session garbler, evaluator;

static void setup(void)
{
    uint8_t seed[PRG_SEED_BYTES] = "gc";
    prg_init(&rng, seed, PRG_TEST, 0);
    prg_bytes(&rng, &garbler.delta, sizeof(block));
    garbler.delta.w[0] |= 1;
    prg_bytes(&rng, &garbler.start, sizeof(block));
    garbler.index = 0;
    evaluator = (gc_session){{{0, 0}}, garbler.start, 0};
}

/** garbled: runs a circuit through garbler and evaluator; out[o][lane].  eval[wire][stride], known[wire][stride] one byte a bit. */
static void garbled(const gc_circuit *c, size_t lanes, const uint8_t *eval, const uint8_t *known, uint8_t *out)
{
    const size_t stride = gc_stride(lanes);
    block *in0 = mem_alloc(c->eval_inputs * stride, sizeof *in0), *in = mem_alloc(c->eval_inputs * stride, sizeof *in);
    block *out0 = mem_alloc(c->outputs * stride, sizeof *out0), *active = mem_alloc(c->outputs * stride, sizeof *active);
    uint8_t *rows = mem_alloc(1, gc_circuit_row_bytes(c, lanes) + 1);
    uint8_t *mine = mem_alloc(c->outputs, stride / 8), *theirs = mem_alloc(c->outputs, stride / 8);

    prg_bytes(&rng, in0, c->eval_inputs * stride * sizeof *in0);
    for (size_t i = 0; i < c->eval_inputs * stride; i++)
        in[i] = block_xor(in0[i], block_and(garbler.delta, ct_mask(eval[i])));
    rows[gc_circuit_row_bytes(c, lanes)] = 0x5a;
    ck_assert_int_eq(gc_garble(&garbler, c, lanes, in0, known, rows, out0), 0);
    ck_assert_uint_eq(rows[gc_circuit_row_bytes(c, lanes)], 0x5a);
    ck_assert_int_eq(gc_eval(&evaluator, c, lanes, in, rows, active), 0);
    ck_assert_uint_eq(garbler.index, evaluator.index);
    gc_colours(mine, out0, c->outputs, lanes);
    gc_colours(theirs, active, c->outputs, lanes);
    for (uint32_t o = 0; o < c->outputs; o++)
        for (size_t j = 0; j < lanes; j++) {
            const block a = active[o * stride + j], z = out0[o * stride + j], one = block_xor(z, garbler.delta);
            const unsigned bit = (mine[o * (stride / 8) + j / 8] ^ theirs[o * (stride / 8) + j / 8]) >> j % 8 & 1;
            ck_assert(!memcmp(&a, bit ? &one : &z, sizeof a)); /* the whole label, not its colour alone */
            out[o * stride + j] = (uint8_t)bit;
        }
    mem_free(in0), mem_free(in), mem_free(out0), mem_free(active), mem_free(rows), mem_free(mine), mem_free(theirs);
}

/** agree: random inputs, garbled against gc_circuit_run. */
static void agree(const gc_circuit *c, size_t lanes)
{
    const size_t stride = gc_stride(lanes);
    uint8_t *eval = mem_alloc(c->eval_inputs + 1, stride), *known = mem_alloc(c->known_inputs + 1, stride), *out = mem_alloc(c->outputs, stride);
    uint8_t *e = mem_alloc(c->eval_inputs + 1, 1), *k = mem_alloc(c->known_inputs + 1, 1), *o = mem_alloc(c->outputs, 1);
    for (size_t i = 0; i < c->eval_inputs * stride; i++)
        eval[i] = prg_u64(&rng) & 1;
    for (size_t i = 0; i < c->known_inputs * stride; i++)
        known[i] = prg_u64(&rng) & 1;
    garbled(c, lanes, eval, known, out);
    for (size_t j = 0; j < lanes; j++) {
        for (uint32_t i = 0; i < c->eval_inputs; i++)
            e[i] = eval[i * stride + j];
        for (uint32_t i = 0; i < c->known_inputs; i++)
            k[i] = known[i * stride + j];
        ck_assert_int_eq(gc_circuit_run(c, e, k, o), 0);
        for (uint32_t i = 0; i < c->outputs; i++)
            ck_assert_uint_eq(o[i], out[i * stride + j]);
    }
    mem_free(eval), mem_free(known), mem_free(out), mem_free(e), mem_free(k), mem_free(o);
}

START_TEST(random_circuits_garbled_are_themselves)
{
    static const size_t lanes[] = {1, 7, 8, 9, 63, 64, 65, 200};
    for (int trial = 0; trial < 40; trial++) {
        gc_circuit *c;
        ck_assert_int_eq(gc_circuit_create(&c, 5, 4), 0);
        gc_wire w[64];
        int count = 0;
        for (; count < 9; count++)
            w[count] = (gc_wire)count;
        w[count++] = gc_const(c, 0);
        w[count++] = gc_const(c, 1);
        while (count < 60) {
            const gc_wire a = w[prg_u64(&rng) % (uint64_t)count], b = w[prg_u64(&rng) % (uint64_t)count], s = w[prg_u64(&rng) % (uint64_t)count];
            switch (prg_u64(&rng) % 5) {
            case 0: w[count++] = gc_xor(c, a, b); break;
            case 1: w[count++] = gc_and(c, a, b); break;
            case 2: w[count++] = gc_or(c, a, b); break;
            case 3: w[count++] = gc_not(c, a); break;
            default: w[count++] = gc_mux(c, s, a, b); break;
            }
        }
        for (int i = 9; i < count; i++)
            gc_output(c, c->known[w[i]] ? gc_xor(c, w[i], 0) : w[i]);
        ck_assert_int_eq(gc_circuit_finish(c), 0);
        agree(c, lanes[trial % 8]);
        gc_circuit_free(c);
    }
}
END_TEST

START_TEST(known_outputs_are_refused)
{
    gc_circuit *c;
    ck_assert_int_eq(gc_circuit_create(&c, 1, 1), 0);
    gc_output(c, gc_not(c, 1));
    ck_assert_int_eq(gc_circuit_finish(c), ERR_ARG);
    gc_circuit_free(c);
}
END_TEST

static void word_bits(uint8_t *bits, uint64_t v, unsigned w)
{
    for (unsigned i = 0; i < w; i++)
        bits[i] = v >> i & 1;
}

START_TEST(sum_and_comparison_are_right_on_every_input)
{
    enum { W = 5 };
    gc_circuit *c;
    gc_wire a[W], b[W], sum[W];
    ck_assert_int_eq(gc_circuit_create(&c, 2 * W, 0), 0);
    for (gc_wire i = 0; i < W; i++)
        a[i] = i, b[i] = W + i;
    gc_word_add(c, sum, a, b, W);
    for (int i = 0; i < W; i++)
        gc_output(c, sum[i]);
    ck_assert_uint_eq(c->ands, W - 1);
    gc_output(c, gc_word_less(c, a, b, W));
    ck_assert_uint_eq(c->ands, 2 * W - 1);
    ck_assert_int_eq(gc_circuit_finish(c), 0);
    enum { LANES = 1 << 2 * W };
    static uint8_t eval[2 * W * LANES], out[(W + 1) * LANES];
    for (uint32_t x = 0; x < LANES; x++) {
        for (int i = 0; i < 2 * W; i++)
            eval[i * LANES + (int)x] = x >> i & 1;
    }
    garbled(c, LANES, eval, NULL, out);
    for (uint64_t x = 0; x < LANES; x++) {
        const uint64_t p = x & 31, q = x >> W;
        for (int i = 0; i < W; i++)
            ck_assert_uint_eq(out[i * LANES + (int)x], (p + q) >> i & 1);
        ck_assert_uint_eq(out[W * LANES + (int)x], ct_signed(p, W) < ct_signed(q, W));
    }
    gc_circuit_free(c);
}
END_TEST

START_TEST(sign_has_its_rows_and_is_right)
{
    for (unsigned n = 2; n <= 6; n++) {
        gc_circuit *c;
        uint8_t e[8], k[8], out;
        ck_assert_int_eq(gc_sign_circuit(&c, n), 0);
        ck_assert_uint_eq(2 * c->ands + c->ands_known, 2 * n - 3);
        for (uint64_t a = 0; a < 1u << n; a++)
            for (uint64_t b = 0; b < 1u << n; b++) {
                word_bits(e, a, n);
                word_bits(k, b, n);
                ck_assert_int_eq(gc_circuit_run(c, e, k, &out), 0);
                ck_assert_uint_eq(out, ct_signed(ct_low(a + b, n), n) >= 0);
            }
        agree(c, 77);
        gc_circuit_free(c);
    }
    gc_circuit *c;
    ck_assert_int_eq(gc_sign_circuit(&c, 1), ERR_ARG);
}
END_TEST

START_TEST(argmax_is_right_and_ties_go_to_the_lowest)
{
    static const unsigned shapes[][3] = {{2, 4, 0}, {3, 5, 2}, {4, 6, 0}, {5, 8, 3}, {10, 26, 8}, {17, 9, 4}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const unsigned count = shapes[s][0], k = shapes[s][1], drop = shapes[s][2];
        enum { LANES = 96 };
        gc_circuit *c;
        static uint8_t eval[260 * LANES], known[260 * LANES], out[8 * LANES];
        static int32_t due[LANES];
        ck_assert_int_eq(gc_argmax_circuit(&c, count, k, drop), 0);
        ck_assert_uint_eq(c->outputs, gc_index_bits(count));
        for (int j = 0; j < LANES; j++) {
            int64_t best = INT64_MIN;
            for (unsigned e = 0; e < count; e++) {
                uint64_t v = ct_low(prg_u64(&rng), k), a = ct_low(prg_u64(&rng), k);
                if (j % 3 == 0)
                    v &= ~UINT64_C(0) << (k - 2); /* many ties */
                for (unsigned i = 0; i < k; i++) {
                    eval[(e * k + i) * LANES + (unsigned)j] = a >> i & 1;
                    known[(e * k + i) * LANES + (unsigned)j] = (v - a) >> i & 1;
                }
                if (ct_signed(v, k) >> drop > best) {
                    best = ct_signed(v, k) >> drop;
                    due[j] = (int32_t)e;
                }
            }
        }
        garbled(c, LANES, eval, known, out);
        for (int j = 0; j < LANES; j++) {
            int32_t got = 0;
            for (uint32_t o = 0; o < c->outputs; o++)
                got |= out[o * LANES + (unsigned)j] << o;
            ck_assert_int_eq(got, due[j]);
        }
        gc_circuit_free(c);
    }
    gc_circuit *c;
    ck_assert_int_eq(gc_argmax_circuit(&c, 1, 8, 0), ERR_ARG);
    ck_assert_int_eq(gc_argmax_circuit(&c, 4, 8, 8), ERR_ARG);
}
END_TEST

/* ---- AES-128 out of our builder ---- */

typedef struct {
    gc_wire b[8];
} byte_wires;

static byte_wires byte_xor(gc_circuit *c, byte_wires x, byte_wires y)
{
    for (int i = 0; i < 8; i++)
        x.b[i] = gc_xor(c, x.b[i], y.b[i]);
    return x;
}

/** fold: reduces a polynomial of degree 14 modulo x^8 + x^4 + x^3 + x + 1. */
static byte_wires fold(gc_circuit *c, gc_wire t[15])
{
    byte_wires r;
    for (int i = 14; i >= 8; i--)
        for (int j = 0; j < 4; j++) {
            static const int to[4] = {8, 7, 5, 4};
            t[i - to[j]] = gc_xor(c, t[i - to[j]], t[i]);
        }
    memcpy(r.b, t, sizeof r.b);
    return r;
}

static byte_wires byte_mul(gc_circuit *c, byte_wires x, byte_wires y)
{
    gc_wire t[15];
    for (int i = 0; i < 15; i++)
        t[i] = gc_const(c, 0);
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++)
            t[i + j] = gc_xor(c, t[i + j], gc_and(c, x.b[i], y.b[j]));
    return fold(c, t);
}

static byte_wires byte_square(gc_circuit *c, byte_wires x, int times)
{
    while (times--) {
        gc_wire t[15];
        for (int i = 0; i < 15; i++)
            t[i] = i % 2 ? gc_const(c, 0) : x.b[i / 2];
        x = fold(c, t);
    }
    return x;
}

static byte_wires sbox(gc_circuit *c, byte_wires x)
{
    byte_wires x2 = byte_square(c, x, 1), x3 = byte_mul(c, x2, x), x12 = byte_square(c, x3, 2), x15 = byte_mul(c, x12, x3);
    byte_wires y = byte_mul(c, byte_mul(c, byte_square(c, x15, 4), x12), x2), r; /* x^254 */
    for (int i = 0; i < 8; i++) {
        gc_wire w = y.b[i];
        for (int j = 4; j < 8; j++)
            w = gc_xor(c, w, y.b[(i + j) % 8]);
        r.b[i] = 0x63 >> i & 1 ? gc_not(c, w) : w;
    }
    return r;
}

static byte_wires xtime(gc_circuit *c, byte_wires x)
{
    gc_wire t[15];
    for (int i = 0; i < 15; i++)
        t[i] = i >= 1 && i <= 8 ? x.b[i - 1] : gc_const(c, 0);
    return fold(c, t);
}

/** aes_circuit: evaluator's plaintext (128 bits, byte 0 first, bit 0 first), garbler's key. */
static gc_circuit *aes_circuit(void)
{
    gc_circuit *c;
    byte_wires s[16], k[16], t[16], rcon = {{0}};
    ck_assert_int_eq(gc_circuit_create(&c, 128, 128), 0);
    for (gc_wire i = 0; i < 128; i++) {
        s[i / 8].b[i % 8] = i;
        k[i / 8].b[i % 8] = 128 + i;
    }
    for (int i = 0; i < 8; i++)
        rcon.b[i] = gc_const(c, i == 0);
    for (int i = 0; i < 16; i++)
        s[i] = byte_xor(c, s[i], k[i]);
    for (int round = 1; round <= 10; round++) {
        for (int i = 0; i < 4; i++) {
            byte_wires w = sbox(c, k[12 + (i + 1) % 4]);
            k[i] = byte_xor(c, k[i], w);
        }
        k[0] = byte_xor(c, k[0], rcon);
        rcon = xtime(c, rcon);
        for (int i = 4; i < 16; i++)
            k[i] = byte_xor(c, k[i], k[i - 4]);
        for (int i = 0; i < 16; i++)
            t[i] = sbox(c, s[(i + 4 * (i % 4)) % 16]);
        for (int i = 0; i < 16; i++) {
            const int col = i / 4 * 4;
            byte_wires a = t[i], b = t[col + (i + 1) % 4], e = t[col + (i + 2) % 4], d = t[col + (i + 3) % 4];
            s[i] = round == 10 ? a : byte_xor(c, byte_xor(c, xtime(c, byte_xor(c, a, b)), b), byte_xor(c, e, d));
            s[i] = byte_xor(c, s[i], k[i]);
        }
    }
    for (int i = 0; i < 128; i++)
        gc_output(c, s[i / 8].b[i % 8]);
    ck_assert_int_eq(gc_circuit_finish(c), 0);
    return c;
}

START_TEST(aes_128_through_the_garbler_matches_fips_197)
{
    static const uint8_t plain[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    static const uint8_t due[16] = {0x69, 0xc4, 0xe0, 0xd8, 0x6a, 0x7b, 0x04, 0x30, 0xd8, 0xcd, 0xb7, 0x80, 0x70, 0xb4, 0xc5, 0x5a};
    enum { LANES = 24 };
    static uint8_t eval[128 * LANES], known[128 * LANES], out[128 * LANES];
    uint8_t in[LANES][16], key[LANES][16];
    gc_circuit *c = aes_circuit();
    for (int j = 0; j < LANES; j++) {
        prg_bytes(&rng, in[j], 16);
        prg_bytes(&rng, key[j], 16);
        for (int i = 0; i < 16 && j == 0; i++) {
            in[0][i] = plain[i];
            key[0][i] = (uint8_t)i;
        }
        for (int i = 0; i < 128; i++) {
            eval[i * LANES + j] = in[j][i / 8] >> i % 8 & 1;
            known[i * LANES + j] = key[j][i / 8] >> i % 8 & 1;
        }
    }
    garbled(c, LANES, eval, known, out);
    for (int j = 0; j < LANES; j++) {
        aes128_key k;
        block b, x;
        uint8_t got[16] = {0};
        memcpy(&b, key[j], 16);
        memcpy(&x, in[j], 16);
        aes128_expand(&k, &b);
        aes128_encrypt(&k, &x, &x, 1);
        for (int i = 0; i < 128; i++)
            got[i / 8] |= (uint8_t)(out[i * LANES + j] << i % 8);
        ck_assert_mem_eq(got, &x, 16);
        if (j == 0)
            ck_assert_mem_eq(got, due, 16);
    }
    gc_circuit_free(c);
}
END_TEST

/* ---- ReLU on shares ---- */

/** relu: garbles and evaluates, asserts that every lane is exact; `rows_out`, may be NULL, gets the rows. */
static void relu(unsigned n, unsigned l, size_t lanes, const uint64_t *v_g, const uint64_t *v_e, uint8_t *rows_out)
{
    const size_t stride = gc_stride(lanes), bytes = gc_relu_bytes(n, l, lanes);
    block *in0 = mem_alloc(n * stride, sizeof *in0), *in = mem_alloc(n * stride, sizeof *in);
    uint8_t *rows = mem_alloc(1, bytes + 1);
    uint64_t *mine = mem_alloc(lanes, sizeof *mine), *theirs = mem_alloc(lanes, sizeof *theirs);
    prg_bytes(&rng, in0, n * stride * sizeof *in0);
    for (unsigned i = 0; i < n; i++)
        for (size_t j = 0; j < stride; j++)
            in[i * stride + j] = block_xor(in0[i * stride + j], block_and(garbler.delta, ct_mask(j < lanes ? v_e[j] >> i & 1 : 0)));
    rows[bytes] = 0x5a;
    ck_assert_int_eq(gc_relu_garble(&garbler, n, l, lanes, in0, v_g, rows, mine), 0);
    ck_assert_uint_eq(rows[bytes], 0x5a);
    ck_assert_int_eq(gc_relu_eval(&evaluator, n, l, lanes, in, v_e, rows, theirs), 0);
    for (size_t j = 0; j < lanes; j++) {
        const int64_t v = ct_signed(ct_low(v_g[j] + v_e[j], n), n);
        ck_assert_uint_eq(ct_low(mine[j] + theirs[j], l), (uint64_t)(v > 0 ? v : 0));
        ck_assert(mine[j] == ct_low(mine[j], l) && theirs[j] == ct_low(theirs[j], l));
    }
    if (rows_out)
        memcpy(rows_out, rows, bytes);
    mem_free(in0), mem_free(in), mem_free(rows), mem_free(mine), mem_free(theirs);
}

START_TEST(relu_is_exact_on_every_pair_of_short_shares)
{
    static const unsigned shapes[][2] = {{2, 2}, {2, 9}, {3, 3}, {4, 4}, {4, 7}, {5, 9}, {6, 8}, {7, 40}};
    static uint64_t v_g[1 << 14], v_e[1 << 14];
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const unsigned n = shapes[s][0];
        for (uint32_t i = 0; i < 1u << 2 * n; i++) {
            v_g[i] = ct_low(i, n);
            v_e[i] = i >> n;
        }
        relu(n, shapes[s][1], (size_t)1 << 2 * n, v_g, v_e, NULL);
    }
}
END_TEST

START_TEST(relu_is_exact_on_random_wide_shares)
{
    static const unsigned shapes[][2] = {{12, 24}, {14, 26}, {11, 26}, {20, 45}, {32, 32}, {40, 50}};
    static const size_t lanes[] = {1, 8, 9, 100, 513, 1000};
    static uint64_t v_g[1000], v_e[1000];
    for (size_t s = 0; s < 6; s++) {
        for (size_t j = 0; j < lanes[s]; j++) {
            v_g[j] = ct_low(prg_u64(&rng), shapes[s][0]);
            v_e[j] = ct_low(prg_u64(&rng), shapes[s][0]);
        }
        relu(shapes[s][0], shapes[s][1], lanes[s], v_g, v_e, NULL);
    }
}
END_TEST

START_TEST(relu_has_its_bytes_and_its_limits)
{
    /* 16 (2n - 3) + (3l - n + 1 + sum (l - i)) / 8 = 336 + 35.6 bytes a lane at n = 12, l = 24 */
    ck_assert_uint_eq(gc_relu_bytes(12, 24, 8000), 8000 * 336 + 8000 * (61 + 222) / 8);
    ck_assert_int_eq(gc_relu_check(12, 24), 0);
    ck_assert_int_eq(gc_relu_check(1, 24), ERR_ARG);
    ck_assert_int_eq(gc_relu_check(12, 11), ERR_ARG);
    ck_assert_int_eq(gc_relu_check(12, 46), 0);       /* 127 bits */
    ck_assert_int_eq(gc_relu_check(12, 47), ERR_ARG); /* 130 bits: one hash does not cover the row */
    ck_assert_int_eq(gc_relu_check(62, 63), ERR_ARG);
}
END_TEST

/* The evaluator's view must not depend on the garbler's shares: the arithmetic rows of all-zero and of all-one shares look alike. */
START_TEST(rows_look_uniform_whatever_the_shares)
{
    enum { LANES = 4096, NN = 12, LL = 24 };
    static uint64_t v_g[LANES], v_e[LANES];
    uint8_t *rows = mem_alloc(1, gc_relu_bytes(NN, LL, LANES));
    const size_t bytes = gc_relu_bytes(NN, LL, LANES);
    for (int ones = 0; ones < 2; ones++) {
        double count[256] = {0}, x = 0;
        for (size_t j = 0; j < LANES; j++)
            v_g[j] = ones ? (1 << NN) - 1 : 0;
        relu(NN, LL, LANES, v_g, v_e, rows);
        for (size_t i = 0; i < bytes; i++)
            count[rows[i]]++;
        for (int b = 0; b < 256; b++)
            x += (count[b] - (double)bytes / 256) * (count[b] - (double)bytes / 256) / ((double)bytes / 256);
        ck_assert_msg(x > 150 && x < 400, "chi-square of 255 degrees: %g", x);
    }
    mem_free(rows);
}
END_TEST

#ifndef __SANITIZE_ADDRESS__ /* its frames are larger */
static uint8_t below[1 << 16]; /* what the stack holds below a caller */

static __attribute__((noinline)) void paint(void)
{
    uint8_t a[sizeof below];
    memset(a, 0, sizeof a);
    __asm__ volatile("" ::"r"(a) : "memory");
}

static __attribute__((noinline)) void grab(void)
{
    uint8_t *top = __builtin_frame_address(0);
    __asm__ volatile("" : "+r"(top)::"memory");
    for (size_t i = 0; i < sizeof below; i++) below[i] = ((volatile uint8_t *)top - sizeof below)[i];
}

/* Kernels spill: delta, labels.  Whatever is left over of whole vectors, garbling wipes the stack as deep as its calls went. */
START_TEST(no_secret_is_left_on_the_stack)
{
    static const size_t some[] = {1, 4, 7, 20, 31, 32, 33, 100, 128, 150};
    static block in[12 * 256], out[256];
    static uint8_t known[12 * 256], rows[1 << 18];
    static uint64_t v[256], share[256];
    gc_circuit *c;
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) in[i] = (block){{i * 0x9e3779b97f4a7c15u, ~i}};
    ck_assert_int_eq(gc_sign_circuit(&c, 12), 0);
    for (size_t i = 0; i < 2 * sizeof some / sizeof *some; i++) {
        const size_t lanes = some[i / 2];
        paint();
        const int rc = i % 2 ? gc_relu_garble(&garbler, 12, 24, lanes, in, v, rows, share) : gc_garble(&garbler, c, lanes, in, known, rows, out);
        grab();
        ck_assert_int_eq(rc, 0);
        for (size_t at = 0; at + sizeof(block) <= sizeof below; at += 8)
            ck_assert_msg(memcmp(below + at, &garbler.delta, sizeof(block)) && memcmp(below + at, in, sizeof(block)), "%zu lanes: %zu bytes below", lanes,
                          sizeof below - at);
    }
    gc_circuit_free(c);
}
END_TEST
#endif

START_TEST(indices_grow_by_the_sites_and_end_at_the_limit)
{
    static uint64_t v[20];
    const uint64_t before = garbler.index;
    relu(12, 24, 20, v, v, NULL);
    /* 2n - 3 sites of the sign, one projection, n halves; 20 lanes are 4 keys a site */
    ck_assert_uint_eq(garbler.index - before, (21 + 1 + 12) * 4);
    gc_session s = garbler;
    uint64_t first;
    s.index = GC_INDEX_MAX - 4;
    ck_assert_int_eq(gc_take_indices(&s, 2, 16, &first), ERR_LIMIT);
    ck_assert_uint_eq(s.index, GC_INDEX_MAX - 4);
    ck_assert_int_eq(gc_take_indices(&s, 1, 17, &first), 0);
    ck_assert_uint_eq(s.index, GC_INDEX_MAX);
}
END_TEST

START_TEST(every_failed_allocation_is_reported)
{
    uint64_t v_g[9] = {1}, v_e[9] = {2}, share[9];
    block in0[8 * 16] = {{{0, 0}}};
    uint8_t rows[8192];
    ck_assert_uint_le(gc_relu_bytes(8, 12, 9), sizeof rows);
    for (int who = 0; who < 2; who++) {
        int rc = ERR_MEM;
        for (long k = 1; rc == ERR_MEM; k++) {
            test_alloc_fail_at(k);
            rc = who ? gc_relu_eval(&evaluator, 8, 12, 9, in0, v_e, rows, share) : gc_relu_garble(&garbler, 8, 12, 9, in0, v_g, rows, share);
            ck_assert_int_lt(k, 100);
        }
        test_alloc_fail_at(0);
        ck_assert_int_eq(rc, 0);
    }
    gc_circuit *c;
    int rc = ERR_MEM;
    for (long k = 1; rc == ERR_MEM; k++) {
        test_alloc_fail_at(k);
        rc = gc_argmax_circuit(&c, 4, 10, 2);
        ck_assert_int_lt(k, 100);
    }
    test_alloc_fail_at(0);
    ck_assert_int_eq(rc, 0);
    gc_circuit_free(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gc");
    TCase *t = tcase_create("gc");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 300);
    tcase_add_test(t, random_circuits_garbled_are_themselves);
    tcase_add_test(t, known_outputs_are_refused);
    tcase_add_test(t, sum_and_comparison_are_right_on_every_input);
    tcase_add_test(t, sign_has_its_rows_and_is_right);
    tcase_add_test(t, argmax_is_right_and_ties_go_to_the_lowest);
    tcase_add_test(t, aes_128_through_the_garbler_matches_fips_197);
    tcase_add_test(t, relu_is_exact_on_every_pair_of_short_shares);
    tcase_add_test(t, relu_is_exact_on_random_wide_shares);
    tcase_add_test(t, relu_has_its_bytes_and_its_limits);
    tcase_add_test(t, rows_look_uniform_whatever_the_shares);
    tcase_add_test(t, indices_grow_by_the_sites_and_end_at_the_limit);
#ifndef __SANITIZE_ADDRESS__
    tcase_add_test(t, no_secret_is_left_on_the_stack);
#endif
    tcase_add_test(t, every_failed_allocation_is_reported);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
