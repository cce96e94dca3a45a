// SPDX-License-Identifier: ISC
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/prg.h"
#include "cli/cli.h"
#include "net/tcp.h"
#include "nn/idx.h"
#include "nn/onnx.h"
#include "nn/reference.h"

#define CONNECT_MS 10000
#define IDLE_MS (10 * 60 * 1000)

static const char about[] =
    "usage: tacit infer ADDR:PORT ... --images FILE [options]\n"
    "\n"
    "Asks the server at ADDR:PORT for the labels of images, without showing it the images.\n";

typedef struct {
    uint32_t before, now, all;
} bar;

static void on_progress(void *arg, double fraction)
{
    const bar *b = arg;
    cli_bar("private inference", (b->before + fraction * b->now) / b->all);
}

static int session(cli_infer_job *job, chan *ch, nn_client *c, double begin)
{
    const nn_plan *p = nn_client_plan(c);
    const uint32_t size = p->layer[0].in, batch = job->batch ? job->batch : p->max_batch;

    job->setup_seconds = cli_now() - begin;
    if (job->size != size)
        return err_set(ERR_DATA, "an image has %u bytes; the network takes %u x %u x %u = %u", job->size, p->channels, p->height, p->width, size);
    if (batch > p->max_batch)
        return err_set(ERR_ARG, "--batch %u: the plan allows at most %u images a batch", batch, p->max_batch);
    if (job->reference) {
        if (!nn_plan_equal(&job->reference->plan, p))
            return err_set(ERR_DATA, "--reference: this model's plan is not the server's");
    }
    for (uint32_t first = 0; first < job->count; first += batch) {
        const uint32_t n = job->count - first < batch ? job->count - first : batch;
        bar b = {first, n, job->count};
        int rc = nn_client_infer(c, job->pixels + (size_t)first * size, n, job->predicted + first, job->progress ? on_progress : NULL, &b);
        if (rc)
            return rc;
        job->done = first + n;
        job->seconds = cli_now() - begin;
        for (uint32_t i = first; i < first + n && job->show; i++)
            job->show(i, job->predicted[i]);
    }
    (void)ch;
    return 0;
}

int cli_infer_run(cli_infer_job *job, const char *address)
{
    const double begin = cli_now();
    nn_client *c = NULL;
    chan *ch = NULL;
    prg rng;
    int fd, rc = tcp_connect(address, CONNECT_MS, &fd);

    if (rc || (rc = chan_open(&ch, fd)))
        return rc;
    chan_set_stop(ch, &cli_stop);
    chan_set_timeout(ch, IDLE_MS);
    if (!(rc = prg_init_random(&rng)) && !(rc = nn_client_open(&c, ch, job->ot, &rng))) {
        rc = session(job, ch, c, begin);
        nn_client_stats(c, &job->stats);
        nn_client_close(c);
        if (!rc && job->stats.unreadable) /* after the goodbye: nothing that is sent may depend on what was decoded */
            rc = err_set(ERR_PEER, "output: the server's answer is no label for %llu images", (unsigned long long)job->stats.unreadable);
    }
    if (job->progress)
        cli_bar_end();
    chan_get_stats(ch, &job->traffic);
    chan_free(ch);
    prg_wipe(&rng);
    return rc;
}

/** cli_infer_compare: the finished predictions against labels and reference. */
int cli_infer_compare(cli_infer_job *job)
{
    for (uint32_t i = 0; i < job->done && job->labels; i++)
        job->correct += job->labels[i] == job->predicted[i];
    if (!job->reference)
        return 0;
    const size_t width = nn_ref_scratch(job->reference);
    int64_t *scratch = mem_alloc(7 * width, sizeof *scratch);
    if (!scratch)
        return err_set(ERR_MEM, "out of memory for the reference");
    for (uint32_t i = 0; i < job->done; i++) {
        const uint8_t *x = job->pixels + (size_t)i * job->size;
        const int32_t label = nn_ref_run(job->reference, x, scratch + 6 * width, scratch);
        const int certain = nn_ref_margin(job->reference, x, scratch);
        job->agree += label == job->predicted[i];
        job->covered += (uint32_t)certain;
        job->exceptions += certain && label != job->predicted[i];
        if (job->progress)
            cli_bar("reference in the clear", (double)(i + 1) / job->done);
    }
    if (job->progress)
        cli_bar_end();
    mem_free(scratch);
    return 0;
}

static void number_or_null(const char *key, int is, uint32_t x)
{
    if (is)
        printf("\"%s\":%u,", key, x);
    else
        printf("\"%s\":null,", key);
}

