// SPDX-License-Identifier: ISC
/* Two parties, two threads, the real protocol: labels, flights, every layer's opened shares, hang-ups and hostile messages. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/ct.h"
#include "base/mem.h"
#include "nn/reference.h"
#include "nn/session.h"
#include "test/alloc.h"
#include "test/nets.h"
#include "test/relay.h"

static prg rng_c, rng_s, rng_t;

static void seed_all(void)
{
    uint8_t seed[PRG_SEED_BYTES] = "exec";
    prg_init(&rng_c, seed, PRG_TEST, 0);
    prg_init(&rng_s, seed, PRG_TEST, 1);
    prg_init(&rng_t, seed, PRG_TEST, 2);
}

/* ---- whole sessions ---- */

/** prepared: asserts success. */
static nn_prepared *prepared(const nn_qmodel *q)
{
    nn_prepared *m;
    ck_assert_msg(nn_prepare(&m, q, 0) == 0, "%s", err_text());
    return m;
}

static const nn_serve_options options = {.ot = NN_DEFAULT_OT};

typedef struct {
    chan *ch;
    const nn_prepared *m;
    const nn_serve_options *options; /* NULL: the usual ones */
    prg *rng;                        /* NULL: rng_s */
    long long peak;
    nn_stats stats;
    chan_stats traffic;
    int rc;
} serving;

static void *serve(void *arg)
{
    serving *x = arg;
    test_alloc_mark();
    x->rc = nn_serve(x->ch, x->m, x->options ? x->options : &options, x->rng ? x->rng : &rng_s, &x->stats);
    x->peak = test_alloc_peak();
    chan_get_stats(x->ch, &x->traffic);
    chan_free(x->ch);
    return NULL;
}

/** infer: one session with two batches (count images, then one) over socket buffers of `buffer` bytes. */
static void infer(const nn_qmodel *q, const uint8_t *pixels, uint32_t count, int buffer, int32_t *labels, nn_stats *stats)
{
    nn_prepared *m = prepared(q);
    serving server = {.m = m};
    chan *ch;
    pthread_t thread;
    nn_client *c;
    int32_t again;

    ck_assert_int_eq(chan_pair(&ch, &server.ch, buffer), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, &server), 0);
    ck_assert_msg(nn_client_open(&c, ch, 0, &rng_c) == 0, "%s", err_text());
    ck_assert_msg(nn_client_infer(c, pixels, count, labels, NULL, NULL) == 0, "%s", err_text());
    ck_assert_msg(nn_client_infer(c, pixels, 1, &again, NULL, NULL) == 0, "%s", err_text());
    nn_client_stats(c, stats);
    nn_client_close(c);
    pthread_join(thread, NULL);
    ck_assert_int_eq(server.rc, 0);
    ck_assert_uint_eq(server.stats.images, count + 1);
    ck_assert_uint_eq(server.stats.flights, stats->flights);
    chan_stats mine;
    chan_get_stats(ch, &mine);
    ck_assert_uint_eq(mine.bytes_sent, server.traffic.bytes_received);
    ck_assert_uint_eq(mine.bytes_received, server.traffic.bytes_sent);
    ck_assert_uint_eq(stats->unreadable, 0);
    chan_free(ch);
    nn_prepared_free(m);
}

static void labels_agree(const nn_qmodel *q, const uint8_t *pixels, uint32_t count, const int32_t *labels, double share)
{
    int64_t *scratch = mem_alloc(6 * nn_ref_scratch(q), sizeof *scratch), *logits = mem_alloc(nn_ref_scratch(q), sizeof *logits);
    uint32_t same = 0;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *x = pixels + (size_t)i * q->plan.layer[0].in;
        int32_t due = nn_ref_run(q, x, logits, scratch);
        same += due == labels[i];
        ck_assert(due == labels[i] || !nn_ref_margin(q, x, scratch));
    }
    ck_assert_msg(same >= share * count, "%u of %u labels agree", same, count);
    mem_free(scratch), mem_free(logits);
}

