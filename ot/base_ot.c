// SPDX-License-Identifier: ISC
#include "ot/base_ot.h"

#include <sodium.h>
#include <string.h>

#include "base/ct.h"
#include "base/mem.h"

#define POINT crypto_core_ristretto255_BYTES
#define SCALAR crypto_core_ristretto255_SCALARBYTES
#define WIDE 64 /* bytes that are reduced to a scalar or mapped to an element: 2^-250 from uniform */
#define DIGEST 32

enum { STARTED, MULTIPLIED, FINISHED }; /* an object's life: steps are taken once and in order */

struct ot_base_receiver {
    block choice;
    int state;
    uint8_t session[DIGEST], transcript[DIGEST];
    uint8_t message[OT_BASE_MESSAGE_BYTES]; /* own, for the transcript */
    uint8_t scalar[OT_BASE_COUNT][SCALAR];
    uint8_t key[OT_BASE_COUNT][DIGEST];
};

struct ot_base_sender {
    int state;
    uint8_t session[DIGEST];
    uint8_t message[OT_BASE_MESSAGE_BYTES], element[POINT];
    uint8_t scalar[SCALAR];
    uint8_t t[POINT], answer[DIGEST];
};

_Static_assert(POINT == OT_BASE_ELEMENT_BYTES && DIGEST == PRG_SEED_BYTES && DIGEST == OT_BASE_ANSWER_BYTES, "one size for all");
_Static_assert(OT_BASE_COUNT >= 80, "[CSW20]: more instances than twice the statistical parameter");

/* Domain separation of the hashes: BLAKE2b's personalisation. */
static const uint8_t dom_group[] = "tacit-ot-2-group", dom_transcript[] = "tacit-ot-2-trans", dom_key[] = "tacit-ot-2-key..",
                     dom_mark[] = "tacit-ot-2-mark.", dom_answer[] = "tacit-ot-2-answ.", dom_proof[] = "tacit-ot-2-proof";
_Static_assert(sizeof dom_group == crypto_generichash_blake2b_PERSONALBYTES + 1 && sizeof dom_transcript == sizeof dom_group &&
                   sizeof dom_key == sizeof dom_group && sizeof dom_mark == sizeof dom_group && sizeof dom_answer == sizeof dom_group &&
                   sizeof dom_proof == sizeof dom_group,
               "a personalisation is 16 bytes");

/* out = BLAKE2b(prefix[32], data). */
static void hash(uint8_t *out, size_t out_len, const uint8_t *domain, const uint8_t prefix[DIGEST], const uint8_t *data, size_t len)
{
    crypto_generichash_blake2b_state h;
    crypto_generichash_blake2b_init_salt_personal(&h, NULL, 0, out_len, NULL, domain);
    crypto_generichash_blake2b_update(&h, prefix, DIGEST);
    crypto_generichash_blake2b_update(&h, data, len);
    crypto_generichash_blake2b_final(&h, out, out_len);
    mem_wipe(&h, sizeof h);
}

/* A hash of instance i: (transcript, i, x). */
static void hash_instance(uint8_t out[DIGEST], const uint8_t *domain, const uint8_t transcript[DIGEST], unsigned i, const uint8_t x[32])
{
    uint8_t in[4 + 32];
    for (unsigned k = 0; k < 4; k++) in[k] = (uint8_t)(i >> (8 * k));
    memcpy(in + 4, x, 32);
    hash(out, DIGEST, domain, transcript, in, sizeof in);
    mem_wipe(in, sizeof in);
}

/* T: nobody knows its logarithm.  Public. */
static void second_generator(uint8_t t[POINT], const uint8_t session[DIGEST], const uint8_t seed[32])
{
    uint8_t wide[WIDE];
    hash(wide, sizeof wide, dom_group, session, seed, 32);
    crypto_core_ristretto255_from_hash(t, wide);
}

static void make_transcript(uint8_t out[DIGEST], const uint8_t session[DIGEST], const uint8_t *message, const uint8_t *element)
{
    uint8_t all[OT_BASE_MESSAGE_BYTES + POINT];
    memcpy(all, message, OT_BASE_MESSAGE_BYTES);
    memcpy(all + OT_BASE_MESSAGE_BYTES, element, POINT);
    hash(out, DIGEST, dom_transcript, session, all, sizeof all);
}

/* a and p from every instance's h(key_(i,0)). */
static void make_answer(uint8_t answer[DIGEST], uint8_t proof[DIGEST], const uint8_t transcript[DIGEST], const uint8_t mark[][DIGEST])
{
    hash(answer, DIGEST, dom_answer, transcript, mark[0], (size_t)OT_BASE_COUNT * DIGEST);
    hash(proof, DIGEST, dom_proof, transcript, answer, DIGEST);
}

