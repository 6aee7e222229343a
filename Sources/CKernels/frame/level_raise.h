/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Histories reduced when a level changes, and the light of a level at every pixel of the frame.
 * After level_reduce.h, whose rows it goes by. */

/* ---- Histories ----------------------------------------------------------------------------- */

ONCE void reduce_past(const k_past *p, int32_t x, int32_t y)
{
    const int32_t side = p->side, width = (p->width + side - 1) / side, left = width - x;
    const size_t at = (size_t)y * (size_t)width + (size_t)x;
    part from = {(const uint8_t *)p->depth, (ptrdiff_t)p->width * 4, 4, x, y, side, p->width,
                 p->height};
    i16 members[MOST_MEMBERS], same[MOST_MEMBERS], words;
    load_members(members, &from);
    find_surface(same, (const v16 *)members, p->model, side);
    put_words((uint8_t *)(p->next_depth + at), members + middle_of(side), left, 4);
    from.top = p->picture;
    load_members(members, &from);
    mean_color(&words, p->model->lin, members, same, side);
    put_words(p->next_picture + at * 4, &words, left, 4);
    from.top = p->base;
    load_members(members, &from);
    mean_color(&words, p->model->lin, members, same, side);
    put_words(p->next_base + at * 4, &words, left, 4);
    from = (part){p->coverage, p->width, 1, x, y, side, p->width, p->height};
    load_members(members, &from);
    words = members[0];
    KEEP_LOOP for (int32_t m = 1; m < side * side; m++)
        words = members[m] > words ? members[m] : words;
    put_words(p->next_coverage + at, &words, left, 1);
}

static void reduce_history(const k_past *p, size_t y0, size_t y1)
{
    for (int32_t y = (int32_t)y0; y < (int32_t)y1; y++)
        for (int32_t x = 0; x * p->side < p->width; x += K_LANES)
            reduce_past(p, x, y);
}

/* ---- Light --------------------------------------------------------------------------------- */

/* The 4x4 pixels of a cell into the rows of a map. */
INLINE void put_cell(const k_level *l, int map, size_t cell_y, size_t cell_x, v16 values)
{
    _Alignas(64) float lanes[K_LANES];
    store16(lanes, values);
    for (int r = 0; r < 4; r++)
        __builtin_memcpy(map_row(l, map, (int32_t)cell_y * 4 + r) + cell_x * 4, lanes + r * 4, 16);
}

/* D' and softplus(3 S - 6), as in `compose`. */
static void keep_lights(const k_level *l, const k_frame *f, const float *head, size_t cell_y,
                        size_t x0, size_t x1)
{
    const k_model *m = f->model;
    const float range = m->light_range, unit = 1.0f / range;
    for (size_t x = x0; x < x1; x++) {
        const float *out = head + x * f->head_stride;
        const float *trusted =
            f->trusted_light + (cell_y * (size_t)f->cells_x + x) * 3 * K_LANES;
        const v16 gate = sigmoid16(load16(out + m->gate_out_at));
        KEEP_LOOP for (int c = 0; c < 3; c++) {
            const v16 said = load16(out + m->light_out_at + c * K_LANES) +
                             load16(trusted + c * K_LANES) * gate;
            put_cell(l, K_MAP_LIGHT + c, cell_y, x, tanh16(said * unit) * range);
            const v16 added = load16(out + m->added_out_at + c * K_LANES);
            put_cell(l, K_MAP_ADDED + c, cell_y, x, softplus16(added * 3.0f - 6.0f));
        }
    }
}

/* ---- Raising ------------------------------------------------------------------------------- */

/* Each lane's own pixel of light, from a vector that begins one before the first lane's, and its
 * neighbour on the side that the lane's pixel lies on. */
INLINE v16 spread_near(v16 v, const int32_t side)
{
    return side == 2 ? __builtin_shufflevector(v, v, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8)
                     : __builtin_shufflevector(v, v, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4);
}

INLINE v16 spread_outer(v16 v, const int32_t side)
{
    return side == 2 ? __builtin_shufflevector(v, v, 0, 2, 1, 3, 2, 4, 3, 5, 4, 6, 5, 7, 6, 8, 7, 9)
                     : __builtin_shufflevector(v, v, 0, 0, 2, 2, 1, 1, 3, 3, 2, 2, 4, 4, 3, 3, 5, 5);
}

/* 16 pixels of a row of the frame, and their light. */
typedef struct row_pixels {
    v16 depth, normal[3];
    v16 light[6], total;
} row_pixels;

