// Low-rank pairs, delta = s B (A u), and the dot products with gates. Included once per instruction set, which gives DOT_ROWS.
//
//     z[j] = Σ_k u[k] a[j, k]     eight chains, element k in chain k mod 8, ascending, by fused multiply-add; then the tree
//                                 ((c0 + c4) + (c2 + c6)) + ((c1 + c5) + (c3 + c7))
//     y[o] = s · Σ_j z[j] b[o, j] one chain, j ascending
//
// Weights stay as stored (f32, f16, bf16) and become f32 in registers.

typedef float v8f __attribute__((ext_vector_type(8)));
typedef float v8f_loose __attribute__((ext_vector_type(8), aligned(4), may_alias));

/// Inputs k … k + 7 of one row; zeros beyond `left`.
INLINE v8f load_eight(const float *p, int64_t left) {
    if (left >= 8) return *(const v8f_loose *)p;
    v8f v = (v8f)0.0f;
    for (int64_t i = 0; i < left; i++) v[i] = p[i];
    return v;
}

#define PICK(a, b, c, d, e, f, g, h) __builtin_shufflevector(x, x, a, a, b, b, c, c, d, d, e, e, f, f, g, g, h, h)
/// Vector m of a group of eight inputs: lane l holds input m (16 / width) + l / width.
INLINE vf spread(const int width, const int m, v8f x) {
    if (width == 16) return splat(x[m]);
    if (width == 2) return PICK(0, 1, 2, 3, 4, 5, 6, 7);
    if (width == 4) return m == 0 ? PICK(0, 0, 1, 1, 2, 2, 3, 3) : PICK(4, 4, 5, 5, 6, 6, 7, 7);
    if (m == 0) return PICK(0, 0, 0, 0, 1, 1, 1, 1);
    if (m == 1) return PICK(2, 2, 2, 2, 3, 3, 3, 3);
    if (m == 2) return PICK(4, 4, 4, 4, 5, 5, 5, 5);
    return PICK(6, 6, 6, 6, 7, 7, 7, 7);
}
#undef PICK

/// The tree over the chains; lanes 0 ..< width hold the sums.
INLINE vf sum_chains(const int width, const vf *c) {
    if (width == 16) return ((c[0] + c[4]) + (c[2] + c[6])) + ((c[1] + c[5]) + (c[3] + c[7]));
    if (width == 8) {  // Vector m: chains 2 m and 2 m + 1.
        vf s = (c[0] + c[2]) + (c[1] + c[3]);
        return s + TURNED(s, 8);
    }
    if (width == 4) {  // Vector m: chains 4 m … 4 m + 3.
        vf s = c[0] + c[1];
        s = s + TURNED(s, 8);
        return s + TURNED(s, 4);
    }
    vf s = c[0] + TURNED(c[0], 8);
    s = s + TURNED(s, 4);
    return s + TURNED(s, 2);
}

