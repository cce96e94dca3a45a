// SPDX-License-Identifier: ISC
/* Garbled = clear for random programs; who hashes what under which index; what the rows look like; what breaks without the hash's parts.
 * This program is linked with --wrap for the two hash functions and uses the portable gates, so that it sees every call the library makes;
 * test_gate.c shows that the other gates make the same rows and labels, so they hash the same. */
#include "gc/garble.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/ct.h"
#include "base/mem.h"
#include "gc/gadgets.h"
#include "gc/gate.h"
#include "gc/relu.h"
#include "test/alloc.h"
#include "test/gc_party.h"
#include "test/gc_program.h"
#include "test/insecure_circuit.h"
#include "test/insecure_crh.h"

/* The hash as the library sees it. */
enum { REAL, NO_SIGMA, ONE_SITE } mode; /* ONE_SITE: every site of a call uses the first site's index */
static uint64_t one_site_keys;
static struct entry {
    uint64_t index;
    block wire; /* the label of colour 0, so that a wire and its negation are one */
} entries[1 << 17];
static size_t logged;
static const block *log_delta; /* NULL: nothing is logged */

void __real_crh_hash(const block *start, uint64_t index, block *h, const block *x, size_t lanes);
void __wrap_crh_hash(const block *start, uint64_t index, block *h, const block *x, size_t lanes);
void __wrap_crh_hash_pair(const block *start, uint64_t index, block *h0, block *h1, const block *x, const block *delta, size_t lanes);

static void note(uint64_t index, const block *x, size_t lanes)
{
    for (size_t j = 0; log_delta && j < lanes; j++) {
        ck_assert_uint_lt(logged, sizeof entries / sizeof *entries);
        entries[logged].index = index + crh_key(j);
        entries[logged++].wire = block_xor(x[j], block_and(*log_delta, 0 - (x[j].w[0] & 1)));
    }
}

static void hash(const block *start, uint64_t index, block *h, const block *x, size_t lanes)
{
    if (mode == NO_SIGMA)
        insecure_crh_no_sigma(start, index, h, x, lanes);
    else
        __real_crh_hash(start, mode == ONE_SITE ? index % one_site_keys : index, h, x, lanes);
}

void __wrap_crh_hash(const block *start, uint64_t index, block *h, const block *x, size_t lanes)
{
    note(index, x, lanes);
    hash(start, index, h, x, lanes);
}

void __wrap_crh_hash_pair(const block *start, uint64_t index, block *h0, block *h1, const block *x, const block *delta, size_t lanes)
{
    note(index, x, lanes);
    for (size_t j = 0; j < lanes; j++)
        h1[j] = block_xor(x[j], *delta);
    hash(start, index, h1, h1, lanes);
    hash(start, index, h0, x, lanes);
}

static const size_t odd_lanes[] = {1, 2, 3, 4, 5, 7, 8, 9, 31, 32, 33, 63, 64, 65, 127, 128, 129, 200};
#define ODD (sizeof odd_lanes / sizeof *odd_lanes)

/* Garbles one random program over `lanes` random lanes and compares every output bit. */
static void random_program(gc_party *p, unsigned eval_inputs, unsigned known_inputs, unsigned nodes, size_t lanes)
{
    static gc_program prog;
    const size_t stride = gc_stride(lanes);
    gc_program_random(&prog, &p->rng, eval_inputs, known_inputs, nodes);
    gc_circuit *c = gc_program_build(&prog);
    uint8_t *e = malloc(eval_inputs * stride), *k = malloc(known_inputs * stride + 1), *out = malloc(prog.outputs * stride);
    ck_assert(e && k && out);
    for (size_t i = 0; i < eval_inputs * stride; i++)
        e[i] = prg_u64(&p->rng) & 1;
    for (size_t i = 0; i < known_inputs * stride; i++)
        k[i] = prg_u64(&p->rng) & 1;
    gc_party_run(p, c, lanes, e, k, out);
    for (size_t j = 0; j < lanes; j++) {
        uint8_t in[64], want[GC_PROGRAM_OUTPUTS];
        for (unsigned i = 0; i < eval_inputs + known_inputs; i++)
            in[i] = i < eval_inputs ? e[i * stride + j] : k[(i - eval_inputs) * stride + j];
        gc_program_run(&prog, in, in + eval_inputs, want);
        for (unsigned o = 0; o < prog.outputs; o++)
            ck_assert_uint_eq(out[o * stride + j], want[o]);
    }
    gc_circuit_free(c);
    free(e), free(k), free(out);
}

