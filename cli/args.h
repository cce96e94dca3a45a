// SPDX-License-Identifier: ISC
/** args.h: the options of all commands: one table, from which they are parsed and their help is printed. */
#ifndef TACIT_CLI_ARGS_H
#define TACIT_CLI_ARGS_H

#include <stddef.h>
#include <stdint.h>

#include "nn/plan.h"

#define CLI_SERVERS_MAX 16

enum { CLI_PLAN = 1, CLI_SERVE = 2, CLI_INFER = 4, CLI_DEMO = 8, CLI_KEYGEN = 16 };

/** cli_args: what was given.  Texts are NULL, numbers and flags 0 if not. */
typedef struct {
    const char *command;
    const char *operand; /* model, address or file; operands[0] */
    const char *operands[CLI_SERVERS_MAX];
    uint32_t operand_count;
    const char *listen, *images, *labels, *reference, *key, *allow, *server_key, *known_servers, *resume, *metrics;
    uint32_t count, skip, batch;
    uint32_t sessions, stop_after;         /* at once; in all */
    uint32_t idle, session_limit, drain;   /* seconds */
    uint32_t retry, timeout;               /* seconds */
    uint32_t min_rate;                     /* bytes a second */
    uint64_t memory;                       /* bytes */
    uint32_t ot;                           /* k of ot/extend.h */
    nn_quant_options quant;
    int json, verbose, names, plaintext, public_half;
} cli_args;

/** cli_parse: argv[2..) of `command` (one of the bits above).  `operand` names what it takes, NULL: nothing; infer
 * takes up to CLI_SERVERS_MAX. `about` heads the help.   Returns an exit code, or -1 to go on (--help: 0). */
int cli_parse(cli_args *a, int argc, char **argv, unsigned command, const char *operand, const char *about);

/** cli_nearest: of names[count] the one that `name` is most likely meant for, NULL if it is like none. */
const char *cli_nearest(const char *name, const char *const *names, size_t count);

#endif
