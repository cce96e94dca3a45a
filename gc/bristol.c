// SPDX-License-Identifier: ISC
#include "gc/bristol.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

#define UNSET UINT32_MAX    /* a wire that no gate has assigned yet */
#define GATE_BYTES 11       /* the shortest line: "1 1 0 9 EQ" and its end */
#define WIRE_BYTES 6        /* what a gate's output takes at least: three numbers of a MAND */
#define GATE_ROOM 48        /* the longest line written: five numbers, of which three of ten digits */

/* ---- reading: a cursor that never leaves its line but through end_of_line ---- */

typedef struct {
    const char *at, *end;
    uint32_t line;
} cursor;

static int is_space(char ch) { return ch == ' ' || ch == '\t' || ch == '\r'; }

static void skip_space(cursor *in)
{
    while (in->at < in->end && is_space(*in->at))
        in->at++;
}

static int at_end(const cursor *in) { return in->at == in->end || *in->at == '\n'; }

/** number: the next number of the line, at most `max`. */
static int number(cursor *in, const char *field, uint64_t max, uint32_t *v)
{
    uint64_t x = 0;
    skip_space(in);
    if (at_end(in))
        return err_set(ERR_DATA, "line %u: %s is missing", in->line, field);
    const char *start = in->at;
    for (; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++) {
        x = 10 * x + (uint64_t)(*in->at - '0');
        if (x > UINT32_MAX)
            return err_set(ERR_DATA, "line %u: %s is 2^32 or more", in->line, field);
    }
    if (in->at == start || !(at_end(in) || is_space(*in->at)))
        return err_set(ERR_DATA, "line %u: %s is not a number", in->line, field);
    if (x > max)
        return err_set(ERR_DATA, "line %u: %s is %u, at most %llu can be", in->line, field, (uint32_t)x, (unsigned long long)max);
    *v = (uint32_t)x;
    return 0;
}

static int end_of_line(cursor *in)
{
    skip_space(in);
    if (!at_end(in))
        return err_set(ERR_DATA, "line %u: more than a line should have", in->line);
    if (in->at < in->end) {
        in->at++;
        in->line++;
    }
    return 0;
}

static void skip_blank(cursor *in)
{
    for (cursor next = *in;; *in = next) {
        skip_space(&next);
        if (next.at == next.end || *next.at != '\n')
            return;
        next.at++;
        next.line++;
    }
}

/* ---- reading: header and gates ---- */

typedef struct {
    gc_circuit *c;
    gc_wire *map; /* [wires]: of the file to of c */
    uint32_t gates, wires, assigned;
} reader;

/** values: "n bits_1 .. bits_n", their sum at most `max`. */
static int values(cursor *in, const char *what, uint64_t max, uint32_t *count, uint32_t *bits, uint64_t *sum)
{
    char field[48];
    int rc;
    skip_blank(in);
    snprintf(field, sizeof field, "%s values", what);
    if ((rc = number(in, field, GC_BRISTOL_VALUES, count)))
        return rc;
    *sum = 0;
    for (uint32_t v = 0; v < *count; v++) {
        snprintf(field, sizeof field, "bits of %s %u", what, v);
        if ((rc = number(in, field, max - *sum, &bits[v])))
            return rc;
        if (!bits[v])
            return err_set(ERR_DATA, "line %u: %s is 0", in->line, field);
        *sum += bits[v];
    }
    return *count ? end_of_line(in) : err_set(ERR_DATA, "line %u: no %s values", in->line, what);
}

/** header: shape, gates and wires, all bounded by the length of the text. */
static int header(reader *r, cursor *in, gc_bristol *shape)
{
    const uint64_t len = (uint64_t)(in->end - in->at), most = len + GC_BRISTOL_SPARE; /* bits of input */
    uint64_t inputs = 0, outputs = 0;
    int rc;
    skip_blank(in);
    const uint32_t line = in->line;
    if ((rc = number(in, "gates", (len + 1) / GATE_BYTES, &r->gates)) ||
        (rc = number(in, "wires", most + len / WIRE_BYTES, &r->wires)) || (rc = end_of_line(in)) ||
        (rc = values(in, "input", most < GC_CIRCUIT_INPUTS ? most : GC_CIRCUIT_INPUTS, &shape->inputs, shape->in, &inputs)) ||
        (rc = values(in, "output", r->wires, &shape->outputs, shape->out, &outputs)))
        return rc;
    if (r->wires < inputs || r->wires - inputs > len / WIRE_BYTES)
        return err_set(ERR_DATA, "line %u: %u wires and %u bits of input do not fit the text", line, r->wires, (uint32_t)inputs);
    return 0;
}

