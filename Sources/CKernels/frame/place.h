/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Where surfaces are in the world, for the probes and for the place grid: what the model knows of the
 * very surface that a 2x2 block of pixels shows. The grid reads 16 blocks at a time: four cells'. */

_Static_assert(K_MAX_PLACE_CHANNELS == K_MAX_PLACE_LEVELS * 2 * K_BLOCKS, "place channels");

static const i16 is_right = {0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1, 0, -1};
static const i16 is_below = {0, 0, 0, 0, -1, -1, -1, -1, 0, 0, 0, 0, -1, -1, -1, -1};

/* The nearer of each pixel and its partner in a pair; of equal ones the first. */
typedef struct surfaces {
    v16 depth, at[3];
} surfaces;

INLINE surfaces nearer16(surfaces a, surfaces b, i16 is_second)
{
    const i16 takes = (b.depth < a.depth) | ((b.depth == a.depth) & is_second);
    surfaces out = {pick16(takes, b.depth, a.depth), {0.0f, 0.0f, 0.0f}};
    UNROLL for (int c = 0; c < 3; c++)
        out.at[c] = pick16(takes, b.at[c], a.at[c]);
    return out;
}

#define TURN_PAIRS(s, ...)                                                       \
    ((surfaces){__builtin_shufflevector((s).depth, (s).depth, __VA_ARGS__),      \
                {__builtin_shufflevector((s).at[0], (s).at[0], __VA_ARGS__),     \
                 __builtin_shufflevector((s).at[1], (s).at[1], __VA_ARGS__),     \
                 __builtin_shufflevector((s).at[2], (s).at[2], __VA_ARGS__)}})

/* Of each block of a cell: its nearest surface, moved along its normal, in metres from the bounds'
 * lower corner. `ray`: of the cell's pixels, world. */
INLINE void locate_blocks(const k_frame *f, k_chunk *k, int32_t cell, points ray)
{
    const k_place *m = &f->model->place;
    const v16 axes[3] = {ray.x, ray.y, ray.z};
    const int32_t i = cell * K_LANES, b = cell * K_BLOCKS;
    v16 depth = load16(k->depth + i);
    surfaces found = {pick16(depth > 0.0f, depth, (v16)__builtin_inff()), {0.0f, 0.0f, 0.0f}};
    UNROLL for (int c = 0; c < 3; c++) {
        v16 at = axes[c] * depth + f->position[c] + load16(k->normal[c] + i) * m->normal_offset;
        found.at[c] = clamp16(at, m->bounds_min[c], m->bounds_max[c]) - m->bounds_min[c];
    }
    found = nearer16(found, TURN_PAIRS(found, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14),
                     is_right);
    found = nearer16(found, TURN_PAIRS(found, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11),
                     is_below);
    typedef float v4 __attribute__((ext_vector_type(4)));
    typedef v4 v4_at __attribute__((aligned(4), may_alias));
    typedef int32_t i4_here __attribute__((ext_vector_type(4)));
    typedef i4_here i4_here_at __attribute__((aligned(4), may_alias));
    const v4 nearest = __builtin_shufflevector(found.depth, found.depth, 0, 2, 8, 10);
    *(i4_here_at *)(k->block_has_surface + b) = -(nearest < __builtin_inff());
    UNROLL for (int c = 0; c < 3; c++)
        *(v4_at *)(k->block_position[c] + b) =
            __builtin_shufflevector(found.at[c], found.at[c], 0, 2, 8, 10);
}

/* The lane of the smallest of 16 depths that are no sky's, the first of equal ones; -1: sky only. */
INLINE int nearest_lane(v16 depth)
{
    const i16 lanes = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const v16 surface = pick16(depth > 0.0f, depth, (v16)__builtin_inff());
    v16 least = surface;
    least = min16(least, __builtin_shufflevector(least, least, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1,
                                                 2, 3, 4, 5, 6, 7));
    least = min16(least, __builtin_shufflevector(least, least, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14,
                                                 15, 8, 9, 10, 11));
    least = min16(least, __builtin_shufflevector(least, least, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9,
                                                 14, 15, 12, 13));
    least = min16(least, __builtin_shufflevector(least, least, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10,
                                                 13, 12, 15, 14));
    const i16 found = surface == least ? lanes : (i16)K_LANES;
    return least[0] < __builtin_inff() ? __builtin_reduce_min(found) : -1;
}

/* Of 16 lanes, in halves: the same order on every path. */
INLINE float sum16(v16 v)
{
    const v8 eight = v.lo + v.hi;
    const float a = eight[0] + eight[4], b = eight[1] + eight[5];
    const float c = eight[2] + eight[6], d = eight[3] + eight[7];
    return (a + c) + (b + d);
}

/* Of each cell: the nearest surface in the model's bounds, its blocks' in those of the place grid,
 * and the direction of view. */