static void random_net(const uint32_t *width, uint32_t layers, uint32_t count, int buffer)
{
    seed_all();
    nn_qmodel *q = nets_dense(width, layers, &rng_t);
    uint8_t *pixels = mem_alloc(count, width[0]);
    int32_t *labels = mem_alloc(count, sizeof *labels);
    nn_stats stats;

    prg_bytes(&rng_t, pixels, (size_t)count * width[0]);
    infer(q, pixels, count, buffer, labels, &stats);
    labels_agree(q, pixels, count, labels, 0.9);
    ck_assert_uint_eq(stats.flights, 2 * layers + 2);
    mem_free(pixels), mem_free(labels);
    nn_qmodel_free(q);
}

START_TEST(chains_of_every_depth_run)
{
    random_net((uint32_t[]){30, 5}, 1, 40, 0);
    random_net((uint32_t[]){30, 20, 3}, 2, 17, 0);
    random_net((uint32_t[]){12, 9, 16, 2}, 3, 1, 0);
    random_net((uint32_t[]){12, 9, 8, 7, 6}, 4, 100, 0);
    random_net((uint32_t[]){5, 700, 4}, 2, 33, 0); /* more than one chunk of elements */
}
END_TEST

START_TEST(tiny_socket_buffers_do_not_deadlock) { random_net((uint32_t[]){20, 60, 10}, 2, 1500, 4096); }
END_TEST

START_TEST(many_classes_in_several_argmax_chunks) { random_net((uint32_t[]){20, 100}, 1, 2048, 0); }
END_TEST

START_TEST(flights_are_eight_whatever_the_batch)
{
    seed_all();
    nn_qmodel *q = nets_dense((uint32_t[]){40, 30, 20, 10}, 3, &rng_t);
    static uint8_t pixels[2048 * 40];
    static int32_t labels[2048];
    static const uint32_t batch[] = {1, 2, 100, 2048};

    prg_bytes(&rng_t, pixels, sizeof pixels);
    for (int i = 0; i < 4; i++) {
        nn_stats stats;
        infer(q, pixels, batch[i], 0, labels, &stats);
        ck_assert_uint_eq(stats.flights, 8);
    }
    nn_qmodel_free(q);
}
END_TEST

/* ---- every layer's shares, opened ---- */

typedef struct {
    int (*run)(void *, uint32_t);
    void *who;
    uint32_t layer;
    int rc;
} step;

static void *step_run(void *arg)
{
    step *x = arg;
    x->rc = x->run(x->who, x->layer);
    return NULL;
}

static const uint8_t *the_pixels;
static uint32_t the_count;
static int32_t the_labels[4096];
static nn_prepared *the_model;
static chan *the_server_end, *the_client_end;

static int open_s(void *v, uint32_t i)
{
    (void)i;
    int rc = nn_server_open(v, the_server_end, the_model, &options, &rng_s);
    return rc ? rc : chan_flush(the_server_end);
}
static int open_c(void *c, uint32_t i) { (void)i; return nn_client_setup(c, the_client_end, 0, &rng_c); }
static int begin_s(void *v, uint32_t i) { (void)i; return nn_server_begin(v); }
static int begin_c(void *c, uint32_t i)
{
    (void)i;
    int rc = nn_client_begin(c, the_pixels, the_count);
    return rc ? rc : chan_flush(the_client_end);
}
static int hidden_s(void *v, uint32_t i) { return nn_server_hidden(v, i); }
static int hidden_c(void *c, uint32_t i)
{
    int rc = nn_client_hidden(c, i);
    return rc ? rc : chan_flush(the_client_end);
}
static int last_s(void *v, uint32_t i) { (void)i; return nn_server_last(v); }
static int last_c(void *c, uint32_t i) { (void)i; return nn_client_last(c, the_labels); }

static void both(int (*s)(void *, uint32_t), nn_server *v, int (*c)(void *, uint32_t), nn_client *x, uint32_t layer)
{
    step server = {s, v, layer, 0}, client = {c, x, layer, 0};
    pthread_t a, b;
    ck_assert_int_eq(pthread_create(&a, NULL, step_run, &server), 0);
    ck_assert_int_eq(pthread_create(&b, NULL, step_run, &client), 0);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    ck_assert_int_eq(server.rc, 0);
    ck_assert_int_eq(client.rc, 0);
}