/** owned: the wires of the inputs: those of the evaluator's values, then those of the garbler's. */
static int owned(reader *r, const gc_bristol *shape)
{
    uint32_t bits[2] = {0, 0}, at = 0;
    for (uint32_t v = 0; v < shape->inputs; v++)
        bits[shape->known >> v & 1] += shape->in[v];
    const int rc = gc_circuit_create(&r->c, bits[0], bits[1]);
    if (rc)
        return rc;
    r->map = mem_alloc(r->wires, sizeof *r->map);
    if (!r->map)
        return err_set(ERR_MEM, "out of memory for %u wires", r->wires);
    memset(r->map, 0xff, r->wires * sizeof *r->map);
    gc_wire next[2] = {0, bits[0]};
    for (uint32_t v = 0; v < shape->inputs; v++)
        for (uint32_t i = 0; i < shape->in[v]; i++)
            r->map[at++] = next[shape->known >> v & 1]++;
    r->assigned = at;
    return 0;
}

static int use(const reader *r, const cursor *in, const char *field, uint32_t w)
{
    if (w >= r->wires)
        return err_set(ERR_DATA, "line %u: %s is wire %u of %u", in->line, field, w, r->wires);
    return r->map[w] != UNSET ? 0 : err_set(ERR_DATA, "line %u: %s is wire %u, which has no value yet", in->line, field, w);
}

static int assign(reader *r, const cursor *in, uint32_t w, gc_wire x)
{
    if (w >= r->wires)
        return err_set(ERR_DATA, "line %u: output is wire %u of %u", in->line, w, r->wires);
    if (r->map[w] != UNSET)
        return err_set(ERR_DATA, "line %u: wire %u has a value already", in->line, w);
    r->map[w] = x;
    r->assigned++;
    return 0;
}

/** op: compares the line's last word. */
static int op(cursor *in, const char *name)
{
    const size_t n = strlen(name);
    skip_space(in);
    if ((size_t)(in->end - in->at) < n || memcmp(in->at, name, n))
        return 0;
    cursor after = {in->at + n, in->end, in->line};
    if (!at_end(&after) && !is_space(*after.at))
        return 0;
    *in = after;
    return 1;
}

static int unknown_op(const cursor *in, uint32_t ins, uint32_t outs)
{
    return err_set(ERR_DATA, "line %u: no gate of this name has %u inputs and %u outputs", in->line, ins, outs);
}

static int gate_1(reader *r, cursor *in)
{
    uint32_t a, out;
    int rc;
    if ((rc = number(in, "input", UINT32_MAX, &a)) || (rc = number(in, "output", UINT32_MAX, &out)))
        return rc;
    if (op(in, "EQ")) {
        if (a > 1)
            return err_set(ERR_DATA, "line %u: the constant %u is not 0 or 1", in->line, a);
        return assign(r, in, out, gc_const(r->c, (int)a));
    }
    const int inv = op(in, "INV");
    if (!inv && !op(in, "EQW"))
        return unknown_op(in, 1, 1);
    if ((rc = use(r, in, "input", a)))
        return rc;
    return assign(r, in, out, inv ? gc_not(r->c, r->map[a]) : r->map[a]);
}

static int gate_2(reader *r, cursor *in)
{
    uint32_t a, b, out;
    int rc;
    if ((rc = number(in, "first input", UINT32_MAX, &a)) || (rc = number(in, "second input", UINT32_MAX, &b)) ||
        (rc = number(in, "output", UINT32_MAX, &out)))
        return rc;
    const int xor = op(in, "XOR");
    if (!xor && !op(in, "AND") && !op(in, "MAND"))
        return unknown_op(in, 2, 1);
    if ((rc = use(r, in, "first input", a)) || (rc = use(r, in, "second input", b)))
        return rc;
    return assign(r, in, out, xor ? gc_xor(r->c, r->map[a], r->map[b]) : gc_and(r->c, r->map[a], r->map[b]));
}

