/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Kernels of the diffusion networks against plain loops in double. Bounds: those of the tests in
 * Swift. */
#include <math.h>
#include <string.h>

#include "judge.h"
#include "tensor_kernels.h"

static double silu(double x) { return x / (1 + exp(-x)); }
static double gelu(double x) { return x * 0.5 * (1 + erf(x / sqrt(2.0))); }
static size_t least(size_t a, size_t b) { return a < b ? a : b; }

static float *random_numbers(size_t count, float low, float high)
{
    float *out = floats(count);
    random_floats(out, count, low, high);
    return out;
}

/* ---- Products ---- */

typedef struct judged_product {
    k_product product;
    float *weight; /* [couts][cin][tap] */
    size_t cin;
    int rounds; /* both sides to bf16 */
} judged_product;

static void make_product(judged_product *j, size_t cin, size_t couts, size_t side, int is_bf16,
                         int activation)
{
    const size_t taps = side * side, all = k_padded_couts(couts, activation);
    k_product *p = &j->product;
    j->cin = cin;
    j->weight = random_numbers(couts * cin * taps, -1, 1);
    p->side = side, p->stride = 1, p->pad = side == 3;
    p->couts = couts, p->activation = activation, p->weights_are_bf16 = is_bf16;
    float *packed = floats(all * cin * taps), *bias = floats(all);
    if (is_bf16) {
        k_pack_weights_bf16((uint32_t *)packed, j->weight, couts, cin, taps, activation);
        for (size_t i = 0; i < couts * cin * taps; i++)
            j->weight[i] = bf16_to_float(bf16_of_float(j->weight[i]));
    } else {
        k_pack_weights(packed, j->weight, couts, cin, taps, activation);
    }
    p->weights = packed;
    for (size_t c = 0; c < all; c++)
        bias[c] = random_float(-1, 1);
    p->bias = bias;
}

static void add_sources(judged_product *j, size_t height, size_t width, size_t first)
{
    k_product *p = &j->product;
    p->in_height = height, p->in_width = width;
    p->source_count = first < j->cin ? 2 : 1;
    p->sources[0] = (k_source){random_numbers(height * width * first, -1, 1), first};
    if (first < j->cin)
        p->sources[1] = (k_source){random_numbers(height * width * (j->cin - first), -1, 1),
                                   j->cin - first};
    const size_t tall = height << p->in_shift, wide = width << p->in_shift;
    /* As a convolution with so much padding above and to the left, and what fits below. */
    p->out_height = (tall + 2 * p->pad - p->side) / p->stride + 1;
    p->out_width = (wide + 2 * p->pad - p->side) / p->stride + 1;
}

static double source_value(const judged_product *j, size_t pixel, size_t channel)
{
    const k_product *p = &j->product;
    const size_t first = p->sources[0].channels;
    const float value = channel < first ? p->sources[0].data[pixel * first + channel]
                                        : p->sources[1].data[pixel * (j->cin - first) + channel - first];
    return j->rounds ? bf16_to_float(bf16_of_float(value)) : value;
}

/* The sum of one cout with its bias, and of magnitudes. */
static void product_sum(const judged_product *j, size_t y, size_t x, size_t cout, double *sum,
                        double *size)
{
    const k_product *p = &j->product;
    size_t column = 0;
    while (k_packed_cout(column, p->couts, p->activation) != cout)
        column++;
    *sum = p->bias[column];
    *size = fabs(*sum);
    for (size_t tap = 0; tap < p->side * p->side; tap++) {
        const size_t iy = y * p->stride + tap / p->side - p->pad;
        const size_t ix = x * p->stride + tap % p->side - p->pad;
        if (iy >= p->in_height << p->in_shift || ix >= p->in_width << p->in_shift)
            continue;
        const size_t pixel = (iy >> p->in_shift) * p->in_width + (ix >> p->in_shift);
        for (size_t i = 0; i < j->cin; i++) {
            const double product = source_value(j, pixel, i) *
                                   j->weight[(cout * j->cin + i) * p->side * p->side + tap];
            *sum += product;
            *size += fabs(product);
        }
    }
}