/* How far pixels of light show the same surface, 0...1; `sample` is depth and normal. */
INLINE v16 likeness16(const row_pixels *p, const v16 sample[4])
{
    const v16 far = max16(p->depth, sample[0]) * K_DEPTH_SPREAD, apart = p->depth - sample[0];
    const v16 close = far * far + 1e-12f, match = close / (close + apart * apart);
    v16 facing = p->normal[0] * sample[1] + p->normal[1] * sample[2] + p->normal[2] * sample[3];
    facing = clamp16(facing, 0.0f, 1.0f);
    facing = facing * facing;
    facing = facing * facing;
    facing = facing * facing * (1.0f - K_LEAST_NORMAL) + K_LEAST_NORMAL;
    return match * match * pick16(p->depth > 0.0f, facing, (v16)1.0f);
}

/* The same of one pixel: depth and normal. */
INLINE float likeness(const float own[4], const float sample[4])
{
    const float farther = own[0] > sample[0] ? own[0] : sample[0];
    const float far = farther * K_DEPTH_SPREAD, apart = own[0] - sample[0];
    const float close = far * far + 1e-12f, match = close / (close + apart * apart);
    float facing = own[1] * sample[1] + own[2] * sample[2] + own[3] * sample[3];
    facing = facing < 0.0f ? 0.0f : facing > 1.0f ? 1.0f : facing;
    facing = facing * facing;
    facing = facing * facing;
    facing = facing * facing * (1.0f - K_LEAST_NORMAL) + K_LEAST_NORMAL;
    return match * match * (own[0] > 0.0f ? facing : 1.0f);
}

/* Adds the own pixels of light of one row, or their neighbours in it. */
INLINE void add_light(row_pixels *p, v16 nearness, const k_level *l, int32_t row, int32_t column,
                      const int is_outer, const int32_t side)
{
    const float *map = map_row(l, 0, row) + column - 1;
    v16 taps[K_MAP_COUNT];
    UNROLL for (int i = 0; i < K_MAP_COUNT; i++) {
        const v16 v = load16(map + (size_t)i * l->map_plane);
        taps[i] = is_outer ? spread_outer(v, side) : spread_near(v, side);
    }
    const v16 weight = likeness16(p, taps) * nearness;
    p->total = p->total + weight;
    UNROLL for (int i = 0; i < 6; i++)
        p->light[i] = FMA(taps[K_MAP_LIGHT + i], weight, p->light[i]);
}

/* Of one pixel whose four samples show other surfaces: the light that is most alike of the nine
 * around. */
ONCE void find_light(row_pixels *pixels, int lane, const k_level *l, int32_t row, int32_t column)
{
    static const int order[3] = {0, -1, 1};
    float_at *p = (float_at *)pixels; /* vectors one after the other */
    const float own[4] = {p[lane], p[K_LANES + lane], p[2 * K_LANES + lane],
                          p[3 * K_LANES + lane]};
    float best = -1.0f;
    KEEP_LOOP for (int i = 0; i < 9; i++) {
        const int32_t y = row + order[i / 3], x = column + order[i % 3];
        if (y < 0 || y >= l->height || x < 0 || x >= l->width)
            continue;
        const float *map = map_row(l, 0, y) + x;
        float sample[4];
        for (int c = 0; c < 4; c++)
            sample[c] = map[(size_t)c * l->map_plane];
        const float like = likeness(own, sample);
        if (like <= best)
            continue;
        best = like;
        for (int c = 0; c < 6; c++)
            p[(4 + c) * K_LANES + lane] = map[(size_t)(K_MAP_LIGHT + c) * l->map_plane];
    }
}

/* Light on base color and beside it of 16 pixels from x on. */
INLINE void light_of(row_pixels *p, const k_level *l, int32_t x, int32_t y, const int32_t side)
{
    const i16 lane = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const i16 rest = 2 * (lane & (side - 1)) + 1 - side, size = rest < 0 ? -rest : rest;
    const v16 away = float16_of(size) * (0.5f / (float)side);
    const int32_t column = x / side, row = y / side, down = 2 * (y % side) + 1 - side;
    const i16 outer = (lane >> (side == 2 ? 1 : 2)) + column + (rest < 0 ? (i16)-1 : (i16)1);
    const v16 away_x = pick16((outer >= 0) & (outer < l->width), away, (v16)0.0f);
    const float away_y = (float)(down < 0 ? -down : down) * (0.5f / (float)side);
    p->total = 0.0f;
    UNROLL for (int i = 0; i < 6; i++)
        p->light[i] = 0.0f;
    KEEP_LOOP for (int i = 0; i < 2; i++) {
        const int32_t from = i == 0 ? row : down < 0 ? row - 1 : row + 1;
        const float near_y = i == 0 ? 1.0f - away_y : away_y;
        if (from < 0 || from >= l->height)
            continue;
        add_light(p, (1.0f - away) * near_y, l, from, column, 0, side);
        add_light(p, away_x * near_y, l, from, column, 1, side);
    }
    const v16 share = 1.0f / p->total;
    UNROLL for (int i = 0; i < 6; i++)
        p->light[i] = p->light[i] * share;
    const i16 lost = p->total < K_LEAST_WEIGHT;
    if (__builtin_reduce_or(lost) == 0)
        return;
    KEEP_LOOP for (int i = 0; i < K_LANES; i++)
        if (lost[i])
            find_light(p, i, l, row, column + i / side);
}

