/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Functions of one number, halves, and what must be the same on every processor. */
#include <math.h>
#include <string.h>

#include "diffusion_kernels.h"
#include "halves.h"
#include "judge.h"
#include "tensor_kernels.h"

/* ---- Halves ---- */

static double value_of_half(uint16_t half)
{
    const int exponent = half >> 10 & 31, mantissa = half & 1023;
    const double size = exponent == 31  ? (mantissa ? NAN : INFINITY)
                        : exponent == 0 ? ldexp(mantissa, -24)
                                        : ldexp(1024 + mantissa, exponent - 25);
    return half & 0x8000 ? -size : size;
}

/* To nearest, half to even, by the spacing of halves around the value. */
static uint16_t half_of_value(float value)
{
    const uint16_t sign = signbit(value) ? 0x8000 : 0;
    if (isnan(value))
        return 0x7E00 | sign;
    const double size = fabs((double)value);
    int exponent;
    frexp(size, &exponent); /* size = m 2^exponent, m in [1/2, 1) */
    if (exponent < -13)
        exponent = -13;
    const double rounded = nearbyint(ldexp(size, 11 - exponent));
    if (ldexp(rounded, exponent - 11) > 65504)
        return 0x7C00 | sign;
    if (rounded == 0)
        return sign;
    /* A normal number has 11 bits there, the first of which is not kept. */
    const int bits = (int)rounded;
    return (uint16_t)((exponent + 13) * 1024 + bits) | sign;
}

void judge_halves(void)
{
    judge_begin("halves", "every path");
    static uint16_t halves[65536];
    static float widened[65536];
    static uint16_t narrowed[65536];
    for (int i = 0; i < 65536; i++)
        halves[i] = (uint16_t)i;
    halves_widen_f16(widened, halves, 65536);
    for (int i = 0; i < 65536; i++) {
        const double expected = value_of_half((uint16_t)i);
        expect(isnan(expected) ? isnan(widened[i]) : widened[i] == expected,
               "half %04x is %g, not %g", i, (double)widened[i], expected);
    }
    halves_narrow_f16(narrowed, widened, 65536);
    for (int i = 0; i < 65536; i++)
        expect(isnan(widened[i]) ? (narrowed[i] & 0x7C00) == 0x7C00 && (narrowed[i] & 1023)
                                 : narrowed[i] == i,
               "half %04x comes back as %04x", i, narrowed[i]);
    /* Any floats, midpoints between halves and what lies beside them. */
    for (int i = 0; i < 65536; i++) {
        uint32_t bits = (uint32_t)random_bits();
        if (i % 2) {
            const uint32_t exponent = (uint32_t)random_int(102, 144);
            bits = (bits & 0x80000000u) | exponent << 23 | (bits & 0x7FE000u) | 0x1000u;
            bits += (uint32_t)random_int(-1, 1);
        }
        memcpy(widened + i, &bits, 4);
    }
    halves_narrow_f16(narrowed, widened, 65536);
    for (int i = 0; i < 65536; i++)
        expect(isnan(widened[i]) || narrowed[i] == half_of_value(widened[i]),
               "%a is half %04x, not %04x", (double)widened[i], narrowed[i],
               half_of_value(widened[i]));
    halves_widen_bf16(widened, halves, 65536);
    for (int i = 0; i < 65536; i++) {
        uint32_t bits;
        memcpy(&bits, widened + i, 4);
        expect(bits == (uint32_t)i << 16, "bf16 %04x", i);
    }
    /* No alignment is needed. */
    for (size_t count = 1; count < 40; count++) {
        float out[41] = {0};
        halves_widen_f16(out, (const uint8_t *)halves + 2 * 0x3C00 + 1, count);
        uint16_t first;
        memcpy(&first, (const uint8_t *)halves + 2 * 0x3C00 + 1, 2);
        expect(out[0] == value_of_half(first) && out[count] == 0, "%zu unaligned halves", count);
    }
    const float finite[3] = {1, -3e38f, 0}, infinite[2] = {1, INFINITY}, none[1] = {NAN};
    expect(halves_floats_are_finite(finite, 3) && !halves_floats_are_finite(infinite, 2) &&
               !halves_floats_are_finite(none, 1),
           "finite floats");
}

/* ---- The same everywhere ---- */

