// SPDX-License-Identifier: ISC
#include "nn/prepare.h"

#include <string.h>

#include "base/mem.h"
#include "gc/gadgets.h"
#include "nn/session.h"

int nn_common_create(nn_common *m)
{
    const nn_plan *p = &m->plan;
    const nn_plan_layer *last = &p->layer[p->layers - 1];

    for (uint32_t i = 0; i < p->layers; i++) {
        for (uint32_t j = 0; j < i && !m->params[i]; j++)
            if (nn_same_ckks(&p->layer[i].ckks, &p->layer[j].ckks))
                m->params[i] = m->params[j];
        const int rc = m->params[i] ? 0 : ckks_params_create(&m->params[i], &p->layer[i].ckks);
        if (rc)
            return rc;
        if (convert_scratch_words(m->params[i]) > m->scratch_words)
            m->scratch_words = convert_scratch_words(m->params[i]);
    }
    return gc_argmax_circuit(&m->argmax, last->out, nn_k(last), nn_drop(last));
}

void nn_common_free(nn_common *m)
{
    for (uint32_t i = m->plan.layers; i-- > 0;) {
        int shared = 0;
        for (uint32_t j = 0; j < i; j++)
            shared |= m->params[i] == m->params[j];
        if (!shared)
            ckks_params_free(m->params[i]);
        m->params[i] = NULL;
    }
    gc_circuit_free(m->argmax);
    m->argmax = NULL;
}

int nn_prepare(nn_prepared **out, const nn_qmodel *q, int names)
{
    nn_prepared *m = mem_alloc(1, sizeof *m);
    int rc = ERR_MEM;

    *out = NULL;
    if (!m)
        goto out;
    m->common.plan = q->plan;
    for (uint32_t i = 0; i < q->plan.layers && !names; i++)
        memset(m->common.plan.layer[i].name, 0, NN_NAME_MAX);
    TRY(nn_common_create(&m->common));
    for (uint32_t i = 0; i < q->plan.layers; i++) {
        const nn_qlayer *a = &q->layer[i];
        const size_t words = nn_min(NN_WEIGH, a->out) * convert_ct_words(m->common.params[i]);
        m->sum_words = words > m->sum_words ? words : m->sum_words;
        TRY(convert_matrix_create(&m->weights[i], q->wbits, a->out, a->row, a->col, a->w));
        TRY_MEM(m->bias[i] = mem_alloc(a->out, sizeof *a->bias));
        memcpy(m->bias[i], a->bias, a->out * sizeof *a->bias);
    }
    TRY_MEM(m->wire = mem_alloc(1, NN_PLAN_BYTES_MAX));
    m->wire_len = nn_plan_write(&m->common.plan, m->wire);
    *out = m;
    m = NULL;
    rc = 0;
out:
    nn_prepared_free(m);
    return rc == ERR_MEM ? err_set(ERR_MEM, "out of memory for a model") : rc;
}

void nn_prepared_free(nn_prepared *m)
{
    if (!m)
        return;
    for (uint32_t i = 0; i < m->common.plan.layers; i++) {
        convert_matrix_free(m->weights[i]);
        mem_free(m->bias[i]);
    }
    mem_free(m->wire);
    nn_common_free(&m->common);
    mem_free(m);
}

const nn_plan *nn_prepared_plan(const nn_prepared *m) { return &m->common.plan; }