static void random_scalar(uint8_t s[SCALAR], prg *rng)
{
    uint8_t wide[WIDE];
    prg_bytes(rng, wide, sizeof wide);
    crypto_core_ristretto255_scalar_reduce(s, wide);
    mem_wipe(wide, sizeof wide);
}

static uint64_t choice_bit(const block *c, unsigned i) { return (c->w[i / 64] >> (i % 64)) & 1; }

int ot_base_recv_start(ot_base_receiver **out, uint8_t message[OT_BASE_MESSAGE_BYTES], const block *choice, const uint8_t session[32],
                       prg *rng)
{
    uint8_t t[POINT], plain[POINT], moved[POINT];
    int bad = 0;
    *out = NULL;
    ot_base_receiver *r = mem_alloc(1, sizeof *r);
    if (!r) return err_set(ERR_MEM, "base OT: out of memory");
    r->choice = *choice;
    memcpy(r->session, session, DIGEST);
    prg_bytes(rng, r->message, 32);
    second_generator(t, session, r->message);
    for (unsigned i = 0; i < OT_BASE_COUNT; i++) {
        random_scalar(r->scalar[i], rng);
        bad |= crypto_scalarmult_ristretto255_base(plain, r->scalar[i]);
        bad |= crypto_core_ristretto255_add(moved, plain, t);
        uint8_t mask = (uint8_t)ct_mask(choice_bit(choice, i)), *b = r->message + 32 + (size_t)i * POINT;
        for (unsigned k = 0; k < POINT; k++) b[k] = (uint8_t)(plain[k] ^ (mask & (plain[k] ^ moved[k])));
    }
    mem_wipe(plain, sizeof plain);
    mem_wipe(moved, sizeof moved);
    if (bad) {
        mem_wipe(message, OT_BASE_MESSAGE_BYTES);
        ot_base_receiver_free(r);
        return err_set(ERR_ARG, "base OT: the generator gave a zero scalar");
    }
    memcpy(message, r->message, OT_BASE_MESSAGE_BYTES);
    *out = r;
    return 0;
}

int ot_base_send_start(ot_base_sender **out, uint8_t element[OT_BASE_ELEMENT_BYTES], const uint8_t message[OT_BASE_MESSAGE_BYTES],
                       const uint8_t session[32], prg *rng)
{
    *out = NULL;
    ot_base_sender *s = mem_alloc(1, sizeof *s);
    if (!s) return err_set(ERR_MEM, "base OT: out of memory");
    memcpy(s->session, session, DIGEST);
    memcpy(s->message, message, OT_BASE_MESSAGE_BYTES);
    second_generator(s->t, session, message);
    random_scalar(s->scalar, rng);
    if (crypto_scalarmult_ristretto255_base(s->element, s->scalar)) {
        ot_base_sender_free(s);
        mem_wipe(element, OT_BASE_ELEMENT_BYTES);
        return err_set(ERR_ARG, "base OT: the generator gave a zero scalar");
    }
    memcpy(element, s->element, POINT);
    *out = s;
    return 0;
}

/* key_(i,0) and key_(i,1); returns nonzero for an element that is refused. */
static int both_keys(uint8_t keys[2][DIGEST], const ot_base_sender *s, const uint8_t transcript[DIGEST], const uint8_t rt[POINT],
                     unsigned i)
{
    uint8_t p[2][POINT];
    /* fails for an encoding that is not canonical and for the identity: the group's order is prime and r is not 0 */
    int bad = crypto_scalarmult_ristretto255(p[0], s->scalar, s->message + 32 + (size_t)i * POINT);
    bad = bad || crypto_core_ristretto255_sub(p[1], p[0], rt) || sodium_is_zero(p[1], POINT);
    if (!bad)
        for (unsigned j = 0; j < 2; j++) hash_instance(keys[j], dom_key, transcript, i, p[j]);
    mem_wipe(p, sizeof p);
    return bad;
}

