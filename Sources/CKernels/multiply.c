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

typedef struct {
    const ck_context *context;
    const float *x;
    int64_t x_stride, rows, inputs;
    const ck_product *products;
    int32_t count;
    cut cuts[CK_PRODUCTS_MAX];
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
    int32_t i = j->count - 1;
    while (j->cuts[i].first_part > part) i--;
    const cut *c = &j->cuts[i];
    const ck_product *product = &j->products[i];
    int64_t within = part - c->first_part;
    int64_t p0 = within % c->panel_parts * c->panels, p1 = smaller(p0 + c->panels, product->matrix->panels);
    int64_t r0 = within / c->panel_parts * c->rows, r1 = smaller(r0 + c->rows, j->rows);
    if (!is_quantised(product->matrix))
        j->context->operations->multiply_elements(j->x, j->x_stride, product, p0, p1, r0, r1);
    else j->context->operations->multiply_blocks(j->context->activations, product, p0, p1, r0, r1);
}

/// Cuts every product into parts of about equal work; returns their number.
static int32_t cut_products(job *j) {
    int64_t total = 0;
    for (int32_t i = 0; i < j->count; i++) total += j->products[i].matrix->panel_bytes * j->products[i].matrix->panels;
    int32_t threads = ck_team_threads(j->context->team), parts = 0;
    for (int32_t i = 0; i < j->count; i++) {
        const ck_matrix *m = j->products[i].matrix;
        int64_t row_parts = ceiling(j->rows, ROWS_PER_PART), rows = ceiling(ceiling(j->rows, row_parts), 6) * 6;
        int64_t width = is_quantised(m) ? CK_BLOCK_PANEL : CK_ELEMENT_PANEL, work = m->inputs * width * smaller(rows, j->rows);
        int64_t share = total * ceiling(j->rows, rows) / (threads * PARTS_PER_THREAD);  // Bytes of panels.
        int64_t panels = larger_of(share / larger_of(m->panel_bytes, 1), ceiling(PART_MULTIPLICATIONS, larger_of(work, 1)));
        if (threads == 1) panels = m->panels;
        panels = larger_of(1, smaller(panels, m->panels));
        j->cuts[i] = (cut){.first_part = parts, .panel_parts = (int32_t)ceiling(m->panels, panels), .panels = panels, .rows = rows};
        parts += (int32_t)(j->cuts[i].panel_parts * ceiling(j->rows, rows));
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

int ck_multiply(
    ck_context *context, const float *x, int64_t x_stride, int64_t rows, const ck_product *products, int32_t count,
    const ck_dots_product *gates, int32_t gate_count) {
    if (rows <= 0 || count <= 0) return 0;
    job j = {
        .context = context, .x = x, .x_stride = x_stride, .rows = rows, .inputs = products[0].matrix->inputs,
        .products = products, .count = count, .gate_count = gate_count};
    int quantised = 0;
    for (int32_t i = 0; i < count; i++) quantised |= is_quantised(products[i].matrix);
    if (quantised && quantise_rows(context, &j)) return -1;
    int32_t parts = cut_products(&j);
    for (int32_t g = 0; g < gate_count; g++) {
        j.gates[g] = ck_cut_dots(context, x, x_stride, rows, &gates[g]);
        parts += j.gates[g].parts;
    }
    ck_team_run(context->team, parts, multiply_part, &j);
    return 0;
}
