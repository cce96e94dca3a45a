// SPDX-License-Identifier: ISC
#include "nn/model.h"

#include "base/mem.h"

void nn_model_free(nn_model *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < NN_MAX_LAYERS; i++) {
        mem_free(m->layer[i].row);
        mem_free(m->layer[i].col);
        mem_free(m->layer[i].w);
        mem_free(m->layer[i].bias);
    }
    mem_free(m);
}
