/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * sum + weight * value over one word of activations, for every arithmetic: `spread` reads a word and
 * gives it to all lanes, `weights` reads the words of as many couts, `dot` adds the products. */

#if PATH_VECTOR == 16
#define PATH_MADD(a, b) ((ivec)_mm512_madd_epi16((__m512i)(a), (__m512i)(b)))
#elif PATH_VECTOR == 8
#define PATH_MADD(a, b) ((ivec)_mm256_madd_epi16((__m256i)(a), (__m256i)(b)))
#elif defined(__SSE2__)
#define PATH_MADD(a, b) ((ivec)_mm_madd_epi16((__m128i)(a), (__m128i)(b)))
#endif

/* sum + the products of each word's two or four numbers. */
#if PATH_HAS_VNNI && PATH_VECTOR == 16
#define PATH_DOT_BYTES(sum, bytes, weights) _mm512_dpbusd_epi32(sum, bytes, weights)
#define PATH_DOT_PAIRS(sum, pairs, weights) _mm512_dpwssd_epi32(sum, pairs, weights)
#define PATH_INTEGERS __m512i
#elif PATH_HAS_VNNI
#define PATH_INTEGERS __m256i
#endif

/* ---- fp32 ---- */
typedef vec sum_fp32, value_fp32, weight_fp32;

INLINE value_fp32 spread_fp32(const uint8_t *p) { return (vec)*(const float_at *)p; }
INLINE weight_fp32 weights_fp32(const uint32_t *p) { return *(const vec_at *)p; }
INLINE sum_fp32 dot_fp32(sum_fp32 sum, weight_fp32 w, value_fp32 v) { return FMA(w, v, sum); }

/* ---- bf16: the upper product is added first, then the lower, each sum rounded ---- */
typedef vec sum_bf16;
#if PATH_HAS_BF16
typedef ivec value_bf16, weight_bf16;

INLINE value_bf16 spread_bf16(const uint8_t *p) { return (ivec)*(const word_at *)p; }
INLINE weight_bf16 weights_bf16(const uint32_t *p) { return *(const ivec_at *)p; }
INLINE sum_bf16 dot_bf16(sum_bf16 sum, weight_bf16 w, value_bf16 v)
{
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)w, (__m512bh)v);
}
#else
typedef struct pair_bf16 {
    vec low, high;
} value_bf16, weight_bf16;

INLINE value_bf16 halves_bf16(ivec words)
{
    return (value_bf16){(vec)(words << 16), (vec)(words & (int32_t)0xffff0000)};
}
INLINE value_bf16 spread_bf16(const uint8_t *p) { return halves_bf16((ivec)*(const word_at *)p); }
INLINE weight_bf16 weights_bf16(const uint32_t *p) { return halves_bf16(*(const ivec_at *)p); }
INLINE sum_bf16 dot_bf16(sum_bf16 sum, weight_bf16 w, value_bf16 v)
{
    return FMA(w.low, v.low, FMA(w.high, v.high, sum));
}
#endif

/* ---- int16 ---- */
typedef ivec sum_int16, value_int16, weight_int16;

INLINE value_int16 spread_int16(const uint8_t *p) { return (ivec)*(const word_at *)p; }
INLINE weight_int16 weights_int16(const uint32_t *p) { return *(const ivec_at *)p; }
INLINE sum_int16 dot_int16(sum_int16 sum, weight_int16 w, value_int16 v)
{
#if PATH_HAS_VNNI
    return (ivec)PATH_DOT_PAIRS((PATH_INTEGERS)sum, (PATH_INTEGERS)w, (PATH_INTEGERS)v);
#elif defined(PATH_MADD)
    return sum + PATH_MADD(w, v);
#else
    return sum + (w >> 16) * (v >> 16) + (w << 16 >> 16) * (v << 16 >> 16);
#endif
}

/* ---- int8: unsigned activations, signed weights ---- */
typedef ivec sum_int8;
#if PATH_HAS_VNNI
typedef ivec value_int8, weight_int8;

INLINE value_int8 spread_int8(const uint8_t *p) { return (ivec)*(const word_at *)p; }
INLINE weight_int8 weights_int8(const uint32_t *p) { return *(const ivec_at *)p; }
INLINE sum_int8 dot_int8(sum_int8 sum, weight_int8 w, value_int8 v)
{
    return (ivec)PATH_DOT_BYTES((PATH_INTEGERS)sum, (PATH_INTEGERS)v, (PATH_INTEGERS)w);
}
#else
/* Bytes 0 and 2, then 1 and 3, as pairs of 16 bits: no product saturates. */
typedef struct pair_int8 {
    ivec even, odd;
} value_int8, weight_int8;

INLINE value_int8 spread_int8(const uint8_t *p)
{
    ivec words = (ivec)*(const word_at *)p;
    return (value_int8){words & 0x00ff00ff, words >> 8 & 0x00ff00ff};
}
INLINE weight_int8 weights_int8(const uint32_t *p)
{
    return (weight_int8){*(const ivec_at *)p, *(const ivec_at *)(p + K_LANES)};
}
INLINE sum_int8 dot_int8(sum_int8 sum, weight_int8 w, value_int8 v)
{
    return dot_int16(dot_int16(sum, w.even, v.even), w.odd, v.odd);
}
#endif
