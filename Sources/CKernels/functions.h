/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Our own exp, log and what follows from them: libm's differ between machines. */

/* exp(x) for |x| <= 87: 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2; Taylor to r^7 (error
 * < 1e-8 of the value there). */
INLINE v16 exp_within16(v16 x)
{
    /* n as in `round16`, whose sum also holds it as an integer in its low bits. */
    const v16 shifted = x * 1.44269504f + 12582912.0f;
    const v16 n = shifted - 12582912.0f;
    /* ln 2 in two parts: the first has so few bits that n times it is exact. */
    v16 r = FMA(n, (v16)-0.693359375f, x);
    r = FMA(n, (v16)2.12194440e-4f, r);
    v16 p = FMA(r, (v16)1.98412698e-4f, (v16)1.38888889e-3f);
    p = FMA(p, r, (v16)8.33333333e-3f);
    p = FMA(p, r, (v16)4.16666667e-2f);
    p = FMA(p, r, (v16)1.66666667e-1f);
    p = FMA(p, r, (v16)0.5f);
    p = FMA(p, r * r, r) + 1.0f;
    return (v16)((i16)p + ((i16)shifted << 23));
}

/* exp(x). Below -87 the result is 0, above 88 it stays at exp(88). */
INLINE v16 exp16(v16 x)
{
    i16 low = x < -87.0f;
    return pick16(low, (v16)0.0f, exp_within16(clamp16(x, -87.0f, 88.0f)));
}

/* log(x), x > 0 and normal: x = m 2^e with m in [sqrt(1/2), sqrt(2)), then with s = (m-1)/(m+1)
 * log(m) = 2 (s + s^3/3 + s^5/5 + s^7/7 + s^9/9), |s| < 0.172. */
INLINE v16 log16(v16 x)
{
    i16 bits = (i16)x;
    i16 e = ((bits - 0x3f3504f3) >> 23);
    v16 m = (v16)(bits - (e << 23));
    v16 s = (m - 1.0f) / (m + 1.0f);
    v16 z = s * s;
    v16 p = FMA(z, (v16)0.222222222f, (v16)0.285714286f);
    p = FMA(p, z, (v16)0.4f);
    p = FMA(p, z, (v16)0.666666667f);
    v16 log_m = FMA(s * z, p, s * 2.0f);
    v16 n = float16_of(e);
    return FMA(n, (v16)0.693359375f, FMA(n, (v16)-2.12194440e-4f, log_m));
}

/* 1 - 2 / (exp(2x) + 1); absolute error near 1e-7, which is what its users need. */
INLINE v16 tanh16(v16 x)
{
    x = clamp16(x, -10.0f, 10.0f);
    return 1.0f - 2.0f / (exp_within16(x * 2.0f) + 1.0f);
}

INLINE v16 sigmoid16(v16 x) { return 1.0f / (exp_within16(clamp16(-x, -87.0f, 87.0f)) + 1.0f); }

/* log(1 + exp(x)) = max(x, 0) + log(1 + e), e = exp(-|x|); with s = e / (2 + e), at most 1/3, the
 * logarithm is 2 (s + s^3/3 + ... + s^13/13) (error < 1e-8). */
INLINE v16 softplus16(v16 x)
{
    const v16 e = exp_within16(max16(min16(x, -x), (v16)-87.0f));
    const v16 s = e / (e + 2.0f), z = s * s;
    v16 p = FMA(z, (v16)0.153846154f, (v16)0.181818182f);
    p = FMA(p, z, (v16)0.222222222f);
    p = FMA(p, z, (v16)0.285714286f);
    p = FMA(p, z, (v16)0.4f);
    p = FMA(p, z, (v16)0.666666667f);
    return max16(x, (v16)0.0f) + FMA(s * z, p, s * 2.0f);
}

/* Of a table of 16. */
INLINE v16 lookup16(const float table[K_LANES], i16 index)
{
#if PATH_VECTOR == 16
    return (v16)_mm512_permutexvar_ps((__m512i)index, *(const __m512 *)(const void *)table);
#elif PATH_VECTOR == 8
    typedef int32_t i8 __attribute__((ext_vector_type(8)));
    const v8 low = *(const v8_at *)table, high = *(const v8_at *)(table + 8);
    v8 found[2];
    UNROLL for (int half = 0; half < 2; half++) {
        const __m256i at = (__m256i)(i8)(half ? index.hi : index.lo);
        found[half] = (v8)_mm256_blendv_ps(_mm256_permutevar8x32_ps((__m256)low, at),
                                           _mm256_permutevar8x32_ps((__m256)high, at),
                                           (__m256)_mm256_slli_epi32(at, 28));
    }
    return __builtin_shufflevector(found[0], found[1], 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12,
                                   13, 14, 15);
#else
    v16 found;
    UNROLL for (int l = 0; l < K_LANES; l++)
        found[l] = table[index[l] & (K_LANES - 1)];
    return found;
#endif
}

/* 2^(5 (i - 15) / 12) */
static const _Alignas(64) float srgb_scales[K_LANES] = {
    0.0131390067f, 0.0175384693f, 0.0234110486f, 0.03125f, 0.0417137444f, 0.055681169f,
    0.0743254423f, 0.0992125645f, 0.132432893f, 0.176776692f, 0.235968575f, 0.314980268f,
    0.420448214f, 0.561231017f, 0.749153554f, 1.0f,
};

/* sRGB value of linear light 0...1: below 0.0031308 times 12.92, else 1.055 x^(1/2.4) - 0.055. With
 * x = m 2^e, m in [1, 2), the power is 2^(5e/12), of which there are few, times m^(5/12), a
 * polynomial of m - 1.5 (error < 3e-8 of the value). */
INLINE v16 srgb16(v16 x)
{
    const i16 bits = (i16)max16(x, (v16)0.001f);
    const v16 t = (v16)((bits & 0x7fffff) | 0x3f800000) - 1.5f;
    v16 p = FMA(t, (v16)0.00156488759f, (v16)-0.00274351588f);
    p = FMA(p, t, (v16)0.00455271453f);
    p = FMA(p, t, (v16)-0.00962592475f);
    p = FMA(p, t, (v16)0.0225090589f);
    p = FMA(p, t, (v16)-0.0639566854f);
    p = FMA(p, t, (v16)0.328903615f);
    p = FMA(p, t, (v16)1.18405366f);
    const v16 power = p * lookup16(srgb_scales, (bits >> 23) - 112);
    return pick16(x <= 0.0031308f, x * 12.92f, power * 1.055f - 0.055f);
}

#define MAP(name, function)                                                              \
    static void name(float *restrict out, const float *restrict in, size_t count)        \
    {                                                                                    \
        size_t i = 0;                                                                    \
        for (; i + K_LANES <= count; i += K_LANES)                                       \
            store16(out + i, function(load16(in + i)));                                  \
        if (i < count) {                                                                 \
            v16 rest = 1.0f;                                                             \
            __builtin_memcpy(&rest, in + i, (count - i) * sizeof(float));                \
            rest = function(rest);                                                       \
            __builtin_memcpy(out + i, &rest, (count - i) * sizeof(float));               \
        }                                                                                \
    }

MAP(map_exp, exp16)
MAP(map_log, log16)
MAP(map_tanh, tanh16)
MAP(map_sigmoid, sigmoid16)
MAP(map_softplus, softplus16)
MAP(map_srgb, srgb16)
