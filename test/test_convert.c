// SPDX-License-Identifier: ISC
/* 3.2 end to end in one process, and what a curious client can do with the responses. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/ct.h"
#include "base/mem.h"
#include "convert/linear.h"
#include "test/insecure_convert.h"

static const uint8_t session[32] = "session";

#define N 2048
#define L 26
#define FAN_IN 4
#define WEIGHTS 255 /* values of an 8-bit weight: -127 .. 127 */

static ckks_params *params;
static ckks_sk *sk;
static ckks_pk *pk;
static prg rng;
static uint64_t *scratch;

static void setup(void)
{
    uint8_t seed[PRG_SEED_BYTES] = "convert";
    const ckks_literal lit = {.n = N, .primes = 1, .bits = {50}};

    prg_init(&rng, seed, PRG_TEST, 0);
    ck_assert_int_eq(ckks_params_create(&params, &lit), 0);
    ck_assert_int_eq(ckks_sk_create(&sk, params, &rng), 0);
    ck_assert_int_eq(ckks_pk_create(&pk, sk, session, &rng), 0);
    scratch = mem_alloc(convert_scratch_words(params), sizeof *scratch);
    ck_assert_ptr_nonnull(scratch);
}

static void teardown(void)
{
    mem_free(scratch);
    ckks_pk_free(pk);
    ckks_sk_free(sk);
    ckks_params_free(params);
}

static uint64_t below(uint64_t bound) { return prg_u64(&rng) % bound; }

/* ---- correctness ---- */

/** layer: shares of x[fan_in][batch] through one row of weights; returns the largest |e|, adds e^2 to *sum. */
static int64_t layer(size_t fan_in, size_t batch, unsigned l, unsigned g, unsigned wbits, double *sum)
{
    const unsigned k = l + g, vbits = 12;
    const size_t words = convert_ct_words(params);
    const uint32_t row[2] = {0, (uint32_t)fan_in};
    uint32_t *col = mem_alloc(fan_in, sizeof *col);
    int16_t *w = mem_alloc(fan_in, sizeof *w);
    uint64_t *out = mem_alloc(words, sizeof *out);
    convert_inputs *in;
    convert_matrix *weights;
    uint64_t *mine = mem_alloc(batch, sizeof *mine), *theirs = mem_alloc(batch, sizeof *theirs);
    int64_t *want = mem_alloc(batch, sizeof *want), worst = 0;
    uint8_t *wire = mem_alloc(1, ckks_poly_bytes(params)), *answer = mem_alloc(1, convert_response_bytes(params, k, batch));
    uint8_t seed[PRG_SEED_BYTES];

    prg_bytes(&rng, seed, sizeof seed);
    ck_assert_int_eq(convert_inputs_create(&in, params, (uint32_t)fan_in), 0);
    for (size_t i = 0; i < fan_in; i++) {
        col[i] = (uint32_t)i;
        w[i] = (int16_t)((int)below((UINT64_C(1) << wbits) - 1) - (1 << (wbits - 1)) + 1);
        for (size_t j = 0; j < batch; j++) {
            int64_t v = (int64_t)below(1 << vbits);
            want[j] += w[i] * v;
            theirs[j] = ct_low(prg_u64(&rng), l);
            mine[j] = ct_low((uint64_t)v - theirs[j], l);
        }
        convert_encrypt(sk, params, l, mine, batch, seed, i, wire, &rng, scratch);
        ck_assert_int_eq(convert_accept(in, (uint32_t)i, l, wire, seed, i, theirs, batch, scratch), 0);
    }
    ck_assert_int_eq(convert_matrix_create(&weights, wbits, 1, row, col, w), 0);
    ck_assert_int_eq(convert_weigh(weights, in, 0, 1, out), 0);
    convert_respond(pk, params, k, out, batch, answer, theirs, &rng, scratch);
    ck_assert_int_eq(convert_open(sk, params, k, mine, answer, batch, scratch), 0);
    for (size_t j = 0; j < batch; j++) {
        int64_t e = ct_signed(ct_low(mine[j] + theirs[j] - ((uint64_t)want[j] << g), k), k);
        *sum += (double)e * (double)e;
        worst = llabs(e) > worst ? llabs(e) : worst;
    }
    convert_inputs_free(in), convert_matrix_free(weights);
    mem_free(col), mem_free(w), mem_free(out), mem_free(mine), mem_free(theirs), mem_free(want), mem_free(wire), mem_free(answer);
    return worst;
}

