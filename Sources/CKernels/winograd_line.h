/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Winograd's F(4, 3) along one line, at the points 0, +-sqrt(1/2), +-sqrt(2) and infinity. Whoever
 * includes it says what vector `line_vec` is. */

#define POINT_A 0.70710678f /* its square 0.5 */
#define POINT_B 1.41421356f /* its square 2 */

/* The input transform: six inputs in a line to their values at the points. */
INLINE void transform_line(const line_vec *d, size_t step, line_vec *values)
{
    line_vec even_a = FMA(d[2 * step], (line_vec)-2.0f, d[4 * step]);
    line_vec odd_a = FMA(d[step], (line_vec)-2.0f, d[3 * step]);
    line_vec even_b = FMA(d[2 * step], (line_vec)-0.5f, d[4 * step]);
    line_vec odd_b = FMA(d[step], (line_vec)-0.5f, d[3 * step]);
    values[0] = FMA(d[2 * step], (line_vec)-2.5f, d[0] + d[4 * step]);
    values[1] = FMA(odd_a, (line_vec)POINT_A, even_a);
    values[2] = FMA(odd_a, (line_vec)-POINT_A, even_a);
    values[3] = FMA(odd_b, (line_vec)POINT_B, even_b);
    values[4] = FMA(odd_b, (line_vec)-POINT_B, even_b);
    values[5] = FMA(d[3 * step], (line_vec)-2.5f, d[step] + d[5 * step]);
}

/* The inverse transform: sums at six points to four outputs in a line. */
INLINE void inverse_transform_line(const line_vec *m, line_vec *outputs)
{
    line_vec sum_a = m[1] + m[2], difference_a = m[1] - m[2];
    line_vec sum_b = m[3] + m[4], difference_b = m[3] - m[4];
    outputs[0] = m[0] + sum_a + sum_b;
    outputs[1] = FMA(difference_b, (line_vec)POINT_B, difference_a * POINT_A);
    outputs[2] = FMA(sum_b, (line_vec)2.0f, sum_a * 0.5f);
    outputs[3] = FMA(difference_b, (line_vec)(2.0f * POINT_B),
                     FMA(difference_a, (line_vec)(0.5f * POINT_A), m[5]));
}
