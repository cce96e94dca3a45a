// SPDX-License-Identifier: ISC
/* Framing, caps, hostile headers, streams in both directions, limits, what a peer is told, addresses; plain and in
 * records. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/chan.h"
#include "net/tcp.h"

static chan *a, *b;

static int secure; /* the loop of the cases that run both ways */

static int pair(chan **x, chan **y, int buffer)
{
    static const uint8_t seed[PRG_SEED_BYTES] = "chan";
    prg rng;
    prg_init(&rng, seed, PRG_TEST, 0);
    return secure ? chan_pair_secure(x, y, buffer, &rng) : chan_pair(x, y, buffer);
}

static void setup(void) { ck_assert_int_eq(pair(&a, &b, 0), 0); }

static void both_ways(int way)
{
    chan_free(a);
    chan_free(b);
    secure = way;
    setup();
}

static void teardown(void)
{
    chan_free(a);
    chan_free(b);
}

START_TEST(messages_arrive_whole_in_order_and_counted)
{
    both_ways(_i);
    uint8_t out[64], in[4096];
    chan_stats s, r;
    size_t len;
    unsigned kind;
    for (int i = 0; i < 64; i++)
        out[i] = (uint8_t)i;
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_int_eq(chan_send(a, CHAN_BATCH, i % 256, out, i % 65), 0);
    ck_assert_int_eq(chan_send(a, CHAN_BYE, 0, NULL, 0), 0);
    ck_assert_int_eq(chan_flush(a), 0);
    for (unsigned i = 0; i < 1000; i++) {
        if (i % 2) {
            ck_assert_int_eq(chan_recv(b, CHAN_BATCH, i % 256, in, i % 65), 0);
        } else {
            ck_assert_int_eq(chan_recv_var(b, CHAN_BATCH, i % 256, in, sizeof in, &len), 0);
            ck_assert_uint_eq(len, i % 65);
        }
        ck_assert_mem_eq(in, out, i % 65);
    }
    ck_assert_int_eq(chan_peek(b, &kind), 0);
    ck_assert_uint_eq(kind, CHAN_BYE);
    ck_assert_int_eq(chan_recv(b, CHAN_BYE, 0, NULL, 0), 0);
    chan_get_stats(a, &s);
    chan_get_stats(b, &r);
    ck_assert_uint_eq(s.bytes_sent, r.bytes_received);
    ck_assert_uint_eq(s.messages_sent, 1001);
    ck_assert_uint_eq(r.messages_received, 1001);
    uint64_t due = 1001 * CHAN_HEADER_BYTES;
    for (unsigned i = 0; i < 1000; i++)
        due += i % 65;
    if (!secure)
        ck_assert_uint_eq(s.bytes_sent, due);
    else
        ck_assert(s.bytes_sent > due && s.bytes_sent <= due + 20 * (due / 65536 + 2));
}
END_TEST

START_TEST(what_is_not_due_is_refused_by_name)
{
    both_ways(_i);
    uint8_t x[8] = {0};
    ck_assert_int_eq(chan_send(a, CHAN_HELLO, 0, x, 8), 0);
    ck_assert_int_eq(chan_flush(a), 0);
    ck_assert_int_eq(chan_recv(b, CHAN_PLAN, 0, x, 8), ERR_PEER);
    ck_assert_ptr_nonnull(strstr(err_text(), "HELLO"));
    ck_assert_ptr_nonnull(strstr(err_text(), "PLAN"));
    ck_assert_int_eq(chan_recv(b, CHAN_HELLO, 1, x, 8), ERR_PEER);
    ck_assert_int_eq(chan_recv(b, CHAN_HELLO, 0, x, 7), ERR_PEER);
    ck_assert_int_eq(chan_recv(b, CHAN_HELLO, 0, x, 8), 0); /* nothing was lost by asking wrongly */
    ck_assert_int_eq(chan_send(a, CHAN_HELLO, 0, x, chan_cap(CHAN_HELLO) + 1), ERR_ARG);
    ck_assert_int_eq(chan_send(a, CHAN_KINDS, 0, x, 0), ERR_ARG);
    ck_assert_int_eq(chan_send(a, CHAN_BYE, 256, x, 0), ERR_ARG);
    ck_assert_uint_eq(chan_cap(CHAN_KINDS), 0);
}
END_TEST