/** gate_many: m ANDs, read with three cursors: no input may be one of the gate's own outputs. */
static int gate_many(reader *r, cursor *in, uint32_t m)
{
    cursor at[3]; /* at the first of the a, of the b, of the outputs */
    uint32_t w[3];
    int rc = 0;
    for (unsigned k = 0; k < 3; k++) {
        at[k] = *in;
        for (uint32_t i = 0; i < m; i++)
            if ((rc = number(in, k < 2 ? "input" : "output", UINT32_MAX, &w[k])) || (k < 2 && (rc = use(r, in, "input", w[k]))))
                return rc;
    }
    if (!op(in, "MAND"))
        return unknown_op(in, 2 * m, m);
    for (uint32_t i = 0; i < m && !rc; i++) {
        for (unsigned k = 0; k < 3 && !rc; k++)
            rc = number(&at[k], "wire", UINT32_MAX, &w[k]);
        rc = rc ? rc : assign(r, in, w[2], gc_and(r->c, r->map[w[0]], r->map[w[1]]));
    }
    return rc;
}

static int gate(reader *r, cursor *in)
{
    uint32_t ins, outs;
    int rc;
    skip_blank(in);
    if ((rc = number(in, "number of inputs", UINT32_MAX, &ins)) || (rc = number(in, "number of outputs", UINT32_MAX, &outs)))
        return rc;
    if (ins == 1 && outs == 1)
        rc = gate_1(r, in);
    else if (ins == 2 && outs == 1)
        rc = gate_2(r, in);
    else if (outs > 1 && ins % 2 == 0 && ins / 2 == outs)
        rc = gate_many(r, in, outs);
    else
        rc = unknown_op(in, ins, outs);
    return rc ? rc : end_of_line(in);
}

static int read_all(reader *r, cursor *in, gc_bristol *shape)
{
    uint32_t first, outputs = 0;
    int rc = header(r, in, shape);
    if (rc)
        return rc;
    if (shape->inputs < GC_BRISTOL_VALUES && shape->known >> shape->inputs)
        return err_set(ERR_ARG, "circuit: the garbler's values are beyond the file's %u", shape->inputs);
    if ((rc = owned(r, shape)))
        return rc;
    for (uint32_t i = 0; i < r->gates && !rc; i++)
        rc = gate(r, in);
    if (rc)
        return rc;
    skip_blank(in);
    if ((rc = end_of_line(in)))
        return rc;
    if (r->assigned != r->wires)
        return err_set(ERR_DATA, "%u of %u wires have no value", r->wires - r->assigned, r->wires);
    for (uint32_t v = 0; v < shape->outputs; v++)
        outputs += shape->out[v];
    first = r->wires - outputs;
    for (uint32_t o = 0; o < outputs; o++) {
        if (r->c->known[r->map[first + o]] && !r->c->failed)
            return err_set(ERR_DATA, "output wire %u does not depend on the evaluator's inputs", first + o);
        gc_output(r->c, r->map[first + o]);
    }
    return gc_circuit_finish(r->c);
}

int gc_bristol_read(gc_circuit **out, gc_bristol *shape, const char *text, size_t len, uint64_t known)
{
    cursor in = {text, text + len, 1};
    reader r = {NULL, NULL, 0, 0, 0};
    memset(shape, 0, sizeof *shape);
    shape->known = known;
    const int rc = read_all(&r, &in, shape);
    mem_free(r.map);
    if (rc) {
        gc_circuit_free(r.c);
        r.c = NULL;
        memset(shape, 0, sizeof *shape);
    }
    *out = r.c;
    return rc;
}

/* ---- writing ---- */

static int fits(const gc_circuit *c, const gc_bristol *s)
{
    uint64_t in[2] = {0, 0}, out = 0;
    int ok = s->inputs >= 1 && s->inputs <= GC_BRISTOL_VALUES && s->outputs >= 1 && s->outputs <= GC_BRISTOL_VALUES;
    for (uint32_t v = 0; ok && v < s->inputs; v++) {
        in[s->known >> v & 1] += s->in[v];
        ok = s->in[v] >= 1;
    }
    for (uint32_t v = 0; ok && v < s->outputs; v++) {
        out += s->out[v];
        ok = s->out[v] >= 1;
    }
    ok = ok && (s->inputs == GC_BRISTOL_VALUES || !(s->known >> s->inputs));
    return ok && in[0] == c->eval_inputs && in[1] == c->known_inputs && out == c->outputs;
}

