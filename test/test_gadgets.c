// SPDX-License-Identifier: ISC
/* Every gadget against integers, in the clear and garbled: all inputs at small widths and at 8 bits, wide products and argmax at random. */
#include "gc/gadgets.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "base/mem.h"
#include "test/alloc.h"
#include "test/gc_party.h"

/* Runs c over lanes, whose inputs are given bit by bit, in the clear and garbled; both must agree.  out[j] = the output bits of lane j. */
static void run(gc_party *p, const gc_circuit *c, size_t lanes, const uint8_t *eval_bits, const uint8_t *known, uint64_t *out)
{
    const size_t stride = gc_stride(lanes);
    uint8_t *garbled = mem_alloc(c->outputs, stride), *e = mem_alloc(c->eval_inputs, 1), *k = mem_alloc(c->known_inputs, 1);
    uint8_t clear[64];
    ck_assert(garbled && e && k && c->outputs <= 64);
    gc_party_run(p, c, lanes, eval_bits, known, garbled);
    for (size_t j = 0; j < lanes; j++) {
        out[j] = 0;
        for (uint32_t i = 0; i < c->eval_inputs; i++)
            e[i] = eval_bits[i * stride + j];
        for (uint32_t i = 0; i < c->known_inputs; i++)
            k[i] = known[i * stride + j];
        if (gc_circuit_run(c, e, k, clear)) /* ck_assert writes to a file each time: too slow for all inputs */
            ck_abort_msg("%s", err_text());
        for (uint32_t o = 0; o < c->outputs; o++) {
            if (clear[o] != garbled[o * stride + j])
                ck_abort_msg("output %u of lane %zu", o, j);
            out[j] |= (uint64_t)clear[o] << o;
        }
    }
    mem_free(garbled), mem_free(e), mem_free(k);
}

/* The same for inputs given as words, whose bits are the input wires; chunk by chunk, so that memory stays small. */
static void run_words(gc_party *p, const gc_circuit *c, size_t lanes, const uint64_t *e, const uint64_t *k, uint64_t *out)
{
    enum { CHUNK = 4096 };
    uint8_t *eb = mem_alloc(c->eval_inputs, CHUNK), *kb = mem_alloc(c->known_inputs, CHUNK);
    ck_assert(eb && kb);
    for (size_t at = 0; at < lanes; at += CHUNK) {
        const size_t n = lanes - at < CHUNK ? lanes - at : CHUNK;
        gc_party_bits(eb, e + at, n, c->eval_inputs);
        gc_party_bits(kb, k + at, n, c->known_inputs);
        run(p, c, n, eb, kb, out + at);
    }
    mem_free(eb), mem_free(kb);
}

enum { ADD, SUB, LESS, BELOW, SELECT, MUX, MAX, RELU, MULTIPLY, MULTIPLY_WIDE, GADGETS };

static unsigned out_bits(unsigned gadget, unsigned w)
{
    return gadget == LESS || gadget == BELOW ? 1 : gadget == MULTIPLY_WIDE && w > 1 ? 2 * w : gadget == RELU ? w - 1 : w;
}

static void build(gc_circuit *c, unsigned gadget, gc_wire *out, gc_wire s, const gc_wire *a, const gc_wire *b, unsigned w)
{
    switch (gadget) {
    case ADD: gc_word_add(c, out, a, b, w); break;
    case SUB: gc_word_sub(c, out, a, b, w); break;
    case LESS: out[0] = gc_word_less(c, a, b, w); break;
    case BELOW: out[0] = gc_word_below(c, a, b, w); break;
    case SELECT: gc_word_select(c, out, s, a, w); break;
    case MUX: gc_word_mux(c, out, s, a, b, w); break;
    case MAX: gc_word_max(c, out, a, b, w); break;
    case RELU:
        gc_word_relu(c, out, a, w);
        ck_assert_uint_eq(out[w - 1], gc_const(c, 0));
        break;
    default: gc_word_multiply(c, out, gadget == MULTIPLY ? w : 2 * w, a, b, w);
    }
}

