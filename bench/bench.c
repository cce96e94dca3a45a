// SPDX-License-Identifier: ISC
#include "bench/bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/mem.h"
#include "bench/yardstick.h"
#include "ckks/modulus.h"
#include "net/chan.h"
#include "net/tcp.h"

double bench_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Sets of kernels, widest first, by what they may use. */
static const struct {
    const char *name;
    unsigned needs, allows;
} sets[] = {
    {"avx512ifma", CPU_AVX512 | CPU_IFMA, ~0u},
    {"avx512", CPU_AVX512, ~(unsigned)CPU_IFMA},
    {"avx2", CPU_AVX2, CPU_AESNI | CPU_AVX2 | CPU_VAES | CPU_VPCLMUL | CPU_SSE2},
    {"aesni", CPU_AESNI, CPU_AESNI | CPU_SSE2},
    {"portable", 0, 0},
};
#define SETS (sizeof sets / sizeof *sets)

static void usage(const char *name, int status)
{
    fprintf(status ? stderr : stdout,
            "usage: %s [--json] [--n N] [--kernel NAME]\n  --n N           only this size\n"
            "  --kernel NAME   only this set of kernels: avx512ifma, avx512, avx2, aesni, portable\n",
            name);
    exit(status);
}

void bench_init(bench *b, int argc, char **argv)
{
    *b = (bench){argv[0], 0, 0, NULL, 1};
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--json"))
            b->json = 1;
        else if (!strcmp(argv[i], "--n") && i + 1 < argc)
            b->n = (uint32_t)strtoul(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--kernel") && i + 1 < argc)
            b->kernel = argv[++i];
        else
            usage(argv[0], strcmp(argv[i], "--help") ? 2 : 0);
    }
    if (!b->json)
        printf("%-26s %-44s %-12s %14s %14s %14s %s\n", "bench", "params", "kernel", "median", "min", "max", "unit");
    for (size_t i = 0; b->kernel; i++) {
        if (i == SETS)
            usage(argv[0], 2);
        if (strcmp(b->kernel, sets[i].name))
            continue;
        if ((cpu_features() & sets[i].needs) != sets[i].needs) {
            fprintf(b->json ? stderr : stdout, "%s: UNAVAILABLE\n", b->kernel);
            exit(0);
        }
        cpu_restrict(sets[i].allows);
        break;
    }
    fflush(stdout);
}

void bench_each_kernel(bench *b, unsigned features)
{
    int failed = 0, status, first = 1;
    const unsigned has = cpu_features() & features;
    for (size_t i = 0; i < SETS && !b->kernel; i++) {
        if ((cpu_features() & sets[i].needs) != sets[i].needs || (i + 1 < SETS && (has & sets[i].allows) == (has & sets[i + 1].allows)))
            continue;
        const pid_t child = fork();
        if (child == 0) {
            cpu_restrict(sets[i].allows);
            b->kernel = sets[i].name;
            b->yardsticks = first;
            return;
        }
        first = 0;
        failed |= child < 0 || waitpid(child, &status, 0) < 0 || status != 0;
    }
    if (!b->kernel)
        exit(failed);
}

int bench_wants(const bench *b, uint32_t n) { return !b->n || b->n == n; }

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_row(const bench *b, const char *row, const char *params, const char *kernel, const char *unit, double amount, double *seconds,
               size_t samples, const bench_traffic *t)
{
    for (size_t i = 0; i < samples; i++)
        seconds[i] = strcmp(unit, "ns") ? amount / seconds[i] : 1e9 * seconds[i] / amount;
    qsort(seconds, samples, sizeof *seconds, ascending);
    const double median = seconds[samples / 2], least = seconds[0], most = seconds[samples - 1];
    if (!b->json) {
        printf("%-26s %-44s %-12s %14.4g %14.4g %14.4g %s", row, params, kernel, median, least, most, unit);
        if (t)
            printf("  (%.1f MB sent, %.1f MB received, %u flights)", (double)t->bytes_sent / 1e6, (double)t->bytes_received / 1e6, t->flights);
        putchar('\n');
    } else {
        printf("{\"bench\":\"%s\",\"params\":{%s},\"kernel\":\"%s\",\"unit\":\"%s\",\"median\":%.6g,\"min\":%.6g,\"max\":%.6g,\"samples\":%zu", row,
               params, kernel, unit, median, least, most, samples);
        if (t)
            printf(",\"bytes_sent\":%llu,\"bytes_received\":%llu,\"flights\":%u", (unsigned long long)t->bytes_sent,
                   (unsigned long long)t->bytes_received, t->flights);
        printf("}\n");
    }
    fflush(stdout);
}

