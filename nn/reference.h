// SPDX-License-Identifier: ISC
/** reference.h: the network in the clear, with the very integers of the protocol. */
#ifndef TACIT_NN_REFERENCE_H
#define TACIT_NN_REFERENCE_H

#include "nn/plan.h"

/** nn_ref_layer: one weighted layer and its truncation and activation: y[o] = act((W x + b)[o] >> t), ReLU where the plan says so;
 *  x[in], y[out]. */
void nn_ref_layer(const nn_qmodel *q, uint32_t layer, const int64_t *x, int64_t *y);

/** nn_ref_run: an image of layer[0].in pixels -> truncated logits[out of the last layer] and the label (ties to the lowest index).
 *  `scratch` holds 6 * nn_ref_scratch(q) int64_t. */
size_t nn_ref_scratch(const nn_qmodel *q);
int32_t nn_ref_run(const nn_qmodel *q, const uint8_t *pixels, int64_t *logits, int64_t *scratch);

/** nn_ref_margin: 1 if no run of the protocol whose decryption noise keeps nn_noise_bound (all but 2^-40 of batches) can give this image
 *  another label than nn_ref_run: error intervals (noise and split floor of every truncation: never beyond [-2, +1] units, mostly less) are
 *  propagated through the weights from this image's own activations and compared with the distance of the winning logit to each other one.
 *  0: the bound does not speak of this image.   `scratch` as above. */
int nn_ref_margin(const nn_qmodel *q, const uint8_t *pixels, int64_t *scratch);

#endif
