/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Planes reduced for the network, and its light at every pixel again. Here pixels go by in rows of
 * 16, not in cells. */
#include "level_kernels.h"

#define MOST_MEMBERS 16 /* pixels of the frame in a pixel of light */

typedef i16 i16_any __attribute__((aligned(1), may_alias));
typedef h16 h16_any __attribute__((aligned(1), may_alias));
typedef b16 b16_any __attribute__((aligned(1), may_alias));

/* ---- Rows ---------------------------------------------------------------------------------- */

/* Compiled once: what is called for a row of pixels costs no time, and copies of it cost the compiler
 * minutes. Vectors go in and out by memory. */
#define ONCE static __attribute__((noinline))
#define KEEP_LOOP _Pragma("clang loop unroll(disable)")

/* 16 pixels of `bytes` bytes each, as words; beyond the row its edge. */
INLINE i16 words_of_size(const uint8_t *row, int32_t x, int32_t width, const size_t bytes)
{
    if (x + K_LANES <= width) {
        const uint8_t *at = row + (size_t)x * bytes;
        if (bytes == 1)
            return __builtin_convertvector(*(const b16_any *)at, i16);
        if (bytes == 2)
            return __builtin_convertvector(*(const h16_any *)at, i16);
        if (bytes == 4)
            return *(const i16_any *)at;
        typedef int32_t i8 __attribute__((ext_vector_type(8)));
        const i4 a = load_four(at, 3), b = load_four(at + 12, 3), c = load_four(at + 24, 3);
        const i4 d = load_four(at + 36, 3);
        const i8 low = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
        const i8 high = __builtin_shufflevector(c, d, 0, 1, 2, 3, 4, 5, 6, 7);
        return __builtin_shufflevector(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
                                       15);
    }
    _Alignas(64) int32_t words[K_LANES];
    for (int l = 0; l < K_LANES; l++) {
        words[l] = 0;
        __builtin_memcpy(words + l, row + (size_t)inside(x + l, width) * bytes, bytes);
    }
    return *(const i16_at *)words;
}

/* `count` times 16 pixels that follow each other. */
ONCE void row_words(i16 *out, const uint8_t *row, int32_t x, int32_t width, size_t bytes,
                    int32_t count)
{
    KEEP_LOOP for (int32_t i = 0; i < count; i++, x += K_LANES)
        switch (bytes) {
        case 1: out[i] = words_of_size(row, x, width, 1); break;
        case 2: out[i] = words_of_size(row, x, width, 2); break;
        case 3: out[i] = words_of_size(row, x, width, 3); break;
        default: out[i] = words_of_size(row, x, width, 4); break;
        }
}

INLINE size_t bytes_of_plane(int32_t format)
{
    return format == K_R8 ? 1 : format == K_R16 ? 2 : format == K_RGB8 ? 3 : 4;
}

INLINE i16 plane_words(const k_frame *f, const k_plane *plane, int32_t x, int32_t y)
{
    i16 words;
    row_words(&words, plane->top + y * plane->row_stride, x, f->width,
              bytes_of_plane(plane->format), 1);
    return words;
}

INLINE i16 even_lanes(i16 a, i16 b)
{
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
}

INLINE i16 odd_lanes(i16 a, i16 b)
{
    return __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
}

/* First and second words of 16 pixels of two words. */
ONCE void row_word_pairs(i16 pairs[2], const uint8_t *row, int32_t x, int32_t width)
{
    i16 a, b;
    if (x + K_LANES <= width) {
        a = *(const i16_any *)(row + (size_t)x * 8);
        b = *(const i16_any *)(row + (size_t)x * 8 + 64);
    } else {
        _Alignas(64) int32_t words[2 * K_LANES];
        KEEP_LOOP for (int l = 0; l < K_LANES; l++)
            __builtin_memcpy(words + 2 * l, row + (size_t)inside(x + l, width) * 8, 8);
        a = *(const i16_at *)words;
        b = *(const i16_at *)(words + K_LANES);
    }
    pairs[0] = even_lanes(a, b);
    pairs[1] = odd_lanes(a, b);
}

