// SPDX-License-Identifier: ISC
#include "cli/digits.h"

#include <string.h>

#define STYLES 3
#define GLYPH_BYTES 40
#define CURVE_STEPS 6
#define MAX_CONTROLS (GLYPH_BYTES / 2)
#define MAX_POINTS (CURVE_STEPS * MAX_CONTROLS)
#define ONE 256               /* a pixel, and a unit of the glyphs' grid, in fixed point */
#define BOX (20 * ONE)        /* the longer side of a digit, pen included */
#define WOBBLE (8 * ONE)      /* of a control point, at most */
#define FAR (1 << 30)         /* squared distance of a pixel that no stroke is near */

/* Strokes on a grid about 65 wide and 100 high, y downwards: the number of control points, then x, y of each; 0 ends the glyph.  The curve
 * is the quadratic B-spline that begins at the first point and ends at the last; a point given twice is a corner. */
static const int8_t glyphs[10][STYLES][GLYPH_BYTES] = {
    {
        {6, 34, 0, 0, 0, 0, 100, 62, 100, 62, 0, 26, 0},
        {11, 46, 8, 28, -4, 2, 14, -2, 78, 10, 102, 48, 102, 64, 74, 62, 22, 48, -2, 26, 0, 14, 14},
        {6, 48, 0, -4, -2, 2, 102, 82, 100, 84, -2, 34, 2},
    },
    {
        {2, 30, 0, 30, 100},
        {3, 33, 0, 27, 50, 30, 100},
        {4, 18, 20, 32, 0, 32, 0, 32, 100},
    },
    {
        {8, 4, 26, 8, -2, 58, -4, 62, 36, 36, 66, 0, 100, 0, 100, 68, 98},
        {11, 6, 20, 14, -2, 58, -4, 60, 38, 38, 72, 16, 104, -4, 100, 0, 76, 22, 78, 40, 100, 72, 92},
        {9, 0, 18, 16, 0, 50, -6, 66, 20, 46, 60, 2, 98, 2, 98, 30, 88, 72, 100},
    },
    {
        {10, 4, 14, 16, -4, 60, -4, 60, 42, 22, 46, 22, 46, 68, 46, 66, 102, 14, 106, 0, 84},
        {10, 4, 2, 4, 2, 58, 0, 58, 0, 28, 40, 28, 40, 70, 40, 66, 102, 12, 106, 0, 86},
        {9, 2, 10, 26, -6, 66, 4, 50, 42, 26, 48, 56, 46, 74, 76, 42, 108, 0, 94},
    },
    {
        {5, 8, 0, 8, 0, 0, 52, 0, 52, 66, 50, 2, 52, 2, 46, 100},
        {5, 48, 0, 48, 0, 0, 64, 0, 64, 68, 62, 2, 48, 0, 46, 100},
        {5, 8, 4, -2, 48, 8, 62, 36, 56, 56, 44, 3, 58, 0, 56, 44, 50, 100},
    },
    {
        {10, 62, 0, 12, 2, 12, 2, 6, 46, 6, 46, 26, 32, 68, 38, 66, 100, 14, 106, 0, 86},
        {8, 14, 2, 10, 44, 10, 44, 36, 32, 68, 46, 58, 98, 20, 106, 0, 92, 2, 14, 2, 62, -2},
        {9, 70, 2, 22, 0, 22, 0, 10, 44, 40, 46, 62, 62, 56, 94, 26, 104, 0, 94},
    },
    {
        {9, 50, 0, 20, 12, 0, 44, -4, 98, 46, 106, 64, 92, 60, 50, 28, 44, 2, 72},
        {9, 40, 0, 10, 34, -2, 78, 8, 104, 44, 104, 56, 72, 40, 56, 16, 62, 2, 84},
        {9, 28, 0, 6, 30, 0, 60, -2, 102, 36, 102, 58, 94, 56, 62, 28, 56, 4, 76},
    },
    {
        {6, 0, 4, 0, 4, 62, 0, 62, 0, 40, 44, 28, 100},
        {6, 0, 18, 4, 2, 4, 2, 64, 2, 64, 2, 26, 100, 2, 18, 52, 60, 48},
        {5, 0, 10, 20, 0, 68, -8, 56, 34, 26, 100},
    },
    {
        {13, 54, 14, 44, -4, 0, -6, 2, 38, 30, 48, 64, 60, 66, 102, 30, 104, -4, 102, -2, 64, 32, 48, 60, 34, 54, 12},
        {8, 28, 0, 4, 0, 2, 46, 30, 50, 58, 46, 56, 0, 28, 0, 28, 0, 8, 30, 48, -2, 52, -4, 98, 30, 102, 66, 98, 64, 52, 30, 48, 30, 48},
        {11, 60, 8, 34, -8, 4, 4, 6, 34, 50, 62, 56, 96, 26, 108, -2, 94, 12, 62, 44, 40, 62, 6},
    },
    {
        {10, 52, 14, 44, -6, 2, -4, -4, 46, 36, 56, 54, 30, 54, 10, 54, 10, 56, 50, 48, 100},
        {11, 52, 16, 44, -6, 2, -4, -4, 46, 36, 58, 56, 30, 54, 8, 54, 8, 60, 74, 44, 108, 6, 94},
        {9, 46, 6, 12, -4, -6, 26, 10, 52, 46, 40, 56, 2, 50, 30, 34, 70, 28, 100},
    },
};

