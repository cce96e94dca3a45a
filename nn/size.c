// SPDX-License-Identifier: ISC
#include "nn/size.h"

#include "base/bits.h"
#include "convert/linear.h"
#include "convert/wires.h"
#include "gc/gate.h"

static size_t min(size_t a, size_t b) { return a < b ? a : b; }
static size_t max(size_t a, size_t b) { return a > b ? a : b; }
static size_t clamp(size_t x, size_t low, size_t high) { return x < low ? low : x < high ? x : high; }

/* ---- lengths ---- */

static size_t ct_bytes(const ckks_literal *c)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < c->primes; i++)
        bytes += bits_bytes(c->n, c->bits[i]);
    return bytes;
}

static size_t wires(const nn_plan *p, uint32_t i)
{
    const nn_plan_layer *a = &p->layer[i];
    return a->relu ? nn_n(a) : (size_t)a->out * nn_k(a);
}

uint64_t nn_size_rows_argmax(uint32_t count, unsigned k, unsigned drop)
{
    /* the first AND of a sum has an operand that the garbler knows; bit b of the index costs nothing up to value 2^b */
    uint64_t ands = (uint64_t)count * (k - 1) + (2 * (uint64_t)count - 3) * (k - drop);
    for (unsigned b = 0; b < gc_index_bits(count); b++)
        ands += count - 1 - (UINT32_C(1) << b);
    return 2 * ands - (k > 1 ? count : 0);
}

size_t nn_size_u(const nn_plan *p, uint32_t i, size_t lanes, unsigned ot)
{
    return convert_u_bytes(ot, wires(p, i), lanes);
}

size_t nn_size_rows(const nn_plan *p, uint32_t i, size_t lanes)
{
    const nn_plan_layer *a = &p->layer[i];
    return a->relu ? gc_relu_bytes(nn_n(a), p->layer[i + 1].l, lanes)
                   : sizeof(block) * nn_size_rows_argmax(a->out, nn_k(a), nn_drop(a)) * lanes;
}

void nn_size_layer(nn_size *z, const nn_plan *p, uint32_t i, uint32_t batch, unsigned ot)
{
    const nn_plan_layer *a = &p->layer[i];

    *z = (nn_size){.wires = wires(p, i), .ct = ct_bytes(&a->ckks)};
    z->next = a->relu ? ct_bytes(&p->layer[i + 1].ckks) : 0;
    z->response = bits_bytes(batch, nn_k(a)) + bits_bytes(a->ckks.n, nn_k(a));
    z->input_chunk = (uint32_t)clamp(NN_CHUNK_BYTES / z->ct, 1, 64);
    /* 4,096 lanes: their labels and rows stay in the cache */
    z->chunk = (uint32_t)clamp(min(4096 / batch, NN_CHUNK_BYTES / max(z->response, z->next)), 1, min(a->out, 512));
    /* an adder, a comparison, a multiplexer: 3 ANDs a bit, 96 bytes a lane: 24 MiB of rows, or eight lanes */
    z->lanes = a->relu ? (size_t)z->chunk * batch : min(max((UINT32_C(1) << 18) / z->wires / 8 * 8, 8), batch);
    z->u = nn_size_u(p, i, z->lanes, ot);
    z->rows = nn_size_rows(p, i, z->lanes);
    z->chunks = (uint32_t)(a->relu ? (a->out + z->chunk - 1) / z->chunk : (batch + z->lanes - 1) / z->lanes);
    const size_t down = z->u + (a->relu ? z->chunk * z->response : 0), up = z->rows + z->chunk * z->next;
    z->window = (uint32_t)clamp(NN_WINDOW_BYTES / max(down, up), 1, min(NN_WINDOW, z->chunks));
}

size_t nn_size_keys(const nn_plan *p)
{
    size_t bytes = sizeof(block);
    for (uint32_t i = 0; i < p->layers; i++)
        bytes += PRG_SEED_BYTES + ct_bytes(&p->layer[i].ckks);
    return bytes;
}

size_t nn_size_batch(const nn_plan *p) { return 4 + p->layers * (size_t)PRG_SEED_BYTES; }
size_t nn_size_output(const nn_plan *p, uint32_t batch)
{
    return gc_index_bits(p->layer[p->layers - 1].out) * (gc_stride(batch) / 8);
}

