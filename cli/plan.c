// SPDX-License-Identifier: ISC
#include "cli/cli.h"
#include "convert/linear.h"
#include "convert/wires.h"
#include "nn/onnx.h"

static const char help[] =
    "usage: tacit plan MODEL.onnx [--json] [--wbits n] [--abits n] [--ot NAME]\n"
    "\n"
    "Prints what will run, layer by layer; all of it is known to the client too.\n"
    "  --wbits n   bits of a weight, 2 to 11 (8)\n"
    "  --abits n   bits kept of one standard deviation of a layer's output, 4 to 20\n"
    "  --ot NAME   of the server, see tacit serve --help\n"
    "  --json      one JSON object a line\n";

/** layer_bytes: bytes of a layer for a full batch: request, response, OT, tables.  Framing apart. */
static int layer_bytes(const nn_plan *p, unsigned ot, uint32_t i, double *up, double *down)
{
    const nn_plan_layer *a = &p->layer[i];
    const size_t lanes = (size_t)a->out * p->max_batch;
    ckks_params *params;
    gc_circuit *f = NULL;
    int rc = ckks_params_create(&params, &a->ckks);
    if (rc)
        return rc;
    *up = (double)a->in * (double)ckks_poly_bytes(params);
    *down = (double)a->out * (double)convert_response_bytes(params, nn_k(a), p->max_batch);
    ckks_params_free(params);
    if (a->relu) {
        *down += (double)convert_u_bytes(ot, nn_n(a), lanes);
        *up += (double)gc_relu_bytes(nn_n(a), p->layer[i + 1].l, lanes);
        return 0;
    }
    if ((rc = gc_argmax_circuit(&f, a->out, nn_k(a), nn_drop(a))))
        return rc;
    *down += (double)convert_u_bytes(ot, (size_t)a->out * nn_k(a), p->max_batch);
    *up += (double)gc_circuit_row_bytes(f, p->max_batch);
    gc_circuit_free(f);
    return 0;
}

int cli_plan(int argc, char **argv)
{
    cli_args a;
    nn_model *m = NULL;
    nn_qmodel *q = NULL;
    int code = cli_parse(&a, argc, argv, "--json --wbits --abits --ot", "MODEL.onnx", help);
    if (code >= 0)
        return code;
    int rc = nn_onnx_load(&m, a.operand);
    if (!rc)
        rc = nn_quantise(&q, m, &a.quant);
    nn_model_free(m);
    if (rc)
        return cli_fail("plan", rc);
    const nn_plan *p = &q->plan;
    double total = 0;
    if (!a.json) {
        printf("input %u x %u x %u, %u layers with weights, up to %u images a batch, batch packing\n", p->channels, p->height, p->width, p->layers,
               p->max_batch);
        printf("%-24s %8s %6s %6s %6s %3s %3s %3s %3s %8s %14s %s\n", "layer", "in", "out", "N", "log Q", "l", "g", "t", "n", "noise",
               "bytes/image", "then");
    }
    for (uint32_t i = 0; i < p->layers && !rc; i++) {
        const nn_plan_layer *x = &p->layer[i];
        double up, down;
        unsigned log_q = 0;
        if ((rc = layer_bytes(p, a.ot ? a.ot : NN_DEFAULT_OT, i, &up, &down)))
            break;
        for (uint32_t j = 0; j < x->ckks.primes; j++)
            log_q += x->ckks.bits[j];
        const double each = (up + down) / p->max_batch;
        total += each;
        if (a.json) {
            printf("{\"layer\":");
            cli_json_text(stdout, x->name);
            printf(",\"packing\":\"batch\",\"in\":%u,\"out\":%u,\"n_ring\":%u,\"log_q\":%u,\"primes\":%u,\"l\":%u,\"g\":%u,\"t\":%u,\"n\":%u,"
                   "\"noise_bound\":%u,\"weight_noise_log2\":%.2f,\"bytes_per_image\":%.0f,\"then\":\"%s\"}\n",
                   x->in, x->out, x->ckks.n, log_q, x->ckks.primes, x->l, x->g, x->t, nn_n(x), nn_noise_bound(x->ckks.n), q->layer[i].noise, each,
                   x->relu ? "relu" : "argmax");
        } else {
            printf("%-24s %8u %6u %6u %6u %3u %3u %3u %3u %8.1f %14.0f %s\n", x->name, x->in, x->out, x->ckks.n, log_q, x->l, x->g, x->t, nn_n(x),
                   q->layer[i].noise, each, x->relu ? "ReLU" : "argmax");
        }
    }
    if (!rc && a.json)
        printf("{\"plan\":{\"layers\":%u,\"max_batch\":%u,\"flights\":%u,\"bytes_per_image\":%.0f,\"failure_log2\":-40}}\n", p->layers, p->max_batch,
               2 * p->layers + 2, total);
    else if (!rc)
        printf("flights a batch %u; bytes an image %.0f in a full batch; noise: log2 of the standard deviation of the part that depends on the weights,\n"
               "in units of a share's last bit (at most -8); rounding noise exceeds its bound in a whole batch with probability below 2^-40\n",
               2 * p->layers + 2, total);
    nn_qmodel_free(q);
    return rc ? cli_fail("plan", rc) : cli_close_stdout(EXIT_OK);
}
