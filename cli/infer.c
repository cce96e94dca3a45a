// SPDX-License-Identifier: ISC
#include <string.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/job.h"
#include "cli/keys.h"
#include "nn/idx.h"
#include "nn/onnx.h"

#define RETRY_S 60
#define TIMEOUT_S 600

static const char about[] = "usage: tacit infer ADDR:PORT ... --images FILE [options]\n"
                            "\n"
                            "Asks the server at ADDR:PORT for the labels of images, without showing it the images.  "
                            "With several servers of one model, batches go to all of them.\n";

/** inputs: what the job is about, read before anything is sent. */
typedef struct {
    nn_idx *images, *labels;
    nn_qmodel *reference;
    noise_keypair own;
    uint8_t server[32];
} inputs;

static uint32_t first_image;

static void show_json(uint32_t i, int32_t label)
{
    if (label == NN_NO_LABEL)
        printf("{\"image\":%u,\"label\":null}\n", first_image + i);
    else
        printf("{\"image\":%u,\"label\":%d}\n", first_image + i, label);
}

static void show_line(uint32_t i, int32_t label)
{
    if (label == NN_NO_LABEL)
        printf("image %u: no label\n", first_image + i);
    else
        printf("image %u: %d\n", first_image + i, label);
}

static int load_labels(const cli_args *a, cli_job *job, inputs *in, uint32_t limit)
{
    int rc = nn_idx_load(&in->labels, a->labels, limit);
    if (rc)
        return rc;
    const nn_idx *x = in->labels, *images = in->images;
    if (x->dims != 1)
        return err_set(ERR_DATA, "%s: labels are an IDX file of one dimension; this one has %u", a->labels, x->dims);
    if (x->dim[0] != images->dim[0])
        return err_set(ERR_DATA, "%s: it has %u labels, but %s has %u images: they do not belong together", a->labels,
                       x->dim[0], a->images, images->dim[0]);
    job->labels = x->data + a->skip;
    return 0;
}

static int load(const cli_args *a, cli_job *job, inputs *in)
{
    const uint32_t limit = a->count ? a->skip + a->count : 0; /* below 2^32: cli_parse */
    int rc = nn_idx_load(&in->images, a->images, limit);
    if (rc)
        return rc;
    const nn_idx *x = in->images;
    if (x->dims < 2)
        return err_set(ERR_DATA, "%s: an IDX file of one dimension has labels, not images", a->images);
    if (!x->count)
        return err_set(ERR_DATA, "%s: it has no images", a->images);
    if (a->skip >= x->count)
        return err_set(ERR_DATA, "%s: it has %u images, none after the first %u", a->images, x->count, a->skip);
    job->count = x->count - a->skip;
    if (job->count < a->count)
        fprintf(stderr, "tacit infer: %s has %u images, so these are %u, not %u\n", a->images, x->count, job->count,
                a->count);
    job->size = x->size;
    job->dims = x->dims - 1;
    memcpy(job->dim, x->dim + 1, job->dims * sizeof *job->dim);
    job->pixels = x->data + (size_t)a->skip * job->size;
    if (a->labels && (rc = load_labels(a, job, in, limit)))
        return rc;
    if (a->reference) {
        nn_model *m;
        if ((rc = nn_onnx_load(&m, a->reference)))
            return rc;
        rc = nn_quantise(&in->reference, m, &a->quant);
        nn_model_free(m);
        job->reference = in->reference;
        if (rc)
            return rc;
    }
    job->predicted = mem_alloc(job->count, sizeof *job->predicted);
    job->state = mem_alloc(job->count, 1);
    if (!job->predicted || !job->state)
        return err_set(ERR_MEM, "out of memory");
    return a->resume ? cli_journal_open(&job->journal, a->resume, job->pixels, job->count, job->size, a->skip,
                                        job->predicted, job->state)
                     : 0;
}

/** trust: whom the client believes, and who it says that it is. */
static int trust(const cli_args *a, cli_trust *t, inputs *in)
{
    int rc = 0;
    *t = (cli_trust){.known_servers = a->known_servers,
                     .plaintext = a->plaintext,
                     .timeout_ms = 1000 * (a->timeout ? a->timeout : TIMEOUT_S)};
    if (a->server_key && !(rc = cli_server_key(in->server, a->server_key)))
        t->pinned = in->server;
    if (!rc && a->key && !(rc = cli_key_load(&in->own, a->key)))
        t->own = &in->own;
    return rc;
}

int cli_infer(int argc, char **argv)
{
    cli_args a;
    cli_job job = {0};
    inputs in = {0};
    int code = cli_parse(&a, argc, argv, CLI_INFER, "ADDR:PORT", about);
    if (code >= 0)
        return code;
    if (!a.images)
        return cli_usage("infer", "--images FILE is missing");
    const char *files[] = {a.images, a.labels, a.reference};
    int standard = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        standard += files[i] && !strcmp(files[i], "-");
    if (standard > 1)
        return cli_usage("infer", "of --images, --labels and --reference only one can be standard input");
    cli_catch_signals();
    int rc = trust(&a, &job.trust, &in);
    if (!rc && !(rc = load(&a, &job, &in))) {
        first_image = a.skip;
        job.batch = a.batch;
        job.ot = a.ot;
        job.servers = a.operands;
        job.server_count = a.operand_count;
        job.retry = a.retry ? a.retry : RETRY_S;
        job.eager = a.retry > 0;
        job.progress = 1;
        job.show = a.json ? show_json : a.verbose || job.count <= 100 ? show_line : NULL;
        rc = cli_job_run(&job);
        if (rc && job.done && job.done < job.count && (a.resume || rc != ERR_OUTPUT))
            fprintf(stderr, "tacit infer: %u of %u predictions are done and stand%s\n", job.done, job.count,
                    a.resume ? "; the same command goes on from there"
                             : "; with --resume FILE a job goes on where it was cut");
    }
    if (rc && rc != ERR_INTERRUPTED && cli_stop)
        rc = err_set(ERR_INTERRUPTED, "interrupted");
    if (rc != ERR_OUTPUT && (job.done || !rc)) {
        const int compared = cli_job_compare(&job);
        rc = rc ? rc : compared;
        cli_job_summary(&job, a.json);
    }
    code = rc ? cli_fail("infer", rc) : EXIT_OK;
    cli_journal_close(job.journal);
    mem_free(job.predicted);
    mem_free(job.state);
    nn_idx_free(in.images);
    nn_idx_free(in.labels);
    nn_qmodel_free(in.reference);
    mem_wipe(&in.own, sizeof in.own);
    return cli_close_stdout(code);
}