START_TEST(random_programs)
{
    gc_party p;
    gc_party_init(&p, 1);
    for (unsigned round = 0; round < 12; round++)
        for (size_t i = 0; i < ODD; i++)
            random_program(&p, 1 + round % 7, round % 6, 10 + 12 * round, odd_lanes[i]);
}
END_TEST

static int by_key(const void *a, const void *b) { return memcmp(a, b, sizeof(struct entry)); }

/* The counter rule: under one index at most 8 lanes, and no wire twice.  Returns the number of breaches. */
static size_t breaches(void)
{
    size_t bad = 0, run = 0;
    qsort(entries, logged, sizeof *entries, by_key);
    for (size_t i = 1; i < logged; i++) {
        run = entries[i].index == entries[i - 1].index ? run + 1 : 0;
        bad += run >= CRH_LANES || !by_key(&entries[i], &entries[i - 1]);
    }
    return bad;
}

START_TEST(one_index_a_site)
{
    gc_party p;
    gc_party_init(&p, 2);
    uint64_t v[200], sum[200];
    memset(entries, 0, sizeof entries);
    logged = 0;
    for (size_t i = 0; i < ODD; i++) {
        const uint64_t before = p.g.index;
        const size_t lanes = odd_lanes[i], from = logged;
        for (size_t j = 0; j < lanes; j++)
            v[j] = 5; /* equal shares on all lanes */
        log_delta = &p.g.delta;
        gc_party_relu(&p, 12, 24, lanes, v, v, sum);
        log_delta = NULL;
        ck_assert_uint_eq(p.g.index - before, (2 * 12 - 3 + 1 + 12) * crh_keys(lanes));
        const size_t half = (2 * 12 - 3 + 1 + 12) * lanes; /* the garbler's calls, then the evaluator's, which mirror them */
        ck_assert_uint_eq(logged - from, 2 * half);
        for (size_t t = 0; t < half; t++) {
            ck_assert(!by_key(&entries[from + t], &entries[from + half + t]));
            ck_assert(entries[from + t].index >= before && entries[from + t].index < p.g.index);
        }
        logged = from + half;
    }
    ck_assert_uint_eq(breaches(), 0);
    logged = 0; /* the rule must be able to fail: the same labels under the same indices in another call */
    log_delta = &p.g.delta;
    static block in[8 * 8], out[8];
    static uint8_t known[8 * 8], rows[16 * 13 * 8];
    gc_circuit *c;
    ck_assert_int_eq(gc_sign_circuit(&c, 8), 0);
    prg_bytes(&p.rng, in, sizeof in);
    for (unsigned twice = 0; twice < 2; twice++) {
        p.g.index = 0;
        ck_assert_int_eq(gc_garble(&p.g, c, 8, in, known, rows, out), 0);
    }
    log_delta = NULL;
    ck_assert_uint_gt(breaches(), 0);
    gc_circuit_free(c);
}
END_TEST

enum { N = 12, L = 24, LANES = 4096 };

typedef struct {
    block *q, *t;
    uint8_t *rows;
    uint64_t v_g[LANES], v_e[LANES], share[LANES];
    size_t bytes;
} relu_run;

/* Rows of LANES ReLUs whose shares are all v_g, v_e; labels from the party's generator. */
static void relu_rows(gc_party *p, relu_run *r, uint64_t v_g, uint64_t v_e)
{
    uint8_t *bits = malloc(N * LANES);
    r->bytes = gc_relu_bytes(N, L, LANES);
    r->q = mem_alloc(N * LANES, sizeof *r->q);
    r->t = mem_alloc(N * LANES, sizeof *r->t);
    r->rows = malloc(r->bytes);
    ck_assert(bits && r->q && r->t && r->rows);
    for (size_t j = 0; j < LANES; j++) {
        r->v_g[j] = v_g;
        r->v_e[j] = v_e;
    }
    gc_party_bits(bits, r->v_e, LANES, N);
    gc_party_deal(p, r->q, r->t, bits, N, LANES);
    ck_assert_int_eq(gc_relu_garble(&p->g, N, L, LANES, r->q, r->v_g, r->rows, r->share), 0);
    free(bits);
}

