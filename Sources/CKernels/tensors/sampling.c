/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#include "diffusion_kernels.h"

#include <math.h>
#include <string.h>

/* Noise must be the same on every processor. */
#pragma STDC FP_CONTRACT OFF

void k_sample(const k_sampler_state *state, const k_sampler_step *step, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const float last_clean = state->clean[i];
        float sample = state->sample[i];
        const float clean =
            step->clean_sample * sample + step->clean_prediction * state->prediction[i];
        if (step->corrects)
            sample = step->corrected_sample * state->last_sample[i] +
                     step->corrected_clean * clean + step->corrected_previous * last_clean +
                     step->corrected_before_previous * state->previous_clean[i];
        float next = step->next_sample * sample + step->next_clean * clean;
        if (step->next_previous != 0.0f)
            next += step->next_previous * last_clean;
        if (step->next_noise != 0.0f)
            next += step->next_noise * state->noise[i];
        state->last_sample[i] = sample;
        state->previous_clean[i] = last_clean;
        state->clean[i] = clean;
        state->sample[i] = next;
    }
}

/* Philox 4x32-10: Salmon and others, "Parallel random numbers: as easy as 1, 2, 3" (2011). */
static void philox(uint32_t counter[4], uint64_t seed)
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t a = (uint64_t)counter[0] * 0xD2511F53u;
        const uint64_t b = (uint64_t)counter[2] * 0xCD9E8D57u;
        const uint32_t c1 = counter[1], c3 = counter[3];
        counter[0] = (uint32_t)(b >> 32) ^ c1 ^ key0;
        counter[1] = (uint32_t)b;
        counter[2] = (uint32_t)(a >> 32) ^ c3 ^ key1;
        counter[3] = (uint32_t)a;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

/* For normal x above 0: exponent, and twice the area tangent of the rest. */
static double log_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, 8);
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & 0x000FFFFFFFFFFFFFu) | 0x3FF0000000000000u;
    double m;
    memcpy(&m, &bits, 8);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        exponent++;
    }
    const double s = (m - 1.0) / (m + 1.0), q = s * s;
    double sum = 0.0;
    for (int k = 21; k >= 1; k -= 2)
        sum = sum * q + 1.0 / k;
    return 2.0 * s * sum + exponent * 0.69314718055994531;
}

/* Cosine and sine of a whole turn's fraction 0 ... 1. */
static void circle(double turn, double *cosine, double *sine)
{
    const int quarter = (int)(turn * 4.0 + 0.5);
    const double a = (turn * 4.0 - quarter) * 1.5707963267948966, q = a * a;
    double c = 0.0, s = 0.0;
    for (int k = 16; k >= 2; k -= 2) {
        c = (1.0 + c) * -q / (k * (k - 1));
        s = (1.0 + s) * -q / (k * (k + 1));
    }
    c += 1.0;
    s = (s + 1.0) * a;
    switch (quarter & 3) {
    case 0: *cosine = c, *sine = s; break;
    case 1: *cosine = -s, *sine = c; break;
    case 2: *cosine = -c, *sine = -s; break;
    default: *cosine = s, *sine = -c; break;
    }
}

void k_normal_noise(float *restrict out, size_t count, uint64_t seed, uint64_t frame,
                    uint32_t stream)
{
    for (size_t i = 0; i < count; i += 4) {
        uint32_t word[4] = {(uint32_t)(i / 4), stream, (uint32_t)frame, (uint32_t)(frame >> 32)};
        philox(word, seed);
        float values[4];
        for (int pair = 0; pair < 4; pair += 2) {
            /* Above 0, so that the logarithm is finite. */
            const double u = ((double)word[pair] + 1.0) * 0x1p-32;
            const double radius = sqrt(-2.0 * log_of(u));
            double cosine, sine;
            circle((double)word[pair + 1] * 0x1p-32, &cosine, &sine);
            values[pair] = (float)(radius * cosine);
            values[pair + 1] = (float)(radius * sine);
        }
        memcpy(out + i, values, (count - i < 4 ? count - i : 4) * sizeof(float));
    }
}
