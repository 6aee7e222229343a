/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * From the sums of a few neighbouring pixels to every form that a reader wants. Products and sums
 * are rounded one by one, so that the integer paths give the same bytes everywhere. */

INLINE void store_bf16(uint8_t *p, v16 v)
{
#if PATH_HAS_BF16
    _mm256_storeu_si256((__m256i *)p, (__m256i)_mm512_cvtneps_pbh((__m512)v));
#else
    i16 bits = (i16)v;
    bits += 0x7fff + (bits >> 16 & 1); /* to nearest, half to even */
    *(h16_at *)p = __builtin_convertvector(bits >> 16, h16);
#endif
}

INLINE void store_s16(uint8_t *p, v16 v)
{
#if PATH_VECTOR == 16
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32((__m512)v)));
#else
    v = round16(clamp16(v, -32768.0f, 32767.0f));
    *(s16_at *)p = __builtin_convertvector(int16_of(v), s16);
#endif
}

INLINE void store_u8(uint8_t *p, v16 v)
{
#if PATH_VECTOR == 16
    __m512i words = _mm512_max_epi32(_mm512_cvtps_epi32((__m512)v), _mm512_setzero_si512());
    _mm_storeu_si128((__m128i *)p, _mm512_cvtusepi32_epi8(words));
#else
    v = round16(clamp16(v, 0.0f, 255.0f));
    *(b16_at *)p = __builtin_convertvector(int16_of(v), b16);
#endif
}

INLINE void store_form(uint8_t *p, v16 v, v16 levels, int32_t form)
{
    switch (form) {
    case K_PLAIN_FP32: *(v16_at *)p = v; break;
    case K_PLAIN_BF16: store_bf16(p, v); break;
    case K_PLAIN_S16: store_s16(p, v * levels); break;
    case K_RELU_FP32: *(v16_at *)p = max16(v, (v16)0.0f); break;
    case K_RELU_BF16: store_bf16(p, max16(v, (v16)0.0f)); break;
    default: store_u8(p, v * levels); break;
    }
}

INLINE size_t bytes_of_form(int32_t form)
{
    return form == K_RELU_U8                                    ? 1
           : form == K_PLAIN_FP32 || form == K_RELU_FP32        ? 4
                                                                : 2;
}

#define NO_FORM (-1)

INLINE v16 load_residual(const uint8_t *p, v16 steps, int32_t form)
{
    if (form == K_PLAIN_FP32)
        return *(const v16_at *)p;
    if (form == K_PLAIN_S16)
        return float16_of(__builtin_convertvector(*(const s16_at *)p, i16)) * steps;
    return (v16)(__builtin_convertvector(*(const h16_at *)p, i16) << 16);
}

/* Where the sums of a few pixels belong. */
typedef struct sums_place {
    size_t vector, vectors, y, x, pixels;
} sums_place;

/* Memory that the finish of a few pixels reads and writes, and that no cache near the core holds:
 * it is fetched a pixel at a time while their sums are taken. All of it at once would keep the sums'
 * own inputs waiting; not at all, and the finish itself waits as long as a tenth of the sums take. */
typedef struct finish_memory {
    size_t pixels; /* not fetched yet */
    size_t count;
    struct {
        const uint8_t *at; /* the next pixel's */
        size_t step, bytes;
    } streams[3]; /* a residual and two outputs: more would be rare */
} finish_memory;

INLINE finish_memory memory_of_finish(const k_conv *c, const sums_place *place)
{
    finish_memory memory = {.pixels = place->pixels, .count = 0};
    for (size_t o = 0; o < c->output_count && o < 2; o++, memory.count++) {
        const k_output *out = &c->outputs[o];
        const size_t bytes = K_LANES * bytes_of_form(out->form);
        memory.streams[o].at =
            out->at + place->y * out->row + place->x * out->pixel + place->vector * bytes;
        memory.streams[o].step = out->pixel;
        memory.streams[o].bytes = place->vectors * bytes;
    }
    if (c->residual) {
        const size_t bytes = K_LANES * bytes_of_form(c->residual_form), shift = c->residual_shift;
        memory.streams[memory.count].at =
            c->residual + (place->y >> shift) * c->residual_row +
            (place->x >> shift) * c->residual_pixel + place->vector * bytes;
        memory.streams[memory.count].step = c->residual_pixel >> shift;
        memory.streams[memory.count].bytes = place->vectors * bytes;
        memory.count++;
    }
    return memory;
}

