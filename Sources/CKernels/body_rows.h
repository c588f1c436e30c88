// Elementwise operations and reductions over rows. Included once per instruction set.

/// Σ x² in 64 partial sums (element k goes to sum k mod 64, in ascending k), then a fixed tree.
INLINE float sum_of_squares(const float *x, int64_t width) {
    vf sums[4] = {splat(0), splat(0), splat(0), splat(0)};
    int64_t k = 0;
    for (; k + 64 <= width; k += 64)
        UNROLL for (int v = 0; v < 4; v++) {
            vf part = load(x + k + v * 16);
            sums[v] = fma_lanes(part, part, sums[v]);
        }
    UNROLL for (int v = 0; v < 4; v++)
        if (k + v * 16 < width) {
            vf part = load_part(x + k + v * 16, width - k - v * 16, 0);
            sums[v] = fma_lanes(part, part, sums[v]);
        }
    return sum_lanes((sums[0] + sums[2]) + (sums[1] + sums[3]));
}

static void rms_norm(const ck_rows *a, int64_t r0, int64_t r1) {
    for (int64_t r = r0; r < r1; r++) {
        const float *x = a->x + r * a->x_stride;
        float mean = sum_of_squares(x, a->width) / (float)a->width;
        vf inverse = splat(1.0f / __builtin_sqrtf(mean + a->eps));
        for (int64_t k = 0; k < a->width; k += 16) {
            int64_t left = a->width - k;
            vf scaled = load_part(x + k, left, 0) * inverse * load_part(a->y + k, left, 0);
            store_part(a->out + r * a->out_stride + k, left, scaled);
        }
    }
}

static void add(const ck_rows *a, int64_t r0, int64_t r1) {
    for (int64_t r = r0; r < r1; r++)
        for (int64_t k = 0; k < a->width; k += 16) {
            int64_t left = a->width - k;
            vf sum = load_part(a->x + r * a->x_stride + k, left, 0) + load_part(a->y + r * a->y_stride + k, left, 0);
            store_part(a->out + r * a->out_stride + k, left, sum);
        }
}

static void swiglu(const ck_rows *a, int64_t r0, int64_t r1) {
    for (int64_t r = r0; r < r1; r++)
        for (int64_t k = 0; k < a->width; k += 16) {
            int64_t left = a->width - k;
            vf gate = load_part(a->x + r * a->x_stride + k, left, 0), up = load_part(a->y + r * a->y_stride + k, left, 0);
            vf silu = gate / (exp_lanes(-gate) + 1.0f);
            store_part(a->out + r * a->out_stride + k, left, up * silu);
        }
}

/// silu'(g) = σ (1 + g (1 - σ)).
static void swiglu_back(
    const float *above, const float *gate, const float *up, float *gate_below, float *up_below, int64_t count) {
    for (int64_t i = 0; i < count; i += 16) {
        vf d = load_part(above + i, count - i, 0), g = load_part(gate + i, count - i, 0), u = load_part(up + i, count - i, 0);
        vf sigma = 1.0f / (exp_lanes(-g) + 1.0f);
        store_part(up_below + i, count - i, d * g * sigma);
        store_part(gate_below + i, count - i, d * u * sigma * (1.0f + g * (1.0f - sigma)));
    }
}

/// (a, b) -> (a cos - b sin, b cos + a sin) for the pairs (i, i + half): Hugging Face's rotate_half.
static void rotate_half(const ck_rows *a, int64_t r0, int64_t r1) {
    for (int64_t r = r0; r < r1; r++) {
        const float *cosines = a->cosines + a->positions[r] * a->table_stride;
        const float *sines = a->sines + a->positions[r] * a->table_stride;
        for (int64_t h = 0; h < a->heads; h++) {
            float *low = a->out + r * a->out_stride + h * a->head_dim, *high = low + a->half;
            for (int64_t i = 0; i < a->half; i += 16) {
                int64_t left = a->half - i;
                vf x = load_part(low + i, left, 0), y = load_part(high + i, left, 0);
                vf c = load_part(cosines + i, left, 0), s = load_part(sines + i, left, 0);
                store_part(low + i, left, fma_lanes(-y, s, x * c));
                store_part(high + i, left, fma_lanes(x, s, y * c));
            }
        }
    }
}

static void exponential(const float *x, float *out, int64_t count) {
    for (int64_t i = 0; i < count; i += 16) store_part(out + i, count - i, exp_lanes(load_part(x + i, count - i, 0)));
}

static float largest(const float *x, int64_t count) {
    vf best = splat(-__builtin_inff());
    for (int64_t i = 0; i < count; i += 16) best = larger(load_part(x + i, count - i, -__builtin_inff()), best);
    return largest_lane(best);
}

static int64_t argmax(const float *x, int64_t count) {
    float best = largest(x, count);
    for (int64_t i = 0; i < count; i++)
        if (x[i] == best) return i;
    return 0;  // Nothing but NaN.
}

/// max + log Σ exp(x - max): element k goes to partial sum k mod 16, in double.
static double log_sum_exp(const float *x, int64_t count) {
    float best = largest(x, count);
    vd sums = (vd)0.0;
    for (int64_t i = 0; i < count; i += 16) {
        vf terms = exp_lanes(load_part(x + i, count - i, -__builtin_inff()) - best);
        sums += __builtin_convertvector(terms, vd);
    }
    return (double)best + log(sum_doubles(sums));
}
