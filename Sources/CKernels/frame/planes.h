/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * The client's planes in the model's terms. Pixels outside of the frame repeat its edge. */

/* Words of a table, one a lane. */
INLINE i16 gather16(const uint32_t *table, i16 rows)
{
#if PATH_VECTOR == 16
    return (i16)_mm512_i32gather_epi32((__m512i)rows, table, 4);
#elif PATH_VECTOR == 8
    typedef int32_t i8 __attribute__((ext_vector_type(8)));
    const i8 low = __builtin_shufflevector(rows, rows, 0, 1, 2, 3, 4, 5, 6, 7);
    const i8 high = __builtin_shufflevector(rows, rows, 8, 9, 10, 11, 12, 13, 14, 15);
    const i8 a = (i8)_mm256_i32gather_epi32((const int *)table, (__m256i)low, 4);
    const i8 b = (i8)_mm256_i32gather_epi32((const int *)table, (__m256i)high, 4);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#else
    i16 words;
    UNROLL for (int l = 0; l < K_LANES; l++)
        words[l] = (int32_t)table[rows[l]];
    return words;
#endif
}

/* Alpha 255 in the word of an RGBA8 pixel. 255 << 24 is no int. */
#define K_OPAQUE (-(1 << 24))

INLINE int32_t inside(int32_t i, int32_t size) { return i < size ? i : size - 1; }

typedef int32_t i4 __attribute__((ext_vector_type(4)));
typedef i4 i4_at __attribute__((aligned(1), may_alias));
typedef uint16_t h4 __attribute__((ext_vector_type(4)));
typedef h4 h4_at __attribute__((aligned(1), may_alias));

INLINE int32_t word_of(const uint8_t *p)
{
    int32_t word;
    __builtin_memcpy(&word, p, 4);
    return word;
}

/* Four pixels of `bytes` bytes each, as words; reads no byte beyond them. */
INLINE i4 load_four(const uint8_t *p, const size_t bytes)
{
    if (bytes == 2)
        return __builtin_convertvector(*(const h4_at *)p, i4);
    if (bytes == 3)
        return (i4){word_of(p) & 0xffffff, word_of(p + 3) & 0xffffff, word_of(p + 6) & 0xffffff,
                    (int32_t)((uint32_t)word_of(p + 8) >> 8)};
    return *(const i4_at *)p;
}

#if PATH_VECTOR >= 8
/* Four rows of four pixels of 3 bytes as words; reads the 4 bytes before each row's first pixel too. */
INLINE i16 load_triples(const uint8_t *const rows[4], size_t at)
{
#define FOUR_WORDS(row)                                                                        \
    row * 16 + 4, row * 16 + 5, row * 16 + 6, 64, row * 16 + 7, row * 16 + 8, row * 16 + 9, 64, \
        row * 16 + 10, row * 16 + 11, row * 16 + 12, 64, row * 16 + 13, row * 16 + 14,          \
        row * 16 + 15, 64
    typedef int32_t i8 __attribute__((ext_vector_type(8)));
    typedef uint8_t b64 __attribute__((ext_vector_type(64)));
    const i4 r0 = *(const i4_at *)(rows[0] + at - 4), r1 = *(const i4_at *)(rows[1] + at - 4);
    const i4 r2 = *(const i4_at *)(rows[2] + at - 4), r3 = *(const i4_at *)(rows[3] + at - 4);
    const i8 top = __builtin_shufflevector(r0, r1, 0, 1, 2, 3, 4, 5, 6, 7);
    const i8 bottom = __builtin_shufflevector(r2, r3, 0, 1, 2, 3, 4, 5, 6, 7);
    const b64 bytes = (b64)__builtin_shufflevector(top, bottom, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
                                                   11, 12, 13, 14, 15);
    return (i16)__builtin_shufflevector(bytes, (b64)0, FOUR_WORDS(0), FOUR_WORDS(1),
                                        FOUR_WORDS(2), FOUR_WORDS(3));
#undef FOUR_WORDS
}
#endif

/* The 4x4 pixels of a cell inside the frame. One vector: what is read whole is written whole. */
INLINE i16 load_cell(const uint8_t *const rows[4], size_t at, const size_t bytes)
{
#if PATH_VECTOR >= 8
    if (bytes == 3 && at > 0)
        return load_triples(rows, at);
#endif
    if (bytes == 1) {
        const i4 four = {word_of(rows[0] + at), word_of(rows[1] + at), word_of(rows[2] + at),
                         word_of(rows[3] + at)};
        return __builtin_convertvector((b16)four, i16);
    }
    const i4 r0 = load_four(rows[0] + at, bytes), r1 = load_four(rows[1] + at, bytes);
    const i4 r2 = load_four(rows[2] + at, bytes), r3 = load_four(rows[3] + at, bytes);
    typedef int32_t i8 __attribute__((ext_vector_type(8)));
    const i8 top = __builtin_shufflevector(r0, r1, 0, 1, 2, 3, 4, 5, 6, 7);
    const i8 bottom = __builtin_shufflevector(r2, r3, 0, 1, 2, 3, 4, 5, 6, 7);
    return __builtin_shufflevector(top, bottom, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
                                   15);
}