/// One panel of `width` outputs for `rows` rows; a: [inputs rounded up to 8][width].
INLINE void dot_tile(
    const int rows, const int width, const int element, const float *const *x, int64_t inputs, const uint8_t *a, vf *out) {
    const int vectors = width / 2, bytes = element == CK_ELEMENT_F32 ? 64 : 32;
    vf chains[DOT_ROWS][8];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int m = 0; m < vectors; m++) chains[r][m] = splat(0);
    for (int64_t k = 0; k < inputs; k += 8, a += vectors * bytes) {
        v8f u[DOT_ROWS];
        UNROLL for (int r = 0; r < rows; r++) u[r] = load_eight(x[r] + k, inputs - k);
        UNROLL for (int m = 0; m < vectors; m++) {
            vf weights = load_elements(element, a + m * bytes);
            UNROLL for (int r = 0; r < rows; r++) chains[r][m] = fma_lanes(spread(width, m, u[r]), weights, chains[r][m]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++) out[r] = sum_chains(width, chains[r]);
}

#define DOT_CASE(W, E) \
    case W * 4 + E: \
        if (rows == DOT_ROWS) dot_tile(DOT_ROWS, W, E, x, inputs, a, out); \
        else for (int64_t r = 0; r < rows; r++) dot_tile(1, W, E, x + r, inputs, a, out + r); \
        break;
#define DOT_CASES(W) DOT_CASE(W, CK_ELEMENT_F32) DOT_CASE(W, CK_ELEMENT_F16) DOT_CASE(W, CK_ELEMENT_BF16)

static void dot_panel(
    int width, int element, const float *const *x, int64_t rows, int64_t inputs, const uint8_t *a, vf *out) {
    switch (width * 4 + element) { DOT_CASES(16) DOT_CASES(8) DOT_CASES(4) DOT_CASES(2) default: break; }
}

/// Panels p0 ..< p1 for `rows` rows at x[0 …]; out[r] + 16 p takes panel p.
static void dots(const ck_dots *d, const float *const *x, int64_t rows, int64_t p0, int64_t p1, float *out, int64_t out_stride) {
    for (int64_t p = p0; p < p1; p++) {
        int64_t left = d->count - 16 * p;
        for (int64_t r = 0; r < rows; r += DOT_ROWS) {
            vf sums[DOT_ROWS];
            int64_t count = rows - r < DOT_ROWS ? rows - r : DOT_ROWS;
            dot_panel(left >= 16 ? 16 : d->last_width, d->element, x + r, count, d->inputs, d->data + p * d->panel_bytes, sums);
            for (int64_t i = 0; i < count; i++) store_part(out + (r + i) * out_stride + 16 * p, left, sums[i]);
        }
    }
}

/// Where the rows s · B z go: to places of their own, or, with weights, weighted and added to what is there.
typedef struct {
    float *const *rows;
    const float *weights;
} lift_out;

/// `panels` panels of 16 outputs from output o on, for `rows` rows; b: [panels][rank][16], z: [rows][rank]. Several at once, so that their
/// chains fill the time that one addition takes.
INLINE void lift_tile(
    const int rows, const int panels, const int element, const float *z, const uint8_t *b, int64_t rank, float scale, lift_out out,
    int64_t o, int64_t outputs) {
    const int64_t bytes = lanes_bytes(element);
    vf sums[4][4];
    UNROLL for (int p = 0; p < panels; p++)
        UNROLL for (int r = 0; r < rows; r++) sums[p][r] = splat(0);
    for (int64_t j = 0; j < rank; j++)
        UNROLL for (int p = 0; p < panels; p++) {
            vf weights = load_elements(element, b + (p * rank + j) * bytes);
            UNROLL for (int r = 0; r < rows; r++) sums[p][r] = fma_lanes(splat(z[r * rank + j]), weights, sums[p][r]);
        }
    UNROLL for (int p = 0; p < panels; p++)
        UNROLL for (int r = 0; r < rows; r++) {
            float *y = out.rows[r] + o + 16 * p;
            int64_t left = outputs - o - 16 * p;
            vf value = sums[p][r] * scale;
            store_part(y, left, out.weights ? fma_lanes(splat(out.weights[r]), value, load_part(y, left, 0)) : value);
        }
}

INLINE void lift_panels(
    const int rows, const int panels, const int element, const float *z, const ck_pair *pair, lift_out out) {
    const int64_t rank = pair->down.count, bytes = rank * lanes_bytes(element), whole = pair->outputs - 16 * (panels - 1);
    int64_t o = 0;
    for (; o < whole; o += 16 * panels)
        lift_tile(rows, panels, element, z, pair->up + o / 16 * bytes, rank, pair->scale, out, o, pair->outputs);
    for (; o < pair->outputs; o += 16)
        lift_tile(rows, 1, element, z, pair->up + o / 16 * bytes, rank, pair->scale, out, o, pair->outputs);
}

INLINE lift_out lift_rest(lift_out out, int64_t rows) {
    return (lift_out){out.rows + rows, out.weights ? out.weights + rows : NULL};
}

INLINE void lift_element(const int element, const float *z, const ck_pair *pair, lift_out out, int64_t rows) {
    const int64_t rank = pair->down.count;
    for (; rows >= 4; rows -= 4, z += 4 * rank, out = lift_rest(out, 4)) lift_panels(4, 1, element, z, pair, out);
    if (rows >= 2) {
        lift_panels(2, 2, element, z, pair, out);
        rows -= 2, z += 2 * rank, out = lift_rest(out, 2);
    }
    if (rows > 0) lift_panels(1, 4, element, z, pair, out);
}

/// s · B z of `rows` rows; z: [rows][rank].
static void lift(const float *z, const ck_pair *pair, lift_out out, int64_t rows) {
    switch (pair->up_element) {
    case CK_ELEMENT_F32: lift_element(CK_ELEMENT_F32, z, pair, out, rows); break;
    case CK_ELEMENT_F16: lift_element(CK_ELEMENT_F16, z, pair, out, rows); break;
    default: lift_element(CK_ELEMENT_BF16, z, pair, out, rows);
    }
}

enum { PAIR_ROWS = 12 };

/// z = A x[rows[i]] for `count` items, [count][rank].
INLINE void lower(const float *x, int64_t x_stride, const ck_pair *pair, const int32_t *rows, int64_t count, float *z) {
    const float *sources[PAIR_ROWS];
    for (int64_t r = 0; r < count; r++) sources[r] = x + rows[r] * x_stride;
    dots(&pair->down, sources, count, 0, (pair->down.count + 15) / 16, z, pair->down.count);
}

/// out[i] = s B (A x[rows[i]]) for items i0 ..< i1.
static void pair_rows(const float *x, int64_t x_stride, const ck_pair_rows *job, int64_t i0, int64_t i1) {
    float z[PAIR_ROWS * CK_RANK_MAX];
    float *places[PAIR_ROWS];
    for (int64_t i = i0; i < i1; i += PAIR_ROWS) {
        int64_t count = i1 - i < PAIR_ROWS ? i1 - i : PAIR_ROWS;
        lower(x, x_stride, job->pair, job->rows + i, count, z);
        for (int64_t r = 0; r < count; r++) places[r] = job->out + (i + r) * job->pair->outputs;
        lift(z, job->pair, (lift_out){places, NULL}, count);
    }
}

/// y[rows[i]] += w[i] · s B (A x[rows[i]]) for items i0 ..< i1: the bits of pair_rows and then add_shares, without a place in between.
static void add_pair_rows(const float *x, int64_t x_stride, const ck_pair_share *job, int64_t i0, int64_t i1) {
    float z[PAIR_ROWS * CK_RANK_MAX];
    float *places[PAIR_ROWS];
    for (int64_t i = i0; i < i1; i += PAIR_ROWS) {
        int64_t count = i1 - i < PAIR_ROWS ? i1 - i : PAIR_ROWS;
        lower(x, x_stride, job->pair, job->rows + i, count, z);
        for (int64_t r = 0; r < count; r++) places[r] = job->out + job->rows[i + r] * job->out_stride;
        lift(z, job->pair, (lift_out){places, job->weights + i}, count);
    }
}

/// y[row] += w · value for items i0 ..< i1, by fused multiply-add.
static void add_shares(const ck_share *share, int64_t i0, int64_t i1) {
    for (int64_t i = i0; i < i1; i++) {
        float *y = share->out + share->rows[i] * share->out_stride;
        const float *value = share->values + i * share->width;
        vf weight = splat(share->weights[i]);
        for (int64_t o = 0; o < share->width; o += 16) {
            int64_t left = share->width - o;
            store_part(y + o, left, fma_lanes(weight, load_part(value + o, left, 0), load_part(y + o, left, 0)));
        }
    }
}

/// Σ x in 64 partial sums (element k in sum k mod 64), then a fixed tree.
INLINE float sum_row(const float *x, int64_t width) {
    vf sums[4] = {splat(0), splat(0), splat(0), splat(0)};
    for (int64_t k = 0; k < width; k += 64)
        UNROLL for (int v = 0; v < 4; v++)
            if (k + v * 16 < width) sums[v] += load_part(x + k + v * 16, width - k - v * 16, 0);
    return sum_lanes((sums[0] + sums[2]) + (sums[1] + sums[3]));
}

INLINE float sum_of_deviations(const float *x, int64_t width, float mean) {
    vf sums[4] = {splat(0), splat(0), splat(0), splat(0)};
    for (int64_t k = 0; k < width; k += 64)
        UNROLL for (int v = 0; v < 4; v++)
            if (k + v * 16 < width) {
                vf part = load_part(x + k + v * 16, width - k - v * 16, mean) - mean;
                sums[v] = fma_lanes(part, part, sums[v]);
            }
    return sum_lanes((sums[0] + sums[2]) + (sums[1] + sums[3]));
}

/// [mean, variance (biased), |x|] of one row.
static void row_moments(const float *x, int64_t width, float *out) {
    out[0] = sum_row(x, width) / (float)width;
    out[1] = sum_of_deviations(x, width, out[0]) / (float)width;
    out[2] = __builtin_sqrtf(sum_of_squares(x, width));
}
