// SPDX-License-Identifier: ISC
/** encode.h: complex slots to RNS plaintexts and back (embed.h says which slot is where).
 *
 *  encode: coefficient k = round(scale * the real polynomial with these slots), to the nearest, ties to even; residues modulo the first
 *  `level` primes.  decode: the slots of the polynomial whose coefficients are the centred numbers in [-(Q-1)/2, (Q-1)/2], over scale.
 *  Two real vectors are packed as re and im.  Errors of both: docs/PARAMS.md, Embedding.
 *  CT: time and addresses depend on n, level and count; the transform as in embed.h.  Whether a coefficient is out of range is told. */
#ifndef TACIT_CKKS_ENCODE_H
#define TACIT_CKKS_ENCODE_H

#include <stddef.h>
#include <stdint.h>

#include "ckks/ct.h"

typedef struct ckks_encoder ckks_encoder;

/** ckks_encoder_create: the tables for p, which must outlive it; an encoder is never written to afterwards.
 *  ckks_encoder_create_with: by kernels that need no more than `features` of cpu_features.
 *  Errors: ERR_ARG (n not in [16, 32768]), ERR_MEM. */
int ckks_encoder_create(ckks_encoder **out, const ckks_params *p) MUST_CHECK;
int ckks_encoder_create_with(ckks_encoder **out, const ckks_params *p, unsigned features) MUST_CHECK;
void ckks_encoder_free(ckks_encoder *e);

/** ckks_encoder_scratch: the doubles that encode and decode ask for; secret afterwards, the caller's to wipe. */
size_t ckks_encoder_scratch(const ckks_encoder *e);
/** ckks_encoder_kernel: the name of the instruction set in use. */
const char *ckks_encoder_kernel(const ckks_encoder *e);

/** ckks_encode: pt = the slots re[count] + i im[count] (im NULL: real ones), 0 beyond, at `scale` and `level`, in coefficients.
 *  Errors: ERR_ARG (pt of other parameters or too little room, count above n/2, scale not a positive number, a coefficient that is not a
 *  number or above min(2^120, (Q-1)/2) in absolute value; which one is not told).   Alias: none. */
int ckks_encode(const ckks_encoder *e, ckks_pt *pt, const double *re, const double *im, size_t count, double scale, uint32_t level,
                double *scratch) MUST_CHECK;

/** ckks_encode_constant: r[i] = round(c * scale) modulo prime i, i < level: the polynomial with c in all slots is this number, so adding
 *  it (coefficient 0) or multiplying by it needs no transform.  Errors: ERR_ARG as above.   Integers up to 2^61: mod_from_signed. */
int ckks_encode_constant(const ckks_encoder *e, uint64_t *r, double c, double scale, uint32_t level) MUST_CHECK;

/** ckks_ct_multiply_real: r = a times c in all slots, either domain; the scales multiply.   In: c public.
 *  ckks_ct_add_real: r = a + c in all slots, c (which may be secret) rounded at the scale of a; a seeded ciphertext stays one.
 *  Errors: ERR_ARG (parameters, room of r, those of ckks_encode_constant; a product of scales that is not a positive number).
 *  Alias: r may be a. */
int ckks_ct_multiply_real(const ckks_encoder *e, ckks_ct *r, const ckks_ct *a, double c, double scale) MUST_CHECK;
int ckks_ct_add_real(const ckks_encoder *e, ckks_ct *r, const ckks_ct *a, double c) MUST_CHECK;

/** ckks_decode: re[count] + i im[count] = the first slots of pt; im may be NULL.
 *  Errors: ERR_ARG (other parameters, count above n/2, not in coefficients, 1/scale not a number, Q at this level above 2^1000). */
int ckks_decode(const ckks_encoder *e, double *re, double *im, size_t count, const ckks_pt *pt, double *scratch) MUST_CHECK;

#endif