/* `side` vectors that follow each other in a row, to the members of 16 pixels of light. */
INLINE void take_apart(const i16 row[4], i16 *members, int32_t side)
{
    if (side == 2) {
        members[0] = even_lanes(row[0], row[1]);
        members[1] = odd_lanes(row[0], row[1]);
        return;
    }
    const i16 even[2] = {even_lanes(row[0], row[1]), even_lanes(row[2], row[3])};
    const i16 odd[2] = {odd_lanes(row[0], row[1]), odd_lanes(row[2], row[3])};
    members[0] = even_lanes(even[0], even[1]);
    members[1] = even_lanes(odd[0], odd[1]);
    members[2] = odd_lanes(even[0], even[1]);
    members[3] = odd_lanes(odd[0], odd[1]);
}

/* A plane of pixels, and which part of it becomes 16 pixels of light. */
typedef struct part {
    const uint8_t *top;
    ptrdiff_t row_stride;
    size_t bytes;
    int32_t x, y, side;   /* of the light; pixels along one of it */
    int32_t width, height;
} part;

INLINE part part_of(const k_frame *f, const k_plane *plane, int32_t x, int32_t y, int32_t side)
{
    return (part){plane->top, plane->row_stride, bytes_of_plane(plane->format), x, y, side,
                  f->width, f->height};
}

/* Members in row `r` of the pixels of light: `side` of each. */
ONCE void load_row(i16 *members, const part *p, int32_t r)
{
    i16 row[4];
    row_words(row, p->top + inside(p->y * p->side + r, p->height) * p->row_stride, p->x * p->side,
              p->width, p->bytes, p->side);
    take_apart(row, members, p->side);
}

/* All members, row by row. */
INLINE void load_members(i16 *members, const part *p)
{
    KEEP_LOOP for (int32_t r = 0; r < p->side; r++)
        load_row(members + r * p->side, p, r);
}

/* Of each pixel of light the middle member alone. */
INLINE i16 middle_words(const part *p)
{
    i16 members[4];
    load_row(members, p, p->side / 2);
    return members[p->side / 2];
}

/* ---- Reducing ------------------------------------------------------------------------------ */

/* A pixel of light stands for the surface of its middle member: of four the last one. On the
 * validation clip 0.24 dB (half) and 0.6 dB (quarter) better than for the nearest of them. */
INLINE int32_t middle_of(int32_t side) { return side / 2 * side + side / 2; }

/* Which members belong to that surface. */
INLINE void find_surface(i16 *same, const v16 *depth, const k_model *m, int32_t side)
{
    const v16 own = depth[middle_of(side)], most = own * m->depth_relative + m->depth_absolute;
    const i16 is_surface = own > 0.0f;
    KEEP_LOOP for (int32_t i = 0; i < side * side; i++) {
        const v16 apart = max16(depth[i] - own, own - depth[i]);
        same[i] = (is_surface & (depth[i] > 0.0f) & (apart <= most)) |
                  (~is_surface & (depth[i] <= 0.0f));
    }
}

/* sRGB bytes of linear light. */
ONCE void put_color(i16 *out, const v16 linear[3])
{
    i16 word = K_OPAQUE;
    KEEP_LOOP for (int c = 0; c < 3; c++) {
        const v16 value = srgb16(clamp16(linear[c], 0.0f, 1.0f));
        word |= int16_of(value * 255.0f + 0.5f) << (c * 8);
    }
    *out = word;
}

/* Linear light of bytes: [3][16]. */
ONCE void linear_row(const float lin[256], const i16 *words, v16 out[3])
{
    const word_at *lanes = (const word_at *)words;
    float_at *to = (float_at *)out;
    KEEP_LOOP for (int l = 0; l < K_LANES; l++) {
        to[l] = lin[lanes[l] & 255];
        to[K_LANES + l] = lin[(lanes[l] >> 8) & 255];
        to[2 * K_LANES + l] = lin[(lanes[l] >> 16) & 255];
    }
}

