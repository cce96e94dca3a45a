// SPDX-License-Identifier: ISC
/* A session in which the k-th allocation, or the k-th request for the system's random bytes, fails: for every k, at
 * either party.  The party gives the error's code and a text, its peer an error too, nobody waits for ever and nothing
 * stays allocated. */
#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"
#include "net/chan.h"
#include "nn/exec.h"
#include "test/alloc.h"
#include "test/nets.h"

enum { IMAGES = 3, IN = 4, PATIENCE = 20000 /* ms, for any wait */ };
enum what { MEMORY, RANDOM };

static _Thread_local long draws, draw_fails;

ssize_t __real_getrandom(void *p, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags)
{
    if (++draws == draw_fails) {
        errno = EIO;
        return -1;
    }
    return __real_getrandom(p, n, flags);
}

/* In this thread, the k-th of `what` fails; 0: none. */
static void fail_at(enum what what, long k)
{
    test_alloc_fail_here(what == MEMORY ? k : 0);
    draw_fails = what == RANDOM ? k : 0;
    draws = 0;
}

static long asked(enum what what) { return what == MEMORY ? test_alloc_here() : draws; }

static const int code[] = {[MEMORY] = ERR_MEM, [RANDOM] = ERR_RANDOM};

/* One party: its generator, its end of the channel, its session. */
typedef struct {
    chan *ch;
    const nn_prepared *m; /* NULL: the client */
    enum what what;
    long k, asked;   /* which one fails, 0: none;  how many there were */
    long long left;  /* bytes that this thread allocated and did not free */
    int rc;
    char text[256];
} party;

static int serve(party *x, prg *rng)
{
    nn_stats stats;
    return nn_serve(x->ch, x->m, &(nn_serve_options){.ot = NN_DEFAULT_OT}, rng, &stats);
}

/* Two batches, so that there is state of one before. */
static int infer(party *x, prg *rng)
{
    static const uint8_t pixels[IMAGES * IN] = {1, 20, 30, 255, 0, 9, 8, 7, 99, 98, 97, 96};
    int32_t labels[IMAGES];
    nn_client *c;
    int rc = nn_client_open(&c, x->ch, 0, rng);
    for (uint32_t b = 0; b < 2 && !rc; b++)
        rc = nn_client_infer(c, pixels, IMAGES - b, labels, NULL, NULL);
    nn_client_close(c);
    return rc;
}

static void *run(void *arg)
{
    party *x = arg;
    prg rng;
    fail_at(x->what, x->k);
    chan_set_timeout(x->ch, PATIENCE);
    if (!(x->rc = prg_init_random(&rng)))
        x->rc = x->m ? serve(x, &rng) : infer(x, &rng);
    strncpy(x->text, x->rc ? err_text() : "-", sizeof x->text - 1);
    prg_wipe(&rng);
    x->asked = asked(x->what);
    fail_at(x->what, 0);
    chan_free(x->ch);
    x->left = test_alloc_now();
    return NULL;
}

static nn_prepared *model(void)
{
    const uint8_t seed[PRG_SEED_BYTES] = "failures";
    nn_prepared *m;
    prg rng;
    prg_init(&rng, seed, PRG_TEST, 0);
    nn_qmodel *q = nets_dense((uint32_t[]){IN, 3, 2}, 2, &rng);
    ck_assert_int_eq(nn_prepare(&m, q, 0), 0);
    nn_qmodel_free(q);
    return m;
}

/* Both parties over an encrypted channel; its ends, made here, are freed by the parties. */
static void session(party x[2])
{
    pthread_t thread;
    test_alloc_mark();
    const uint8_t seed[PRG_SEED_BYTES] = "channel";
    prg rng;
    prg_init(&rng, seed, PRG_TEST, 0);
    ck_assert_int_eq(chan_pair_secure(&x[0].ch, &x[1].ch, 0, &rng), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, run, &x[0]), 0);
    run(&x[1]);
    pthread_join(thread, NULL);
    ck_assert_msg(x[0].left + x[1].left == 0, "k = %ld, %ld: %lld bytes are left", x[0].k, x[1].k,
                  x[0].left + x[1].left);
}

