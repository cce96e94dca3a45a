// SPDX-License-Identifier: ISC
/* A toy session of two batches whose connection is cut: at every byte of its first 96 and within 8 of the border of
 * every message or record, and else at each 509th byte (each TACIT_CUT_STRIDE-th: 1 is every byte, an hour), either
 * way, plain and encrypted, the handshake too.  And system calls that do a byte at a time or nothing. */
#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/record.h"
#include "nn/exec.h"
#include "test/alloc.h"
#include "test/nets.h"

enum { WIDTH = 2, BATCHES = 2, PATIENCE = 5000, FIRST = 96, NEAR = 8, STRIDE = 509, MOST = 1 << 20 };

/* ---- system calls under a bad star ---- */

static atomic_int shaky; /* 1: interrupted, not ready, or a byte */
static _Thread_local uint32_t dice = 1;

static uint32_t roll(void) { return (dice = dice * 1664525 + 1013904223) >> 24; }

/** trouble: whether this call fails, with errno; else *n may be one. */
static int trouble(size_t *n)
{
    const uint32_t r = shaky ? roll() : 255;
    if (r < 24) {
        errno = r < 12 ? EINTR : EAGAIN;
        return 1;
    }
    if (r < 200 && *n)
        *n = 1;
    return 0;
}

ssize_t __real_recv(int, void *, size_t, int);
ssize_t __wrap_recv(int fd, void *p, size_t n, int flags);
ssize_t __wrap_recv(int fd, void *p, size_t n, int flags) { return trouble(&n) ? -1 : __real_recv(fd, p, n, flags); }
ssize_t __real_send(int, const void *, size_t, int);
ssize_t __wrap_send(int fd, const void *p, size_t n, int flags);
ssize_t __wrap_send(int fd, const void *p, size_t n, int flags)
{
    return trouble(&n) ? -1 : __real_send(fd, p, n, flags);
}
int __real_poll(struct pollfd *, nfds_t, int);
int __wrap_poll(struct pollfd *p, nfds_t n, int wait);
int __wrap_poll(struct pollfd *p, nfds_t n, int wait)
{
    size_t one = 0;
    if (!trouble(&one))
        return __real_poll(p, n, wait);
    errno = EINTR;
    return -1;
}

/* ---- the cut ---- */

typedef struct {
    int end[2];             /* the client's side, the server's */
    size_t limit[2], passed[2]; /* bytes from either that pass */
    uint8_t *copy[2];       /* NULL: not kept */
} cutter;

/** cut: passes bytes on until a direction has passed its limit or an end has closed; then both are closed. */
static void *cut(void *arg)
{
    cutter *x = arg;
    static _Thread_local uint8_t piece[4096];
    int open[2] = {1, 1};
    for (int over = 0; !over && (open[0] || open[1]);) {
        struct pollfd p[2] = {{open[0] ? x->end[0] : -1, POLLIN, 0}, {open[1] ? x->end[1] : -1, POLLIN, 0}};
        if (__real_poll(p, 2, 2 * PATIENCE) <= 0)
            break;
        for (int i = 0; i < 2 && !over; i++) {
            if (!p[i].revents)
                continue;
            const size_t left = x->limit[i] - x->passed[i];
            if (!left) {
                over = 1;
                break;
            }
            const ssize_t n = __real_recv(x->end[i], piece, left < sizeof piece ? left : sizeof piece, 0);
            if (n <= 0) {
                open[i] = 0;
                shutdown(x->end[1 - i], SHUT_WR);
                continue;
            }
            if (x->copy[i])
                memcpy(x->copy[i] + x->passed[i], piece, (size_t)n);
            for (ssize_t done = 0, k; done < n; done += k)
                if ((k = __real_send(x->end[1 - i], piece + done, (size_t)(n - done), MSG_NOSIGNAL)) < 0)
                    break;
            x->passed[i] += (size_t)n;
            over = x->passed[i] == x->limit[i];
        }
    }
    close(x->end[0]);
    close(x->end[1]);
    return NULL;
}

/* ---- the parties ---- */