/** raw: bytes written to a channel's peer by hand, then the end of the stream. */
static int raw(const uint8_t *bytes, size_t len)
{
    int fd[2], rc;
    uint8_t x[64];
    chan *c;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    ck_assert_int_eq(chan_open(&c, fd[0]), 0);
    ck_assert_int_eq(write(fd[1], bytes, len), (int)len);
    close(fd[1]);
    rc = chan_recv(c, CHAN_HELLO, 0, x, 40);
    chan_free(c);
    return rc;
}

START_TEST(hostile_headers_and_cut_streams)
{
    uint8_t m[46] = {40, 0, 0, 0, CHAN_HELLO, 0};
    ck_assert_int_eq(raw(m, sizeof m), 0);
    for (size_t cut = 0; cut < sizeof m; cut++)
        ck_assert_int_eq(raw(m, cut), ERR_NET);
    for (unsigned v = 0; v < 256; v++) {
        uint8_t h[46];
        memcpy(h, m, sizeof h);
        h[4] = (uint8_t)v;
        ck_assert_int_eq(raw(h, sizeof h), v == CHAN_HELLO ? 0 : ERR_PEER);
        memcpy(h, m, sizeof h);
        h[3] = (uint8_t)v;
        ck_assert_int_eq(raw(h, sizeof h), v ? ERR_PEER : 0);
    }
}
END_TEST

START_TEST(the_peers_reason_is_told_and_made_printable)
{
    static const uint8_t rude[] = "\xfd\xff\xff\xff" "no \x1b[31m model";
    both_ways(_i);
    uint8_t x[8];
    ck_assert_int_eq(chan_send(a, CHAN_ERROR, 0, rude, sizeof rude - 1), 0);
    ck_assert_int_eq(chan_flush(a), 0);
    ck_assert_int_eq(chan_recv(b, CHAN_PLAN, 1, x, 8), ERR_PEER);
    ck_assert_ptr_nonnull(strstr(err_text(), "the peer says: no ?[31m model"));
}
END_TEST

START_TEST(what_a_peer_is_told_depends_on_the_code_alone)
{
    static const int becomes[][2] = {
        {0, ERR_PEER},          {ERR_ARG, ERR_PEER},  {ERR_MEM, ERR_BUSY},    {ERR_DATA, ERR_PEER},
        {ERR_NET, ERR_NET},     {ERR_PEER, ERR_PEER}, {ERR_LIMIT, ERR_LIMIT}, {ERR_INTERRUPTED, ERR_NET},
        {ERR_BUSY, ERR_BUSY},   {ERR_CPU, ERR_PEER},  {ERR_RANDOM, ERR_PEER}, {ERR_DENIED, ERR_DENIED},
        {ERR_OUTPUT, ERR_PEER}, {-99, ERR_PEER},      {5, ERR_PEER}};
    for (size_t i = 0; i < sizeof becomes / sizeof *becomes; i++) {
        uint8_t first[300], second[300];
        size_t n, m;
        unsigned kind;
        (void)err_set(ERR_PEER, "output: label 7 is not below 5");
        chan_fail(a, becomes[i][0]);
        ck_assert_int_eq(chan_recv_var(b, CHAN_ERROR, 0, first, sizeof first, &n), 0);
        (void)err_set(ERR_PEER, "output: label 9 is not below 5");
        chan_fail(a, becomes[i][0]);
        ck_assert_int_eq(chan_recv_var(b, CHAN_ERROR, 0, second, sizeof second, &m), 0);
        ck_assert_uint_eq(n, m);
        ck_assert_mem_eq(first, second, n);
        chan_fail(a, becomes[i][0]);
        ck_assert_int_eq(chan_peek(b, &kind), becomes[i][1]);
    }
}
END_TEST

