// SPDX-License-Identifier: ISC
/** eval.h: what changes the modulus or needs an evaluation key: rescale, products of ciphertexts, rotations.
 *
 *  Ciphertexts are in the NTT domain throughout.  An evaluator holds the scratch; one thread at a time may use it.  Contracts of errors,
 *  aliases and time as in ct.h: an output may be one of the inputs, ERR_ARG names what does not fit, and then nothing has changed. */
#ifndef TACIT_CKKS_EVAL_H
#define TACIT_CKKS_EVAL_H

#include "ckks/ct.h"
#include "ckks/evk.h"

typedef struct ckks_eval ckks_eval;

int ckks_eval_create(ckks_eval **out, const ckks_params *p) MUST_CHECK;
void ckks_eval_free(ckks_eval *e);

/** ckks_rescale: r = a divided by the last prime in use, rounded to the nearest, one level down; so is the scale.
 *  Errors: ERR_ARG (parameters, domain, level 1, the room of r). */
int ckks_rescale(ckks_eval *e, ckks_ct *r, const ckks_ct *a) MUST_CHECK;

/** ckks_multiply_relin: r = a b under s again; the scales multiply.   ckks_square_relin: b = a.
 *  ckks_multiply_relin_rescale: the same, rescaled, with one division by P and the last prime.
 *  Errors: ERR_ARG (parameters, level, domain, the product of the scales not below the modulus, room of r, a key of another kind). */
int ckks_multiply_relin(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_ct *b, const ckks_evk *relin) MUST_CHECK;
int ckks_square_relin(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_evk *relin) MUST_CHECK;
int ckks_multiply_relin_rescale(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_ct *b, const ckks_evk *relin) MUST_CHECK;

/** ckks_automorphism: r = a under x -> x^g, g that of the key: a rotation of the slots or their conjugation (ckks_galois_rotation).
 *  Errors: ERR_ARG (parameters, domain, room of r, a relinearisation key). */
int ckks_automorphism(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_evk *key) MUST_CHECK;
/** ckks_automorphisms: r[i] = a under key[i], from one decomposition of a (hoisted); the same bits as one by one.
 *  In: r[i] distinct and none of them a. */
int ckks_automorphisms(ckks_eval *e, ckks_ct *const *r, const ckks_ct *a, const ckks_evk *const *key, size_t count) MUST_CHECK;
/** ckks_automorphism_sum: r = a + sum_i (a under key[i]), hoisted, with one division by P for all. */
int ckks_automorphism_sum(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_evk *const *key, size_t count) MUST_CHECK;
/** ckks_inner_sum: slot j of r = sum_(i < 4^steps) slot (j + i) of a, indices modulo n/2: steps of four, each hoisted.
 *  In: key[3 k + i] rotates by (i + 1) 4^k, k < steps, i < 3.   Errors: ERR_ARG as above, and for a key of another rotation or 4^steps > n/2. */
int ckks_inner_sum(ckks_eval *e, ckks_ct *r, const ckks_ct *a, const ckks_evk *const *key, uint32_t steps) MUST_CHECK;

#endif
