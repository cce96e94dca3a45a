// SPDX-License-Identifier: ISC
#include "ot/extend.h"

#include <string.h>

#include "base/ct.h"
#include "base/mem.h"
#include "ot/kern.h"
#include "ot/tree.h"

#define TILE_BYTES (OT_EXT_TILE / 8)
#define STRIDE (TILE_BYTES + OT_FOLD_SLACK) /* one cache line more than a power of two, else the 128 rows fall into a few cache sets */
#define GROUP 16                            /* leaves that are folded at a time */

_Static_assert(OT_BASE_COUNT == 128 && sizeof(block) == 16, "a column for each bit of a block");
_Static_assert(OT_EXT_TILE % 128 == 0 && OT_FOLD_SLACK >= 64 && STRIDE % 64 == 0, "a tile is whole blocks, a row whole vectors");

typedef struct {
    aes128_key key;
    uint64_t nonce;
} leaf;

typedef struct {
    unsigned k;
    uint64_t count; /* OTs so far: 128 * blocks of each leaf's stream */
    leaf *leaves;   /* [128 / k][2^k] */
    _Alignas(64) uint8_t columns[OT_BASE_COUNT][STRIDE];
    _Alignas(64) uint8_t streams[GROUP][STRIDE], sums[GROUP + 1][STRIDE]; /* sums[GROUP]: not of use */
    _Alignas(64) uint8_t u[STRIDE], zero[STRIDE]; /* u: a row with the slack that fold asks for */
} state;

struct ot_ext_sender {
    state st;
    block delta;
    uint8_t mask[OT_BASE_COUNT]; /* delta_j ? 0xff : 0 */
};

struct ot_ext_receiver {
    state st;
    _Alignas(64) uint8_t choice[STRIDE];
};

static size_t min_size(size_t a, size_t b) { return a < b ? a : b; }

size_t ot_ext_setup_bytes(unsigned k) { return OT_BASE_COUNT / k * ot_tree_bytes(k); }

unsigned ot_ext_receiver_k(const ot_ext_receiver *r) { return r->st.k; }
unsigned ot_ext_sender_k(const ot_ext_sender *s) { return s->st.k; }
block ot_ext_sender_delta(const ot_ext_sender *s) { return s->delta; }

/* ---- set-up ---- */

typedef struct {
    ot_seed seeds[1 << OT_TREE_DEPTH_MAX];
    uint8_t marks[1 << OT_TREE_DEPTH_MAX][OT_TREE_MARK_BYTES];
    prg start;
} workspace;

static int open_state(state *st, workspace **w, unsigned k)
{
    st->k = k;
    st->leaves = mem_alloc(OT_BASE_COUNT / k << k, sizeof *st->leaves);
    *w = mem_alloc(1, sizeof **w);
    return st->leaves && *w ? 0 : err_set(ERR_MEM, "OT extension: out of memory");
}

static void plant(state *st, workspace *w, unsigned tree)
{
    for (size_t y = 0; y < (size_t)1 << st->k; y++) {
        leaf *l = &st->leaves[((size_t)tree << st->k) + y];
        prg_init(&w->start, w->seeds[y], PRG_OT_COLUMN, tree);
        l->key = w->start.key;
        l->nonce = w->start.nonce;
    }
}

int ot_ext_receiver_create(ot_ext_receiver **out, uint8_t *setup, unsigned k, const uint8_t keys[OT_BASE_COUNT][2][PRG_SEED_BYTES])
{
    workspace *w = NULL;
    *out = NULL;
    if (!ot_ext_valid(k)) return err_set(ERR_ARG, "OT extension: k is 1, 2, 4 or 8, not %u", k);
    ot_ext_receiver *r = mem_alloc(1, sizeof *r);
    int code = r ? open_state(&r->st, &w, k) : err_set(ERR_MEM, "OT extension: out of memory");
    for (unsigned i = 0; i < OT_BASE_COUNT / k && !code; i++, setup += ot_tree_bytes(k)) {
        ot_tree_deal(w->seeds, setup, keys + i * k, k, w->marks);
        plant(&r->st, w, i);
    }
    mem_free(w);
    if (code)
        ot_ext_receiver_free(r);
    else
        *out = r;
    return code;
}

int ot_ext_sender_create(ot_ext_sender **out, const uint8_t *setup, unsigned k, const uint8_t keys[OT_BASE_COUNT][PRG_SEED_BYTES],
                         const block *delta)
{
    workspace *w = NULL;
    int bad = 0;
    *out = NULL;
    if (!ot_ext_valid(k)) return err_set(ERR_ARG, "OT extension: k is 1, 2, 4 or 8, not %u", k);
    if (!(delta->w[0] & 1)) return err_set(ERR_ARG, "OT extension: delta's lowest bit is 0");
    ot_ext_sender *s = mem_alloc(1, sizeof *s);
    int code = s ? open_state(&s->st, &w, k) : err_set(ERR_MEM, "OT extension: out of memory");
    for (unsigned i = 0; i < OT_BASE_COUNT / k && !code; i++, setup += ot_tree_bytes(k)) {
        unsigned choice = (unsigned)(delta->w[i * k / 64] >> (i * k % 64)) & ((1u << k) - 1);
        bad |= ot_tree_hold(w->seeds, setup, keys + i * k, choice, k, w->marks);
        plant(&s->st, w, i);
        for (unsigned j = 0; j < k; j++) s->mask[i * k + j] = (uint8_t)ct_mask(choice >> j & 1);
    }
    if (s) s->delta = *delta;
    if (bad) code = err_set(ERR_PEER, "OT extension: the set-up message does not fit the base keys");
    mem_free(w);
    if (code)
        ot_ext_sender_free(s);
    else
        *out = s;
    return code;
}