/** open_layers: runs a batch and compares every layer, opened, with the reference restarted from its opened inputs. */
static void open_layers(const nn_qmodel *q, const uint8_t *pixels, uint32_t count)
{
    nn_server *v = mem_alloc(1, sizeof *v);
    nn_client *c = mem_alloc(1, sizeof *c);
    const uint32_t layers = q->plan.layers;
    size_t widest = q->plan.layer[0].in;
    for (uint32_t i = 0; i < layers; i++)
        widest = q->plan.layer[i].out > widest ? q->plan.layer[i].out : widest;
    int64_t *x = mem_alloc(count * widest, sizeof *x), *y = mem_alloc(widest, sizeof *y);

    the_pixels = pixels, the_count = count, the_model = prepared(q);
    ck_assert_int_eq(chan_pair(&the_client_end, &the_server_end, 0), 0);
    both(open_s, v, open_c, c, 0);
    both(begin_s, v, begin_c, c, 0);
    for (uint32_t j = 0; j < count; j++)
        for (uint32_t e = 0; e < q->plan.layer[0].in; e++) {
            x[j * widest + e] = pixels[(size_t)j * q->plan.layer[0].in + e];
            ck_assert_uint_eq(c->s.share[(size_t)e * count + j], (uint64_t)x[j * widest + e]);
        }
    for (uint32_t i = 0; i < layers; i++) {
        const nn_plan_layer *a = &q->plan.layer[i];
        const int hidden = i + 1 < layers;
        int64_t low = 0, high = 0;
        if (hidden)
            both(hidden_s, v, hidden_c, c, i);
        else
            both(last_s, v, last_c, c, i);
        const unsigned ring = hidden ? q->plan.layer[i + 1].l : nn_k(a);
        const uint64_t *s0 = hidden ? c->s.share : c->logits, *s1 = hidden ? v->s.share : v->logits;
        for (uint32_t j = 0; j < count; j++) {
            nn_ref_layer(q, i, x + j * widest, y);
            int64_t best = INT64_MIN;
            int32_t label = 0;
            for (uint32_t e = 0; e < a->out; e++) {
                int64_t open = ct_signed(ct_low(s0[(size_t)e * count + j] + s1[(size_t)e * count + j], ring), ring);
                if (!hidden)
                    open >>= nn_drop(a);
                int64_t off = open - y[e];
                low = off < low ? off : low;
                high = off > high ? off : high;
                x[j * widest + e] = open;
                if (open > best)
                    best = open, label = (int32_t)e;
            }
            if (!hidden)
                ck_assert_int_eq(label, the_labels[j]);
        }
        /* a floor moved by the noise: one; the split floor: one less; the last layer's floor is not split */
        ck_assert_msg(low >= (hidden ? -2 : -1) && high <= 1, "layer %s: %lld .. %lld", a->name, (long long)low, (long long)high);
    }
    nn_batch_end(&v->s);
    nn_batch_end(&c->s);
    nn_server_close(v);
    nn_client_teardown(c);
    chan_free(the_client_end);
    chan_free(the_server_end);
    nn_prepared_free(the_model);
    mem_free(v), mem_free(c), mem_free(x), mem_free(y);
}

START_TEST(opened_layers_stay_within_two_units)
{
    seed_all();
    nn_qmodel *q = nets_dense((uint32_t[]){50, 40, 30, 10}, 3, &rng_t);
    static uint8_t pixels[300 * 50];
    prg_bytes(&rng_t, pixels, sizeof pixels);
    open_layers(q, pixels, 300);
    nn_qmodel_free(q);
}
END_TEST

START_TEST(mnist_layers_stay_within_two_units)
{
    nn_qmodel *q;
    nn_idx *images;
    seed_all();
    if (!nets_mnist(&q, &images, 256))
        return;
    ck_assert_uint_eq(q->plan.layers, 3);
    open_layers(q, images->data, 256);
    nn_idx_free(images);
    nn_qmodel_free(q);
}
END_TEST

