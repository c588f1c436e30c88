// Products of plain f32 rows, neither side packed beforehand: learning multiplies by what changes from step to step. A panel of 64
// columns is packed at a time and met by all rows; for few rows it is read where it stands. Included once per instruction set, after
// body_products.h.

typedef float narrow __attribute__((ext_vector_type(8)));
typedef float narrow_loose __attribute__((ext_vector_type(8), aligned(4), may_alias));

#if F32_VECTORS > 1
enum { TURN_SIDE = 16, TURN_ROUNDS = 4 };
typedef vf turn_lanes;
INLINE vf zip_low(vf a, vf b) {
    return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
INLINE vf zip_high(vf a, vf b) {
    return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
#else
// Sixteen registers of eight lanes hold a square of 8 and what becomes of it.
enum { TURN_SIDE = 8, TURN_ROUNDS = 3 };
typedef narrow turn_lanes;
INLINE narrow zip_low(narrow a, narrow b) { return __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11); }
INLINE narrow zip_high(narrow a, narrow b) { return __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15); }
#endif
typedef float turn_loose __attribute__((ext_vector_type(TURN_SIDE), aligned(4), may_alias));

/// out[j][i] = scale · in[i][j] for a square of TURN_SIDE: zipping row i with the row half a side on turns it, round for round.
INLINE void turn_square(const float *in, int64_t in_stride, float scale, float *out, int64_t out_stride) {
    turn_lanes rows[TURN_SIDE], zipped[TURN_SIDE];
    UNROLL for (int i = 0; i < TURN_SIDE; i++) rows[i] = *(const turn_loose *)(in + i * in_stride);
    UNROLL for (int round = 0; round < TURN_ROUNDS; round++) {
        UNROLL for (int i = 0; i < TURN_SIDE / 2; i++) {
            zipped[2 * i] = zip_low(rows[i], rows[i + TURN_SIDE / 2]);
            zipped[2 * i + 1] = zip_high(rows[i], rows[i + TURN_SIDE / 2]);
        }
        UNROLL for (int i = 0; i < TURN_SIDE; i++) rows[i] = zipped[i];
    }
    UNROLL for (int i = 0; i < TURN_SIDE; i++) *(turn_loose *)(out + i * out_stride) = rows[i] * scale;
}

