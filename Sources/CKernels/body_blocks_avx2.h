// Tiles of quantised products on AVX2, whose vpmaddubsw adds two products of bytes in 16 bits.
//
// With nibbles for weights a pair is at most 2 * 15 * 127 = 3810, so that the eight groups of a block add up in 16 bits (30480 < 2^15) and
// are widened once per block. A byte is two nibbles, w = low + 16 high, each summed apart. All of it is exact.

/// Vectors of eight outputs in a panel.
enum { BLOCK_EIGHTS = CK_BLOCK_PANEL / 8 };

INLINE __m256 eight_scales(const uint8_t *scales, int eight, const int wide) {
    return wide ? _mm256_loadu_ps((const float *)scales + eight * 8)
                : _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(scales + eight * 16)));
}

/// Four activations of one row, as often as they fit.
INLINE __m256i four_activations(const ck_activations *x, int group) {
    int32_t four;
    memcpy(&four, x->q + group * 4, 4);
    return _mm256_set1_epi32(four);
}

/// sums + the products of nibbles and activations, added in pairs.
INLINE __m256i add_pairs(__m256i sums, __m256i nibbles, __m256i activations) {
    return _mm256_add_epi16(sums, _mm256_maddubs_epi16(nibbles, activations));
}

/// `rows` x 8 `eights` outputs over all blocks; `first` is the first of these eights in the panel.
INLINE void block_eights(
    const int rows, const int eights, const int first, const shape s, const ck_activations *x, int64_t x_stride,
    const uint8_t *panel, int64_t blocks, int32_t zero_point, float *out) {
    const int64_t scale_bytes = CK_BLOCK_PANEL * (s.wide ? 4 : 2), head = scale_bytes * (s.has_min ? 2 : 1);
    const int64_t bytes = head + CK_BLOCK_PANEL * CK_BLOCK / (s.nibbles ? 2 : 1);
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256 totals[BLOCK_ROWS][BLOCK_EIGHTS];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int e = 0; e < eights; e++) totals[r][e] = _mm256_setzero_ps();
    for (int64_t b = 0; b < blocks; b++, panel += bytes) {
        __m256i low[BLOCK_ROWS][BLOCK_EIGHTS], high[BLOCK_ROWS][BLOCK_EIGHTS];
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int e = 0; e < eights; e++) low[r][e] = high[r][e] = _mm256_setzero_si256();
        const uint8_t *w = panel + head + first * 32;
        UNROLL for (int g = 0; g < (s.nibbles ? 4 : 8); g++) {
            __m256i lows[BLOCK_EIGHTS], highs[BLOCK_EIGHTS];
            UNROLL for (int e = 0; e < eights; e++) {
                __m256i stored = _mm256_loadu_si256((const __m256i *)(w + g * CK_BLOCK_PANEL * 4 + e * 32));
                lows[e] = _mm256_and_si256(stored, nibble);
                highs[e] = _mm256_and_si256(_mm256_srli_epi16(stored, 4), nibble);
            }
            UNROLL for (int r = 0; r < rows; r++) {
                const ck_activations *row = x + r * x_stride + b;
                __m256i even = four_activations(row, s.nibbles ? 2 * g : g);
                __m256i odd = s.nibbles ? four_activations(row, 2 * g + 1) : even;
                UNROLL for (int e = 0; e < eights; e++) {
                    low[r][e] = add_pairs(low[r][e], lows[e], even);
                    // Nibbles: of another group, in the same sum. Bytes: the upper half of the same weight.
                    if (s.nibbles) low[r][e] = add_pairs(low[r][e], highs[e], odd);
                    else high[r][e] = add_pairs(high[r][e], highs[e], odd);
                }
            }
        }
        UNROLL for (int e = 0; e < eights; e++) {
            __m256 scales = eight_scales(panel, first + e, s.wide);
            UNROLL for (int r = 0; r < rows; r++) {
                const ck_activations *row = x + r * x_stride + b;
                __m256i sum = _mm256_madd_epi16(low[r][e], _mm256_set1_epi16(1));
                if (!s.nibbles) sum = _mm256_add_epi32(sum, _mm256_madd_epi16(high[r][e], _mm256_set1_epi16(16)));
                sum = _mm256_sub_epi32(sum, _mm256_set1_epi32(zero_point * row->sum));
                totals[r][e] = _mm256_fmadd_ps(
                    _mm256_mul_ps(scales, _mm256_set1_ps(row->d)), _mm256_cvtepi32_ps(sum), totals[r][e]);
            }
            if (!s.has_min) continue;
            __m256 minima = eight_scales(panel + scale_bytes, first + e, s.wide);
            UNROLL for (int r = 0; r < rows; r++)
                totals[r][e] = _mm256_fmadd_ps(minima, _mm256_set1_ps(x[r * x_stride + b].d_sum), totals[r][e]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int e = 0; e < eights; e++) _mm256_storeu_ps(out + r * CK_BLOCK_PANEL + e * 8, totals[r][e]);
}

/// A panel for `rows` rows: out is [rows][32]. One row has the whole panel at once, so that its weights stream; with more rows a tile is as
/// narrow as the sixteen registers ask for, and the panel comes from the nearest cache the other times.
INLINE void block_tile(
    const int rows, const shape s, const ck_activations *x, int64_t x_stride, const uint8_t *panel, int64_t blocks,
    int32_t zero_point, float *out) {
    const int of_nibbles = rows == 1 ? BLOCK_EIGHTS : rows == 2 ? 2 : 1;
    const int eights = s.nibbles || of_nibbles == 1 ? of_nibbles : of_nibbles / 2;  // Bytes have two sums for each eight.
    UNROLL for (int first = 0; first < BLOCK_EIGHTS; first += eights)
        block_eights(rows, eights, first, s, x, x_stride, panel, blocks, zero_point, out + first * 8);
}