#define STREAM (8u << 20)

static void *stream(void *arg)
{
    chan *c = arg;
    uint8_t *x = mem_alloc(1, STREAM);
    memset(x, 7, STREAM);
    long bad = chan_send(c, CHAN_TABLES, 0, x, STREAM) != 0;
    memset(x, 0, STREAM);
    bad += chan_recv(c, CHAN_TABLES, 0, x, STREAM) != 0;
    for (size_t i = 0; i < STREAM; i++)
        bad += x[i] != 7;
    mem_free(x);
    return (void *)bad;
}

START_TEST(two_parties_that_both_write_do_not_block)
{
    both_ways(_i);
    chan *c, *d;
    pthread_t t;
    void *bad;
    ck_assert_int_eq(pair(&c, &d, 4096), 0);
    ck_assert_int_eq(pthread_create(&t, NULL, stream, c), 0);
    ck_assert_ptr_null(stream(d));
    pthread_join(t, &bad);
    ck_assert_ptr_null(bad);
    chan_free(c);
    chan_free(d);
}
END_TEST

START_TEST(a_flooding_peer_meets_the_inbox_limit)
{
    /* b only writes; a waits to write into a full socket and must not read for ever */
    static uint8_t x[CHAN_MESSAGE_MAX];
    chan_set_timeout(a, 2000);
    int fd[2];
    chan *c;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    ck_assert_int_eq(chan_open(&c, fd[0]), 0);
    chan_set_timeout(c, 5000);
    pid_t child = fork();
    if (!child) {
        for (;;)
            if (write(fd[1], x, sizeof x) < 0)
                _exit(0);
    }
    close(fd[1]);
    int rc = 0;
    for (int i = 0; i < 64 && !rc; i++)
        rc = chan_send(c, CHAN_TABLES, 0, x, sizeof x);
    ck_assert_int_eq(rc, ERR_PEER);
    ck_assert_ptr_nonnull(strstr(err_text(), "more than the protocol"));
    chan_free(c);
}
END_TEST

START_TEST(limits_end_a_wait)
{
    static const chan_limits first = {.first_ms = 300}, session = {.session_ms = 400}, idle = {.idle_ms = 300},
                             none = {0};
    static volatile int drain;
    uint8_t x;
    unsigned kind;
    both_ways(_i);
    chan_set_limits(a, &first);
    ck_assert_int_eq(chan_recv(a, CHAN_BATCH, 0, &x, 1), ERR_NET);
    ck_assert_ptr_nonnull(strstr(err_text(), "no whole message"));
    ck_assert_int_eq(chan_send(b, CHAN_BATCH, 0, "x", 1), 0);
    ck_assert_int_eq(chan_flush(b), 0);
    ck_assert_int_eq(chan_recv(a, CHAN_BATCH, 0, &x, 1), ERR_NET); /* what came too late counts no more */
    chan_set_limits(a, &none);
    ck_assert_int_eq(chan_recv(a, CHAN_BATCH, 0, &x, 1), 0);
    chan_set_limits(a, &idle);
    ck_assert_int_eq(chan_peek(a, &kind), ERR_NET);
    ck_assert_ptr_nonnull(strstr(err_text(), "nothing was asked"));
    chan_set_limits(a, &session);
    ck_assert_int_eq(chan_recv(a, CHAN_BATCH, 0, &x, 1), ERR_NET);
    ck_assert_ptr_nonnull(strstr(err_text(), "the session has lasted"));
    chan_set_limits(a, &none);
    chan_set_drain(a, &drain);
    drain = 1;
    ck_assert_int_eq(chan_peek(a, &kind), ERR_BUSY);
    drain = 0;
}
END_TEST

/** drip: a byte of a header each tenth of a second, or each 2.5 s, until the other end has gone. */
static void drip(int fd, unsigned us)
{
    static const uint8_t head[] = {100, 0, 0, 0, CHAN_BATCH, 0};
    for (size_t i = 0; i < 200 && send(fd, i < sizeof head ? head + i : head, 1, MSG_NOSIGNAL) == 1; i++)
        usleep(us);
}

