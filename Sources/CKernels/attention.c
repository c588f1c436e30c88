// Cuts attention into (run, block of queries, key-value head) and keeps each thread's scratch.
#include "operations.h"

enum {
    ROWS_PER_ITEM = 48,             // Eight tiles of six rows share a page while it is in the first-level cache.
    SCRATCH_FLOATS_MAX = 1 << 20,   // 4 MiB of scores per thread; longer contexts take fewer queries at a time.
};

typedef struct {
    const ck_context *context;
    ck_attention_job attention;
    const ck_run *runs;
    int64_t count;
    size_t scratch_floats;  // Per thread.
} job;

static int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Queries per item for a run: as many as fit the limits, at least one.
static int64_t queries_per_item(const ck_attention_job *a, const ck_run *run) {
    int64_t group = a->heads / a->pages.kv_heads, padded = ceiling(run->first_position + run->rows, CK_PAGE) * CK_PAGE;
    int64_t queries = ROWS_PER_ITEM / group, fit = SCRATCH_FLOATS_MAX / (group * padded);
    if (queries > fit) queries = fit;
    return queries < 1 ? 1 : queries;
}

static size_t scratch_floats(const ck_attention_job *a, const ck_run *run) {
    int64_t rows = queries_per_item(a, run) * (a->heads / a->pages.kv_heads);
    int64_t padded = ceiling(run->first_position + run->rows, CK_PAGE) * CK_PAGE;
    return (size_t)(rows * (padded + 2 * a->pages.head_dim)) + 16;
}

/// Items count down within a run: its last queries see the most positions, and the longest work should start first.
static void part(void *argument, int32_t index, int32_t thread) {
    job *j = argument;
    const ck_run *run = j->runs;
    int64_t queries, items;
    for (;; run++, index -= (int32_t)items) {
        queries = queries_per_item(&j->attention, run);
        items = ceiling(run->rows, queries) * j->attention.pages.kv_heads;
        if (index < items) break;
    }
    int64_t block = ceiling(run->rows, queries) - 1 - index / j->attention.pages.kv_heads, left = run->rows - block * queries;
    ck_attention_item item = {
        .run = run, .first = block * queries, .count = left < queries ? left : queries,
        .kv_head = index % j->attention.pages.kv_heads};
    j->context->operations->attention(&j->attention, &item, j->context->scratch + (size_t)thread * j->scratch_floats);
}

int ck_attention(
    ck_context *context, const float *queries, int64_t query_stride, int64_t heads, float scale, float *out,
    int64_t out_stride, ck_pages pages, const ck_run *runs, int64_t count) {
    job j = {
        .context = context, .runs = runs, .count = count,
        .attention = {
            .queries = queries, .query_stride = query_stride, .heads = heads, .scale = scale, .out = out,
            .out_stride = out_stride, .pages = pages}};
    int64_t parts = 0;
    for (int64_t i = 0; i < count; i++) {
        size_t floats = scratch_floats(&j.attention, &runs[i]);
        if (floats > j.scratch_floats) j.scratch_floats = floats;
        parts += ceiling(runs[i].rows, queries_per_item(&j.attention, &runs[i])) * pages.kv_heads;
    }
    size_t bytes = j.scratch_floats * (size_t)ck_team_threads(context->team) * sizeof(float);
    if (ck_reserve((void **)&context->scratch, &context->scratch_bytes, bytes)) return -1;
    ck_team_run(context->team, (int32_t)parts, part, &j);
    return 0;
}

void ck_append(
    ck_context *context, const float *keys, int64_t key_stride, const float *values, int64_t value_stride, ck_pages pages,
    const ck_run *runs, int64_t count) {
    (void)context;
    for (int64_t i = 0; i < count; i++)
        for (int64_t r = 0; r < runs[i].rows; r++) {
            int64_t position = runs[i].first_position + r, row = runs[i].first_row + r, slot = position % CK_PAGE;
            float *page = pages.data + runs[i].table[position / CK_PAGE] * pages.page_stride;
            for (int64_t h = 0; h < pages.kv_heads; h++, page += 2 * pages.head_dim * CK_PAGE)
                for (int64_t d = 0; d < pages.head_dim; d++) {
                    page[d * CK_PAGE + slot] = keys[row * key_stride + h * pages.head_dim + d];
                    page[(CK_PAGE + slot) * pages.head_dim + d] = values[row * value_stride + h * pages.head_dim + d];
                }
        }
}
