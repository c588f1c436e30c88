// Order-fixed arithmetic: every output element has one accumulation order, a function of the inner dimension K alone, so that
// its bits depend neither on the rows beside it, nor on tiles, threads, pages or the instruction set.
// SIMD lanes run across outputs, over weights packed for it: each lane adds k = 0, 1, 2 … by fused multiply-add.
// Sources/Kernels is the safe face; nothing else includes this header. Shapes are row-major, strides are in floats.
#pragma once
#include <stddef.h>
#include <stdint.h>

// --- Instruction sets -----------------------------------------------------------------------------------------------------

enum { CK_PORTABLE = 0, CK_AVX2 = 1, CK_AVX512 = 2 };
/// 1 when this machine runs kernels of that instruction set.
int ck_isa_available(int isa);

// --- Memory ---------------------------------------------------------------------------------------------------------------

/// Zeroed memory, 64-byte aligned, in huge pages where that pays; NULL when there is none. `bytes` must come back to ck_free.
void *ck_allocate(size_t bytes);
void ck_free(void *memory, size_t bytes);
/// The same for long-lived weights: small ones share slabs of huge pages. To ck_free_weights.
void *ck_allocate_weights(size_t bytes);
void ck_free_weights(void *memory, size_t bytes);

// --- Team -----------------------------------------------------------------------------------------------------------------

typedef struct ck_team ck_team;
typedef void (*ck_part)(void *context, int32_t part, int32_t thread);
/// `threads` counts the caller. Idle workers spin for `spin_nanoseconds`, then sleep. NULL when no thread could be started.
ck_team *ck_team_create(int32_t threads, int64_t spin_nanoseconds);
void ck_team_destroy(ck_team *team);
int32_t ck_team_threads(const ck_team *team);
/// Runs part(context, 0 ..< parts, thread) on the team and returns when all have ended. Not from inside a part.
void ck_team_run(ck_team *team, int32_t parts, ck_part part, void *context);

// --- Packed matrices [outputs, inputs] ------------------------------------------------------------------------------------

/// Plain elements, which become f32 in registers, and quantised blocks.
enum { CK_F32 = 0, CK_F16 = 1, CK_BF16 = 2, CK_U8 = 3, CK_U4 = 4 };
enum { CK_ELEMENT_PANEL = 64, CK_BLOCK_PANEL = 32, CK_BLOCK = 32, CK_PAGE = 64 };
enum { CK_Q8_0 = 0, CK_Q4_0 = 1, CK_Q4_1 = 2, CK_Q5_0 = 3, CK_Q5_1 = 4, CK_Q4_K = 5, CK_Q5_K = 6, CK_LAYOUTS = 7 };

/// F32, F16, BF16: panels of 64 outputs, each [inputs][64] elements.
/// U8, U4: panels of 32 outputs; per block of 32 inputs the scales [32], the minima [32] if any, then unsigned weights
/// [8 groups][32 outputs][4 k] (U4: low nibbles hold group 2 j, high nibbles group 2 j + 1).
/// A weight is scale * (w - zero_point) + minimum. Scales and minima are f16 bits, or f32 when `wide`.
typedef struct {
    int32_t format, has_min, wide, zero_point;
    int64_t outputs, inputs, panels, panel_bytes;
    const uint8_t *data;
} ck_matrix;

/// Bytes of one block of a GGML layout, and the number of weights in it (32 or 256).
size_t ck_layout_bytes(int layout, int32_t *weights);
/// Fills format, sizes and panel_bytes (not data).
/// `format` is CK_F32, CK_F16 or CK_BF16.
ck_matrix ck_matrix_elements(int format, int64_t outputs, int64_t inputs);
ck_matrix ck_matrix_blocks(int layout, int64_t outputs, int64_t inputs);
/// Packs rows [count <= 64][inputs] of the matrix's elements into its panel `panel`.
void ck_pack_panel(const ck_matrix *matrix, void *data, int64_t panel, const void *rows, int64_t count);
/// Packs one row of GGML blocks as output `output`.
void ck_pack_block_row(const ck_matrix *matrix, void *data, int layout, int64_t output, const uint8_t *row);

// --- Context --------------------------------------------------------------------------------------------------------------

/// An instruction set, a team and scratch memory; one thread at a time.
typedef struct ck_context ck_context;
ck_context *ck_context_create(ck_team *team, int isa);
void ck_context_destroy(ck_context *context);

