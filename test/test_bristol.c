// SPDX-License-Identifier: ISC
/* Bristol Fashion: each kind of gate, who owns which value, refusals by line and field, damaged files, what is written reads back. */
#include "gc/bristol.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "test/alloc.h"
#include "test/gc_program.h"

/* Every kind of gate.  Values: x (3 bits: wires 0 1 2), y (2 bits: wires 3 4); outputs: 13 14 15, then 16 17. */
static const char sample[] = "12 18\n"
                             "2 3 2\n"
                             "2 3 2\n"
                             "\n"
                             "2 1 0 3 5 XOR\n"
                             "2 1 1 4 6 AND\n"
                             "1 1 5 7 INV\n"
                             "1 1 1 8 EQ\n"
                             "1 1 0 9 EQ\n"
                             "4 2 5 6 4 2 10 11 MAND\n"
                             "2 1 8 2 12 XOR\n"
                             "2 1 9 10 13 XOR\n"
                             "1 1 11 14 EQW\n"
                             "2 1 12 7 15 AND\n"
                             "2 1 0 3 16 MAND\n"
                             "2 1 6 8 17 XOR\n";

static void sample_run(const uint8_t *in, uint8_t *out)
{
    const int w5 = in[0] != in[3], w6 = in[1] && in[4], w7 = !w5, w10 = w5 && in[4], w11 = w6 && in[2];
    out[0] = (uint8_t)w10;
    out[1] = (uint8_t)w11;
    out[2] = (uint8_t)(!in[2] && w7);
    out[3] = in[0] && in[3];
    out[4] = (uint8_t)!w6;
}

/* Reads a copy that ends where the text ends, so that a sanitizer sees a byte read beyond. */
static int read_text(gc_circuit **c, gc_bristol *shape, const char *text, size_t len, uint64_t known)
{
    char *copy = malloc(len ? len : 1);
    ck_assert_ptr_nonnull(copy);
    memcpy(copy, text, len);
    const int rc = gc_bristol_read(c, shape, copy, len, known);
    free(copy);
    return rc;
}

/* The file's inputs, in its order, to those of the parties. */
static void deal(const gc_bristol *s, const uint8_t *in, uint8_t *eval, uint8_t *known)
{
    for (uint32_t v = 0; v < s->inputs; v++)
        for (uint32_t i = 0; i < s->in[v]; i++)
            if (s->known >> v & 1)
                *known++ = *in++;
            else
                *eval++ = *in++;
}

START_TEST(every_gate)
{
    for (uint64_t known = 0; known < 3; known++) {
        gc_circuit *c;
        gc_bristol s;
        /* with y the garbler's, x alone the evaluator's, and the other way round; outputs of the garbler alone do not occur */
        ck_assert_int_eq(read_text(&c, &s, sample, sizeof sample - 1, known), 0);
        ck_assert_uint_eq(c->eval_inputs, known == 0 ? 5 : known == 1 ? 2 : 3);
        ck_assert_uint_eq(c->known_inputs, 5 - c->eval_inputs);
        ck_assert(s.inputs == 2 && s.in[0] == 3 && s.in[1] == 2 && s.outputs == 2 && s.out[0] == 3 && s.out[1] == 2 && s.known == known);
        ck_assert_uint_eq(c->outputs, 5);
        for (unsigned x = 0; x < 32; x++) {
            uint8_t in[5], eval[5], mine[5], want[5], got[5];
            for (unsigned i = 0; i < 5; i++)
                in[i] = x >> i & 1;
            deal(&s, in, eval, mine);
            sample_run(in, want);
            ck_assert_int_eq(gc_circuit_run(c, eval, mine, got), 0);
            ck_assert_mem_eq(got, want, 5);
        }
        gc_circuit_free(c);
    }
}
END_TEST

