// SPDX-License-Identifier: ISC
/* Framing, caps, hostile headers, streams in both directions, stop flag and timeout, addresses. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/chan.h"
#include "net/tcp.h"

static chan *a, *b;

static void setup(void) { ck_assert_int_eq(chan_pair(&a, &b, 0), 0); }

static void teardown(void)
{
    chan_free(a);
    chan_free(b);
}

START_TEST(messages_arrive_whole_in_order_and_counted)
{
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
    ck_assert_uint_eq(s.bytes_sent, due);
}
END_TEST

START_TEST(what_is_not_due_is_refused_by_name)
{
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
    uint8_t x[8];
    static const int codes[] = {ERR_ARG,         ERR_MEM,  ERR_DATA, ERR_NET,    ERR_PEER,   ERR_LIMIT,
                                ERR_INTERRUPTED, ERR_BUSY, ERR_CPU,  ERR_RANDOM, ERR_DENIED, -99};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        const int code = codes[i] == ERR_BUSY || codes[i] == ERR_DENIED ? codes[i] : ERR_PEER;
        chan_fail(a, codes[i]);
        ck_assert_int_eq(chan_recv(b, CHAN_PLAN, 1, x, 8), code);
        ck_assert_ptr_nonnull(
            strstr(err_text(), i + 1 < sizeof codes / sizeof *codes ? "the peer says: i" : "it failed"));
        if (codes[i] == ERR_LIMIT)
            ck_assert_ptr_nonnull(strstr(err_text(), "open a new one"));
    }
    ck_assert_int_eq(chan_send(a, CHAN_ERROR, 0, "\xfd\xff\xff\xffno \x1b[31m model", 19), 0);
    ck_assert_int_eq(chan_flush(a), 0);
    ck_assert_int_eq(chan_recv(b, CHAN_PLAN, 1, x, 8), ERR_PEER);
    ck_assert_ptr_nonnull(strstr(err_text(), "the peer says: no ?[31m model"));
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
    chan *c, *d;
    pthread_t t;
    void *bad;
    ck_assert_int_eq(chan_pair(&c, &d, 4096), 0);
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

START_TEST(stop_flag_and_timeout_end_a_wait)
{
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
    tcase_add_test(t, messages_arrive_whole_in_order_and_counted);
    tcase_add_test(t, what_is_not_due_is_refused_by_name);
    tcase_add_test(t, hostile_headers_and_cut_streams);
    tcase_add_test(t, the_peers_reason_is_told_and_made_printable);
    tcase_add_test(t, two_parties_that_both_write_do_not_block);
    tcase_add_test(t, a_flooding_peer_meets_the_inbox_limit);
    tcase_add_test(t, stop_flag_and_timeout_end_a_wait);
    tcase_add_test(t, addresses);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