void bench_time(const bench *b, const char *row, const char *params, const char *kernel, const char *unit, double amount, void (*run)(void *),
                void *arg)
{
    double s[BENCH_SAMPLES];
    double begin = bench_now();
    run(arg);
    double once = bench_now() - begin;
    const long calls = once > 0.005 ? 1 : (long)(0.005 / (once + 1e-9)) + 1; /* a sample of 5 ms at least */
    for (int i = 0; i < BENCH_SAMPLES; i++) {
        begin = bench_now();
        for (long k = 0; k < calls; k++)
            run(arg);
        s[i] = (bench_now() - begin) / (double)calls;
    }
    bench_row(b, row, params, kernel, unit, amount, s, BENCH_SAMPLES, NULL);
}

static void aes_vaes512(void *arg) { yardstick_run_vaes512(arg); }
static void aes_vaes(void *arg) { yardstick_run_vaes(arg); }
static void aes_aesni(void *arg) { yardstick_run_aesni(arg); }

void bench_yardstick_aes(const bench *b)
{
    static uint8_t state[64];
    const unsigned f = cpu_features();
    if (!b->yardsticks)
        return;
    if (f & CPU_AVX512 && f & CPU_VAES)
        bench_time(b, "yardstick_aes", "", "vaes512", "ns", YARDSTICK_BLOCKS, aes_vaes512, state);
    else if (f & CPU_VAES)
        bench_time(b, "yardstick_aes", "", "vaes256", "ns", YARDSTICK_BLOCKS, aes_vaes, state);
    else if (f & CPU_AESNI)
        bench_time(b, "yardstick_aes", "", "aesni", "ns", YARDSTICK_BLOCKS, aes_aesni, state);
    else if (!b->json)
        printf("%-26s UNAVAILABLE\n", "yardstick_aes");
}

static void ifma(void *arg) { yardstick_run_ifma(arg); }

void bench_yardstick_ifma(const bench *b)
{
    static uint8_t state[64];
    if (b->yardsticks && cpu_features() & CPU_IFMA)
        bench_time(b, "yardstick_ifma", "", "avx512ifma", "ns", YARDSTICK_MADDS, ifma, state);
}

static void shoup(void *arg)
{
    uint64_t *x = arg;
    const uint64_t q = (UINT64_C(1) << 50) - 27, w = UINT64_C(0x2b7e151628aed), ws = mod_shoup_var(q, w);
    for (int i = 0; i < 1024; i++)
        x[i] = mod_mul_shoup(q, x[i], w, ws);
}

void bench_yardstick_shoup(const bench *b)
{
    static uint64_t x[1024];
    if (!b->yardsticks)
        return;
    for (uint64_t i = 0; i < 1024; i++)
        x[i] = i * 12345;
    bench_time(b, "yardstick_shoup", "", "scalar", "ns", 1024, shoup, x);
}

#define MEGABYTE (1 << 20)
#define WRITES 256

void bench_yardstick_tcp(const bench *b)
{
    char bound[96], *buf = mem_alloc(1, MEGABYTE);
    double s[BENCH_SAMPLES];
    int listening, fd;
    if (!b->yardsticks || !buf || tcp_listen("127.0.0.1:0", &listening, bound, sizeof bound))
        return;
    const pid_t child = fork();
    if (!child) {
        if (tcp_connect(bound, 0, &fd) || fcntl(fd, F_SETFL, 0)) /* blocking writes */
            _exit(1);
        for (;;)
            for (int left = MEGABYTE; left > 0;) {
                const ssize_t n = write(fd, buf, (size_t)left);
                if (n <= 0)
                    _exit(0);
                left -= (int)n;
            }
    }
    if (child > 0 && !tcp_accept(listening, &fd, NULL)) {
        for (int i = -1; i < BENCH_SAMPLES; i++) { /* the first one warms up */
            const double begin = bench_now();
            for (int64_t left = (int64_t)WRITES * MEGABYTE; left > 0;) {
                const ssize_t n = read(fd, buf, MEGABYTE);
                if (n <= 0)
                    break;
                left -= n;
            }
            if (i >= 0)
                s[i] = bench_now() - begin;
        }
        close(fd);
        bench_row(b, "yardstick_tcp", "\"write\":1048576", "loopback", "B/s", (double)WRITES * MEGABYTE, s, BENCH_SAMPLES, NULL);
    }
    close(listening);
    waitpid(child, NULL, 0);
    mem_free(buf);
}

int bench_two(struct chan **ch, int *child)
{
    char bound[96];
    int listening, fd;
    *ch = NULL;
    *child = -1;
    if (tcp_listen("127.0.0.1:0", &listening, bound, sizeof bound))
        return 1;
    fflush(stdout);
    *child = fork();
    const int rc = *child < 0 || (*child ? tcp_accept(listening, &fd, NULL) : tcp_connect(bound, 10000, &fd)) || chan_open(ch, fd);
    close(listening);
    return rc;
}

void bench_exit(int rc) { _exit(rc != 0); }

int bench_join(struct chan *ch, int child)
{
    int status = 1;
    chan_free(ch);
    return child <= 0 || waitpid(child, &status, 0) < 0 || status != 0;
}
