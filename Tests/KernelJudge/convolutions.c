/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Convolutions of every arithmetic, kernel, residual and form, against plain loops: exactly where
 * integers are multiplied, else within what the roundings may cost. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"

static size_t padded(size_t channels) { return (channels + K_LANES - 1) / K_LANES * K_LANES; }

static size_t form_bytes(int32_t form)
{
    return form == K_RELU_U8 ? 1 : form == K_PLAIN_FP32 || form == K_RELU_FP32 ? 4 : 2;
}

/* [height, width, padded channels] with a border of one pixel. */
typedef struct tensor {
    size_t height, width, channels, pixel, row, bytes;
    int32_t form;
    uint8_t *first, *at;
    const float *levels; /* integers: number = value * level */
} tensor;

static tensor make(size_t height, size_t width, size_t channels, int32_t form)
{
    tensor t = {height, width, channels, padded(channels) * form_bytes(form), 0, 0, form, NULL,
                NULL, NULL};
    t.row = (width + 2) * t.pixel;
    t.bytes = (height + 2) * t.row;
    t.first = memory(t.bytes);
    t.at = t.first + t.row + t.pixel;
    return t;
}

static const uint8_t *number(const tensor *t, size_t y, size_t x, size_t c)
{
    return t->at + y * t->row + x * t->pixel + c * form_bytes(t->form);
}

/* As it is kept: a float, or an integer of as many levels. */
static float kept(const tensor *t, size_t y, size_t x, size_t c)
{
    const uint8_t *p = number(t, y, x, c);
    float value;
    int16_t word;
    uint16_t half;
    switch (t->form) {
    case K_PLAIN_FP32:
    case K_RELU_FP32: memcpy(&value, p, 4); return value;
    case K_PLAIN_S16: memcpy(&word, p, 2); return word;
    case K_RELU_U8: return *p;
    default: memcpy(&half, p, 2); return bf16_to_float(half);
    }
}

/* What a form makes of a value. */
static float kept_as(float value, int32_t form, float level)
{
    const float positive = value > 0 ? value : 0;
    switch (form) {
    case K_PLAIN_FP32: return value;
    case K_RELU_FP32: return positive;
    case K_PLAIN_BF16: return bf16_to_float(bf16_of_float(value));
    case K_RELU_BF16: return bf16_to_float(bf16_of_float(positive));
    case K_PLAIN_S16: return fminf(fmaxf(rintf(value * level), -32768), 32767);
    default: return fminf(fmaxf(rintf(value * level), 0), 255);
    }
}

/* Random numbers inside, zeros in the border. Padding channels of integers hold anything; floats 0. */
static void fill(tensor *t)
{
    memset(t->first, 0, t->bytes);
    for (size_t y = 0; y < t->height; y++)
        for (size_t x = 0; x < t->width; x++) {
            uint8_t *p = t->at + y * t->row + x * t->pixel;
            if (t->form == K_PLAIN_S16 || t->form == K_RELU_U8) {
                random_bytes(p, t->pixel);
                continue;
            }
            for (size_t c = 0; c < t->channels; c++) {
                const float value = random_float(-1, 1);
                const uint16_t half = bf16_of_float(value);
                if (form_bytes(t->form) == 4)
                    memcpy(p + c * 4, &value, 4);
                else
                    memcpy(p + c * 2, &half, 2);
            }
        }
}

/* ---- One layer ---- */

typedef struct layer {
    enum k_arithmetic arithmetic;
    size_t side, cin, couts, height, width; /* of the output */
    tensor in, residual;
    int has_residual;
    size_t shift; /* of the residual */
    float *weight, *bias, *scale, *steps, *residual_steps;
    int16_t *quantised;
    k_conv conv;
} layer;

static int is_integer(const layer *l) { return l->arithmetic >= K_INT16; }

/* Sum over taps and cins, and the sum of magnitudes. */
static void plain_sum(const layer *l, size_t o, size_t y, size_t x, int in_relu, double *sum,
                      double *size)
{
    const ptrdiff_t first = l->side == 3 ? -1 : 0, stride = l->side == 2 ? 2 : 1;
    *sum = *size = 0;
    for (size_t tap = 0; tap < l->side * l->side; tap++) {
        const ptrdiff_t iy = (ptrdiff_t)y * stride + first + (ptrdiff_t)(tap / l->side);
        const ptrdiff_t ix = (ptrdiff_t)x * stride + first + (ptrdiff_t)(tap % l->side);
        if (iy < 0 || ix < 0 || iy >= (ptrdiff_t)l->in.height || ix >= (ptrdiff_t)l->in.width)
            continue;
        for (size_t i = 0; i < l->cin; i++) {
            const size_t at = (o * l->cin + i) * l->side * l->side + tap;
            double value = kept(&l->in, (size_t)iy, (size_t)ix, i);
            if (in_relu && value < 0)
                value = 0;
            const double weight = is_integer(l)            ? l->quantised[at]
                                  : l->arithmetic == K_BF16 && l->conv.tap_count > 0
                                      ? bf16_to_float(bf16_of_float(l->weight[at]))
                                      : l->weight[at];
            *sum += value * weight;
            *size += fabs(value * weight);
        }
    }
}

