// SPDX-License-Identifier: ISC
/* What either party and the network see: nothing that the client sends depends on what OUTPUT says to it, and what is
 * public is the same for all models of one plan and for all inputs. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/exec.h"
#include "nn/size.h"
#include "test/nets.h"
#include "test/relay.h"

#define NONCE 32

enum { IN = 6, HIDDEN = 5, OUT = 5, IMAGES = 10, BATCHES = 2 }; /* five labels of three bits: three words are none */

static prg rng_t;

static void setup(void)
{
    const uint8_t seed[PRG_SEED_BYTES] = "views";
    prg_init(&rng_t, seed, PRG_TEST, 0);
}

static nn_qmodel *net(void) { return nets_dense((uint32_t[]){IN, HIDDEN, OUT}, 2, &rng_t); }

typedef struct {
    chan *ch;
    const nn_prepared *m;
    uint64_t seed;
    nn_stats stats;
    int rc;
} serving;

static void seeded(prg *p, uint64_t number)
{
    const uint8_t seed[PRG_SEED_BYTES] = "a party";
    prg_init(p, seed, PRG_TEST, number);
}

static void *serve(void *arg)
{
    serving *x = arg;
    const nn_serve_options options = {.ot = NN_DEFAULT_OT};
    prg rng;
    seeded(&rng, x->seed);
    x->rc = nn_serve(x->ch, x->m, &options, &rng, &x->stats);
    chan_free(x->ch);
    return NULL;
}

/** view: a session of BATCHES batches through the relays, recorded. */
typedef struct {
    relay r[2];
    int32_t labels[BATCHES][IMAGES];
    nn_stats stats;
} view;

static void look(view *v, const nn_qmodel *q, int names, uint64_t client_seed, uint64_t server_seed,
                 const uint8_t *pixels, int (*alter)(relay *, uint8_t *, uint8_t *, size_t))
{
    serving server = {.seed = server_seed};
    nn_prepared *m;
    pthread_t thread;
    nn_client *c;
    chan *ch;
    prg rng;

    memset(v, 0, sizeof *v);
    v->r[0].keep = v->r[1].keep = 1;
    v->r[1].alter = alter;
    seeded(&rng, client_seed);
    ck_assert_int_eq(nn_prepare(&m, q, names), 0);
    server.m = m;
    relay_between(v->r, &ch, &server.ch);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, &server), 0);
    ck_assert_msg(nn_client_open(&c, ch, 0, &rng) == 0, "%s", err_text());
    for (int b = 0; b < BATCHES; b++)
        ck_assert_msg(nn_client_infer(c, pixels + b, IMAGES, v->labels[b], NULL, NULL) == 0, "%s", err_text());
    nn_client_stats(c, &v->stats);
    nn_client_close(c);
    chan_free(ch);
    pthread_join(thread, NULL);
    relay_end(v->r);
    ck_assert_int_eq(server.rc, 0);
    ck_assert_uint_eq(server.stats.images, BATCHES * IMAGES);
    nn_prepared_free(m);
}

/* ---- after OUTPUT ---- */

static size_t flip_bit, flip_batch, outputs_seen, output_bits;

/** flip: one bit of one OUTPUT. */
static int flip(relay *r, uint8_t head[CHAN_HEADER_BYTES], uint8_t *body, size_t len)
{
    (void)r;
    if (head[4] == CHAN_OUTPUT) {
        output_bits = 8 * len;
        if (outputs_seen++ == flip_batch && flip_bit < output_bits)
            body[flip_bit / 8] ^= (uint8_t)(1 << flip_bit % 8);
    }
    return RELAY_PASS;
}

/* Every bit of every OUTPUT, one at a time: labels change and some are none, but the client's bytes stay the same to
 * the last one. */
START_TEST(nothing_that_the_client_sends_depends_on_the_output)
{
    static uint8_t pixels[BATCHES + IMAGES * IN];
    static view honest, v;
    nn_qmodel *q = net();
    uint32_t changed = 0;
    uint64_t none = 0;
    prg_bytes(&rng_t, pixels, sizeof pixels);
    flip_bit = SIZE_MAX, outputs_seen = 0;
    look(&honest, q, 0, 1, 2, pixels, flip);
    ck_assert_uint_eq(outputs_seen, BATCHES);
    ck_assert_uint_eq(honest.stats.unreadable, 0);
    ck_assert_uint_eq(output_bits, 8 * nn_size_output(&q->plan, IMAGES));
    for (flip_batch = 0; flip_batch < BATCHES; flip_batch++)
        for (flip_bit = 0; flip_bit < output_bits; flip_bit++) {
            uint64_t bad = 0;
            outputs_seen = 0;
            look(&v, q, 0, 1, 2, pixels, flip);
            ck_assert_uint_eq(v.r[0].copied, honest.r[0].copied);
            ck_assert_mem_eq(v.r[0].copy, honest.r[0].copy, honest.r[0].copied);
            for (int b = 0; b < BATCHES; b++)
                for (int i = 0; i < IMAGES; i++) {
                    changed += v.labels[b][i] != honest.labels[b][i];
                    bad += v.labels[b][i] == NN_NO_LABEL;
                    ck_assert(v.labels[b][i] == NN_NO_LABEL || (v.labels[b][i] >= 0 && v.labels[b][i] < OUT));
                }
            ck_assert_uint_eq(v.stats.unreadable, bad);
            none += bad;
            relay_free(v.r);
        }
    ck_assert_uint_eq(changed, BATCHES * IMAGES * 3); /* each bit of a label once; the rest is padding */
    ck_assert_uint_gt(none, 0);
    relay_free(honest.r);
    nn_qmodel_free(q);
}
END_TEST

