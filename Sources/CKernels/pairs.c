// Low-rank pairs and gates: packing, and how work is shared out. Never over K: every cut gives the same bits.
#include <string.h>

#include "operations.h"

static int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t element_bytes(int element) { return element == CK_ELEMENT_F32 ? 4 : 2; }

// --- Packing

ck_dots ck_dots_make(int element, int64_t count, int64_t inputs, size_t *bytes) {
    int64_t padded = ceiling(inputs, 8) * 8 * element_bytes(element), rest = (count - 1) % 16 + 1;
    ck_dots dots = {.element = element, .count = count, .inputs = inputs, .panel_bytes = padded * 16, .last_width = 2};
    while (dots.last_width < rest) dots.last_width *= 2;
    *bytes = (size_t)((ceiling(count, 16) - 1) * dots.panel_bytes + padded * dots.last_width);
    return dots;
}

#define PACK(TYPE, NAME) \
    static void NAME( \
        TYPE *out, int64_t lanes, const TYPE *source, int64_t count, int64_t lane_stride, int64_t steps, int64_t step_stride) { \
        for (int64_t s = 0; s < steps; s++) \
            for (int64_t l = 0; l < count; l++) out[s * lanes + l] = source[s * step_stride + l * lane_stride]; \
    }
PACK(uint16_t, pack_16)
PACK(uint32_t, pack_32)

/// out[s][lanes]: lane l of step s from source[s · step_stride + l · lane_stride]; lanes beyond `count` stay.
static void pack_lanes(
    int element, void *out, int64_t lanes, const uint8_t *source, int64_t count, int64_t lane_stride, int64_t steps,
    int64_t step_stride) {
    if (element == CK_ELEMENT_F32) pack_32(out, lanes, (const uint32_t *)source, count, lane_stride, steps, step_stride);
    else pack_16(out, lanes, (const uint16_t *)source, count, lane_stride, steps, step_stride);
}

void ck_pack_dots(const ck_dots *dots, void *data, const void *source, int64_t row_stride, int64_t column_stride) {
    int64_t bytes = element_bytes(dots->element);
    for (int64_t p = 0; p * 16 < dots->count; p++) {
        int64_t left = dots->count - p * 16;
        pack_lanes(
            dots->element, (uint8_t *)data + p * dots->panel_bytes, left >= 16 ? 16 : dots->last_width,
            (const uint8_t *)source + p * 16 * row_stride * bytes, smaller(left, 16), row_stride, dots->inputs, column_stride);
    }
}

size_t ck_up_bytes(int element, int64_t outputs, int64_t rank) {
    return (size_t)(ceiling(outputs, 16) * 16 * rank * element_bytes(element));
}

void ck_pack_up(
    int element, void *data, int64_t outputs, int64_t rank, const void *source, int64_t row_stride, int64_t column_stride) {
    int64_t bytes = element_bytes(element);
    for (int64_t o = 0; o < outputs; o += 16)
        pack_lanes(
            element, (uint8_t *)data + o * rank * bytes, 16, (const uint8_t *)source + o * row_stride * bytes,
            smaller(outputs - o, 16), row_stride, rank, column_stride);
}

// --- Gates

enum {
    BYTES_ALONE = 48 << 10,  // What one thread streams while a team would still be starting.
    DOT_ROWS_PER_PART = 12,
};

ck_dots_cut ck_cut_dots(const ck_context *context, const float *x, int64_t x_stride, int64_t rows, const ck_dots_product *product) {
    int64_t panels = ceiling(product->dots->count, 16), row_parts = ceiling(rows, DOT_ROWS_PER_PART);
    ck_dots_cut cut = {
        .context = context, .x = x, .x_stride = x_stride, .rows = rows, .product = product, .panel_parts = 1, .panels = panels};
    if (row_parts < ck_team_threads(context->team)) {
        cut.panels = ceiling(panels, 2 * ck_team_threads(context->team));
        cut.panel_parts = ceiling(panels, cut.panels);
    }
    cut.parts = (int32_t)(row_parts * cut.panel_parts);
    return cut;
}

void ck_dots_part(const ck_dots_cut *cut, int32_t index) {
    const ck_dots_product *product = cut->product;
    const ck_operations *operations = cut->context->operations;
    int64_t p0 = index % cut->panel_parts * cut->panels, p1 = smaller(p0 + cut->panels, ceiling(product->dots->count, 16));
    int64_t r0 = index / cut->panel_parts * DOT_ROWS_PER_PART, count = smaller(DOT_ROWS_PER_PART, cut->rows - r0);
    const float *sources[DOT_ROWS_PER_PART];
    for (int64_t r = 0; r < count; r++) sources[r] = cut->x + (r0 + r) * cut->x_stride;
    operations->dots(product->dots, sources, count, p0, p1, product->out + r0 * product->out_stride, product->out_stride);
    if (p0 > 0 || !product->moments) return;
    for (int64_t r = 0; r < count; r++)
        operations->row_moments(sources[r], product->dots->inputs, product->moments + (r0 + r) * product->moments_stride);
}

static void dots_part(void *argument, int32_t index, int32_t thread) {
    (void)thread;
    ck_dots_part(argument, index);
}