/// out[j][i] = scale · in[i][j] for i < rows, j < columns.
static void turn(
    const float *in, int64_t in_stride, int64_t rows, int64_t columns, float scale, float *out, int64_t out_stride) {
    int64_t whole_rows = rows / TURN_SIDE * TURN_SIDE, whole_columns = columns / TURN_SIDE * TURN_SIDE;
    for (int64_t i = 0; i < whole_rows; i += TURN_SIDE)
        for (int64_t j = 0; j < whole_columns; j += TURN_SIDE)
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

/// At most 8 columns: a tile of twice the rows and half the lanes.
INLINE void narrow_tile(
    const int rows, const float *x, int64_t x_stride, const float *panel, int64_t lanes, int64_t depth, float *out, int64_t out_stride,
    int mode, int64_t columns) {
    narrow sums[2 * TILE_ROWS];
    UNROLL for (int r = 0; r < rows; r++) {
        sums[r] = (narrow)0.0f;
        if (mode == CONTINUE_FROM_OUT)
            for (int64_t i = 0; i < columns; i++) sums[r][i] = out[r * out_stride + i];
    }
    for (int64_t k = 0; k < depth; k++) {
        narrow weights = *(const narrow_loose *)(panel + k * lanes);
        UNROLL for (int r = 0; r < rows; r++)
            sums[r] = __builtin_elementwise_fma((narrow)x[r * x_stride + k], weights, sums[r]);
    }
    UNROLL for (int r = 0; r < rows; r++) {
        if (columns == 8) *(narrow_loose *)(out + r * out_stride) = sums[r];
        else
            for (int64_t i = 0; i < columns; i++) out[r * out_stride + i] = sums[r][i];
    }
}

/// The last columns of a panel, fewer than 16: through a tile of our own, so that nothing beyond them is touched.
static void few_columns(
    const float *x, int64_t x_stride, const float *panel, int64_t lanes, int64_t depth, float *out, int64_t out_stride, int mode,
    int64_t rows, int64_t columns) {
    int64_t r = 0;
    if (columns <= 8) {
        for (; r + 2 * TILE_ROWS <= rows; r += 2 * TILE_ROWS)
            narrow_tile(
                2 * TILE_ROWS, x + r * x_stride, x_stride, panel, lanes, depth, out + r * out_stride, out_stride, mode, columns);
        for (; r + 4 <= rows; r += 4)
            narrow_tile(4, x + r * x_stride, x_stride, panel, lanes, depth, out + r * out_stride, out_stride, mode, columns);
    }
    float tile[TILE_ROWS * 16];
    for (; r < rows; r += TILE_ROWS) {
        int64_t count = rows - r < TILE_ROWS ? rows - r : TILE_ROWS;
        for (int64_t i = 0; mode == CONTINUE_FROM_OUT && i < count; i++)
            store(tile + i * 16, load_part(out + (r + i) * out_stride, columns, 0));
        f32_product(x + r * x_stride, x_stride, panel, lanes, depth, tile, 16, mode, count, 16);
        for (int64_t i = 0; i < count; i++) store_part(out + (r + i) * out_stride, columns, load(tile + i * 16));
    }
}

/// What of a product's block some rows need, by its triangle.
typedef struct {
    int64_t columns, k, depth;
} part_of_block;

/// Rows r ..< r + count of the block at column c and k; whole vectors of columns, the same on every instruction set.
INLINE part_of_block part_of_rows(
    const ck_floats *job, int64_t r, int64_t count, int64_t c, int64_t width, int64_t k, int64_t depth) {
    part_of_block part = {width, 0, depth};
    int64_t end = r + count + job->diagonal;
    if (job->triangle == CK_OUT_BELOW) {
        int64_t wanted = end > c ? (end - c + 15) & ~15LL : 0;
        if (wanted < width) part.columns = wanted;
    } else if (job->triangle == CK_X_BELOW) {
        if (end - k < depth) part.depth = end > k ? end - k : 0;
    } else if (job->triangle == CK_X_ABOVE && r - job->diagonal > k) {
        part.k = r - job->diagonal - k < depth ? r - job->diagonal - k : depth;
        part.depth = depth - part.k;
    }
    return part;
}

/// K in blocks, in each one panel after the other: a chain goes on where the block before it ended. A few rows meet a whole panel before
/// the next do, so that theirs of x come from the first cache.
static void multiply_floats(const ck_floats *job, const float *x, int64_t x_stride, float *panel, int64_t panel_depth) {
    int64_t groups = (job->rows + TILE_ROWS - 1) / TILE_ROWS, at_once = (job->rows + groups - 1) / groups;
    int is_packed = job->w_panels && !job->turns_w, is_plain = ck_reads_plain(job);
    for (int64_t k = 0; k < job->depth; k += panel_depth) {
        int64_t depth = job->depth - k < panel_depth ? job->depth - k : panel_depth;
        int mode = job->accumulate || k > 0 ? CONTINUE_FROM_OUT : START_AT_ZERO;
        for (int64_t c = 0; c < job->columns; c += CK_FLOATS_PANEL) {
            int64_t width = job->columns - c < CK_FLOATS_PANEL ? job->columns - c : CK_FLOATS_PANEL;
            int64_t lanes = is_packed ? CK_FLOATS_PANEL : is_plain ? job->w_stride : (width + 15) & ~15LL;
            const float *w = panel;
            if (is_packed) w = job->w + c * job->depth + k * CK_FLOATS_PANEL;
            else if (is_plain) w = job->w + k * job->w_stride + c;
            else pack_floats(job, c, width, k, depth, panel, lanes);
            if (width < 16) {
                // All rows at once, unless a triangle tells them apart.
                int64_t step = job->triangle ? at_once : job->rows;
                for (int64_t r = 0; r < job->rows; r += step) {
                    int64_t count = job->rows - r < step ? job->rows - r : step;
                    part_of_block part = part_of_rows(job, r, count, c, width, k, depth);
                    if (part.columns > 0)
                        few_columns(
                            x + r * x_stride + k + part.k, x_stride, w + part.k * lanes, lanes, part.depth,
                            job->out + r * job->out_stride + c, job->out_stride, mode, count, width);
                }
                continue;
            }
            for (int64_t r = 0; r < job->rows; r += at_once) {
                int64_t count = job->rows - r < at_once ? job->rows - r : at_once;
                part_of_block part = part_of_rows(job, r, count, c, width, k, depth);
                int64_t whole = part.columns & ~15LL;
                const float *rows = x + r * x_stride + k + part.k, *weights = w + part.k * lanes;
                float *out = job->out + r * job->out_stride + c;
                if (whole > 0)
                    f32_product(rows, x_stride, weights, lanes, part.depth, out, job->out_stride, mode, count, whole);
                if (whole < part.columns)
                    few_columns(
                        rows, x_stride, weights + whole, lanes, part.depth, out + whole, job->out_stride, mode, count,
                        part.columns - whole);
            }
        }
    }
}
