// Shares a product out over panels and rows, never over K: every cut gives the same bits.
#include "operations.h"

enum {
    PARTS_PER_THREAD = 4,         // Claimed, not assigned: a late thread costs at most a quarter of its share.
    PART_MULTIPLICATIONS = 40000, // About 4 us of streaming for one row; below that a part costs more than it saves.
    ROWS_PER_PART = 132,          // Rows are cut only beyond this, so that narrow matrices still fill a team.
    QUANTISE_ALONE = 16384,       // Elements that one thread quantises faster than a team wakes.
};

/// How one product is cut: part i covers panels and rows of a grid [row_parts][panel_parts].
typedef struct {
    int32_t first_part, panel_parts;
    int64_t panels, rows;  // Per part.
} cut;

enum { READING_ROWS = 8 };  // Reading a panel takes as long as multiplying so many rows by it.

typedef struct {
    ck_context *context;
    const float *x;
    int64_t x_stride, rows, inputs;
    const ck_group *groups;
    int32_t count;
    cut *cuts;  // By group.
    /// The first parts are the gates'.
    ck_dots_cut gates[CK_GATES_MAX];
    int32_t gate_count;
} job;

static int is_quantised(const ck_matrix *matrix) { return matrix->format == CK_U8 || matrix->format == CK_U4; }
static int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t larger_of(int64_t a, int64_t b) { return a > b ? a : b; }

static void quantise_part(void *argument, int32_t part, int32_t thread) {
    (void)thread;
    job *j = argument;
    int64_t blocks = j->inputs / CK_BLOCK, first = part * (int64_t)16;
    for (int64_t r = first; r < smaller(first + 16, j->rows); r++)
        j->context->operations->quantise(j->x + r * j->x_stride, j->context->activations + r * blocks, blocks);
}

static void multiply_part(void *argument, int32_t part, int32_t thread) {
    (void)thread;
    job *j = argument;
    for (int32_t g = 0; g < j->gate_count; g++) {
        if (part < j->gates[g].parts) return ck_dots_part(&j->gates[g], part);
        part -= j->gates[g].parts;
    }
    int32_t i = 0;  // The last whose first part is not beyond this one.
    for (int32_t step = CK_GROUPS_MAX; step > 0; step /= 2)
        if (i + step < j->count && j->cuts[i + step].first_part <= part) i += step;
    const cut *c = &j->cuts[i];
    const ck_group *group = &j->groups[i];
    const ck_product *product = &group->product;
    int64_t within = part - c->first_part;
    int64_t p0 = within % c->panel_parts * c->panels, p1 = smaller(p0 + c->panels, product->matrix->panels);
    int64_t r0 = group->first + within / c->panel_parts * c->rows, r1 = smaller(r0 + c->rows, group->first + group->rows);
    if (!is_quantised(product->matrix))
        j->context->operations->multiply_elements(j->x, j->x_stride, product, p0, p1, r0, r1);
    else j->context->operations->multiply_blocks(j->context->activations, product, p0, p1, r0, r1);
}

/// Rows of a group's part: about equal, whole tiles of 6. A group without rows has no part.
static int64_t part_rows(int64_t rows) { return rows == 0 ? 6 : ceiling(ceiling(rows, ceiling(rows, ROWS_PER_PART)), 6) * 6; }

/// What a panel of a group costs, in bytes times rows.
static int64_t panel_cost(const ck_group *group) {
    return group->product.matrix->panel_bytes * (smaller(part_rows(group->rows), group->rows) + READING_ROWS);
}

/// Cuts every product into parts of about equal work; returns their number.
static int32_t cut_groups(job *j) {
    int64_t total = 0;
    for (int32_t i = 0; i < j->count; i++) {
        const ck_group *g = &j->groups[i];
        total += panel_cost(g) * g->product.matrix->panels * ceiling(g->rows, part_rows(g->rows));
    }
    int32_t threads = ck_team_threads(j->context->team), parts = 0;
    for (int32_t i = 0; i < j->count; i++) {
        const ck_group *g = &j->groups[i];
        const ck_matrix *m = g->product.matrix;
        int64_t rows = part_rows(g->rows);
        int64_t width = is_quantised(m) ? CK_BLOCK_PANEL : CK_ELEMENT_PANEL, work = m->inputs * width * smaller(rows, g->rows);
        int64_t panels = larger_of(
            total / (threads * PARTS_PER_THREAD) / larger_of(panel_cost(g), 1), ceiling(PART_MULTIPLICATIONS, larger_of(work, 1)));
        if (threads == 1) panels = m->panels;
        panels = larger_of(1, smaller(panels, m->panels));
        j->cuts[i] = (cut){.first_part = parts, .panel_parts = (int32_t)ceiling(m->panels, panels), .panels = panels, .rows = rows};
        parts += (int32_t)(j->cuts[i].panel_parts * ceiling(g->rows, rows));
    }
    return parts;
}

/// Quantises every row once, however many matrices read it.
static int quantise_rows(ck_context *context, job *j) {
    size_t bytes = (size_t)(j->rows * (j->inputs / CK_BLOCK)) * sizeof(ck_activations);
    if (ck_reserve((void **)&context->activations, &context->activation_bytes, bytes)) return -1;
    int32_t parts = (int32_t)ceiling(j->rows, 16);
    if (j->rows * j->inputs > QUANTISE_ALONE) ck_team_run(context->team, parts, quantise_part, j);
    else for (int32_t p = 0; p < parts; p++) quantise_part(j, p, 0);
    return 0;
}

static int multiply(job *j) {
    int quantised = 0;
    for (int32_t i = 0; i < j->count; i++) quantised |= is_quantised(j->groups[i].product.matrix);
    if (quantised && quantise_rows(j->context, j)) return -1;
    int32_t parts = cut_groups(j);
    for (int32_t g = 0; g < j->gate_count; g++) parts += j->gates[g].parts;
    ck_team_run(j->context->team, parts, multiply_part, j);
    return 0;
}

int ck_multiply(
    ck_context *context, const float *x, int64_t x_stride, int64_t rows, const ck_product *products, int32_t count,
    const ck_dots_product *gates, int32_t gate_count) {
    if (rows <= 0 || count <= 0) return 0;
    ck_group groups[CK_PRODUCTS_MAX];
    cut cuts[CK_PRODUCTS_MAX];
    for (int32_t i = 0; i < count; i++) groups[i] = (ck_group){.product = products[i], .rows = rows};
    job j = {
        .context = context, .x = x, .x_stride = x_stride, .rows = rows, .inputs = products[0].matrix->inputs, .groups = groups,
        .count = count, .cuts = cuts, .gate_count = gate_count};
    for (int32_t g = 0; g < gate_count; g++) j.gates[g] = ck_cut_dots(context, x, x_stride, rows, &gates[g]);
    return multiply(&j);
}

int ck_multiply_groups(
    ck_context *context, const float *x, int64_t x_stride, int64_t rows, const ck_group *groups, int32_t count) {
    if (rows <= 0 || count <= 0) return 0;
    cut cuts[CK_GROUPS_MAX];
    job j = {
        .context = context, .x = x, .x_stride = x_stride, .rows = rows, .inputs = groups[0].product.matrix->inputs,
        .groups = groups, .count = count, .cuts = cuts};
    return multiply(&j);
}
