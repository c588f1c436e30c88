// The table of functions that each instruction set fills in (see instructions_*.c), and what drivers share.
#pragma once
#include "include/CKernels.h"

/// 32 quantised activations: x ≈ d * q, q in -127 ... 127.
typedef struct {
    float d;       // max |x| / 127
    float d_sum;   // d * Σ q, what a minimum is multiplied by
    int32_t sum;   // Σ q, what a zero point is multiplied by
    int8_t q[CK_BLOCK];
} ck_activations;

/// Elementwise operands; what each field means is said at the operation in CKernels.h.
typedef struct {
    const float *x, *y;
    float *out;
    int64_t x_stride, y_stride, out_stride, width;
    float eps;
    const int32_t *positions;
    const float *cosines, *sines;
    int64_t table_stride, heads, head_dim, half;
} ck_rows;

typedef struct {
    const float *queries;
    float *out;
    int64_t query_stride, out_stride, heads;
    float scale;
    ck_pages pages;
} ck_attention_job;

/// Rows `first` ..< `first + count` of a run, all query heads of one key-value head.
typedef struct {
    const ck_run *run;
    int64_t first, count, kv_head;
} ck_attention_item;

/// Few rows do not repay packing w, where it stands as it is read: then x, turned anyway, takes the scale.
static inline int ck_reads_plain(const ck_floats *job) {
    return job->rows <= 16 && job->turns_x && !job->turns_w && !job->w_panels && job->columns % 16 == 0;
}

typedef struct {
    /// Panels p0 ..< p1 for rows r0 ..< r1.
    void (*multiply_elements)(const float *x, int64_t x_stride, const ck_product *product, int64_t p0, int64_t p1, int64_t r0, int64_t r1);
    void (*multiply_blocks)(const ck_activations *x, const ck_product *product, int64_t p0, int64_t p1, int64_t r0, int64_t r1);
    void (*quantise)(const float *x, ck_activations *out, int64_t blocks);
    void (*rms_norm)(const ck_rows *rows, int64_t r0, int64_t r1);
    void (*add)(const ck_rows *rows, int64_t r0, int64_t r1);
    void (*swiglu)(const ck_rows *rows, int64_t r0, int64_t r1);
    void (*rotate_half)(const ck_rows *rows, int64_t r0, int64_t r1);
    void (*exponential)(const float *x, float *out, int64_t count);
    int64_t (*argmax)(const float *x, int64_t count);
    double (*log_sum_exp)(const float *x, int64_t count);
    void (*attention)(const ck_attention_job *job, const ck_attention_item *item, float *scratch);
    /// Panels p0 ..< p1 for `rows` rows that start at x[0 …].
    void (*dots)(const ck_dots *dots, const float *const *x, int64_t rows, int64_t p0, int64_t p1, float *out, int64_t out_stride);
    /// Items i0 ..< i1.
    void (*pair_rows)(const float *x, int64_t x_stride, const ck_pair_rows *job, int64_t i0, int64_t i1);
    void (*add_pair_rows)(const float *x, int64_t x_stride, const ck_pair_share *job, int64_t i0, int64_t i1);
    void (*add_shares)(const ck_share *share, int64_t i0, int64_t i1);
    void (*row_moments)(const float *x, int64_t width, float *out);
    /// Panels of `panel_depth` rows are packed into `panel`; x is never turned.
    void (*multiply_floats)(const ck_floats *job, const float *x, int64_t x_stride, float *panel, int64_t panel_depth);
    void (*turn)(const float *in, int64_t in_stride, int64_t rows, int64_t columns, float scale, float *out, int64_t out_stride);
    void (*swiglu_back)(
        const float *above, const float *gate, const float *up, float *gate_below, float *up_below, int64_t count);
} ck_operations;

extern const ck_operations ck_operations_portable, ck_operations_avx2, ck_operations_avx512;

struct ck_context {
    ck_team *team;
    const ck_operations *operations;
    ck_activations *activations;
    size_t activation_bytes;
    float *scratch;
    size_t scratch_bytes;
};

/// Makes *memory at least `bytes` long, losing its contents; 0, or -1 when there is no memory.
int ck_reserve(void **memory, size_t *capacity, size_t bytes);

/// A product with gates as a team's parts: part i covers rows and panels of a grid [row parts][panel_parts].
typedef struct {
    const ck_context *context;
    const float *x;
    int64_t x_stride, rows;
    const ck_dots_product *product;
    int64_t panel_parts, panels;
    int32_t parts;
} ck_dots_cut;
ck_dots_cut ck_cut_dots(const ck_context *context, const float *x, int64_t x_stride, int64_t rows, const ck_dots_product *product);
void ck_dots_part(const ck_dots_cut *cut, int32_t index);
