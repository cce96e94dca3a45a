// SPDX-License-Identifier: ISC
/* Derives the table of docs/PROTOCOL.md, "What a gadget costs", row by row, from the circuits' gates and from what the garbler writes. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "gc/gadgets.h"
#include "gc/relu.h"
#include "test/aes_circuit.h"
#include "test/gc_party.h"
#include "test/sha256_circuit.h"

#define DOCUMENT "docs/PROTOCOL.md"
#define HEADING "## What a gadget costs"

typedef struct {
    unsigned and, known_and, rows, bits;
    double bytes; /* a lane */
} cost;

static const char *const names[] = {"add",      "sub",           "less",        "below", "select", "mux",    "max",    "relu",
                                    "multiply", "multiply_wide", "relu_shares", "sign",  "argmax", "aes128", "sha256", "arithmetic_relu"};
enum { NAMES = sizeof names / sizeof *names };

/* A word gadget over the evaluator's words a and b and bit s; the garbler knows b if `known`. */
static gc_circuit *word_gadget(const char *name, unsigned w, int known)
{
    gc_circuit *c;
    gc_wire a[GC_MULTIPLY_MAX], b[GC_MULTIPLY_MAX], out[2 * GC_MULTIPLY_MAX];
    unsigned n = w;
    ck_assert(w >= 2 && w <= GC_MULTIPLY_MAX);
    ck_assert_int_eq(gc_circuit_create(&c, known ? w + 1 : 2 * w + 1, known ? w : 0), 0);
    for (unsigned i = 0; i < w; i++) {
        a[i] = 1 + i;
        b[i] = 1 + w + i;
    }
    if (!strcmp(name, "add"))
        gc_word_add(c, out, a, b, w);
    else if (!strcmp(name, "sub"))
        gc_word_sub(c, out, a, b, w);
    else if (!strcmp(name, "select"))
        gc_word_select(c, out, 0, known ? b : a, w);
    else if (!strcmp(name, "mux"))
        gc_word_mux(c, out, 0, a, b, w);
    else if (!strcmp(name, "max"))
        gc_word_max(c, out, a, b, w);
    else if (!strcmp(name, "multiply"))
        gc_word_multiply(c, out, w, a, b, w);
    else if (!strcmp(name, "multiply_wide"))
        gc_word_multiply(c, out, n = 2 * w, a, b, w);
    else if (!strcmp(name, "relu")) {
        gc_word_relu(c, out, a, w);
        n = w - 1;
    } else {
        ck_assert(!strcmp(name, "less") || !strcmp(name, "below"));
        out[0] = !strcmp(name, "less") ? gc_word_less(c, a, b, w) : gc_word_below(c, a, b, w);
        n = 1;
    }
    for (unsigned i = 0; i < n; i++)
        gc_output(c, out[i]);
    ck_assert_int_eq(gc_circuit_finish(c), 0);
    return c;
}

/* Counts gates, and garbles eight lanes: gc_party_run fails where other bytes are written than gc_circuit_row_bytes says. */
static cost of_circuit(gc_circuit *c)
{
    cost x = {0, 0, 0, 0, 0};
    gc_party p;
    uint8_t *e = mem_alloc(c->eval_inputs, 8), *k = mem_alloc(c->known_inputs, 8), *out = mem_alloc(c->outputs, 8);
    ck_assert(e && k && out);
    for (uint32_t i = 0; i < c->gates; i++) {
        x.and += c->gate[i].op == GC_AND;
        x.known_and += c->gate[i].op == GC_AND_KNOWN;
    }
    gc_party_init(&p, 1);
    gc_party_run(&p, c, 8, e, k, out);
    const size_t bytes = gc_circuit_row_bytes(c, 8);
    ck_assert_uint_eq(bytes % (16 * 8), 0);
    x.rows = (unsigned)(bytes / (16 * 8));
    x.bytes = (double)bytes / 8;
    gc_circuit_free(c);
    mem_free(e), mem_free(k), mem_free(out);
    return x;
}

