// Quantised products. Per block b of 32 k, with activations d_a q_a and weights d_w (w - z) + m:
//     i   = Σ_k w q_a - z Σ_k q_a                    exact integers, so their order does not matter
//     sum = fma(d_w d_a, float(i), sum)              one fused multiply-add per block, in block order
//     sum = fma(m, d_a Σ_k q_a, sum)                 when the layout has minima
// Included once per instruction set, which gives halves_to_lanes, BLOCK_ROWS (rows per tile) and BLOCK_TILE, a file with block_tile.

/// What of the layout the compiler must know.
typedef struct {
    int nibbles, has_min, wide;
} shape;

#include BLOCK_TILE

/// One panel for one tile of rows; the result goes through `tile` [rows][32] so that only real outputs are written.
INLINE void block_panel_rows(
    const int rows, const shape s, const ck_activations *x, int64_t blocks, const uint8_t *panel, const ck_product *product,
    int64_t row, int64_t column) {
    float tile[BLOCK_ROWS * CK_BLOCK_PANEL];
    block_tile(rows, s, x, blocks, panel, blocks, product->matrix->zero_point, tile);
    for (int r = 0; r < rows; r++)
        for (int64_t v = 0; v < 2; v++) {
            int64_t o = column + v * 16, left = product->matrix->outputs - o;
            if (left <= 0) break;
            float *place = product->out + (row + r) * product->out_stride + o;
            vf sum = load(tile + r * CK_BLOCK_PANEL + v * 16);
            store_part(place, left, product->accumulate ? load_part(place, left, 0) + sum : sum);
        }
}

#define PANEL_ROWS(R) case R: block_panel_rows(R, s, x + r * blocks, blocks, panel, product, r, p * CK_BLOCK_PANEL); break;

/// Panels p0 ..< p1, rows r0 ..< r1; activations are [rows][blocks].
INLINE void block_panels(
    const shape s, const ck_activations *x, const ck_product *product, int64_t p0, int64_t p1, int64_t r0, int64_t r1) {
    const int64_t blocks = product->matrix->inputs / CK_BLOCK;
    for (int64_t p = p0; p < p1; p++) {
        const uint8_t *panel = product->matrix->data + p * product->matrix->panel_bytes;
        int64_t r = r0;
        for (; r + BLOCK_ROWS <= r1; r += BLOCK_ROWS)
            block_panel_rows(BLOCK_ROWS, s, x + r * blocks, blocks, panel, product, r, p * CK_BLOCK_PANEL);
        switch (r1 - r) {
            PANEL_ROWS(1)
#if BLOCK_ROWS > 2
            PANEL_ROWS(2)
#endif
#if BLOCK_ROWS > 3
            PANEL_ROWS(3)
#endif
#if BLOCK_ROWS > 4
            PANEL_ROWS(4) PANEL_ROWS(5)
#endif
        default: break;
        }
    }
}

#define LAYOUT(NAME, ...) \
    static void NAME(const ck_activations *x, const ck_product *product, int64_t p0, int64_t p1, int64_t r0, int64_t r1) { \
        block_panels((shape){__VA_ARGS__}, x, product, p0, p1, r0, r1); \
    }
LAYOUT(multiply_u8, .nibbles = 0, .has_min = 0, .wide = 0)
LAYOUT(multiply_u8_min, .nibbles = 0, .has_min = 1, .wide = 0)
LAYOUT(multiply_u8_min_wide, .nibbles = 0, .has_min = 1, .wide = 1)
LAYOUT(multiply_u4, .nibbles = 1, .has_min = 0, .wide = 0)
LAYOUT(multiply_u4_min, .nibbles = 1, .has_min = 1, .wide = 0)
LAYOUT(multiply_u4_min_wide, .nibbles = 1, .has_min = 1, .wide = 1)

static void multiply_blocks(
    const ck_activations *x, const ck_product *product, int64_t p0, int64_t p1, int64_t r0, int64_t r1) {
    const ck_matrix *m = product->matrix;
    if (m->format == CK_U8)
        (!m->has_min ? multiply_u8 : m->wide ? multiply_u8_min_wide : multiply_u8_min)(x, product, p0, p1, r0, r1);
    else (!m->has_min ? multiply_u4 : m->wide ? multiply_u4_min_wide : multiply_u4_min)(x, product, p0, p1, r0, r1);
}

/// d = max |x| / 127 and q = round to nearest even of x / d. A block that is not finite gets d = NaN, so that it cannot
/// turn into plausible numbers; a block of subnormals counts as zero.
static void quantise(const float *x, ck_activations *out, int64_t blocks) {
    const float shifter = 0x1.8p23f;
    for (int64_t b = 0; b < blocks; b++, x += CK_BLOCK, out++) {
        vf low = load(x), high = load(x + 16);
        float not_finite = sum_lanes(low * 0.0f + high * 0.0f);  // 0, or NaN.
        float d = largest_lane(larger(magnitude(low), magnitude(high))) / 127.0f;
        float inverse = d >= 0x1p-126f ? 1.0f / d : 0.0f;
        vi first = bits_of(fma_lanes(low, splat(inverse), splat(shifter))) - 0x4b400000;
        vi second = bits_of(fma_lanes(high, splat(inverse), splat(shifter))) - 0x4b400000;
        vi8 q0 = __builtin_convertvector(first, vi8), q1 = __builtin_convertvector(second, vi8);
        *(vi8_loose *)out->q = q0;
        *(vi8_loose *)(out->q + 16) = q1;
        out->sum = __builtin_reduce_add(__builtin_convertvector(q0, vi) + __builtin_convertvector(q1, vi));
        out->d = (d >= 0x1p-126f ? d : 0.0f) + not_finite;
        out->d_sum = out->d * (float)out->sum;
    }
}
