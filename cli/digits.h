// SPDX-License-Identifier: ISC
/** digits.h: images of handwritten-looking digits, drawn by the program itself, so that the demo needs no data file.  Integer arithmetic
 *  only: one seed gives the same pixels everywhere.  Demo data: the generator is not cryptographic, and nothing secret comes near it. */
#ifndef TACIT_CLI_DIGITS_H
#define TACIT_CLI_DIGITS_H

#include <stdint.h>

#define CLI_DIGIT_SIDE 28
#define CLI_DIGIT_PIXELS (CLI_DIGIT_SIDE * CLI_DIGIT_SIDE)

/** cli_digit: one image in the conventions of MNIST: row-major greyscale, white ink (255) on black, the longer side of the digit 20 pixels,
 *  the ink's centre of mass on pixel (14, 14).
 *  In:   digit in [0, 10); a larger one leaves the image black.  seed: any; it chooses the style, the slant, the pen and the wobble. */
void cli_digit(uint8_t pixels[CLI_DIGIT_PIXELS], unsigned digit, uint64_t seed);

/** cli_digits: pixels[count][784] and labels[count].  Each run of ten holds every digit once, in an order that depends on the seed; image i
 *  does not depend on count.
 *  In:   labels may be NULL. */
void cli_digits(uint8_t *pixels, uint8_t *labels, uint32_t count, uint64_t seed);

#endif
