/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */

/* The first `count` <= 16 floats; the others are 0. */
INLINE v16 load_some(const float *p, size_t count)
{
    if (count >= K_LANES)
        return load16(p);
    v16 v = 0.0f;
    __builtin_memcpy(&v, p, count * sizeof(float));
    return v;
}

INLINE void store_some(float *p, v16 v, size_t count)
{
    if (count >= K_LANES)
        store16(p, v);
    else
        __builtin_memcpy(p, &v, count * sizeof(float));
}

INLINE size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

/* Pairwise, always the same pairs. */
INLINE float sum16(v16 v)
{
    v8 a = v.lo + v.hi;
    float __attribute__((ext_vector_type(4))) b = a.lo + a.hi;
    float __attribute__((ext_vector_type(2))) c = b.lo + b.hi;
    return c.x + c.y;
}

INLINE float largest16(v16 v)
{
    float result = v[0];
    UNROLL for (int i = 1; i < K_LANES; i++)
        result = v[i] > result ? v[i] : result;
    return result;
}

INLINE v16 silu16(v16 x) { return x / (exp16(-x) + 1.0f); }

/* x Phi(x) with erf after Abramowitz and Stegun 7.1.26 (absolute error 1.5e-7). */
INLINE v16 gelu16(v16 x)
{
    v16 magnitude = max16(x, -x) * 0.707106781f;
    v16 t = 1.0f / FMA(magnitude, (v16)0.3275911f, (v16)1.0f);
    v16 p = FMA(t, (v16)1.061405429f, (v16)-1.453152027f);
    p = FMA(p, t, (v16)1.421413741f);
    p = FMA(p, t, (v16)-0.284496736f);
    p = FMA(p, t, (v16)0.254829592f);
    v16 tail = p * t * exp16(-magnitude * magnitude) * 0.5f; /* 1 - Phi(|x|) */
    return x * pick16(x < 0.0f, tail, 1.0f - tail);
}

INLINE v16 soft_clamp16(v16 x) { return tanh16(x * 0.333333333f) * 3.0f; }

MAP(map_silu, silu16)
MAP(map_soft_clamp, soft_clamp16)

static void add(float *out, const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i += K_LANES) {
        size_t some = smaller(count - i, K_LANES);
        store_some(out + i, load_some(a + i, some) + load_some(b + i, some), some);
    }
}

static void affine(float *out, const float *in, float factor, float offset, size_t count)
{
    for (size_t i = 0; i < count; i += K_LANES) {
        size_t some = smaller(count - i, K_LANES);
        store_some(out + i, FMA(load_some(in + i, some), (v16)factor, (v16)offset), some);
    }
}