void nn_size_traffic(const nn_plan *p, uint32_t i, uint32_t batch, unsigned ot, uint64_t *up, uint64_t *down)
{
    const nn_plan_layer *a = &p->layer[i];
    nn_size z;
    nn_size_layer(&z, p, i, batch, ot);
    const uint64_t all = a->relu ? (uint64_t)a->out * batch : batch, full = all / z.lanes, rest = all % z.lanes;
    *up = (uint64_t)a->in * z.ct + full * z.rows + (rest ? nn_size_rows(p, i, rest) : 0);
    *down = (uint64_t)a->out * z.response + full * z.u + (rest ? nn_size_u(p, i, rest, ot) : 0) +
            (a->relu ? 0 : nn_size_output(p, batch));
}

/* ---- memory: what mem_alloc is asked for, its header and rounding included ---- */

#define KIB 1024
/* An inbox as it begins, an outbox, records both ways, the channel. */
#define CHAN_FIXED (4 * 256 * KIB + 256 * KIB + 352 * KIB + 12 * KIB)
#define OT_FIXED (1280 * KIB)                            /* k = 8: 4,096 leaves and the work space of set-up */
#define SETUP_FIXED (224 * KIB)                          /* PLAN, base OT, small objects of either party */
#define RELU_FIXED (192 * KIB) /* a sign circuit, a tile of labels and known bits, a tile of words */
#define TILE_LABEL (GC_GATE_LANES * sizeof(block))
#define TILE_KNOWN (GC_GATE_LANES * sizeof(uint64_t))
#define NTT_WORDS 8 /* a coefficient: roots both ways with companions, and what a kernel keeps */

static uint64_t heap(uint64_t bytes) { return bytes + 128; }

static uint64_t shares(uint64_t elements, uint32_t batch) { return heap(elements * batch * sizeof(uint64_t)); }
static uint64_t poly(const ckks_literal *c) { return (uint64_t)c->n * c->primes * sizeof(uint64_t); }
static uint64_t scratch(const ckks_literal *c)
{
    return heap(poly(c) + max(2 * poly(c), ((4 * UINT64_C(8) + 6) * c->n)));
}

static uint64_t inputs(const nn_plan_layer *a)
{
    unsigned limbs = 0;
    for (uint32_t i = 0; i < a->ckks.primes; i++)
        limbs = (unsigned)max(limbs, weigh_limbs(a->ckks.bits[i]));
    return heap(2 * (uint64_t)a->ckks.primes * a->ckks.n * (((uint64_t)a->in + 1) / 2 * 2) * limbs * sizeof(int16_t)) +
           heap(64);
}

static int seen(const nn_plan *p, uint32_t i)
{
    for (uint32_t j = 0; j < i; j++)
        if (nn_same_ckks(&p->layer[i].ckks, &p->layer[j].ckks))
            return 1;
    return 0;
}

static uint64_t params(const nn_plan *p)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < p->layers; i++)
        if (!seen(p, i))
            bytes += heap(sizeof(ckks_params)) + (p->layer[i].ckks.primes + UINT64_C(1)) *
                     (heap(sizeof(ntt_table)) + heap(NTT_WORDS / 2 * 8 * (uint64_t)p->layer[i].ckks.n) * 2);
    return bytes;
}

/** argmax: the circuit; while it is built arrays double, and then slots are chosen. */
static uint64_t argmax(const nn_plan *p, uint64_t *building)
{
    const nn_plan_layer *a = &p->layer[p->layers - 1];
    const uint64_t c = a->out, k = nn_k(a), gates = c * (5 * k + 8 * (k - nn_drop(a)) + 3 * gc_index_bits(a->out) + 1);
    const uint64_t wires = 2 * c * k + gates + 1026, each = 1 + sizeof(gc_trace);
    *building = max(wires * each, 12 * wires);
    return 2 * (sizeof(gc_gate) * gates + wires * each) + 4 * wires + 32 * KIB;
}

/** behind: what the channel keeps of the chunks behind the one at hand. */
static uint64_t behind(const nn_plan *p, uint32_t batch, int server)
{
    uint64_t most = 0;
    for (uint32_t i = 0; i < p->layers; i++) {
        nn_size z;
        nn_size_layer(&z, p, i, batch, 1);
        most = max(most, (z.window - 1) * (server ? z.rows + z.chunk * z.next
                                                  : z.u + (p->layer[i].relu ? z.chunk * z.response : 0)));
    }
    return most;
}

/** inbox: what that takes: it doubles as it grows, and stays. */
static uint64_t inbox(const nn_plan *p, uint32_t batch, int server) { return 3 * behind(p, batch, server); }

size_t nn_size_inbox(const nn_plan *p, uint32_t batch, int server)
{
    return (size_t)(behind(p, batch, server) * 5 / 4) + (4u << 20); /* heads, records and the chunk at hand */
}

