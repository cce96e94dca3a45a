// SPDX-License-Identifier: ISC
#include "nn/session.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

static const uint8_t hello_magic[8] = {'T', 'A', 'C', 'I', 'T', 0, 0, 1}; /* the last byte is the wire version */

#define NONCE_BYTES 32
#define HELLO_BYTES (sizeof hello_magic + 1 + NONCE_BYTES) /* magic, the k of OT extension that is asked for or 0, nonce */
#define PLAN_HEAD (1 + NONCE_BYTES)                           /* that k, nonce */

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int nn_phase(nn_session *s, int phase)
{
    int before = s->phase;
    double t = now();
    s->stats.seconds[before] += t - s->since;
    s->since = t;
    s->phase = phase;
    return before;
}

int nn_put(nn_session *s, unsigned kind, unsigned flight, const void *data, size_t len)
{
    int before = nn_phase(s, NN_PHASE_WAIT);
    s->flight_seen[flight / 64 % 4] |= UINT64_C(1) << flight % 64;
    int rc = chan_send(s->ch, kind, flight, data, len);
    nn_phase(s, before);
    return rc;
}

int nn_get(nn_session *s, unsigned kind, unsigned flight, void *data, size_t len)
{
    int before = nn_phase(s, NN_PHASE_WAIT);
    s->flight_seen[flight / 64 % 4] |= UINT64_C(1) << flight % 64;
    int rc = chan_recv(s->ch, kind, flight, data, len);
    nn_phase(s, before);
    return rc;
}

void nn_batch_end(nn_session *s)
{
    uint32_t flights = 0;
    for (int i = 0; i < 4; i++)
        flights += (uint32_t)__builtin_popcountll(s->flight_seen[i]);
    if (flights > s->stats.flights)
        s->stats.flights = flights;
    s->stats.images += s->batch;
    s->stats.batches++;
    memset(s->flight_seen, 0, sizeof s->flight_seen);
    mem_free(s->share);
    s->share = NULL;
}

uint32_t nn_chunk(const nn_plan_layer *a, uint32_t batch)
{
    uint32_t e = 4096 / batch; /* lanes whose labels and rows stay in the cache */
    if (e > 512)
        e = 512;
    if (e > a->out)
        e = a->out;
    return e ? e : 1;
}

uint32_t nn_argmax_lanes(const nn_plan_layer *last, uint32_t batch)
{
    /* an adder and a comparison with its multiplexer are 3 ANDs a bit, 96 bytes a lane: at most 24 MiB of rows */
    uint32_t lanes = (UINT32_C(1) << 18) / (last->out * nn_k(last)) / 8 * 8;
    if (lanes < 8)
        lanes = 8;
    return lanes < batch ? lanes : batch;
}

/** session_prepare: everything that follows from the plan alone. */
static int session_prepare(nn_session *s)
{
    const nn_plan *p = &s->plan;
    const nn_plan_layer *last = &p->layer[p->layers - 1];
    size_t words = 0;

    for (uint32_t i = 0; i < p->layers; i++) {
        for (uint32_t j = 0; j < i && !s->params[i]; j++)
            if (!memcmp(&p->layer[i].ckks, &p->layer[j].ckks, sizeof p->layer[i].ckks))
                s->params[i] = s->params[j];
        int rc = s->params[i] ? 0 : ckks_params_create(&s->params[i], &p->layer[i].ckks);
        if (rc)
            return rc;
        if (convert_scratch_words(s->params[i]) > words)
            words = convert_scratch_words(s->params[i]);
    }
    s->scratch = mem_alloc(words, sizeof *s->scratch);
    if (!s->scratch)
        return err_set(ERR_MEM, "out of memory for a session's scratch");
    return gc_argmax_circuit(&s->argmax, last->out, nn_k(last), nn_drop(last));
}

static void session_start(nn_session *s, chan *ch, prg *rng)
{
    s->ch = ch;
    s->rng = rng;
    s->phase = NN_PHASE_SETUP;
    s->since = now();
}