ONCE void light_of_half(row_pixels *p, const k_level *l, int32_t x, int32_t y)
{
    light_of(p, l, x, y, 2);
}

ONCE void light_of_quarter(row_pixels *p, const k_level *l, int32_t x, int32_t y)
{
    light_of(p, l, x, y, 4);
}

/* Adds what the emissive plane gives off. */
INLINE void add_emissive(v16 linear[3], const k_frame *f, int32_t x, int32_t y)
{
    const k_plane *plane = &f->planes[K_EMISSIVE];
    if (plane->format == K_RGBA16F) {
        i16 pairs[2];
        row_word_pairs(pairs, plane->top + y * plane->row_stride, x, f->width);
        for (int c = 0; c < 3; c++) {
            const i16 word = pairs[c / 2];
            const v16 value = half16((c == 1 ? word >> 16 : word) & 0xffff);
            linear[c] = linear[c] + clamp16(value, 0.0f, 65504.0f);
        }
        return;
    }
    const i16 words = plane_words(f, plane, x, y);
    if (__builtin_reduce_or(words & 0xffffff) == 0)
        return;
    v16 given[3];
    linear_row(f->model->lin, &words, given);
    for (int c = 0; c < 3; c++)
        linear[c] = linear[c] + given[c];
}

/* Lays what the engine drew over it, and rounds once. */
INLINE i16 color_under(const v16 linear[3], i16 over, int covers)
{
    const v16 weight = field16(over, 24, 8) * (1.0f / 255.0f);
    i16 word = K_OPAQUE;
    KEEP_LOOP for (int c = 0; c < 3; c++) {
        v16 value = srgb16(clamp16(linear[c], 0.0f, 1.0f)) * 255.0f;
        if (covers)
            value = value * (1.0f - weight) + float16_of((over >> (c * 8)) & 255) * weight;
        word |= int16_of(clamp16(value + 0.5f, 0.0f, 255.0f)) << (c * 8);
    }
    return word;
}

ONCE void raise_pixels(const k_level *l, int32_t x, int32_t y)
{
    const k_frame *f = l->full;
    row_pixels p;
    v16 linear[3];
    p.depth = metres16(f, plane_words(f, &f->planes[K_DEPTH], x, y));
    sent_normals(f, plane_words(f, &f->planes[K_NORMALS], x, y), p.normal);
    if (l->side == 2)
        light_of_half(&p, l, x, y);
    else
        light_of_quarter(&p, l, x, y);

    i16 words = plane_words(f, &f->planes[K_BASE_COLOR], x, y);
    linear_row(f->model->lin, &words, linear);
    KEEP_LOOP for (int c = 0; c < 3; c++)
        linear[c] = (linear[c] + f->model->eps) * exp16(p.light[c]) + p.light[3 + c];
    if (f->planes[K_EMISSIVE].format != K_ABSENT)
        add_emissive(linear, f, x, y);
    const int covers = f->planes[K_KNOWN].format != K_ABSENT;
    words = covers ? plane_words(f, &f->planes[K_KNOWN], x, y) : (i16)0;
    words = color_under(linear, words, covers);
    put_words(f->picture + y * f->picture_row_stride + (size_t)x * 4, &words, f->width - x, 4);
}

static void raise_light(const k_level *l, size_t y0, size_t y1)
{
    for (int32_t y = (int32_t)y0; y < (int32_t)y1; y++)
        for (int32_t x = 0; x < l->full->width; x += K_LANES)
            raise_pixels(l, x, y);
}

#define LEVEL_TABLE_OF(suffix) k_level_kernels_##suffix
#define LEVEL_TABLE(suffix) LEVEL_TABLE_OF(suffix)
extern const k_level_kernels LEVEL_TABLE(PATH_SUFFIX);
const k_level_kernels LEVEL_TABLE(PATH_SUFFIX) = {
    .reduce = reduce_planes,
    .reduce_history = reduce_history,
    .lights = keep_lights,
    .raise = raise_light,
};
