/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */

/* 16 lanes for pixels on every path (the compiler splits them where registers are narrower), and
 * the path's own width for convolutions. */
typedef float v16 __attribute__((ext_vector_type(16)));
typedef int32_t i16 __attribute__((ext_vector_type(16)));
typedef float v8 __attribute__((ext_vector_type(8)));
typedef float vec __attribute__((ext_vector_type(PATH_VECTOR)));
typedef int32_t ivec __attribute__((ext_vector_type(PATH_VECTOR)));
typedef uint16_t h16 __attribute__((ext_vector_type(16)));
typedef uint16_t hvec __attribute__((ext_vector_type(PATH_VECTOR)));
typedef int16_t s16 __attribute__((ext_vector_type(16)));
typedef uint8_t b16 __attribute__((ext_vector_type(16)));

/* The same at any address that one lane may have, in memory of any type. */
typedef v16 v16_at __attribute__((aligned(4), may_alias));
typedef i16 i16_at __attribute__((aligned(4), may_alias));
typedef v8 v8_at __attribute__((aligned(4), may_alias));
typedef vec vec_at __attribute__((aligned(4), may_alias));
typedef ivec ivec_at __attribute__((aligned(4), may_alias));
typedef h16 h16_at __attribute__((aligned(2), may_alias));
typedef hvec hvec_at __attribute__((aligned(2), may_alias));
typedef s16 s16_at __attribute__((aligned(2), may_alias));
typedef b16 b16_at __attribute__((aligned(1), may_alias));
typedef float float_at __attribute__((may_alias));
typedef int32_t word_at __attribute__((may_alias));

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")

#if PATH_HAS_FMA
#define FMA(a, b, c) __builtin_elementwise_fma((a), (b), (c))
#else
#define FMA(a, b, c) ((a) * (b) + (c))
#endif

INLINE v16 load16(const float *p) { return *(const v16_at *)p; }
INLINE void store16(float *p, v16 v) { *(v16_at *)p = v; }
INLINE v16 pick16(i16 mask, v16 yes, v16 no)
{
    return mask ? yes : no;
}
INLINE v16 min16(v16 a, v16 b) { return pick16(a < b, a, b); }
INLINE v16 max16(v16 a, v16 b) { return pick16(a > b, a, b); }
INLINE v16 clamp16(v16 v, float low, float high) { return min16(max16(v, (v16)low), (v16)high); }
INLINE v16 float16_of(i16 v) { return __builtin_convertvector(v, v16); }
INLINE i16 int16_of(v16 v) { return __builtin_convertvector(v, i16); }
/* Round half to even for |v| < 2^22, in the rounding mode that render threads set. */
INLINE v16 round16(v16 v)
{
    v16 shifted = v + 12582912.0f;
    return shifted - 12582912.0f;
}
INLINE v16 sqrt16(v16 v) { return __builtin_elementwise_sqrt(v); }
