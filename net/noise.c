// SPDX-License-Identifier: ISC
#include "net/noise.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/mem.h"
#include "net/record.h"

#define MAGIC 8
static const uint8_t magic[MAGIC] = {'T', 'A', 'C', 'I', 'T', 0, 0, 2};
static const char roles[] = "the client initiates, the server responds";

enum kind { ASK = 0, XK = 1, OTHER = 2 };
enum state {
    C_BEGIN, /* writes ASK or message 1 */
    C_HEAD,  /* waits for the server's head, then for what it announces */
    C_KEY,
    C_TWO,
    C_OTHER,
    S_HEAD, /* waits for the client's head, then for message 1, then for message 3 */
    S_ONE,
    S_THREE,
    FINISHED,
    DEAD,
};

int noise_keypair_public(noise_keypair *k)
{
    return crypto_scalarmult_curve25519_base(k->public, k->secret)
               ? err_set(ERR_ARG, "a secret key that gives no public one")
               : 0;
}

int noise_keypair_new(noise_keypair *k, prg *rng)
{
    prg_bytes(rng, k->secret, sizeof k->secret);
    return noise_keypair_public(k);
}

static void prologue(uint8_t out[MAGIC + sizeof roles])
{
    memcpy(out, magic, MAGIC);
    memcpy(out + MAGIC, roles, sizeof roles);
}

void noise_server_start(noise_handshake *h, const noise_keypair *own, prg *rng)
{
    memset(h, 0, sizeof *h);
    h->state = S_HEAD;
    h->s = *own;
    prg_bytes(
        rng, h->e.secret,
        sizeof h->e.secret); /* the public half when it is needed: whoever only connects costs no multiplication */
}

void noise_client_start(noise_handshake *h, const noise_keypair *own, const uint8_t *server_key, prg *rng)
{
    memset(h, 0, sizeof *h);
    h->state = C_BEGIN;
    h->asks = !server_key;
    if (server_key)
        memcpy(h->other, server_key, XK_KEY);
    if (own)
        h->s = *own;
    else
        prg_bytes(rng, h->s.secret, sizeof h->s.secret);
    prg_bytes(rng, h->e.secret, sizeof h->e.secret);
}

size_t noise_wants(const noise_handshake *h)
{
    switch ((enum state)h->state) {
    case C_HEAD:
    case S_HEAD: return NOISE_HEAD;
    case C_KEY:
    case C_OTHER: return XK_KEY;
    case C_TWO: return XK_MESSAGE_2 + 1;
    case S_ONE: return XK_MESSAGE_1 + 1;
    case S_THREE: return XK_MESSAGE_3;
    default: return 0;
    }
}

static void head(uint8_t *out, size_t *out_len, enum kind kind)
{
    memcpy(out, magic, MAGIC);
    out[MAGIC] = (uint8_t)kind;
    *out_len = NOISE_HEAD;
}

static int stop(noise_handshake *h, int rc)
{
    h->state = DEAD;
    return rc;
}

/** stranger: what begins otherwise than with our magic. */
static int stranger(noise_handshake *h, const uint8_t in[NOISE_HEAD], const char *what)
{
    const char *is = !memcmp(in, "HTTP/", 5) || !memcmp(in, "GET ", 4) || !memcmp(in, "POST ", 5) ? " (it speaks HTTP)"
                     : !memcmp(in, "PROXY ", 6) ? " (it speaks the PROXY protocol; HAProxy: without send-proxy)"
                     : !memcmp(in, "SSH-", 4)                                                      ? " (it speaks SSH)"
                     : in[0] == 0x15 || in[0] == 0x16                                              ? " (it speaks TLS)"
                     : in[0] && !in[1] && !in[2] && !in[3] && !in[4] /* the header of a plain ERROR */
                         ? ", or one without encryption (--insecure-plaintext)"
                                                                                                   : "";
    const int version = !memcmp(in, magic, MAGIC - 1);
    return stop(
        h, version ? err_set(ERR_PEER, "%s of wire version %u; this one has %u", what, in[MAGIC - 1], magic[MAGIC - 1])
                   : err_set(ERR_PEER, "not %s%s", what, is));
}

