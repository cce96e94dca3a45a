// SPDX-License-Identifier: ISC
#include "cli/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const struct {
    const char *name, *text; /* text: NULL for a good end */
} outcomes[METRICS_OUTCOMES] = {
    [METRICS_OK] = {"ok", NULL},
    [METRICS_DRAINED] = {"drained", "ended between batches because the server stops"},
    [METRICS_LOST] = {"lost", "connection lost, or a time limit passed"},
    [METRICS_PEER] = {"peer", "the client sent what the protocol forbids"},
    [METRICS_MEMORY] = {"memory", "out of memory"},
    [METRICS_STOPPED] = {"stopped", "stopped in the middle"},
    [METRICS_FAILED] = {"failed", "the session failed"},
    [METRICS_DIED] = {"died", "the session's process died"},
};

static enum metrics_outcome outcome_of(const metrics_session *s)
{
    if (!s->reported)
        return METRICS_DIED;
    switch (s->report->code) {
    case 0: return METRICS_OK;
    case ERR_BUSY: return METRICS_DRAINED;
    case ERR_NET: return METRICS_LOST;
    case ERR_PEER:
    case ERR_LIMIT: return METRICS_PEER;
    case ERR_MEM: return METRICS_MEMORY;
    case ERR_INTERRUPTED: return METRICS_STOPPED;
    default: return METRICS_FAILED;
    }
}

enum metrics_outcome metrics_add(metrics *m, const metrics_session *s)
{
    const enum metrics_outcome outcome = outcome_of(s);
    m->ended[outcome]++;
    m->images += s->report->stats.images;
    m->batches += s->report->stats.batches;
    m->bytes_sent += s->report->traffic.bytes_sent;
    m->bytes_received += s->report->traffic.bytes_received;
    return outcome;
}

/** seconds: of a report, which may hold any bits. */
static double seconds(const metrics_session *s, int phase)
{
    const double x = s->report->stats.seconds[phase];
    return x >= 0 && x < 1e9 ? x : 0;
}

static void json_line(FILE *f, const metrics_session *s, enum metrics_outcome outcome)
{
    const nn_stats *n = &s->report->stats;
    const chan_stats *t = &s->report->traffic;
    fprintf(f, "{\"session\":{\"address\":");
    cli_json_text(f, s->from);
    fprintf(f, ",\"peer\":");
    if (s->peer)
        fputc('"', f);
    for (int i = 0; s->peer && i < 32; i++)
        fprintf(f, "%02x", s->peer[i]);
    fputs(s->peer ? "\"" : "null", f);
    fprintf(f, ",\"images\":%" PRIu64 ",\"batches\":%" PRIu64 ",\"flights\":%" PRIu32 ",\"bytes_sent\":%" PRIu64
           ",\"bytes_received\":%" PRIu64 ",\"seconds\":%.4f,\"seconds_setup\":%.4f,\"seconds_linear\":%.4f,\"seconds_"
                                          "ot\":%.4f,\"seconds_gc\":%.4f,\"seconds_wait\":%.4f,"
           "\"peak_rss_bytes\":%" PRIu64 ",\"outcome\":\"%s\",\"signal\":%d,\"error\":",
           n->images, n->batches, n->flights, t->bytes_sent, t->bytes_received, s->seconds, seconds(s, NN_PHASE_SETUP),
           seconds(s, NN_PHASE_LINEAR), seconds(s, NN_PHASE_OT), seconds(s, NN_PHASE_GC), seconds(s, NN_PHASE_WAIT),
           s->report->peak_rss, outcomes[outcome].name, s->signal);
    if (outcomes[outcome].text)
        cli_json_text(f, outcomes[outcome].text);
    else
        fprintf(f, "null");
    fprintf(f, "}}\n");
}

