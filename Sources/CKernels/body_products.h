// out[r, o] (+)= Σ_k x[r, k] w[k, o], weights f32, f16 or bf16: each lane owns one output and adds k = 0, 1, 2 … by fused multiply-add.
// Included once per instruction set, which gives F32_VECTORS: vectors of 16 outputs per tile. Weight strides are in bytes.

enum { TILE_ROWS = 6 };
/// Where a chain starts and what happens at its end.
enum { START_AT_ZERO, CONTINUE_FROM_OUT, ADD_TO_OUT };

/// One tile of `rows` x 16 `vectors` of weights of one kind, all known at compile time so that the accumulators live in registers.
/// No software prefetch: one row streams weights at 30 GB/s a core without, and at 20 with it (Zen 4).
INLINE void f32_tile(
    const int element, const int rows, const int vectors, const float *x, int64_t x_stride, const uint8_t *w, int64_t w_stride,
    int64_t depth, float *out, int64_t out_stride, int mode) {
    vf sums[TILE_ROWS][4];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++)
            sums[r][v] = mode == CONTINUE_FROM_OUT ? load(out + r * out_stride + v * 16) : splat(0);
    for (int64_t k = 0; k < depth; k++) {
        vf weights[4];
        UNROLL for (int v = 0; v < vectors; v++) weights[v] = load_elements(element, w + k * w_stride + v * lanes_bytes(element));
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
    case R: f32_tile(element, R, vectors, x, x_stride, w, w_stride, depth, out, out_stride, mode); break;

/// Any number of rows over 16 `vectors` columns.
INLINE void f32_columns(
    const int element, const int vectors, const float *x, int64_t x_stride, const uint8_t *w, int64_t w_stride, int64_t depth,
    float *out, int64_t out_stride, int mode, int64_t rows) {
    for (; rows >= TILE_ROWS; rows -= TILE_ROWS, x += TILE_ROWS * x_stride, out += TILE_ROWS * out_stride)
        f32_tile(element, TILE_ROWS, vectors, x, x_stride, w, w_stride, depth, out, out_stride, mode);
    switch (rows) { TILE(1) TILE(2) TILE(3) TILE(4) TILE(5) default: break; }
}

INLINE void element_product(
    const int element, const float *x, int64_t x_stride, const uint8_t *w, int64_t w_stride, int64_t depth, float *out,
    int64_t out_stride, int mode, int64_t rows, int64_t columns) {
    int64_t c = 0;
    for (; c + F32_VECTORS * 16 <= columns; c += F32_VECTORS * 16, w += F32_VECTORS * lanes_bytes(element))
        f32_columns(element, F32_VECTORS, x, x_stride, w, w_stride, depth, out + c, out_stride, mode, rows);
    for (; c < columns; c += 16, w += lanes_bytes(element))
        f32_columns(element, 1, x, x_stride, w, w_stride, depth, out + c, out_stride, mode, rows);
}

/// The product of rows [rows][depth] and weights [depth][columns]; columns is a multiple of 16.
static void f32_product(
    const float *x, int64_t x_stride, const float *w, int64_t w_stride, int64_t depth, float *out, int64_t out_stride,
    int mode, int64_t rows, int64_t columns) {
    element_product(
        CK_ELEMENT_F32, x, x_stride, (const uint8_t *)w, w_stride * 4, depth, out, out_stride, mode, rows, columns);
}

#define PANEL_PRODUCT(NAME, ELEMENT) \
    static void NAME( \
        const float *x, int64_t x_stride, const uint8_t *w, int64_t depth, float *out, int64_t out_stride, int mode, \
        int64_t rows) { \
        element_product( \
            ELEMENT, x, x_stride, w, 4 * lanes_bytes(ELEMENT), depth, out, out_stride, mode, rows, CK_ELEMENT_PANEL); \
    }
PANEL_PRODUCT(panel_f32, CK_ELEMENT_F32)
PANEL_PRODUCT(panel_f16, CK_ELEMENT_F16)
PANEL_PRODUCT(panel_bf16, CK_ELEMENT_BF16)
typedef __typeof__(panel_f32) panel_product;

/// A panel that the matrix fills only in part: through a tile of our own, so that nothing beyond the outputs is written.
static void part_panel(
    panel_product *product, const float *x, int64_t x_stride, const uint8_t *w, int64_t depth, float *out, int64_t out_stride,
    int accumulate, int64_t rows, int64_t columns) {
    float tile[TILE_ROWS * CK_ELEMENT_PANEL];
    for (int64_t r = 0; r < rows; r += TILE_ROWS) {
        int64_t count = rows - r < TILE_ROWS ? rows - r : TILE_ROWS;
        product(x + r * x_stride, x_stride, w, depth, tile, CK_ELEMENT_PANEL, START_AT_ZERO, count);
        for (int64_t i = 0; i < count; i++)
            for (int64_t o = 0; o < columns; o++) {
                float *place = out + (r + i) * out_stride + o, sum = tile[i * CK_ELEMENT_PANEL + o];
                *place = accumulate ? *place + sum : sum;
            }
    }
}

static void multiply_elements(
    const float *x, int64_t x_stride, const ck_product *product, int64_t p0, int64_t p1, int64_t r0, int64_t r1) {
    const ck_matrix *matrix = product->matrix;
    panel_product *of_format = matrix->format == CK_F32 ? panel_f32 : matrix->format == CK_F16 ? panel_f16 : panel_bf16;
    const float *rows = x + r0 * x_stride;
    for (int64_t p = p0; p < p1; p++) {
        const uint8_t *w = matrix->data + p * matrix->panel_bytes;
        float *out = product->out + r0 * product->out_stride + p * CK_ELEMENT_PANEL;
        int64_t columns = matrix->outputs - p * CK_ELEMENT_PANEL;
        if (columns < CK_ELEMENT_PANEL)
            part_panel(
                of_format, rows, x_stride, w, matrix->inputs, out, product->out_stride, product->accumulate, r1 - r0, columns);
        else
            of_format(
                rows, x_stride, w, matrix->inputs, out, product->out_stride, product->accumulate ? ADD_TO_OUT : START_AT_ZERO,
                r1 - r0);
    }
}
