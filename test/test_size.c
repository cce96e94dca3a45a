// SPDX-License-Identifier: ISC
/* Lengths and memory from the plan: what a session takes, what a hostile plan may make a client take. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "convert/linear.h"
#include "gc/gadgets.h"
#include "gc/garble.h"
#include "net/chan.h"
#include "nn/exec.h"
#include "nn/reference.h"
#include "nn/size.h"
#include "test/alloc.h"
#include "test/nets.h"

static prg rng_c, rng_s, rng_t;

static void setup(void)
{
    uint8_t seed[PRG_SEED_BYTES] = "size";
    prg_init(&rng_c, seed, PRG_TEST, 0);
    prg_init(&rng_s, seed, PRG_TEST, 1);
    prg_init(&rng_t, seed, PRG_TEST, 2);
}

START_TEST(rows_of_argmax_are_those_of_the_circuit)
{
    static const unsigned shape[][3] = {{2, 1, 0},   {2, 5, 0},   {2, 26, 12},   {3, 59, 7},
                                        {4, 8, 3},   {5, 9, 8},   {10, 26, 12},  {33, 20, 19},
                                        {64, 12, 3}, {65, 12, 3}, {1000, 30, 8}, {4096, 24, 9}};
    for (size_t i = 0; i < sizeof shape / sizeof *shape; i++) {
        gc_circuit *c;
        ck_assert_int_eq(gc_argmax_circuit(&c, shape[i][0], shape[i][1], shape[i][2]), 0);
        ck_assert_uint_eq(nn_size_rows_argmax(shape[i][0], shape[i][1], shape[i][2]) * sizeof(block),
                          gc_circuit_row_bytes(c, 1));
        gc_circuit_free(c);
    }
}
END_TEST

START_TEST(lengths_are_those_of_the_layers_below)
{
    nn_qmodel *q = nets_dense((uint32_t[]){30, 700, 20, 10}, 3, &rng_t);
    const nn_plan *p = &q->plan;
    size_t keys = sizeof(block);
    for (uint32_t i = 0; i < p->layers; i++) {
        ckks_params *params;
        ck_assert_int_eq(ckks_params_create(&params, &p->layer[i].ckks), 0);
        keys += ckks_pk_bytes(params);
        for (uint32_t batch = 1; batch <= p->max_batch; batch = 3 * batch + 1) {
            nn_size z;
            nn_size_layer(&z, p, i, batch, 2);
            ck_assert_uint_eq(z.ct, ckks_poly_bytes(params));
            ck_assert_uint_eq(z.response, convert_response_bytes(params, nn_k(&p->layer[i]), batch));
            ck_assert_uint_ge(z.window, 1);
            ck_assert_uint_ge(z.lanes, 1);
        }
        ckks_params_free(params);
    }
    ck_assert_uint_eq(nn_size_keys(p), keys);
    ck_assert_uint_eq(NN_KEYS_MAX, chan_cap(CHAN_KEYS));
    ck_assert_uint_le(nn_size_batch(p), chan_cap(CHAN_BATCH));
    ck_assert_uint_le(NN_PIECE, chan_cap(CHAN_TABLES));
    ck_assert_uint_le(NN_PLAN_BYTES_MAX, chan_cap(CHAN_PLAN));
    nn_qmodel_free(q);
}
END_TEST

typedef struct {
    chan *ch;
    const nn_prepared *m;
    long long peak, left;
    nn_stats stats;
    int rc;
} serving;

static void *serve(void *arg)
{
    serving *x = arg;
    const nn_serve_options options = {.ot = NN_DEFAULT_OT};
    test_alloc_mark();
    x->rc = nn_serve(x->ch, x->m, &options, &rng_s, &x->stats);
    x->peak = test_alloc_peak();
    chan_free(x->ch);
    return NULL;
}

/** memory_of: a session with two batches; each party's peak is below its bound and above a third of it.  (The bound has
 * room for chunks that the peer sends ahead, which the scheduler may or may not let happen: layers of many large chunks
 * would show less than a third.)  Frees q. */