static void session_free(nn_session *s)
{
    for (uint32_t i = s->plan.layers; i-- > 0;) {
        int shared = 0;
        for (uint32_t j = 0; j < i; j++)
            shared |= s->params[i] == s->params[j];
        if (!shared)
            ckks_params_free(s->params[i]);
        s->params[i] = NULL;
    }
    gc_circuit_free(s->argmax);
    mem_free(s->scratch);
    mem_free(s->share);
}

/** session_id: a hash of both first messages, so that a session is bound to the plan and to both nonces. */
static void session_id(uint8_t id[32], const uint8_t *hello, const uint8_t *answer, size_t answer_len)
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, (const uint8_t *)"tacit session", 13, 32);
    crypto_generichash_update(&h, hello, HELLO_BYTES);
    crypto_generichash_update(&h, answer, answer_len);
    crypto_generichash_final(&h, id, 32);
}

static size_t keys_bytes(const nn_session *s)
{
    size_t len = sizeof(block);
    for (uint32_t i = 0; i < s->plan.layers; i++)
        len += ckks_pk_bytes(s->params[i]);
    return len;
}

/* ---- set-up: the server ---- */

/** server_extension: makes the receiver of the extension and sends its set-up message. */
static int server_extension(nn_server *v, const uint8_t keys[OT_BASE_COUNT][2][PRG_SEED_BYTES])
{
    const size_t len = ot_ext_setup_bytes(v->s.ot);
    uint8_t *message = mem_alloc(1, len);
    if (!message)
        return err_set(ERR_MEM, "out of memory");
    int rc = ot_ext_receiver_create(&v->gc.ot, message, v->s.ot, keys);
    if (!rc && len)
        rc = nn_put(&v->s, CHAN_OT_BASE, 3, message, len);
    mem_free(message);
    return rc;
}

int nn_server_open(nn_server *v, chan *ch, const nn_qmodel *q, unsigned ot, prg *rng)
{
    nn_session *s = &v->s;
    uint8_t hello[HELLO_BYTES], keys[OT_BASE_COUNT][2][PRG_SEED_BYTES], element[OT_BASE_ELEMENT_BYTES], answer[OT_BASE_ANSWER_BYTES];
    uint8_t *buf = NULL, *plan = NULL;
    ot_base_sender *base = NULL;
    size_t len;
    int rc;

    memset(v, 0, sizeof *v);
    session_start(s, ch, rng);
    v->q = q;
    s->plan = q->plan;
    unsigned wbits = 2;
    for (uint32_t i = 0; i < s->plan.layers; i++)
        for (uint32_t e = 0; e < q->layer[i].row[q->layer[i].out]; e++)
            while (q->layer[i].w[e] >= 1 << wbits >> 1 || q->layer[i].w[e] <= -(1 << wbits >> 1))
                wbits++;
    if ((rc = session_prepare(s)))
        goto out;
    for (uint32_t i = 0; i < s->plan.layers; i++)
        if ((rc = convert_matrix_create(&v->weights[i], wbits, q->layer[i].out, q->layer[i].row, q->layer[i].col, q->layer[i].w)))
            goto out;

    rc = ERR_MEM;
    size_t sum = 0;
    for (uint32_t i = 0; i < s->plan.layers; i++) {
        const size_t words = nn_min(NN_WEIGH, s->plan.layer[i].out) * convert_ct_words(s->params[i]);
        sum = words > sum ? words : sum;
    }
    if (!(v->sum = mem_alloc(sum, sizeof *v->sum)))
        goto out;
    plan = mem_alloc(1, PLAN_HEAD + NN_PLAN_BYTES_MAX);
    buf = mem_alloc(1, keys_bytes(s));
    if (!plan || !buf)
        goto out;

    if ((rc = nn_get(s, CHAN_HELLO, 0, hello, sizeof hello)))
        goto out;
    if (memcmp(hello, hello_magic, sizeof hello_magic)) {
        rc = err_set(ERR_PEER, "hello: magic or version is not ours");
        goto out;
    }
    s->ot = hello[sizeof hello_magic] ? hello[sizeof hello_magic] : ot;
    if (!ot_ext_valid(s->ot)) {
        rc = err_set(s->ot == ot ? ERR_ARG : ERR_PEER, "hello: OT extension: k is 1, 2, 4 or 8, not %u", s->ot);
        goto out;
    }
    plan[0] = (uint8_t)s->ot;
    prg_bytes(rng, plan + 1, NONCE_BYTES);
    len = PLAN_HEAD + nn_plan_write(&s->plan, plan + PLAN_HEAD);
    session_id(s->session, hello, plan, len);
    if ((rc = nn_put(s, CHAN_PLAN, 1, plan, len)) || (rc = nn_get(s, CHAN_KEYS, 2, buf, keys_bytes(s))))
        goto out;
    memcpy(&v->gc.gc.start, buf, sizeof(block));
    len = sizeof(block);
    for (uint32_t i = 0; i < s->plan.layers; i++) {
        if ((rc = ckks_pk_read(&v->pk[i], s->params[i], buf + len)))
            goto out;
        len += ckks_pk_bytes(s->params[i]);
    }
    mem_free(buf);
    rc = ERR_MEM;
    if (!(buf = mem_alloc(1, OT_BASE_MESSAGE_BYTES + OT_BASE_CHALLENGE_BYTES)))
        goto out;
    uint8_t *challenge = buf + OT_BASE_MESSAGE_BYTES;
    if ((rc = nn_get(s, CHAN_OT_BASE, 2, buf, OT_BASE_MESSAGE_BYTES)) || (rc = ot_base_send_start(&base, element, buf, s->session, rng)) ||
        (rc = nn_put(s, CHAN_OT_BASE, 3, element, sizeof element)) || (rc = chan_flush(ch)) || /* both multiply at the same time */
        (rc = ot_base_send_challenge(base, challenge, keys)) || (rc = nn_put(s, CHAN_OT_BASE, 3, challenge, OT_BASE_CHALLENGE_BYTES)) ||
        (rc = server_extension(v, (const uint8_t(*)[2][PRG_SEED_BYTES])keys)) ||
        (rc = nn_get(s, CHAN_OT_BASE, 4, answer, sizeof answer)) || (rc = ot_base_send_finish(base, answer)))
        goto out;
    memset(s->flight_seen, 0, sizeof s->flight_seen);
out:
    mem_wipe(keys, sizeof keys);
    ot_base_sender_free(base);
    mem_free(plan);
    mem_free(buf);
    return rc;
}

