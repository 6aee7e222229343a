/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Attention one tile of rows at a time. Keys go by in blocks; the largest score so far, the sum of
 * weights and the weighted sum of values are corrected after each block (Milakov and Gimelshein
 * 2018), so that a tile needs no memory for all its scores. */

#define SCORE_PANELS (K_KEY_BLOCK / K_PANEL)

INLINE size_t padded_head(const k_attention *a)
{
    return (a->size + K_LANES - 1) / K_LANES * K_LANES;
}

#if PATH_HAS_BF16
/* As below, in pairs: of channels for keys, of keys for values. */
static void attention_pack_pairs(const k_attention *a, size_t head, size_t block)
{
    float words[K_MAX_HEAD / 2];
    const size_t channels = a->heads * a->size, padded = padded_head(a);
    const size_t blocks = (a->keys + K_PANEL - 1) / K_PANEL, pairs = (a->size + 1) / 2;
    const size_t key0 = block * K_PANEL, key1 = smaller(key0 + K_PANEL, a->keys);
    float *keys = a->packed_keys + (head * blocks + block) * pairs * K_PANEL;
    if (key1 - key0 < K_PANEL)
        __builtin_memset(keys, 0, pairs * K_PANEL * sizeof(float));
    for (size_t k = key0; k < key1; k++) {
        round_row(words, a->key + k * channels + head * a->size, a->size);
        for (size_t i = 0; i < pairs; i++)
            ((word_at *)keys)[i * K_PANEL + k - key0] = ((word_at *)words)[i];
    }
    for (size_t first = 0; first < padded; first += K_PANEL) {
        const size_t width = smaller(padded - first, K_PANEL);
        float *values = a->packed_values + (head * padded + first) * ((a->keys + 1) / 2);
        for (size_t k = key0; k < key1; k += 2)
            for (size_t i = 0; i < width; i += K_LANES) {
                const float *from = a->value + k * channels + head * a->size + first + i;
                const size_t some = smaller(a->size - first - i, K_LANES);
                v16 next = k + 1 < key1 ? load_some(from + channels, some) : (v16)0.0f;
                *(i16_at *)(values + k / 2 * width + i) = paired(load_some(from, some), next);
            }
    }
}
#endif

static void attention_pack(const k_attention *a, size_t head, size_t block0, size_t block1)
{
#if PATH_HAS_BF16
    if (a->uses_bf16) {
        for (size_t b = block0; b < block1; b++)
            attention_pack_pairs(a, head, b);
        return;
    }
#endif
    const size_t channels = a->heads * a->size, padded = padded_head(a);
    const size_t blocks = (a->keys + K_PANEL - 1) / K_PANEL;
    for (size_t b = block0; b < block1; b++) {
        float *keys = a->packed_keys + (head * blocks + b) * a->size * K_PANEL;
        const size_t key0 = b * K_PANEL, key1 = smaller(key0 + K_PANEL, a->keys);
        if (key1 - key0 < K_PANEL)
            __builtin_memset(keys, 0, a->size * K_PANEL * sizeof(float));
        for (size_t k = key0; k < key1; k++) {
            const float *from = a->key + k * channels + head * a->size;
            for (size_t i = 0; i < a->size; i++)
                keys[i * K_PANEL + k - key0] = from[i];
        }
        for (size_t first = 0; first < padded; first += K_PANEL) {
            const size_t width = smaller(padded - first, K_PANEL);
            float *values = a->packed_values + head * a->keys * padded + first * a->keys;
            for (size_t k = key0; k < key1; k++)
                for (size_t i = 0; i < width; i++)
                    values[k * width + i] =
                        first + i < a->size
                            ? a->value[k * channels + head * a->size + first + i]
                            : 0.0f;
        }
    }
}

/* The softmax of a row's next block of keys: turns its scores into weights and corrects what was
 * summed before. Scores lie in panels of [rows, K_PANEL]; pairs: weights take the first half of
 * their panel, two in a word. Returns the factor on everything summed so far. */
INLINE float softmax_block(float *scores, size_t rows, size_t count, float scale, float *largest,
                           float *total, const int pairs)
{
    v16 most = *largest;
    for (size_t k = 0; k < count; k += K_LANES) {
        float *at = scores + k / K_PANEL * rows * K_PANEL + k % K_PANEL;
        v16 v = load16(at) * scale;
        if (count - k < K_LANES) /* keys that do not exist */
            for (size_t i = count - k; i < K_LANES; i++)
                v[i] = -__builtin_inff();
        store16(at, v);
        most = max16(most, v);
    }
    float found = largest16(most);
    v16 sum = 0.0f;
    for (size_t k = 0; k < count; k += pairs ? 2 * K_LANES : K_LANES) {
        float *panel = scores + k / K_PANEL * rows * K_PANEL, *at = panel + k % K_PANEL;
        v16 v = exp16(load16(at) - found);
        sum += v;
#if PATH_HAS_BF16
        if (pairs) {
            v16 next = 0.0f;
            if (k + K_LANES < count)
                next = exp16(load16(at + K_LANES) - found);
            sum += next;
            *(i16_at *)(panel + k % K_PANEL / 2) = rounded32(v, next);
            continue;
        }
#endif
        store16(at, v);
    }
    v16 factor = exp16((v16)(*largest - found));
    *largest = found;
    *total = *total * factor[0] + sum16(sum);
    return factor[0];
}

