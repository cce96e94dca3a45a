// SPDX-License-Identifier: ISC
#include <stdio.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/job.h"
#include "nn/reference.h"

int cli_job_compare(cli_job *job)
{
    for (uint32_t i = 0; i < job->count && job->labels; i++)
        job->correct += job->state[i] && job->labels[i] == job->predicted[i];
    if (!job->reference)
        return 0;
    const size_t width = nn_ref_scratch(job->reference);
    int64_t *scratch = mem_alloc(7 * width, sizeof *scratch);
    if (!scratch)
        return err_set(ERR_MEM, "out of memory for the reference");
    for (uint32_t i = 0; i < job->count; i++) {
        if (!job->state[i])
            continue;
        const uint8_t *x = job->pixels + (size_t)i * job->size;
        const int32_t label = nn_ref_run(job->reference, x, scratch + 6 * width, scratch);
        const int certain = nn_ref_margin(job->reference, x, scratch);
        job->agree += label == job->predicted[i];
        job->covered += (uint32_t)certain;
        job->exceptions += certain && label != job->predicted[i];
        if (job->progress)
            cli_bar("reference in the clear", (double)(i + 1) / job->count);
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

void cli_job_summary(const cli_job *job, int json)
{
    const double *s = job->stats.seconds, rate = job->seconds > 0 ? (job->done - job->before) / job->seconds : 0;
    const unsigned long long sent = job->traffic.bytes_sent, received = job->traffic.bytes_received;

    if (json) {
        printf("{\"summary\":{\"images\":%u,", job->done);
        number_or_null("correct", job->labels != NULL, job->correct);
        number_or_null("agree_with_reference", job->reference != NULL, job->agree);
        number_or_null("reference_margin_exceptions", job->reference != NULL, job->exceptions);
        number_or_null("reference_margin_covered", job->reference != NULL, job->covered);
        printf("\"seconds\":%.4f,\"images_per_second\":%.2f,\"bytes_sent\":%llu,\"bytes_received\":%llu,\"flights\":%u,"
               "\"setup_seconds\":%.4f,"
               "\"sessions\":%u,\"retries\":%u,\"peak_rss_bytes\":%llu,\"seconds_by_phase\":{\"setup\":%.4f,\"linear\":"
               "%.4f,\"ot\":%.4f,\"gc\":%.4f,\"wait\":%.4f}}}\n",
               job->seconds, rate, sent, received, job->stats.flights, job->setup_seconds, job->sessions, job->retries,
               (unsigned long long)cli_peak_rss(), s[NN_PHASE_SETUP], s[NN_PHASE_LINEAR], s[NN_PHASE_OT],
               s[NN_PHASE_GC], s[NN_PHASE_WAIT]);
        return;
    }
    printf("%u images in %.2f s (set-up %.2f s): %.1f images/s, %u flights a batch\n", job->done, job->seconds,
           job->setup_seconds, rate, job->stats.flights);
    printf("sent %.1f MB, received %.1f MB: %.0f bytes an image\n", (double)sent / 1e6, (double)received / 1e6,
           job->done ? (double)(sent + received) / job->done : 0);
    printf("client's seconds: linear %.2f, OT %.2f, garbling %.2f, waiting %.2f\n", s[NN_PHASE_LINEAR], s[NN_PHASE_OT],
           s[NN_PHASE_GC], s[NN_PHASE_WAIT]);
    if (job->labels)
        printf("correct: %u of %u (%.2f %%)\n", job->correct, job->done,
               job->done ? 100.0 * job->correct / job->done : 0);
    if (job->reference)
        printf("as the reference in the clear: %u of %u; certain by its bound: %u, exceptions among them: %u\n",
               job->agree, job->done, job->covered, job->exceptions);
}