/* In the place of a BLAS library, as layers/blas.h calls it. */
static void plain_sgemm(int order, int transpose_a, int transpose_b, int rows, int columns, int depth,
                        float alpha, const float *a, int row_a, const float *b, int row_b, float beta,
                        float *c, int row_c)
{
    expect(order == 101 && transpose_a == 111 && transpose_b == 111 && alpha == 1.0f &&
               row_a >= depth && row_b >= columns && row_c >= columns,
           "a product of %d x %d x %d whose rows are %d, %d and %d long", rows, columns, depth, row_a,
           row_b, row_c);
    for (int y = 0; y < rows; y++)
        for (int x = 0; x < columns; x++) {
            float sum = beta == 0.0f ? 0.0f : beta * c[y * row_c + x];
            for (int k = 0; k < depth; k++)
                sum += a[y * row_a + k] * b[k * row_b + x];
            c[y * row_c + x] = sum;
        }
}

static void make_layer(layer *l, size_t side, size_t cin, size_t couts, size_t height, size_t width)
{
    static const int32_t in_forms[4] = {K_PLAIN_FP32, K_PLAIN_BF16, K_PLAIN_S16, K_RELU_U8};
    const size_t stride = side == 2 ? 2 : 1;
    l->side = side, l->cin = cin, l->couts = couts, l->height = height, l->width = width;
    l->in = make(height * stride, width * stride, cin, in_forms[l->arithmetic]);
    fill(&l->in);
    l->weight = floats(couts * cin * side * side);
    random_floats(l->weight, couts * cin * side * side, -1, 1);
    l->bias = floats(padded(couts));
    l->scale = floats(padded(couts));
    memset(l->bias, 0, padded(couts) * 4);
    random_floats(l->bias, couts, -1, 1);
    l->steps = floats(cin);
    random_floats(l->steps, cin, 1e-4f, 2e-3f);
    l->quantised = memory(couts * cin * side * side * 2);
    l->conv = (k_conv){
        .in = l->in.at, .in_row = l->in.row, .in_pixel = l->in.pixel, .in_channels = cin,
        .in_step = stride, .bias = l->bias, .scale = l->scale,
        .out_vectors = padded(couts) / K_LANES, .out_width = width, .out_height = height,
        .sgemm = plain_sgemm,
    };
}

static void add_residual(layer *l, size_t shift)
{
    l->has_residual = 1;
    l->shift = shift;
    const int32_t form = is_integer(l) ? K_PLAIN_S16 : l->arithmetic == K_BF16 ? K_PLAIN_BF16
                                                                              : K_PLAIN_FP32;
    l->residual = make((l->height + shift) >> shift, (l->width + shift) >> shift, l->couts, form);
    fill(&l->residual);
    l->residual_steps = floats(padded(l->couts));
    random_floats(l->residual_steps, padded(l->couts), 1e-4f, 2e-3f);
    l->conv.residual = l->residual.at;
    l->conv.residual_row = l->residual.row;
    l->conv.residual_pixel = l->residual.pixel;
    l->conv.residual_shift = shift;
    l->conv.residual_form = form;
    l->conv.residual_steps = l->residual_steps;
}

static float added(const layer *l, size_t o, size_t y, size_t x)
{
    const float value = kept(&l->residual, y >> l->shift, x >> l->shift, o);
    return is_integer(l) ? value * l->residual_steps[o] : value;
}

static void bind(layer *l, tensor *outputs, size_t count)
{
    l->conv.output_count = count;
    for (size_t i = 0; i < count; i++)
        l->conv.outputs[i] = (k_output){outputs[i].at, outputs[i].row, outputs[i].pixel, 1,
                                        outputs[i].levels, outputs[i].form};
}

typedef void (*run_tile)(const layer *, const void *kernel, const k_tile *);

