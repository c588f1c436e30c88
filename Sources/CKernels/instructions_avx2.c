// AVX2 with FMA and F16C: 16 registers of 8 lanes.
#if defined(__x86_64__)
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "operations.h"

#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#include "lanes.h"

#define F32_VECTORS 1
#define BLOCK_ROWS 2
#define BLOCK_VECTORS 1
#define DOT_ROWS 1

INLINE vf halves_to_lanes(const uint8_t *halves) {
    vf lanes;
    lanes.lo = (__typeof__(lanes.lo))_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves));
    lanes.hi = (__typeof__(lanes.lo))_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(halves + 16)));
    return lanes;
}

/// Eight lanes of dot4. vpmaddubsw saturates at 2^15, which only nibbles cannot reach (2 * 15 * 127); bytes are therefore
/// widened to 16 bits first, even and odd ones apart: 2 * 255 * 127 fits in the 32 bits of vpmaddwd.
INLINE __m256i dot4_half(__m256i sums, __m256i w, __m256i x, const int nibbles) {
    if (nibbles)
        return _mm256_add_epi32(sums, _mm256_madd_epi16(_mm256_maddubs_epi16(w, x), _mm256_set1_epi16(1)));
    __m256i even = _mm256_madd_epi16(
        _mm256_and_si256(w, _mm256_set1_epi16(255)), _mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8));
    __m256i odd = _mm256_madd_epi16(_mm256_srli_epi16(w, 8), _mm256_srai_epi16(x, 8));
    return _mm256_add_epi32(sums, _mm256_add_epi32(even, odd));
}

/// sums + Σ of 4 products of unsigned bytes of w and signed bytes of x, in each lane.
INLINE vi dot4(vi sums, vi w, vi x, const int nibbles) {
    sums.lo = (__typeof__(sums.lo))dot4_half((__m256i)sums.lo, (__m256i)w.lo, (__m256i)x.lo, nibbles);
    sums.hi = (__typeof__(sums.lo))dot4_half((__m256i)sums.hi, (__m256i)w.hi, (__m256i)x.hi, nibbles);
    return sums;
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