int ot_base_send_challenge(ot_base_sender *s, uint8_t challenge[OT_BASE_CHALLENGE_BYTES],
                           uint8_t keys[OT_BASE_COUNT][2][PRG_SEED_BYTES])
{
    uint8_t transcript[DIGEST], rt[POINT], other[DIGEST], mark[OT_BASE_COUNT][DIGEST];
    int code = s->state == STARTED ? 0 : err_set(ERR_ARG, "base OT: a sender challenges once");
    make_transcript(transcript, s->session, s->message, s->element);
    if (!code && crypto_scalarmult_ristretto255(rt, s->scalar, s->t)) code = err_set(ERR_PEER, "base OT message: T is the identity");
    for (unsigned i = 0; i < OT_BASE_COUNT && !code; i++) {
        if (both_keys(keys[i], s, transcript, rt, i)) {
            code = err_set(ERR_PEER, "base OT message: element %u is not canonical, the identity or T", i);
            break;
        }
        uint8_t *c = challenge + (size_t)i * DIGEST;
        hash_instance(mark[i], dom_mark, transcript, i, keys[i][0]);
        hash_instance(other, dom_mark, transcript, i, keys[i][1]);
        for (unsigned k = 0; k < DIGEST; k++) c[k] = mark[i][k] ^ other[k];
    }
    s->state = FINISHED;
    if (code) {
        mem_wipe(challenge, OT_BASE_CHALLENGE_BYTES);
        mem_wipe(keys, (size_t)OT_BASE_COUNT * 2 * PRG_SEED_BYTES);
    } else {
        make_answer(s->answer, challenge + (size_t)OT_BASE_COUNT * DIGEST, transcript, (const uint8_t(*)[DIGEST])mark);
        s->state = MULTIPLIED;
    }
    mem_wipe(s->scalar, sizeof s->scalar);
    mem_wipe(rt, sizeof rt);
    mem_wipe(other, sizeof other);
    mem_wipe(mark, sizeof mark);
    return code;
}

int ot_base_recv_element(ot_base_receiver *r, const uint8_t element[OT_BASE_ELEMENT_BYTES])
{
    uint8_t p[POINT];
    int bad = 0;
    if (r->state != STARTED) return err_set(ERR_ARG, "base OT: a receiver takes one element");
    make_transcript(r->transcript, r->session, r->message, element);
    for (unsigned i = 0; i < OT_BASE_COUNT && !bad; i++) {
        bad = crypto_scalarmult_ristretto255(p, r->scalar[i], element); /* as above: fails for a bad z only */
        if (!bad) hash_instance(r->key[i], dom_key, r->transcript, i, p);
    }
    mem_wipe(r->scalar, sizeof r->scalar);
    mem_wipe(p, sizeof p);
    r->state = bad ? FINISHED : MULTIPLIED;
    return bad ? err_set(ERR_PEER, "base OT element: not canonical, or the identity") : 0;
}

int ot_base_recv_finish(ot_base_receiver *r, uint8_t keys[OT_BASE_COUNT][PRG_SEED_BYTES], uint8_t answer[OT_BASE_ANSWER_BYTES],
                        const uint8_t challenge[OT_BASE_CHALLENGE_BYTES])
{
    uint8_t mark[OT_BASE_COUNT][DIGEST], proof[DIGEST];
    int code = r->state == MULTIPLIED ? 0 : err_set(ERR_ARG, "base OT: a receiver finishes once, after the element");
    for (unsigned i = 0; i < OT_BASE_COUNT && !code; i++) {
        uint8_t mask = (uint8_t)ct_mask(choice_bit(&r->choice, i));
        hash_instance(mark[i], dom_mark, r->transcript, i, r->key[i]);
        for (unsigned k = 0; k < DIGEST; k++) mark[i][k] ^= challenge[(size_t)i * DIGEST + k] & mask;
    }
    if (!code) {
        make_answer(answer, proof, r->transcript, (const uint8_t(*)[DIGEST])mark);
        if (sodium_memcmp(proof, challenge + (size_t)OT_BASE_COUNT * DIGEST, DIGEST))
            code = err_set(ERR_PEER, "base OT challenge: the sender's proof is wrong");
        else
            memcpy(keys, r->key, sizeof r->key);
    }
    if (code) {
        mem_wipe(keys, (size_t)OT_BASE_COUNT * PRG_SEED_BYTES);
        mem_wipe(answer, OT_BASE_ANSWER_BYTES);
    }
    r->state = FINISHED;
    mem_wipe(r->key, sizeof r->key);
    mem_wipe(mark, sizeof mark);
    return code;
}

int ot_base_send_finish(ot_base_sender *s, const uint8_t answer[OT_BASE_ANSWER_BYTES])
{
    if (s->state != MULTIPLIED) return err_set(ERR_ARG, "base OT: a sender finishes once, after its challenge");
    s->state = FINISHED;
    return sodium_memcmp(answer, s->answer, DIGEST) ? err_set(ERR_PEER, "base OT answer: the receiver does not know its keys") : 0;
}

void ot_base_receiver_free(ot_base_receiver *r) { mem_free(r); }
void ot_base_sender_free(ot_base_sender *s) { mem_free(s); }