/* All of a layer in random tiles: rows and columns cut at multiples of `unit`, couts in two. */
static void run_in_tiles(const layer *l, const void *kernel, size_t blocks, size_t unit,
                         run_tile run)
{
    size_t y[3] = {0, 0, l->height}, x[3] = {0, 0, l->width}, b[3] = {0, 0, blocks};
    y[1] = (size_t)random_int(0, (int)((l->height - 1) / unit)) * unit;
    x[1] = (size_t)random_int(0, (int)((l->width - 1) / unit)) * unit;
    b[1] = (size_t)random_int(0, (int)blocks - 1);
    for (int i = 0; i < 8; i++) {
        const k_tile tile = {b[i >> 2], b[(i >> 2) + 1], y[i >> 1 & 1], y[(i >> 1 & 1) + 1],
                             x[i & 1], x[(i & 1) + 1]};
        if (tile.b0 < tile.b1 && tile.y0 < tile.y1 && tile.x0 < tile.x1)
            run(l, kernel, &tile);
    }
}

static void judge_border(const tensor *t)
{
    for (size_t y = 0; y < t->height + 2; y++)
        for (size_t x = 0; x < t->width + 2; x++) {
            if (y > 0 && y <= t->height && x > 0 && x <= t->width)
                continue;
            for (size_t i = 0; i < t->pixel; i++)
                if (t->first[y * t->row + x * t->pixel + i] != 0) {
                    expect(0, "border of a %zux%zu output at %zu, %zu", t->height, t->width, y, x);
                    return;
                }
        }
    expect(1, "border");
}

/* The forms of a network of one precision, and random ones. */
static size_t random_forms(const layer *l, int32_t forms[3])
{
    static const int32_t float_forms[4] = {K_PLAIN_FP32, K_RELU_FP32, K_PLAIN_BF16, K_RELU_BF16};
    static const int32_t integer_forms[3] = {K_PLAIN_FP32, K_PLAIN_S16, K_RELU_U8};
    const size_t count = (size_t)random_int(1, 3);
    for (size_t i = 0; i < count; i++)
        forms[i] = is_integer(l) ? integer_forms[random_int(0, 2)] : float_forms[random_int(0, 3)];
    return count;
}

/* Every form holds exactly what it makes of the plain result. */
static void judge_forms(layer *l, const tensor *plain, const void *kernel, size_t blocks,
                        size_t unit, run_tile run)
{
    int32_t forms[3];
    tensor outputs[3];
    const size_t count = random_forms(l, forms);
    float *levels = floats(padded(l->couts));
    random_floats(levels, padded(l->couts), 50, 5000);
    for (size_t i = 0; i < count; i++) {
        outputs[i] = make(l->height, l->width, l->couts, forms[i]);
        outputs[i].levels = is_integer(l) ? levels : NULL;
    }
    bind(l, outputs, count);
    run_in_tiles(l, kernel, blocks, unit, run);
    for (size_t i = 0; i < count; i++) {
        judge_border(&outputs[i]);
        for (size_t y = 0; y < l->height; y++)
            for (size_t x = 0; x < l->width; x++)
                for (size_t o = 0; o < l->couts; o++) {
                    const float expected =
                        kept_as(kept(plain, y, x, o), forms[i], levels[o]);
                    expect(kept(&outputs[i], y, x, o) == expected,
                           "form %d: %g, not %g, at %zu, %zu, %zu", forms[i],
                           (double)kept(&outputs[i], y, x, o), (double)expected, y, x, o);
                }
    }
}

/* ---- Plain convolutions ---- */

static void run_convolution(const layer *l, const void *kernel, const k_tile *tile)
{
    ((const k_convolution *)kernel)->run(&l->conv, tile);
}

static void bind_taps(layer *l, size_t numbers, int joins)
{
    const size_t words = (l->cin + numbers - 1) / numbers, columns = joins ? 1 : l->side;
    const ptrdiff_t first = l->side == 3 ? -1 : 0;
    l->conv.in_words = words * (l->side / columns);
    l->conv.tap_count = l->side * columns;
    for (size_t tap = 0; tap < l->conv.tap_count; tap++)
        l->conv.taps[tap] = (first + (ptrdiff_t)(tap / columns)) * (ptrdiff_t)l->in.row +
                            (first + (ptrdiff_t)(tap % columns)) * (ptrdiff_t)l->in.pixel;
}