static void relu_rows_free(relu_run *r)
{
    mem_free(r->q), mem_free(r->t);
    free(r->rows);
}

/* Chi-square of the bytes against uniform: 255 degrees of freedom, standard deviation 22.6. */
static double chi_square(const uint8_t *x, size_t n)
{
    size_t count[256] = {0};
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        count[x[i]]++;
    for (unsigned b = 0; b < 256; b++)
        sum += ((double)count[b] - (double)n / 256) * ((double)count[b] - (double)n / 256) / ((double)n / 256);
    return sum;
}

/* To the evaluator rows are uniform whatever the shares are, also after XOR with all that it can compute: its own hashes. */
START_TEST(rows_look_uniform)
{
    static const uint64_t shares[][2] = {{0, 0}, {0, 4095}, {4095, 0}, {2048, 2047}, {1, 1}};
    static relu_run r;
    gc_party p;
    gc_party_init(&p, 3);
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        relu_rows(&p, &r, shares[i][0], shares[i][1]);
        const size_t sign = (size_t)16 * (2 * N - 3) * LANES;
        ck_assert(chi_square(r.rows, sign) < 255 + 6 * 22.6);
        ck_assert(chi_square(r.rows + sign, r.bytes - sign) < 255 + 6 * 22.6);
        block *h = mem_alloc(LANES, sizeof *h); /* site 0 again, as the evaluator can, tile by tile of the row format */
        crh_hash(&p.g.start, p.g.index - (3 * N - 2) * crh_keys(LANES), h, r.t, LANES);
        for (size_t j = 0; j < LANES; j++) {
            block row;
            memcpy(&row, r.rows + 16 * (j / GC_GATE_LANES * GC_GATE_LANES * (2 * N - 3) + j % GC_GATE_LANES), sizeof row);
            h[j] = block_xor(h[j], row);
        }
        ck_assert(chi_square((const uint8_t *)h, 16 * LANES) < 255 + 6 * 22.6);
        mem_free(h);
        relu_rows_free(&r);
    }
    static uint8_t biased[1 << 16]; /* the statistic can fail */
    prg_bytes(&p.rng, biased, sizeof biased);
    for (size_t i = 0; i < sizeof biased; i += 16)
        biased[i] &= 0x7f;
    ck_assert(chi_square(biased, sizeof biased) > 255 + 6 * 22.6);
}
END_TEST

START_TEST(rows_change_with_delta_and_index)
{
    static relu_run r[3];
    for (unsigned i = 0; i < 3; i++) {
        gc_party p;
        gc_party_init(&p, 4);
        p.g.delta.w[1] ^= i == 1; /* one bit of 128 */
        p.g.index += i == 2 ? 1 << 20 : 0;
        relu_rows(&p, &r[i], 77, 99);
        ck_assert_mem_eq(r[0].q, r[i].q, N * LANES * sizeof(block)); /* the same zero labels */
    }
    for (unsigned i = 1; i < 3; i++) {
        size_t same = 0;
        for (size_t b = 0; b < r[0].bytes; b++)
            same += r[0].rows[b] == r[i].rows[b];
        ck_assert_uint_lt(same, r[0].bytes / 256 + r[0].bytes / 2560); /* 1.5 million bytes: 10 per cent is 7 deviations */
    }
    for (unsigned i = 0; i < 3; i++)
        relu_rows_free(&r[i]);
}
END_TEST

