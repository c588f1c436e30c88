// From GGML's row blocks and plain rows to panels. Quantised weights keep their bits: packing is a permutation, not a conversion.
// Layouts: https://github.com/ggml-org/ggml, ggml-common.h (block_q4_0 …) and ggml-quants.c (dequantize_row_…).
#include <string.h>

#include "halves.h"
#include "operations.h"

static const struct {
    int32_t bytes, weights, format, has_min, wide, zero_point;
} layouts[CK_LAYOUTS] = {
    [CK_Q8_0] = {34, 32, CK_U8, 0, 0, 128}, [CK_Q4_0] = {18, 32, CK_U4, 0, 0, 8},
    [CK_Q4_1] = {20, 32, CK_U4, 1, 0, 0},   [CK_Q5_0] = {22, 32, CK_U8, 0, 0, 16},
    [CK_Q5_1] = {24, 32, CK_U8, 1, 0, 0},   [CK_Q4_K] = {144, 256, CK_U4, 1, 1, 0},
    [CK_Q5_K] = {176, 256, CK_U8, 1, 1, 0},
};

size_t ck_layout_bytes(int layout, int32_t *weights) {
    *weights = layouts[layout].weights;
    return (size_t)layouts[layout].bytes;
}

static int64_t scale_bytes(const ck_matrix *m) { return CK_BLOCK_PANEL * (m->wide ? 4 : 2); }
static int64_t block_bytes(const ck_matrix *m) {
    return scale_bytes(m) * (m->has_min ? 2 : 1) + CK_BLOCK_PANEL * CK_BLOCK / (m->format == CK_U4 ? 2 : 1);
}

ck_matrix ck_matrix_elements(int format, int64_t outputs, int64_t inputs) {
    return (ck_matrix){
        .format = format, .outputs = outputs, .inputs = inputs, .panels = (outputs + CK_ELEMENT_PANEL - 1) / CK_ELEMENT_PANEL,
        .panel_bytes = inputs * CK_ELEMENT_PANEL * (format == CK_F32 ? 4 : 2)};
}

ck_matrix ck_matrix_blocks(int layout, int64_t outputs, int64_t inputs) {
    ck_matrix matrix = {
        .format = layouts[layout].format, .has_min = layouts[layout].has_min, .wide = layouts[layout].wide,
        .zero_point = layouts[layout].zero_point, .outputs = outputs, .inputs = inputs,
        .panels = (outputs + CK_BLOCK_PANEL - 1) / CK_BLOCK_PANEL};
    matrix.panel_bytes = inputs / CK_BLOCK * block_bytes(&matrix);
    return matrix;
}

#define TRANSPOSE(TYPE) \
    for (int64_t k = 0; k < matrix->inputs; k++) \
        for (int64_t o = 0; o < count; o++) ((TYPE *)out)[k * CK_ELEMENT_PANEL + o] = ((const TYPE *)rows)[o * matrix->inputs + k];

void ck_pack_panel(const ck_matrix *matrix, void *data, int64_t panel, const void *rows, int64_t count) {
    void *out = (uint8_t *)data + panel * matrix->panel_bytes;
    if (matrix->format == CK_F32) {
        TRANSPOSE(float)
    } else {
        TRANSPOSE(uint16_t)
    }
}

/// 32 weights as scale * (w - zero_point) + minimum; scale and minimum as f16 bits and as f32.
typedef struct {
    uint16_t scale_bits, minimum_bits;
    float scale, minimum;
    uint8_t w[CK_BLOCK];
} plain_block;

static uint16_t read_16(const uint8_t *bytes) { return (uint16_t)(bytes[0] | bytes[1] << 8); }
static uint32_t read_32(const uint8_t *bytes) { return read_16(bytes) | (uint32_t)read_16(bytes + 2) << 16; }

/// Weight j in the low nibble of byte j, weight j + 16 in its high nibble.
static void unpack_nibbles(const uint8_t *nibbles, uint8_t *w) {
    for (int j = 0; j < 16; j++) {
        w[j] = nibbles[j] & 15;
        w[j + 16] = nibbles[j] >> 4;
    }
}

