// SPDX-License-Identifier: ISC
/** nets.h: small random networks and MNIST images for the tests of nn/. */
#ifndef TACIT_TEST_NETS_H
#define TACIT_TEST_NETS_H

#include "base/prg.h"
#include "nn/idx.h"
#include "nn/plan.h"

/** nets_dense: a random fully connected network with the given widths, quantised.  Asserts success. */
nn_qmodel *nets_dense(const uint32_t *width, uint32_t layers, prg *rng);
/** nets_dense_with: with these options; NULL: the usual ones. */
nn_qmodel *nets_dense_with(const uint32_t *width, uint32_t layers, const nn_quant_options *opt, prg *rng);

/** nets_mnist: cryptonets-relu quantised, and `count` test images of MNIST; 0 and a loud line on stderr when either is not there. */
int nets_mnist(nn_qmodel **q, nn_idx **images, uint32_t count);

#endif