#define CACHE_LINE 64

INLINE void fetch_pixel(finish_memory *memory)
{
    for (size_t i = 0; i < memory->count; i++) {
        for (size_t byte = 0; byte < memory->streams[i].bytes; byte += CACHE_LINE)
            __builtin_prefetch(memory->streams[i].at + byte, 1);
        memory->streams[i].at += memory->streams[i].step;
    }
    memory->pixels--;
}

/* sums [vectors][pixels][16]: floats, or 32-bit integers. The forms are constants where this is
 * compiled in: no pixel asks for them again. */
INLINE void finish(const k_conv *c, const void *sums, const sums_place *place, const int is_integer,
                   const int32_t residual, const int32_t first, const int32_t second)
{
    const uint8_t *sum = sums;
    /* Stores of bytes may change anything but what is held here. */
    const size_t shift = c->residual_shift, residual_pixel = c->residual_pixel;
    const size_t x = place->x, pixels = place->pixels, vectors = place->vectors;
    const size_t step[2] = {c->outputs[0].pixel, c->outputs[1].pixel};
    for (size_t v = 0; v < vectors; v++) {
        const size_t channel = (place->vector + v) * K_LANES;
        v16 scale = 1.0f, bias = 0.0f, steps = 1.0f, levels[2] = {1.0f, 1.0f};
        uint8_t *at[2] = {NULL, NULL};
        const uint8_t *added = NULL;
        if (is_integer) {
            scale = load16(c->scale + channel);
            bias = load16(c->bias + channel);
        }
        if (residual != NO_FORM)
            added = c->residual + (place->y >> shift) * c->residual_row +
                    channel * bytes_of_form(residual);
        if (residual == K_PLAIN_S16)
            steps = load16(c->residual_steps + channel);
        for (int o = 0; o < (second == NO_FORM ? 1 : 2); o++) {
            const k_output *out = &c->outputs[o];
            if (out->levels)
                levels[o] = load16(out->levels + channel);
            at[o] = out->at + place->y * out->row + x * out->pixel +
                    channel * bytes_of_form(o ? second : first);
        }
        for (size_t p = 0; p < pixels; p++, sum += K_LANES * 4) {
            v16 value;
            if (is_integer)
                value = float16_of(*(const i16_at *)sum) * scale + bias;
            else
                value = *(const v16_at *)sum;
            if (residual != NO_FORM)
                value = value + load_residual(added + ((x + p) >> shift) * residual_pixel, steps,
                                              residual);
            store_form(at[0] + p * step[0], value, levels[0], first);
            if (second != NO_FORM)
                store_form(at[1] + p * step[1], value, levels[1], second);
        }
    }
}

/* Any forms and any number of them. */
INLINE void finish_any(const k_conv *c, const void *sums, const sums_place *place,
                       const int is_integer)
{
    const uint8_t *sum = sums;
    const int32_t residual = c->residual ? c->residual_form : NO_FORM;
    for (size_t v = 0; v < place->vectors; v++) {
        const size_t channel = (place->vector + v) * K_LANES;
        for (size_t p = 0; p < place->pixels; p++, sum += K_LANES * 4) {
            const size_t x = place->x + p;
            v16 value;
            if (is_integer)
                value = float16_of(*(const i16_at *)sum) * load16(c->scale + channel) +
                        load16(c->bias + channel);
            else
                value = *(const v16_at *)sum;
            if (residual != NO_FORM)
                value = value +
                        load_residual(c->residual +
                                          (place->y >> c->residual_shift) * c->residual_row +
                                          (x >> c->residual_shift) * c->residual_pixel +
                                          channel * bytes_of_form(residual),
                                      residual == K_PLAIN_S16 ? load16(c->residual_steps + channel)
                                                              : (v16)1.0f,
                                      residual);
            for (size_t o = 0; o < c->output_count; o++) {
                const k_output *out = &c->outputs[o];
                store_form(out->at + place->y * out->row + x * out->pixel +
                               channel * bytes_of_form(out->form),
                           value, out->levels ? load16(out->levels + channel) : (v16)1.0f,
                           out->form);
            }
        }
    }
}

/* Forms of a convolution's residual and outputs as one number, for a switch. */
#define FORMS(residual, first, second) (((residual) + 1) * 64 + ((first) + 1) * 8 + (second) + 1)

INLINE int32_t forms_of(const k_conv *c)
{
    const size_t count = c->output_count;
    if (count == 0 || count > 2)
        return -1;
    return FORMS(c->residual ? c->residual_form : NO_FORM, c->outputs[0].form,
                 count == 2 ? c->outputs[1].form : NO_FORM);
}

