// SPDX-License-Identifier: ISC
#include "test/relay.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int read_all(int fd, uint8_t *p, size_t n)
{
    while (n) {
        ssize_t got = read(fd, p, n);
        if (got <= 0)
            return -1;
        p += got;
        n -= (size_t)got;
    }
    return 0;
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t put = send(fd, p, n, MSG_NOSIGNAL);
        if (put <= 0)
            return -1;
        p += put;
        n -= (size_t)put;
    }
    return 0;
}

static size_t length(const uint8_t *head)
{
    return head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16 | (size_t)head[3] << 24;
}

static void keep(relay *r, const uint8_t *p, size_t n)
{
    if (!r->keep)
        return;
    if (r->copied + n > r->room) {
        r->room = 2 * r->room + n;
        r->copy = realloc(r->copy, r->room);
        ck_assert_ptr_nonnull(r->copy);
    }
    memcpy(r->copy + r->copied, p, n);
    r->copied += n;
}

static void *run(void *arg)
{
    relay *r = arg;
    uint8_t head[CHAN_HEADER_BYTES], *body = malloc(CHAN_MESSAGE_MAX);

    ck_assert_ptr_nonnull(body);
    while (!read_all(r->from, head, sizeof head)) {
        const size_t len = length(head);
        if (read_all(r->from, body, len))
            break;
        const int what = r->alter ? r->alter(r, head, body, len) : RELAY_PASS;
        if (what == RELAY_CUT) {
            (void)!write_all(r->to, head, len ? sizeof head : sizeof head / 2);
            (void)!write_all(r->to, body, len / 2);
        }
        if (what != RELAY_PASS || write_all(r->to, head, sizeof head) || write_all(r->to, body, len))
            break;
        keep(r, head, sizeof head);
        keep(r, body, len);
        r->passed++;
    }
    shutdown(r->to, SHUT_RDWR);
    shutdown(r->from, SHUT_RDWR);
    free(body);
    return NULL;
}

void relay_between(relay r[2], chan **client, chan **server)
{
    int c[2], s[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, c), 0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, s), 0);
    r[0].from = r[1].to = c[1];
    r[0].to = r[1].from = s[1];
    ck_assert_int_eq(chan_open(client, c[0]), 0);
    ck_assert_int_eq(chan_open(server, s[0]), 0);
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&r[i].thread, NULL, run, &r[i]), 0);
}

void relay_end(relay r[2])
{
    pthread_join(r[0].thread, NULL);
    pthread_join(r[1].thread, NULL);
    close(r[0].from);
    close(r[0].to);
}

void relay_free(relay r[2])
{
    free(r[0].copy);
    free(r[1].copy);
}

int relay_next(const relay *r, size_t *at, relay_message *m)
{
    if (*at == r->copied)
        return 0;
    const uint8_t *head = r->copy + *at;
    *m = (relay_message){head[4], head[5], length(head), head + CHAN_HEADER_BYTES};
    *at += CHAN_HEADER_BYTES + m->len;
    return 1;
}
