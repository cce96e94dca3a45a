// SPDX-License-Identifier: ISC
/* Set-up, the two roles in step with each other:
 *
 *      0  C -> S  HELLO      magic, version, the k of OT extension that is asked for, nonce
 *      1  S -> C  PLAN       k, nonce, the plan
 *      2  C -> S  KEYS       start point of the hash, a public key a weighted layer
 *                 OT_BASE    the receiver's message, whose choices are Delta
 *      3  S -> C  OT_BASE    z; then the challenge; then, for k > 1, the trees of the extension
 *      4  C -> S  OT_BASE    the answer */
#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "nn/session.h"

static const uint8_t hello_magic[8] = {'T', 'A', 'C', 'I', 'T', 0, 0, 2}; /* the last byte is the wire version */

#define NONCE_BYTES 32
#define HELLO_OT sizeof hello_magic              /* where k is; 0: as the server likes */
#define HELLO_BYTES (HELLO_OT + 1 + NONCE_BYTES)
#define PLAN_HEAD (1 + NONCE_BYTES)              /* k, nonce */

typedef uint8_t base_keys[OT_BASE_COUNT][PRG_SEED_BYTES];
typedef uint8_t base_key_pairs[OT_BASE_COUNT][2][PRG_SEED_BYTES];

/** session_id: a hash of the channel and of both first messages: a session is bound to the handshake, the plan and both
 * nonces. */
static void session_id(nn_session *s, const uint8_t *hello, const uint8_t *plan, size_t plan_len)
{
    crypto_generichash_state h;
    uint8_t binding[32];
    chan_binding(s->ch, binding);
    crypto_generichash_init(&h, (const uint8_t *)"tacit session", 13, sizeof s->session);
    crypto_generichash_update(&h, binding, sizeof binding);
    crypto_generichash_update(&h, hello, HELLO_BYTES);
    crypto_generichash_update(&h, plan, plan_len);
    crypto_generichash_final(&h, s->session, sizeof s->session);
}

/* ---- the server ---- */

/** server_hello: 0 <- HELLO. */
static int server_hello(nn_server *v, const nn_serve_options *o, uint8_t hello[HELLO_BYTES])
{
    nn_session *s = &v->s;
    int rc;

    chan_set_inbox(s->ch, 0); /* until there is a plan */
    TRY(nn_get(s, CHAN_HELLO, 0, hello, HELLO_BYTES));
    if (memcmp(hello, hello_magic, sizeof hello_magic))
        return err_set(ERR_PEER, "hello: magic or version is not ours");
    s->ot = hello[HELLO_OT] ? hello[HELLO_OT] : o->ot;
    if (!ot_ext_valid(s->ot))
        return err_set(hello[HELLO_OT] ? ERR_PEER : ERR_ARG, "hello: OT extension: k is 1, 2, 4 or 8, not %u", s->ot);
    if (o->admit)
        TRY(o->admit(o->arg));
out:
    return rc;
}

/** server_plan: 1 -> PLAN, and the session's id. */
static int server_plan(nn_server *v, const uint8_t hello[HELLO_BYTES])
{
    nn_session *s = &v->s;
    const size_t len = PLAN_HEAD + v->m->wire_len;
    uint8_t *plan = mem_alloc(1, len);
    int rc;

    TRY_MEM(plan);
    plan[0] = (uint8_t)s->ot;
    prg_bytes(s->rng, plan + 1, NONCE_BYTES);
    memcpy(plan + PLAN_HEAD, v->m->wire, v->m->wire_len);
    session_id(s, hello, plan, len);
    chan_set_inbox(s->ch, nn_size_inbox(s->plan, s->plan->max_batch, 1));
    TRY(nn_put(s, CHAN_PLAN, 1, plan, len));
out:
    mem_free(plan);
    return rc;
}

/** server_keys: 2 <- KEYS. */
static int server_keys(nn_server *v)
{
    nn_session *s = &v->s;
    const size_t len = nn_size_keys(s->plan);
    uint8_t *keys = mem_alloc(1, len);
    const uint8_t *at = keys;
    int rc;

    TRY_MEM(keys);
    TRY(nn_get(s, CHAN_KEYS, 2, keys, len));
    memcpy(&v->gc.gc.start, at, sizeof(block));
    at += sizeof(block);
    for (uint32_t i = 0; i < s->plan->layers; i++) {
        TRY(ckks_pk_read(&v->pk[i], s->params[i], s->session, at));
        at += ckks_pk_bytes(s->params[i]);
    }
out:
    mem_free(keys);
    return rc;
}