START_TEST(layout)
{
    static const char *const good[] = {
        "1 3\n2 1 1\n1 1\n\n2 1 0 1 2 AND\n",           "1 3\r\n2 1 1\r\n1 1\r\n\r\n2 1 0 1 2 AND\r\n", "1 3\n2 1 1\n1 1\n2 1 0 1 2 AND",
        "\n\n1\t3 \n\n2  1 1\n 1 1\n\n\n 2 1 0 1 2 AND \n\n \n", "0 2\n1 2\n1 1\n",                             "0 2\n2 1 1\n2 1 1",
        "2 4\n1 2\n1 1\n2 1 0 1 3 AND\n1 1 0 2 INV\n",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        gc_circuit *c;
        gc_bristol s;
        if (read_text(&c, &s, good[i], strlen(good[i]), 0))
            ck_abort_msg("text %zu: %s", i, err_text());
        gc_circuit_free(c);
    }
}
END_TEST

static const struct {
    const char *text, *why;
} bad[] = {
    {"", "line 1: gates is missing"},
    {"\n \n", "line 3: gates is missing"},
    {"x 3\n", "line 1: gates is not a number"},
    {"-1 3\n", "line 1: gates is not a number"},
    {"1x 3\n", "line 1: gates is not a number"},
    {"0\n", "line 1: wires is missing"},
    {"4294967296 3\n", "line 1: gates is 2^32 or more"},
    {"99999999999999999999999 3\n", "line 1: gates is 2^32 or more"},
    {"40 3\n2 1 1\n1 1\n", "line 1: gates is 40, at most 1 can be"},
    {"1 4000000000\n2 1 1\n1 1\n", "line 1: wires is 4000000000, at most"},
    {"1 60000\n2 1 1\n1 1\n2 1 0 1 2 AND\n", "line 1: 60000 wires and 2 bits of input do not fit"},
    {"1 1\n2 1 1\n1 1\n2 1 0 1 2 AND\n", "line 1: 1 wires and 2 bits of input do not fit"},
    {"1 3 5\n2 1 1\n1 1\n", "line 1: more than a line should have"},
    {"0 3\n", "line 2: input values is missing"},
    {"1 3\n0\n1 1\n", "line 2: no input values"},
    {"1 3\n65 1\n1 1\n", "line 2: input values is 65, at most 64 can be"},
    {"1 3\n2 1\n1 1\n", "line 2: bits of input 1 is missing"},
    {"1 3\n2 0 2\n1 1\n", "line 2: bits of input 0 is 0"},
    {"1 3\n2 1 70000\n1 1\n", "line 2: bits of input 1 is 70000, at most"},
    {"1 3\n1 4294967295\n1 1\n", "line 2: bits of input 0 is 4294967295, at most"},
    {"1 3\n2 1 1 1\n1 1\n", "line 2: more than a line should have"},
    {"1 3\n1 1 1\n\n2 1 0 1 2 AND\n", "line 2: more than a line should have"}, /* the older format */
    {"1 3\n2 1 1\n", "line 3: output values is missing"},
    {"1 3\n2 1 1\n1 4\n", "line 3: bits of output 0 is 4, at most 3 can be"},
    {"1 3\n2 1 1\n2 3 1\n2 1 0 1 2 AND\n", "line 3: bits of output 1 is 1, at most 0 can be"},
    {"1 3\n2 1 1\n1 1\n", "line 4: number of inputs is missing"},
    {"1 3\n2 1 1\n1 1\n2\n", "line 4: number of outputs is missing"},
    {"1 3\n2 1 1\n1 1\n2 1 0 1\n", "line 4: output is missing"},
    {"1 3\n2 1 1\n1 1\n2 1 0 1 AND\n", "line 4: output is not a number"},
    {"1 3\n2 1 1\n1 1\n2 1 0 1 2\n", "line 4: no gate of this name has 2 inputs and 1 outputs"},
    {"1 3\n2 1 1\n1 1\n2 1 0 1 2 OR\n", "line 4: no gate of this name has 2 inputs and 1 outputs"},
    {"1 3\n2 1 1\n1 1\n2 1 0 1 2 ANDX\n", "line 4: no gate of this name has 2 inputs and 1 outputs"},
    {"1 3\n2 1 1\n1 1\n2 1 0 1 2 and\n", "line 4: no gate of this name has 2 inputs and 1 outputs"},
    {"1 3\n2 1 1\n1 1\n2 1 0 1 2 INV\n", "line 4: no gate of this name has 2 inputs and 1 outputs"},
    {"1 3\n2 1 1\n1 1\n1 1 0 2 AND\n", "line 4: no gate of this name has 1 inputs and 1 outputs"},
    {"1 3\n2 1 1\n1 1\n3 1 0 1 1 2 AND\n", "line 4: no gate of this name has 3 inputs and 1 outputs"},
    {"1 3\n2 1 1\n1 1\n0 0 AND     \n", "line 4: no gate of this name has 0 inputs and 0 outputs"},
    {"1 3\n2 1 1\n1 1\n4294967294 2147483647 0 MAND\n", "line 4: input is not a number"},
    {"1 3\n2 1 1\n1 1\n2 1 0 1 2 AND 7\n", "line 4: more than a line should have"},
    {"1 3\n2 1 1\n1 1\n2 1 3 1 2 AND\n", "line 4: first input is wire 3 of 3"},
    {"1 3\n2 1 1\n1 1\n2 1 0 4000000000 2 AND\n", "line 4: second input is wire 4000000000 of 3"},
    {"1 3\n2 1 1\n1 1\n2 1 0 1 3 AND\n", "line 4: output is wire 3 of 3"},
    {"1 3\n2 1 1\n1 1\n2 1 0 2 2 XOR\n", "line 4: second input is wire 2, which has no value yet"},
    {"1 3\n2 1 1\n1 1\n2 1 0 1 1 XOR\n", "line 4: wire 1 has a value already"},
    {"1 3\n2 1 1\n1 1\n1 1 3 2 INV\n", "line 4: input is wire 3 of 3"},
    {"1 3\n2 1 1\n1 1\n1 1 2 2 EQW\n", "line 4: input is wire 2, which has no value yet"},
    {"1 3\n2 1 1\n1 1\n1 1 2 2 EQ\n", "line 4: the constant 2 is not 0 or 1"},
    {"1 3\n2 1 1\n1 1\n1 1 1 2 EQ\n", "output wire 2 does not depend on the evaluator's inputs"},
    {"1 3\n2 1 1\n1 1\n2 1 0 0 2 XOR\n", "output wire 2 does not depend on the evaluator's inputs"},
    {"2 4\n2 1 1\n1 1\n1 1 0 2 INV\n2 1 0 2 3 XOR\n", "output wire 3 does not depend on the evaluator's inputs"},
    {"1 4\n2 1 1\n1 2\n4 2 0 1 1 2 2 3 MAND\n", "line 4: input is wire 2, which has no value yet"},
    {"1 4\n2 1 1\n1 2\n4 2 0 1 1 0 2 2 MAND\n", "line 4: wire 2 has a value already"},
    {"1 4\n2 1 1\n1 2\n4 2 0 1 1 0 2 3 AND\n", "line 4: no gate of this name has 4 inputs and 2 outputs"},
    {"1 3\n2 1 1\n1 1\n2 1 0 1 2 AND\n2 1 0 1 2 AND\n", "line 5: more than a line should have"},
    {"1 4\n2 1 1\n1 1\n2 1 0 1 3 AND\n\n", "1 of 4 wires have no value"},
};