/* The sign circuit's rows, and bits besides; eight lanes make each kind of row whole bytes. */
static cost of_arithmetic_relu(unsigned n, unsigned l)
{
    const uint64_t v[8] = {0};
    uint64_t sum[8];
    gc_party p;
    gc_circuit *c;
    gc_party_init(&p, 2);
    gc_party_relu(&p, n, l, 8, v, v, sum);
    ck_assert_int_eq(gc_sign_circuit(&c, n), 0);
    cost x = of_circuit(c);
    x.bits = (unsigned)(gc_relu_bytes(n, l, 8) - 8 * 16 * x.rows);
    x.bytes = (double)gc_relu_bytes(n, l, 8) / 8;
    return x;
}

static cost derive(const char *name, const unsigned *size, unsigned sizes, int known)
{
    gc_circuit *c = NULL;
    int rc = 0;
    if (!strcmp(name, "arithmetic_relu")) {
        ck_assert(sizes == 2 && known);
        return of_arithmetic_relu(size[0], size[1]);
    }
    if (!strcmp(name, "argmax")) {
        ck_assert(sizes == 3 && known);
        rc = gc_argmax_circuit(&c, size[0], size[1], size[2]);
    } else if (!strcmp(name, "sha256")) {
        ck_assert(!sizes && !known);
        rc = test_sha256_circuit(&c);
    } else if (!strcmp(name, "aes128")) {
        ck_assert(!sizes);
        rc = test_aes_circuit(&c, known);
    } else {
        ck_assert_uint_eq(sizes, 1);
        if (!strcmp(name, "sign")) {
            ck_assert(known);
            rc = gc_sign_circuit(&c, size[0]);
        } else if (!strcmp(name, "relu_shares"))
            rc = gc_relu_shares_circuit(&c, size[0], known);
        else
            c = word_gadget(name, size[0], known);
    }
    ck_assert_int_eq(rc, 0);
    return of_circuit(c);
}

/* "| `name` | sizes | known | AND | known AND | rows | arithmetic bits | bytes |", sizes being numbers or "-", known "yes" or "no". */
static unsigned row(const char *line)
{
    char name[32], sizes[32], known[8];
    unsigned size[3] = {0, 0, 0}, index = 0;
    cost doc = {0, 0, 0, 0, 0};
    int used = 0;
    const int fields = sscanf(line, "| `%31[^`]` | %31[^|]| %7[a-z] | %u | %u | %u | %u | %lf |%n", name, sizes, known, &doc.and,
                              &doc.known_and, &doc.rows, &doc.bits, &doc.bytes, &used);
    if (fields != 8 || line[used] != '\n')
        ck_abort_msg("not a row: %s", line);
    ck_assert(!strcmp(known, "yes") || !strcmp(known, "no"));
    while (index < NAMES && strcmp(name, names[index]))
        index++;
    if (index == NAMES)
        ck_abort_msg("no such gadget: %s", line);
    const int count = sscanf(sizes, "%u %u %u", &size[0], &size[1], &size[2]);
    const cost x = derive(name, size, (unsigned)count, known[0] == 'y');
    if (x.and != doc.and || x.known_and != doc.known_and || x.rows != doc.rows || x.bits != doc.bits || x.bytes != doc.bytes)
        ck_abort_msg("%sis | %u | %u | %u | %u | %.10g |", line, x.and, x.known_and, x.rows, x.bits, x.bytes);
    ck_assert(x.rows == 2 * x.and + x.known_and && x.bytes == 16.0 * x.rows + x.bits / 8.0);
    return index;
}

START_TEST(table)
{
    unsigned seen[NAMES] = {0}, inside = 0;
    char line[512];
    FILE *f = fopen(DOCUMENT, "r");
    ck_assert_msg(f != NULL, "run this from the top of the tree: no " DOCUMENT);
    while (fgets(line, sizeof line, f)) {
        if (line[0] == '#')
            inside = !strncmp(line, HEADING, sizeof HEADING - 1);
        else if (inside && !strncmp(line, "| `", 3))
            seen[row(line)]++;
    }
    fclose(f);
    for (unsigned i = 0; i < NAMES; i++)
        ck_assert_msg(seen[i] > 0, "no row of %s", names[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("costs");
    TCase *t = tcase_create("costs");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, table);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