static void place(const k_frame *f, k_chunk *k)
{
    const k_model *m = f->model;
    for (int32_t cell = 0; cell < k->count; cell++) {
        const v16 depth = load16(k->depth + cell * K_LANES);
        const int nearest = nearest_lane(depth);
        k->cell_has_surface[cell] = f->has_camera && nearest >= 0;
        for (int c = 0; c < 3; c++)
            k->cell_position[c][cell] = k->view[c][cell] = 0.0f;
        if (!f->has_camera)
            continue;

        points ray = turn(f->rotation, rays16(f, k, cell));
        if (m->place.levels > 0)
            locate_blocks(f, k, cell, ray);
        const v16 axes[3] = {ray.x, ray.y, ray.z};
        const v16 unit = 1.0f / length16(ray);
        float view[3];
        UNROLL for (int c = 0; c < 3; c++)
            view[c] = sum16(axes[c] * unit);
        float length = __builtin_sqrtf(view[0] * view[0] + view[1] * view[1] + view[2] * view[2]);
        for (int c = 0; c < 3; c++)
            k->view[c][cell] = length > 0.0f ? view[c] / length : 0.0f;
        if (nearest < 0)
            continue;
        for (int c = 0; c < 3; c++) {
            _Alignas(64) float rays[K_LANES];
            store16(rays, axes[c]);
            const int32_t pixel = cell * K_LANES + nearest;
            float at = rays[nearest] * k->depth[pixel] + f->position[c] +
                       k->normal[c][pixel] * m->normal_offset;
            float p = (at - m->bounds_min[c]) * m->bounds_scale[c] - 1.0f;
            k->cell_position[c][cell] = !(p > -1.0f) ? -1.0f : p > 1.0f ? 1.0f : p;
        }
    }
}

