// SPDX-License-Identifier: ISC
#include "net/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

#define READ_BYTES (1u << 18) /* room for one read */
#define HEAD_BYTES (1u << 12) /* read with what is looked at; the rest of a plain message goes straight to its place */
#define SPINS 100             /* polls before sleeping */
#define TICK_MS 200           /* how often stop flag and limits are looked at */
#define WINDOW_MS 10000       /* of min_rate */

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

int stream_open(stream *s, int fd)
{
    const int flags = fcntl(fd, F_GETFL);
    memset(s, 0, sizeof *s);
    s->fd = fd;
    s->opened = now_ms();
    s->inbox_most = STREAM_INBOX_MOST;
    if (flags >= 0 && !fcntl(fd, F_SETFL, flags | O_NONBLOCK))
        return 0;
    const int rc = err_set(ERR_NET, "socket: %s", strerror(errno));
    close(fd);
    return rc;
}

int stream_secure(stream *s, const noise_result *r)
{
    int rc;
    s->secret = mem_alloc(1, sizeof *s->secret);
    if (!s->secret)
        return err_set(ERR_MEM, "out of memory");
    if (!(rc = record_init(&s->secret->send, r->send_key, r->cipher)))
        rc = record_init(&s->secret->receive, r->recv_key, r->cipher);
    if (rc) {
        mem_free(s->secret);
        s->secret = NULL;
    }
    return rc;
}