void cli_infer_summary(const cli_infer_job *job, int json)
{
    const double *s = job->stats.seconds, rate = job->seconds > 0 ? job->done / job->seconds : 0;
    const unsigned long long sent = job->traffic.bytes_sent, received = job->traffic.bytes_received;

    if (json) {
        printf("{\"summary\":{\"images\":%u,", job->done);
        number_or_null("correct", job->labels != NULL, job->correct);
        number_or_null("agree_with_reference", job->reference != NULL, job->agree);
        number_or_null("reference_margin_exceptions", job->reference != NULL, job->exceptions);
        number_or_null("reference_margin_covered", job->reference != NULL, job->covered);
        printf("\"seconds\":%.4f,\"images_per_second\":%.2f,\"bytes_sent\":%llu,\"bytes_received\":%llu,\"flights\":%u,\"setup_seconds\":%.4f,"
               "\"peak_rss_bytes\":%llu,\"seconds_by_phase\":{\"setup\":%.4f,\"linear\":%.4f,\"ot\":%.4f,\"gc\":%.4f,\"wait\":%.4f}}}\n",
               job->seconds, rate, sent, received, job->stats.flights, job->setup_seconds, (unsigned long long)cli_peak_rss(), s[NN_PHASE_SETUP],
               s[NN_PHASE_LINEAR], s[NN_PHASE_OT], s[NN_PHASE_GC], s[NN_PHASE_WAIT]);
        return;
    }
    printf("%u images in %.2f s (set-up %.2f s): %.1f images/s, %u flights a batch\n", job->done, job->seconds, job->setup_seconds, rate,
           job->stats.flights);
    printf("sent %.1f MB, received %.1f MB: %.0f bytes an image\n", (double)sent / 1e6, (double)received / 1e6,
           job->done ? (double)(sent + received) / job->done : 0);
    printf("client's seconds: linear %.2f, OT %.2f, garbling %.2f, waiting %.2f\n", s[NN_PHASE_LINEAR], s[NN_PHASE_OT], s[NN_PHASE_GC],
           s[NN_PHASE_WAIT]);
    if (job->labels)
        printf("correct: %u of %u (%.2f %%)\n", job->correct, job->done, job->done ? 100.0 * job->correct / job->done : 0);
    if (job->reference)
        printf("as the reference in the clear: %u of %u; certain by its bound: %u, exceptions among them: %u\n", job->agree, job->done, job->covered,
               job->exceptions);
}

static uint32_t first_image;

static void show_json(uint32_t i, int32_t label) { printf("{\"image\":%u,\"label\":%d}\n", first_image + i, label); }
static void show_line(uint32_t i, int32_t label) { printf("image %u: %d\n", first_image + i, label); }

/** load: images, labels and the reference model, all checked before anything is sent. */
static int load(const cli_args *a, cli_infer_job *job, nn_idx **images, nn_idx **labels, nn_qmodel **reference)
{
    const uint32_t limit = a->count ? a->skip + a->count : 0;
    nn_model *m;
    int rc = nn_idx_load(images, a->images, limit);
    if (rc)
        return rc;
    if (a->skip >= (*images)->count)
        return err_set(ERR_DATA, "%s: it has %u images, none after the first %u", a->images, (*images)->count, a->skip);
    job->count = (*images)->count - a->skip;
    job->size = (*images)->size;
    job->pixels = (*images)->data + (size_t)a->skip * job->size;
    if (a->labels) {
        if ((rc = nn_idx_load(labels, a->labels, limit)))
            return rc;
        if ((*labels)->size != 1 || (*labels)->count < (*images)->count)
            return err_set(ERR_DATA, "%s: it has %u labels of %u bytes for %u images", a->labels, (*labels)->count, (*labels)->size, (*images)->count);
        job->labels = (*labels)->data + a->skip;
    }
    if (a->reference) {
        if ((rc = nn_onnx_load(&m, a->reference)))
            return rc;
        rc = nn_quantise(reference, m, &a->quant);
        nn_model_free(m);
        job->reference = *reference;
    }
    job->predicted = rc ? NULL : mem_alloc(job->count, sizeof *job->predicted);
    return rc || job->predicted ? rc : err_set(ERR_MEM, "out of memory");
}

int cli_infer(int argc, char **argv)
{
    cli_args a;
    cli_infer_job job = {0};
    nn_idx *images = NULL, *labels = NULL;
    nn_qmodel *reference = NULL;
    int code = cli_parse(&a, argc, argv, CLI_INFER, "ADDR:PORT", about);
    if (code >= 0)
        return code;
    if (!a.images)
        return cli_usage("infer", "--images FILE is missing");
    if (a.labels && !strcmp(a.labels, "-") && !strcmp(a.images, "-"))
        return cli_usage("infer", "--images and --labels cannot both be standard input");
    cli_catch_signals();
    int rc = load(&a, &job, &images, &labels, &reference);
    if (!rc) {
        first_image = a.skip;
        job.batch = a.batch;
        job.ot = a.ot;
        job.progress = 1;
        job.show = a.json ? show_json : a.verbose || job.count <= 100 ? show_line : NULL;
        rc = cli_infer_run(&job, a.operand);
    }
    code = rc ? cli_fail("infer", rc) : EXIT_OK;
    if (rc && job.done && job.done < job.count)
        fprintf(stderr, "tacit infer: %u of %u predictions are done and stand; --skip %u goes on from there\n", job.done, job.count,
                first_image + job.done);
    if (job.done || !rc) {
        if (cli_infer_compare(&job))
            code = cli_fail("infer", ERR_MEM);
        cli_infer_summary(&job, a.json);
    }
    mem_free(job.predicted);
    nn_idx_free(images);
    nn_idx_free(labels);
    nn_qmodel_free(reference);
    return cli_close_stdout(code);
}