static void *drip_fast(void *fd)
{
    drip(*(int *)fd, 100000);
    return NULL;
}

static void *drip_slow(void *fd)
{
    drip(*(int *)fd, 2500000);
    return NULL;
}

static void *drip_endless(void *fd)
{
    while (send(*(int *)fd, "", 1, MSG_NOSIGNAL) == 1)
        usleep(100000);
    return NULL;
}

/** peek: waits for a batch that may come any time; whether it was ended for want of bytes. */
static void *peek(void *c)
{
    static int dropped;
    unsigned kind;
    dropped = chan_peek(c, &kind) == ERR_NET && strstr(err_text(), "1000 bytes a second are due");
    return &dropped;
}

/** flood: small messages as fast as they go, until the other end has gone. */
static void *flood(void *arg)
{
    static const uint8_t message[] = {1, 0, 0, 0, CHAN_BATCH, 0, 7};
    uint8_t many[700 * sizeof message];
    for (size_t i = 0; i < sizeof many; i++)
        many[i] = message[i % sizeof message];
    while (send(*(int *)arg, many, sizeof many, MSG_NOSIGNAL) > 0)
        ;
    return NULL;
}

START_TEST(who_floods_meets_the_limits_too)
{
    static const chan_limits session = {.session_ms = 300};
    uint8_t x;
    int fd[2], rc = 0;
    chan *c;
    pthread_t t;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    ck_assert_int_eq(chan_open(&c, fd[0]), 0);
    chan_set_limits(c, &session);
    ck_assert_int_eq(pthread_create(&t, NULL, flood, &fd[1]), 0);
    while (!rc) /* for ever, if the limit is looked at in long waits only */
        rc = chan_recv(c, CHAN_BATCH, 0, &x, 1);
    ck_assert_int_eq(rc, ERR_NET);
    ck_assert_ptr_nonnull(strstr(err_text(), "the session has lasted"));
    chan_free(c);
    pthread_join(t, NULL);
    close(fd[1]);
}
END_TEST

START_TEST(an_inbox_is_as_large_as_was_asked_for)
{
    static uint8_t x[CHAN_MESSAGE_MAX];
    int fd[2], rc = 0;
    chan *c;
    pthread_t t;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    ck_assert_int_eq(chan_open(&c, fd[0]), 0);
    chan_set_inbox(c, 0);
    chan_set_timeout(c, 5000);
    ck_assert_int_eq(pthread_create(&t, NULL, flood, &fd[1]), 0);
    for (int i = 0; i < 8 && !rc; i++)
        rc = chan_send(c, CHAN_TABLES, 0, x, sizeof x);
    ck_assert_int_eq(rc, ERR_PEER);
    size_t bytes = 0;
    ck_assert_int_eq(sscanf(err_text(), "the peer sent %zu bytes", &bytes), 1);
    ck_assert(bytes > 4u << 20 && bytes < 6u << 20);
    chan_free(c);
    pthread_join(t, NULL);
    close(fd[1]);
}
END_TEST

START_TEST(who_drips_is_dropped)
{
    static const chan_limits limits = {.idle_ms = 60000, .min_rate = 1000};
    uint8_t x[100];
    int fd[2][2];
    chan *c[2];
    pthread_t t[2], idle;
    void *dropped;
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd[i]), 0);
        ck_assert_int_eq(chan_open(&c[i], fd[i][0]), 0);
        chan_set_limits(c[i], &limits);
        ck_assert_int_eq(pthread_create(&t[i], NULL, i ? drip_slow : drip_fast, &fd[i][1]), 0);
    }
    /* its pause is over with the first byte; the header alone would take 12 s more */
    ck_assert_int_eq(pthread_create(&idle, NULL, peek, c[1]), 0);
    /* at ten bytes a second it would be whole in ten and a half */
    ck_assert_int_eq(chan_recv(c[0], CHAN_BATCH, 0, x, sizeof x), ERR_NET);
    ck_assert_ptr_nonnull(strstr(err_text(), "1000 bytes a second are due"));
    pthread_join(idle, &dropped);
    ck_assert(*(int *)dropped);
    for (int i = 0; i < 2; i++) {
        chan_free(c[i]);
        pthread_join(t[i], NULL);
        close(fd[i][1]);
    }
}
END_TEST