static const nn_prepared *model;
static noise_keypair server_key;
static uint8_t pixels[BATCHES][WIDTH];

typedef struct {
    int fd, secure, rc;
    int32_t labels[BATCHES];
    int batches; /* done */
    long long left; /* bytes that are not given back */
} party;

static void seeded(prg *p, uint64_t number)
{
    static const uint8_t seed[PRG_SEED_BYTES] = "cut";
    prg_init(p, seed, PRG_TEST, number);
}

/** connect: a channel over fd, which is closed if there is none. */
static int connect_as(chan **ch, const party *x, noise_handshake *h)
{
    int rc = x->secure ? noise_connect(x->fd, h, PATIENCE, NULL) : 0;
    *ch = NULL;
    if (rc)
        close(x->fd);
    else if (!(rc = chan_open(ch, x->fd)) && x->secure)
        rc = chan_secure(*ch, noise_finished(h));
    if (*ch)
        chan_set_timeout(*ch, PATIENCE);
    return rc;
}

static void *serve(void *arg)
{
    party *x = arg;
    const nn_serve_options options = {.ot = NN_DEFAULT_OT};
    noise_handshake h;
    nn_stats stats;
    chan *ch;
    prg rng;
    dice = 7;
    test_alloc_mark();
    seeded(&rng, 1);
    noise_server_start(&h, &server_key, &rng);
    x->rc = connect_as(&ch, x, &h);
    if (!x->rc)
        x->rc = nn_serve(ch, model, &options, &rng, &stats);
    chan_free(ch);
    x->left = test_alloc_now();
    return NULL;
}

static void *ask(void *arg)
{
    party *x = arg;
    noise_handshake h;
    nn_client *c = NULL;
    chan *ch;
    prg rng;
    dice = 99;
    test_alloc_mark();
    seeded(&rng, 2);
    noise_client_start(&h, NULL, server_key.public, &rng);
    x->rc = connect_as(&ch, x, &h);
    if (!x->rc)
        x->rc = nn_client_open(&c, ch, 0, &rng);
    for (int b = 0; b < BATCHES && !x->rc; b++) {
        x->rc = nn_client_infer(c, pixels[b], 1, &x->labels[b], NULL, NULL);
        x->batches += !x->rc;
    }
    nn_client_close(c);
    chan_free(ch);
    x->left = test_alloc_now();
    return NULL;
}

static int descriptors(void)
{
    DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

/** session: with the given limits; nothing may be left of it. */
static void session(party *client, party *server, cutter *x, int secure)
{
    int left[2], right[2];
    pthread_t t[3];
    const int before = descriptors();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, left), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, right), 0);
    *client = (party){.fd = left[0], .secure = secure};
    *server = (party){.fd = right[0], .secure = secure};
    x->end[0] = left[1];
    x->end[1] = right[1];
    x->passed[0] = x->passed[1] = 0;
    ck_assert_int_eq(pthread_create(&t[0], NULL, cut, x), 0);
    ck_assert_int_eq(pthread_create(&t[1], NULL, serve, server), 0);
    ck_assert_int_eq(pthread_create(&t[2], NULL, ask, client), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(t[i], NULL);
    ck_assert_int_eq(descriptors(), before);
    ck_assert_int_eq(client->left, 0);
    ck_assert_int_eq(server->left, 0);
}

static nn_prepared *prepared;

static void setup(void)
{
    nn_qmodel *q;
    prg rng;
    seeded(&rng, 0);
    q = nets_dense((uint32_t[]){WIDTH, WIDTH}, 1, &rng);
    ck_assert_int_eq(nn_prepare(&prepared, q, 0), 0);
    nn_qmodel_free(q);
    model = prepared;
    ck_assert_int_eq(noise_keypair_new(&server_key, &rng), 0);
    prg_bytes(&rng, pixels, sizeof pixels);
    shaky = 0;
}

static void teardown(void) { nn_prepared_free(prepared); }

/* ---- where ---- */