/* ---- faults: a relay between the two that hangs up at, cuts or damages the k-th message ---- */

enum fault { HANG_UP, CUT, KIND, FLIGHT, LENGTH, PAYLOAD };

static enum fault the_fault;
static int the_message; /* of the direction that suffers */

static int suffer(relay *r, uint8_t head[CHAN_HEADER_BYTES], uint8_t *body, size_t len)
{
    if (r->passed != the_message)
        return RELAY_PASS;
    if (the_fault == KIND)
        head[4] ^= 31;
    if (the_fault == FLIGHT)
        head[5] ^= 1;
    if (the_fault == LENGTH)
        head[2] ^= 0x80, head[3] ^= 0x0f;
    if (the_fault == PAYLOAD)
        for (size_t i = 0; i < len; i += 7)
            body[i] ^= 0xa5;
    return the_fault == HANG_UP ? RELAY_HANG_UP : the_fault == CUT ? RELAY_CUT : RELAY_PASS;
}

typedef struct {
    int server, client; /* what the parties returned */
    int passed[2];      /* messages to the server, to the client */
} outcome;

/* Everything in an ERROR follows from its code: whatever went wrong, and with whatever values. */
static uint8_t error_of[32][260];
static size_t error_len[32], errors_seen;

static void errors_follow_from_codes(const relay *r)
{
    relay_message m;
    for (size_t at = 0; relay_next(r, &at, &m);) {
        if (m.kind != CHAN_ERROR)
            continue;
        const uint32_t code =
            0 - (m.body[0] | (uint32_t)m.body[1] << 8 | (uint32_t)m.body[2] << 16 | (uint32_t)m.body[3] << 24);
        ck_assert_uint_lt(code, 32);
        if (!error_len[code]) {
            error_len[code] = m.len;
            memcpy(error_of[code], m.body, m.len);
        }
        ck_assert_uint_eq(m.len, error_len[code]);
        ck_assert_mem_eq(m.body, error_of[code], m.len);
        errors_seen++;
    }
}

/** faulty: a session whose direction `dir` (0: to the server) suffers `fault` at message `at`. */
static outcome faulty(const nn_prepared *m, int dir, int at, enum fault fault)
{
    chan *ch;
    serving server = {.m = m};
    relay r[2] = {{.alter = dir == 0 ? suffer : NULL, .keep = 1}, {.alter = dir == 1 ? suffer : NULL, .keep = 1}};
    pthread_t thread;
    nn_client *client = NULL;
    uint8_t pixels[12] = {200, 3, 99, 4, 0, 255, 17};
    int32_t labels[2];

    the_fault = fault, the_message = at;
    relay_between(r, &ch, &server.ch);
    chan_set_timeout(ch, 5000);
    chan_set_timeout(server.ch, 5000);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, &server), 0);
    int rc = nn_client_open(&client, ch, 0, &rng_c);
    if (!rc)
        rc = nn_client_infer(client, pixels, 2, labels, NULL, NULL);
    nn_client_close(client);
    chan_free(ch);
    pthread_join(thread, NULL);
    relay_end(r);
    errors_follow_from_codes(&r[1 - dir]);
    relay_free(r);
    return (outcome){server.rc, rc, {r[0].passed, r[1].passed}};
}