/* ANDs, and how many of them have a known operand when the garbler knows a (ka) or b. */
static void count(unsigned gadget, unsigned w, int ka, int kb, unsigned *ands, unsigned *known)
{
    const unsigned total[GADGETS] = {w - 1, w - 1, w, w, w, w, 2 * w, w - 1, w * w - w + 1, 2 * w * w - w};
    const unsigned one[GADGETS] = {w > 1, w > 1, 1, 1, ka ? w : 0, 0, 1, 0, w * (w + 1) / 2, w * w};
    *known = ka || kb ? one[gadget] : 0;
    *ands = total[gadget] - *known;
}

static uint64_t expected(unsigned gadget, uint64_t s, uint64_t a, uint64_t b, unsigned w)
{
    const uint64_t m = (1u << w) - 1;
    const int64_t x = a >> (w - 1) ? (int64_t)a - (1 << w) : (int64_t)a, y = b >> (w - 1) ? (int64_t)b - (1 << w) : (int64_t)b;
    const uint64_t want[GADGETS] = {(a + b) & m,   (a - b) & m,      x < y, a < b, s ? a : 0, s ? a : b, x < y ? b : a, x < 0 ? 0 : a,
                                    (a * b) & m, a * b};
    return want[gadget];
}

/* All inputs of one gadget: words a and b of w bits, for SELECT and MUX a select bit too, which the evaluator has. */
static void all_inputs(gc_party *p, unsigned gadget, unsigned w, int ka, int kb)
{
    const unsigned sel = gadget == SELECT || gadget == MUX, ke = (unsigned)(ka + kb), ne = (2 - ke) * w + sel, nk = ke * w;
    const size_t lanes = (size_t)1 << (2 * w + sel);
    uint64_t *e = mem_alloc(lanes, 8), *k = mem_alloc(lanes, 8), *got = mem_alloc(lanes, 8);
    unsigned ands, known;
    gc_circuit *c;
    gc_wire a[8], b[8], out[16];
    ck_assert(e && k && got);
    ck_assert_int_eq(gc_circuit_create(&c, ne, nk), 0);
    for (unsigned i = 0; i < w; i++) {
        a[i] = ka ? ne + i : sel + i;
        b[i] = kb ? ne + i : sel + (ka ? 0 : w) + i;
    }
    build(c, gadget, out, 0, a, b, w);
    for (unsigned i = 0; i < out_bits(gadget, w); i++)
        gc_output(c, out[i]);
    ck_assert_int_eq(gc_circuit_finish(c), 0);
    count(gadget, w, ka, kb, &ands, &known);
    ck_assert_uint_eq(c->ands, ands);
    ck_assert_uint_eq(c->ands_known, known);

    for (size_t j = 0; j < lanes; j++) {
        const uint64_t va = j >> sel & ((1u << w) - 1), vb = j >> (sel + w);
        e[j] = (j & sel) | (ka ? vb << sel : kb ? va << sel : va << sel | vb << (sel + w));
        k[j] = ka ? va : vb;
    }
    run_words(p, c, lanes, e, k, got);
    for (size_t j = 0; j < lanes; j++)
        if (got[j] != expected(gadget, j & sel, j >> sel & ((1u << w) - 1), j >> (sel + w), w))
            ck_abort_msg("gadget %u, %u bits, input %zx: %llx", gadget, w, j, (unsigned long long)got[j]);
    gc_circuit_free(c);
    mem_free(e), mem_free(k), mem_free(got);
}

/* _i: the gadget. */
START_TEST(words)
{
    static const unsigned widths[] = {1, 2, 3, 4, 8};
    gc_party p;
    gc_party_init(&p, (uint64_t)_i);
    for (unsigned t = 0; t < sizeof widths / sizeof *widths; t++)
        for (int known = 0; known < 3; known++) /* none, a, b */
            if (_i != RELU || (known != 1 && widths[t] > 1)) /* the ReLU of a known word is known */
                all_inputs(&p, (unsigned)_i, widths[t], known == 1, known == 2);
}
END_TEST