START_TEST(linear_layer_is_exact_but_for_the_rounding)
{
    double sum = 0;
    ck_assert_int_le(layer(25, N, L, 0, 8, &sum), 99);
    ck_assert_int_le(layer(980, N, L + 1, 0, 8, &sum), 99);
    /* the standard deviation is that of the rounding of c1: sqrt((1 + 2N/3) / 12) = 10.67 */
    double sd = sqrt(sum / (2 * N));
    ck_assert_msg(sd > 9.5 && sd < 12.0, "standard deviation %g", sd);
    ck_assert_int_le(layer(1, 1, 16, 0, 2, &sum), 99);
    ck_assert_int_le(layer(70, 7, 24, 3, 11, &sum), 99);
}
END_TEST

START_TEST(residue_out_of_range_is_refused)
{
    uint8_t *wire = mem_alloc(1, ckks_poly_bytes(params)), seed[PRG_SEED_BYTES] = {0};
    convert_inputs *in;
    ck_assert_int_eq(convert_inputs_create(&in, params, 1), 0);
    memset(wire, 0xff, ckks_poly_bytes(params));
    ck_assert_int_eq(convert_accept(in, 0, L, wire, seed, 0, NULL, 1, scratch), ERR_PEER);
    mem_free(wire), convert_inputs_free(in);
}
END_TEST

/* ---- the c1 attack: weights from what the client received, its keys and its seeds ---- */

enum object { REAL, PLAIN, REUSED, NEGATED };

typedef struct {
    int16_t w[FAN_IN];
    uint64_t *c1_in;  /* [FAN_IN][N], modulo Q: the client expands them from its own seed */
    uint64_t *c1_out; /* [N], modulo 2^k: from the response */
} view;

static void view_make(view *x, enum object which, const prg *rewound)
{
    const size_t words = convert_ct_words(params);
    const uint32_t row[2] = {0, FAN_IN}, col[FAN_IN] = {0, 1, 2, 3};
    uint64_t *out = mem_alloc(words, sizeof *out), *share = mem_alloc(N, sizeof *share);
    convert_inputs *in;
    convert_matrix *weights;
    uint8_t *wire = mem_alloc(1, ckks_poly_bytes(params)), *answer = mem_alloc(1, convert_response_bytes(params, L, N));
    uint8_t seed[PRG_SEED_BYTES];

    x->c1_in = mem_alloc(FAN_IN * N, sizeof *x->c1_in);
    x->c1_out = mem_alloc(N, sizeof *x->c1_out);
    prg_bytes(&rng, seed, sizeof seed);
    ck_assert_int_eq(convert_inputs_create(&in, params, FAN_IN), 0);
    for (int i = 0; i < FAN_IN; i++) {
        x->w[i] = (int16_t)((int)below(WEIGHTS) - 127);
        for (size_t j = 0; j < N; j++)
            share[j] = ct_low(prg_u64(&rng), L);
        convert_encrypt(sk, params, L, share, N, seed, (uint64_t)i, wire, &rng, scratch);
        ck_assert_int_eq(convert_accept(in, (uint32_t)i, L, wire, seed, (uint64_t)i, NULL, N, scratch), 0);
        ckks_expand_c1(params, x->c1_in + (size_t)i * N, seed, (uint64_t)i);
    }
    ck_assert_int_eq(convert_matrix_create(&weights, 8, 1, row, col, x->w), 0);
    ck_assert_int_eq(convert_weigh(weights, in, 0, 1, out), 0);
    if (which == REAL)
        convert_respond(pk, params, L, out, N, answer, share, &rng, scratch);
    else if (which == PLAIN)
        insecure_respond_plain(params, L, out, N, answer, share, &rng, scratch);
    else if (which == NEGATED)
        insecure_respond_negated(pk, params, L, out, N, answer, share, rewound, &rng, scratch);
    else
        insecure_respond_reused(pk, params, L, out, N, answer, share, rewound, &rng, scratch);
    bits_unpack(x->c1_out, answer + bits_bytes(N, L), N, L);
    convert_inputs_free(in), convert_matrix_free(weights);
    mem_free(out), mem_free(share), mem_free(wire), mem_free(answer);
}

static void view_free(view *x)
{
    mem_free(x->c1_in);
    mem_free(x->c1_out);
}

/** part: 2^L / Q * (sum of w_i c1_i[j]) modulo 2^L, as a real number in [0, 2^L). */
static double part(const view *x, const int *w, int from, int to, size_t j)
{
    const uint64_t q = params->q[0];
    __int128 sum = 0;
    for (int i = from; i < to; i++)
        sum += (__int128)w[i] * x->c1_in[(size_t)i * N + j];
    sum %= q;
    return ldexp((double)(uint64_t)(sum < 0 ? sum + q : sum) / (double)q, L);
}

typedef struct {
    double at;
    int w[2];
} half;

