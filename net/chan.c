// SPDX-License-Identifier: ISC
#include "net/chan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"

#define OUT_BYTES (1u << 18)  /* small messages gather here */
#define SMALL (1u << 14)      /* above, a message is written from where it is */
#define READ_BYTES (1u << 18) /* room for one read */
#define HEAD_BYTES (1u << 12) /* read with a header; the rest of its message goes straight to its place */
#define SPINS 100             /* polls before sleeping */
#define TICK_MS 200           /* how often the stop flag is looked at */
#define ERROR_TEXT 256

struct chan {
    int fd, eof;
    const volatile int *stop;
    unsigned timeout;
    uint8_t *in; /* read but not taken: [from, to) */
    size_t in_size, from, to;
    uint8_t *out; /* gathered but not written */
    size_t out_len;
    chan_stats stats;
    uint8_t binding[32];
};

static const struct {
    const char *name;
    size_t cap;
} kinds[CHAN_KINDS] = {
    [CHAN_ERROR] = {"ERROR", 4 + ERROR_TEXT},   [CHAN_HELLO] = {"HELLO", 64},
    [CHAN_PLAN] = {"PLAN", 65 << 10},           [CHAN_KEYS] = {"KEYS", 16 << 20},
    [CHAN_OT_BASE] = {"OT_BASE", 16 << 10},     [CHAN_BATCH] = {"BATCH", 4096},
    [CHAN_INPUT] = {"INPUT", CHAN_MESSAGE_MAX}, [CHAN_RESPONSE] = {"RESPONSE", CHAN_MESSAGE_MAX},
    [CHAN_OT_U] = {"OT_U", CHAN_MESSAGE_MAX},   [CHAN_TABLES] = {"TABLES", CHAN_MESSAGE_MAX},
    [CHAN_SHARE] = {"SHARE", CHAN_MESSAGE_MAX}, [CHAN_OUTPUT] = {"OUTPUT", 1 << 20},
    [CHAN_BYE] = {"BYE", 0},
};

size_t chan_cap(unsigned kind) { return kind < CHAN_KINDS ? kinds[kind].cap : 0; }

static const char *kind_name(unsigned kind) { return kind < CHAN_KINDS ? kinds[kind].name : "of an unknown kind"; }

int chan_open(chan **out, int fd)
{
    chan *c = mem_alloc(1, sizeof *c);
    int flags = fcntl(fd, F_GETFL), rc = ERR_MEM;

    *out = NULL;
    if (!c || !(c->out = mem_alloc(1, OUT_BYTES)))
        goto fail;
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK)) {
        rc = err_set(ERR_NET, "socket: %s", strerror(errno));
        goto fail;
    }
    c->fd = fd;
    *out = c;
    return 0;
fail:
    if (c)
        mem_free(c->out);
    mem_free(c);
    close(fd);
    return rc;
}