/* out may be a or b. */
START_TEST(in_place)
{
    enum { W = 5 };
    for (unsigned gadget = ADD; gadget <= RELU; gadget++)
        for (unsigned alias = 0; alias < 2; alias++) {
            gc_circuit *c;
            gc_wire w[2][W], *out = w[alias];
            ck_assert_int_eq(gc_circuit_create(&c, 2 * W + 1, 0), 0);
            for (unsigned i = 0; i < W; i++) {
                w[0][i] = 1 + i;
                w[1][i] = 1 + W + i;
            }
            build(c, gadget, out, 0, w[0], w[1], W);
            for (unsigned i = 0; i < out_bits(gadget, W); i++)
                gc_output(c, out[i]);
            ck_assert_int_eq(gc_circuit_finish(c), 0);
            for (unsigned x = 0; x < 1u << (2 * W + 1); x++) {
                uint8_t in[2 * W + 1], bits[W];
                uint64_t got = 0;
                for (unsigned i = 0; i < sizeof in; i++)
                    in[i] = x >> i & 1;
                ck_assert_int_eq(gc_circuit_run(c, in, NULL, bits), 0);
                for (unsigned i = 0; i < c->outputs; i++)
                    got |= (uint64_t)bits[i] << i;
                ck_assert_uint_eq(got, expected(gadget, x & 1, x >> 1 & 31, x >> (1 + W), W));
            }
            gc_circuit_free(c);
        }
}
END_TEST

/* product of 128-bit words by words of 32 bits: z[8] = x[4] * y[4]. */
static void product_of(uint32_t *z, const uint32_t *x, const uint32_t *y)
{
    memset(z, 0, 8 * sizeof *z);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t t = 0;
        for (unsigned j = 0; j < 4; j++) {
            t += (uint64_t)x[i] * y[j] + z[i + j];
            z[i + j] = (uint32_t)t;
            t >>= 32;
        }
        z[i + 4] = (uint32_t)t;
    }
}

static gc_circuit *multiplier(unsigned w, unsigned keep, int known)
{
    gc_circuit *c;
    gc_wire a[128], b[128], out[256];
    ck_assert_int_eq(gc_circuit_create(&c, known ? w : 2 * w, known ? w : 0), 0);
    for (unsigned i = 0; i < w; i++) {
        a[i] = i;
        b[i] = w + i;
    }
    gc_word_multiply(c, out, keep, a, b, w);
    for (unsigned i = 0; i < keep; i++)
        if (w > 1 || !i) /* bit 1 of a product of two bits is the constant 0 */
            gc_output(c, out[i]);
        else
            ck_assert_uint_eq(out[i], gc_const(c, 0));
    ck_assert_int_eq(gc_circuit_finish(c), 0);
    return c;
}

static void multiplies(prg *g, unsigned w, unsigned keep, int known)
{
    gc_circuit *c = multiplier(w, keep, known);
    for (unsigned round = 0; round < 6; round++) {
        uint32_t x[4], y[4], z[8];
        uint8_t in[256], out[256];
        for (unsigned i = 0; i < 4; i++) { /* all ones, ones by ones, one, and random words */
            x[i] = round < 2 ? UINT32_MAX : round == 2 ? i == 0 : (uint32_t)prg_u64(g);
            y[i] = round < 1 ? UINT32_MAX : (uint32_t)prg_u64(g);
        }
        for (unsigned i = 0; i < 128; i++)
            if (i >= w) {
                x[i / 32] &= ~(UINT32_C(1) << i % 32);
                y[i / 32] &= ~(UINT32_C(1) << i % 32);
            }
        for (unsigned i = 0; i < w; i++) {
            in[i] = x[i / 32] >> i % 32 & 1;
            in[w + i] = y[i / 32] >> i % 32 & 1;
        }
        product_of(z, x, y);
        ck_assert_int_eq(gc_circuit_run(c, in, in + w, out), 0);
        for (unsigned i = 0; i < c->outputs; i++)
            ck_assert_uint_eq(out[i], z[i / 32] >> i % 32 & 1);
    }
    gc_circuit_free(c);
}