static void every(enum what what, int failing)
{
    nn_prepared *m = model();
    const long least = what == MEMORY ? 20 : 1;
    long k = 1;
    for (;; k++) {
        party x[2] = {{.m = m, .what = what}, {.what = what}};
        x[failing].k = k;
        session(x);
        if (x[failing].asked < k) { /* nothing failed: the loop is at its end */
            ck_assert_msg(!x[0].rc && !x[1].rc, "k = %ld: %s; %s", k, x[0].text, x[1].text);
            break;
        }
        const party *f = &x[failing], *peer = &x[!failing];
        if (f->rc != code[what] || !f->text[0] || peer->rc >= 0 || !peer->text[0])
            ck_abort_msg("k = %ld: %d \"%s\"; its peer %d \"%s\"", k, f->rc, f->text, peer->rc, peer->text);
        ck_assert_msg(!strstr(peer->text, "timed out"), "k = %ld: %s", k, peer->text);
    }
    printf("%s of the %s: %ld\n", what == MEMORY ? "allocations" : "random bytes", failing ? "client" : "server",
           k - 1);
    ck_assert_int_gt(k, least);
    nn_prepared_free(m);
}

START_TEST(allocations_of_the_server) { every(MEMORY, 0); }
END_TEST

START_TEST(allocations_of_the_client) { every(MEMORY, 1); }
END_TEST

START_TEST(random_bytes_of_the_server) { every(RANDOM, 0); }
END_TEST

START_TEST(random_bytes_of_the_client) { every(RANDOM, 1); }
END_TEST

/* What a server prepares before it listens. */
START_TEST(preparation)
{
    const uint8_t seed[PRG_SEED_BYTES] = "failures";
    prg rng;
    prg_init(&rng, seed, PRG_TEST, 0);
    nn_qmodel *q = nets_dense((uint32_t[]){IN, 3, 2}, 2, &rng);
    for (enum what what = MEMORY; what <= RANDOM; what++) {
        long k = 1;
        for (;; k++) {
            nn_prepared *m;
            test_alloc_mark();
            fail_at(what, k);
            const int rc = nn_prepare(&m, q, 0);
            const long n = asked(what);
            fail_at(what, 0);
            nn_prepared_free(m);
            ck_assert_int_eq(test_alloc_now(), 0);
            if (n < k) {
                ck_assert_int_eq(rc, 0);
                break;
            }
            ck_assert(rc == code[what] && !m);
        }
        ck_assert_int_gt(k, what == MEMORY ? 10 : 1);
    }
    nn_qmodel_free(q);
}
END_TEST

/* What both ends of an encrypted channel keep. */
START_TEST(channel)
{
    const uint8_t seed[PRG_SEED_BYTES] = "channel";
    long k = 1;
    for (;; k++) {
        chan *a = NULL, *b = NULL;
        prg rng;
        prg_init(&rng, seed, PRG_TEST, 0);
        test_alloc_mark();
        fail_at(MEMORY, k);
        const int rc = chan_pair_secure(&a, &b, 0, &rng);
        const long n = asked(MEMORY);
        fail_at(MEMORY, 0);
        ck_assert_int_eq(rc, n < k ? 0 : ERR_MEM);
        ck_assert_int_eq(rc == 0, a && b);
        chan_free(a);
        chan_free(b);
        ck_assert_int_eq(test_alloc_now(), 0);
        if (!rc)
            break;
    }
    ck_assert_int_gt(k, 4);
}
END_TEST

START_TEST(generator)
{
    prg g;
    uint8_t out[16], none[16] = {0};
    memset(&g, 0xff, sizeof g);
    memset(out, 0xff, sizeof out);
    fail_at(RANDOM, 1);
    ck_assert_int_eq(prg_init_random(&g), ERR_RANDOM);
    for (size_t i = 0; i < sizeof g; i++)
        ck_assert_uint_eq(((const uint8_t *)&g)[i], 0);
    fail_at(RANDOM, 1);
    ck_assert_int_eq(prg_entropy(out, sizeof out), ERR_RANDOM);
    ck_assert_mem_eq(out, none, sizeof out);
    ck_assert_ptr_nonnull(strstr(err_text(), strerror(EIO)));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failures");
    TCase *t = tcase_create("failures");
    tcase_set_timeout(t, 300);
    tcase_add_test(t, generator);
    tcase_add_test(t, channel);
    tcase_add_test(t, preparation);
    tcase_add_test(t, random_bytes_of_the_server);
    tcase_add_test(t, random_bytes_of_the_client);
    tcase_add_test(t, allocations_of_the_server);
    tcase_add_test(t, allocations_of_the_client);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