void stream_close(stream *s)
{
    uint8_t last[RECORD_OVERHEAD];
    if (s->secret && !s->broken && !record_seal(&s->secret->send, last, RECORD_FINAL, NULL, 0))
        (void)!send(s->fd, last, sizeof last, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(s->fd);
    mem_free(s->in);
    mem_free(s->secret);
}

void stream_hurry(stream *s, unsigned milliseconds)
{
    s->stop = s->drain = NULL;
    s->opened = now_ms();
    s->limits = (chan_limits){.session_ms = milliseconds};
    s->timeout = milliseconds;
}

/* ---- waiting ---- */

static int stopped(const stream *s) { return s->stop && *s->stop ? err_set(ERR_INTERRUPTED, "interrupted") : 0; }

/** idle: in a pause between batches, and nothing of a message is there yet: a first byte ends the pause, whatever comes
 *  after it. */
static int idle(const stream *s)
{
    return s->idle && s->from == s->to && (!s->secret || s->secret->from == s->secret->to);
}

/** overdue: the limits that hold after a wait that began at `since`. */
static int overdue(stream *s, uint64_t since, uint64_t now)
{
    const chan_limits *l = &s->limits;
    if (s->timeout && now - since >= s->timeout)
        return err_set(ERR_NET, "timed out: nothing moved for %u ms", s->timeout);
    if (l->session_ms && now - s->opened >= l->session_ms)
        return err_set(ERR_NET, "timed out: the session has lasted %u ms, as long as it may", l->session_ms);
    if (!s->begun && l->first_ms && now - s->opened >= l->first_ms)
        return err_set(ERR_NET, "timed out: no whole message in the first %u ms", l->first_ms);
    if (idle(s) && s->drain && *s->drain)
        return err_set(ERR_BUSY, "the server stops");
    if (idle(s) && l->idle_ms && now - since >= l->idle_ms)
        return err_set(ERR_NET, "timed out: nothing was asked for %u ms", l->idle_ms);
    return 0;
}

/** on_time: the limits that hold whether a wait was long, short or not needed, so that neither drips nor floods get past
 *  them. */
static int on_time(stream *s)
{
    const uint64_t now = now_ms();
    const int rc = stopped(s);
    return rc ? rc : overdue(s, now, now);
}

/** too_slow: time spent waiting while bytes were due, against the bytes that moved. */
static int too_slow(stream *s, uint64_t waited)
{
    if (idle(s) || !s->limits.min_rate)
        return 0;
    s->due_ms += waited;
    if (s->due_ms < WINDOW_MS)
        return 0;
    const uint64_t rate = (s->moved - s->due_from) * 1000 / s->due_ms;
    s->due_ms = 0;
    s->due_from = s->moved;
    return rate >= s->limits.min_rate
               ? 0
               : err_set(ERR_NET, "timed out: %u bytes a second are due, %u came", s->limits.min_rate, (unsigned)rate);
}

/** wait_for: until the socket is ready for one of `events`. */
static int wait_for(stream *s, short events, short *ready)
{
    struct pollfd p = {s->fd, events, 0};
    int rc;

    /* going to sleep and being woken takes longer than what is waited for while both parties stream */
    for (int i = 0; i < SPINS; i++)
        if (poll(&p, 1, 0) > 0) {
            *ready = p.revents;
            return on_time(s);
        }
    const uint64_t since = now_ms();
    for (uint64_t before = since, now;; before = now) {
        const int n = poll(&p, 1, TICK_MS);
        if (n < 0 && errno != EINTR)
            return err_set(ERR_NET, "poll: %s", strerror(errno));
        now = now_ms();
        if ((rc = stopped(s)) || (rc = too_slow(s, now - before)))
            return rc;
        if (n > 0)
            break;
        if ((rc = overdue(s, since, now)))
            return rc;
    }
    *ready = p.revents;
    return on_time(s);
}

/* ---- the socket ---- */

static int lost(const char *doing) { return err_set(ERR_NET, "connection lost while %s: %s", doing, strerror(errno)); }

/** inbox_room: makes room for one read behind `to`; the inbox grows while the peer streams and this party does not
 * take. */
static int inbox_room(stream *s)
{
    if (s->from == s->to)
        s->from = s->to = 0;
    if (s->to - s->from > s->inbox_most)
        return err_set(ERR_PEER, "the peer sent %zu bytes more than the protocol lets it", s->to - s->from);
    if (s->in_size - s->to >= READ_BYTES)
        return 0;
    if (s->from >= s->in_size / 2 && s->from) {
        memmove(s->in, s->in + s->from, s->to - s->from);
        s->to -= s->from;
        s->from = 0;
        return inbox_room(s);
    }
    const size_t size = s->in_size ? 2 * s->in_size : 4 * READ_BYTES;
    uint8_t *in = mem_alloc(1, size);
    if (!in)
        return err_set(ERR_MEM, "out of memory for %zu bytes from the peer", size);
    if (s->to > s->from)
        memcpy(in, s->in + s->from, s->to - s->from);
    s->to -= s->from;
    s->from = 0;
    mem_free(s->in);
    s->in = in;
    s->in_size = size;
    return 0;
}

/** receive_some: at most n bytes to `to`, waiting for them; *got 0: nothing yet. */
static int receive_some(stream *s, uint8_t *to, size_t n, size_t *got)
{
    const ssize_t came = recv(s->fd, to, n, 0);
    *got = came > 0 ? (size_t)came : 0;
    s->moved += *got;
    if (!came)
        s->eof = 1;
    return came >= 0 || errno == EAGAIN || errno == EINTR ? 0 : lost("reading");
}

static int read_some(stream *s, size_t most)
{
    size_t got;
    int rc = inbox_room(s);
    if (rc)
        return rc;
    rc = receive_some(s, s->in + s->to, s->in_size - s->to < most ? s->in_size - s->to : most, &got);
    s->to += got;
    return rc;
}

/** raw_write: all of p[n], with MSG_MORE in `flags` to go out with what follows; reads what comes meanwhile. */
static int raw_write(stream *s, const uint8_t *p, size_t n, int flags)
{
    int rc = n ? stopped(s) : 0;
    while (n && !rc) {
        short ready;
        const ssize_t put = send(s->fd, p, n, MSG_NOSIGNAL | flags);
        if (put >= 0) {
            p += put;
            n -= (size_t)put;
            s->moved += (uint64_t)put;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) {
            rc = lost("writing");
            break;
        }
        rc = wait_for(s, (short)(POLLOUT | (s->eof ? 0 : POLLIN)), &ready);
        if (!rc && ready & POLLIN)
            rc = read_some(s, SIZE_MAX);
    }
    s->broken |= rc != 0;
    return rc;
}

int stream_write(stream *s, const uint8_t *p, size_t n, int more)
{
    stream_secret *x = s->secret;
    int rc = 0;
    if (s->broken)
        return err_set(ERR_NET, "connection lost while writing");
    if (!x) {
        s->sent += n;
        return raw_write(s, p, n, more ? MSG_MORE : 0);
    }
    while (n && !rc) {
        size_t out = 0;
        while (n && out + RECORD_MAX <= sizeof x->sealed && !rc) {
            const size_t take = n < RECORD_BYTES ? n : RECORD_BYTES;
            if ((rc = record_seal(&x->send, x->sealed + out, RECORD_DATA, p, take)))
                break;
            out += take + RECORD_OVERHEAD;
            p += take;
            n -= take;
        }
        s->sent += out;
        if (!rc)
            rc = raw_write(s, x->sealed, out, more || n ? MSG_MORE : 0);
    }
    return rc;
}

/** fill: until n bytes wait in the inbox. */
static int fill(stream *s, size_t n)
{
    while (s->to - s->from < n) {
        short ready;
        if (s->eof && s->secret)
            return err_set(ERR_NET, "the connection was cut: it ends without the peer's last record");
        if (s->eof)
            return s->to == s->from ? err_set(ERR_NET, "the peer closed the connection")
                                    : err_set(ERR_NET, "the peer closed the connection in the middle of a message");
        int rc = wait_for(s, POLLIN, &ready);
        if (!rc)
            rc = read_some(s, s->secret ? READ_BYTES : HEAD_BYTES);
        if (rc)
            return rc;
    }
    return 0;
}

/* ---- records ---- */

/** next_record: waits until the next record is whole in the inbox; its length. */
static int next_record(stream *s, size_t *len)
{
    stream_secret *x = s->secret;
    if (x->receive.final)
        return err_set(ERR_NET, "the peer closed the connection");
    int rc = fill(s, RECORD_HEAD);
    if (!rc)
        rc = record_head(&x->receive, s->in + s->from, len);
    return rc ? rc : fill(s, *len + RECORD_OVERHEAD);
}

static int open_record(stream *s, uint8_t *to, size_t len)
{
    const int rc = record_open(&s->secret->receive, to, s->in + s->from, len);
    s->from += len + RECORD_OVERHEAD;
    s->received += len + RECORD_OVERHEAD;
    return rc;
}

/** open_more: another record behind what waits in the plain buffer, which is less than 64 bytes. */
static int open_more(stream *s)
{
    stream_secret *x = s->secret;
    size_t len;
    int rc = next_record(s, &len);
    if (rc)
        return rc;
    memmove(x->plain, x->plain + x->from, x->to - x->from);
    x->to -= x->from;
    x->from = 0;
    if ((rc = open_record(s, x->plain + x->to, len)))
        return rc;
    x->to += len;
    return 0;
}

int stream_look(stream *s, size_t n, const uint8_t **at)
{
    stream_secret *x = s->secret;
    int rc = on_time(s);
    if (rc)
        return rc;
    if (!x) {
        rc = fill(s, n);
        *at = s->in + s->from;
        return rc;
    }
    while (x->to - x->from < n && !rc)
        rc = open_more(s);
    *at = x->plain + x->from;
    return rc;
}

void stream_skip(stream *s, size_t n)
{
    if (s->secret) {
        s->secret->from += n;
        return;
    }
    s->from += n;
    s->received += n;
}

/** take: what waits already, at most n bytes. */
static size_t take(uint8_t *to, size_t n, const uint8_t *from, size_t *at, size_t end)
{
    const size_t have = end - *at < n ? end - *at : n;
    if (have)
        memcpy(to, from + *at, have);
    *at += have;
    return have;
}

static int read_plain(stream *s, uint8_t *to, size_t n)
{
    size_t have = take(to, n, s->in, &s->from, s->to), got;
    s->received += have;
    while (have < n) {
        short ready;
        int rc = s->eof ? err_set(ERR_NET, "the peer closed the connection in the middle of a message") : stopped(s);
        if (rc || (rc = receive_some(s, to + have, n - have, &got)))
            return rc;
        have += got;
        s->received += got;
        if (!got && !s->eof && (rc = wait_for(s, POLLIN, &ready)))
            return rc;
    }
    return 0;
}

int stream_read(stream *s, uint8_t *to, size_t n)
{
    stream_secret *x = s->secret;
    if (!x)
        return read_plain(s, to, n);
    for (size_t have = take(to, n, x->plain, &x->from, x->to), len; have < n;) {
        int rc = next_record(s, &len);
        if (!rc && len <= n - have) { /* straight to its place */
            rc = open_record(s, to + have, len);
            have += len;
        } else if (!rc && !(rc = open_more(s))) {
            have += take(to + have, n - have, x->plain, &x->from, x->to);
        }
        if (rc)
            return rc;
    }
    return 0;
}
