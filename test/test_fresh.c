// SPDX-License-Identifier: ISC
/* What must be new is new: two sessions of two batches each, recorded on the wire and looked into at the client.
 * test/check_mutants.sh builds libraries in which one thing is not, and sees these tests fail. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "nn/session.h"
#include "test/nets.h"
#include "test/relay.h"

enum { IN = 6, HIDDEN = 5, OUT = 4, LAYERS = 2, IMAGES = 9, SESSIONS = 2, BATCHES = 2, WINDOW = 16, PLAN_HEAD = 33 };

static struct {
    relay r[2]; /* from the client, from the server */
    block delta, start;
    uint8_t id[32], seed[BATCHES][LAYERS][PRG_SEED_BYTES];
    uint64_t index[BATCHES + 1];
} seen[SESSIONS];

typedef struct {
    chan *ch;
    const nn_prepared *m;
    prg rng;
    int rc;
} serving;

static void *serve(void *arg)
{
    serving *x = arg;
    const nn_serve_options options = {.ot = NN_DEFAULT_OT};
    nn_stats stats;
    x->rc = nn_serve(x->ch, x->m, &options, &x->rng, &stats);
    chan_free(x->ch);
    return NULL;
}

static void session(int i, const nn_prepared *m, const uint8_t *pixels)
{
    const uint8_t key[PRG_SEED_BYTES] = "fresh";
    serving server = {.m = m};
    int32_t labels[IMAGES];
    pthread_t thread;
    nn_client *c;
    chan *ch;
    prg rng;

    prg_init(&rng, key, PRG_TEST, 2 * (uint64_t)i + 1);
    prg_init(&server.rng, key, PRG_TEST, 2 * (uint64_t)i + 2);
    seen[i].r[0].keep = seen[i].r[1].keep = 1;
    relay_between(seen[i].r, &ch, &server.ch);
    ck_assert_int_eq(pthread_create(&thread, NULL, serve, &server), 0);
    ck_assert_msg(nn_client_open(&c, ch, 0, &rng) == 0, "%s", err_text());
    seen[i].delta = c->gc.gc.delta;
    seen[i].start = c->gc.gc.start;
    seen[i].index[0] = c->gc.gc.index;
    memcpy(seen[i].id, c->s.session, sizeof seen[i].id);
    for (int b = 0; b < BATCHES; b++) { /* the same images each time */
        ck_assert_msg(nn_client_infer(c, pixels, IMAGES, labels, NULL, NULL) == 0, "%s", err_text());
        memcpy(seen[i].seed[b], c->s.seed, sizeof seen[i].seed[b]);
        seen[i].index[b + 1] = c->gc.gc.index;
        ck_assert(!memcmp(&c->gc.gc.delta, &seen[i].delta, sizeof(block)) &&
                  !memcmp(&c->gc.gc.start, &seen[i].start, sizeof(block)));
    }
    nn_client_close(c);
    chan_free(ch);
    pthread_join(thread, NULL);
    relay_end(seen[i].r);
    ck_assert_int_eq(server.rc, 0);
}

static void setup(void)
{
    const uint8_t key[PRG_SEED_BYTES] = "fresh";
    uint8_t pixels[IMAGES * IN];
    nn_prepared *m;
    prg rng;

    prg_init(&rng, key, PRG_TEST, 0);
    nn_qmodel *q = nets_dense((uint32_t[]){IN, HIDDEN, OUT}, LAYERS, &rng);
    prg_bytes(&rng, pixels, sizeof pixels);
    ck_assert_int_eq(nn_prepare(&m, q, 0), 0);
    for (int i = 0; i < SESSIONS; i++)
        session(i, m, pixels);
    nn_prepared_free(m);
    nn_qmodel_free(q);
}

static void teardown(void)
{
    for (int i = 0; i < SESSIONS; i++)
        relay_free(seen[i].r);
}

/* Two messages under one (key, seed, index) would show the difference of their plaintexts. */
START_TEST(each_batch_and_layer_has_a_seed_of_its_own)
{
    enum { ALL = SESSIONS * BATCHES * LAYERS };
    const uint8_t *seed[ALL];
    for (int i = 0; i < ALL; i++) {
        seed[i] = seen[i / (BATCHES * LAYERS)].seed[i / LAYERS % BATCHES][i % LAYERS];
        for (int j = 0; j < i; j++)
            ck_assert_mem_ne(seed[i], seed[j], PRG_SEED_BYTES);
    }
    for (int i = 0; i < SESSIONS; i++) { /* and it is what was sent */
        relay_message m;
        int b = 0;
        for (size_t at = 0; relay_next(&seen[i].r[0], &at, &m);)
            if (m.kind == CHAN_BATCH) {
                ck_assert_uint_eq(m.len, 4 + sizeof seen[i].seed[b]);
                ck_assert_mem_eq(m.body + 4, seen[i].seed[b], sizeof seen[i].seed[b]);
                b++;
            }
        ck_assert_int_eq(b, BATCHES);
    }
}
END_TEST