START_TEST(refusals)
{
    gc_bristol zeros;
    memset(&zeros, 0, sizeof zeros);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        gc_circuit *c = (gc_circuit *)&c;
        gc_bristol s;
        const int rc = read_text(&c, &s, bad[i].text, strlen(bad[i].text), 0);
        if (rc != ERR_DATA || c || strncmp(err_text(), bad[i].why, strlen(bad[i].why)))
            ck_abort_msg("text %zu: %d, %s; due: %s", i, rc, rc ? err_text() : "", bad[i].why);
        ck_assert_mem_eq(&s, &zeros, sizeof s);
    }
    gc_circuit *c;
    gc_bristol s;
    ck_assert_int_eq(read_text(&c, &s, sample, sizeof sample - 1, 4), ERR_ARG); /* there is no third value */
    ck_assert_ptr_null(c);
    ck_assert_int_eq(read_text(&c, &s, sample, sizeof sample - 1, 3), ERR_DATA); /* nothing is the evaluator's */
    ck_assert_ptr_null(c);
    static const char nul[] = "1 3\n2 1 1\n1 1\n2 1 0 1\0 2 AND\n";
    ck_assert_int_eq(read_text(&c, &s, nul, sizeof nul - 1, 0), ERR_DATA);
}
END_TEST