static void judge_product(const judged_product *j)
{
    const k_product *p = &j->product;
    const size_t couts = p->activation == K_GEGLU ? p->couts / 2 : p->couts;
    const double roundings = (double)(j->cin * p->side * p->side * 2 + 8) * 0x1p-24;
    for (size_t row = 0; row < p->out_width * p->out_height; row++)
        for (size_t o = 0; o < couts; o++) {
            double value, size, gate, gate_size;
            const double residual = p->residual ? p->residual[row * couts + o] : 0;
            product_sum(j, row / p->out_width, row % p->out_width, o, &value, &size);
            if (p->shift)
                value += p->shift[o], size += fabs((double)p->shift[o]);
            if (p->scale)
                value *= *p->scale, size *= fabs((double)*p->scale);
            switch (p->activation) {
            case K_SILU: value = silu(value) + residual; break;
            case K_RELU:
                value = p->activates_last ? fmax(value + residual, 0) : fmax(value, 0) + residual;
                break;
            case K_GEGLU:
                product_sum(j, row / p->out_width, row % p->out_width, o + couts, &gate, &gate_size);
                size = size * fmax(1, fabs(gelu(gate))) + fabs(value) * gate_size * 1.2;
                value *= gelu(gate);
                size += fabs(value);
                break;
            default: value += residual;
            }
            expect(is_near(p->out[row * couts + o], value,
                           (size + fabs(residual)) * roundings + 4e-7 * size),
                   "%zu to %zu, side %zu, stride %zu, activation %d: %g, not %g", j->cin, p->couts,
                   p->side, p->stride, p->activation, (double)p->out[row * couts + o], value);
        }
}

/* Panels and rows in random parts. */
static void run_product(const k_tensor_kernels *k, const k_product *p)
{
    const size_t panels = (k_padded_couts(p->couts, p->activation) + K_PANEL - 1) / K_PANEL;
    const size_t rows = p->out_width * p->out_height;
    const size_t panel = (size_t)random_int(0, (int)panels), row = (size_t)random_int(0, (int)rows);
    const size_t b[3] = {0, panel, panels}, r[3] = {0, row, rows};
    for (int i = 0; i < 4; i++)
        if (b[i >> 1] < b[(i >> 1) + 1] && r[i & 1] < r[(i & 1) + 1])
            k->product(p, b[i >> 1], b[(i >> 1) + 1], r[i & 1], r[(i & 1) + 1]);
}

static void make_out(judged_product *j)
{
    j->product.out = floats(j->product.out_width * j->product.out_height * j->product.couts);
}

static void judge_products(const k_tensor_kernels *k)
{
    judge_begin("product", k->name);
    for (int trial = 0; trial < 40; trial++) {
        judged_product j = {.cin = 0};
        const int is_bf16 = random_int(0, 1);
        const size_t cin = (size_t)random_int(1, 150) << is_bf16;
        j.rounds = is_bf16 && k->has_bf16;
        make_product(&j, cin, (size_t)random_int(1, 140), 1, is_bf16, K_IDENTITY);
        add_sources(&j, 1, (size_t)random_int(1, 13), cin);
        make_out(&j);
        run_product(k, &j.product);
        judge_product(&j);
        free_memory();
    }
    for (int trial = 0; trial < 32; trial++) {
        judged_product j = {.cin = 0};
        const int is_bf16 = random_int(0, 1);
        const size_t cin = (size_t)random_int(1, 10) << is_bf16;
        j.rounds = is_bf16 && k->has_bf16;
        make_product(&j, cin, (size_t)random_int(1, 40), 3, is_bf16, K_IDENTITY);
        j.product.stride = trial & 1 ? 2 : 1;
        j.product.pad = trial >> 1 & 1;
        j.product.in_shift = trial >> 2 & 1;
        add_sources(&j, (size_t)random_int(3, 6), (size_t)random_int(3, 8), cin);
        make_out(&j);
        run_product(k, &j.product);
        judge_product(&j);
        free_memory();
    }
    static const int activations[5] = {K_IDENTITY, K_SILU, K_RELU, K_RELU, K_GEGLU};
    for (int trial = 0; trial < 25; trial++) {
        judged_product j = {.cin = 0};
        k_product *p = &j.product;
        const int activation = activations[trial % 5];
        const size_t couts = (size_t)random_int(1, 65) * 2;
        make_product(&j, 20, couts, 1, 0, activation);
        p->activates_last = trial % 5 == 3;
        add_sources(&j, 3, 5, 12);
        if (activation != K_GEGLU) {
            p->residual = random_numbers(15 * couts, -1, 1);
            p->shift = random_numbers(couts, -1, 1);
            p->scale = random_numbers(1, -1, 1);
        }
        make_out(&j);
        run_product(k, p);
        judge_product(&j);
        free_memory();
    }
}

static float winograd_memory[K_WINOGRAD_MEMORY / 4];