/** number_wires: name[wires] of c: inputs first, value by value, outputs last.  An output that is an input or an earlier output is a copy:
 *  the file has a wire for it besides.  Returns the number of copies. */
static uint32_t number_wires(const gc_circuit *c, const gc_bristol *s, uint32_t *name)
{
    const gc_wire first = c->eval_inputs + c->known_inputs + 2;
    uint32_t copies = 0, next = 0;
    gc_wire from[2] = {0, c->eval_inputs};
    memset(name, 0xff, c->wires * sizeof *name);
    for (uint32_t v = 0; v < s->inputs; v++)
        for (uint32_t i = 0; i < s->in[v]; i++)
            name[from[s->known >> v & 1]++] = next++;
    for (uint32_t o = 0; o < c->outputs; o++) {
        const gc_wire w = c->output[o];
        copies += w < first || name[w] != UNSET;
        if (name[w] == UNSET)
            name[w] = o;
    }
    const uint32_t outputs_from = next + c->gates + copies - c->outputs;
    for (gc_wire w = first; w < c->wires; w++)
        name[w] = name[w] == UNSET ? next++ : outputs_from + name[w];
    return copies;
}

static char *put(char *p, uint32_t v)
{
    char digit[10];
    unsigned n = 0;
    do
        digit[n++] = (char)('0' + v % 10);
    while (v /= 10);
    while (n)
        *p++ = digit[--n];
    *p++ = ' ';
    return p;
}

static char *put_op(char *p, const char *op_name)
{
    const size_t n = strlen(op_name);
    memcpy(p, op_name, n);
    p[n] = '\n';
    return p + n + 1;
}

static char *put_values(char *p, uint32_t count, const uint32_t *bits)
{
    p = put(p, count);
    for (uint32_t v = 0; v < count; v++)
        p = put(p, bits[v]);
    p[-1] = '\n';
    return p;
}

static char *put_gate(char *p, const gc_circuit *c, const gc_gate *g, const uint32_t *name)
{
    const gc_wire one = c->eval_inputs + c->known_inputs + 1;
    const int and = g->op == GC_AND || g->op == GC_AND_KNOWN || g->op == GC_KNOWN_AND, inv = g->a == one || g->b == one;
    p = put(put(p, inv ? 1 : 2), 1);
    if (g->a != one)
        p = put(p, name[g->a]);
    if (g->b != one)
        p = put(p, name[g->b]);
    return put_op(put(p, name[g->out]), inv ? "INV" : and ? "AND" : "XOR"); /* the builder folds any other constant away */
}

int gc_bristol_write(char **text, size_t *len, const gc_circuit *c, const gc_bristol *shape)
{
    *text = NULL;
    *len = 0;
    if (!fits(c, shape))
        return err_set(ERR_ARG, "circuit: its inputs or outputs are not those of the values");
    const size_t room = ((size_t)c->gates + c->outputs) * GATE_ROOM + (2 + 2 * (size_t)GC_BRISTOL_VALUES + 2) * 11 + 2;
    uint32_t *name = mem_alloc(c->wires, sizeof *name);
    char *start = mem_alloc(room, 1), *p = start;
    if (!name || !start) {
        mem_free(name);
        mem_free(start);
        return err_set(ERR_MEM, "out of memory for the text of %u gates", c->gates);
    }
    const uint32_t copies = number_wires(c, shape, name), inputs = c->eval_inputs + c->known_inputs, wires = inputs + c->gates + copies;
    p = put(put(p, c->gates + copies), wires);
    p[-1] = '\n';
    p = put_values(put_values(p, shape->inputs, shape->in), shape->outputs, shape->out);
    *p++ = '\n';
    for (uint32_t i = 0; i < c->gates; i++)
        p = put_gate(p, c, &c->gate[i], name);
    for (uint32_t o = 0; o < c->outputs; o++)
        if (name[c->output[o]] != wires - c->outputs + o)
            p = put_op(put(put(put(put(p, 1), 1), name[c->output[o]]), wires - c->outputs + o), "EQW");
    mem_free(name);
    *text = start;
    *len = (size_t)(p - start);
    return 0;
}