/** flow: what one layer needs beyond shares and inputs: buffers of the executor, and what the gates work with. */
static uint64_t flow(const nn_plan *p, uint32_t i, uint32_t batch, int server)
{
    const nn_plan_layer *a = &p->layer[i];
    nn_size z;
    nn_size_layer(&z, p, i, batch, 1);
    const uint64_t stride = gc_stride(z.lanes), slots = server ? z.window : 1;
    const uint64_t labels = heap(sizeof(block) * convert_labels(z.wires, z.lanes));
    const uint64_t bytes = heap(z.chunk * max(z.response, z.next)) + heap(max(z.u, z.rows)) + slots * labels;
    if (a->relu)
        return bytes + z.wires * stride / 8 + slots * heap(8 * z.lanes) +
               stride * (sizeof(block) + (server ? 0 : z.wires)) + RELU_FIXED;
    return bytes + heap(z.wires * stride / 8 * (server ? 1 : 8)) +
           heap(gc_index_bits(a->out) * stride * sizeof(block)) + 2 * heap(nn_size_output(p, batch)) +
           (2 * nn_k(a) + UINT64_C(8)) * TILE_LABEL + (server ? 0 : (z.wires + 8) * TILE_KNOWN);
}

static uint64_t begin(const nn_plan *p)
{
    const size_t ct = ct_bytes(&p->layer[0].ckks);
    return heap(ct * clamp(NN_CHUNK_BYTES / ct, 1, 64));
}

uint64_t nn_client_bytes(const nn_plan *p, uint32_t batch)
{
    uint64_t building, keys = 0, work = 0, key = 0, most = shares(p->layer[0].in, batch) + begin(p);
    const uint64_t model = params(p) + argmax(p, &building);
    for (uint32_t i = 0; i < p->layers; i++) {
        const nn_plan_layer *a = &p->layer[i];
        keys += heap(poly(&a->ckks) + 8 * (uint64_t)a->ckks.n) + heap(64);
        key = max(key, heap(2 * poly(&a->ckks)) + 2 * heap(a->ckks.n));
        work = max(work, scratch(&a->ckks));
        most = max(most, shares(max(a->in, a->relu ? a->out : 0), batch) + flow(p, i, batch, 0));
    }
    const uint64_t setup = max(building, keys + heap(nn_size_keys(p)) + key);
    return CHAN_FIXED + OT_FIXED + SETUP_FIXED + inbox(p, batch, 0) + model + work +
           max(setup, keys + shares(p->layer[p->layers - 1].out, batch) + most);
}

uint64_t nn_server_bytes(const nn_plan *p, uint32_t batch)
{
    uint64_t keys = 0, work = 0, sum = 0, key = 0, most = inputs(&p->layer[0]) + begin(p);
    for (uint32_t i = 0; i < p->layers; i++) {
        const nn_plan_layer *a = &p->layer[i];
        keys += heap(2 * poly(&a->ckks)) + heap(64);
        key = max(key, heap(a->ckks.n));
        work = max(work, scratch(&a->ckks));
        sum = max(sum, heap(min(NN_WEIGH, a->out) * 2 * poly(&a->ckks)));
        most = max(most, inputs(a) + (a->relu ? inputs(a + 1) : 0) +
                             shares(max(i ? a->in : 0, a->relu ? a->out : 0), batch) + flow(p, i, batch, 1));
    }
    const uint64_t setup = heap(nn_size_keys(p)) + key;
    return CHAN_FIXED + OT_FIXED + SETUP_FIXED + inbox(p, batch, 1) + keys + work + sum +
           max(setup, shares(p->layer[p->layers - 1].out, batch) + most);
}

int nn_size_check(const nn_plan *p, int code)
{
    if (nn_size_keys(p) > NN_KEYS_MAX)
        return err_set(code, "plan: public keys of %zu bytes are above the %u of a message", nn_size_keys(p),
                       NN_KEYS_MAX);
    const uint64_t client = nn_client_bytes(p, p->max_batch), server = nn_server_bytes(p, p->max_batch);
    if (client > NN_MEMORY_MAX || server > NN_MEMORY_MAX)
        return err_set(code,
                       "plan: a batch of %u takes %llu MiB at the client, %llu MiB at the server; the most is %llu",
                       p->max_batch, (unsigned long long)(client >> 20), (unsigned long long)(server >> 20),
                       (unsigned long long)(NN_MEMORY_MAX >> 20));
    return 0;
}