/** server_extension: 3 -> OT_BASE: makes the receiver of the extension and sends the trees. */
static int server_extension(nn_server *v, const base_key_pairs keys)
{
    const size_t len = ot_ext_setup_bytes(v->s.ot);
    uint8_t *message = mem_alloc(1, len);
    int rc;

    TRY_MEM(message);
    TRY(ot_ext_receiver_create(&v->gc.ot, message, v->s.ot, keys));
    if (len)
        TRY(nn_put(&v->s, CHAN_OT_BASE, 3, message, len));
out:
    mem_free(message);
    return rc;
}

/** server_base: 2 <- OT_BASE, 3 -> OT_BASE, 4 <- OT_BASE. */
static int server_base(nn_server *v)
{
    nn_session *s = &v->s;
    uint8_t message[OT_BASE_MESSAGE_BYTES], element[OT_BASE_ELEMENT_BYTES], challenge[OT_BASE_CHALLENGE_BYTES],
        answer[OT_BASE_ANSWER_BYTES];
    base_key_pairs keys;
    ot_base_sender *base = NULL;
    int rc;

    TRY(nn_get(s, CHAN_OT_BASE, 2, message, sizeof message));
    TRY(ot_base_send_start(&base, element, message, s->session, s->rng));
    TRY(nn_put(s, CHAN_OT_BASE, 3, element, sizeof element));
    TRY(chan_flush(s->ch)); /* both multiply at the same time */
    TRY(ot_base_send_challenge(base, challenge, keys));
    TRY(nn_put(s, CHAN_OT_BASE, 3, challenge, sizeof challenge));
    TRY(server_extension(v, (const uint8_t(*)[2][PRG_SEED_BYTES])keys));
    TRY(nn_get(s, CHAN_OT_BASE, 4, answer, sizeof answer));
    TRY(ot_base_send_finish(base, answer));
out:
    mem_wipe(keys, sizeof keys);
    ot_base_sender_free(base);
    return rc;
}

int nn_server_open(nn_server *v, chan *ch, const nn_prepared *m, const nn_serve_options *o, prg *rng)
{
    nn_session *s = &v->s;
    uint8_t hello[HELLO_BYTES];
    int rc;

    memset(v, 0, sizeof *v);
    nn_session_start(s, ch, rng);
    v->m = m;
    TRY(server_hello(v, o, hello));
    TRY(nn_session_common(s, &m->common));
    TRY_MEM(v->sum = mem_alloc(m->sum_words, sizeof *v->sum));
    TRY(server_plan(v, hello));
    TRY(server_keys(v));
    TRY(server_base(v));
    memset(s->flight_seen, 0, sizeof s->flight_seen);
out:
    return rc;
}

void nn_server_close(nn_server *v)
{
    nn_phase(&v->s, NN_PHASE_WAIT);
    for (uint32_t i = 0; i < NN_MAX_LAYERS; i++)
        ckks_pk_free(v->pk[i]);
    ot_ext_receiver_free(v->gc.ot);
    nn_server_input(v, NULL);
    mem_free(v->sum);
    mem_free(v->logits);
    nn_session_free(&v->s);
}

/* ---- the client ---- */

/** client_plan: 0 -> HELLO, 1 <- PLAN, checked before anything is made of it; the session's id. */
static int client_plan(nn_client *c, unsigned ot)
{
    nn_session *s = &c->s;
    const size_t cap = PLAN_HEAD + NN_PLAN_BYTES_MAX;
    uint8_t hello[HELLO_BYTES], *plan = mem_alloc(1, cap);
    size_t len;
    int rc;

    TRY_MEM(plan);
    memcpy(hello, hello_magic, sizeof hello_magic);
    hello[HELLO_OT] = (uint8_t)ot;
    prg_bytes(s->rng, hello + HELLO_OT + 1, NONCE_BYTES);
    TRY(nn_put(s, CHAN_HELLO, 0, hello, sizeof hello));
    TRY(chan_recv_var(s->ch, CHAN_PLAN, 1, plan, cap, &len));
    if (len < PLAN_HEAD)
        TRY(err_set(ERR_PEER, "plan: %zu bytes are too few", len));
    if (!ot_ext_valid(plan[0]) || (ot && plan[0] != ot))
        TRY(err_set(ERR_PEER, "plan: OT extension: k = %u is not what was asked for", plan[0]));
    s->ot = plan[0];
    session_id(s, hello, plan, len);
    TRY(nn_plan_read(&c->common.plan, plan + PLAN_HEAD, len - PLAN_HEAD));
    chan_set_inbox(s->ch, nn_size_inbox(&c->common.plan, c->common.plan.max_batch, 0));
out:
    mem_free(plan);
    if (rc)
        c->common.plan.layers = 0; /* nothing was made of it */
    return rc;
}