START_TEST(tampered_rows_change_the_outcome)
{
    static relu_run r;
    static uint64_t right[LANES], wrong[LANES];
    gc_party p;
    gc_party_init(&p, 5);
    relu_rows(&p, &r, 1000, 900);
    ck_assert_int_eq(gc_relu_eval(&p.e, N, L, LANES, r.t, r.v_e, r.rows, right), 0);
    const uint64_t end = p.e.index;
    unsigned changed = 0;
    for (unsigned round = 0; round < 40; round++) {
        const size_t at = prg_u64(&p.rng) % r.bytes;
        const uint8_t flip = (uint8_t)(1u << prg_u64(&p.rng) % 8);
        r.rows[at] ^= flip;
        p.e.index = 0;
        ck_assert_int_eq(gc_relu_eval(&p.e, N, L, LANES, r.t, r.v_e, r.rows, wrong), 0);
        ck_assert_uint_eq(p.e.index, end);
        r.rows[at] ^= flip;
        size_t differ = 0;
        for (size_t j = 0; j < LANES; j++) {
            ck_assert(wrong[j] >> L == 0);
            differ += wrong[j] != right[j];
        }
        ck_assert_uint_le(differ, 1); /* a row belongs to one lane */
        changed += differ == 1;
    }
    ck_assert_uint_gt(changed, 8); /* an active label of colour 0 does not use its row: half of them */
    memset(r.rows, 0xff, r.bytes);
    p.e.index = 0;
    ck_assert_int_eq(gc_relu_eval(&p.e, N, L, LANES, r.t, r.v_e, r.rows, wrong), 0);
    relu_rows_free(&r);
}
END_TEST

/* The evaluator's guess for delta from row 0 of lane j, as it would be right without sigma and with the known bit 1:
 * row ^ H(A) = H(A ^ delta) ^ delta = AES(A ^ delta) ^ A, and AES has an inverse. */
static block guess_delta(const block *start, const relu_run *r, size_t j)
{
    block row, h;
    memcpy(&row, r->rows + 16 * (j / GC_GATE_LANES * GC_GATE_LANES * (2 * N - 3) + j % GC_GATE_LANES), sizeof row);
    hash(start, crh_key(j), &h, &r->t[j], 1);
    const block y = block_xor(block_xor(row, h), r->t[j]);
    return block_xor(insecure_aes_decrypt(start, crh_key(j), y), r->t[j]);
}

START_TEST(without_sigma_one_row_gives_delta)
{
    static relu_run r;
    gc_party p;
    for (mode = REAL; mode <= NO_SIGMA; mode++) {
        size_t found = 0;
        gc_party_init(&p, 6);
        relu_rows(&p, &r, 1, 0); /* the garbler's lowest bit is 1: the row hides delta */
        for (size_t j = 0; j < 64; j++) {
            const block d = guess_delta(&p.g.start, &r, j);
            found += !memcmp(&d, &p.g.delta, sizeof d);
        }
        ck_assert_uint_eq(found, mode == NO_SIGMA ? 64 : 0);
        relu_rows_free(&r);
    }
    mode = REAL;
}
END_TEST

/* Site 0 (the first AND) and T_0 both hash A_0.  Under one index the evaluator, whose bit is 0, has H(A ^ delta) mod 2^L up to s from T_0
 * and the projection, and H(A ^ delta) ^ b delta from the row: they agree just when b = 0, the garbler's secret bit.  Lanes that agree: */
static size_t lanes_that_agree(gc_party *p, const relu_run *r)
{
    const size_t keys = crh_keys(LANES), sign = (size_t)16 * (2 * N - 3) * LANES;
    static uint64_t x[LANES], t0[LANES];
    size_t agree = 0;
    gc_circuit *c;
    block *s = mem_alloc(LANES, sizeof *s), *h = mem_alloc(LANES, sizeof *h), *a = mem_alloc(LANES, sizeof *a);
    ck_assert(s && h && a && !gc_sign_circuit(&c, N));
    ck_assert_int_eq(gc_eval(&p->e, c, LANES, r->t, r->rows, s), 0);
    hash(&p->e.start, (2 * N - 3) * keys, h, s, LANES);
    hash(&p->e.start, 0, a, r->t, LANES);
    for (size_t j = 0; j < LANES; j++) { /* the first field and T_0 stand at L bits a lane */
        uint64_t row = 0, t = 0;
        const size_t from = 3 * j, t_at = 2 * (size_t)LANES / 8 * L + (size_t)LANES / 8 * (L - N + 1) + 3 * j;
        memcpy(&row, r->rows + sign + from, 3);
        memcpy(&t, r->rows + sign + t_at, 3);
        x[j] = h[j].w[0] + (s[j].w[0] & 1 ? row : 0);
        t0[j] = t;
    }
    for (size_t j = 0; j < LANES; j++) {
        block g;
        memcpy(&g, r->rows + 16 * (j / GC_GATE_LANES * GC_GATE_LANES * (2 * N - 3) + j % GC_GATE_LANES), sizeof g);
        const uint64_t from_and = ct_low(a[j].w[0] ^ g.w[0], L);
        for (uint64_t sign_bit = 0; sign_bit < 2; sign_bit++)
            agree += ct_low(a[j].w[0] - t0[j] - x[j] + sign_bit, L) == from_and;
    }
    gc_circuit_free(c);
    mem_free(s), mem_free(h), mem_free(a);
    return agree;
}