static int finish(noise_handshake *h, int initiator)
{
    noise_result *r = &h->result;
    xk_split(&h->xk, initiator ? r->send_key : r->recv_key, initiator ? r->recv_key : r->send_key);
    memcpy(r->hash, h->xk.hash, sizeof r->hash); /* the first half of 64 bytes */
    memcpy(r->peer, h->xk.rs, XK_KEY);
    mem_wipe(&h->xk, sizeof h->xk);
    mem_wipe(&h->s, sizeof h->s);
    mem_wipe(&h->e, sizeof h->e);
    h->state = FINISHED;
    return 1;
}

static int client_one(noise_handshake *h, uint8_t *out, size_t *out_len)
{
    uint8_t text[MAGIC + sizeof roles];
    const uint8_t ciphers = (uint8_t)record_ciphers();
    int rc = noise_keypair_public(&h->s);
    if (!rc)
        rc = noise_keypair_public(&h->e);
    if (rc)
        return stop(h, rc);
    prologue(text);
    xk_initiator(&h->xk, &h->s, h->other, text, sizeof text);
    head(out, out_len, XK);
    if (xk_write_1(&h->xk, &h->e, out + NOISE_HEAD, &ciphers, 1))
        return stop(h, err_set(ERR_PEER, "the server's key is none"));
    *out_len += XK_MESSAGE_1 + 1;
    h->state = C_HEAD;
    return 0;
}

static int client_head(noise_handshake *h, const uint8_t *in)
{
    if (memcmp(in, magic, MAGIC))
        return stranger(h, in, "a Tacit server");
    if (in[MAGIC] > OTHER || (in[MAGIC] == ASK) != h->asks)
        return stop(h, err_set(ERR_PEER, "handshake: an answer of kind %u was not due", in[MAGIC]));
    h->state = in[MAGIC] == ASK ? C_KEY : in[MAGIC] == XK ? C_TWO : C_OTHER;
    return 0;
}

static int client_two(noise_handshake *h, const uint8_t *in, uint8_t *out, size_t *out_len)
{
    uint8_t cipher;
    if (xk_read_2(&h->xk, &cipher, in, 1))
        return stop(
            h,
            err_set(ERR_PEER, "handshake: the server does not have the key that is due, or somebody is in the middle"));
    if ((cipher != RECORD_AES_GCM && cipher != RECORD_CHACHA) || !(cipher & record_ciphers()))
        return stop(h, err_set(ERR_PEER, "handshake: cipher %u was not offered", cipher));
    h->result.cipher = cipher;
    if (xk_write_3(&h->xk, out, NULL, 0))
        return stop(h, err_set(ERR_PEER, "handshake: the server's ephemeral key is none"));
    *out_len = XK_MESSAGE_3;
    return finish(h, 1);
}

static int server_head(noise_handshake *h, const uint8_t *in, uint8_t *out, size_t *out_len)
{
    if (memcmp(in, magic, MAGIC))
        return stranger(h, in, "a Tacit client");
    if (in[MAGIC] == XK) {
        h->state = S_ONE;
        return 0;
    }
    if (in[MAGIC] != ASK || h->asks)
        return stop(h, err_set(ERR_PEER, "handshake: kind %u was not due", in[MAGIC]));
    h->asks = 1; /* once is enough */
    head(out, out_len, ASK);
    memcpy(out + NOISE_HEAD, h->s.public, XK_KEY);
    *out_len += XK_KEY;
    return 0;
}