static int half_order(const void *a, const void *b)
{
    double x = ((const half *)a)->at, y = ((const half *)b)->at;
    return (x > y) - (x < y);
}

static double ring_distance(double a)
{
    a = fmod(fabs(a), ldexp(1, L));
    return a > ldexp(1, L - 1) ? ldexp(1, L) - a : a;
}

/** attack: meets in the middle on coefficient 0, keeps what fits coefficients 1 and 2 within one unit.  Returns the number of candidates;
 *  *exact is how many of the true weights the last one has right. */
static int attack(const view *x, int *exact)
{
    static half left[WEIGHTS * WEIGHTS];
    const double ring = ldexp(1, L);
    int found = 0, w[FAN_IN];

    *exact = 0;
    for (int a = 0; a < WEIGHTS * WEIGHTS; a++) {
        w[0] = a / WEIGHTS - 127, w[1] = a % WEIGHTS - 127;
        left[a] = (half){part(x, w, 0, 2, 0), {w[0], w[1]}};
    }
    qsort(left, WEIGHTS * WEIGHTS, sizeof *left, half_order);
    for (int b = 0; b < WEIGHTS * WEIGHTS; b++) {
        w[2] = b / WEIGHTS - 127, w[3] = b % WEIGHTS - 127;
        double due = fmod((double)x->c1_out[0] - part(x, w, 2, 4, 0) + 2 * ring, ring);
        for (double turn = -ring; turn <= ring; turn += ring) { /* a window that wraps around the ring */
            size_t lo = 0, hi = WEIGHTS * WEIGHTS;
            while (lo < hi) {
                size_t mid = (lo + hi) / 2;
                if (left[mid].at < due + turn - 1)
                    lo = mid + 1;
                else
                    hi = mid;
            }
            for (; lo < WEIGHTS * WEIGHTS && left[lo].at <= due + turn + 1; lo++) {
                int fits = 1;
                w[0] = left[lo].w[0], w[1] = left[lo].w[1];
                for (size_t j = 1; j < 3 && fits; j++)
                    fits = ring_distance(part(x, w, 0, 4, j) - (double)x->c1_out[j]) <= 1;
                if (!fits)
                    continue;
                found++;
                *exact = 0;
                for (int i = 0; i < FAN_IN; i++)
                    *exact += w[i] == x->w[i];
            }
        }
    }
    return found;
}

/** power: R = |sum_j exp(2 pi i d_j / 2^L)|^2 / N: Exp(1) for uniform d, N for constant d. */
static double power(const uint64_t *d)
{
    double re = 0, im = 0;
    for (size_t j = 0; j < N; j++) {
        re += cos(2 * M_PI * ldexp((double)d[j], -L));
        im += sin(2 * M_PI * ldexp((double)d[j], -L));
    }
    return (re * re + im * im) / N;
}

/** residue: d_j = c1[j] - round(2^L / Q * sum w_i c1_i[j]) for the true weights. */
static void residue(const view *x, uint64_t *d)
{
    int w[FAN_IN];
    for (int i = 0; i < FAN_IN; i++)
        w[i] = x->w[i];
    for (size_t j = 0; j < N; j++)
        d[j] = ct_low(x->c1_out[j] - (uint64_t)llround(part(x, w, 0, FAN_IN, j)), L);
}

START_TEST(c1_attack_breaks_the_response_without_rerandomisation)
{
    int right = 0, total = 0;
    for (int trial = 0; trial < 8; trial++) {
        view x;
        int exact;
        uint64_t d[N];
        view_make(&x, PLAIN, NULL);
        attack(&x, &exact);
        right += exact;
        total += FAN_IN;
        residue(&x, d);
        ck_assert_msg(power(d) > 0.9 * N, "the weakened object is not weak: R = %g", power(d));
        view_free(&x);
    }
    ck_assert_msg(right * 100 >= total * 95, "only %d of %d weights", right, total);
}
END_TEST

START_TEST(c1_attack_fails_on_the_real_response)
{
    for (int trial = 0; trial < 8; trial++) {
        view x;
        int exact, zero = 0;
        uint64_t d[N];
        view_make(&x, REAL, NULL);
        ck_assert_int_eq(attack(&x, &exact), 0);
        residue(&x, d);
        for (size_t j = 0; j < N; j++)
            zero += d[j] == 0;
        ck_assert_int_le(zero, 2);
        /* |correlation| = sqrt(R / N) below 5 / sqrt(N) */
        ck_assert_msg(power(d) < 25, "R = %g", power(d));
        view_free(&x);
    }
}
END_TEST

/** worst_pairs: the largest R over the differences of 8 responses' residues under the true weights, and over their
 * sums.  The weakened ones have all the same u, or every second one that of the response before, negated. */