void nn_server_close(nn_server *v)
{
    nn_phase(&v->s, NN_PHASE_WAIT);
    for (uint32_t i = 0; i < v->s.plan.layers; i++) {
        ckks_pk_free(v->pk[i]);
        convert_matrix_free(v->weights[i]);
    }
    ot_ext_receiver_free(v->gc.ot);
    nn_server_input(v, NULL);
    mem_free(v->sum);
    mem_free(v->logits);
    session_free(&v->s);
}

/* ---- set-up: the client ---- */

/** client_keys: a fresh key pair for every weighted layer (what is encrypted for one depends on the key of the one before). */
static int client_keys(nn_client *c, uint8_t *wire)
{
    nn_session *s = &c->s;

    prg_bytes(s->rng, &c->gc.gc.start, sizeof(block));
    memcpy(wire, &c->gc.gc.start, sizeof(block));
    wire += sizeof(block);
    for (uint32_t i = 0; i < s->plan.layers; i++) {
        ckks_pk *pk = NULL;
        int rc = ckks_sk_create(&c->sk[i], s->params[i], s->rng);
        if (!rc)
            rc = ckks_pk_create(&pk, c->sk[i], s->rng);
        if (rc)
            return rc;
        ckks_pk_write(pk, wire);
        wire += ckks_pk_bytes(s->params[i]);
        ckks_pk_free(pk);
    }
    return 0;
}

/** client_extension: the sender of the extension from the server's set-up message. */
static int client_extension(nn_client *c, const uint8_t keys[OT_BASE_COUNT][PRG_SEED_BYTES])
{
    const size_t len = ot_ext_setup_bytes(c->s.ot);
    uint8_t *message = mem_alloc(1, len);
    int rc = message ? 0 : err_set(ERR_MEM, "out of memory");
    if (!rc && len)
        rc = nn_get(&c->s, CHAN_OT_BASE, 3, message, len);
    if (!rc)
        rc = ot_ext_sender_create(&c->gc.ot, message, c->s.ot, keys, &c->gc.gc.delta);
    mem_free(message);
    return rc;
}