static void pack_weights(layer *l, const k_convolution *kernel, size_t taps)
{
    const size_t words = k_packed_words(kernel, l->arithmetic, l->couts, l->cin, taps);
    uint32_t *packed = memory(words * 4);
    l->conv.weights = packed;
    if (!is_integer(l)) {
        k_pack_conv(packed, l->weight, kernel, l->arithmetic, l->couts, l->cin, taps);
        return;
    }
    k_pack_quantised(packed, l->scale, l->quantised, l->weight, l->steps, kernel, l->arithmetic,
                     l->couts, l->cin, taps);
    const int limit = l->arithmetic == K_INT8 ? 127 : 2047;
    for (size_t i = 0; i < l->couts * l->cin * taps; i++) {
        const float step = l->steps[i / taps % l->cin], scale = l->scale[i / (l->cin * taps)];
        const float exact = l->weight[i] * step / scale;
        expect(l->quantised[i] == rintf(exact) && abs(l->quantised[i]) <= limit,
               "%g is quantised to %d", (double)exact, l->quantised[i]);
    }
}

static void judge_one(enum k_arithmetic arithmetic, const k_convolution *kernel, size_t side,
                      size_t cin, size_t couts, size_t height, size_t width, int residual)
{
    const size_t numbers = arithmetic == K_FP32 ? 1 : arithmetic == K_INT8 ? 4 : 2;
    layer l = {.arithmetic = arithmetic};
    make_layer(&l, side, cin, couts, height, width);
    if (residual >= 0)
        add_residual(&l, (size_t)residual);
    pack_weights(&l, kernel, side * side);
    const size_t words = (cin + numbers - 1) / numbers;
    bind_taps(&l, numbers, words * 4 == l.in.pixel);
    tensor plain = make(height, width, couts, K_PLAIN_FP32);
    bind(&l, &plain, 1);
    const size_t blocks = k_block_count(l.conv.out_vectors, kernel->max_block);
    run_in_tiles(&l, kernel, blocks, 1, run_convolution);
    judge_border(&plain);
    /* n roundings of at most 2^-24 each: the textbook bound for any order of the sum. */
    const double roundings = (double)(cin * side * side * 2 + 2) * 0x1p-24;
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++)
            for (size_t o = 0; o < couts; o++) {
                double sum, size;
                plain_sum(&l, o, y, x, 0, &sum, &size);
                const float found = kept(&plain, y, x, o);
                const float more = l.has_residual ? added(&l, o, y, x) : 0;
                if (is_integer(&l)) {
                    const float scaled = (float)(int64_t)sum * l.scale[o] + l.bias[o];
                    const float expected = l.has_residual ? scaled + more : scaled;
                    expect(fabs(sum) < 0x1p31 && found == expected,
                           "%zux%zu of %zu to %zu: %.9g, not %.9g, at %zu, %zu, %zu", side, side,
                           cin, couts, (double)found, (double)expected, y, x, o);
                } else {
                    const double bound =
                        (size + fabs((double)l.bias[o]) + fabs((double)more)) * roundings;
                    expect(is_near(found, sum + l.bias[o] + more, bound),
                           "%zux%zu of %zu to %zu: %.9g, not %.9g, at %zu, %zu, %zu", side, side,
                           cin, couts, (double)found, sum + l.bias[o] + more, y, x, o);
                }
            }
    judge_forms(&l, &plain, kernel, blocks, 1, run_convolution);
    free_memory();
}

/* ---- Conversion ---- */

static void run_conversion(const layer *l, const void *kernel, const k_tile *tile)
{
    ((const k_kernels *)kernel)->convert(&l->conv, tile);
}

static void judge_conversion(const k_kernels *kernels)
{
    static const int32_t forms[6] = {K_PLAIN_FP32, K_PLAIN_BF16, K_PLAIN_S16,
                                     K_RELU_FP32,  K_RELU_BF16,  K_RELU_U8};
    for (int i = 0; i < 6; i++) {
        layer l = {.arithmetic = K_FP32};
        const size_t channels = (size_t)random_int(1, 40);
        make_layer(&l, 1, channels, channels, (size_t)random_int(1, 6), (size_t)random_int(1, 9));
        tensor out = make(l.height, l.width, channels, forms[i]);
        float *levels = floats(padded(channels));
        random_floats(levels, padded(channels), 50, 50000);
        if (forms[i] == K_PLAIN_S16 || forms[i] == K_RELU_U8)
            out.levels = levels;
        bind(&l, &out, 1);
        l.conv.outputs[0].border = 0;
        run_in_tiles(&l, kernels, 1, 1, run_conversion);
        for (size_t y = 0; y < l.height; y++)
            for (size_t x = 0; x < l.width; x++)
                for (size_t c = 0; c < channels; c++)
                    expect(kept(&out, y, x, c) ==
                               kept_as(kept(&l.in, y, x, c), forms[i], levels[c]),
                           "form %d at %zu, %zu, %zu", forms[i], y, x, c);
        free_memory();
    }
}