/* What is accepted must be a circuit: it runs, and what is written of it reads back as the same.  Returns whether it was accepted. */
static int error_or_circuit(const char *text, size_t len, uint64_t known)
{
    gc_circuit *c, *again;
    gc_bristol s, s2;
    uint8_t in[64] = {1, 0, 1, 1}, out[64], out2[64];
    char *written;
    size_t written_len;
    test_alloc_fail_at(0);
    const int rc = read_text(&c, &s, text, len, known);
    if (test_alloc_largest() > 32 * (len + GC_BRISTOL_SPARE) + 65536)
        ck_abort_msg("%zu bytes were allocated for: %.*s", test_alloc_largest(), (int)len, text);
    if (rc) {
        if (c || (rc != ERR_DATA && rc != ERR_ARG))
            ck_abort_msg("%d for: %.*s", rc, (int)len, text);
        return 0;
    }
    if (c->eval_inputs + c->known_inputs > 64 || c->outputs > 64) { /* a header with more inputs */
        gc_circuit_free(c);
        return 1;
    }
    if (gc_circuit_run(c, in, in, out) || gc_bristol_write(&written, &written_len, c, &s))
        ck_abort_msg("%s: %.*s", err_text(), (int)len, text);
    if (read_text(&again, &s2, written, written_len, known) || memcmp(&s, &s2, sizeof s) || gc_circuit_run(again, in, in, out2) ||
        memcmp(out, out2, c->outputs) || c->ands != again->ands || c->ands_known != again->ands_known)
        ck_abort_msg("%s: written: %s of: %.*s", err_text(), written, (int)len, text);
    gc_circuit_free(c), gc_circuit_free(again), mem_free(written);
    return 1;
}

START_TEST(truncations)
{
    for (size_t len = 0; len < sizeof sample; len++)
        ck_assert_int_eq(error_or_circuit(sample, len, len & 1), len + 2 >= sizeof sample); /* whole, or without the last line's end */
}
END_TEST

START_TEST(every_byte_changed)
{
    unsigned accepted = 0;
    for (size_t i = 0; i + 1 < sizeof sample; i++)
        for (unsigned b = 0; b < 256; b++) {
            char text[sizeof sample];
            memcpy(text, sample, sizeof text);
            text[i] = (char)b;
            accepted += (unsigned)error_or_circuit(text, sizeof sample - 1, b & 1 ? 2 : 0);
        }
    ck_assert_uint_gt(accepted, sizeof sample); /* at least the file itself, once for each byte */
}
END_TEST

/* Lines dropped, doubled and exchanged; numbers replaced by others, small and large. */
START_TEST(edited_lines)
{
    const uint8_t seed[PRG_SEED_BYTES] = "lines";
    unsigned accepted = 0, refused = 0;
    prg g;
    prg_init(&g, seed, PRG_TEST, 0);
    for (unsigned round = 0; round < 20000; round++) {
        char lines[32][64], text[32 * 64];
        unsigned n = 0;
        size_t len = 0;
        for (const char *p = sample; *p; n++) {
            const size_t l = (size_t)(strchr(p, '\n') - p);
            snprintf(lines[n], sizeof lines[n], "%.*s", (int)l, p);
            p += l + 1;
        }
        for (unsigned edits = 1 + prg_u64(&g) % 2; edits--;) {
            char *line = lines[prg_u64(&g) % n], other[64], *p = line, *rest;
            switch (prg_u64(&g) % 4) {
            case 0: line[0] = 0; break;
            case 1: memcpy(line, lines[prg_u64(&g) % n], 64); break;
            default:
                for (uint64_t skip = prg_u64(&g) % 4; skip-- && strchr(p, ' ');)
                    p = strchr(p, ' ') + 1;
                strtoul(p, &rest, 10);
                const uint64_t v = prg_u64(&g), with = v % 8 ? (v >> 8) % 20 : v % 16 ? (v >> 8) % 70000 : v >> 8;
                snprintf(other, sizeof other, "%.*s%llu%.20s", (int)(p - line), line, (unsigned long long)with, rest);
                memcpy(line, other, sizeof other);
            }
        }
        for (unsigned i = 0; i < n; i++)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s\n", lines[i]);
        if (error_or_circuit(text, len, round % 3))
            accepted++;
        else
            refused++;
    }
    ck_assert_uint_gt(accepted, 500);
    ck_assert_uint_gt(refused, 500);
}
END_TEST