/* Mean color of the members that count, the middle one among them, in linear light. */
ONCE void mean_color(i16 *out, const float lin[256], const i16 *members, const i16 *counts,
                     int32_t side)
{
    const i16 middle = members[middle_of(side)];
    v16 sum[3] = {0.0f, 0.0f, 0.0f}, count = 0.0f;
    i16 apart = 0;
    KEEP_LOOP for (int32_t m = 0; m < side * side; m++) {
        apart |= counts[m] & (members[m] ^ middle);
        count = count + pick16(counts[m], (v16)1.0f, (v16)0.0f);
    }
    /* Of one color, as much of an engine's base color is. */
    *out = middle | K_OPAQUE;
    if (__builtin_reduce_or(apart & 0xffffff) == 0)
        return;
    KEEP_LOOP for (int32_t m = 0; m < side * side; m++) {
        v16 values[3];
        linear_row(lin, members + m, values);
        for (int c = 0; c < 3; c++)
            sum[c] = sum[c] + pick16(counts[m], values[c], (v16)0.0f);
    }
    const v16 share = 1.0f / count;
    for (int c = 0; c < 3; c++)
        sum[c] = sum[c] * share;
    put_color(out, sum);
}

/* Those of 16 pixels that lie in the row, to `bytes` bytes each. */
ONCE void put_words(uint8_t *to, const i16 *words, int32_t count, size_t bytes)
{
    if (count >= K_LANES && bytes == 4) {
        *(i16_any *)to = *words;
        return;
    }
    if (count >= K_LANES && bytes == 1) {
        *(b16_any *)to = __builtin_convertvector(*words, b16);
        return;
    }
    const uint8_t *values = (const uint8_t *)words;
    KEEP_LOOP for (int32_t l = 0; l < (count < K_LANES ? count : K_LANES); l++)
        __builtin_memcpy(to + (size_t)l * bytes, values + l * 4, bytes);
}

INLINE void put_reduced(const k_level *l, enum k_plane_kind kind, const part *p, const i16 *words,
                        size_t bytes)
{
    const size_t at = (size_t)p->y * (size_t)l->width + (size_t)p->x;
    put_words(l->planes[kind] + at * bytes, words, l->width - p->x, bytes);
}

INLINE float *map_row(const k_level *l, int map, int32_t y)
{
    return l->maps + (size_t)map * l->map_plane + (size_t)y * l->map_row + K_MAP_MARGIN;
}

/* Normals as they were sent. */
INLINE void sent_normals(const k_frame *f, i16 words, v16 normal[3])
{
    const int bits = f->planes[K_NORMALS].format == K_RGB10A2 ? 10 : 8;
    const float unit = bits == 10 ? 1.0f / 511.5f : 1.0f / 127.5f;
    for (int c = 0; c < 3; c++)
        normal[c] = field16(words, c * bits, bits) * unit - 1.0f;
}

/* Of the known plane the most opaque member: what covers a part of a pixel covers it. */
INLINE i16 most_opaque(const i16 *members, int32_t side)
{
    i16 words = members[0];
    KEEP_LOOP for (int32_t m = 1; m < side * side; m++) {
        const i16 more = ((members[m] >> 24) & 255) > ((words >> 24) & 255);
        words = more ? members[m] : words;
    }
    return words;
}