/* sums[rows, K_PANEL] += places[rows][depth] * weights[depth, width] */
INLINE void multiply_words(float *sums, const float *const *places, const float *weights,
                           size_t width, size_t depth, size_t rows, const int pairs)
{
#if PATH_HAS_BF16
    if (pairs) {
        multiply_pairs(sums, K_PANEL, places, weights, width, (depth + 1) / 2, rows);
        return;
    }
#endif
    (void)pairs;
    multiply(sums, K_PANEL, places, weights, width, depth, rows);
}

INLINE void attention_tile(const k_attention *a, size_t head, size_t row0, size_t rows,
                           const int pairs)
{
    _Alignas(64) float scores[K_ATTENTION_ROWS * K_KEY_BLOCK];
    _Alignas(64) float sums[K_ATTENTION_SUMS];
#if PATH_HAS_BF16
    _Alignas(64) float rounded[K_ATTENTION_ROWS * DEPTH / 2];
#endif
    float largest[K_ATTENTION_ROWS], totals[K_ATTENTION_ROWS];
    const float *places[K_ATTENTION_ROWS];
    const size_t channels = a->heads * a->size, padded = padded_head(a);
    const size_t blocks = (a->keys + K_PANEL - 1) / K_PANEL;
    /* Words that hold the depth of each product. */
    const size_t key_words = pairs ? (a->size + 1) / 2 : a->size;
    const size_t value_words = pairs ? (a->keys + 1) / 2 : a->keys;
    const size_t value_panels = (padded + K_PANEL - 1) / K_PANEL;

    __builtin_memset(sums, 0, value_panels * rows * K_PANEL * sizeof(float));
    for (size_t r = 0; r < rows; r++)
        largest[r] = -__builtin_inff(), totals[r] = 0.0f;
    for (size_t key0 = 0; key0 < a->keys; key0 += K_KEY_BLOCK) {
        const size_t count = smaller(a->keys - key0, K_KEY_BLOCK);
        const size_t panels = (count + K_PANEL - 1) / K_PANEL;
        __builtin_memset(scores, 0, panels * rows * K_PANEL * sizeof(float));
        for (size_t channel = 0; channel < a->size; channel += DEPTH) {
            for (size_t r = 0; r < rows; r++)
                places[r] = a->query + (row0 + r) * channels + head * a->size + channel;
            const size_t depth = smaller(a->size - channel, DEPTH);
#if PATH_HAS_BF16
            if (pairs)
                round_rows(rounded, places, depth, rows);
#endif
            for (size_t panel = 0; panel < panels; panel++)
                multiply_words(scores + panel * rows * K_PANEL, places,
                               a->packed_keys +
                                   ((head * blocks + key0 / K_PANEL + panel) * key_words +
                                    (pairs ? channel / 2 : channel)) * K_PANEL,
                               K_PANEL, depth, rows, pairs);
        }
        for (size_t r = 0; r < rows; r++) {
            float factor =
                softmax_block(scores + r * K_PANEL, rows, count, a->scale, &largest[r],
                              &totals[r], pairs);
            if (factor != 1.0f)
                for (size_t i = 0; i < padded; i += K_LANES) {
                    float *at = sums + (i / K_PANEL * rows + r) * K_PANEL + i % K_PANEL;
                    store16(at, load16(at) * factor);
                }
        }
        for (size_t first = 0; first < count; first += K_PANEL) {
            for (size_t r = 0; r < rows; r++)
                places[r] = scores + (first / K_PANEL * rows + r) * K_PANEL;
            for (size_t i = 0; i < padded; i += K_PANEL) {
                const size_t width = smaller(padded - i, K_PANEL);
                const size_t key = key0 + first;
                multiply_words(sums + i / K_PANEL * rows * K_PANEL, places,
                               a->packed_values + (head * padded + i) * value_words +
                                   (pairs ? key / 2 : key) * width,
                               width, smaller(count - first, K_PANEL), rows, pairs);
            }
        }
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < a->size; i += K_LANES)
            store_some(a->out + (row0 + r) * channels + head * a->size + i,
                       load16(sums + (i / K_PANEL * rows + r) * K_PANEL + i % K_PANEL) / totals[r],
                       smaller(a->size - i, K_LANES));
}

static void attention_tile_floats(const k_attention *a, size_t head, size_t row0, size_t rows)
{
    attention_tile(a, head, row0, rows, 0);
}

#if PATH_HAS_BF16
static void attention_tile_pairs(const k_attention *a, size_t head, size_t row0, size_t rows)
{
    attention_tile(a, head, row0, rows, 1);
}
#endif

static void attention_rows(const k_attention *a, size_t head, size_t row0, size_t row1)
{
    const size_t most = k_attention_rows_together(a->size);
    void (*tile)(const k_attention *, size_t, size_t, size_t) = attention_tile_floats;
#if PATH_HAS_BF16
    if (a->uses_bf16)
        tile = attention_tile_pairs;
#endif
    for (size_t row = row0; row < row1; row += most)
        tile(a, head, row, smaller(row1 - row, most));
}