/* Random circuits, their inputs cut into values that are shuffled between the parties: the same function, and the same text again. */
START_TEST(programs_read_back)
{
    const uint8_t seed[PRG_SEED_BYTES] = "bristol";
    prg g;
    unsigned others = 0;
    prg_init(&g, seed, PRG_TEST, 0);
    for (unsigned round = 0; round < 300; round++) {
        static gc_program p;
        const unsigned e = 1 + round % 5, k = round % 4;
        unsigned left[2] = {e, k};
        gc_bristol s = {0}, s2;
        gc_program_random(&p, &g, e, k, 1 + round % GC_PROGRAM_NODES);
        gc_circuit *c = gc_program_build(&p), *c2;
        if (round % 2) { /* an output twice, and an input */
            gc_output(c, c->output[0]);
            gc_output(c, 0);
            ck_assert_int_eq(gc_circuit_finish(c), 0);
        }
        while (left[0] + left[1]) {
            const unsigned who = !left[0] || (left[1] && prg_u64(&g) % 2), n = 1 + (unsigned)(prg_u64(&g) % left[who]);
            s.known |= (uint64_t)who << s.inputs;
            s.in[s.inputs++] = n;
            left[who] -= n;
        }
        s.outputs = c->outputs > 1 ? 2 : 1;
        s.out[0] = c->outputs > 1 ? 1 : c->outputs;
        s.out[1] = c->outputs > 1 ? c->outputs - 1 : 0;

        char *text, *again;
        size_t len, again_len;
        ck_assert_int_eq(gc_bristol_write(&text, &len, c, &s), 0);
        ck_assert_uint_eq(strlen(text), len);
        if (read_text(&c2, &s2, text, len, s.known))
            ck_abort_msg("%s\n%s", err_text(), text);
        ck_assert_mem_eq(&s, &s2, sizeof s);
        ck_assert(c->ands == c2->ands && c->ands_known == c2->ands_known && c->outputs == c2->outputs);
        for (unsigned x = 0; x < 1u << (e + k); x++) { /* c's inputs are the parties', in the order of the file */
            uint8_t in[16], want[GC_PROGRAM_OUTPUTS + 2], got[GC_PROGRAM_OUTPUTS + 2];
            for (unsigned i = 0; i < e + k; i++)
                in[i] = x >> i & 1;
            ck_assert_int_eq(gc_circuit_run(c, in, in + e, want), 0);
            ck_assert_int_eq(gc_circuit_run(c2, in, in + e, got), 0);
            if (memcmp(want, got, c->outputs))
                ck_abort_msg("round %u, input %x", round, x);
        }
        ck_assert_int_eq(gc_bristol_write(&again, &again_len, c2, &s), 0);
        ck_assert_str_eq(text, again);
        others += c->known_inputs && error_or_circuit(text, len, 0); /* all the evaluator's: more constants are found, which is no output */
        gc_circuit_free(c), gc_circuit_free(c2), mem_free(text), mem_free(again);
    }
    ck_assert_uint_gt(others, 50);
}
END_TEST

