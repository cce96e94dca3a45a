// SPDX-License-Identifier: ISC
/** job.h: a client's whole job: all images, over the sessions that it takes with one server or several.
 *
 *  Each server has a thread that takes the next images which nobody works at, a batch at a time.  A server that is
 *  busy, or a session that is lost, is tried again in a new session with keys and seeds of its own, until `retry`
 *  seconds have passed without a batch done (see eager); its images go back to whoever takes them next.  What a
 *  server does against the protocol is never tried again. */
#ifndef TACIT_CLI_JOB_H
#define TACIT_CLI_JOB_H

#include "cli/connect.h"
#include "cli/journal.h"
#include "nn/exec.h"
#include "nn/plan.h"

typedef struct {
    /* what to do */
    const uint8_t *pixels, *labels;    /* [count][size]; labels[count] or NULL */
    uint32_t count, size;              /* images, bytes an image */
    uint32_t dims, dim[3];             /* an image's shape as its file has it; dims 0: whatever fits */
    uint32_t batch;                    /* 0: as many as the plan allows */
    unsigned ot;                       /* k of OT extension to ask for, 0: as the server likes */
    const char *const *servers;
    uint32_t server_count;
    cli_trust trust;
    unsigned retry;                    /* seconds */
    int eager; /* a server that was never reached is tried again too, not only one that is busy or was lost */
    const nn_qmodel *reference;        /* NULL: none */
    cli_journal *journal;              /* NULL: none */
    void (*show)(uint32_t image, int32_t label); /* called in the order of images, batch by batch; may be NULL */
    int progress;
    /* what came out */
    int32_t *predicted;                /* [count] */
    uint8_t *state;                    /* [count]: 1 done (before the job too: from a journal) */
    uint32_t before, done, shown;      /* images that were done before, are done now; are shown, from the first on */
    uint32_t sessions, retries;
    uint64_t unreadable;
    nn_stats stats;                    /* of all sessions; flights: the most */
    chan_stats traffic;
    double seconds, setup_seconds;     /* to the last label; set-ups of the first session */
    uint32_t correct, agree, exceptions, covered;
} cli_job;

/** cli_job_run: 0 when every image is done and shown.  Errors: of the last server that could be asked; ERR_PEER and
 *  others that no new try mends end the job.  Labels that are done stand (state, predicted).   ERR_DATA also if an
 *  image's shape is not the network's. */
int cli_job_run(cli_job *job) MUST_CHECK;

/** cli_job_compare: the finished predictions against labels and reference.   cli_job_summary: for people, or as
 *  JSON. */
int cli_job_compare(cli_job *job) MUST_CHECK;
void cli_job_summary(const cli_job *job, int json);

#endif
