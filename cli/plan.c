// SPDX-License-Identifier: ISC
#include <inttypes.h>

#include "cli/cli.h"
#include "nn/onnx.h"
#include "nn/size.h"

static const char about[] =
    "usage: tacit plan MODEL.onnx [options]\n"
    "\n"
    "Prints what will run, layer by layer: first all that a client is told, then what only the owner sees.\n"
    "N, log Q  the encryption: ring degree, bits of the modulus\n"
    "l         bits of a sum in the layer: no input can make it overflow\n"
    "g         guard bits below it, which keep the noise of decryption away from it\n"
    "t         low bits of the sum that are dropped; a ReLU or argmax works on the n = l - t that remain\n";

static const char legend[] =
    "N, log Q: ring degree and modulus of the encryption.  l: bits of a sum, which no input can overflow;\n"
    "g: guard bits below it for the noise; t: low bits that are dropped; n = l - t: bits that go on.\n"
    "Rounding noise exceeds its bound in a whole batch with probability below 2^-40.\n";

static unsigned log_q(const nn_plan_layer *x)
{
    unsigned bits = 0;
    for (uint32_t j = 0; j < x->ckks.primes; j++)
        bits += x->ckks.bits[j];
    return bits;
}

static double each(const nn_plan *p, uint32_t i, uint32_t batch, unsigned ot)
{
    uint64_t up, down;
    nn_size_traffic(p, i, batch, ot, &up, &down);
    return (double)(up + down) / batch;
}

static void show_json(const nn_qmodel *q, uint32_t batch, unsigned ot)
{
    const nn_plan *p = &q->plan;
    double total = 0;
    for (uint32_t i = 0; i < p->layers; i++) {
        const nn_plan_layer *x = &p->layer[i];
        total += each(p, i, batch, ot);
        printf("{\"layer\":%u,\"packing\":\"batch\",\"in\":%u,\"out\":%u,\"n_ring\":%u,\"log_q\":%u,\"primes\":%u,"
               "\"l\":%u,\"g\":%u,\"t\":%u,"
               "\"n\":%u,\"noise_bound\":%u,\"bytes_per_image\":%.0f,\"then\":\"%s\",\"owner\":{\"name\":",
               i, x->in, x->out, x->ckks.n, log_q(x), x->ckks.primes, x->l, x->g, x->t, nn_n(x),
               nn_noise_bound(x->ckks.n), each(p, i, batch, ot), x->relu ? "relu" : "argmax");
        cli_json_text(stdout, x->name);
        printf(",\"weight_noise_log2\":%.2f,\"scale\":%g}}\n", q->layer[i].noise, q->layer[i].scale);
    }
    printf("{\"plan\":{\"input\":[%u,%u,%u],\"layers\":%u,\"max_batch\":%u,\"batch\":%u,\"flights\":%u,"
           "\"bytes_per_image\":%.0f,"
           "\"client_bytes\":%" PRIu64 ",\"server_bytes\":%" PRIu64 ",\"failure_log2\":-40}}\n",
           p->channels, p->height, p->width, p->layers, p->max_batch, batch, 2 * p->layers + 2, total,
           nn_client_bytes(p, batch), nn_server_bytes(p, batch));
}

static void show_text(const nn_qmodel *q, uint32_t batch, unsigned ot)
{
    const nn_plan *p = &q->plan;
    double total = 0;
    printf("What a client is told\n\ninput %u x %u x %u, %u layers with weights, up to %u images a batch, "
           "batch packing\n",
           p->channels, p->height, p->width, p->layers, p->max_batch);
    printf("%-8s %8s %8s %6s %6s %3s %3s %3s %3s %14s  %s\n", "layer", "in", "out", "N", "log Q", "l", "g", "t", "n",
           "bytes/image", "then");
    for (uint32_t i = 0; i < p->layers; i++) {
        const nn_plan_layer *x = &p->layer[i];
        total += each(p, i, batch, ot);
        printf("%-8u %8u %8u %6u %6u %3u %3u %3u %3u %14.0f  %s\n", i, x->in, x->out, x->ckks.n, log_q(x), x->l, x->g,
               x->t, nn_n(x), each(p, i, batch, ot), x->relu ? "ReLU" : "argmax");
    }
    printf("A batch of %u images: %u flights, %.0f bytes an image; a session takes at most %.1f MB at the client, "
           "%.1f MB at the server.\n%s",
           batch, 2 * p->layers + 2, total, (double)nn_client_bytes(p, batch) / 1e6,
           (double)nn_server_bytes(p, batch) / 1e6, legend);
    printf("\nWhat only the owner sees (names too, unless tacit serve --names)\n\n%-8s %-32s %12s %8s\n", "layer",
           "name", "scale", "noise");
    for (uint32_t i = 0; i < p->layers; i++)
        printf("%-8u %-32s %12.4g %8.1f\n", i, p->layer[i].name, q->layer[i].scale, q->layer[i].noise);
    printf("Scale: the real value of 1 in a sum.  Noise: log2 of the standard deviation of the part that depends on\n"
           "the weights, in units of a share's last bit (at most -8).\n");
}

int cli_plan(int argc, char **argv)
{
    cli_args a;
    nn_model *m = NULL;
    nn_qmodel *q = NULL;
    int code = cli_parse(&a, argc, argv, CLI_PLAN, "MODEL.onnx", about);
    if (code >= 0)
        return code;
    int rc = nn_onnx_load(&m, a.operand);
    if (!rc)
        rc = nn_quantise(&q, m, &a.quant);
    nn_model_free(m);
    if (rc)
        return cli_fail("plan", rc);
    const uint32_t batch = a.batch ? a.batch : q->plan.max_batch;
    if (batch > q->plan.max_batch)
        code = cli_usage("plan", "--batch %u: the plan allows at most %u images a batch", batch, q->plan.max_batch);
    else
        (a.json ? show_json : show_text)(q, batch, a.ot ? a.ot : NN_DEFAULT_OT);
    nn_qmodel_free(q);
    return code >= 0 ? code : cli_close_stdout(EXIT_OK);
}