/* Pixels of `bytes` bytes each, as words, in the order of the chunk. */
INLINE void load_words(const k_frame *f, const k_chunk *k, const uint8_t *top,
                       ptrdiff_t row_stride, const size_t bytes, int32_t *words)
{
    const uint8_t *rows[4];
    for (int r = 0; r < 4; r++)
        rows[r] = top + inside(k->cell_y * 4 + r, f->height) * row_stride;
    for (int32_t c = 0; c < k->count; c++) {
        const int32_t x = (k->cell_x + c) * 4;
        int32_t *out = words + c * K_LANES;
        if (x + 4 <= f->width) {
            *(i16_at *)out = load_cell(rows, (size_t)x * bytes, bytes);
            continue;
        }
        for (int i = 0; i < K_LANES; i++) {
            out[i] = 0;
            __builtin_memcpy(out + i, rows[i / 4] + (size_t)inside(x + i % 4, f->width) * bytes,
                             bytes);
        }
    }
}

/* The words of pixels inside the frame, back to rows of 4-byte pixels; to NULL: nothing. */
INLINE void store_words(const k_frame *f, const k_chunk *k, uint8_t *top, ptrdiff_t row_stride,
                        const int32_t *words)
{
    if (!top)
        return;
    for (int r = 0; r < 4 && k->cell_y * 4 + r < f->height; r++) {
        uint8_t *row = top + (k->cell_y * 4 + r) * row_stride;
        for (int32_t c = 0; c < k->count; c++) {
            const int32_t x = (k->cell_x + c) * 4, left = f->width - x;
            const int32_t *in = words + c * K_LANES + r * 4;
            if (left >= 4)
                __builtin_memcpy(row + (size_t)x * 4, in, 16);
            else if (left > 0)
                __builtin_memcpy(row + (size_t)x * 4, in, (size_t)left * 4);
        }
    }
}

static void load_plane(const k_frame *f, const k_chunk *k, const k_plane *plane, int32_t *words)
{
    switch (plane->format) {
    case K_R8: load_words(f, k, plane->top, plane->row_stride, 1, words); break;
    case K_R16: load_words(f, k, plane->top, plane->row_stride, 2, words); break;
    case K_RGB8: load_words(f, k, plane->top, plane->row_stride, 3, words); break;
    case K_ABSENT: __builtin_memset(words, 0, K_CHUNK_PIXELS * sizeof(int32_t)); break;
    default: load_words(f, k, plane->top, plane->row_stride, 4, words); break;
    }
}

INLINE i16 words16(const int32_t *words, int32_t i) { return *(const i16_at *)(words + i); }

/* Field of `bits` bits from bit `at`. */
INLINE v16 field16(i16 words, int at, int bits)
{
    return float16_of((words >> at) & ((1 << bits) - 1));
}

/* Half floats in the low 16 bits; halves too small for a normal number are exact as well. */
INLINE v16 half16(i16 bits)
{
    i16 exponent = (bits >> 10) & 31, mantissa = bits & 1023;
    v16 normal = (v16)(((exponent + 112) << 23) | (mantissa << 13));
    v16 special = (v16)((255 << 23) | (mantissa << 13));
    v16 small = float16_of(mantissa) * 5.9604644775390625e-8f;
    v16 size = pick16(exponent == 0, small, pick16(exponent == 31, special, normal));
    return (v16)((i16)size | ((bits & 0x8000) << 16));
}

INLINE v16 metres16(const k_frame *f, i16 words)
{
    v16 raw = f->planes[K_DEPTH].format == K_R16 ? float16_of(words) : (v16)words;
    v16 z = raw * f->depth_scale;
    if (f->depth_is_device) {
        z = f->depth_product / (raw * f->depth_span + f->depth_near);
        z = pick16(raw > 0.0f, z, (v16)0.0f);
    }
    /* Sky; a NaN fails every comparison. */
    i16 surface = (z > 0.0f) & (z < f->depth_far) & (z < __builtin_inff());
    return pick16(surface, z, (v16)0.0f);
}

static void load_base(const k_frame *f, k_chunk *k)
{
    _Alignas(64) int32_t words[K_CHUNK_PIXELS];
    load_plane(f, k, &f->planes[K_BASE_COLOR], words);
    for (int32_t i = 0; i < k->count * K_LANES; i += K_LANES) {
        i16 w = words16(words, i);
        for (int c = 0; c < 3; c++)
            store16(k->base[c] + i, field16(w, c * 8, 8) * (1.0f / 255.0f));
        *(i16_at *)(words + i) = w | K_OPAQUE;
    }
    store_words(f, k, f->next_base, (ptrdiff_t)f->width * 4, words);
}

