// Shares elementwise operations out over rows.
#include "operations.h"

enum { ELEMENTS_ALONE = 32768, ROWS_PER_PART = 8 };

typedef struct {
    ck_rows rows;
    int64_t count;
    void (*operation)(const ck_rows *rows, int64_t r0, int64_t r1);
} job;

static void part(void *argument, int32_t index, int32_t thread) {
    (void)thread;
    job *j = argument;
    int64_t first = index * (int64_t)ROWS_PER_PART, end = first + ROWS_PER_PART;
    j->operation(&j->rows, first, end < j->count ? end : j->count);
}

static void run(ck_context *context, job j) {
    if (j.count * j.rows.width <= ELEMENTS_ALONE) j.operation(&j.rows, 0, j.count);
    else ck_team_run(context->team, (int32_t)((j.count + ROWS_PER_PART - 1) / ROWS_PER_PART), part, &j);
}

void ck_rms_norm(
    ck_context *context, const float *x, int64_t x_stride, const float *weight, float eps, float *out, int64_t out_stride,
    int64_t rows, int64_t width) {
    ck_rows operands = {
        .x = x, .x_stride = x_stride, .y = weight, .eps = eps, .out = out, .out_stride = out_stride, .width = width};
    run(context, (job){operands, rows, context->operations->rms_norm});
}

void ck_add(
    ck_context *context, const float *x, int64_t x_stride, const float *y, int64_t y_stride, float *out, int64_t out_stride,
    int64_t rows, int64_t width) {
    ck_rows operands = {
        .x = x, .x_stride = x_stride, .y = y, .y_stride = y_stride, .out = out, .out_stride = out_stride, .width = width};
    run(context, (job){operands, rows, context->operations->add});
}

void ck_swiglu(
    ck_context *context, const float *gate, int64_t gate_stride, const float *up, int64_t up_stride, float *out,
    int64_t out_stride, int64_t rows, int64_t width) {
    ck_rows operands = {
        .x = gate, .x_stride = gate_stride, .y = up, .y_stride = up_stride, .out = out, .out_stride = out_stride,
        .width = width};
    run(context, (job){operands, rows, context->operations->swiglu});
}

void ck_swiglu_back(
    ck_context *context, const float *above, const float *gate, const float *up, float *gate_below, float *up_below, int64_t count) {
    context->operations->swiglu_back(above, gate, up, gate_below, up_below, count);
}

void ck_rotate_half(
    ck_context *context, float *x, int64_t x_stride, const int32_t *positions, const float *cosines, const float *sines,
    int64_t table_stride, int64_t rows, int64_t heads, int64_t head_dim, int64_t half) {
    ck_rows operands = {
        .out = x, .out_stride = x_stride, .positions = positions, .cosines = cosines, .sines = sines,
        .table_stride = table_stride, .width = heads * head_dim, .heads = heads, .head_dim = head_dim, .half = half};
    run(context, (job){operands, rows, context->operations->rotate_half});
}

void ck_exp(ck_context *context, const float *x, float *out, int64_t count) {
    context->operations->exponential(x, out, count);
}

int64_t ck_argmax(ck_context *context, const float *x, int64_t count) { return context->operations->argmax(x, count); }

double ck_log_sum_exp(ck_context *context, const float *x, int64_t count) {
    return context->operations->log_sum_exp(x, count);
}
