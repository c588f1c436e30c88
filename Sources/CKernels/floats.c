// Products of plain f32 rows on the caller's thread; who wants more runs several side by side, each with a context of its own.
#include "operations.h"

int ck_multiply_floats(ck_context *context, const ck_floats *job) {
    if (job->rows <= 0 || job->columns <= 0 || job->depth <= 0) return 0;
    int64_t depth = job->depth < CK_FLOATS_DEPTH ? job->depth : CK_FLOATS_DEPTH;
    int64_t panel = CK_FLOATS_PANEL * depth, turned = job->turns_x ? job->rows * job->depth : 0;
    if (ck_reserve((void **)&context->scratch, &context->scratch_bytes, (size_t)(panel + turned) * sizeof(float))) return -1;
    const float *x = job->x;
    int64_t x_stride = job->x_stride;
    if (job->turns_x) {
        float *rows = context->scratch + panel;
        context->operations->turn(x, x_stride, job->depth, job->rows, ck_reads_plain(job) ? job->scale : 1, rows, job->depth);
        x = rows;
        x_stride = job->depth;
    }
    context->operations->multiply_floats(job, x, x_stride, context->scratch, depth);
    return 0;
}