/* The client's wish decides, else the server; what neither knows is refused. */
START_TEST(extension_is_agreed_upon)
{
    static const unsigned asked[] = {1, 2, 4, 8, 0, 3, 255};
    uint64_t got[4];
    seed_all();
    nn_qmodel *q = nets_dense((uint32_t[]){6, 5, 3}, 2, &rng_t);
    nn_prepared *m = prepared(q);
    uint8_t pixels[2 * 6] = {0, 50, 100, 150, 200, 255, 255, 0, 1, 2, 3, 4};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        serving server = {.m = m};
        chan_stats t;
        chan *ch;
        pthread_t thread;
        nn_client *c;
        int32_t labels[2];
        ck_assert_int_eq(chan_pair(&ch, &server.ch, 0), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, serve, &server), 0);
        int rc = nn_client_open(&c, ch, asked[i], &rng_c);
        if (asked[i] <= 2 || asked[i] == 4 || asked[i] == 8) {
            ck_assert_int_eq(rc, 0);
            ck_assert_uint_eq(nn_client_ot(c), asked[i] ? asked[i] : NN_DEFAULT_OT);
            ck_assert_int_eq(nn_client_infer(c, pixels, 2, labels, NULL, NULL), 0);
            labels_agree(q, pixels, 2, labels, 1);
            chan_get_stats(ch, &t);
            if (i < 4) got[i] = t.bytes_received;
        } else {
            ck_assert_int_eq(rc, ERR_PEER);
        }
        nn_client_close(c);
        chan_free(ch);
        pthread_join(thread, NULL);
        ck_assert_int_eq(server.rc, asked[i] == 3 || asked[i] == 255 ? ERR_PEER : 0);
    }
    /* all but the corrections and the trees' message is the same */
    const size_t relu = nn_n(&q->plan.layer[0]) * gc_stride(5 * 2), argmax = nn_k(&q->plan.layer[1]) * 3 * gc_stride(2);
    for (size_t i = 1; i < 4; i++)
        ck_assert_uint_eq(got[0] + CHAN_HEADER_BYTES + ot_ext_setup_bytes(asked[i]) + ot_ext_bytes(asked[i], relu) + ot_ext_bytes(asked[i], argmax),
                          got[i] + ot_ext_bytes(1, relu) + ot_ext_bytes(1, argmax));
    nn_prepared_free(m);
    nn_qmodel_free(q);
}
END_TEST

/* One prepared model, four sessions at the same time; the quantised one is gone by then. */
START_TEST(sessions_share_a_prepared_model)
{
    enum { SESSIONS = 4 };
    seed_all();
    nn_qmodel *q = nets_dense((uint32_t[]){6, 5, 3}, 2, &rng_t);
    uint8_t pixels[2 * 6] = {0, 50, 100, 150, 200, 255, 255, 0, 1, 2, 3, 4};
    int32_t labels[2];
    nn_prepared *m = prepared(q);
    serving server[SESSIONS];
    pthread_t thread[SESSIONS];
    prg rng[SESSIONS];
    nn_client *c[SESSIONS];
    chan *ch[SESSIONS];
    ck_assert_int_eq(nn_plan_equal(nn_prepared_plan(m), &q->plan), 1);
    ck_assert_str_eq(nn_prepared_plan(m)->layer[0].name, "");
    for (uint64_t i = 0; i < SESSIONS; i++) {
        prg_init(&rng[i], (const uint8_t[PRG_SEED_BYTES]){"shared"}, PRG_TEST, i);
        server[i] = (serving){.m = m, .rng = &rng[i]};
        ck_assert_int_eq(chan_pair(&ch[i], &server[i].ch, 0), 0);
        ck_assert_int_eq(pthread_create(&thread[i], NULL, serve, &server[i]), 0);
        ck_assert_msg(nn_client_open(&c[i], ch[i], 0, &rng_c) == 0, "%s", err_text());
    }
    for (int i = 0; i < SESSIONS; i++) { /* all are open */
        ck_assert_msg(nn_client_infer(c[i], pixels, 2, labels, NULL, NULL) == 0, "%s", err_text());
        labels_agree(q, pixels, 2, labels, 1);
    }
    nn_qmodel_free(q);
    for (int i = SESSIONS; i-- > 0;) {
        ck_assert_msg(nn_client_infer(c[i], pixels, 1, labels, NULL, NULL) == 0, "%s", err_text());
        nn_client_close(c[i]);
        chan_free(ch[i]);
        pthread_join(thread[i], NULL);
        ck_assert_int_eq(server[i].rc, 0);
    }
    nn_prepared_free(m);
}
END_TEST

static int turn_away(void *arg)
{
    ++*(int *)arg;
    return err_set(ERR_BUSY, "no room");
}

