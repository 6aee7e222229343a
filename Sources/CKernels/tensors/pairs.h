/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * bf16 in pairs, as the instruction for its products reads them: a word holds an even depth in its
 * low and the next one in its high half. Rounded to nearest, halves to even; below 2^-126 to 0. */

#if PATH_HAS_BF16
/* [16 of a, 16 of b]; the intrinsic takes the upper half first. */
INLINE i16 rounded32(v16 a, v16 b) { return (i16)_mm512_cvtne2ps_pbh((__m512)b, (__m512)a); }

/* Words of a in the low and b in the high halves. */
INLINE i16 paired(v16 low, v16 high)
{
    static const uint16_t order[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                       8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return (i16)_mm512_permutexvar_epi16(_mm512_loadu_si512(order),
                                         (__m512i)rounded32(low, high));
}

/* Where a row's words lie: behind it nothing is read. */
INLINE void round_row(float *words, const float *row, size_t depth)
{
    size_t k = 0;
    for (; k + 2 * K_LANES <= depth; k += 2 * K_LANES)
        *(i16_at *)(words + k / 2) = rounded32(load16(row + k), load16(row + k + K_LANES));
    if (k < depth) {
        v16 low = load_some(row + k, smaller(depth - k, K_LANES)), high = 0.0f;
        if (depth - k > K_LANES)
            high = load_some(row + k + K_LANES, depth - k - K_LANES);
        *(i16_at *)(words + k / 2) = rounded32(low, high);
    }
}

/* Rounds the rows under `places`, which then point to DEPTH / 2 words each. */
INLINE void round_rows(float *words, const float **places, size_t depth, size_t rows)
{
    for (size_t r = 0; r < rows; r++) {
        round_row(words + r * (DEPTH / 2), places[r], depth);
        places[r] = words + r * (DEPTH / 2);
    }
}
#endif
