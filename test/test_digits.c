// SPDX-License-Identifier: ISC
/* The program's folder is not in the library, so its generator is compiled into this test: its helpers are within reach, too. */
#include "cli/digits.c"

#include <check.h>
#include <sodium.h>
#include <stdlib.h>

#define SEEDS 200

static void hex_hash(char out[65], const uint8_t *data, size_t len)
{
    uint8_t h[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(h, data, len);
    sodium_bin2hex(out, 65, h, sizeof h);
}

/* Reference outputs of splitmix64 for the seed 1234567, as its author's program prints them. */
START_TEST(random_is_splitmix64)
{
    static const uint64_t want[5] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u, 4593380528125082431u,
                                     16408922859458223821u};
    uint64_t state = 1234567;
    for (int i = 0; i < 5; i++) ck_assert_uint_eq(next(&state), want[i]);
}
END_TEST

START_TEST(draws_fill_their_range)
{
    uint64_t state = 5;
    unsigned seen[7] = {0};
    for (int i = 0; i < 7000; i++) {
        int32_t v = draw(&state, -3, 3), w = draw_mid(&state, -3, 3);
        ck_assert(v >= -3 && v <= 3 && w >= -3 && w <= 3);
        seen[v + 3]++;
    }
    for (int i = 0; i < 7; i++) ck_assert(seen[i] > 850 && seen[i] < 1150);
    ck_assert_int_eq(draw(&state, 4, 4), 4);
}
END_TEST

START_TEST(isqrt_is_the_floor)
{
    for (uint32_t r = 0; r < 65536; r++) {
        ck_assert_uint_eq(isqrt(r * r), r);
        ck_assert_uint_eq(isqrt(r * r + 2 * r), r); /* the last before (r + 1)^2 */
    }
    ck_assert_uint_eq(isqrt(FAR), 32768);
}
END_TEST

/* Every compiler, at every level, must draw these.  The digest is that of the pixels in the file of
 * `dump_digits 20 1`; it changes with the generator only. */
START_TEST(demo_images_known_answer)
{
    uint8_t pixels[20 * CLI_DIGIT_PIXELS], labels[20];
    char hex[65];
    cli_digits(pixels, labels, 20, 1);
    hex_hash(hex, pixels, sizeof pixels);
    ck_assert_str_eq(hex, "d8923a583cb332e0201198130e188afdc83efe6e9108b77b47794ec4298475d0");
    hex_hash(hex, labels, sizeof labels);
    ck_assert_str_eq(hex, "be6ad76dc8c0ce635f0f4fbc375581ada2c12e887dd5ecd44545a5e3e6f6fa3c");
}
END_TEST

/* Conventions of MNIST: a longer side of about 20 pixels, centre of mass on pixel (14, 14), some solid ink, not a blot; the border is black
 * but for a few (mass at the top sends the foot of a 7 to the last row: 7 % of them in MNIST). */
START_TEST(image_bounds)
{
    int touching = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        uint8_t px[CLI_DIGIT_PIXELS];
        cli_digit(px, (unsigned)_i, seed);
        double mass = 0, mx = 0, my = 0;
        int solid = 0, lo_x = 28, lo_y = 28, hi_x = -1, hi_y = -1;
        for (int y = 0; y < 28; y++) {
            for (int x = 0; x < 28; x++) {
                int v = px[28 * y + x];
                mass += v, mx += v * x, my += v * y, solid += v == 255;
                if (v < 64) continue;
                lo_x = x < lo_x ? x : lo_x, hi_x = x > hi_x ? x : hi_x;
                lo_y = y < lo_y ? y : lo_y, hi_y = y > hi_y ? y : hi_y;
            }
        }
        int w = hi_x - lo_x + 1, h = hi_y - lo_y + 1, side = w > h ? w : h;
        ck_assert_msg(solid >= 5 && mass > 25 * 255 && mass < 300 * 255, "digit %d seed %d: ink %g", _i, (int)seed, mass / 255);
        ck_assert_msg(side >= 19 && side <= 22, "digit %d seed %d: %d x %d", _i, (int)seed, w, h);
        touching += lo_x == 0 || lo_y == 0 || hi_x == 27 || hi_y == 27;
        mx = mx / mass - 14, my = my / mass - 14;
        ck_assert_msg(mx * mx + my * my < 0.3 * 0.3, "digit %d seed %d: centre off by %g, %g", _i, (int)seed, mx, my);
    }
    ck_assert_msg(touching <= SEEDS / 4, "digit %d: %d of %d touch the border", _i, touching, SEEDS);
}
END_TEST