/** client_keys: 2 -> KEYS: a fresh key pair for every weighted layer (what is encrypted for one depends on the key of
 * the one before). */
static int client_keys(nn_client *c)
{
    nn_session *s = &c->s;
    const size_t len = nn_size_keys(s->plan);
    uint8_t *keys = mem_alloc(1, len), *at = keys;
    int rc;

    TRY_MEM(keys);
    prg_bytes(s->rng, &c->gc.gc.start, sizeof(block));
    memcpy(at, &c->gc.gc.start, sizeof(block));
    at += sizeof(block);
    for (uint32_t i = 0; i < s->plan->layers; i++) {
        ckks_pk *pk = NULL;
        TRY(ckks_sk_create(&c->sk[i], s->params[i], s->rng));
        TRY(ckks_pk_create(&pk, c->sk[i], s->session, s->rng));
        ckks_pk_write(pk, at);
        at += ckks_pk_bytes(s->params[i]);
        ckks_pk_free(pk);
    }
    TRY(nn_put(s, CHAN_KEYS, 2, keys, len));
out:
    mem_free(keys);
    return rc;
}

/** client_extension: 3 <- OT_BASE: the sender of the extension from the server's trees. */
static int client_extension(nn_client *c, const base_keys keys)
{
    const size_t len = ot_ext_setup_bytes(c->s.ot);
    uint8_t *message = mem_alloc(1, len);
    int rc;

    TRY_MEM(message);
    if (len)
        TRY(nn_get(&c->s, CHAN_OT_BASE, 3, message, len));
    TRY(ot_ext_sender_create(&c->gc.ot, message, c->s.ot, keys, &c->gc.gc.delta));
out:
    mem_free(message);
    return rc;
}

/** client_base: 2 -> OT_BASE, 3 <- OT_BASE, 4 -> OT_BASE. */
static int client_base(nn_client *c)
{
    nn_session *s = &c->s;
    uint8_t message[OT_BASE_MESSAGE_BYTES], element[OT_BASE_ELEMENT_BYTES], challenge[OT_BASE_CHALLENGE_BYTES],
        answer[OT_BASE_ANSWER_BYTES];
    base_keys keys;
    ot_base_receiver *base = NULL;
    block *delta = &c->gc.gc.delta;
    int rc;

    prg_bytes(s->rng, delta, sizeof *delta);
    delta->w[0] |= 1;
    TRY(ot_base_recv_start(&base, message, delta, s->session, s->rng));
    TRY(nn_put(s, CHAN_OT_BASE, 2, message, sizeof message));
    TRY(nn_get(s, CHAN_OT_BASE, 3, element, sizeof element));
    TRY(ot_base_recv_element(base, element));
    TRY(nn_get(s, CHAN_OT_BASE, 3, challenge, sizeof challenge));
    TRY(ot_base_recv_finish(base, keys, answer, challenge));
    TRY(client_extension(c, (const uint8_t(*)[PRG_SEED_BYTES])keys));
    TRY(nn_put(s, CHAN_OT_BASE, 4, answer, sizeof answer));
    TRY(chan_flush(s->ch));
out:
    mem_wipe(keys, sizeof keys);
    ot_base_receiver_free(base);
    return rc;
}

int nn_client_setup(nn_client *c, chan *ch, unsigned ot, prg *rng)
{
    nn_session *s = &c->s;
    int rc;

    memset(c, 0, sizeof *c);
    nn_session_start(s, ch, rng);
    TRY(client_plan(c, ot));
    TRY(nn_common_create(&c->common));
    TRY(nn_session_common(s, &c->common));
    TRY(client_keys(c));
    TRY(client_base(c));
    memset(s->flight_seen, 0, sizeof s->flight_seen);
out:
    return rc;
}

void nn_client_teardown(nn_client *c)
{
    for (uint32_t i = 0; i < NN_MAX_LAYERS; i++)
        ckks_sk_free(c->sk[i]);
    ot_ext_sender_free(c->gc.ot);
    mem_wipe(&c->gc.gc, sizeof c->gc.gc);
    mem_free(c->logits);
    nn_session_free(&c->s);
    nn_common_free(&c->common);
}
