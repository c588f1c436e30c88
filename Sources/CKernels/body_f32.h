// out[r, o] (+)= Σ_k x[r, k] w[k, o]: each lane owns one output and adds k = 0, 1, 2 … by fused multiply-add.
// Included once per instruction set, which gives F32_VECTORS: vectors of 16 outputs per tile.

enum { TILE_ROWS = 6 };
/// Where a chain starts and what happens at its end.
enum { START_AT_ZERO, CONTINUE_FROM_OUT, ADD_TO_OUT };

/// One tile of `rows` x 16 `vectors`, both known at compile time so that the accumulators live in registers.
/// No software prefetch: one row streams weights at 30 GB/s a core without, and at 20 with it (Zen 4).
INLINE void f32_tile(
    const int rows, const int vectors, const float *x, int64_t x_stride, const float *w, int64_t w_stride, int64_t depth,
    float *out, int64_t out_stride, int mode) {
    vf sums[TILE_ROWS][4];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++)
            sums[r][v] = mode == CONTINUE_FROM_OUT ? load(out + r * out_stride + v * 16) : splat(0);
    for (int64_t k = 0; k < depth; k++) {
        vf weights[4];
        UNROLL for (int v = 0; v < vectors; v++) weights[v] = load(w + k * w_stride + v * 16);
        UNROLL for (int r = 0; r < rows; r++) {
            vf activation = splat(x[r * x_stride + k]);
            UNROLL for (int v = 0; v < vectors; v++) sums[r][v] = fma_lanes(activation, weights[v], sums[r][v]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) {
            float *place = out + r * out_stride + v * 16;
            store(place, mode == ADD_TO_OUT ? load(place) + sums[r][v] : sums[r][v]);
        }
}

#define TILE(R) \
    case R: f32_tile(R, vectors, x, x_stride, w, w_stride, depth, out, out_stride, mode); break;

/// Any number of rows over 16 `vectors` columns.
INLINE void f32_columns(
    const int vectors, const float *x, int64_t x_stride, const float *w, int64_t w_stride, int64_t depth, float *out,
    int64_t out_stride, int mode, int64_t rows) {
    for (; rows >= TILE_ROWS; rows -= TILE_ROWS, x += TILE_ROWS * x_stride, out += TILE_ROWS * out_stride)
        f32_tile(TILE_ROWS, vectors, x, x_stride, w, w_stride, depth, out, out_stride, mode);
    switch (rows) { TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) default: break; }
}

/// The product of rows [rows][depth] and weights [depth][columns]; columns is a multiple of 16.
static void f32_product(
    const float *x, int64_t x_stride, const float *w, int64_t w_stride, int64_t depth, float *out, int64_t out_stride,
    int mode, int64_t rows, int64_t columns) {
    int64_t c = 0;
    for (; c + F32_VECTORS * 16 <= columns; c += F32_VECTORS * 16)
        f32_columns(F32_VECTORS, x, x_stride, w + c, w_stride, depth, out + c, out_stride, mode, rows);
    for (; c < columns; c += 16) f32_columns(1, x, x_stride, w + c, w_stride, depth, out + c, out_stride, mode, rows);
}

/// A panel that the matrix fills only in part: through a tile of our own, so that nothing beyond the outputs is written.
static void f32_part_panel(
    const float *x, int64_t x_stride, const float *w, int64_t depth, float *out, int64_t out_stride, int accumulate,
    int64_t rows, int64_t columns) {
    float tile[TILE_ROWS * CK_F32_PANEL];
    for (int64_t r = 0; r < rows; r += TILE_ROWS) {
        int64_t count = rows - r < TILE_ROWS ? rows - r : TILE_ROWS;
        f32_product(
            x + r * x_stride, x_stride, w, CK_F32_PANEL, depth, tile, CK_F32_PANEL, START_AT_ZERO, count, CK_F32_PANEL);
        for (int64_t i = 0; i < count; i++)
            for (int64_t o = 0; o < columns; o++) {
                float *place = out + (r + i) * out_stride + o, sum = tile[i * CK_F32_PANEL + o];
                *place = accumulate ? *place + sum : sum;
            }
    }
}

static void multiply_f32(
    const float *x, int64_t x_stride, const ck_product *product, int64_t p0, int64_t p1, int64_t r0, int64_t r1) {
    const ck_matrix *matrix = product->matrix;
    for (int64_t p = p0; p < p1; p++) {
        const float *w = (const float *)(matrix->data + p * matrix->panel_bytes), *rows = x + r0 * x_stride;
        float *out = product->out + r0 * product->out_stride + p * CK_F32_PANEL;
        int64_t columns = matrix->outputs - p * CK_F32_PANEL;
        if (columns < CK_F32_PANEL)
            f32_part_panel(
                rows, x_stride, w, matrix->inputs, out, product->out_stride, product->accumulate, r1 - r0, columns);
        else
            f32_product(
                rows, x_stride, w, CK_F32_PANEL, matrix->inputs, out, product->out_stride,
                product->accumulate ? ADD_TO_OUT : START_AT_ZERO, r1 - r0, CK_F32_PANEL);
    }
}