static void memory_of(nn_qmodel *q, uint32_t in, uint32_t count, unsigned ot)
{
    serving server = {0};
    nn_prepared *m;
    pthread_t thread;
    nn_client *c;
    chan *ch;
    uint8_t *pixels = mem_alloc(count, in);
    int32_t *labels = mem_alloc(count, sizeof *labels);

    prg_bytes(&rng_t, pixels, (size_t)count * in);
    ck_assert_int_eq(nn_prepare(&m, q, 0), 0);
    server.m = m;
    ck_assert_int_eq(chan_pair(&ch, &server.ch, 0), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, &server), 0);
    test_alloc_mark();
    ck_assert_msg(nn_client_open(&c, ch, ot, &rng_c) == 0, "%s", err_text());
    chan_stats before, after;
    uint64_t sent = nn_size_batch(&q->plan), received = 0;
    for (int i = 0; i < 2; i++) {
        chan_get_stats(ch, &before);
        ck_assert_msg(nn_client_infer(c, pixels, count, labels, NULL, NULL) == 0, "%s", err_text());
        chan_get_stats(ch, &after);
    }
    for (uint32_t i = 0; i < q->plan.layers; i++) {
        uint64_t up, down;
        nn_size_traffic(&q->plan, i, count, ot ? ot : NN_DEFAULT_OT, &up, &down);
        sent += up;
        received += down;
    }
    ck_assert_uint_eq(after.bytes_sent - before.bytes_sent,
                      sent + CHAN_HEADER_BYTES * (after.messages_sent - before.messages_sent));
    ck_assert_uint_eq(after.bytes_received - before.bytes_received,
                      received + CHAN_HEADER_BYTES * (after.messages_received - before.messages_received));
    nn_client_close(c);
    const long long peak = test_alloc_peak(), client = (long long)nn_client_bytes(&q->plan, count),
                    bound = (long long)nn_server_bytes(&q->plan, count);
    pthread_join(thread, NULL);
    ck_assert_int_eq(server.rc, 0);
    if (getenv("SIZE_SHOW"))
        printf("%4u -> %4u, %5u images: client %8lld of %9lld kB (%.2f), server %8lld of %9lld kB (%.2f)\n", in,
               q->plan.layer[q->plan.layers - 1].out, count, peak / 1024, client / 1024, (double)peak / (double)client,
               server.peak / 1024, bound / 1024, (double)server.peak / (double)bound);
    ck_assert_msg(peak <= client && 3 * peak >= client, "client: %lld of %lld bytes", peak, client);
    ck_assert_msg(server.peak <= bound && 3 * server.peak >= bound, "server: %lld of %lld bytes", server.peak, bound);
    chan_free(ch);
    nn_prepared_free(m);
    nn_qmodel_free(q);
    mem_free(pixels);
    mem_free(labels);
}

static void memory(const uint32_t *width, uint32_t layers, uint32_t count, unsigned ot)
{
    memory_of(nets_dense(width, layers, &rng_t), width[0], count, ot);
}

/* Messages above the channel's caps travel in pieces; the planner keeps the batch within both parties' memory. */
START_TEST(wide_argmax_of_long_words_runs_in_pieces)
{
    const nn_quant_options wide = {.wbits = 11, .abits = 20};
    nn_qmodel *q = nets_dense_with((uint32_t[]){4, 2, 4096}, 2, &wide, &rng_t);
    nn_size z;
    nn_size_layer(&z, &q->plan, 1, 8, 1);
    ck_assert_uint_gt(z.rows, NN_PIECE);
    ck_assert_uint_ge(q->plan.max_batch, 8);
    ck_assert_int_eq(nn_size_check(&q->plan, ERR_DATA), 0);
    memory_of(q, 4, 8, 0);
}
END_TEST

