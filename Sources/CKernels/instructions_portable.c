// Plain C: the reference for the bits of every other instruction set. On aarch64 the compiler maps it to NEON.
#include <math.h>
#include <string.h>

#include "halves.h"
#include "operations.h"

#include "lanes.h"

#define F32_VECTORS 1
#define BLOCK_ROWS 2
#define BLOCK_VECTORS 1
#define BLOCK_TILE "body_blocks_dot4.h"
#define DOT_ROWS 1

INLINE vf halves_to_lanes(const uint8_t *halves) {
    vf lanes;
    for (int i = 0; i < 16; i++) {
        uint16_t half;
        memcpy(&half, halves + 2 * i, 2);
        lanes[i] = half_to_float(half);
    }
    return lanes;
}

/// sums + Σ of 4 products of unsigned bytes of w and signed bytes of x, in each lane.
INLINE vi dot4(vi sums, vi w, vi x, const int nibbles) {
    (void)nibbles;
    UNROLL for (int i = 0; i < 4; i++) sums += (vi)((vu)w >> (8 * i) & 255u) * ((vi)((vu)x << (24 - 8 * i)) >> 24);
    return sums;
}

#include "body_elements.h"
#include "body_products.h"
#include "body_floats.h"
#include "body_blocks.h"
#include "body_rows.h"
#include "body_attention.h"
#include "body_pairs.h"

const ck_operations ck_operations_portable = {
    .multiply_elements = multiply_elements, .multiply_blocks = multiply_blocks, .quantise = quantise, .rms_norm = rms_norm, .add = add,
    .swiglu = swiglu, .rotate_half = rotate_half, .exponential = exponential, .argmax = argmax, .log_sum_exp = log_sum_exp,
    .attention = attention, .dots = dots, .pair_rows = pair_rows, .add_pair_rows = add_pair_rows, .add_shares = add_shares, .row_moments = row_moments,
    .multiply_floats = multiply_floats, .turn = turn, .swiglu_back = swiglu_back,
};
