// SPDX-License-Identifier: ISC
/* Oblivious transfer, garbling and conversion on secrets. */
#include "test/ct_cases.h"

#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "convert/linear.h"
#include "convert/wires.h"
#include "gc/gadgets.h"
#include "gc/garble.h"
#include "gc/relu.h"
#include "ot/base_ot.h"
#include "ot/check.h"
#include "ot/extend.h"
#include "ot/random.h"
#include "test/secret.h"

static const uint8_t session[32] = "a session";

static void *room(size_t count, size_t size)
{
    void *p = mem_alloc(count, size);
    if (!p) abort();
    return p;
}

/* All bits secret but the lowest, which is 1 by definition. */
static block secret_delta(void)
{
    block d = {{UINT64_C(0x0123456789abcdef), UINT64_C(0xfedcba9876543210)}};
    secret_hide(&d, sizeof d);
    d.w[0] |= 1;
    return d;
}

static void base_ot(void)
{
    prg rng;
    block choice = secret_delta();
    ot_base_receiver *r;
    ot_base_sender *s;
    uint8_t message[OT_BASE_MESSAGE_BYTES], element[OT_BASE_ELEMENT_BYTES], challenge[OT_BASE_CHALLENGE_BYTES], answer[OT_BASE_ANSWER_BYTES];
    static uint8_t both[OT_BASE_COUNT][2][PRG_SEED_BYTES], chosen[OT_BASE_COUNT][PRG_SEED_BYTES];
    ct_secret_prg(&rng, 3);
    ct_must(ot_base_recv_start(&r, message, &choice, session, &rng));
    secret_show(message, sizeof message); /* each of the four messages is sent */
    ct_must(ot_base_send_start(&s, element, message, session, &rng));
    secret_show(element, sizeof element);
    ct_must(ot_base_send_challenge(s, challenge, both));
    secret_show(challenge, sizeof challenge);
    ct_must(ot_base_recv_element(r, element));
    ct_must(ot_base_recv_finish(r, chosen, answer, challenge));
    secret_show(answer, sizeof answer);
    ct_must(ot_base_send_finish(s, answer));
    ct_secret("keys", both, sizeof both);
    ct_secret("chosen keys", chosen, sizeof chosen);
    ot_base_sender_free(s);
    ot_base_receiver_free(r);
}

typedef struct {
    convert_garbler g;
    convert_evaluator e;
} parties;

/* The keys of the base OTs fit each other: the sender has the one that its bit of delta says. */
static void begin(parties *p, unsigned k)
{
    static uint8_t both[OT_BASE_COUNT][2][PRG_SEED_BYTES], chosen[OT_BASE_COUNT][PRG_SEED_BYTES], setup[OT_EXT_SETUP_MAX];
    memset(p, 0, sizeof *p);
    p->g.gc.delta = secret_delta();
    block delta = p->g.gc.delta;
    secret_show(&delta, sizeof delta); /* for this loop */
    for (size_t j = 0; j < OT_BASE_COUNT; j++) {
        memset(both[j], (int)j, sizeof both[j]);
        memset(both[j][1], (int)j + 128, sizeof both[j][1]);
        memcpy(chosen[j], both[j][delta.w[j / 64] >> j % 64 & 1], sizeof chosen[j]);
    }
    secret_hide(both, sizeof both);
    secret_hide(chosen, sizeof chosen);
    ct_must(ot_ext_receiver_create(&p->e.ot, setup, k, both));
    secret_show(setup, sizeof setup); /* sent */
    ct_must(ot_ext_sender_create(&p->g.ot, setup, k, chosen, &p->g.gc.delta));
    secret_show(both, sizeof both); /* to be filled again */
    secret_show(chosen, sizeof chosen);
}

static void end(parties *p)
{
    ot_ext_sender_free(p->g.ot);
    ot_ext_receiver_free(p->e.ot);
    mem_wipe(p, sizeof *p);
}

static void extension(void)
{
    static const size_t counts[] = {5, 128, 4096, 5000};
    for (unsigned k = 1; k <= 8; k *= 2) {
        parties p;
        begin(&p, k);
        for (size_t i = 0; i < (k == 8 ? 2 : sizeof counts / sizeof counts[0]); i++) { /* k = 8: 4,096 streams under valgrind */
            const size_t m = counts[i], whole = ot_ext_rounded(m);
            block *t = room(whole, sizeof *t), *q = room(whole, sizeof *q);
            uint8_t *u = room(ot_ext_bytes(k, m), 1), *choice = room(whole / 8, 1);
            secret_hide(choice, whole / 8);
            ct_must(ot_ext_recv(p.e.ot, t, u, choice, m));
            ct_secret("t", t, m * sizeof *t);
            secret_show(u, ot_ext_bytes(k, m)); /* sent */
            ct_must(ot_ext_send(p.g.ot, q, u, m));
            ct_secret("q", q, m * sizeof *q);
            mem_free(choice), mem_free(u), mem_free(q), mem_free(t);
        }
        end(&p);
    }
}