typedef struct {
    const ck_matrix *matrix;
    float *out;
    int64_t out_stride;
    int32_t accumulate;
} ck_product;
enum { CK_PRODUCTS_MAX = 16, CK_GATES_MAX = 4 };
typedef struct ck_dots_product ck_dots_product;
/// out[r, o] (+)= Σ_k x[r, k] * matrix[o, k] for every product; all matrices have the same inputs. Gates that read the same rows may come
/// along (ck_multiply_dots), so that a team starts once. Returns 0, or -1 without memory.
int ck_multiply(
    ck_context *context, const float *x, int64_t x_stride, int64_t rows, const ck_product *products, int32_t count,
    const ck_dots_product *gates, int32_t gate_count);

/// A product of rows first ..< first + rows alone.
typedef struct {
    ck_product product;
    int64_t first, rows;
} ck_group;
enum { CK_GROUPS_MAX = 512 };
/// As ck_multiply, each product with its own rows of x, into the same rows of its out: one job for all. `rows` counts those of x.
int ck_multiply_groups(ck_context *context, const float *x, int64_t x_stride, int64_t rows, const ck_group *groups, int32_t count);

/// out[r, c] (+)= scale · Σ_k x[r, k] w[k, c], on the caller's thread; `accumulate`: the chain starts from what out holds.
/// x is [rows, depth], or stored as [depth, rows] where `turns_x`; w [depth, columns], or stored as [columns, depth] where `turns_w`.
/// `w_panels`: w is stored in panels of CK_FLOATS_PANEL of its columns, one behind the other, each [lines, CK_FLOATS_PANEL], filled up with
/// zeros; w_stride is not read, and without `turns_w` neither is scale.
typedef struct {
    const float *x, *w;
    float *out;
    int64_t x_stride, w_stride, out_stride, rows, depth, columns;
    float scale;
    int32_t turns_x, turns_w, accumulate, w_panels;
    int32_t triangle;
    int64_t diagonal;
} ck_floats;
/// Half of a product that need not be computed: of out, what is right of column r + diagonal in row r (it is left as it was, or written);
/// or of x (as [rows, depth]), which is zero behind k = r + diagonal, or before k = r - diagonal.
enum { CK_WHOLE, CK_OUT_BELOW, CK_X_BELOW, CK_X_ABOVE };
/// Panels of w are packed for it, of so many columns and at most so many k: 192 KiB stay in a core's second cache while all rows meet them.
enum { CK_FLOATS_PANEL = 64, CK_FLOATS_DEPTH = 768 };
/// Returns 0, or -1 without memory.
int ck_multiply_floats(ck_context *context, const ck_floats *job);

/// out = (x / sqrt(mean(x²) + eps)) * weight per row; `weight` has `width` floats.
void ck_rms_norm(
    ck_context *context, const float *x, int64_t x_stride, const float *weight, float eps, float *out, int64_t out_stride,
    int64_t rows, int64_t width);
/// out = x + y.
void ck_add(
    ck_context *context, const float *x, int64_t x_stride, const float *y, int64_t y_stride, float *out, int64_t out_stride,
    int64_t rows, int64_t width);
/// out = up * gate / (1 + exp(-gate)).
void ck_swiglu(
    ck_context *context, const float *gate, int64_t gate_stride, const float *up, int64_t up_stride, float *out,
    int64_t out_stride, int64_t rows, int64_t width);
/// Gradients through ck_swiglu, from that of its output: up_below = above * silu(gate), gate_below = above * up * silu'(gate).
/// Each is `count` floats; on the caller's thread.
void ck_swiglu_back(
    ck_context *context, const float *above, const float *gate, const float *up, float *gate_below, float *up_below, int64_t count);
/// Rotates the pairs (i, i + half) of every head in place by the angles of the row's position; tables are [positions][half].
void ck_rotate_half(
    ck_context *context, float *x, int64_t x_stride, const int32_t *positions, const float *cosines, const float *sines,
    int64_t table_stride, int64_t rows, int64_t heads, int64_t head_dim, int64_t half);
/// out = exp(x), each element.
void ck_exp(ck_context *context, const float *x, float *out, int64_t count);
/// The largest element's index, the lowest one on ties; NaN never wins.
int64_t ck_argmax(ck_context *context, const float *x, int64_t count);
/// log Σ exp(x), summed in double in a fixed order.
double ck_log_sum_exp(ck_context *context, const float *x, int64_t count);