/** client_plan: reads PLAN. */
static int client_plan(nn_client *c, unsigned ot, const uint8_t *plan, size_t len)
{
    if (len < PLAN_HEAD)
        return err_set(ERR_PEER, "plan: %zu bytes are too few", len);
    if (!ot_ext_valid(plan[0]) || (ot && plan[0] != ot))
        return err_set(ERR_PEER, "plan: OT extension: k = %u is not what was asked for", plan[0]);
    c->s.ot = plan[0];
    int rc = nn_plan_read(&c->s.plan, plan + PLAN_HEAD, len - PLAN_HEAD);
    if (rc)
        c->s.plan.layers = 0;
    return rc;
}

int nn_client_setup(nn_client *c, chan *ch, unsigned ot, prg *rng)
{
    nn_session *s = &c->s;
    uint8_t hello[HELLO_BYTES], keys[OT_BASE_COUNT][PRG_SEED_BYTES], element[OT_BASE_ELEMENT_BYTES], answer[OT_BASE_ANSWER_BYTES];
    uint8_t *buf = NULL, *plan = NULL;
    ot_base_receiver *base = NULL;
    block *delta = &c->gc.gc.delta;
    size_t len;
    int rc = ERR_MEM;

    memset(c, 0, sizeof *c);
    session_start(s, ch, rng);
    plan = mem_alloc(1, PLAN_HEAD + NN_PLAN_BYTES_MAX);
    if (!plan)
        goto out;
    memcpy(hello, hello_magic, sizeof hello_magic);
    hello[sizeof hello_magic] = (uint8_t)ot;
    prg_bytes(rng, hello + sizeof hello_magic + 1, NONCE_BYTES);
    if ((rc = nn_put(s, CHAN_HELLO, 0, hello, sizeof hello)) ||
        (rc = chan_recv_var(ch, CHAN_PLAN, 1, plan, PLAN_HEAD + NN_PLAN_BYTES_MAX, &len)))
        goto out;
    session_id(s->session, hello, plan, len);
    if ((rc = client_plan(c, ot, plan, len)) || (rc = session_prepare(s)))
        goto out;

    rc = ERR_MEM;
    if (!(buf = mem_alloc(1, keys_bytes(s) + OT_BASE_MESSAGE_BYTES + OT_BASE_CHALLENGE_BYTES)))
        goto out;
    uint8_t *message = buf + keys_bytes(s), *challenge = message + OT_BASE_MESSAGE_BYTES;
    prg_bytes(rng, delta, sizeof *delta);
    delta->w[0] |= 1;
    if ((rc = client_keys(c, buf)) || (rc = ot_base_recv_start(&base, message, delta, s->session, rng)) ||
        (rc = nn_put(s, CHAN_KEYS, 2, buf, keys_bytes(s))) || (rc = nn_put(s, CHAN_OT_BASE, 2, message, OT_BASE_MESSAGE_BYTES)) ||
        (rc = nn_get(s, CHAN_OT_BASE, 3, element, sizeof element)) || (rc = ot_base_recv_element(base, element)) ||
        (rc = nn_get(s, CHAN_OT_BASE, 3, challenge, OT_BASE_CHALLENGE_BYTES)) ||
        (rc = ot_base_recv_finish(base, keys, answer, challenge)) || (rc = client_extension(c, (const uint8_t(*)[PRG_SEED_BYTES])keys)) ||
        (rc = nn_put(s, CHAN_OT_BASE, 4, answer, sizeof answer)) || (rc = chan_flush(ch)))
        goto out;
    memset(s->flight_seen, 0, sizeof s->flight_seen);
out:
    mem_wipe(keys, sizeof keys);
    ot_base_receiver_free(base);
    mem_free(plan);
    mem_free(buf);
    return rc;
}

void nn_client_teardown(nn_client *c)
{
    for (uint32_t i = 0; i < c->s.plan.layers; i++)
        ckks_sk_free(c->sk[i]);
    ot_ext_sender_free(c->gc.ot);
    mem_wipe(&c->gc.gc, sizeof c->gc.gc);
    mem_free(c->logits);
    session_free(&c->s);
}