int chan_pair(chan **a, chan **b, int buffer_bytes)
{
    int fd[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
        return err_set(ERR_NET, "socketpair: %s", strerror(errno));
    for (int i = 0; i < 2 && buffer_bytes > 0; i++) {
        (void)!setsockopt(fd[i], SOL_SOCKET, SO_SNDBUF, &buffer_bytes, sizeof buffer_bytes);
        (void)!setsockopt(fd[i], SOL_SOCKET, SO_RCVBUF, &buffer_bytes, sizeof buffer_bytes);
    }
    int rc = chan_open(a, fd[0]);
    if (rc) {
        close(fd[1]);
        return rc;
    }
    rc = chan_open(b, fd[1]);
    if (rc) {
        chan_free(*a);
        *a = NULL;
    }
    return rc;
}

void chan_free(chan *c)
{
    if (!c)
        return;
    close(c->fd);
    mem_free(c->in);
    mem_free(c->out);
    mem_free(c);
}

void chan_set_stop(chan *c, const volatile int *stop) { c->stop = stop; }
void chan_set_timeout(chan *c, unsigned milliseconds) { c->timeout = milliseconds; }
void chan_get_stats(const chan *c, chan_stats *out) { *out = c->stats; }

static int stopped(const chan *c) { return c->stop && *c->stop ? err_set(ERR_INTERRUPTED, "interrupted") : 0; }

/** wait_for: until the socket is ready for one of `events`. */
static int wait_for(chan *c, short events, short *ready)
{
    struct pollfd p = {c->fd, events, 0};

    for (int i = 0; i < SPINS; i++) /* going to sleep and being woken takes longer than what is waited for while both parties stream */
        if (poll(&p, 1, 0) > 0) {
            *ready = p.revents;
            return stopped(c);
        }
    for (unsigned waited = 0;; waited += TICK_MS) {
        if (stopped(c))
            return ERR_INTERRUPTED;
        if (c->timeout && waited >= c->timeout)
            return err_set(ERR_NET, "timed out: nothing moved for %u ms", c->timeout);
        int n = poll(&p, 1, TICK_MS);
        if (n < 0 && errno != EINTR)
            return err_set(ERR_NET, "poll: %s", strerror(errno));
        if (n > 0)
            break;
    }
    *ready = p.revents;
    return 0;
}

/** inbox_room: makes room for one read behind `to`; the inbox grows while the peer streams and this party does not take. */
static int inbox_room(chan *c)
{
    if (c->from == c->to)
        c->from = c->to = 0;
    if (c->in_size - c->to >= READ_BYTES)
        return 0;
    if (c->from >= c->in_size / 2 && c->from) {
        memmove(c->in, c->in + c->from, c->to - c->from);
        c->to -= c->from;
        c->from = 0;
        return inbox_room(c);
    }
    size_t size = c->in_size ? 2 * c->in_size : 4 * READ_BYTES;
    if (size > CHAN_INBOX_MAX)
        return err_set(ERR_PEER, "the peer sent %zu bytes more than the protocol lets it", c->to - c->from);
    uint8_t *in = mem_alloc(1, size);
    if (!in)
        return err_set(ERR_MEM, "out of memory for %zu bytes from the peer", size);
    if (c->to > c->from)
        memcpy(in, c->in + c->from, c->to - c->from);
    c->to -= c->from;
    c->from = 0;
    mem_free(c->in);
    c->in = in;
    c->in_size = size;
    return 0;
}

static int lost(const char *doing) { return err_set(ERR_NET, "connection lost while %s: %s", doing, strerror(errno)); }

static int read_some(chan *c, size_t most)
{
    int rc = inbox_room(c);
    if (rc)
        return rc;
    ssize_t n = recv(c->fd, c->in + c->to, c->in_size - c->to < most ? c->in_size - c->to : most, 0);
    if (n > 0)
        c->to += (size_t)n;
    else if (n == 0)
        c->eof = 1;
    else if (errno != EAGAIN && errno != EINTR)
        return lost("reading");
    return 0;
}

/** write_all: writes p[0..n), with MSG_MORE in `flags` to go out with what follows; reads what comes meanwhile, so that two parties which
 *  both write cannot block each other. */
static int write_all(chan *c, const uint8_t *p, size_t n, int flags)
{
    int rc = n ? stopped(c) : 0;
    while (n && !rc) {
        short ready;
        ssize_t put = send(c->fd, p, n, MSG_NOSIGNAL | flags);
        if (put >= 0) {
            p += put;
            n -= (size_t)put;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR)
            return lost("writing");
        rc = wait_for(c, (short)(POLLOUT | (c->eof ? 0 : POLLIN)), &ready);
        if (!rc && ready & POLLIN)
            rc = read_some(c, SIZE_MAX);
    }
    return rc;
}

static int flush(chan *c, int flags)
{
    size_t n = c->out_len;
    c->out_len = 0;
    return write_all(c, c->out, n, flags);
}

int chan_flush(chan *c) { return flush(c, 0); }

int chan_send(chan *c, unsigned kind, unsigned flight, const void *data, size_t len)
{
    int rc = 0;

    if (kind >= CHAN_KINDS || len > chan_cap(kind) || flight > 255)
        return err_set(ERR_ARG, "message %s of %zu bytes: at most %zu", kind_name(kind), len, chan_cap(kind));
    if (c->out_len + CHAN_HEADER_BYTES > OUT_BYTES && (rc = chan_flush(c)))
        return rc;
    uint8_t *head = c->out + c->out_len;
    for (int i = 0; i < 4; i++)
        head[i] = (uint8_t)(len >> 8 * i);
    head[4] = (uint8_t)kind;
    head[5] = (uint8_t)flight;
    c->out_len += CHAN_HEADER_BYTES;
    c->stats.bytes_sent += CHAN_HEADER_BYTES + len;
    c->stats.messages_sent++;
    if (len <= SMALL && len <= OUT_BYTES - c->out_len) {
        if (len)
            memcpy(c->out + c->out_len, data, len);
        c->out_len += len;
        return 0;
    }
    rc = flush(c, MSG_MORE); /* the header, most of the time: no segment of its own, which would wake the peer for it */
    return rc ? rc : write_all(c, data, len, 0);
}

/** fill: until n bytes wait in the inbox. */
static int fill(chan *c, size_t n)
{
    while (c->to - c->from < n) {
        short ready;
        if (c->eof)
            return c->to == c->from ? err_set(ERR_NET, "the peer closed the connection")
                                    : err_set(ERR_NET, "the peer closed the connection in the middle of a message");
        int rc = wait_for(c, POLLIN, &ready);
        if (!rc)
            rc = read_some(c, HEAD_BYTES);
        if (rc)
            return rc;
    }
    return 0;
}

static int header(chan *c, unsigned *kind, unsigned *flight, size_t *len)
{
    int rc = chan_flush(c);
    if (rc && rc != ERR_NET) /* a peer that went away may have said why */
        return rc;
    if ((rc = fill(c, CHAN_HEADER_BYTES)))
        return rc;
    const uint8_t *h = c->in + c->from;
    *len = h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16 | (size_t)h[3] << 24;
    *kind = h[4];
    *flight = h[5];
    if (*kind >= CHAN_KINDS)
        return err_set(ERR_PEER, "message kind %u is unknown", *kind);
    if (*len > chan_cap(*kind))
        return err_set(ERR_PEER, "message %s: length %zu is above %zu", kind_name(*kind), *len, chan_cap(*kind));
    return 0;
}

static void take(chan *c, uint8_t *data, size_t len)
{
    memcpy(data, c->in + c->from, len);
    c->from += len;
}

/** payload: len bytes into data; what is not in the inbox yet is read straight to its place. */
static int payload(chan *c, uint8_t *data, size_t len)
{
    size_t have = c->to - c->from < len ? c->to - c->from : len;
    if (have)
        take(c, data, have);
    while (have < len) {
        short ready;
        int rc = c->eof ? err_set(ERR_NET, "the peer closed the connection in the middle of a message") : stopped(c);
        if (rc)
            return rc;
        ssize_t n = recv(c->fd, data + have, len - have, 0);
        if (n > 0)
            have += (size_t)n;
        else if (n == 0)
            c->eof = 1;
        else if (errno != EAGAIN && errno != EINTR)
            return lost("reading");
        else if ((rc = wait_for(c, POLLIN, &ready)))
            return rc;
    }
    c->stats.bytes_received += CHAN_HEADER_BYTES + len;
    c->stats.messages_received++;
    return 0;
}

/** told: the peer's ERROR message becomes our error; its text is shown as printable ASCII only. */
static int told(chan *c, size_t len)
{
    uint8_t body[4 + ERROR_TEXT + 1] = {0};
    c->from += CHAN_HEADER_BYTES;
    int rc = payload(c, body, len);
    if (rc)
        return rc;
    for (size_t i = 4; i < len; i++)
        if (body[i] < 32 || body[i] > 126)
            body[i] = '?';
    const uint32_t code = body[0] | (uint32_t)body[1] << 8 | (uint32_t)body[2] << 16 | (uint32_t)body[3] << 24;
    rc = code == (uint32_t)ERR_BUSY ? ERR_BUSY : code == (uint32_t)ERR_DENIED ? ERR_DENIED : ERR_PEER;
    return err_set(rc, "the peer says: %s", len > 4 ? (const char *)body + 4 : "(nothing)");
}

static int receive(chan *c, unsigned kind, unsigned flight, void *data, size_t least, size_t most, size_t *len)
{
    unsigned k, f;
    int rc = header(c, &k, &f, len);
    if (rc)
        return rc;
    if (k == CHAN_ERROR && kind != CHAN_ERROR)
        return told(c, *len);
    if (k != kind || f != flight)
        return err_set(ERR_PEER, "message %s of flight %u came where %s of flight %u was due", kind_name(k), f, kind_name(kind), flight);
    if (*len < least || *len > most)
        return err_set(ERR_PEER, "message %s: length %zu, due were %zu", kind_name(kind), *len, most);
    c->from += CHAN_HEADER_BYTES;
    return payload(c, data, *len);
}

int chan_recv(chan *c, unsigned kind, unsigned flight, void *data, size_t len)
{
    size_t got;
    return receive(c, kind, flight, data, len, len, &got);
}

int chan_recv_var(chan *c, unsigned kind, unsigned flight, void *data, size_t cap, size_t *len)
{
    return receive(c, kind, flight, data, 0, cap, len);
}

int chan_peek(chan *c, unsigned *kind)
{
    unsigned flight;
    size_t len;
    int rc = header(c, kind, &flight, &len);
    return !rc && *kind == CHAN_ERROR ? told(c, len) : rc;
}

void chan_binding(const chan *c, uint8_t out[32]) { memcpy(out, c->binding, sizeof c->binding); }

/** What a peer may know of a failure.  At most ERROR_TEXT bytes each. */
static const char *const reasons[] = {
    [-ERR_ARG] = "it was told to do what is not possible",
    [-ERR_MEM] = "it is out of memory",
    [-ERR_DATA] = "its model or data are of no use",
    [-ERR_NET] = "its connection failed",
    [-ERR_PEER] = "it received what the protocol forbids",
    [-ERR_LIMIT] = "its limit of a session is reached: open a new one",
    [-ERR_INTERRUPTED] = "it was interrupted",
    [-ERR_BUSY] = "it has no room: try again later",
    [-ERR_CPU] = "its kernels give wrong results",
    [-ERR_RANDOM] = "its system gives no random bytes",
    [-ERR_DENIED] = "it does not admit this client",
};

void chan_fail(chan *c, int code)
{
    uint8_t body[4 + ERROR_TEXT];
    const size_t known = sizeof reasons / sizeof *reasons;
    const char *text = code < 0 && (size_t)-code < known && reasons[-code] ? reasons[-code] : "it failed";
    const size_t len = strlen(text);

    for (int i = 0; i < 4; i++)
        body[i] = (uint8_t)((uint32_t)code >> 8 * i);
    memcpy(body + 4, text, len);
    c->stop = NULL;
    c->timeout = 1000;
    if (!chan_send(c, CHAN_ERROR, 0, body, 4 + len))
        (void)!chan_flush(c);
}
