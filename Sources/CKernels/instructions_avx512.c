// AVX-512 (F, BW, VL, DQ) with VNNI: 32 registers of 16 lanes.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "operations.h"

#pragma clang attribute push( \
    __attribute__((target("avx2,fma,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"))), apply_to = function)
#include "lanes.h"

#define F32_VECTORS 4
#define BLOCK_ROWS 6
#define BLOCK_VECTORS 2
#define BLOCK_TILE "body_blocks_dot4.h"
#define DOT_ROWS 3

INLINE vf halves_to_lanes(const uint8_t *halves) {
    return (vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)halves));
}

/// sums + Σ of 4 products of unsigned bytes of w and signed bytes of x, in each lane; vpdpbusd does not saturate.
INLINE vi dot4(vi sums, vi w, vi x, const int nibbles) {
    (void)nibbles;
    return (vi)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)w, (__m512i)x);
}

#include "body_elements.h"
#include "body_products.h"
#include "body_floats.h"
#include "body_blocks.h"
#include "body_rows.h"
#include "body_attention.h"
#include "body_pairs.h"

const ck_operations ck_operations_avx512 = {
    .multiply_elements = multiply_elements, .multiply_blocks = multiply_blocks, .quantise = quantise, .rms_norm = rms_norm, .add = add,
    .swiglu = swiglu, .rotate_half = rotate_half, .exponential = exponential, .argmax = argmax, .log_sum_exp = log_sum_exp,
    .attention = attention, .dots = dots, .pair_rows = pair_rows, .add_pair_rows = add_pair_rows, .add_shares = add_shares, .row_moments = row_moments,
    .multiply_floats = multiply_floats, .turn = turn, .swiglu_back = swiglu_back,
};

#pragma clang attribute pop
#endif