static int server_one(noise_handshake *h, const uint8_t *in, uint8_t *out, size_t *out_len)
{
    uint8_t text[MAGIC + sizeof roles], ciphers;
    prologue(text);
    xk_responder(&h->xk, &h->s, text, sizeof text);
    if (xk_read_1(&h->xk, &ciphers, in, 1)) {
        head(out, out_len, OTHER);
        memcpy(out + NOISE_HEAD, h->s.public, XK_KEY);
        *out_len += XK_KEY;
        return stop(h, err_set(ERR_PEER, "handshake: the client expects another key than this server's"));
    }
    const unsigned both = ciphers & record_ciphers();
    if (!both)
        return stop(h, err_set(ERR_PEER, "handshake: no cipher in common: the client offers %u", ciphers));
    h->result.cipher = both & RECORD_AES_GCM ? RECORD_AES_GCM : RECORD_CHACHA;
    head(out, out_len, XK);
    int rc = noise_keypair_public(&h->e);
    if (!rc && xk_write_2(&h->xk, &h->e, out + NOISE_HEAD, &h->result.cipher, 1))
        rc = err_set(ERR_PEER, "handshake: the client's ephemeral key is none");
    if (rc) {
        *out_len = 0;
        return stop(h, rc);
    }
    *out_len += XK_MESSAGE_2 + 1;
    h->state = S_THREE;
    return 0;
}

int noise_step(noise_handshake *h, const uint8_t *in, uint8_t out[NOISE_MAX], size_t *out_len)
{
    *out_len = 0;
    switch ((enum state)h->state) {
    case C_BEGIN:
        if (!h->asks)
            return client_one(h, out, out_len);
        head(out, out_len, ASK);
        h->state = C_HEAD;
        return 0;
    case C_HEAD: return client_head(h, in);
    case C_KEY:
        memcpy(h->other, in, XK_KEY);
        h->asks = 0;
        return client_one(h, out, out_len);
    case C_TWO: return client_two(h, in, out, out_len);
    case C_OTHER:
        memcpy(h->other, in, XK_KEY);
        h->asks = 1;
        return stop(h, err_set(ERR_PEER, "the server has another key than the one that is due"));
    case S_HEAD: return server_head(h, in, out, out_len);
    case S_ONE: return server_one(h, in, out, out_len);
    case S_THREE:
        if (xk_read_3(&h->xk, NULL, in, 0))
            return stop(h, err_set(ERR_PEER, "handshake: the client's last message is not authentic"));
        return finish(h, 0);
    default: return err_set(ERR_ARG, "handshake: it is over");
    }
}

const noise_result *noise_finished(const noise_handshake *h) { return h->state == FINISHED ? &h->result : NULL; }

const uint8_t *noise_other_key(const noise_handshake *h) { return h->state == DEAD && h->asks ? h->other : NULL; }

void noise_wipe(noise_handshake *h) { mem_wipe(h, sizeof *h); }

/* ---- over a socket ---- */

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/** move: n bytes in or out, until `end`.   The socket may block or not. */
static int move(int fd, uint8_t *p, size_t n, int sending, uint64_t end, const volatile int *halt)
{
    while (n) {
        const ssize_t moved = sending ? send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) : recv(fd, p, n, MSG_DONTWAIT);
        if (moved > 0) {
            p += moved;
            n -= (size_t)moved;
            continue;
        }
        if (!moved)
            return err_set(ERR_NET, "the peer closed the connection during the handshake");
        if (errno != EAGAIN && errno != EINTR)
            return err_set(ERR_NET, "connection lost during the handshake: %s", strerror(errno));
        const uint64_t now = now_ms();
        if (halt && *halt)
            return err_set(ERR_INTERRUPTED, "interrupted");
        if (now >= end)
            return err_set(ERR_NET, "timed out during the handshake");
        struct pollfd wait = {fd, sending ? POLLOUT : POLLIN, 0};
        if (poll(&wait, 1, (int)(end - now < 200 ? end - now : 200)) < 0 && errno != EINTR)
            return err_set(ERR_NET, "poll: %s", strerror(errno));
    }
    return 0;
}

int noise_connect(int fd, noise_handshake *h, unsigned milliseconds, const volatile int *halt)
{
    const uint64_t end = now_ms() + milliseconds;
    uint8_t in[NOISE_MAX], out[NOISE_MAX];
    size_t len;
    int rc = 0;

    while (!rc) {
        if ((rc = move(fd, in, noise_wants(h), 0, end, halt)))
            break;
        rc = noise_step(h, in, out, &len);
        const int sent = move(fd, out, len, 1, end, halt);
        rc = rc < 0 || !sent ? rc : sent;
    }
    return rc == 1 ? 0 : rc;
}