static void load_normals(const k_frame *f, k_chunk *k)
{
    _Alignas(64) int32_t words[K_CHUNK_PIXELS];
    load_plane(f, k, &f->planes[K_NORMALS], words);
    const int bits = f->planes[K_NORMALS].format == K_RGB10A2 ? 10 : 8;
    const float unit = bits == 10 ? 1.0f / 511.5f : 1.0f / 127.5f;
    for (int32_t i = 0; i < k->count * K_LANES; i += K_LANES) {
        i16 w = words16(words, i);
        v16 n[3];
        for (int c = 0; c < 3; c++)
            n[c] = field16(w, c * bits, bits) * unit - 1.0f;
        for (int c = 0; c < 3; c++) {
            const float *row = f->rotation + c * 3;
            v16 turned = n[0] * row[0] + n[1] * row[1] + n[2] * row[2];
            store16(k->normal[c] + i, f->turns_normals ? turned : n[c]);
        }
    }
}

static void load_depth(const k_frame *f, k_chunk *k)
{
    _Alignas(64) int32_t words[K_CHUNK_PIXELS];
    load_plane(f, k, &f->planes[K_DEPTH], words);
    for (int32_t i = 0; i < k->count * K_LANES; i += K_LANES) {
        v16 z = metres16(f, words16(words, i));
        store16(k->depth + i, z);
        *(i16_at *)(words + i) = (i16)z;
    }
    store_words(f, k, (uint8_t *)f->next_depth, (ptrdiff_t)f->width * 4, words);
}

static void load_scalar(const k_frame *f, const k_chunk *k, const k_plane *plane, float *out)
{
    _Alignas(64) int32_t words[K_CHUNK_PIXELS];
    load_plane(f, k, plane, words);
    for (int32_t i = 0; i < k->count * K_LANES; i += K_LANES)
        store16(out + i, field16(words16(words, i), 0, 8) * (1.0f / 255.0f));
}

static void load_motion(const k_frame *f, k_chunk *k)
{
    _Alignas(64) int32_t words[K_CHUNK_PIXELS];
    load_plane(f, k, &f->planes[K_MOTION], words);
    for (int32_t i = 0; i < k->count * K_LANES; i += K_LANES) {
        i16 w = words16(words, i);
        store16(k->motion[0] + i, half16(w & 0xffff));
        store16(k->motion[1] + i, half16((w >> 16) & 0xffff));
    }
}

/* Pixels of two words, as first and second words in the order of the chunk. */
static void load_word_pairs(const k_frame *f, const k_chunk *k, const k_plane *plane,
                            int32_t *first, int32_t *second)
{
    for (int r = 0; r < 4; r++) {
        const uint8_t *row =
            plane->top + inside(k->cell_y * 4 + r, f->height) * plane->row_stride;
        for (int32_t i = 0; i < k->count * 4; i++) {
            const uint8_t *pixel = row + (size_t)inside(k->cell_x * 4 + i, f->width) * 8;
            const int32_t at = i / 4 * K_LANES + r * 4 + i % 4;
            first[at] = word_of(pixel);
            second[at] = word_of(pixel + 4);
        }
    }
}

/* Linear light of the emissive plane, [3, 16 * count]. Halves below 0 and NaN give nothing off, and
 * infinity as much as the largest. */
static void load_emissive(const k_frame *f, const k_chunk *k, float *out)
{
    _Alignas(64) int32_t words[2][K_CHUNK_PIXELS];
    const int32_t pixels = k->count * K_LANES;
    if (f->planes[K_EMISSIVE].format == K_RGBA16F) {
        load_word_pairs(f, k, &f->planes[K_EMISSIVE], words[0], words[1]);
        for (int32_t i = 0; i < pixels; i += K_LANES)
            for (int c = 0; c < 3; c++) {
                const i16 word = words16(words[c / 2], i);
                const v16 value = half16((c == 1 ? word >> 16 : word) & 0xffff);
                store16(out + c * pixels + i, clamp16(value, 0.0f, 65504.0f));
            }
        return;
    }
    const float *lin = f->model->lin;
    load_plane(f, k, &f->planes[K_EMISSIVE], words[0]);
    for (int32_t i = 0; i < pixels; i += K_LANES) {
        /* Few pixels shine. */
        const int is_dark = __builtin_reduce_or(words16(words[0], i) & 0xffffff) == 0;
        for (int c = 0; c < 3; c++)
            for (int l = i; l < i + K_LANES; l++)
                out[c * pixels + l] = is_dark ? 0.0f : lin[(words[0][l] >> (c * 8)) & 255];
    }
}

