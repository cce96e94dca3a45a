// SPDX-License-Identifier: ISC
#include "net/chan.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/stream.h"

#define OUT_BYTES (1u << 18) /* small messages gather here */
#define SMALL (1u << 14)     /* above, a message is written from where it is */
#define ERROR_TEXT 256

struct chan {
    stream s;
    uint8_t *out; /* gathered but not written */
    size_t out_len;
    uint8_t binding[32];
    uint64_t messages_sent, messages_received;
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

/** What ERROR says for each code, and what the receiver makes of it: nothing else about this party reaches the other.
 */
static const struct {
    const char *text;
    int becomes;
} told_texts[] = {
    [0] = {"it stops", ERR_PEER},
    [-ERR_ARG] = {"it was asked for what it cannot do", ERR_PEER},
    [-ERR_MEM] = {"it is out of memory", ERR_BUSY},
    [-ERR_DATA] = {"its model or data is bad", ERR_PEER},
    [-ERR_NET] = {"the connection was lost or too slow", ERR_NET},
    [-ERR_PEER] = {"what it received is not what the protocol says", ERR_PEER},
    [-ERR_LIMIT] = {"the session has reached its limit; open a new one", ERR_LIMIT},
    [-ERR_INTERRUPTED] = {"it was stopped", ERR_NET},
    [-ERR_BUSY] = {"it has no room just now; try again later", ERR_BUSY},
    [-ERR_CPU] = {"its processor gives wrong results", ERR_PEER},
    [-ERR_RANDOM] = {"it has no random bytes", ERR_PEER},
    [-ERR_DENIED] = {"it does not admit this client's key", ERR_DENIED},
};
#define TOLD (sizeof told_texts / sizeof *told_texts)

size_t chan_cap(unsigned kind) { return kind < CHAN_KINDS ? kinds[kind].cap : 0; }

static const char *kind_name(unsigned kind) { return kind < CHAN_KINDS ? kinds[kind].name : "of an unknown kind"; }

int chan_open(chan **out, int fd)
{
    chan *c = mem_alloc(1, sizeof *c);
    int rc;

    *out = NULL;
    if (!c || !(c->out = mem_alloc(1, OUT_BYTES))) {
        close(fd);
        rc = err_set(ERR_MEM, "out of memory");
    } else if (!(rc = stream_open(&c->s, fd))) {
        *out = c;
        return 0;
    }
    if (c)
        mem_free(c->out);
    mem_free(c);
    return rc;
}

int chan_secure(chan *c, const noise_result *r)
{
    memcpy(c->binding, r->hash, sizeof c->binding);
    return stream_secure(&c->s, r);
}

void chan_binding(const chan *c, uint8_t out[32]) { memcpy(out, c->binding, sizeof c->binding); }

int chan_pair(chan **a, chan **b, int buffer_bytes)
{
    int fd[2];

    *a = *b = NULL;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd))
        return err_set(ERR_NET, "no socket pair");
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

int chan_pair_secure(chan **a, chan **b, int buffer_bytes, prg *rng)
{
    noise_result x = {.cipher = (uint8_t)(record_ciphers() & RECORD_AES_GCM ? RECORD_AES_GCM : RECORD_CHACHA)}, y;
    prg_bytes(rng, x.send_key, sizeof x.send_key);
    prg_bytes(rng, x.recv_key, sizeof x.recv_key);
    prg_bytes(rng, x.hash, sizeof x.hash);
    y = x;
    memcpy(y.send_key, x.recv_key, sizeof y.send_key);
    memcpy(y.recv_key, x.send_key, sizeof y.recv_key);
    int rc = chan_pair(a, b, buffer_bytes);
    if (!rc && ((rc = chan_secure(*a, &x)) || (rc = chan_secure(*b, &y)))) {
        chan_free(*a);
        chan_free(*b);
        *a = *b = NULL;
    }
    mem_wipe(&x, sizeof x);
    mem_wipe(&y, sizeof y);
    return rc;
}

void chan_free(chan *c)
{
    if (!c)
        return;
    stream_close(&c->s);
    mem_free(c->out);
    mem_free(c);
}

