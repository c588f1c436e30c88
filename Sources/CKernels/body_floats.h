// Products of plain f32 rows, neither side packed beforehand: learning multiplies by what changes from step to step. A panel of 64
// columns is packed at a time and met by all rows. Included once per instruction set, after body_products.h.

INLINE vf zip_low(vf a, vf b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
INLINE vf zip_high(vf a, vf b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/// out[j][i] = scale · in[i][j] for a square of 16: zipping row i with row i + 8 four times turns it.
INLINE void turn_square(const float *in, int64_t in_stride, float scale, float *out, int64_t out_stride) {
    vf rows[16], zipped[16];
    UNROLL for (int i = 0; i < 16; i++) rows[i] = load(in + i * in_stride);
    UNROLL for (int round = 0; round < 4; round++) {
        UNROLL for (int i = 0; i < 8; i++) {
            zipped[2 * i] = zip_low(rows[i], rows[i + 8]);
            zipped[2 * i + 1] = zip_high(rows[i], rows[i + 8]);
        }
        UNROLL for (int i = 0; i < 16; i++) rows[i] = zipped[i];
    }
    UNROLL for (int i = 0; i < 16; i++) store(out + i * out_stride, rows[i] * scale);
}

/// out[j][i] = scale · in[i][j] for i < rows, j < columns.
static void turn(
    const float *in, int64_t in_stride, int64_t rows, int64_t columns, float scale, float *out, int64_t out_stride) {
    int64_t whole_rows = rows & ~15LL, whole_columns = columns & ~15LL;
    for (int64_t i = 0; i < whole_rows; i += 16)
        for (int64_t j = 0; j < whole_columns; j += 16)
            turn_square(in + i * in_stride + j, in_stride, scale, out + j * out_stride + i, out_stride);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = i < whole_rows ? whole_columns : 0; j < columns; j++)
            out[j * out_stride + i] = scale * in[i * in_stride + j];
}

/// Columns c ..< c + width of w from row k on, `depth` rows, as [depth][lanes]; lanes is width rounded up to 16, padding zero.
INLINE void pack_floats(const ck_floats *job, int64_t c, int64_t width, int64_t k, int64_t depth, float *panel, int64_t lanes) {
    if (job->turns_w) {
        // Stored in panels, each a square's rows lie side by side: no line of the cache and no page is met twice.
        int64_t step = job->w_panels ? CK_FLOATS_PANEL : depth;
        if (width < lanes)
            for (int64_t d = 0; d < depth; d++) store(panel + d * lanes + lanes - 16, splat(0));
        for (int64_t d = 0; d < depth; d += step) {
            const float *w = job->w_panels ? job->w + (k + d) * job->columns + c * CK_FLOATS_PANEL : job->w + c * job->w_stride + k;
            turn(w, job->w_panels ? CK_FLOATS_PANEL : job->w_stride, width, depth - d < step ? depth - d : step, job->scale,
                 panel + d * lanes, lanes);
        }
        return;
    }
    for (int64_t d = 0; d < depth; d++)
        for (int64_t i = 0; i < lanes; i += 16)
            store(panel + d * lanes + i, job->scale * load_part(job->w + (k + d) * job->w_stride + c + i, width - i, 0));
}

/// The last columns of a panel, fewer than 16: through a tile of our own, so that nothing beyond them is touched.
static void few_columns(
    const float *x, int64_t x_stride, const float *panel, int64_t lanes, int64_t depth, float *out, int64_t out_stride, int mode,
    int64_t rows, int64_t columns) {
    float tile[TILE_ROWS * 16];
    for (int64_t r = 0; r < rows; r += TILE_ROWS) {
        int64_t count = rows - r < TILE_ROWS ? rows - r : TILE_ROWS;
        for (int64_t i = 0; mode == CONTINUE_FROM_OUT && i < count; i++)
            store(tile + i * 16, load_part(out + (r + i) * out_stride, columns, 0));
        f32_product(x + r * x_stride, x_stride, panel, lanes, depth, tile, 16, mode, count, 16);
        for (int64_t i = 0; i < count; i++) store_part(out + (r + i) * out_stride, columns, load(tile + i * 16));
    }
}

/// One panel after the other, K in blocks: a chain goes on where the block before it ended.
static void multiply_floats(const ck_floats *job, const float *x, int64_t x_stride, float *panel, int64_t panel_depth) {
    for (int64_t c = 0; c < job->columns; c += CK_FLOATS_PANEL) {
        int64_t width = job->columns - c < CK_FLOATS_PANEL ? job->columns - c : CK_FLOATS_PANEL;
        int is_packed = job->w_panels && !job->turns_w;
        int64_t whole = width & ~15LL, lanes = is_packed ? CK_FLOATS_PANEL : (width + 15) & ~15LL;
        for (int64_t k = 0; k < job->depth; k += panel_depth) {
            int64_t depth = job->depth - k < panel_depth ? job->depth - k : panel_depth;
            int mode = job->accumulate || k > 0 ? CONTINUE_FROM_OUT : START_AT_ZERO;
            const float *packed = is_packed ? job->w + c * job->depth + k * CK_FLOATS_PANEL : panel;
            if (!is_packed) pack_floats(job, c, width, k, depth, panel, lanes);
            f32_product(x + k, x_stride, packed, lanes, depth, job->out + c, job->out_stride, mode, job->rows, whole);
            if (whole < width)
                few_columns(
                    x + k, x_stride, packed + whole, lanes, depth, job->out + c + whole, job->out_stride, mode, job->rows,
                    width - whole);
        }
    }
}