#define FINISH_FLOATS(residual, first, second)                \
    case FORMS(residual, first, second):                      \
        finish(c, sums, &at, 0, residual, first, second);     \
        break;
#define FINISH_INTEGERS(residual, first, second)              \
    case FORMS(residual, first, second):                      \
        finish(c, sums, place, 1, residual, first, second);   \
        return;

/* Some rows of sums, each `row_pixels` pixels after the one before. The forms that whole networks
 * of one precision ask for have loops of their own. */
static void finish_rows(const k_conv *c, const float *sums, const sums_place *place, size_t rows,
                        size_t row_pixels)
{
    sums_place at = *place;
    const int32_t forms = forms_of(c);
    for (size_t row = 0; row < rows; row++, at.y++, sums += row_pixels * K_LANES)
        switch (forms) {
            FINISH_FLOATS(NO_FORM, K_PLAIN_FP32, NO_FORM)
            FINISH_FLOATS(NO_FORM, K_RELU_FP32, NO_FORM)
            FINISH_FLOATS(NO_FORM, K_PLAIN_FP32, K_RELU_FP32)
            FINISH_FLOATS(K_PLAIN_FP32, K_PLAIN_FP32, NO_FORM)
            FINISH_FLOATS(K_PLAIN_FP32, K_PLAIN_FP32, K_RELU_FP32)
            FINISH_FLOATS(NO_FORM, K_PLAIN_BF16, NO_FORM)
            FINISH_FLOATS(NO_FORM, K_RELU_BF16, NO_FORM)
            FINISH_FLOATS(NO_FORM, K_PLAIN_BF16, K_RELU_BF16)
            FINISH_FLOATS(K_PLAIN_BF16, K_PLAIN_BF16, NO_FORM)
            FINISH_FLOATS(K_PLAIN_BF16, K_PLAIN_BF16, K_RELU_BF16)
        default: finish_any(c, sums, &at, 0);
        }
}

static void finish_floats(const k_conv *c, const void *sums, const sums_place *place)
{
    finish_rows(c, sums, place, 1, 0);
}

static void finish_integers(const k_conv *c, const void *sums, const sums_place *place)
{
    switch (forms_of(c)) {
        FINISH_INTEGERS(NO_FORM, K_PLAIN_FP32, NO_FORM)
        FINISH_INTEGERS(NO_FORM, K_RELU_U8, NO_FORM)
        FINISH_INTEGERS(NO_FORM, K_PLAIN_S16, NO_FORM)
        FINISH_INTEGERS(NO_FORM, K_PLAIN_S16, K_RELU_U8)
        FINISH_INTEGERS(K_PLAIN_S16, K_RELU_U8, NO_FORM)
        FINISH_INTEGERS(K_PLAIN_S16, K_PLAIN_S16, NO_FORM)
        FINISH_INTEGERS(K_PLAIN_S16, K_PLAIN_S16, K_RELU_U8)
    default: finish_any(c, sums, place, 1);
    }
}

static void clear_pixels(const k_output *out, ptrdiff_t y, ptrdiff_t x, size_t count)
{
    __builtin_memset(out->at + y * (ptrdiff_t)out->row + x * (ptrdiff_t)out->pixel, 0,
                     count * out->pixel);
}

/* The border beside a tile. */
static void clear_borders(const k_conv *c, const k_tile *tile)
{
    const ptrdiff_t width = (ptrdiff_t)c->out_width, height = (ptrdiff_t)c->out_height;
    const ptrdiff_t left = (ptrdiff_t)tile->x0 - (tile->x0 == 0);
    const size_t count = (size_t)((ptrdiff_t)tile->x1 + (tile->x1 == c->out_width) - left);
    for (size_t o = 0; o < c->output_count; o++) {
        const k_output *out = &c->outputs[o];
        if (!out->border)
            continue;
        for (ptrdiff_t y = (ptrdiff_t)tile->y0; y < (ptrdiff_t)tile->y1; y++) {
            if (tile->x0 == 0)
                clear_pixels(out, y, -1, 1);
            if (tile->x1 == c->out_width)
                clear_pixels(out, y, width, 1);
        }
        if (tile->y0 == 0)
            clear_pixels(out, -1, left, count);
        if (tile->y1 == c->out_height)
            clear_pixels(out, height, left, count);
    }
}