START_TEST(an_index_for_two_sites_gives_the_share)
{
    static relu_run r;
    one_site_keys = crh_keys(LANES);
    for (unsigned k = 0; k < 4; k++) {
        const uint64_t low = k & 1; /* the garbler's lowest bit */
        gc_party p;
        gc_party_init(&p, 7 + k);
        mode = k < 2 ? ONE_SITE : REAL;
        relu_rows(&p, &r, 2000 + low, 1000);
        const size_t agree = lanes_that_agree(&p, &r);
        if (mode == ONE_SITE && !low)
            ck_assert_uint_eq(agree, LANES);
        else
            ck_assert_uint_lt(agree, 4); /* by chance: 2^-23 a lane */
        relu_rows_free(&r);
    }
    mode = REAL;
}
END_TEST

/* Of 32 lanes every fourth shares a key.  Where a label is 0 or delta in all of them, so are the generator's rows but for delta: of any two, the XOR
 * is 0 or delta.  Rows of a sound circuit never coincide like that. */
START_TEST(an_empty_label_gives_delta)
{
    for (unsigned sound = 0; sound < 2; sound++) {
        gc_circuit *c;
        gc_party p;
        gc_party_init(&p, 9);
        if (sound) {
            ck_assert_int_eq(gc_circuit_create(&c, 2, 1), 0);
            gc_output(c, gc_and(c, gc_xor(c, gc_xor(c, 0, 2), 0), 1));
            ck_assert_int_eq(gc_circuit_finish(c), 0);
        } else
            ck_assert_int_eq(insecure_circuit_cancelled(&c), 0);
        block q[2 * CRH_SPAN], out0[CRH_SPAN], row[2 * CRH_SPAN] = {{{0, 0}}};
        uint8_t known[CRH_SPAN];
        unsigned deltas = 0, zeros = 0;
        prg_bytes(&p.rng, q, sizeof q);
        for (unsigned j = 0; j < CRH_SPAN; j++) {
            const unsigned of = j / CRH_ROW;
            known[j] = of & 1;
            q[CRH_SPAN + j].w[0] = (q[CRH_SPAN + j].w[0] & ~UINT64_C(1)) | (of >> 1 & 1); /* colours of s */
        }
        ck_assert_uint_le(gc_circuit_row_bytes(c, CRH_SPAN), sizeof row);
        ck_assert_int_eq(gc_garble(&p.g, c, CRH_SPAN, q, known, (uint8_t *)row, out0), 0);
        for (unsigned i = 0; i < 8; i++)
            for (unsigned j = 0; j < i; j++) {
                const block d = block_xor(row[i * CRH_ROW], row[j * CRH_ROW]);
                deltas += !memcmp(&d, &p.g.delta, sizeof d);
                zeros += !(d.w[0] | d.w[1]);
            }
        ck_assert_uint_eq(deltas + zeros, sound ? 0 : 8 * 7 / 2);
        ck_assert_uint_eq(deltas, sound ? 0 : 16);
        gc_circuit_free(c);
    }
}
END_TEST