typedef struct {
    int32_t x, y;
} point;

/* a polyline; pen_up[i] = 1: no segment from point i - 1 to point i */
typedef struct {
    point p[MAX_POINTS];
    uint8_t pen_up[MAX_POINTS];
    unsigned n;
} path;

/* splitmix64: the step of a Weyl sequence, then a mixer of 64 bits */
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* uniform in [lo, hi] */
static int32_t draw(uint64_t *state, int32_t lo, int32_t hi)
{
    return lo + (int32_t)(((next(state) >> 32) * (uint64_t)(hi - lo + 1)) >> 32);
}

/* the mean of two draws: the ends of the range are rare */
static int32_t draw_mid(uint64_t *state, int32_t lo, int32_t hi)
{
    int32_t a = draw(state, lo, hi);
    return lo + (a - lo + draw(state, lo, hi) - lo) / 2;
}

static uint32_t isqrt(uint32_t v)
{
    uint32_t r = 0;
    for (uint32_t bit = 1u << 30; bit; bit >>= 2) {
        if (v >= r + bit) {
            v -= r + bit;
            r = (r >> 1) + bit;
        } else {
            r >>= 1;
        }
    }
    return r;
}

static void path_add(path *t, int32_t x, int32_t y, uint8_t pen_up)
{
    t->p[t->n] = (point){x, y};
    t->pen_up[t->n++] = pen_up;
}

/* The B-spline through n control points: between the middles of two neighbouring edges, the parabola with their common point as control. */
static void path_stroke(path *t, const point *c, unsigned n)
{
    point a = c[0];
    path_add(t, a.x, a.y, 1);
    for (unsigned i = 1; i + 1 < n; i++) {
        point b = c[i + 1];
        if (i + 2 < n) b = (point){(c[i].x + b.x) / 2, (c[i].y + b.y) / 2};
        for (int32_t s = 1; s <= CURVE_STEPS; s++) {
            int32_t r = CURVE_STEPS - s, all = CURVE_STEPS * CURVE_STEPS;
            path_add(t, (r * r * a.x + 2 * r * s * c[i].x + s * s * b.x) / all, (r * r * a.y + 2 * r * s * c[i].y + s * s * b.y) / all, 0);
        }
        a = b;
    }
    if (n == 2) path_add(t, c[1].x, c[1].y, 0);
}

/* A glyph's strokes with a wobble of a few units at every control point (a corner's two points move together), under a rotation of up to
 * 14 degrees, a slant (mostly to the right, as people write) and a change of proportion.  Small angles: sin a = a, cos a = 1 - a^2 / 2. */
static void path_glyph(path *t, unsigned digit, uint64_t *state)
{
    const int8_t *g = glyphs[digit][draw(state, 0, STYLES - 1)];
    int32_t sine = draw_mid(state, -64, 64), cosine = ONE - sine * sine / (2 * ONE);
    int32_t slant = draw_mid(state, -64, 140), wide = draw_mid(state, 160, 360);
    t->n = 0;
    while (*g) {
        point c[MAX_CONTROLS];
        unsigned n = (unsigned)*g++;
        for (unsigned i = 0; i < n; i++, g += 2) {
            if (i && g[0] == g[-2] && g[1] == g[-1]) {
                c[i] = c[i - 1];
                continue;
            }
            int32_t y = g[1] * ONE + draw_mid(state, -WOBBLE, WOBBLE);
            int32_t x = (g[0] * wide + draw_mid(state, -WOBBLE, WOBBLE)) - y * slant / ONE;
            c[i] = (point){(x * cosine - y * sine) / ONE, (x * sine + y * cosine) / ONE};
        }
        path_stroke(t, c, n);
    }
}

