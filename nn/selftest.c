// SPDX-License-Identifier: ISC
#include "nn/selftest.h"

#include "base/aes_kern.h"
#include "base/bits_kern.h"
#include "base/gcm_kern.h"
#include "ckks/embed_kern.h"
#include "ckks/encode_kern.h"
#include "ckks/ntt_kern.h"
#include "ckks/ring_kern.h"
#include "convert/weigh_kern.h"
#include "gc/gate.h"
#include "gc/relu_kern.h"
#include "ot/check_kern.h"
#include "ot/kern.h"

kern_set *const nn_kern_sets[NN_KERN_SETS] = {&aes_kerns, /* before the gates, which use it */
                                              &bits_kerns,    &ntt_kerns,   &ring_kerns,     &embed_kerns,
                                              &encode_kerns,  &ot_kerns,    &ot_check_kerns, &gc_gate_kerns,
                                              &gc_relu_kerns, &weigh_kerns, &gcm_kerns};

int nn_selftest(void (*warn)(const char *line))
{
    int rc = 0;
    for (size_t i = 0; i < NN_KERN_SETS && !rc; i++)
        rc = kern_check(nn_kern_sets[i], warn);
    return rc;
}