static void find_shining(const k_frame *f, k_chunk *k)
{
    _Alignas(64) float emissive[3 * K_CHUNK_PIXELS];
    const int32_t pixels = k->count * K_LANES;
    if (f->planes[K_EMISSIVE].format != K_RGBA16F) {
        load_plane(f, k, &f->planes[K_EMISSIVE], k->shines);
        for (int32_t i = 0; i < pixels; i += K_LANES) {
            const i16 word = words16(k->shines, i);
            const i16 shines = ((word & 255) >= K_SHINING_BYTE) |
                               (((word >> 8) & 255) >= K_SHINING_BYTE) |
                               (((word >> 16) & 255) >= K_SHINING_BYTE);
            *(i16_at *)(k->shines + i) = -shines;
        }
        return;
    }
    load_emissive(f, k, emissive);
    for (int32_t i = 0; i < pixels; i += K_LANES) {
        v16 most = max16(load16(emissive + i), load16(emissive + pixels + i));
        most = max16(most, load16(emissive + 2 * pixels + i));
        *(i16_at *)(k->shines + i) = -(most > K_SHINING);
    }
}

/* Alpha of the known plane, for the next frame. */
static void load_coverage(const k_frame *f, const k_chunk *k)
{
    if (!f->next_coverage)
        return;
    for (int r = 0; r < 4 && k->cell_y * 4 + r < f->height; r++) {
        const int32_t y = k->cell_y * 4 + r, x0 = k->cell_x * 4;
        int32_t count = k->count * 4;
        if (x0 >= f->width)
            return;
        if (count > f->width - x0)
            count = f->width - x0;
        uint8_t *out = f->next_coverage + (size_t)y * (size_t)f->width + (size_t)x0;
        if (f->planes[K_KNOWN].format == K_ABSENT) {
            __builtin_memset(out, 0, (size_t)count);
            continue;
        }
        const k_plane *known = &f->planes[K_KNOWN];
        const uint8_t *in = known->top + y * known->row_stride + (size_t)x0 * 4;
        for (int32_t i = 0; i < count; i++)
            out[i] = in[(size_t)i * 4 + 3];
    }
}

/* Pixels x ..< x + count of the chunk's four rows, each of `pixel` bytes: into the cache. */
INLINE void fetch_rows(const k_frame *f, const k_chunk *k, const uint8_t *top, ptrdiff_t row_stride,
                       size_t pixel, int32_t x, int32_t count, const int writes)
{
    for (int r = 0; r < 4; r++) {
        const uint8_t *row = top + inside(k->cell_y * 4 + r, f->height) * row_stride;
        for (size_t b = (size_t)x * pixel; b < (size_t)(x + count) * pixel; b += CACHE_LINE)
            if (writes)
                __builtin_prefetch(row + b, 1);
            else
                __builtin_prefetch(row + b, 0);
    }
}

INLINE size_t bytes_of_format(int32_t format)
{
    switch (format) {
    case K_R8: return 1;
    case K_R16: return 2;
    case K_RGB8: return 3;
    case K_RGBA16F: return 8;
    default: return 4;
    }
}

/* What the next chunk of the row reads and writes of the planes. Four rows of each plane are more
 * streams than a processor follows by itself: waiting for them took two thirds of the loading. */
static void fetch_next_planes(const k_frame *f, const k_chunk *k)
{
    const int32_t x = (k->cell_x + k->count) * 4, left = f->width - x;
    const int32_t count = left < K_CHUNK_CELLS * 4 ? left : K_CHUNK_CELLS * 4;
    if (count <= 0)
        return;
    for (int kind = 0; kind < K_PLANE_COUNT; kind++) {
        const k_plane *plane = &f->planes[kind];
        if (plane->format != K_ABSENT && kind != K_KNOWN)
            fetch_rows(f, k, plane->top, plane->row_stride, bytes_of_format(plane->format), x,
                       count, 0);
    }
    const ptrdiff_t row_stride = (ptrdiff_t)f->width * 4;
    if (f->next_base)
        fetch_rows(f, k, f->next_base, row_stride, 4, x, count, 1);
    if (f->next_depth)
        fetch_rows(f, k, (const uint8_t *)f->next_depth, row_stride, 4, x, count, 1);
}

static void load_planes(const k_frame *f, k_chunk *k)
{
    load_base(f, k);
    load_normals(f, k);
    load_depth(f, k);
    load_scalar(f, k, &f->planes[K_ROUGHNESS], k->roughness);
    load_scalar(f, k, &f->planes[K_METALLIC], k->metallic);
    if (f->motion_kind == K_MOTION_PLANE)
        load_motion(f, k);
    if (f->planes[K_EMISSIVE].format != K_ABSENT)
        find_shining(f, k);
    load_coverage(f, k);
}
