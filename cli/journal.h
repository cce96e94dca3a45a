// SPDX-License-Identifier: ISC
/** journal.h: what infer --resume keeps: the labels that are there, so that a job goes on after a cut, a kill or a
 *  full disk.
 *
 *      tacit-journal 1 HEX     BLAKE2b of the job: number of images, the first one's place in the file, their bytes
 *      plan HEX                BLAKE2b of the plan (once known): another model's labels do not belong here
 *      server HEX              a server's key (zeros: a plain connection); a job that goes on asks no others, for equal
 *                              plans do not mean equal models
 *      IMAGE LABEL             a line for each image that is done; -1: the answer was no label
 *  Lines are appended, a batch at a time, and reach the disk before the batch counts as kept.  A last line without
 *  its end is cut off. */
#ifndef TACIT_CLI_JOURNAL_H
#define TACIT_CLI_JOURNAL_H

#include "nn/plan.h"

typedef struct cli_journal cli_journal;

/** cli_journal_open: makes `file`, or reads what is there: labels[i] and done[i] = 1 for every image that it has.
 *  In: labels[count], done[count] zero.
 *  Errors: ERR_DATA (not a journal, or of other images; the line is named), ERR_MEM. */
int cli_journal_open(cli_journal **out, const char *file, const uint8_t *pixels, uint32_t count, uint32_t size,
                     uint32_t first, int32_t *labels, uint8_t *done) MUST_CHECK;

/** cli_journal_plan: keeps the plan, or ERR_DATA if it is not the one that is kept.   cli_journal_add: labels of
 *  images [at, at + n).
 *  Errors: ERR_DATA (could not be written). */
int cli_journal_plan(cli_journal *j, const nn_plan *p) MUST_CHECK;

/** cli_journal_server: keeps a server's key in a journal that had none when it was opened; in another, ERR_DATA if it is
 *  not listed. */
int cli_journal_server(cli_journal *j, const uint8_t key[32]) MUST_CHECK;
int cli_journal_add(cli_journal *j, const int32_t *labels, uint32_t at, uint32_t n) MUST_CHECK;
void cli_journal_close(cli_journal *j);

#endif
