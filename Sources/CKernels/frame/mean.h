/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Base color where nothing moved: an engine's anti-aliasing draws it a little different each frame,
 * and the picture would flicker with it. */

/* Pixels that have history and are exactly where they were. */
INLINE i16 stays16(const k_frame *f, const k_chunk *k, int32_t cell)
{
    const int32_t i = cell * K_LANES;
    return (*(const i16_at *)(k->valid + i) != 0) &
           (load16(k->previous[0] + i) == pixel_x16(f, k, cell) + 0.5f) &
           (load16(k->previous[1] + i) == pixel_y16(f, k) + 0.5f);
}

/* Base color as the running mean of the frames that a pixel stayed for, in the chunk and in the next
 * history, whose alpha is 256 - the frames in the mean. A pixel that differs from the mean by more
 * than K_MEAN_TOLERANCE shows something else: its mean begins anew. */
static void average_base(const k_frame *f, k_chunk *k)
{
    for (int32_t i = 0; i < k->count * K_LANES; i += K_LANES)
        *(i16_at *)(k->frames + i) = 1;
    const int32_t kind = f->motion_kind;
    if ((kind != K_MOTION_STILL && kind != K_MOTION_PLANE) || f->previous_width != f->width ||
        f->previous_height != f->height)
        return;
    i16 stays[K_CHUNK_CELLS], some = 0;
    for (int32_t cell = 0; cell < k->count; cell++)
        some |= stays[cell] = stays16(f, k, cell);
    if (__builtin_reduce_or(some) == 0)
        return;
    _Alignas(64) int32_t words[K_CHUNK_PIXELS], means[K_CHUNK_PIXELS];
    const ptrdiff_t row_stride = (ptrdiff_t)f->width * 4;
    /* Not from the next history: pixels outside of the frame repeat an edge that another chunk may
     * be writing. */
    load_plane(f, k, &f->planes[K_BASE_COLOR], words);
    load_words(f, k, f->previous_base, row_stride, 4, means);
    for (int32_t cell = 0; cell < k->count; cell++) {
        const int32_t i = cell * K_LANES;
        const i16 now = words16(words, i) | K_OPAQUE, before = words16(means, i);
        i16 frames = 257 - ((before >> 24) & 255);
        frames = frames > K_MEAN_FRAMES ? (i16)K_MEAN_FRAMES : frames;
        i16 mean = (256 - frames) << 24, apart = 0;
        for (int c = 0; c < 3; c++) {
            const i16 old = (before >> (c * 8)) & 255;
            const i16 change = ((now >> (c * 8)) & 255) - old;
            const i16 size = change < 0 ? -change : change;
            apart = size > apart ? size : apart;
            /* Rounded half away from 0. */
            const i16 part = int16_of(float16_of(size) / float16_of(frames) + 0.5f);
            mean |= (old + (change < 0 ? -part : part)) << (c * 8);
        }
        const i16 is_mean = stays[cell] & (apart <= K_MEAN_TOLERANCE);
        const i16 word = is_mean ? mean : now;
        *(i16_at *)(words + i) = word;
        *(i16_at *)(k->frames + i) = is_mean ? frames : (i16)1;
        for (int c = 0; c < 3; c++)
            store16(k->base[c] + i, field16(word, c * 8, 8) * (1.0f / 255.0f));
    }
    store_words(f, k, f->next_base, row_stride, words);
}