START_TEST(multiply_at_every_width)
{
    const uint8_t seed[PRG_SEED_BYTES] = "multiply";
    prg g;
    prg_init(&g, seed, PRG_TEST, 0);
    for (unsigned w = 1; w <= GC_MULTIPLY_MAX; w++)
        for (unsigned keep = 1; keep <= 2 * w; keep++)
            if (w < 30 || keep % 17 == 0 || (keep + 1 >= w && keep <= w + 1) || keep + 2 > 2 * w)
                multiplies(&g, w, keep, (w + keep) % 3 == 0);
    for (unsigned bad = 0; bad < 4; bad++) {
        static const unsigned size[4][2] = {{0, 1}, {GC_MULTIPLY_MAX + 1, 8}, {8, 0}, {8, 17}};
        gc_circuit *c;
        gc_wire a[GC_MULTIPLY_MAX + 1] = {0}, out[2 * GC_MULTIPLY_MAX + 2] = {0};
        ck_assert_int_eq(gc_circuit_create(&c, 1, 0), 0);
        gc_word_multiply(c, out, size[bad][1], a, a, size[bad][0]);
        ck_assert_int_eq(gc_circuit_finish(c), ERR_ARG);
        gc_circuit_free(c);
    }
}
END_TEST

/* The counts that gadgets.h states. */
START_TEST(multiply_has_its_ands)
{
    static const unsigned stated[][3] = {{16, 241, 463}, {32, 963, 1603}, {64, 3505, 5211}, {128, 11933, 16404}};
    for (size_t i = 0; i < sizeof stated / sizeof *stated; i++)
        for (unsigned wide = 0; wide < 2; wide++) {
            gc_circuit *c = multiplier(stated[i][0], stated[i][0] << wide, 0);
            ck_assert_uint_eq(c->ands, stated[i][1 + wide]);
            gc_circuit_free(c);
        }
    for (unsigned w = 1; w < 28; w++)
        for (unsigned wide = 0; wide < 2; wide++) {
            if (wide && w > 11)
                continue;
            gc_circuit *c = multiplier(w, w << wide, 0);
            ck_assert_uint_eq(c->ands, wide ? 2 * w * w - w : w * w - w + 1);
            gc_circuit_free(c);
        }
}
END_TEST

static void relu_shares(gc_party *p, unsigned n, int known, unsigned masks)
{
    const size_t lanes = (size_t)1 << 2 * n;
    uint64_t *e = mem_alloc(lanes, 8), *k = mem_alloc(lanes, 8), *got = mem_alloc(lanes, 8);
    const uint64_t top = (1u << n) - 1, edge[] = {0, 1, top >> 1, (top >> 1) + 1, top};
    gc_circuit *c;
    ck_assert(e && k && got);
    ck_assert_int_eq(gc_relu_shares_circuit(&c, n, known), 0);
    ck_assert_uint_eq(c->ands, 3 * (n - 1) - (known ? 2 : 0));
    ck_assert_uint_eq(c->ands_known, known ? 2 : 0);
    for (uint64_t mask = 0; mask < masks; mask++) {
        for (size_t j = 0; j < lanes; j++) { /* few masks: the edges, then one of its own for each lane */
            const uint64_t m = masks > top ? mask : mask < 5 ? edge[mask] : prg_u64(&p->rng) & top;
            k[j] = j >> n | m << n;
            e[j] = known ? j & top : (j & top) | k[j] << n;
        }
        run_words(p, c, lanes, e, k, got);
        for (size_t j = 0; j < lanes; j++) {
            const uint64_t v = ((j & top) + (j >> n)) & top, relu = v > top >> 1 ? 0 : v;
            if (got[j] != ((relu - (k[j] >> n)) & top))
                ck_abort_msg("%u bits, known %d, input %zx: %llx", n, known, j, (unsigned long long)got[j]);
        }
    }
    gc_circuit_free(c);
    mem_free(e), mem_free(k), mem_free(got);
}

