/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */

INLINE size_t norm_channels(const k_norm *n)
{
    return n->sources[0].channels + (n->source_count > 1 ? n->sources[1].channels : 0);
}

/* Sums in float over one part's rows, then squares of what is left without their mean: values far
 * from zero lose nothing. The parts are added up in double. */
static void norm_part(const k_norm *n, size_t part)
{
    const size_t channels = norm_channels(n);
    const size_t row0 = part * n->rows_per_part;
    const size_t row1 = smaller(row0 + n->rows_per_part, n->rows);
    float *sums = n->partials + part * 2 * channels;
    for (size_t s = 0; s < n->source_count; s++) {
        const k_source *source = &n->sources[s];
        for (size_t c = 0; c < source->channels; c += K_LANES) {
            size_t some = smaller(source->channels - c, K_LANES);
            v16 sum = 0.0f, squares = 0.0f;
            for (size_t r = row0; r < row1; r++)
                sum += load_some(source->data + r * source->channels + c, some);
            v16 mean = sum / (float)(row1 - row0);
            for (size_t r = row0; r < row1; r++) {
                v16 away = load_some(source->data + r * source->channels + c, some) - mean;
                squares = FMA(away, away, squares);
            }
            store_some(sums + c, sum, some);
            store_some(sums + channels + c, squares, some);
        }
        sums += source->channels;
    }
}

static void norm_factors(const k_norm *n, size_t group0, size_t group1)
{
    const size_t channels = norm_channels(n), size = channels / n->groups;
    const size_t parts = (n->rows + n->rows_per_part - 1) / n->rows_per_part;
    const double count = (double)n->rows * (double)size;
    for (size_t g = group0; g < group1; g++) {
        double sum = 0, squares = 0;
        for (size_t part = 0; part < parts; part++)
            for (size_t c = g * size; c < (g + 1) * size; c++)
                sum += n->partials[part * 2 * channels + c];
        const double mean = sum / count;
        for (size_t part = 0; part < parts; part++) {
            double rows = (double)(smaller((part + 1) * n->rows_per_part, n->rows) -
                                   part * n->rows_per_part);
            for (size_t c = g * size; c < (g + 1) * size; c++) {
                double away = n->partials[part * 2 * channels + c] / rows - mean;
                squares += n->partials[(part * 2 + 1) * channels + c] + rows * away * away;
            }
        }
        double factor = 1 / __builtin_sqrt(squares / count + n->epsilon);
        for (size_t c = g * size; c < (g + 1) * size; c++) {
            double multiplied = factor * n->gain[c];
            n->factors[c] = (float)multiplied;
            n->factors[channels + c] = (float)(n->offset[c] - mean * multiplied);
        }
    }
}

static void norm_rows(const k_norm *n, size_t row0, size_t row1)
{
    const size_t channels = norm_channels(n);
    size_t first = 0;
    for (size_t s = 0; s < n->source_count; s++) {
        const k_source *source = &n->sources[s];
        const float *factors = n->factors + first;
        for (size_t r = row0; r < row1; r++) {
            const float *in = source->data + r * source->channels;
            float *out = n->out + r * channels + first;
            for (size_t c = 0; c < source->channels; c += K_LANES) {
                size_t some = smaller(source->channels - c, K_LANES);
                v16 v = FMA(load_some(in + c, some), load_some(factors + c, some),
                            load_some(factors + channels + c, some));
                store_some(out + c, n->activation == K_SILU ? silu16(v) : v, some);
            }
        }
        first += source->channels;
    }
}

static void layer_norm(float *restrict out, const float *restrict in, const float *gain,
                       const float *offset, float epsilon, size_t channels, size_t row0,
                       size_t row1)
{
    for (size_t r = row0; r < row1; r++) {
        const float *row = in + r * channels;
        v16 sum = 0.0f, squares = 0.0f;
        for (size_t c = 0; c < channels; c += K_LANES)
            sum += load_some(row + c, smaller(channels - c, K_LANES));
        float mean = sum16(sum) / (float)channels;
        for (size_t c = 0; c < channels; c += K_LANES) {
            size_t some = smaller(channels - c, K_LANES);
            v16 away = (v16)0.0f;
            /* Padding must not count: it is not at the mean. */
            store_some((float *)&away, load_some(row + c, some) - mean, some);
            squares = FMA(away, away, squares);
        }
        float factor = 1.0f / __builtin_sqrtf(sum16(squares) / (float)channels + epsilon);
        for (size_t c = 0; c < channels; c += K_LANES) {
            size_t some = smaller(channels - c, K_LANES);
            v16 v = (load_some(row + c, some) - mean) * factor;
            v = FMA(v, load_some(gain + c, some), load_some(offset + c, some));
            store_some(out + r * channels + c, v, some);
        }
    }
}