void judge_sameness(uint64_t seed)
{
    judge_begin("noise", "every path");
    enum { COUNT = 4099 };
    static float noise[COUNT];
    double sum = 0, squares = 0;
    k_normal_noise(noise, COUNT, seed, 7, 3);
    for (size_t i = 0; i < COUNT; i++) {
        sum += noise[i];
        squares += (double)noise[i] * noise[i];
    }
    /* Six deviations of the mean and of the variance of so many numbers. */
    expect(is_near(sum / COUNT, 0, 6 / sqrt(COUNT)), "mean %g", sum / COUNT);
    expect(is_near(squares / COUNT, 1, 6 * sqrt(2.0 / COUNT)), "variance %g", squares / COUNT);
    print_digest("noise", noise, sizeof noise);

    static float state[4][COUNT], prediction[COUNT];
    for (int i = 0; i < 4; i++)
        random_floats(state[i], COUNT, -1, 1);
    random_floats(prediction, COUNT, -1, 1);
    float factors[9];
    random_floats(factors, 9, -1, 1);
    const k_sampler_step step = {factors[0], factors[1], 1, factors[2], factors[3], factors[4],
                                 factors[5], factors[6], factors[7], factors[8], 0.3f};
    const k_sampler_state sampler = {state[0], state[1], state[2], state[3], prediction, noise};
    k_sample(&sampler, &step, COUNT);
    print_digest("sampler", state, sizeof state);

    static float embedding[320];
    for (int timestep = 0; timestep < 1000; timestep += 37) {
        k_timestep_embedding(embedding, (float)timestep, 160, 0, timestep & 1);
        for (size_t i = 0; i < 160; i++) {
            const double angle = timestep * exp(-log(10000.0) * (double)i / 160);
            const double first = timestep & 1 ? sin(angle) : cos(angle);
            const double second = timestep & 1 ? cos(angle) : sin(angle);
            expect(is_near(embedding[i], first, 1e-7) && is_near(embedding[160 + i], second, 1e-7),
                   "timestep %d", timestep);
        }
        print_digest("timestep", embedding, sizeof embedding);
    }

    /* Weights as the portable path holds them. */
    enum { COUTS = 19, CINS = 21 };
    static float weight[COUTS * CINS * 9];
    static float scale[32], steps[CINS];
    static int16_t quantised[COUTS * CINS * 9];
    random_floats(weight, COUTS * CINS * 9, -1, 1);
    random_floats(steps, CINS, 1e-3f, 2e-2f);
    const k_winograd *winograd = k_winograd_of(K_PORTABLE, K_FP32, 0);
    uint32_t *packed = memory(4 * k_winograd_words(winograd, COUTS, CINS));
    k_pack_winograd(packed, weight, winograd, COUTS, CINS);
    print_digest("winograd-weights", packed, 4 * k_winograd_words(winograd, COUTS, CINS));
    for (int arithmetic = K_INT16; arithmetic <= K_INT8; arithmetic++) {
        k_pack_quantised(packed, scale, quantised, weight, steps,
                         k_convolution_of(K_PORTABLE, (enum k_arithmetic)arithmetic, 0),
                         (enum k_arithmetic)arithmetic, COUTS, CINS, 9);
        print_digest("quantised", quantised, sizeof quantised);
        print_digest("scales", scale, sizeof scale);
    }
    free_memory();
}

/* ---- Functions ---- */

typedef void (*map)(float *restrict, const float *restrict, size_t);

static double exact_exp(double x) { return exp(x); }
static double exact_log(double x) { return log(x); }
static double exact_tanh(double x) { return tanh(x); }
static double exact_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double exact_softplus(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }
static double exact_srgb(double x)
{
    return x <= 0.0031308 ? 12.92 * x : 1.055 * pow(x, 1 / 2.4) - 0.055;
}

static void judge_map(const char *name, map function, float low, float high, double absolute,
                      double relative, double (*exact)(double))
{
    float in[1015], out[1015];
    for (size_t tail = 0; tail < K_LANES; tail++) {
        const size_t count = 999 + tail;
        random_floats(in, count, low, high);
        in[0] = low, in[1] = high;
        memset(out, 0xff, sizeof out);
        function(out, in, count);
        for (size_t i = 0; i < count; i++) {
            const double expected = exact(in[i]);
            expect(is_near(out[i], expected, absolute + relative * fabs(expected)),
                   "%s(%g) is %.9g, not %.9g", name, (double)in[i], (double)out[i], expected);
        }
    }
}

/* Tolerances: those of the tests of all paths in Swift. */
void judge_functions(enum k_path path, const char *name)
{
    const k_kernels *k = k_kernels_of(path);
    judge_begin("functions", name);
    judge_map("exp", k->exp, -80, 80, 1e-35, 3e-7, exact_exp);
    judge_map("exp", k->exp, -1, 1, 0, 2e-7, exact_exp);
    judge_map("log", k->log, 1e-6f, 2, 1e-7, 2e-7, exact_log);
    judge_map("log", k->log, 1, 1e9f, 1e-7, 2e-7, exact_log);
    judge_map("tanh", k->tanh, -12, 12, 3e-7, 0, exact_tanh);
    judge_map("sigmoid", k->sigmoid, -80, 90, 1e-35, 4e-7, exact_sigmoid);
    judge_map("softplus", k->softplus, -90, 90, 2e-7, 2e-7, exact_softplus);
    judge_map("srgb", k->srgb, 0, 1, 2e-7, 4e-7, exact_srgb);
    const float far[6] = {-INFINITY, -1e30f, -100, 100, 1e30f, INFINITY};
    float out[6];
    k->exp(out, far, 6);
    expect(out[0] == 0 && out[2] == 0 && isfinite(out[4]) && isfinite(out[5]), "exp far off");
    k->tanh(out, far, 6);
    expect(out[0] <= -0.9999999f && out[5] >= 0.9999999f, "tanh far off");
}