/** marks: mark[k] = 1 where a cut after k bytes is tried, of a stream of n. */
static void marks(uint8_t *mark, const uint8_t *stream, size_t n, size_t from, int secure)
{
    memset(mark, 0, n);
    memset(mark, 1, n < FIRST ? n : FIRST);
    const char *own = getenv("TACIT_CUT_STRIDE");
    const size_t stride = own && atoi(own) > 0 ? (size_t)atoi(own) : STRIDE;
    for (size_t k = 0; k < n; k += stride)
        mark[k] = 1;
    for (size_t at = from; at < n;) { /* of records or of messages */
        const uint8_t *h = stream + at;
        for (size_t k = at > NEAR ? at - NEAR : 0; k <= at + NEAR && k < n; k++)
            mark[k] = 1;
        at += secure ? RECORD_OVERHEAD + (h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16)
                     : CHAN_HEADER_BYTES + (h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16 | (size_t)h[3] << 24);
    }
    for (size_t k = n > NEAR ? n - NEAR : 0; k < n; k++)
        mark[k] = 1;
}

static int failed(int rc) { return rc == ERR_NET || rc == ERR_PEER; }

START_TEST(a_cut_anywhere_is_an_error_and_nothing_is_left)
{
    static uint8_t stream[2][MOST], mark[MOST];
    const int secure = _i / 2, way = _i % 2;
    party client, server;
    cutter x = {.limit = {MOST, MOST}, .copy = {stream[0], stream[1]}};
    unsigned cuts = 0;

    session(&client, &server, &x, secure);
    ck_assert_int_eq(client.rc, 0);
    ck_assert_int_eq(server.rc, 0);
    const size_t total[2] = {x.passed[0], x.passed[1]};
    const party honest = client;
    const size_t handshake[2] = {NOISE_HEAD + XK_MESSAGE_1 + 1 + XK_MESSAGE_3, NOISE_HEAD + XK_MESSAGE_2 + 1};
    marks(mark, stream[way], total[way], secure ? handshake[way] : 0, secure);
    for (size_t k = 0; k < total[way]; k++) {
        if (!mark[k])
            continue;
        cutter y = {.limit = {MOST, MOST}};
        y.limit[way] = k;
        session(&client, &server, &y, secure);
        cuts++;
        const party *needs = way ? &client : &server, *other = way ? &server : &client;
        /* whoever did not get all of its stream says so, but for the other's farewell where it had nothing more to ask
         */
        const int farewell = secure && k + RECORD_OVERHEAD >= total[way];
        ck_assert_msg(failed(needs->rc) || (farewell && !needs->rc), "cut after byte %zu of %zu: %d", k, total[way],
                      needs->rc);
        ck_assert_msg(failed(other->rc) || !other->rc, "cut after byte %zu of %zu: the other's error is %d", k,
                      total[way], other->rc);
        ck_assert(client.rc || client.batches == BATCHES);
        for (int b = 0; b < client.batches; b++)
            ck_assert_int_eq(client.labels[b], honest.labels[b]);
    }
    printf("%s, from the %s: %u cuts in %zu bytes\n", secure ? "encrypted" : "plain", way ? "server" : "client", cuts,
           total[way]);
}
END_TEST

START_TEST(a_byte_at_a_time_or_nothing_at_all)
{
    party client, server;
    cutter x = {.limit = {MOST, MOST}};
    session(&client, &server, &x, _i);
    const party honest = client;
    shaky = 1;
    for (int i = 0; i < 3; i++) {
        session(&client, &server, &x, _i);
        ck_assert_int_eq(client.rc, 0);
        ck_assert_int_eq(server.rc, 0);
        ck_assert_mem_eq(client.labels, honest.labels, sizeof honest.labels);
    }
    shaky = 0;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cut");
    TCase *t = tcase_create("cut");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 7200);
    tcase_add_loop_test(t, a_cut_anywhere_is_an_error_and_nothing_is_left, 0, 4);
    tcase_add_loop_test(t, a_byte_at_a_time_or_nothing_at_all, 0, 2);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int bad = srunner_ntests_failed(sr);
    srunner_free(sr);
    return bad != 0;
}
