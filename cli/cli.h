// SPDX-License-Identifier: ISC
/** cli.h: what the commands of `tacit` share: options, messages, exit codes, output. */
#ifndef TACIT_CLI_CLI_H
#define TACIT_CLI_CLI_H

#include <stdint.h>
#include <stdio.h>

#include "cli/args.h"
#include "net/chan.h"
#include "nn/exec.h"

enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_DATA = 3, EXIT_PEER = 4, EXIT_SIGNAL = 130 };

/** cli_json: --json was given: errors are told on stdout too, as its last line:
 * {"error":{"code":NAME,"exit":..,"text":..}}, NAME being usage, data, network, peer, busy, ... */
extern int cli_json;

/** cli_fail: prints "tacit COMMAND: text" to stderr; the exit code of an ERR_ number.   command NULL: "tacit: text" */
int cli_fail(const char *command, int rc);
int cli_usage(const char *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** cli_stop: raised by SIGINT and SIGTERM once cli_catch_signals was called. */
extern volatile int cli_stop;
void cli_catch_signals(void);

/** Output: JSON strings, a progress bar on stderr (only on a terminal), the end of stdout. */
void cli_json_text(FILE *f, const char *s);
void cli_bar(const char *what, double fraction);
void cli_bar_end(void);
/** cli_say: a line, below 4 KiB, to a descriptor, if it can be written at once: nobody who stops reading stops this
 *  program.   Returns whether it was. */
int cli_say(int fd, const char *line);

/** cli_flush: 0, or ERR_OUTPUT if standard output could not be written, now or earlier.
 * cli_close_stdout: `code`, or 1 with a message in that case; silent where a reader only went away, as `head` does. */
int cli_flush(void) MUST_CHECK;
int cli_close_stdout(int code);
uint64_t cli_peak_rss(void);
double cli_now(void);

int cli_plan(int argc, char **argv);
int cli_serve(int argc, char **argv);
int cli_infer(int argc, char **argv);
int cli_demo(int argc, char **argv);

#endif