/* The 16 halves in the low or the high part of each word, exactly. */
INLINE v16 halves16(i16 words, const int is_high)
{
#if PATH_VECTOR == 16
    const __m512i part = (__m512i)(is_high ? words >> 16 : words);
    return (v16)_mm512_cvtph_ps(_mm512_cvtepi32_epi16(part));
#elif PATH_VECTOR == 8
    typedef int32_t i8 __attribute__((ext_vector_type(8)));
    const i16 part = is_high ? (words >> 16) & 0xffff : words & 0xffff;
    const i8 low = __builtin_shufflevector(part, part, 0, 1, 2, 3, 4, 5, 6, 7);
    const i8 high = __builtin_shufflevector(part, part, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m256i halves = _mm256_permute4x64_epi64(
        _mm256_packus_epi32((__m256i)low, (__m256i)high), 0xD8);
    const v8 a = (v8)_mm256_cvtph_ps(_mm256_castsi256_si128(halves));
    const v8 b = (v8)_mm256_cvtph_ps(_mm256_extracti128_si256(halves, 1));
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
    return half16((is_high ? words >> 16 : words) & 0xffff);
#endif
}

typedef uint32_t u16 __attribute__((ext_vector_type(16)));

/* Of 16 points, `at` in cells of the coarsest level, of which a level's cells are 1 / `scale`: each
 * axis's part of a row's number at the lower and the upper corner, and the corners' weights. */
typedef struct corners {
    u16 rows[3][2];
    v16 weights[3][2];
} corners;

INLINE corners corners16(const v16 at[3], v16 scale)
{
    const u16 primes[3] = {(u16)1, (u16)2654435761u, (u16)805459861u};
    corners out;
    UNROLL for (int c = 0; c < 3; c++) {
        const v16 u = at[c] * scale;
        const i16 low = int16_of(u);
        out.weights[c][1] = u - float16_of(low);
        out.weights[c][0] = 1.0f - out.weights[c][1];
        out.rows[c][0] = (u16)low * primes[c];
        out.rows[c][1] = out.rows[c][0] + primes[c];
    }
    return out;
}

/* The rows of `corner`, whose bits are x, y and z from the highest on; a level's table begins at
 * `first`, its rows less one are `mask`. */
INLINE i16 rows16(const corners *k, int corner, i16 first, i16 mask)
{
    const u16 row =
        k->rows[0][corner >> 2] ^ k->rows[1][corner >> 1 & 1] ^ k->rows[2][corner & 1];
    return ((i16)row & mask) + first;
}

/* Both features at 16 points. Corners are summed in the order of the reference: x slowest, z
 * fastest. */
INLINE void read_level(const k_place *m, const v16 at[3], v16 scale, i16 first, i16 mask, v16 out[2])
{
    const corners k = corners16(at, scale);
    i16 words[8];
    UNROLL for (int corner = 0; corner < 8; corner++) {
        words[corner] = gather16(m->tables, rows16(&k, corner, first, mask));
    }
    v16 sums[2] = {0.0f, 0.0f};
    UNROLL for (int corner = 0; corner < 8; corner++) {
        const v16 weight = k.weights[0][corner >> 2] * k.weights[1][corner >> 1 & 1] *
                           k.weights[2][corner & 1];
        sums[0] = FMA(halves16(words[corner], 0), weight, sums[0]);
        sums[1] = FMA(halves16(words[corner], 1), weight, sums[1]);
    }
    out[0] = sums[0];
    out[1] = sums[1];
}

/* Fetches what the fine levels know of the chunk's blocks: neighbouring blocks read places all over a
 * table that no cache near the core holds. A row's neighbour in x lies beside it but at the end of a
 * cache line. */
static void fetch_places(const k_model *model, const k_chunk *k)
{
    const k_place *m = &model->place;
    const int32_t blocks = k->count * K_BLOCKS;
    _Alignas(64) int32_t rows[K_LANES];
    for (int32_t b = 0; m->levels > 0 && b < blocks; b += K_LANES) {
        const int32_t count = blocks - b < K_LANES ? blocks - b : K_LANES;
        v16 at[3];
        UNROLL for (int c = 0; c < 3; c++)
            at[c] = load16(k->block_position[c] + b) / m->coarsest_side;
        for (uint32_t level = m->levels - m->fine_levels; level < m->levels; level++) {
            const corners found = corners16(at, (v16)(float)(1u << level));
            UNROLL for (int corner = 0; corner < 4; corner++) {
                *(i16_at *)rows = rows16(&found, corner, (i16)(int32_t)m->first[level],
                                         (i16)(int32_t)(m->rows[level] - 1));
                for (int32_t l = 0; l < count; l++)
                    __builtin_prefetch(m->tables + rows[l]);
            }
        }
    }
}

/* The coarse levels at each cell's upper left block, two levels at a time: 8 cells of each. */
INLINE void read_coarse(const k_place *m, k_chunk *k, const v16 at[3][2], const i16 has[2])
{
    const uint32_t coarse = m->levels - m->fine_levels;
#define FIRST_BLOCKS(pair)                                                                        \
    __builtin_shufflevector((pair)[0], (pair)[1], 0, 4, 8, 12, 16, 20, 24, 28, 0, 4, 8, 12, 16, \
                            20, 24, 28)
    const v16 points[3] = {FIRST_BLOCKS(at[0]), FIRST_BLOCKS(at[1]), FIRST_BLOCKS(at[2])};
    const i16 has_surface = FIRST_BLOCKS(has);
#undef FIRST_BLOCKS
    for (uint32_t level = 0; level < coarse; level += 2) {
        const uint32_t other = level + 1 < coarse ? level + 1 : level;
        v16 scale = (float)(1u << level), out[2];
        i16 first = (int32_t)m->first[level], mask = (int32_t)(m->rows[level] - 1);
        scale.hi = (v8)(float)(1u << other);
        UNROLL for (int l = 8; l < K_LANES; l++) {
            first[l] = (int32_t)m->first[other];
            mask[l] = (int32_t)(m->rows[other] - 1);
        }
        read_level(m, points, scale, first, mask, out);
        for (uint32_t feature = 0; feature < 2; feature++) {
            const v16 reads = pick16(has_surface, out[feature], (v16)0.0f);
            UNROLL for (int cell = 0; cell < K_CHUNK_CELLS; cell++) {
                k->place_reads[cell][other * 2 + feature] = reads[cell + 8];
                k->place_reads[cell][level * 2 + feature] = reads[cell];
            }
        }
    }
}

/* The fine levels in each block: a feature's four blocks follow each other. */
INLINE void read_fine(const k_place *m, k_chunk *k, int32_t cell, const v16 at[3], i16 has)
{
    const uint32_t coarse = m->levels - m->fine_levels;
    for (uint32_t level = coarse; level < m->levels; level++) {
        v16 out[2];
        read_level(m, at, (v16)(float)(1u << level), (i16)(int32_t)m->first[level],
                   (i16)(int32_t)(m->rows[level] - 1), out);
        for (uint32_t feature = 0; feature < 2; feature++) {
            _Alignas(64) float reads[K_LANES];
            store16(reads, pick16(has, out[feature], (v16)0.0f));
            const uint32_t channel = coarse * 2 + ((level - coarse) * 2 + feature) * K_BLOCKS;
            UNROLL for (int c = 0; c < K_LANES / K_BLOCKS; c++)
                __builtin_memcpy(k->place_reads[cell + c] + channel, reads + c * K_BLOCKS, 16);
        }
    }
}

static void read_places(const k_model *model, k_chunk *k)
{
    const k_place *m = &model->place;
    if (m->levels == 0)
        return;
    /* Blocks of cells beyond the chunk's are read as well, but as sky. */
    for (int32_t block = k->count * K_BLOCKS; block < K_CHUNK_BLOCKS; block++) {
        k->block_has_surface[block] = 0;
        for (int c = 0; c < 3; c++)
            k->block_position[c][block] = 0.0f;
    }
    v16 at[3][2];
    i16 has[2];
    UNROLL for (int half = 0; half < 2; half++) {
        has[half] = *(const i16_at *)(k->block_has_surface + half * K_LANES) != 0;
        UNROLL for (int c = 0; c < 3; c++)
            at[c][half] = load16(k->block_position[c] + half * K_LANES) / m->coarsest_side;
    }
    if (m->levels > m->fine_levels)
        read_coarse(m, k, at, has);
    for (int32_t half = 0; half < (k->count + 3) / 4; half++) {
        const v16 points[3] = {at[0][half], at[1][half], at[2][half]};
        read_fine(m, k, half * 4, points, has[half]);
    }
}