/* _i: the garbler knows its share and the mask. */
START_TEST(relu_of_shares)
{
    gc_party p;
    gc_party_init(&p, 40);
    for (unsigned n = 2; n <= 4; n++)
        relu_shares(&p, n, _i, 1u << n);
    relu_shares(&p, 8, _i, 7);
    gc_circuit *c;
    ck_assert_int_eq(gc_relu_shares_circuit(&c, 32, _i), 0);
    ck_assert_uint_eq(c->ands + c->ands_known, 93);
    gc_circuit_free(c);
}
END_TEST

START_TEST(sign)
{
    static uint64_t a[1 << 14], b[1 << 14], got[1 << 14];
    gc_party p;
    gc_party_init(&p, 50);
    for (unsigned n = 2; n <= 7; n++) {
        const size_t lanes = (size_t)1 << 2 * n;
        gc_circuit *c;
        ck_assert_int_eq(gc_sign_circuit(&c, n), 0);
        ck_assert_uint_eq(2 * c->ands + c->ands_known, 2 * n - 3);
        for (size_t j = 0; j < lanes; j++) {
            a[j] = j & ((1u << n) - 1);
            b[j] = j >> n;
        }
        run_words(&p, c, lanes, a, b, got);
        for (size_t j = 0; j < lanes; j++)
            ck_assert_uint_eq(got[j], (a[j] + b[j]) % (1u << n) < 1u << (n - 1));
        gc_circuit_free(c);
    }
}
END_TEST

static unsigned argmax_of(const uint64_t *a, const uint64_t *b, unsigned count, unsigned k, unsigned drop)
{
    unsigned best = 0;
    int64_t most = INT64_MIN;
    for (unsigned i = 0; i < count; i++) {
        const int64_t v = ct_signed(ct_low(a[i] + b[i], k), k) >> drop;
        if (v > most) {
            most = v;
            best = i;
        }
    }
    return best;
}

static void argmax(gc_party *p, unsigned count, unsigned k, unsigned drop, size_t lanes, int exhaustive)
{
    const size_t stride = gc_stride(lanes);
    uint64_t *a = mem_alloc(lanes * count, 8), *b = mem_alloc(lanes * count, 8), *got = mem_alloc(lanes, 8);
    uint8_t *eb = mem_alloc(count * k, stride), *kb = mem_alloc(count * k, stride);
    gc_circuit *c;
    ck_assert(a && b && got && eb && kb);
    ck_assert_int_eq(gc_argmax_circuit(&c, count, k, drop), 0);
    ck_assert_uint_eq(c->outputs, gc_index_bits(count));
    const unsigned ands = c->ands + c->ands_known, word_ands = count * (k - 1) + (2 * count - 3) * (k - drop);
    ck_assert(ands >= word_ands && ands - word_ands <= (count - 2) * gc_index_bits(count));
    for (size_t j = 0; j < lanes; j++)
        for (unsigned i = 0; i < count; i++) {
            uint64_t *x = &a[j * count + i], *y = &b[j * count + i];
            *x = exhaustive ? j >> 2 * k * i & ((1u << k) - 1) : ct_low(prg_u64(&p->rng), k);
            *y = exhaustive ? j >> (2 * k * i + k) & ((1u << k) - 1) : ct_low(prg_u64(&p->rng), k);
            if (!exhaustive && i && prg_u64(&p->rng) % 3 == 0) /* near ties across what is dropped */
                *y = ct_low(x[-1] + y[-1] - *x + prg_u64(&p->rng) % 3 - 1, k);
            for (unsigned t = 0; t < k; t++) {
                eb[(i * k + t) * stride + j] = *x >> t & 1;
                kb[(i * k + t) * stride + j] = *y >> t & 1;
            }
        }
    run(p, c, lanes, eb, kb, got);
    for (size_t j = 0; j < lanes; j++)
        ck_assert_uint_eq(got[j], argmax_of(a + j * count, b + j * count, count, k, drop));
    gc_circuit_free(c);
    mem_free(a), mem_free(b), mem_free(got), mem_free(eb), mem_free(kb);
}