START_TEST(a_client_that_is_not_admitted_costs_nothing)
{
    int asked = 0;
    const nn_serve_options full = {.ot = NN_DEFAULT_OT, .admit = turn_away, .arg = &asked};
    seed_all();
    nn_qmodel *q = nets_dense((uint32_t[]){6, 5, 3}, 2, &rng_t);
    nn_prepared *m = prepared(q);
    serving server = {.m = m, .options = &full};
    pthread_t thread;
    nn_client *c;
    chan *ch;
    ck_assert_int_eq(chan_pair(&ch, &server.ch, 0), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, &server), 0);
    ck_assert_int_eq(nn_client_open(&c, ch, 0, &rng_c), ERR_BUSY);
    ck_assert_ptr_null(c);
    chan_free(ch);
    pthread_join(thread, NULL);
    ck_assert_int_eq(server.rc, ERR_BUSY);
    ck_assert_int_eq(asked, 1);
    ck_assert_int_lt(server.peak, 2 << 20); /* the channel's, mostly */
    nn_prepared_free(m);
    nn_qmodel_free(q);
}
END_TEST

static void every_message(enum fault fault)
{
    seed_all();
    nn_qmodel *q = nets_dense((uint32_t[]){6, 5, 3}, 2, &rng_t);
    nn_prepared *m = prepared(q);
    outcome whole = faulty(m, 0, -1, fault);
    ck_assert_int_eq(whole.server, 0);
    ck_assert_int_eq(whole.client, 0);
    ck_assert_int_ge(whole.passed[0], 9);
    ck_assert_int_ge(whole.passed[1], 6);
    for (int dir = 0; dir < 2; dir++)
        for (int at = 0; at < whole.passed[dir]; at++) {
            outcome o = faulty(m, dir, at, fault);
            int suffers = dir ? o.client : o.server;
            if (fault == PAYLOAD) { /* ciphertexts and rows may decode to something: no crash, no hang, a code of ours */
                ck_assert(o.server == 0 || o.server == ERR_NET || o.server == ERR_PEER);
                ck_assert(o.client == 0 || o.client == ERR_NET || o.client == ERR_PEER);
                continue;
            }
            if (suffers == 0 && dir == 0 && at == whole.passed[0] - 1)
                ck_abort_msg("the damaged goodbye went unnoticed");
            ck_assert_msg(suffers == ERR_NET || suffers == ERR_PEER, "direction %d, message %d: %d", dir, at, suffers);
            if (fault == KIND || fault == FLIGHT)
                ck_assert_int_eq(suffers, ERR_PEER);
        }
    ck_assert(errors_seen || fault == HANG_UP || fault == CUT);
    nn_prepared_free(m);
    nn_qmodel_free(q);
}

START_TEST(hang_up_at_every_message) { every_message(HANG_UP); }
END_TEST
START_TEST(cut_in_every_message) { every_message(CUT); }
END_TEST
START_TEST(wrong_kind_of_every_message) { every_message(KIND); }
END_TEST
START_TEST(wrong_flight_of_every_message) { every_message(FLIGHT); }
END_TEST
START_TEST(wrong_length_of_every_message) { every_message(LENGTH); }
END_TEST
START_TEST(damaged_payload_of_every_message) { every_message(PAYLOAD); }
END_TEST

int main(void)
{
    Suite *suite = suite_create("exec");
    TCase *t = tcase_create("two parties");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, chains_of_every_depth_run);
    tcase_add_test(t, tiny_socket_buffers_do_not_deadlock);
    tcase_add_test(t, many_classes_in_several_argmax_chunks);
    tcase_add_test(t, flights_are_eight_whatever_the_batch);
    tcase_add_test(t, opened_layers_stay_within_two_units);
    tcase_add_test(t, mnist_layers_stay_within_two_units);
    tcase_add_test(t, extension_is_agreed_upon);
    tcase_add_test(t, sessions_share_a_prepared_model);
    tcase_add_test(t, a_client_that_is_not_admitted_costs_nothing);
    tcase_add_test(t, hang_up_at_every_message);
    tcase_add_test(t, cut_in_every_message);
    tcase_add_test(t, wrong_kind_of_every_message);
    tcase_add_test(t, wrong_flight_of_every_message);
    tcase_add_test(t, wrong_length_of_every_message);
    tcase_add_test(t, damaged_payload_of_every_message);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