/* Each style of each digit, at its extremes, stays within the arrays: the tables end with a 0 in reach, and no stroke is too long. */
START_TEST(glyph_tables_are_well_formed)
{
    for (int style = 0; style < STYLES; style++) {
        const int8_t *g = glyphs[_i][style];
        int at = 0, points = 0;
        while (g[at]) {
            int n = g[at];
            ck_assert(n >= 2 && n <= MAX_CONTROLS && at + 1 + 2 * n < GLYPH_BYTES);
            points += n == 2 ? 2 : 1 + CURVE_STEPS * (n - 2);
            at += 1 + 2 * n;
        }
        ck_assert(at > 0 && points <= MAX_POINTS);
    }
}
END_TEST

/* What one digit looks like on average tells it from the others: 200 images of each make the templates, 200 others are compared. */
START_TEST(digits_are_distinct)
{
    double *mean = calloc(10 * CLI_DIGIT_PIXELS, sizeof *mean);
    uint8_t px[CLI_DIGIT_PIXELS];
    ck_assert_ptr_nonnull(mean);
    for (unsigned d = 0; d < 10; d++) {
        for (uint64_t seed = 0; seed < SEEDS; seed++) {
            cli_digit(px, d, seed);
            for (int i = 0; i < CLI_DIGIT_PIXELS; i++) mean[d * CLI_DIGIT_PIXELS + i] += (double)px[i] / SEEDS;
        }
    }
    for (unsigned d = 0; d < 10; d++) {
        int right = 0;
        for (uint64_t seed = SEEDS; seed < 2 * SEEDS; seed++) {
            unsigned best = 10;
            double least = 1e30;
            cli_digit(px, d, seed);
            for (unsigned c = 0; c < 10; c++) {
                double sum = 0;
                for (int i = 0; i < CLI_DIGIT_PIXELS; i++) {
                    double e = px[i] - mean[c * CLI_DIGIT_PIXELS + i];
                    sum += e * e;
                }
                if (sum < least) least = sum, best = c;
            }
            right += best == d;
        }
        ck_assert_msg(right >= SEEDS * 8 / 10, "digit %u: %d of %d", d, right, SEEDS);
    }
    free(mean);
}
END_TEST

START_TEST(seeds_and_digits_differ)
{
    static uint8_t px[10 * 20][CLI_DIGIT_PIXELS];
    for (unsigned i = 0; i < 200; i++) cli_digit(px[i], i % 10, i / 10);
    for (unsigned i = 0; i < 200; i++)
        for (unsigned j = 0; j < i; j++) ck_assert(memcmp(px[i], px[j], CLI_DIGIT_PIXELS) != 0);
    uint8_t again[CLI_DIGIT_PIXELS];
    cli_digit(again, 7, 3);
    ck_assert_mem_eq(again, px[37], CLI_DIGIT_PIXELS);
}
END_TEST

START_TEST(batch_is_balanced_and_a_prefix)
{
    static uint8_t px[100 * CLI_DIGIT_PIXELS], part[37 * CLI_DIGIT_PIXELS];
    uint8_t labels[100];
    cli_digits(px, labels, 100, 42);
    cli_digits(part, NULL, 37, 42);
    ck_assert_mem_eq(part, px, sizeof part);
    int moved = 0;
    for (int ten = 0; ten < 10; ten++) {
        unsigned seen = 0;
        for (int i = 0; i < 10; i++) seen |= 1u << labels[10 * ten + i], moved += labels[10 * ten + i] != i;
        ck_assert_uint_eq(seen, 0x3ff);
    }
    ck_assert_int_gt(moved, 50);
    cli_digits(px, labels, 0, 42);
}
END_TEST

START_TEST(no_such_digit_is_black)
{
    uint8_t px[CLI_DIGIT_PIXELS], black[CLI_DIGIT_PIXELS] = {0};
    memset(px, 1, sizeof px);
    cli_digit(px, 10, 1);
    ck_assert_mem_eq(px, black, sizeof px);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("digits");
    TCase *tc = tcase_create("digits");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, random_is_splitmix64);
    tcase_add_test(tc, draws_fill_their_range);
    tcase_add_test(tc, isqrt_is_the_floor);
    tcase_add_test(tc, demo_images_known_answer);
    tcase_add_loop_test(tc, image_bounds, 0, 10);
    tcase_add_loop_test(tc, glyph_tables_are_well_formed, 0, 10);
    tcase_add_test(tc, digits_are_distinct);
    tcase_add_test(tc, seeds_and_digits_differ);
    tcase_add_test(tc, batch_is_balanced_and_a_prefix);
    tcase_add_test(tc, no_such_digit_is_black);
    suite_add_tcase(s, tc);
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