void chan_set_stop(chan *c, const volatile int *stop) { c->s.stop = stop; }
void chan_set_drain(chan *c, const volatile int *drain) { c->s.drain = drain; }
void chan_set_timeout(chan *c, unsigned milliseconds) { c->s.timeout = milliseconds; }
void chan_set_limits(chan *c, const chan_limits *l) { c->s.limits = *l; }
void chan_set_inbox(chan *c, size_t bytes) { c->s.inbox_most = bytes > STREAM_INBOX_LEAST ? bytes : STREAM_INBOX_LEAST; }

void chan_get_stats(const chan *c, chan_stats *out)
{
    *out = (chan_stats){c->s.sent, c->s.received, c->messages_sent, c->messages_received};
}

static int flush(chan *c, int more)
{
    const size_t n = c->out_len;
    c->out_len = 0;
    return stream_write(&c->s, c->out, n, more);
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
    c->messages_sent++;
    if (len <= SMALL && len <= OUT_BYTES - c->out_len) {
        if (len)
            memcpy(c->out + c->out_len, data, len);
        c->out_len += len;
        return 0;
    }
    rc = flush(c, 1); /* the header, most of the time: no segment of its own, which would wake the peer for it */
    return rc ? rc : stream_write(&c->s, data, len, 0);
}

static int header(chan *c, unsigned *kind, unsigned *flight, size_t *len)
{
    const uint8_t *h;
    int rc = chan_flush(c);
    const int lost = rc == ERR_NET; /* a peer that went away may have said why; nothing else counts then */
    if (rc && !lost)
        return rc;
    if ((rc = stream_look(&c->s, CHAN_HEADER_BYTES, &h)))
        return rc;
    *len = h[0] | (size_t)h[1] << 8 | (size_t)h[2] << 16 | (size_t)h[3] << 24;
    *kind = h[4];
    *flight = h[5];
    if (lost && *kind != CHAN_ERROR)
        return err_set(ERR_NET, "connection lost while writing");
    if (*kind >= CHAN_KINDS)
        return err_set(ERR_PEER, "message kind %u is unknown", *kind);
    if (*len > chan_cap(*kind))
        return err_set(ERR_PEER, "message %s: length %zu is above %zu", kind_name(*kind), *len, chan_cap(*kind));
    return 0;
}

static int payload(chan *c, uint8_t *data, size_t len)
{
    stream_skip(&c->s, CHAN_HEADER_BYTES);
    const int rc = stream_read(&c->s, data, len);
    c->messages_received += !rc;
    c->s.begun |= !rc;
    return rc;
}

/** told: the peer's ERROR message becomes our error; its text is shown as printable ASCII only. */
static int told(chan *c, size_t len)
{
    uint8_t body[4 + ERROR_TEXT + 1] = {0};
    int rc = payload(c, body, len);
    if (rc)
        return rc;
    for (size_t i = 4; i < len; i++)
        if (body[i] < 32 || body[i] > 126)
            body[i] = '?';
    const uint32_t code = 0 - (body[0] | (uint32_t)body[1] << 8 | (uint32_t)body[2] << 16 | (uint32_t)body[3] << 24);
    return err_set(code < TOLD && told_texts[code].text ? told_texts[code].becomes : ERR_PEER, "the peer says: %s",
                   len > 4 ? (const char *)body + 4 : "(nothing)");
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
    c->s.idle = 1;
    int rc = header(c, kind, &flight, &len);
    c->s.idle = 0;
    return !rc && *kind == CHAN_ERROR ? told(c, len) : rc;
}

void chan_fail(chan *c, int code)
{
    const uint32_t row = code <= 0 && (size_t)-code < TOLD && told_texts[-code].text ? (uint32_t)-code : 0;
    uint8_t body[4 + ERROR_TEXT];
    const size_t len = strlen(told_texts[row].text);
    for (int i = 0; i < 4; i++)
        body[i] = (uint8_t)((0 - row) >> 8 * i);
    memcpy(body + 4, told_texts[row].text, len);
    stream_hurry(&c->s, 1000);
    if (!chan_send(c, CHAN_ERROR, 0, body, 4 + len))
        (void)!chan_flush(c);
}