START_TEST(the_planner_keeps_the_budget_or_says_what_is_too_large)
{
    const uint32_t in = 1 << 17;
    nn_model *m = mem_alloc(1, sizeof *m);
    nn_qmodel *q;
    m->channels = m->height = 1;
    m->width = in;
    m->layers = 2;
    /* as many ciphertexts on either side of the first layer: twice 3 GiB at the server */
    for (uint32_t i = 0; i < 2; i++) {
        nn_affine *a = &m->layer[i];
        a->in = in;
        a->out = i ? 2 : in;
        a->row = mem_alloc(a->out + 1, sizeof *a->row);
        a->col = mem_alloc(a->out, sizeof *a->col);
        a->w = mem_alloc(a->out, sizeof *a->w);
        a->bias = mem_alloc(a->out, sizeof *a->bias);
        for (uint32_t o = 0; o < a->out; o++) {
            a->row[o + 1] = o + 1;
            a->col[o] = o;
            a->w[o] = 1;
        }
    }
    ck_assert_int_eq(nn_quantise(&q, m, NULL), ERR_DATA);
    ck_assert_msg(strstr(err_text(), "MiB at the server") != NULL, "%s", err_text());
    nn_model_free(m);
}
END_TEST

/* ---- hostile plans ---- */

typedef struct {
    chan *ch;
    const uint8_t *plan;
    size_t len;
} liar;

/** lie: a server that sends this plan and waits until the client hangs up. */
static void *lie(void *arg)
{
    liar *x = arg;
    uint8_t hello[64];
    size_t len;
    unsigned kind;
    if (!chan_recv_var(x->ch, CHAN_HELLO, 0, hello, sizeof hello, &len) &&
        !chan_send(x->ch, CHAN_PLAN, 1, x->plan, x->len))
        (void)!chan_peek(x->ch, &kind);
    chan_free(x->ch);
    return NULL;
}

/** told: what nn_client_open makes of a plan, and the most memory that it took for it. */
static int told(const nn_plan *p, long long *peak)
{
    static uint8_t wire[33 + NN_PLAN_BYTES_MAX];
    liar x = {.plan = wire};
    pthread_t thread;
    nn_client *c;
    chan *ch;
    wire[0] = NN_DEFAULT_OT;
    x.len = 33 + nn_plan_write(p, wire + 33);
    ck_assert_int_eq(chan_pair(&ch, &x.ch, 0), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, lie, &x), 0);
    test_alloc_mark();
    const int rc = nn_client_open(&c, ch, 0, &rng_c);
    *peak = test_alloc_peak();
    nn_client_close(c);
    chan_free(ch);
    pthread_join(thread, NULL);
    return rc;
}

static uint32_t pick(const uint32_t *from, size_t n) { return from[prg_u64(&rng_t) % n]; }
#define PICK(...) pick((uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/** twist: a change that a hostile server might like. */
static void twist(nn_plan *p)
{
    nn_plan_layer *a = &p->layer[prg_u64(&rng_t) % p->layers], *last = &p->layer[p->layers - 1];
    switch (prg_u64(&rng_t) % 8) {
    case 0:
        p->max_batch = PICK(1, 8, 2048, 8192, 32768);
        break;
    case 1:
        a->ckks.n = PICK(1024, 2048, 4096, 8192, 16384, 32768);
        break;
    case 2:
        a->ckks.primes = PICK(1, 2, 7, 14, 20);
        for (uint32_t i = 0; i < CKKS_MAX_PRIMES; i++)
            a->ckks.bits[i] = i < a->ckks.primes ? (uint8_t)PICK(27, 43, 50, 60) : 0;
        break;
    case 3:
        last->out = PICK(2, 100, 4096);
        break;
    case 4:
        a->l = (uint8_t)PICK(20, 26, 40, 43);
        a->t = (uint8_t)PICK(7, 10);
        break;
    case 5:
        last->l = (uint8_t)PICK(30, 44);
        break;
    case 6:
        p->layer[0].in = p->width = PICK(1, 1000, 1 << 20);
        break;
    default:
        /* one more in front of the last, with parameters of its own */
        if (p->layers < NN_MAX_LAYERS && p->layers > 1) {
            nn_plan_layer extra = p->layer[p->layers - 2];
            p->layer[p->layers] = *last;
            extra.in = extra.out = last->in;
            extra.ckks = (ckks_literal){
                8192, 4, {(uint8_t)PICK(47, 48, 49, 50), 50, (uint8_t)PICK(47, 48), (uint8_t)PICK(49, 50)}, 0};
            p->layer[p->layers++ - 1] = extra;
        }
    }
}