/* Files of XORs and ANDs that once compiled to another function: each line by itself is the oracle. */
START_TEST(files_that_went_wrong)
{
    static const char *const names[] = {"collide-31.bristol.txt"};
    static char text[1 << 16], path[512];
    const char *dir = getenv("TACIT_CASES");
    const uint8_t seed[PRG_SEED_BYTES] = "cases";
    prg g;
    prg_init(&g, seed, PRG_TEST, 0);
    snprintf(path, sizeof path, "%s/%s", dir ? dir : "../shared/cases", names[_i]);
    FILE *f = fopen(path, "r");
    if (!f) {
        fprintf(stderr, "SKIPPED: no %s (TACIT_CASES=DIR says where; test_circuit makes the like of it)\n", path);
        return;
    }
    const size_t len = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    gc_circuit *c;
    gc_bristol s;
    ck_assert_int_eq(read_text(&c, &s, text, len, 0), 0);
    for (unsigned round = 0; round < 500; round++) {
        static uint8_t v[4096], got[4096];
        unsigned a, b, out = 0;
        char op[8];
        ck_assert_uint_le(c->eval_inputs, sizeof v / 2);
        prg_bytes(&g, v, c->eval_inputs);
        for (unsigned i = 0; i < c->eval_inputs; i++)
            v[i] &= 1;
        ck_assert_int_eq(gc_circuit_run(c, v, NULL, got), 0);
        for (const char *line = text; line; line = (line = strchr(line, '\n')) ? line + 1 : NULL)
            if (sscanf(line, "2 1 %u %u %u %7s", &a, &b, &out, op) == 4) {
                ck_assert(a < sizeof v && b < sizeof v && out < sizeof v && (!strcmp(op, "XOR") || !strcmp(op, "AND")));
                v[out] = *op == 'X' ? v[a] ^ v[b] : v[a] & v[b];
            }
        ck_assert(s.outputs == 1 && s.out[0] == 1);
        ck_assert_uint_eq(got[0], v[out]);
    }
    gc_circuit_free(c);
}
END_TEST

/* Random texts with every kind of gate, run as they stand on all inputs: the circuit is the same function, and an
 * output is refused only where the evaluator's inputs do not matter. */
enum { LINES = 60, OUT = 3, WIRES = 10 + LINES + OUT };
typedef struct {
    unsigned in, lines;
    struct {
        char op; /* X, A, I, W, Q as the file's XOR, AND, INV, EQW, EQ */
        unsigned a, b;
    } line[LINES + OUT];
} listing;

static size_t put_listing(char *text, size_t room, const listing *l, unsigned eval)
{
    static const char *const names[] = {['X'] = "XOR", ['A'] = "AND", ['I'] = "INV", ['W'] = "EQW", ['Q'] = "EQ"};
    size_t n =
        (size_t)snprintf(text, room, "%u %u\n2 %u %u\n1 %d\n\n", l->lines, l->in + l->lines, eval, l->in - eval, OUT);
    for (unsigned i = 0; i < l->lines; i++)
        if (l->line[i].op == 'X' || l->line[i].op == 'A')
            n += (size_t)snprintf(text + n, room - n, "2 1 %u %u %u %s\n", l->line[i].a, l->line[i].b, l->in + i,
                                  names[(int)l->line[i].op]);
        else
            n += (size_t)snprintf(text + n, room - n, "1 1 %u %u %s\n", l->line[i].a, l->in + i,
                                  names[(int)l->line[i].op]);
    return n;
}

static void run_listing(const listing *l, unsigned x, uint8_t *v)
{
    for (unsigned i = 0; i < l->in; i++)
        v[i] = x >> i & 1;
    for (unsigned i = 0; i < l->lines; i++) {
        const unsigned a = l->line[i].a, b = l->line[i].b;
        const char op = l->line[i].op;
        v[l->in + i] = (uint8_t)(op == 'X'   ? v[a] ^ v[b]
                                 : op == 'A' ? v[a] & v[b]
                                 : op == 'I' ? !v[a]
                                 : op == 'W' ? v[a]
                                             : a);
    }
}

