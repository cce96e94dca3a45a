// SPDX-License-Identifier: ISC
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cli.h"
#include "cli/digits.h"
#include "cli/front.h"
#include "cli/job.h"
#include "net/tcp.h"
#include "nn/onnx.h"

#define DIGITS 20
#define SEED 2020
#define A_ROW 5 /* digits side by side */
#define SIDE 28

extern const uint8_t cli_demo_model[], cli_demo_model_end[];

static const char about[] =
    "usage: tacit demo [options]\n"
    "\n"
    "A server process with the built-in model and a client process with 20 drawn digits, over TCP on loopback, with the real protocol.\n"
    "Fails unless all predictions are the reference's and 18 are right.\n";

/** draw: A_ROW digits from `first` on, two pixel rows a line, and the predictions below. */
static void draw(const uint8_t *pixels, const uint8_t *labels, const int32_t *predicted, uint32_t first)
{
    static const char shade[] = " .:-=+*#%@";
    for (int y = 2; y < SIDE - 2; y += 2) {
        for (uint32_t d = first; d < first + A_ROW && d < DIGITS; d++) {
            for (int x = 3; x < SIDE - 3; x++) {
                const uint8_t *p = pixels + d * SIDE * SIDE + (size_t)y * SIDE + x;
                putchar(shade[(p[0] + p[SIDE]) * 9 / 510]);
            }
            putchar(' ');
        }
        putchar('\n');
    }
    for (uint32_t d = first; d < first + A_ROW && d < DIGITS; d++)
        printf("   drawn %d, private: %d%s ", labels[d], predicted[d], predicted[d] == labels[d] ? "  " : " !");
    printf("\n\n");
}

static void show_json(uint32_t i, int32_t label) { printf("{\"image\":%u,\"label\":%d}\n", i, label); }

/** client: the child that holds the digits. */
static int client(const char *address, const uint8_t key[32], const nn_qmodel *q, int json)
{
    static uint8_t pixels[DIGITS * SIDE * SIDE], labels[DIGITS];
    static int32_t predicted[DIGITS];
    const char *servers[] = {address};
    static uint8_t state[DIGITS];
    cli_job job = {.servers = servers,
                   .server_count = 1,
                   .state = state,
                   .trust = {.pinned = key, .timeout_ms = 60000},
                   .pixels = pixels,
                   .labels = labels,
                   .count = DIGITS,
                   .size = SIDE * SIDE,
                   .reference = q,
                   .predicted = predicted,
                   .progress = 1,
                   .show = json ? show_json : NULL};

    cli_digits(pixels, labels, DIGITS, SEED);
    int rc = cli_job_run(&job);
    if (!rc)
        rc = cli_job_compare(&job);
    if (rc)
        return cli_fail("demo", rc);
    for (uint32_t d = 0; d < DIGITS && !json; d += A_ROW)
        draw(pixels, labels, predicted, d);
    cli_job_summary(&job, json);
    const int good = job.agree == DIGITS && job.correct >= 18;
    if (!good)
        fprintf(stderr, "tacit demo: FAILED: %u of %d as the reference, %u right; due are %d and 18\n", job.agree, DIGITS, job.correct, DIGITS);
    return cli_close_stdout(good ? EXIT_OK : EXIT_FAILED);
}

/** write_idx: an IDX file of `count` items of size bytes, or of side x side if size is that. */
static int write_idx(const char *file, const uint8_t *data, uint32_t count, uint32_t size)
{
    const uint32_t dim[3] = {count, SIDE, SIDE};
    const int dims = size == 1 ? 1 : 3;
    FILE *f = fopen(file, "wbe");
    int bad = !f || fwrite((const uint8_t[4]){0, 0, 8, (uint8_t)dims}, 4, 1, f) != 1;
    for (int d = 0; d < dims && !bad; d++)
        for (int i = 24; i >= 0; i -= 8)
            bad |= putc((int)(dim[d] >> i & 255), f) == EOF;
    bad = bad || fwrite(data, size, count, f) != count;
    if (f && fclose(f))
        bad = 1;
    return bad ? err_set(ERR_OUTPUT, "%s: could not be written: %s", file, strerror(errno)) : 0;
}

static int write_digits(const char *images, const char *labels, uint32_t count)
{
    uint8_t *pixels = mem_alloc(count, SIDE * SIDE), *digits = mem_alloc(count, 1);
    int rc = pixels && digits ? 0 : err_set(ERR_MEM, "out of memory");
    if (!rc) {
        cli_digits(pixels, digits, count, SEED);
        rc = write_idx(images, pixels, count, SIDE * SIDE);
    }
    if (!rc && labels)
        rc = write_idx(labels, digits, count, 1);
    mem_free(pixels);
    mem_free(digits);
    return rc ? cli_fail("demo", rc) : EXIT_OK;
}

int cli_demo(int argc, char **argv)
{
    cli_args a;
    nn_model *m = NULL;
    nn_qmodel *q = NULL;
    nn_prepared *ready = NULL;
    noise_keypair key;
    char bound[TCP_ADDRESS_MAX];
    int fd, status, code = cli_parse(&a, argc, argv, CLI_DEMO, NULL, about);
    if (code >= 0)
        return code;
    if (a.images)
        return write_digits(a.images, a.labels, a.count ? a.count : DIGITS);
    int rc = nn_onnx_parse(&m, cli_demo_model, (size_t)(cli_demo_model_end - cli_demo_model));
    if (!rc)
        rc = nn_quantise(&q, m, NULL);
    nn_model_free(m);
    if (!rc)
        rc = nn_prepare(&ready, q, 0);
    if (!rc)
        rc = cli_key_fresh(&key);
    if (!rc)
        rc = tcp_listen("127.0.0.1:0", &fd, bound, sizeof bound);
    if (rc) {
        nn_prepared_free(ready);
        nn_qmodel_free(q);
        return cli_fail("demo", rc);
    }
    if (!a.json)
        printf("A server with a model and a client with %d digits, two processes, talk over an encrypted channel\non "
               "%s.\n\n",
               DIGITS, bound);
    fflush(stdout);
    const pid_t server = fork();
    if (server == 0) {
        const nn_plan *p = nn_prepared_plan(ready);
        front_options o = {.session = {ready, NN_DEFAULT_OT, {.idle_ms = 60000, .first_ms = FRONT_FIRST_MS}, 1},
                           .key = &key,
                           .sessions = 1,
                           .stop_after = 1,
                           .memory = nn_server_bytes(p, p->max_batch)};
        cli_catch_signals();
        _exit(front_run(&o, &fd, 1) ? EXIT_FAILED : EXIT_OK);
    }
    mem_wipe(key.secret, sizeof key.secret); /* the server's alone */
    const pid_t child = server < 0 ? -1 : fork();
    if (child == 0) {
        close(fd);
        cli_catch_signals();
        code = client(bound, key.public, q, a.json);
        fflush(stdout);
        _exit(code);
    }
    close(fd);
    nn_prepared_free(ready);
    nn_qmodel_free(q);
    if (child > 0 && waitpid(child, &status, 0) == child)
        code = WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED;
    else
        code = EXIT_FAILED;
    if (server > 0) {
        kill(server, SIGTERM);
        waitpid(server, &status, 0);
    }
    if (child < 0)
        fprintf(stderr, "tacit demo: no second process could be started\n");
    return code;
}