static void chosen(void)
{
    enum { M = 300 };
    static const block start = {{5, 6}};
    static ot_check rc, sc;
    parties p;
    prg rng;
    block *x = room(384, sizeof *x), *x0 = room(384, sizeof *x0), *x1 = room(384, sizeof *x1);
    uint8_t *u = room(ot_ext_checked_bytes(4, M), 1), choice[48], d[48], *y = room(OT_CHOSEN_BYTES, M);
    uint8_t challenge[OT_CHECK_CHALLENGE_BYTES], proof[OT_CHECK_PROOF_BYTES];
    begin(&p, 4);
    ct_secret_prg(&rng, 6);
    memset(choice, 0x5a, sizeof choice);
    secret_hide(choice, sizeof choice);
    ct_must(ot_ext_recv_checked(p.e.ot, &rc, x, u, choice, M, &rng));
    secret_show(u, ot_ext_checked_bytes(4, M)); /* sent, as challenge and proof are */
    ct_must(ot_ext_send_checked(p.g.ot, &sc, x0, challenge, u, M, &rng));
    secret_show(challenge, sizeof challenge);
    ct_must(ot_ext_prove(p.e.ot, &rc, proof, x, u, choice, M, challenge));
    secret_show(proof, sizeof proof);
    ct_must(ot_ext_verify(p.g.ot, &sc, x0, u, M, proof));
    ct_secret("q", x0, M * sizeof *x0);
    ct_must(ot_random_recv(p.e.ot, x, u, &start, 0, choice, M));
    secret_show(u, ot_ext_bytes(4, M)); /* sent */
    ct_must(ot_random_send(p.g.ot, x0, x1, &start, 0, u, M));
    ct_secret("keys", x1, M * sizeof *x1);
    ot_derandomise(d, choice, choice, M);
    secret_show(d, sizeof d); /* sent, as y */
    ot_chosen_seal(y, x0, x1, x0, x1, d, M);
    secret_show(y, OT_CHOSEN_BYTES * M);
    ot_chosen_open(x, y, x, choice, M);
    ct_secret("message", x, M * sizeof *x);
    mem_free(y), mem_free(u), mem_free(x1), mem_free(x0), mem_free(x);
    prg_wipe(&rng);
    end(&p);
}

/* lanes: around the borders of eight and of a tile */
static const size_t lane_counts[] = {1, 8, 13, 300};
#define LANE_COUNTS (sizeof lane_counts / sizeof lane_counts[0])

static void garble_one(const gc_circuit *c, size_t lanes)
{
    const size_t stride = gc_stride(lanes), in = c->eval_inputs * stride, out = c->outputs * stride, bytes = gc_circuit_row_bytes(c, lanes);
    gc_session g = {.delta = secret_delta()}, e = {.index = 0};
    block *label = room(in, sizeof *label), *out0 = room(out, sizeof *out0), *active = room(out, sizeof *active);
    uint8_t *known = room(c->known_inputs * stride + 1, 1), *rows = room(bytes + 1, 1), *colours = room(out / 8, 1);
    secret_hide(label, in * sizeof *label);
    secret_hide(known, c->known_inputs * stride);
    ct_must(gc_garble(&g, c, lanes, label, known, rows, out0));
    gc_colours(colours, out0, c->outputs, lanes);
    secret_show(rows, bytes); /* sent */
    ct_must(gc_eval(&e, c, lanes, label, rows, active));
    for (uint32_t o = 0; o < c->outputs; o++) ct_secret("labels", active + o * stride, lanes * sizeof *active);
    gc_colours(colours, active, c->outputs, lanes);
    mem_free(colours), mem_free(rows), mem_free(known), mem_free(active), mem_free(out0), mem_free(label);
}

static void garbling(void)
{
    for (size_t i = 0; i < LANE_COUNTS; i++) {
        gc_circuit *c;
        ct_must(gc_sign_circuit(&c, 9));
        garble_one(c, lane_counts[i]);
        gc_circuit_free(c);
        ct_must(gc_relu_shares_circuit(&c, 8, (int)(i & 1)));
        garble_one(c, lane_counts[i]);
        gc_circuit_free(c);
    }
    gc_circuit *c;
    ct_must(gc_argmax_circuit(&c, 3, 8, 2));
    garble_one(c, 21);
    gc_circuit_free(c);
}