static void judge_winograd_products(const k_tensor_kernels *k)
{
    judge_begin("winograd product", k->name);
    for (int trial = 0; trial < 8; trial++) {
        judged_product j = {.cin = 0};
        k_product *p = &j.product;
        const size_t cin = (size_t)random_int(1, 6) * K_LANES;
        make_product(&j, cin, (size_t)random_int(1, 4) * K_LANES, 3, trial & 1, K_IDENTITY);
        p->in_shift = trial >> 1 & 1;
        add_sources(&j, (size_t)random_int(7, 12), (size_t)random_int(8, 17), cin);
        make_out(&j);
        const size_t tiles = (p->out_height + 3) / 4 * ((p->out_width + 3) / 4);
        p->chunk_tiles = (size_t)random_int(3, (int)tiles);
        p->values = floats(36 * (p->chunk_tiles * cin + 16));
        const size_t blocks = (p->couts + K_WINOGRAD_COLUMNS - 1) / K_WINOGRAD_COLUMNS;
        for (size_t first = 0, chunk = 0; first < tiles; first += p->chunk_tiles, chunk++) {
            const size_t count = least(tiles - first, p->chunk_tiles);
            k->winograd_values(p, chunk, 0, count / 2);
            k->winograd_values(p, chunk, count / 2, count);
            for (size_t t = 0; t < count; t += K_WINOGRAD_TILES)
                for (size_t block = 0; block < blocks; block++)
                    k->winograd_sums(p, chunk, t, least(count, t + K_WINOGRAD_TILES), block,
                                     winograd_memory);
        }
        judge_product(&j);
        free_memory();
    }
}

/* ---- Norms ---- */

static void judge_norms(const k_tensor_kernels *k)
{
    judge_begin("norm", k->name);
    static const size_t shapes[6][3] = {{32, 0, 8}, {5, 7, 4},  {64, 32, 32},
                                        {20, 40, 4}, {3, 0, 1}, {48, 16, 2}};
    for (int trial = 0; trial < 12; trial++) {
        const size_t *shape = shapes[trial % 6], channels = shape[0] + shape[1];
        const size_t rows = (size_t)random_int(5, 260), size = channels / shape[2];
        const size_t parts = (rows + 127) / 128;
        k_norm n = {
            .sources = {{random_numbers(rows * shape[0], 2, 5), shape[0]},
                        {random_numbers(rows * shape[1] + 1, 2, 5), shape[1]}},
            .source_count = shape[1] ? 2 : 1, .rows = rows, .groups = shape[2],
            .rows_per_part = 128, .epsilon = 1e-5f, .gain = random_numbers(channels, 0.5f, 1.5f),
            .offset = random_numbers(channels, -1, 1), .partials = floats(parts * 2 * channels),
            .factors = floats(2 * channels), .activation = trial >= 6 ? K_SILU : K_IDENTITY,
            .out = floats(rows * channels),
        };
        for (size_t part = 0; part < parts; part++)
            k->norm_part(&n, part);
        k->norm_factors(&n, 0, n.groups);
        k->norm_rows(&n, 0, rows / 2);
        k->norm_rows(&n, rows / 2, rows);
#define IN(r, c) \
    ((double)((c) < shape[0] ? n.sources[0].data[(r) * shape[0] + (c)] \
                             : n.sources[1].data[(r) * shape[1] + (c) - shape[0]]))
        for (size_t g = 0; g < n.groups; g++) {
            double mean = 0, variance = 0;
            for (size_t r = 0; r < rows; r++)
                for (size_t c = g * size; c < (g + 1) * size; c++)
                    mean += IN(r, c) / (double)(rows * size);
            for (size_t r = 0; r < rows; r++)
                for (size_t c = g * size; c < (g + 1) * size; c++)
                    variance += (IN(r, c) - mean) * (IN(r, c) - mean) / (double)(rows * size);
            for (size_t r = 0; r < rows; r++)
                for (size_t c = g * size; c < (g + 1) * size; c++) {
                    double value =
                        (IN(r, c) - mean) / sqrt(variance + 1e-5) * n.gain[c] + n.offset[c];
                    value = n.activation == K_SILU ? silu(value) : value;
                    expect(is_near(n.out[r * channels + c], value, 4e-6), "group norm: %g, not %g",
                           (double)n.out[r * channels + c], value);
                }
        }
#undef IN
        free_memory();
    }
    for (size_t channels = 1; channels <= 41; channels++) {
        const size_t rows = 7, wide = channels == 41 ? 641 : channels;
        const float *in = random_numbers(rows * wide, 2, 5), *gain = random_numbers(wide, 0.5f, 1.5f);
        const float *offset = random_numbers(wide, -1, 1);
        float *out = floats(rows * wide);
        k->layer_norm(out, in, gain, offset, 1e-5f, wide, 0, 3);
        k->layer_norm(out, in, gain, offset, 1e-5f, wide, 3, rows);
        for (size_t r = 0; r < rows; r++) {
            double mean = 0, variance = 0;
            for (size_t c = 0; c < wide; c++)
                mean += in[r * wide + c] / (double)wide;
            for (size_t c = 0; c < wide; c++)
                variance += (in[r * wide + c] - mean) * (in[r * wide + c] - mean) / (double)wide;
            for (size_t c = 0; c < wide; c++) {
                const double value =
                    (in[r * wide + c] - mean) / sqrt(variance + 1e-5) * gain[c] + offset[c];
                /* Few channels may lie close together: then the deviation is small. */
                expect(is_near(out[r * wide + c], value, wide < 4 ? 1e-4 : 4e-6),
                       "layer norm of %zu: %g, not %g", wide, (double)out[r * wide + c], value);
            }
        }
        free_memory();
    }
}

