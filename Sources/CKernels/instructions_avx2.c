// AVX2 with FMA and F16C: 16 registers of 8 lanes.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "operations.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "lanes.h"

#define F32_VECTORS 1
#define BLOCK_ROWS 4
#define BLOCK_TILE "body_blocks_avx2.h"
#define DOT_ROWS 1

INLINE vf halves_to_lanes(const uint8_t *halves) {
    vf lanes;
    lanes.lo = (__typeof__(lanes.lo))_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves));
    lanes.hi = (__typeof__(lanes.lo))_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + 16)));
    return lanes;
}

#include "body_elements.h"
#include "body_products.h"
#include "body_floats.h"
#include "body_blocks.h"
#include "body_rows.h"
#include "body_attention.h"
#include "body_pairs.h"

const ck_operations ck_operations_avx2 = {
    .multiply_elements = multiply_elements, .multiply_blocks = multiply_blocks, .quantise = quantise, .rms_norm = rms_norm, .add = add,
    .swiglu = swiglu, .rotate_half = rotate_half, .exponential = exponential, .argmax = argmax, .log_sum_exp = log_sum_exp,
    .attention = attention, .dots = dots, .pair_rows = pair_rows, .add_pair_rows = add_pair_rows, .add_shares = add_shares, .row_moments = row_moments,
    .multiply_floats = multiply_floats, .turn = turn, .swiglu_back = swiglu_back,
};

#pragma clang attribute pop
#endif