static void relu(void)
{
    const unsigned n = 7, l = 13;
    parties p;
    begin(&p, 1);
    for (size_t i = 0; i < LANE_COUNTS; i++) {
        const size_t lanes = lane_counts[i], labels = convert_labels(n, lanes);
        block *l0 = room(labels, sizeof *l0), *l1 = room(labels, sizeof *l1);
        uint64_t *v = room(lanes, sizeof *v), *mine = room(lanes, sizeof *mine), *theirs = room(lanes, sizeof *theirs);
        uint8_t *bits = room(n * gc_stride(lanes) / 8, 1), *u = room(convert_u_bytes(1, n, lanes), 1), *rows = room(gc_relu_bytes(n, l, lanes), 1);
        for (size_t j = 0; j < lanes; j++) v[j] = j << 3 & 0x3f8;
        secret_hide(v, lanes * sizeof *v);
        for (size_t j = 0; j < lanes; j++) v[j] &= 0x3f8; /* below 2^(n + 3): known, else a shift's high bits would be secret too */
        convert_truncate(v, lanes, 3);
        convert_choices(bits, v, lanes, n);
        ct_must(convert_ask(&p.e, bits, n, lanes, l1, u));
        secret_show(u, convert_u_bytes(1, n, lanes)); /* sent */
        ct_must(convert_relu_garble(&p.g, n, l, lanes, v, u, l0, rows, mine));
        secret_show(rows, gc_relu_bytes(n, l, lanes)); /* sent */
        ct_must(convert_relu_eval(&p.e, n, l, lanes, l1, v, rows, theirs));
        ct_secret("share", mine, lanes * sizeof *mine);
        ct_secret("share", theirs, lanes * sizeof *theirs);
        mem_free(rows), mem_free(u), mem_free(bits), mem_free(theirs), mem_free(mine), mem_free(v), mem_free(l1), mem_free(l0);
    }
    end(&p);
}

static void layer(void)
{
    static const ckks_literal lit = {2048, 1, {50}, 0};
    static const uint8_t seed[PRG_SEED_BYTES] = "the public half";
    static const uint32_t row[] = {0, 3, 4}, col[] = {0, 1, 2, 1};
    enum { IN = 3, OUT = 2, L = 20, K = 22, BATCH = 100 };
    int16_t w[] = {5, -3, 127, -128};
    ckks_params *p;
    ckks_sk *sk;
    ckks_pk *pk;
    prg rng;
    ct_must(ckks_params_create(&p, &lit));
    ct_secret_prg(&rng, 4);
    ct_must(ckks_sk_create(&sk, p, &rng));
    ct_must(ckks_pk_create(&pk, sk, session, &rng));
    secret_show(pk->b, ckks_poly_words(p) * sizeof *pk->b); /* the public key is sent */
    uint64_t *scratch = room(convert_scratch_words(p), sizeof *scratch), *share = room(BATCH, sizeof *share);
    uint64_t *out = room(OUT * convert_ct_words(p), sizeof *out);
    convert_inputs *in;
    convert_matrix *m;
    ct_must(convert_inputs_create(&in, p, IN));
    uint8_t *wire = room(ckks_poly_bytes(p), 1), *back = room(convert_response_bytes(p, K, BATCH), 1);
    secret_hide(w, sizeof w);
    for (uint32_t i = 0; i < IN; i++) {
        for (size_t j = 0; j < BATCH; j++) share[j] = 0;
        secret_hide(share, BATCH * sizeof *share);
        for (size_t j = 0; j < BATCH; j++) share[j] &= (1u << L) - 1;
        convert_encrypt(sk, p, L, share, BATCH, seed, i, wire, &rng, scratch);
        secret_show(wire, ckks_poly_bytes(p)); /* sent */
        ct_must(convert_accept(in, i, L, wire, seed, i, share, BATCH, scratch));
    }
    ct_must(convert_matrix_create(&m, 8, OUT, row, col, w));
    ct_must(convert_weigh(m, in, 0, OUT, out));
    for (size_t o = 0; o < OUT; o++) {
        convert_respond(pk, p, K, out + o * convert_ct_words(p), BATCH, back, share, &rng, scratch);
        ct_secret("mask", share, BATCH * sizeof *share);
        secret_show(back, convert_response_bytes(p, K, BATCH)); /* sent */
        ct_must(convert_open(sk, p, K, share, back, BATCH, scratch));
        ct_secret("share", share, BATCH * sizeof *share);
    }
    mem_free(back), mem_free(wire), mem_free(share), mem_free(out), mem_free(scratch);
    convert_matrix_free(m);
    convert_inputs_free(in);
    ckks_pk_free(pk);
    ckks_sk_free(sk);
    ckks_params_free(p);
    prg_wipe(&rng);
}

const ct_case ct_parties[] = {{"base OT", base_ot}, {"OT extension", extension}, {"chosen OT", chosen}, {"garbling", garbling},
                              {"ReLU", relu},       {"a layer", layer},          {NULL, NULL}};