START_TEST(random_texts)
{
    const uint8_t seed[PRG_SEED_BYTES] = "texts";
    unsigned read = 0, refused = 0;
    prg g;
    prg_init(&g, seed, PRG_TEST, 0);
    for (unsigned round = 0; round < 3000; round++) {
        static char text[32 * WIRES];
        static uint8_t all[512][WIRES];
        listing l = {.in = 2 + (unsigned)(prg_u64(&g) % 8), .lines = 1 + (unsigned)(prg_u64(&g) % LINES)};
        const unsigned eval = 1 + (unsigned)(prg_u64(&g) % (l.in - 1)), wires = l.in + l.lines;
        for (unsigned i = 0; i < l.lines;
             i++) { /* mostly XOR, of wires that are near, so that sets are large and cancel */
            const unsigned here = l.in + i, kind = (unsigned)(prg_u64(&g) % 16);
            l.line[i].op = "XXXXXXXXXAAAAIWQ"[kind];
            l.line[i].a = (unsigned)(prg_u64(&g) % here);
            l.line[i].b = here - 1 - (unsigned)(prg_u64(&g) % (here < 6 ? here : 6));
            if (l.line[i].op == 'Q')
                l.line[i].a &= 1;
        }
        for (unsigned i = 0; i < OUT; i++, l.lines++) { /* outputs that are wires of before */
            l.line[l.lines].op = 'W';
            l.line[l.lines].a = wires - 1 - (unsigned)(prg_u64(&g) % (wires < 12 ? wires : 12));
        }
        for (unsigned x = 0; x < 1u << l.in; x++)
            run_listing(&l, x, all[x]);
        gc_circuit *c;
        gc_bristol s;
        const int rc = read_text(&c, &s, text, put_listing(text, sizeof text, &l, eval), 2);
        const unsigned first = l.in + l.lines - OUT, low = (1u << eval) - 1;
        if (rc) {
            unsigned w = 0;
            ck_assert_msg(sscanf(err_text(), "output wire %u does not depend", &w) == 1 && w >= first &&
                              w < first + OUT,
                          "%s\n%s", err_text(), text);
            for (unsigned x = 0; x < 1u << l.in; x++)
                ck_assert_uint_eq(all[x][w], all[x & ~low][w]);
            refused++;
            continue;
        }
        for (unsigned x = 0; x < 1u << l.in; x++) {
            uint8_t got[OUT];
            ck_assert_int_eq(gc_circuit_run(c, all[x], all[x] + eval, got), 0);
            if (memcmp(got, all[x] + first, OUT))
                ck_abort_msg("input %x of\n%s", x, text);
        }
        gc_circuit_free(c);
        read++;
    }
    ck_assert(read > 300 && refused > 100);
}
END_TEST

START_TEST(values_that_do_not_fit)
{
    gc_circuit *c;
    gc_bristol s;
    char *text;
    size_t len;
    ck_assert_int_eq(read_text(&c, &s, sample, sizeof sample - 1, 2), 0);
    for (unsigned k = 0; k < 11; k++) {
        gc_bristol t = s;
        switch (k) {
        case 0: t.inputs = 0; break;
        case 1: t.inputs = 65; break;
        case 2: t.outputs = 0; break;
        case 3: t.outputs = 65; break;
        case 4: t.in[0]++; break;
        case 5: t.in[1]--; break;
        case 6: t.out[1]++; break;
        case 7: t.known = 1; break;
        case 8: t.known |= 4; break;
        case 9: t.inputs = 3; break;  /* the third is empty */
        default: t.outputs = 3; break;
        }
        ck_assert_int_eq(gc_bristol_write(&text, &len, c, &t), ERR_ARG);
        ck_assert(!text && !len);
    }
    gc_circuit_free(c);
}
END_TEST

START_TEST(no_memory)
{
    for (unsigned which = 0; which < 2; which++) {
        long n = 1;
        for (long k = 0; k <= n; k++) { /* k = 0: counts */
            gc_circuit *c = NULL;
            gc_bristol s;
            char *text = NULL;
            size_t len;
            if (which)
                ck_assert_int_eq(gc_bristol_read(&c, &s, sample, sizeof sample - 1, 2), 0);
            test_alloc_fail_at(k);
            const int rc = which ? gc_bristol_write(&text, &len, c, &s) : gc_bristol_read(&c, &s, sample, sizeof sample - 1, 2);
            n = k ? n : test_alloc_count();
            test_alloc_fail_at(0);
            ck_assert_int_eq(rc, k ? ERR_MEM : 0);
            ck_assert((rc == 0) == (which ? text != NULL : c != NULL));
            gc_circuit_free(c);
            mem_free(text);
        }
        ck_assert_int_gt(n, 1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bristol");
    TCase *t = tcase_create("bristol");
    tcase_set_timeout(t, 240);
    tcase_add_test(t, every_gate);
    tcase_add_test(t, layout);
    tcase_add_test(t, refusals);
    tcase_add_test(t, truncations);
    tcase_add_test(t, every_byte_changed);
    tcase_add_test(t, edited_lines);
    tcase_add_test(t, programs_read_back);
    tcase_add_loop_test(t, files_that_went_wrong, 0, 1);
    tcase_add_test(t, random_texts);
    tcase_add_test(t, values_that_do_not_fit);
    tcase_add_test(t, no_memory);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