START_TEST(a_hostile_plan_takes_no_memory_that_it_does_not_own_up_to)
{
    nn_qmodel *q = nets_dense((uint32_t[]){20, 15, 10, 4}, 3, &rng_t);
    uint32_t refused = 0, opened = 0;
    for (int i = 0; i < 3000; i++) {
        nn_plan p = q->plan;
        static uint8_t wire[NN_PLAN_BYTES_MAX];
        long long peak;
        for (uint64_t n = 1 + prg_u64(&rng_t) % 12; n-- > 0;)
            twist(&p);
        test_alloc_mark();
        const size_t len = nn_plan_write(&p, wire);
        nn_plan got;
        const int rc = nn_plan_read(&got, wire, len);
        ck_assert_int_eq(test_alloc_peak(), 0);
        ck_assert(rc == 0 || rc == ERR_PEER);
        refused += rc != 0;
        if (rc) {
            if (i % 20 == 0) {
                ck_assert_int_eq(told(&p, &peak), ERR_PEER);
                ck_assert_int_lt(peak, 2 << 20);
            }
            continue;
        }
        ck_assert(nn_client_bytes(&p, p.max_batch) <= NN_MEMORY_MAX);
        if (opened < 40 && nn_client_bytes(&p, p.max_batch) < 1 << 28) {
            opened++;
            ck_assert_int_eq(told(&p, &peak), ERR_NET); /* it hangs up in the end */
            ck_assert_msg(peak <= (long long)nn_client_bytes(&p, 1), "%lld of %llu bytes", peak,
                          (unsigned long long)nn_client_bytes(&p, 1));
        }
    }
    ck_assert_uint_gt(refused, 300);
    ck_assert_uint_ge(opened, 20);
    nn_qmodel_free(q);
}
END_TEST

/* Sixty-four layers with parameters of the largest kind, each its own: 6 kB that once took a client 18 s and 3.2 GB. */
START_TEST(a_plan_of_many_large_parameters_is_refused_at_once)
{
    nn_qmodel *q = nets_dense((uint32_t[]){20, 15, 10, 4}, 3, &rng_t);
    nn_plan p = q->plan;
    long long peak;
    p.layers = 64;
    p.layer[63] = p.layer[2];
    for (uint32_t i = 1; i < 63; i++) {
        p.layer[i] = p.layer[1];
        p.layer[i].in = p.layer[i].out = 10;
        p.layer[i].g = 9;
        p.layer[i].ckks = (ckks_literal){32768, 14, {0}, 0};
        for (uint32_t j = 0; j < 14; j++)
            p.layer[i].ckks.bits[j] = (uint8_t)(i >> j & 1 ? 60 : 59);
    }
    p.layer[0].out = p.layer[63].in = 10;
    p.max_batch = 1;
    ck_assert_int_eq(told(&p, &peak), ERR_PEER);
    ck_assert_msg(strstr(err_text(), "public keys") != NULL, "%s", err_text());
    ck_assert_int_lt(peak, 2 << 20);
    nn_qmodel_free(q);
}
END_TEST

START_TEST(sessions_keep_the_memory_of_their_plan)
{
    memory((uint32_t[]){784, 100, 10}, 2, 1, 0);
    memory((uint32_t[]){200, 24, 10}, 2, 600, 0);
    memory((uint32_t[]){20, 700, 300, 10}, 3, 5, 8);
    memory((uint32_t[]){20, 60, 10}, 2, 2048, 1);
    memory((uint32_t[]){60, 200}, 1, 30, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("size");
    TCase *t = tcase_create("size");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 300);
    tcase_add_test(t, rows_of_argmax_are_those_of_the_circuit);
    tcase_add_test(t, lengths_are_those_of_the_layers_below);
    tcase_add_test(t, wide_argmax_of_long_words_runs_in_pieces);
    tcase_add_test(t, the_planner_keeps_the_budget_or_says_what_is_too_large);
    tcase_add_test(t, a_hostile_plan_takes_no_memory_that_it_does_not_own_up_to);
    tcase_add_test(t, a_plan_of_many_large_parameters_is_refused_at_once);
    tcase_add_test(t, sessions_keep_the_memory_of_their_plan);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