/// Bit j of `high` is bit 4 of weight j.
static void add_fifth_bits(uint32_t high, uint8_t *w) {
    for (int j = 0; j < CK_BLOCK; j++) w[j] |= (uint8_t)((high >> j & 1) << 4);
}

/// The 6-bit scale and minimum of sub-block j of a K layout, packed as in ggml's get_scale_min_k4.
static void scale_and_minimum(const uint8_t *packed, int j, int *scale, int *minimum) {
    if (j < 4) {
        *scale = packed[j] & 63;
        *minimum = packed[j + 4] & 63;
    } else {
        *scale = (packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4;
        *minimum = packed[j + 4] >> 4 | (packed[j] >> 6) << 4;
    }
}

/// Sub-block j of 8: scale d * s, minimum -dmin * m; both products of an f16 and a 6-bit integer are exact in f32.
static void unpack_super_block(int layout, const uint8_t *block, int j, plain_block *out) {
    int scale, minimum;
    scale_and_minimum(block + 4, j, &scale, &minimum);
    out->scale = half_to_float(read_16(block)) * (float)scale;
    out->minimum = -(half_to_float(read_16(block + 2)) * (float)minimum);
    const uint8_t *high = block + 16, *low = block + (layout == CK_Q5_K ? 48 : 16) + j / 2 * 32;
    for (int l = 0; l < CK_BLOCK; l++) {
        out->w[l] = j % 2 ? low[l] >> 4 : low[l] & 15;
        if (layout == CK_Q5_K) out->w[l] |= (uint8_t)((high[l] >> j & 1) << 4);
    }
}

static void unpack_block(int layout, const uint8_t *block, int j, plain_block *out) {
    out->scale_bits = read_16(block);
    switch (layout) {
    case CK_Q8_0:
        for (int k = 0; k < CK_BLOCK; k++) out->w[k] = block[2 + k] ^ 0x80;  // Signed to unsigned: + 128.
        break;
    case CK_Q4_0: unpack_nibbles(block + 2, out->w); break;
    case CK_Q4_1:
        out->minimum_bits = read_16(block + 2);
        unpack_nibbles(block + 4, out->w);
        break;
    case CK_Q5_0:
        unpack_nibbles(block + 6, out->w);
        add_fifth_bits(read_32(block + 2), out->w);
        break;
    case CK_Q5_1:
        out->minimum_bits = read_16(block + 2);
        unpack_nibbles(block + 8, out->w);
        add_fifth_bits(read_32(block + 4), out->w);
        break;
    default: unpack_super_block(layout, block, j, out);
    }
}

static void store_weights(const ck_matrix *matrix, uint8_t *groups, int64_t lane, const uint8_t *w) {
    for (int k = 0; k < CK_BLOCK; k++) {
        int group = k / 4;
        if (matrix->format == CK_U8) groups[(group * CK_BLOCK_PANEL + lane) * 4 + k % 4] = w[k];
        else groups[(group / 2 * CK_BLOCK_PANEL + lane) * 4 + k % 4] |= (uint8_t)(w[k] << (group % 2 * 4));
    }
}

void ck_pack_block_row(const ck_matrix *matrix, void *data, int layout, int64_t output, const uint8_t *row) {
    int64_t lane = output % CK_BLOCK_PANEL, bytes = block_bytes(matrix), scales = scale_bytes(matrix);
    uint8_t *block = (uint8_t *)data + output / CK_BLOCK_PANEL * matrix->panel_bytes;
    int per_source = layouts[layout].weights / CK_BLOCK;
    plain_block plain;
    for (int64_t b = 0; b < matrix->inputs / CK_BLOCK; b++, block += bytes) {
        unpack_block(layout, row + b / per_source * layouts[layout].bytes, (int)(b % per_source), &plain);
        if (matrix->wide) {
            ((float *)block)[lane] = plain.scale;
            ((float *)(block + scales))[lane] = plain.minimum;
        } else {
            ((uint16_t *)block)[lane] = plain.scale_bits;
            if (matrix->has_min) ((uint16_t *)(block + scales))[lane] = plain.minimum_bits;
        }
        store_weights(matrix, block + scales * (matrix->has_min ? 2 : 1), lane, plain.w);
    }
}