static void worst_pairs(enum object which, double *difference, double *sum)
{
    static uint64_t d[8][N], both[N];
    prg rewound;
    uint8_t seed[PRG_SEED_BYTES];

    *difference = *sum = 0;
    prg_bytes(&rng, seed, sizeof seed);
    for (int i = 0; i < 8; i++) {
        view x;
        prg_init(&rewound, seed, PRG_TEST, which == NEGATED ? (uint64_t)i / 2 : 0);
        view_make(&x, which == NEGATED && i % 2 == 0 ? REUSED : which, &rewound);
        residue(&x, d[i]);
        view_free(&x);
    }
    for (int i = 0; i < 8; i++)
        for (int h = 0; h < i; h++)
            for (int minus = 0; minus < 2; minus++) {
                for (size_t j = 0; j < N; j++)
                    both[j] = ct_low(minus ? d[i][j] - d[h][j] : d[i][j] + d[h][j], L);
                double *worst = minus ? difference : sum;
                *worst = fmax(*worst, power(both));
            }
}

START_TEST(a_u_used_before_is_seen_and_the_real_one_is_fresh)
{
    double difference, sum;
    worst_pairs(REUSED, &difference, &sum);
    ck_assert_double_gt(difference, 0.9 * N);
    ck_assert_double_lt(sum, 32);
    worst_pairs(NEGATED, &difference, &sum);
    ck_assert_double_lt(difference, 32);
    ck_assert_double_gt(sum, 0.9 * N);
    worst_pairs(REAL, &difference, &sum);
    ck_assert_msg(difference < 32 && sum < 32, "R of a difference %g, of a sum %g", difference, sum);
}
END_TEST

/* ---- the masks ---- */

#define RESPONSES 2048 /* * N = 2^22 samples */

/** chi_p: upper tail probability of chi-square with `dof` degrees (Wilson-Hilferty). */
static double chi_p(double x, double dof)
{
    double z = (cbrt(x / dof) - (1 - 2 / (9 * dof))) / sqrt(2 / (9 * dof));
    return 0.5 * erfc(z / sqrt(2));
}

/** masks_uniform: 1 if every p of 32 tests (top and bottom byte, coefficient index modulo 16) is in [1e-6, 1 - 1e-6]. */
static int masks_uniform(int slot_style)
{
    static uint32_t count[2][16][256];
    uint64_t *ct = mem_alloc(convert_ct_words(params), sizeof *ct), *share = mem_alloc(N, sizeof *share);
    uint8_t *wire = mem_alloc(1, convert_response_bytes(params, L, N));
    int ok = 1;

    memset(count, 0, sizeof count);
    for (int i = 0; i < RESPONSES; i++) {
        memset(ct, 0, convert_ct_words(params) * sizeof *ct);
        if (slot_style)
            insecure_slot_mask(share, N, L, &rng);
        else
            convert_respond(pk, params, L, ct, N, wire, share, &rng, scratch);
        for (size_t j = 0; j < N; j++) {
            count[0][j % 16][share[j] & 255]++;
            count[1][j % 16][share[j] >> (L - 8)]++;
        }
    }
    for (int h = 0; h < 2; h++)
        for (int r = 0; r < 16; r++) {
            double x = 0, due = RESPONSES * (double)N / 16 / 256;
            for (int b = 0; b < 256; b++)
                x += (count[h][r][b] - due) * (count[h][r][b] - due) / due;
            double p = chi_p(x, 255);
            ok &= p > 1e-6 && p < 1 - 1e-6;
        }
    mem_free(ct), mem_free(share), mem_free(wire);
    return ok;
}

START_TEST(masks_are_uniform_and_a_slot_style_mask_is_caught)
{
    ck_assert(masks_uniform(0));
    ck_assert(!masks_uniform(1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("convert");
    TCase *t = tcase_create("linear");
    tcase_add_unchecked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 600);
    tcase_add_test(t, linear_layer_is_exact_but_for_the_rounding);
    tcase_add_test(t, residue_out_of_range_is_refused);
    tcase_add_test(t, c1_attack_breaks_the_response_without_rerandomisation);
    tcase_add_test(t, c1_attack_fails_on_the_real_response);
    tcase_add_test(t, masks_are_uniform_and_a_slot_style_mask_is_caught);
    TCase *fresh = tcase_create("fresh"); /* by itself in test/check_mutants.sh */
    tcase_add_unchecked_fixture(fresh, setup, teardown);
    tcase_set_timeout(fresh, 600);
    tcase_add_test(fresh, a_u_used_before_is_seen_and_the_real_one_is_fresh);
    suite_add_tcase(suite, t);
    suite_add_tcase(suite, fresh);
    SRunner *sr = srunner_create(suite);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