/* Scales the path so that its longer side is `size`, and moves its box's centre to the image's. */
static void path_fit(path *t, int32_t size)
{
    point lo = t->p[0], hi = t->p[0];
    for (unsigned i = 1; i < t->n; i++) {
        if (t->p[i].x < lo.x) lo.x = t->p[i].x;
        if (t->p[i].y < lo.y) lo.y = t->p[i].y;
        if (t->p[i].x > hi.x) hi.x = t->p[i].x;
        if (t->p[i].y > hi.y) hi.y = t->p[i].y;
    }
    int32_t w = hi.x - lo.x, h = hi.y - lo.y, side = w > h ? w : h;
    for (unsigned i = 0; i < t->n; i++) {
        t->p[i].x = (t->p[i].x - lo.x - w / 2) * size / side + CLI_DIGIT_SIDE * ONE / 2;
        t->p[i].y = (t->p[i].y - lo.y - h / 2) * size / side + CLI_DIGIT_SIDE * ONE / 2;
    }
}

/* Squared distance from q to the segment ab, in 1/ONE^2 pixels. */
static int32_t distance2(point q, point a, point b)
{
    int32_t dx = b.x - a.x, dy = b.y - a.y, ex = q.x - a.x, ey = q.y - a.y, len2 = dx * dx + dy * dy, dot = ex * dx + ey * dy;
    if (dot > 0 && len2 > 0) {
        if (dot > len2) dot = len2;
        ex -= (int32_t)((int64_t)dx * dot / len2);
        ey -= (int32_t)((int64_t)dy * dot / len2);
    }
    return ex * ex + ey * ey;
}

/* Ink falls off linearly over `soft` around the pen's edge at distance `radius` from the stroke. */
static void path_render(uint8_t pixels[CLI_DIGIT_PIXELS], const path *t, int32_t radius, int32_t soft)
{
    for (int32_t i = 0; i < CLI_DIGIT_PIXELS; i++) {
        point q = {i % CLI_DIGIT_SIDE * ONE + ONE / 2, i / CLI_DIGIT_SIDE * ONE + ONE / 2};
        int32_t nearest = FAR;
        for (unsigned k = 1; k < t->n; k++) {
            if (t->pen_up[k]) continue;
            int32_t d2 = distance2(q, t->p[k - 1], t->p[k]);
            if (d2 < nearest) nearest = d2;
        }
        int32_t ink = (radius + soft / 2 - (int32_t)isqrt((uint32_t)nearest)) * 255 / soft;
        pixels[i] = (uint8_t)(ink < 0 ? 0 : ink > 255 ? 255 : ink);
    }
}

/* Moves the path so that the centre of mass of its picture comes to pixel (14, 14), where MNIST has it. */
static void path_centre(path *t, const uint8_t pixels[CLI_DIGIT_PIXELS])
{
    int32_t mass = 1, mx = 0, my = 0;
    for (int32_t i = 0; i < CLI_DIGIT_PIXELS; i++) {
        mass += pixels[i];
        mx += pixels[i] * (i % CLI_DIGIT_SIDE - CLI_DIGIT_SIDE / 2);
        my += pixels[i] * (i / CLI_DIGIT_SIDE - CLI_DIGIT_SIDE / 2);
    }
    for (unsigned i = 0; i < t->n; i++) {
        t->p[i].x -= mx * ONE / mass;
        t->p[i].y -= my * ONE / mass;
    }
}

void cli_digit(uint8_t pixels[CLI_DIGIT_PIXELS], unsigned digit, uint64_t seed)
{
    memset(pixels, 0, CLI_DIGIT_PIXELS);
    if (digit > 9) return;
    uint64_t state = seed;
    state = next(&state) + digit; /* neighbouring seeds and digits share no part of the sequence */
    path t;
    path_glyph(&t, digit, &state);
    int32_t radius = draw_mid(&state, 170, 450), soft = draw(&state, 200, 320);
    path_fit(&t, BOX - 2 * radius);
    path_render(pixels, &t, radius, soft);
    path_centre(&t, pixels);
    path_render(pixels, &t, radius, soft);
}

void cli_digits(uint8_t *pixels, uint8_t *labels, uint32_t count, uint64_t seed)
{
    uint64_t state = seed;
    uint8_t order[10];
    for (uint32_t i = 0; i < count; i++) {
        if (i % 10 == 0) {
            for (uint8_t d = 0; d < 10; d++) order[d] = d;
            for (unsigned d = 9; d > 0; d--) {
                unsigned j = (unsigned)draw(&state, 0, (int32_t)d);
                uint8_t was = order[d];
                order[d] = order[j];
                order[j] = was;
            }
        }
        cli_digit(pixels + (size_t)i * CLI_DIGIT_PIXELS, order[i % 10], next(&state));
        if (labels) labels[i] = order[i % 10];
    }
}