START_TEST(limits)
{
    gc_party p;
    gc_circuit *c;
    static block in[12 * 16], out[16];
    static uint8_t known[12 * 16], rows[1 << 14];
    uint64_t v[9] = {0}, share[9], first;
    gc_party_init(&p, 11);
    ck_assert_int_eq(gc_sign_circuit(&c, 12), 0);
    for (unsigned party = 0; party < 2; party++) {
        gc_session *s = party ? &p.e : &p.g;
        const uint64_t sign = 21 * 4, relu = sign + 13 * 4; /* 9 lanes: four indices a site */
        for (unsigned short_by = 0; short_by < 2; short_by++) {
            s->index = GC_INDEX_MAX - sign + short_by;
            const uint64_t before = s->index;
            ck_assert_int_eq(party ? gc_eval(s, c, 9, in, rows, out) : gc_garble(s, c, 9, in, known, rows, out), short_by ? ERR_LIMIT : 0);
            ck_assert_uint_eq(s->index, short_by ? before : GC_INDEX_MAX);
            s->index = GC_INDEX_MAX - relu + short_by;
            const uint64_t at = s->index;
            ck_assert_int_eq(party ? gc_relu_eval(s, 12, 24, 9, in, v, rows, share) : gc_relu_garble(s, 12, 24, 9, in, v, rows, share),
                             short_by ? ERR_LIMIT : 0);
            ck_assert_uint_eq(s->index, short_by ? at : GC_INDEX_MAX);
        }
        s->index = 5;
        ck_assert_int_eq(gc_take_indices(s, UINT64_MAX / 4, 64, &first), ERR_LIMIT); /* the product overflows */
        ck_assert_int_eq(gc_take_indices(s, UINT64_C(1) << 61, 64, &first), ERR_LIMIT);
        ck_assert_uint_eq(s->index, 5);
        ck_assert_int_eq(gc_take_indices(s, 3, 17, &first), 0);
        ck_assert(first == 5 && s->index == 5 + 12);
    }
    gc_circuit_free(c);
}
END_TEST

START_TEST(colours)
{
    static block labels[3 * 16];
    uint8_t bits[6 + 1] = {0, 0, 0, 0, 0, 0, 0xa5};
    gc_party p;
    gc_party_init(&p, 12);
    for (size_t lanes = 1; lanes <= 16; lanes++) {
        const size_t stride = gc_stride(lanes);
        prg_bytes(&p.rng, labels, sizeof labels);
        gc_colours(bits, labels, 3, lanes);
        for (size_t i = 0; i < 3 * stride; i++)
            ck_assert_uint_eq(bits[i / 8] >> i % 8 & 1, i % stride < lanes ? labels[i].w[0] & 1 : 0); /* nothing of the padding is sent */
        ck_assert_uint_eq(bits[6], 0xa5);
    }
}
END_TEST

START_TEST(no_memory)
{
    gc_party p;
    static block in[12 * 16], out[16];
    static uint8_t known[12 * 16], rows[1 << 14];
    uint64_t v[9] = {0}, share[9];
    gc_circuit *c;
    gc_party_init(&p, 13);
    ck_assert_int_eq(gc_sign_circuit(&c, 12), 0);
    for (unsigned which = 0; which < 4; which++) {
        long n = 1;
        for (long k = 0; k <= n; k++) {
            gc_session s = which % 2 ? p.e : p.g;
            test_alloc_fail_at(k);
            const int rc = which == 0   ? gc_garble(&s, c, 9, in, known, rows, out)
                           : which == 1 ? gc_eval(&s, c, 9, in, rows, out)
                           : which == 2 ? gc_relu_garble(&s, 12, 24, 9, in, v, rows, share)
                                        : gc_relu_eval(&s, 12, 24, 9, in, v, rows, share);
            n = k ? n : test_alloc_count();
            test_alloc_fail_at(0);
            ck_assert_int_eq(rc, k ? ERR_MEM : 0);
            ck_assert(!k || !s.index); /* a failed call takes no index: nothing was sent */
        }
        ck_assert_int_gt(n, 0);
    }
    gc_circuit_free(c);
}
END_TEST

int main(void)
{
    cpu_restrict(~(unsigned)CPU_VAES);
    Suite *suite = suite_create("garble");
    TCase *t = tcase_create("garble");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, random_programs);
    tcase_add_test(t, one_index_a_site);
    tcase_add_test(t, rows_look_uniform);
    tcase_add_test(t, rows_change_with_delta_and_index);
    tcase_add_test(t, tampered_rows_change_the_outcome);
    tcase_add_test(t, without_sigma_one_row_gives_delta);
    tcase_add_test(t, an_index_for_two_sites_gives_the_share);
    tcase_add_test(t, an_empty_label_gives_delta);
    tcase_add_test(t, limits);
    tcase_add_test(t, colours);
    tcase_add_test(t, no_memory);
    suite_add_tcase(suite, t);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
