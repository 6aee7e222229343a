/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Our own exp, log and what follows from them: libm's differ between machines. */

/* exp(x) = 2^n exp(r), n = round(x / ln 2), |r| <= ln 2 / 2; Taylor to r^7 (error < 1e-8 of the
 * value there). Below -87 the result is 0, above 88 it stays at exp(88). */
INLINE v16 exp16(v16 x)
{
    i16 low = x < -87.0f;
    x = clamp16(x, -87.0f, 88.0f);
    v16 n = round16(x * 1.44269504f);
    /* ln 2 in two parts: the first has so few bits that n times it is exact. */
    v16 r = FMA(n, (v16)-0.693359375f, x);
    r = FMA(n, (v16)2.12194440e-4f, r);
    v16 p = FMA(r, (v16)1.98412698e-4f, (v16)1.38888889e-3f);
    p = FMA(p, r, (v16)8.33333333e-3f);
    p = FMA(p, r, (v16)4.16666667e-2f);
    p = FMA(p, r, (v16)1.66666667e-1f);
    p = FMA(p, r, (v16)0.5f);
    p = FMA(p, r * r, r) + 1.0f;
    v16 scale = (v16)((int16_of(n) + 127) << 23);
    return pick16(low, (v16)0.0f, p * scale);
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
    return 1.0f - 2.0f / (exp16(x * 2.0f) + 1.0f);
}

INLINE v16 sigmoid16(v16 x) { return 1.0f / (exp16(-x) + 1.0f); }

/* log(1 + exp(x)), absolute error near 1e-7. */
INLINE v16 softplus16(v16 x)
{
    v16 magnitude = max16(x, -x);
    return max16(x, (v16)0.0f) + log16(exp16(-magnitude) + 1.0f);
}

/* sRGB value of linear light 0...1: below 0.0031308 times 12.92, else 1.055 x^(1/2.4) - 0.055. */
INLINE v16 srgb16(v16 x)
{
    v16 power = exp16(log16(max16(x, (v16)0.001f)) * 0.416666667f);
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
