// Tiles of quantised products where bytes are multiplied and added to 32 bits at once; the including file gives dot4 and BLOCK_VECTORS
// (vectors of 16 outputs per tile).

INLINE vf scales_at(const uint8_t *scales, int vector, const int wide) {
    return wide ? load((const float *)scales + vector * 16) : halves_to_lanes(scales + vector * 32);
}

INLINE vi four_activations(const ck_activations *x, int group) {
    int32_t four;
    memcpy(&four, x->q + group * 4, 4);
    return splat_int(four);
}

/// The integer sums of one block: `rows` x 16 `vectors`; `w` points at the first of the tile's vectors.
INLINE void block_sums(
    const int rows, const int vectors, const int nibbles, const uint8_t *w, const ck_activations *x, int64_t x_stride,
    int32_t zero_point, vi sums[BLOCK_ROWS][BLOCK_VECTORS]) {
    UNROLL for (int r = 0; r < rows; r++) {
        vi start = splat_int(-zero_point * x[r * x_stride].sum);
        UNROLL for (int v = 0; v < vectors; v++) sums[r][v] = start;
    }
    UNROLL for (int g = 0; g < 8; g++) {
        vi weights[BLOCK_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++) {
            vi stored = load_int(w + (nibbles ? g / 2 : g) * CK_BLOCK_PANEL * 4 + v * 64);
            weights[v] = !nibbles ? stored : (g % 2 ? (vi)((vu)stored >> 4) : stored) & 0x0f0f0f0f;
        }
        UNROLL for (int r = 0; r < rows; r++) {
            vi activations = four_activations(x + r * x_stride, g);
            UNROLL for (int v = 0; v < vectors; v++) sums[r][v] = dot4(sums[r][v], weights[v], activations, nibbles);
        }
    }
}

/// `rows` x 16 `vectors` outputs over all blocks; `first` is the first of these vectors in the panel.
INLINE void block_vectors(
    const int rows, const int vectors, const int first, const shape s, const ck_activations *x, int64_t x_stride,
    const uint8_t *panel, int64_t blocks, int32_t zero_point, float *out, int64_t out_stride) {
    const int64_t scale_bytes = CK_BLOCK_PANEL * (s.wide ? 4 : 2), head = scale_bytes * (s.has_min ? 2 : 1);
    const int64_t bytes = head + CK_BLOCK_PANEL * CK_BLOCK / (s.nibbles ? 2 : 1);
    vf totals[BLOCK_ROWS][BLOCK_VECTORS];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) totals[r][v] = splat(0);
    for (int64_t b = 0; b < blocks; b++, panel += bytes) {
        vi sums[BLOCK_ROWS][BLOCK_VECTORS];
        block_sums(rows, vectors, s.nibbles, panel + head + first * 64, x + b, x_stride, zero_point, sums);
        UNROLL for (int v = 0; v < vectors; v++) {
            vf scales = scales_at(panel, first + v, s.wide);
            UNROLL for (int r = 0; r < rows; r++) {
                vf both = scales * splat(x[r * x_stride + b].d);
                totals[r][v] = fma_lanes(both, __builtin_convertvector(sums[r][v], vf), totals[r][v]);
            }
            if (s.has_min) {
                vf minima = scales_at(panel + scale_bytes, first + v, s.wide);
                UNROLL for (int r = 0; r < rows; r++)
                    totals[r][v] = fma_lanes(minima, splat(x[r * x_stride + b].d_sum), totals[r][v]);
            }
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) store(out + r * out_stride + v * 16, totals[r][v]);
}

/// A panel for `rows` rows: out is [rows][32].
INLINE void block_tile(
    const int rows, const shape s, const ck_activations *x, int64_t x_stride, const uint8_t *panel, int64_t blocks,
    int32_t zero_point, float *out) {
    UNROLL for (int first = 0; first < 2; first += BLOCK_VECTORS)
        block_vectors(
            rows, BLOCK_VECTORS, first, s, x, x_stride, panel, blocks, zero_point, out + first * 16, CK_BLOCK_PANEL);
}