START_TEST(argmax_is_the_first_largest)
{
    gc_party p;
    gc_party_init(&p, 60);
    for (unsigned drop = 0; drop < 3; drop++) {
        argmax(&p, 2, 3, drop, 1 << 12, 1);
        if (drop < 2)
            argmax(&p, 3, 2, drop, 1 << 12, 1);
    }
    for (unsigned count = 2; count <= 17; count++)
        argmax(&p, count, 5, count % 4, 150, 0);
    argmax(&p, 10, 26, 12, 200, 0);
    argmax(&p, 10, 26, 0, 65, 0);
    argmax(&p, 3, 62, 30, 65, 0);
    argmax(&p, 100, 8, 2, 33, 0);
}
END_TEST

START_TEST(refusals)
{
    static const unsigned bad[][3] = {{0, 8, 0}, {1, 8, 0}, {UINT32_MAX, 8, 0}, {10, 0, 0}, {10, 65, 0}, {10, 8, 8}, {10, 8, 9}};
    gc_circuit *c = (gc_circuit *)&c;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(gc_argmax_circuit(&c, bad[i][0], bad[i][1], bad[i][2]), ERR_ARG);
        ck_assert_ptr_null(c);
    }
    for (unsigned n = 0; n < 80; n++) {
        const int rc = gc_sign_circuit(&c, n);
        ck_assert_int_eq(rc, n < 2 || n > 62 ? ERR_ARG : 0);
        ck_assert((rc == 0) == (c != NULL));
        gc_circuit_free(c);
        ck_assert_int_eq(gc_relu_shares_circuit(&c, n, n & 1), n < 2 || n > 62 ? ERR_ARG : 0);
        ck_assert((n >= 2 && n <= 62) == (c != NULL));
        gc_circuit_free(c);
    }
    static const unsigned counts[][2] = {{1, 1}, {2, 1}, {3, 2}, {4, 2}, {5, 3}, {8, 3}, {9, 4}, {1024, 10}, {1025, 11}, {65536, 16}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        ck_assert_uint_eq(gc_index_bits(counts[i][0]), counts[i][1]);
}
END_TEST

START_TEST(no_memory)
{
    for (unsigned which = 0; which < 3; which++) {
        gc_circuit *c;
        long n = 1;
        for (long k = 0; k <= n; k++) { /* k = 0: counts */
            test_alloc_fail_at(k);
            const int rc = which == 0   ? gc_argmax_circuit(&c, 10, 20, 3)
                           : which == 1 ? gc_sign_circuit(&c, 40)
                                        : gc_relu_shares_circuit(&c, 40, 1);
            n = k ? n : test_alloc_count();
            ck_assert_int_eq(rc, k ? ERR_MEM : 0);
            ck_assert((rc == 0) == (c != NULL));
            gc_circuit_free(c);
        }
        ck_assert_int_gt(n, 2);
    }
    test_alloc_fail_at(0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gadgets");
    TCase *t = tcase_create("gadgets");
    tcase_set_timeout(t, 240);
    tcase_add_loop_test(t, words, 0, GADGETS);
    tcase_add_test(t, in_place);
    tcase_add_test(t, multiply_at_every_width);
    tcase_add_test(t, multiply_has_its_ands);
    tcase_add_loop_test(t, relu_of_shares, 0, 2);
    tcase_add_test(t, sign);
    tcase_add_test(t, argmax_is_the_first_largest);
    tcase_add_test(t, refusals);
    tcase_add_test(t, no_memory);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