/* Mean emission of halves, as sRGB: what is beyond 1 is as bright as a picture can be. */
INLINE void mean_emission(i16 *out, const part *p)
{
    v16 sum[3] = {0.0f, 0.0f, 0.0f};
    KEEP_LOOP for (int32_t r = 0; r < p->side; r++) {
        const uint8_t *line = p->top + inside(p->y * p->side + r, p->height) * p->row_stride;
        i16 rows[2][4], members[2][4];
        KEEP_LOOP for (int32_t i = 0; i < p->side; i++) {
            i16 pairs[2];
            row_word_pairs(pairs, line, p->x * p->side + i * K_LANES, p->width);
            rows[0][i] = pairs[0];
            rows[1][i] = pairs[1];
        }
        take_apart(rows[0], members[0], p->side);
        take_apart(rows[1], members[1], p->side);
        KEEP_LOOP for (int32_t i = 0; i < p->side; i++)
            for (int c = 0; c < 3; c++) {
                const i16 word = members[c / 2][i];
                const v16 value = half16((c == 1 ? word >> 16 : word) & 0xffff);
                sum[c] = sum[c] + clamp16(value, 0.0f, 65504.0f);
            }
    }
    for (int c = 0; c < 3; c++)
        sum[c] = sum[c] * (1.0f / (float)(p->side * p->side));
    put_color(out, sum);
}

/* The planes that are the middle member's, and known. */
INLINE void reduce_rest(const k_level *l, int32_t x, int32_t y)
{
    const k_frame *f = l->full;
    static const enum k_plane_kind kinds[3] = {K_ROUGHNESS, K_METALLIC, K_MOTION};
    i16 words, members[MOST_MEMBERS];
    KEEP_LOOP for (int i = 0; i < 3; i++)
        if (l->planes[kinds[i]]) {
            const part p = part_of(f, &f->planes[kinds[i]], x, y, l->side);
            words = middle_words(&p);
            put_reduced(l, kinds[i], &p, &words, i < 2 ? 1 : 4);
        }
    if (l->planes[K_KNOWN]) {
        const part p = part_of(f, &f->planes[K_KNOWN], x, y, l->side);
        load_members(members, &p);
        words = most_opaque(members, l->side);
        put_reduced(l, K_KNOWN, &p, &words, 4);
    }
    if (!l->planes[K_EMISSIVE])
        return;
    const part p = part_of(f, &f->planes[K_EMISSIVE], x, y, l->side);
    if (f->planes[K_EMISSIVE].format == K_RGBA16F) {
        mean_emission(&words, &p);
    } else {
        i16 all[MOST_MEMBERS];
        KEEP_LOOP for (int m = 0; m < MOST_MEMBERS; m++)
            all[m] = -1;
        load_members(members, &p);
        mean_color(&words, f->model->lin, members, all, l->side);
    }
    put_reduced(l, K_EMISSIVE, &p, &words, 4);
}

ONCE void reduce_pixels(const k_level *l, int32_t x, int32_t y)
{
    const k_frame *f = l->full;
    const int32_t side = l->side;
    i16 members[MOST_MEMBERS], same[MOST_MEMBERS], words;
    v16 depth[MOST_MEMBERS], normal[3];
    const part depths = part_of(f, &f->planes[K_DEPTH], x, y, side);
    load_members(members, &depths);
    KEEP_LOOP for (int32_t m = 0; m < side * side; m++)
        depth[m] = metres16(f, members[m]);
    find_surface(same, depth, f->model, side);
    const v16 own = depth[middle_of(side)];
    store16(map_row(l, K_MAP_DEPTH, y) + x, own);
    words = (i16)own;
    put_reduced(l, K_DEPTH, &depths, &words, 4);

    const part colors = part_of(f, &f->planes[K_BASE_COLOR], x, y, side);
    load_members(members, &colors);
    mean_color(&words, f->model->lin, members, same, side);
    put_reduced(l, K_BASE_COLOR, &colors, &words, 4);

    const part normals = part_of(f, &f->planes[K_NORMALS], x, y, side);
    words = middle_words(&normals);
    sent_normals(f, words, normal);
    for (int c = 0; c < 3; c++)
        store16(map_row(l, K_MAP_NORMAL + c, y) + x, normal[c]);
    put_reduced(l, K_NORMALS, &normals, &words, normals.bytes);
    reduce_rest(l, x, y);
}

static void reduce_planes(const k_level *l, size_t y0, size_t y1)
{
    for (int32_t y = (int32_t)y0; y < (int32_t)y1; y++)
        for (int32_t x = 0; x < l->width; x += K_LANES)
            reduce_pixels(l, x, y);
}