// --- Low-rank pairs and gates ---------------------------------------------------------------------------------------------

enum { CK_ELEMENT_F32 = 0, CK_ELEMENT_F16 = 1, CK_ELEMENT_BF16 = 2, CK_RANK_MAX = 1024 };

/// Rows [count, inputs] to take dot products with, as stored: panels of 16 of them, each [inputs rounded up to 8][16]; the last has as
/// few lanes as hold the rest, 2, 4, 8 or 16 (`last_width`). Padding is zero.
typedef struct {
    int32_t element, last_width;
    int64_t count, inputs, panel_bytes;
    const uint8_t *data;
} ck_dots;

/// delta = scale · B (A u): A is `down`, [rank, inputs]; B, [outputs, rank], is `up`: panels of 16 outputs, each [rank][16].
typedef struct {
    ck_dots down;
    int32_t up_element;
    float scale;
    int64_t outputs;
    const uint8_t *up;
} ck_pair;

/// Fills count, inputs, widths (not data); *bytes is what data needs.
ck_dots ck_dots_make(int element, int64_t count, int64_t inputs, size_t *bytes);
/// Element (j, k) of the source is at source[j · row_stride + k · column_stride], in elements.
void ck_pack_dots(const ck_dots *dots, void *data, const void *source, int64_t row_stride, int64_t column_stride);
size_t ck_up_bytes(int element, int64_t outputs, int64_t rank);
/// Element (o, j) of the source is at source[o · row_stride + j · column_stride], in elements.
void ck_pack_up(
    int element, void *data, int64_t outputs, int64_t rank, const void *source, int64_t row_stride, int64_t column_stride);

/// One kind of gates, and where its dot products go.
struct ck_dots_product {
    const ck_dots *dots;
    float *out;
    int64_t out_stride;
    /// (mean, biased variance, |x|) of each row, unless NULL.
    float *moments;
    int64_t moments_stride;
};
/// out[r, j] = Σ_k x[r, k] dots[j, k] for rows r.
void ck_multiply_dots(ck_context *context, const float *x, int64_t x_stride, int64_t rows, const ck_dots_product *product);

/// Rows x[rows[i]], i < count, through one pair: out is [count, outputs].
typedef struct {
    const ck_pair *pair;
    const int32_t *rows;
    int64_t count;
    float *out;
} ck_pair_rows;
void ck_multiply_pairs(ck_context *context, const float *x, int64_t x_stride, const ck_pair_rows *jobs, int64_t count);

/// out[rows[i]] += weights[i] · values[i], i < count, by fused multiply-add; rows ascend.
typedef struct {
    const float *values, *weights;
    const int32_t *rows;
    int64_t count, width;
    float *out;
    int64_t out_stride;
} ck_share;
/// In the order of the shares for every row.
void ck_add_shares(ck_context *context, const ck_share *shares, int64_t count, int64_t rows);

/// out[rows[i]] += weights[i] · s B (A x[rows[i]]), i < count; rows ascend. The bits of ck_multiply_pairs and then ck_add_shares.
typedef struct {
    const ck_pair *pair;
    const int32_t *rows;
    const float *weights;
    int64_t count;
    float *out;
    int64_t out_stride;
} ck_pair_share;
/// In the order of the jobs for every row, below `rows`.
void ck_add_pairs(ck_context *context, const float *x, int64_t x_stride, const ck_pair_share *jobs, int64_t count, int64_t rows);

// --- Attention ------------------------------------------------------------------------------------------------------------

/// One layer's pages: page p and head h hold K as [head_dim][64 positions] and then V as [64 positions][head_dim].
typedef struct {
    float *data;
    int64_t page_stride, head_dim, kv_heads;
} ck_pages;

/// Rows first_row ..< first_row + rows of the batch are positions first_position … of one sequence with page table `table`.
typedef struct {
    const int32_t *table;
    int64_t first_row, rows, first_position;
} ck_run;

void ck_append(
    ck_context *context, const float *keys, int64_t key_stride, const float *values, int64_t value_stride, ck_pages pages,
    const ck_run *runs, int64_t count);
/// Causal attention of `heads` query heads over positions 0 ... position of each row. Returns 0, or -1 without memory.
int ck_attention(
    ck_context *context, const float *queries, int64_t query_stride, int64_t heads, float scale, float *out,
    int64_t out_stride, ck_pages pages, const ck_run *runs, int64_t count);