START_TEST(who_drips_and_never_reads_does_not_hold_the_last_word)
{
    static uint8_t x[4096];
    int fd[2], full;
    chan *c;
    pthread_t t;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    full = dup(fd[0]);
    ck_assert_int_eq(chan_open(&c, fd[0]), 0);
    while (send(full, x, sizeof x, MSG_DONTWAIT) > 0)
        ;
    while (send(full, x, 1, MSG_DONTWAIT) > 0)
        ;
    close(full);
    ck_assert_int_eq(pthread_create(&t, NULL, drip_endless, &fd[1]), 0);
    chan_fail(c, ERR_NET); /* returns although a byte comes each tenth of a second: the case's timeout says so */
    chan_free(c);
    pthread_join(t, NULL);
    close(fd[1]);
}
END_TEST

START_TEST(stop_flag_and_timeout_end_a_wait)
{
    both_ways(_i);
    static const volatile int stop = 1;
    uint8_t x;
    chan_set_timeout(a, 300);
    ck_assert_int_eq(chan_recv(a, CHAN_BATCH, 0, &x, 1), ERR_NET);
    ck_assert_ptr_nonnull(strstr(err_text(), "timed out"));
    chan_set_stop(b, &stop);
    ck_assert_int_eq(chan_recv(b, CHAN_BATCH, 0, &x, 1), ERR_INTERRUPTED);
}
END_TEST

START_TEST(addresses)
{
    static const char *const bad[] = {"", "127.0.0.1", "127.0.0.1:", ":80", "[::1]", "127.0.0.1:http-alt-nope"};
    char bound[96];
    int fd, other, client, served;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(tcp_listen(bad[i], &fd, bound, sizeof bound), ERR_ARG);
    ck_assert_int_eq(tcp_listen("127.0.0.1:0", &fd, bound, sizeof bound), 0);
    ck_assert_int_eq(tcp_listen(bound, &other, bound, sizeof bound), ERR_NET);
    ck_assert_ptr_nonnull(strstr(err_text(), "in use"));
    ck_assert_int_eq(tcp_connect(bound, 1000, &client), 0);
    ck_assert_int_eq(tcp_accept(fd, &served, NULL), 0);
    static const volatile int stop = 1;
    ck_assert_int_eq(tcp_accept(fd, &other, &stop), ERR_INTERRUPTED);
    close(fd), close(client), close(served);
    ck_assert_int_eq(tcp_connect(bound, 1000, &client), ERR_NET);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("chan");
    TCase *t = tcase_create("chan");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, messages_arrive_whole_in_order_and_counted, 0, 2);
    tcase_add_loop_test(t, what_is_not_due_is_refused_by_name, 0, 2);
    tcase_add_test(t, hostile_headers_and_cut_streams);
    tcase_add_loop_test(t, the_peers_reason_is_told_and_made_printable, 0, 2);
    tcase_add_test(t, what_a_peer_is_told_depends_on_the_code_alone);
    tcase_add_loop_test(t, limits_end_a_wait, 0, 2);
    tcase_add_test(t, who_floods_meets_the_limits_too);
    tcase_add_test(t, an_inbox_is_as_large_as_was_asked_for);
    tcase_add_test(t, who_drips_is_dropped);
    tcase_add_test(t, who_drips_and_never_reads_does_not_hold_the_last_word);
    tcase_add_loop_test(t, two_parties_that_both_write_do_not_block, 0, 2);
    tcase_add_test(t, a_flooding_peer_meets_the_inbox_limit);
    tcase_add_loop_test(t, stop_flag_and_timeout_end_a_wait, 0, 2);
    tcase_add_test(t, addresses);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