/* ---- Attention ---- */

static void judge_attention(const k_tensor_kernels *k)
{
    static const size_t shapes[8][4] = {{1, 1, 1, 4},   {7, 77, 3, 40},  {98, 65, 2, 4},
                                        {3, 64, 1, 160}, {3, 600, 1, 16}, {5, 257, 1, 72},
                                        {5, 33, 2, 7},  {40, 18, 1, 512}};
    judge_begin("attention", k->name);
    for (int trial = 0; trial < 16; trial++) {
        const size_t *s = shapes[trial % 8], rows = s[0], keys = s[1], heads = s[2], size = s[3];
        const size_t channels = heads * size;
        float *numbers[3] = {random_numbers(rows * channels, -3, 3),
                             random_numbers(keys * channels, -1, 1),
                             random_numbers(keys * channels, -1, 1)};
        k_attention a = {
            .query = numbers[0], .key = numbers[1], .value = numbers[2], .rows = rows,
            .keys = keys, .heads = heads, .size = size, .scale = 1 / sqrtf((float)size),
            .uses_bf16 = trial >= 8, .packed_keys = floats(k_packed_keys_count(keys, heads, size)),
            .packed_values = floats(k_packed_values_count(keys, heads, size)),
            .out = floats(rows * channels),
        };
        const size_t blocks = (keys + K_PANEL - 1) / K_PANEL;
        for (size_t head = 0; head < heads; head++) {
            k->attention_pack(&a, head, 0, blocks / 2);
            k->attention_pack(&a, head, blocks / 2, blocks);
            k->attention_rows(&a, head, 0, rows / 2);
            k->attention_rows(&a, head, rows / 2, rows);
        }
        const int rounds = a.uses_bf16 && k->has_bf16;
        for (int i = 0; i < 3 && rounds; i++)
            for (size_t n = 0; n < (i ? keys : rows) * channels; n++)
                numbers[i][n] = bf16_to_float(bf16_of_float(numbers[i][n]));
        double *shares = memory(keys * sizeof(double));
        for (size_t head = 0; head < heads; head++)
            for (size_t r = 0; r < rows; r++) {
                double largest = -INFINITY, total = 0;
                for (size_t key = 0; key < keys; key++) {
                    shares[key] = 0;
                    for (size_t c = head * size; c < (head + 1) * size; c++)
                        shares[key] +=
                            (double)a.query[r * channels + c] * a.key[key * channels + c];
                    shares[key] /= sqrt((double)size);
                    largest = fmax(largest, shares[key]);
                }
                for (size_t key = 0; key < keys; key++)
                    total += shares[key] = exp(shares[key] - largest);
                for (size_t c = head * size; c < (head + 1) * size; c++) {
                    double sum = 0;
                    for (size_t key = 0; key < keys; key++)
                        sum += shares[key] * a.value[key * channels + c] / total;
                    expect(is_near(a.out[r * channels + c], sum, rounds ? 0x1p-9 + 6e-6 : 6e-6),
                           "%zu rows, %zu keys, %zu heads of %zu: %g, not %g", rows, keys, heads,
                           size, (double)a.out[r * channels + c], sum);
                }
            }
        free_memory();
    }
}

/* ---- Number by number ---- */

static void judge_elements(const k_tensor_kernels *k)
{
    judge_begin("elements", k->name);
    for (size_t count = 1; count < 50; count++) {
        const float *a = random_numbers(count, -20, 20), *b = random_numbers(count, -20, 20);
        float *out[4];
        for (int i = 0; i < 4; i++)
            out[i] = floats(count);
        k->add(out[0], a, b, count);
        k->affine(out[1], a, 1.7f, -0.3f, count);
        k->silu(out[2], a, count);
        k->soft_clamp(out[3], a, count);
        for (size_t i = 0; i < count; i++) {
            const double x = a[i];
            expect(out[0][i] == a[i] + b[i] && is_near(out[1][i], x * 1.7f - 0.3f, 5e-6) &&
                       is_near(out[2][i], silu(x), 1e-6 * fabs(x) + 1e-7) &&
                       is_near(out[3][i], 3 * tanh(x / 3), 2e-6),
                   "element %zu of %zu", i, count);
        }
        free_memory();
    }
}

void judge_tensors(enum k_path path)
{
    const k_tensor_kernels *k;
    for (size_t choice = 0; (k = k_tensor_kernels_of(path, choice)); choice++) {
        judge_products(k);
        judge_winograd_products(k);
        judge_norms(k);
        judge_attention(k);
        judge_elements(k);
    }
}