void judge_convolutions(enum k_path path)
{
    for (int arithmetic = K_FP32; arithmetic <= K_INT8; arithmetic++) {
        const enum k_arithmetic a = (enum k_arithmetic)arithmetic;
        const k_convolution *kernel;
        for (size_t choice = 0; (kernel = k_convolution_of(path, a, choice)); choice++) {
            judge_begin("convolution", kernel->name);
            /* Every width of a group, every block of couts. */
            for (size_t vectors = 1; vectors <= 5; vectors++)
                for (size_t width = 1; width <= 17; width++)
                    judge_one(a, kernel, 1, (size_t)random_int(1, 9),
                              vectors * K_LANES - (size_t)random_int(0, 15), 1, width, -1);
            /* Every kernel beside every residual; whole vectors of cins join their taps. */
            for (size_t side = 1; side <= 3; side++)
                for (int residual = -1; residual <= 1; residual++)
                    for (int whole = 0; whole <= 1; whole++)
                        judge_one(a, kernel, side,
                                  whole ? (size_t)random_int(1, 3) * K_LANES
                                        : (size_t)random_int(1, 40),
                                  (size_t)random_int(1, 70), (size_t)random_int(1, 6),
                                  (size_t)random_int(1, 9), residual);
        }
    }
    judge_begin("conversion", k_convolution_of(path, K_FP32, 0)->name);
    judge_conversion(k_kernels_of(path));
}

/* ---- Winograd's way ---- */

static float winograd_scratch[K_WINOGRAD_FLOATS];

static void run_winograd(const layer *l, const void *kernel, const k_tile *tile)
{
    memset(winograd_scratch, 0xff, sizeof winograd_scratch);
    ((const k_winograd *)kernel)->run(&l->conv, winograd_scratch, tile);
}

static void judge_one_winograd(enum k_arithmetic arithmetic, const k_winograd *kernel, size_t cin,
                               size_t couts, size_t height, size_t width, int residual)
{
    layer l = {.arithmetic = arithmetic};
    make_layer(&l, 3, cin, couts, height, width);
    if (residual >= 0)
        add_residual(&l, (size_t)residual);
    uint32_t *packed = memory(k_winograd_words(kernel, couts, cin) * 4);
    k_pack_winograd(packed, l.weight, kernel, couts, cin);
    l.conv.weights = packed;
    l.conv.in_relu = random_int(0, 1);
    tensor plain = make(height, width, couts, K_PLAIN_FP32);
    bind(&l, &plain, 1);
    run_in_tiles(&l, kernel, l.conv.out_vectors, 4, run_winograd);
    judge_border(&plain);
    /* Tolerances and their reasons: those of the tests in Swift. */
    const double tolerance = kernel->numbers == 2 ? 16 * 0x1p-8 / sqrt((double)cin) : 16 * 0x1p-24;
    double largest = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t y = 0; y < height; y++)
            for (size_t x = 0; x < width; x++)
                for (size_t o = 0; o < couts; o++) {
                    double sum, size;
                    plain_sum(&l, o, y, x, l.conv.in_relu, &sum, &size);
                    const double more =
                        l.bias[o] + (double)(l.has_residual ? added(&l, o, y, x) : 0);
                    size += fabs(more);
                    if (pass == 0)
                        largest = fmax(largest, size);
                    else
                        expect(is_near(kept(&plain, y, x, o), sum + more, tolerance * largest),
                               "%zu to %zu, %zux%zu: %.9g, not %.9g, at %zu, %zu, %zu", cin, couts,
                               height, width, (double)kept(&plain, y, x, o), sum + more, y, x, o);
                }
    judge_forms(&l, &plain, kernel, l.conv.out_vectors, 4, run_winograd);
    free_memory();
}

void judge_winograd(enum k_path path)
{
    for (int arithmetic = K_FP32; arithmetic <= K_BF16; arithmetic++) {
        const enum k_arithmetic a = (enum k_arithmetic)arithmetic;
        const k_convolution *beside;
        for (size_t choice = 0; (beside = k_convolution_of(path, a, choice)); choice++) {
            const k_winograd *kernel = k_winograd_of(path, a, choice);
            judge_begin("winograd", beside->name);
            for (int trial = 0; trial < 24; trial++)
                judge_one_winograd(a, kernel, trial % 8 ? (size_t)random_int(1, 40) : 160,
                                   (size_t)random_int(1, 70), (size_t)random_int(1, 13),
                                   (size_t)random_int(1, 18), random_int(-1, 1));
        }
    }
}