/* One Delta in two sessions: whoever learns it in one opens the other.   Both its halves are random, not its lowest
 * bit. */
START_TEST(delta_is_of_one_session)
{
    const block a = seen[0].delta, b = seen[1].delta;
    ck_assert(a.w[0] & 1 && b.w[0] & 1);
    for (int i = 0; i < 2; i++) {
        const int differ = __builtin_popcountll(a.w[i] ^ b.w[i]), ones = __builtin_popcountll(a.w[i]);
        ck_assert_msg(differ > 8 && differ < 56 && ones > 8 && ones < 56, "half %d: %d bits differ, %d are set", i,
                      differ, ones);
    }
}
END_TEST

/* One start point in two sessions: one table of AES keys serves against both. */
START_TEST(the_start_point_is_of_one_session)
{
    const block a = seen[0].start, b = seen[1].start;
    for (int i = 0; i < 2; i++) {
        const int differ = __builtin_popcountll(a.w[i] ^ b.w[i]), ones = __builtin_popcountll(a.w[i]);
        ck_assert_msg(differ > 8 && differ < 56 && ones > 8 && ones < 56, "half %d: %d bits differ, %d are set", i,
                      differ, ones);
    }
    ck_assert_mem_ne(seen[0].id, seen[1].id, sizeof seen[0].id);
}
END_TEST

/* A key of the hash used again: two rows whose XOR shows labels' relations. */
START_TEST(indices_of_the_hash_only_grow)
{
    for (int i = 0; i < SESSIONS; i++) {
        const uint64_t *index = seen[i].index;
        ck_assert_uint_eq(index[0], 0);
        ck_assert_uint_gt(index[1], 0);
        for (int b = 1; b < BATCHES; b++)
            ck_assert_uint_eq(index[b + 1] - index[b], index[1]); /* batches of one size use up as many */
    }
}
END_TEST

static int order(const void *a, const void *b)
{
    return memcmp(*(const uint8_t *const *)a, *(const uint8_t *const *)b, WINDOW);
}

/** windows: all of WINDOW bytes in a direction's messages, into at[] if not NULL; returns how many.  Left out is the
 * plan in PLAN, which is public and every session's.  Nothing else is: magic, count and OUTPUT are shorter than a
 * window, and all others hold bytes that are random to whoever has no key. */
static size_t windows(const relay *r, const uint8_t **at)
{
    size_t place = 0, n = 0;
    relay_message m;
    while (relay_next(r, &place, &m)) {
        const size_t len = m.kind == CHAN_PLAN ? PLAN_HEAD : m.len;
        for (size_t i = 0; i + WINDOW <= len; i++) {
            if (at)
                at[n] = m.body + i;
            n++;
        }
    }
    return n;
}

START_TEST(no_sixteen_bytes_are_sent_twice)
{
    size_t n = 0, all = 0;
    for (int i = 0; i < 2 * SESSIONS; i++)
        all += windows(&seen[i / 2].r[i % 2], NULL);
    ck_assert_uint_gt(all, 500000);
    const uint8_t **at = mem_alloc(all, sizeof *at);
    ck_assert_ptr_nonnull(at);
    for (int i = 0; i < 2 * SESSIONS; i++)
        n += windows(&seen[i / 2].r[i % 2], at + n);
    ck_assert_uint_eq(n, all);
    qsort(at, n, sizeof *at, order);
    for (size_t i = 1; i < n; i++)
        if (!memcmp(at[i], at[i - 1], WINDOW))
            ck_abort_msg("16 bytes are sent twice, first byte %02x", *at[i]);
    mem_free(at);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fresh");
    TCase *t = tcase_create("fresh");
    tcase_add_unchecked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_test(t, each_batch_and_layer_has_a_seed_of_its_own);
    tcase_add_test(t, delta_is_of_one_session);
    tcase_add_test(t, the_start_point_is_of_one_session);
    tcase_add_test(t, indices_of_the_hash_only_grow);
    tcase_add_test(t, no_sixteen_bytes_are_sent_twice);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