void ck_multiply_dots(ck_context *context, const float *x, int64_t x_stride, int64_t rows, const ck_dots_product *product) {
    if (rows <= 0) return;
    const ck_dots *dots = product->dots;
    ck_dots_cut cut = ck_cut_dots(context, x, x_stride, rows, product);
    if (dots->inputs * dots->count * element_bytes(dots->element) * ceiling(rows, 2) <= BYTES_ALONE)
        for (int32_t i = 0; i < cut.parts; i++) ck_dots_part(&cut, i);
    else ck_team_run(context->team, cut.parts, dots_part, &cut);
}

// --- Pairs

enum { PAIR_ROWS_PER_PART = 48, PAIR_PARTS_MAX = 4096 };

typedef struct {
    const ck_context *context;
    const float *x;
    int64_t x_stride;
    const ck_pair_rows *jobs;
    int64_t count, rows_per_part;
} pairs_job;

/// Part i is the i-th of all jobs' slices of rows_per_part items.
static void pairs_part(void *argument, int32_t index, int32_t thread) {
    (void)thread;
    pairs_job *j = argument;
    int64_t part = index, i = 0;
    for (; i < j->count; i++) {
        int64_t parts = ceiling(j->jobs[i].count, j->rows_per_part);
        if (part < parts) break;
        part -= parts;
    }
    const ck_pair_rows *job = &j->jobs[i];
    int64_t first = part * j->rows_per_part;
    j->context->operations->pair_rows(j->x, j->x_stride, job, first, smaller(first + j->rows_per_part, job->count));
}

void ck_multiply_pairs(ck_context *context, const float *x, int64_t x_stride, const ck_pair_rows *jobs, int64_t count) {
    pairs_job j = {
        .context = context, .x = x, .x_stride = x_stride, .jobs = jobs, .count = count, .rows_per_part = PAIR_ROWS_PER_PART};
    int64_t parts = 0, work = 0;
    for (int64_t i = 0; i < count; i++) {
        const ck_pair *pair = jobs[i].pair;
        parts += ceiling(jobs[i].count, j.rows_per_part);
        work += (pair->down.inputs + pair->outputs) * pair->down.count * 2 * ceiling(jobs[i].count, 2);
    }
    if (work <= BYTES_ALONE || parts == 1)
        for (int64_t i = 0; i < count; i++) context->operations->pair_rows(x, x_stride, &jobs[i], 0, jobs[i].count);
    else ck_team_run(context->team, (int32_t)parts, pairs_part, &j);
}

// --- Adding

enum { SHARE_FLOATS_ALONE = 32768, SHARE_ROWS_PER_PART = 16 };

typedef struct {
    const ck_context *context;
    const ck_share *shares;
    int64_t count;
} shares_job;

/// The first of `count` items, ascending in row, whose row is at least `row`.
static int64_t first_item(const int32_t *rows, int64_t count, int64_t row) {
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (rows[middle] < row) low = middle + 1;
        else high = middle;
    }
    return low;
}

static void shares_part(void *argument, int32_t index, int32_t thread) {
    (void)thread;
    shares_job *j = argument;
    int64_t row = index * (int64_t)SHARE_ROWS_PER_PART;
    for (int64_t s = 0; s < j->count; s++) {
        const ck_share *share = &j->shares[s];
        j->context->operations->add_shares(
            share, first_item(share->rows, share->count, row), first_item(share->rows, share->count, row + SHARE_ROWS_PER_PART));
    }
}

void ck_add_shares(ck_context *context, const ck_share *shares, int64_t count, int64_t rows) {
    shares_job j = {.context = context, .shares = shares, .count = count};
    int64_t floats = 0;
    for (int64_t s = 0; s < count; s++) floats += shares[s].count * shares[s].width;
    if (floats <= SHARE_FLOATS_ALONE)
        for (int64_t s = 0; s < count; s++) context->operations->add_shares(&shares[s], 0, shares[s].count);
    else ck_team_run(context->team, (int32_t)ceiling(rows, SHARE_ROWS_PER_PART), shares_part, &j);
}

// --- Both at once

enum { PAIR_SHARE_ROWS_PER_PART = 32 };

typedef struct {
    const ck_context *context;
    const float *x;
    int64_t x_stride;
    const ck_pair_share *jobs;
    int64_t count;
} pair_shares_job;

static void pair_shares_part(void *argument, int32_t index, int32_t thread) {
    (void)thread;
    pair_shares_job *j = argument;
    int64_t row = index * (int64_t)PAIR_SHARE_ROWS_PER_PART;
    for (int64_t i = 0; i < j->count; i++) {
        const ck_pair_share *job = &j->jobs[i];
        j->context->operations->add_pair_rows(
            j->x, j->x_stride, job, first_item(job->rows, job->count, row),
            first_item(job->rows, job->count, row + PAIR_SHARE_ROWS_PER_PART));
    }
}

void ck_add_pairs(ck_context *context, const float *x, int64_t x_stride, const ck_pair_share *jobs, int64_t count, int64_t rows) {
    pair_shares_job j = {.context = context, .x = x, .x_stride = x_stride, .jobs = jobs, .count = count};
    ck_team_run(context->team, (int32_t)ceiling(rows, PAIR_SHARE_ROWS_PER_PART), pair_shares_part, &j);
}