/* ---- what is public is the same ---- */

/** same_public: lengths, kinds, flights and order agree, and so does every public field. */
static int same_public(const relay *a, const relay *b)
{
    size_t i = 0, j = 0;
    relay_message x, y;
    for (;;) {
        const int more = relay_next(a, &i, &x);
        if (more != relay_next(b, &j, &y))
            return 0;
        if (!more)
            return 1;
        if (x.kind != y.kind || x.flight != y.flight || x.len != y.len || x.kind == CHAN_ERROR)
            return 0;
        size_t open = 0, closed = 0; /* bytes before and behind what is random */
        if (x.kind == CHAN_HELLO) {
            open = x.len - NONCE;
        } else if (x.kind == CHAN_PLAN) {
            open = 1;
            closed = x.len - 1 - NONCE;
        } else if (x.kind == CHAN_BATCH) {
            open = 4;
        }
        if (memcmp(x.body, y.body, open) || memcmp(x.body + x.len - closed, y.body + y.len - closed, closed))
            return 0;
    }
}

static int same_view(const view *a, const view *b)
{
    return same_public(&a->r[0], &b->r[0]) && same_public(&a->r[1], &b->r[1]);
}

START_TEST(models_of_one_plan_look_the_same_to_a_client)
{
    enum { MODELS = 3 };
    static uint8_t pixels[BATCHES + IMAGES * IN];
    static view v[MODELS], w;
    nn_qmodel *q[MODELS] = {net()}, *other = NULL;
    int found = 1;
    prg_bytes(&rng_t, pixels, sizeof pixels);
    for (int i = 0; i < 5000 && (found < MODELS || !other); i++) {
        nn_qmodel *next = net();
        const int equal = nn_plan_equal(&q[0]->plan, &next->plan);
        if (equal && found < MODELS)
            q[found++] = next;
        else if (!equal && !other)
            other = next;
        else
            nn_qmodel_free(next);
    }
    ck_assert_int_eq(found, MODELS);
    for (int i = 0; i < MODELS; i++) {
        look(&v[i], q[i], 0, 1, 10 + (uint64_t)i, pixels, NULL);
        ck_assert_int_eq(same_view(&v[0], &v[i]), 1);
    }
    ck_assert_ptr_nonnull(other); /* the comparison sees another plan, and names */
    look(&w, other, 0, 1, 10, pixels, NULL);
    ck_assert_int_eq(same_view(&v[0], &w), 0);
    relay_free(w.r);
    look(&w, q[0], 1, 1, 10, pixels, NULL);
    ck_assert_int_eq(same_view(&v[0], &w), 0);
    ck_assert_ptr_nonnull(memmem(w.r[1].copy, w.r[1].copied, "/dense", 6));
    for (int i = 0; i < MODELS; i++) {
        ck_assert_ptr_null(memmem(v[i].r[1].copy, v[i].r[1].copied, "/dense", 6));
        relay_free(v[i].r);
        nn_qmodel_free(q[i]);
    }
    relay_free(w.r);
    nn_qmodel_free(other);
}
END_TEST

START_TEST(inputs_look_the_same_to_a_server)
{
    static uint8_t pixels[4][BATCHES + IMAGES * IN];
    static view v[4];
    nn_qmodel *q = net();
    prg_bytes(&rng_t, pixels[1], sizeof pixels[1]);
    prg_bytes(&rng_t, pixels[2], sizeof pixels[2]);
    memset(pixels[3], 255, sizeof pixels[3]); /* and [0] is black */
    for (int i = 0; i < 4; i++) {
        look(&v[i], q, 0, 20 + (uint64_t)i, 2, pixels[i], NULL);
        ck_assert_int_eq(same_view(&v[0], &v[i]), 1);
    }
    for (int i = 0; i < 4; i++)
        relay_free(v[i].r);
    nn_qmodel_free(q);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("views");
    TCase *t = tcase_create("views");
    tcase_add_checked_fixture(t, setup, NULL);
    tcase_set_timeout(t, 300);
    tcase_add_test(t, nothing_that_the_client_sends_depends_on_the_output);
    tcase_add_test(t, models_of_one_plan_look_the_same_to_a_client);
    tcase_add_test(t, inputs_look_the_same_to_a_server);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