void ot_ext_receiver_free(ot_ext_receiver *r)
{
    if (r) mem_free(r->st.leaves);
    mem_free(r);
}

void ot_ext_sender_free(ot_ext_sender *s)
{
    if (s) mem_free(s->st.leaves);
    mem_free(s);
}

/* ---- tiles ---- */

static int room(const state *st, size_t m)
{
    if (m > OT_EXT_LIMIT || ot_ext_rounded(m) > OT_EXT_LIMIT - st->count)
        return err_set(ERR_LIMIT, "OT extension: 2^39 OTs in one session; set up a new one");
    return 0;
}

int ot_ext_receiver_room(const ot_ext_receiver *r, size_t m) { return room(&r->st, m); }
int ot_ext_sender_room(const ot_ext_sender *s, size_t m) { return room(&s->st, m); }

/* Counts m, rounded up, towards the session's limit; *first = the first OT's number. */
static int take(state *st, size_t m, uint64_t *first)
{
    int code = room(st, m);
    if (code) return code;
    *first = st->count;
    st->count += ot_ext_rounded(m);
    return 0;
}

/* Columns of a tree, n bytes from block ctr on, and their sum.
 *      receiver   x = the choice bits, which go into the sum: u.   mask = NULL
 *      sender     x = u, which goes into column j by mask[j]; place 0 is punctured: zero; the sum is not of use. */
static void expand_tree(state *st, const ot_kern *kern, unsigned tree, uint8_t *sum, const uint8_t *x, const uint8_t *mask, uint64_t ctr, size_t n)
{
    static const uint8_t none[4] = {0};
    const unsigned k = st->k, low = k < 4 ? k : 4;
    const leaf *l = st->leaves + ((size_t)tree << k);
    uint8_t *columns = st->columns[tree * k];
    for (unsigned y = 0; y < 1u << k; y++) {
        uint8_t *to = st->streams[y % GROUP];
        if (y || !mask)
            aes128_ctr(&l[y].key, (block *)(void *)to, l[y].nonce, ctr, n / sizeof(block));
        else if (k > 4)
            memset(to, 0, n); /* else streams[0] is as it was made */
        if (y + 1 < 1u << k && y % GROUP < GROUP - 1) continue;
        const int whole = k <= 4, first = y < GROUP;
        kern->fold(columns, whole ? sum : st->sums[y / GROUP], st->streams[0], STRIDE, low, !first, whole || (mask && first) ? x : st->zero,
                   mask ? mask : none, n);
    }
    if (k > 4) kern->fold(columns + 4 * STRIDE, sum, st->sums[0], STRIDE, 4, 0, x, mask ? mask + 4 : none, n);
}

/* The tile's choice bits, zero from bit m on. */
static void tile_choice(uint8_t out[TILE_BYTES], const uint8_t *choice, size_t m)
{
    memset(out, 0, TILE_BYTES);
    memcpy(out, choice, (m + 7) / 8);
    if (m % 8) out[m / 8] &= (uint8_t)((1u << m % 8) - 1);
}

int ot_ext_recv(ot_ext_receiver *r, block *t, uint8_t *u, const uint8_t *choice, size_t m)
{
    const ot_kern *kern = ot_kern_best();
    state *st = &r->st;
    uint64_t first = 0;
    int code = take(st, m, &first);
    if (code) return code;
    for (size_t done = 0; done < m; done += OT_EXT_TILE) {
        size_t bits = min_size(m - done, OT_EXT_TILE), width = ot_ext_rounded(bits), n = width / 8;
        tile_choice(r->choice, choice + done / 8, bits);
        for (unsigned i = 0; i < OT_BASE_COUNT / st->k; i++, u += n) {
            expand_tree(st, kern, i, n % 64 ? st->u : u, r->choice, NULL, (first + done) / 128, n);
            if (n % 64) memcpy(u, st->u, n);
        }
        kern->transpose(t + done, st->columns[0], STRIDE, width);
    }
    return 0;
}

int ot_ext_send(ot_ext_sender *s, block *q, const uint8_t *u, size_t m)
{
    const ot_kern *kern = ot_kern_best();
    state *st = &s->st;
    uint64_t first = 0;
    int code = take(st, m, &first);
    if (code) return code;
    for (size_t done = 0; done < m; done += OT_EXT_TILE) {
        size_t width = ot_ext_rounded(min_size(m - done, OT_EXT_TILE)), n = width / 8;
        for (unsigned i = 0; i < OT_BASE_COUNT / st->k; i++, u += n) {
            if (n % 64) memcpy(st->u, u, n);
            expand_tree(st, kern, i, st->sums[GROUP], n % 64 ? st->u : u, s->mask + i * st->k, (first + done) / 128, n);
        }
        kern->transpose(q + done, st->columns[0], STRIDE, width);
    }
    return 0;
}