void metrics_line(metrics *m, const metrics_session *s, enum metrics_outcome outcome, int json)
{
    char line[2048] = "", end[80] = "";
    FILE *f = json ? fmemopen(line, sizeof line, "w") : NULL;
    if (f) {
        json_line(f, s, outcome);
        fclose(f);
    }
    if (json)
        m->lines_lost += !*line || !cli_say(STDOUT_FILENO, line);
    if (outcome == METRICS_DIED && s->signal)
        snprintf(end, sizeof end, "; its process died by signal %d (%s)", s->signal, strsignal(s->signal));
    else if (outcomes[outcome].text)
        snprintf(end, sizeof end, "; %s", outcomes[outcome].text);
    snprintf(line, sizeof line,
             "%s: session of %.1f s: %" PRIu64 " images in %" PRIu64 " batches, %.1f MB sent, %.1f MB received; "
             "seconds: linear %.2f, OT %.2f, garbling %.2f%s\n",
             s->from, s->seconds, s->report->stats.images, s->report->stats.batches,
             (double)s->report->traffic.bytes_sent / 1e6, (double)s->report->traffic.bytes_received / 1e6,
             seconds(s, NN_PHASE_LINEAR), seconds(s, NN_PHASE_OT), seconds(s, NN_PHASE_GC), end);
    m->lines_lost += !cli_say(STDERR_FILENO, line);
}

static void put(FILE *f, const char *name, const char *type, const char *help, uint64_t value)
{
    fprintf(f, "# HELP tacit_%s %s\n# TYPE tacit_%s %s\ntacit_%s %" PRIu64 "\n", name, help, name, type, name, value);
}

static void put_all(FILE *f, const metrics *m)
{
    put(f, "connections_total", "counter", "Connections accepted.", m->connections);
    put(f, "handshakes_failed_total", "counter", "Connections that spoke another protocol or failed the handshake.",
        m->handshakes_failed);
    put(f, "handshakes_timed_out_total", "counter", "Connections dropped at the handshake's deadline.", m->timed_out);
    put(f, "crowded_out_total", "counter", "Connections dropped, the oldest first, to make room for newer ones.",
        m->crowded_out);
    put(f, "refused_denied_total", "counter", "Clients whose key is not on the allow-list.", m->denied);
    put(f, "refused_busy_total", "counter", "Clients told BUSY.", m->busy);
    put(f, "no_hello_total", "counter", "Clients that ended after the handshake without a good HELLO.", m->no_hello);
    put(f, "half_open", "gauge", "Connections in the handshake.", m->half_open);
    put(f, "half_open_peak", "gauge", "The most connections in the handshake at once.", m->half_open_peak);
    put(f, "sessions_active", "gauge", "Sessions now.", m->active);
    put(f, "sessions_peak", "gauge", "The most sessions at once.", m->active_peak);
    put(f, "sessions_total", "counter", "Sessions admitted.", m->started);
    fprintf(f, "# HELP tacit_sessions_ended_total Sessions that have ended, by outcome.\n# TYPE "
               "tacit_sessions_ended_total counter\n");
    for (int i = 0; i < METRICS_OUTCOMES; i++)
        fprintf(f, "tacit_sessions_ended_total{outcome=\"%s\"} %" PRIu64 "\n", outcomes[i].name, m->ended[i]);
    put(f, "images_total", "counter", "Images answered in sessions that have ended.", m->images);
    put(f, "batches_total", "counter", "Batches answered in sessions that have ended.", m->batches);
    put(f, "bytes_sent_total", "counter", "Bytes sent in sessions that have ended.", m->bytes_sent);
    put(f, "bytes_received_total", "counter", "Bytes received in sessions that have ended.", m->bytes_received);
    put(f, "lines_lost_total", "counter", "Lines of output that nobody read in time.", m->lines_lost);
    put(f, "memory_reserved_bytes", "gauge", "Memory reserved for the sessions now.", m->reserved);
    put(f, "memory_limit_bytes", "gauge", "What may be reserved.", m->memory);
}

int metrics_write(const metrics *m, const char *file)
{
    char fresh[4096];
    if (snprintf(fresh, sizeof fresh, "%s.new", file) >= (int)sizeof fresh)
        return err_set(ERR_ARG, "--metrics: the file's name is too long");
    FILE *f = fopen(fresh, "we");
    if (!f)
        return err_set(ERR_ARG, "--metrics %s: %s", fresh, strerror(errno));
    put_all(f, m);
    const int bad = ferror(f);
    if (fclose(f) || bad || rename(fresh, file)) {
        const int error = errno;
        unlink(fresh);
        return err_set(ERR_ARG, "--metrics %s: %s", file, strerror(error));
    }
    return 0;
}
