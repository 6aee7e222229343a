/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors */
#define _GNU_SOURCE
#include "open_blas.h"

#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What OpenBLAS reads while it is loaded; later is too late. NULL: taken away. */
static const struct {
    const char *name, *value;
} settings[] = {
    {"OPENBLAS_NUM_THREADS", "1"}, {"GOTO_NUM_THREADS", NULL},  {"OMP_NUM_THREADS", NULL},
    {"OPENBLAS_CORETYPE", NULL},   {"OPENBLAS_L2_SIZE", NULL},  {"OPENBLAS_BLOCK_FACTOR", NULL},
    {"OPENBLAS_VERBOSE", NULL},    {"OPENBLAS_MAIN_FREE", NULL}, {"GOTOBLAS_MAIN_FREE", NULL},
};
#define SETTINGS (sizeof settings / sizeof *settings)

/* NULL where there is no memory: then the variable is not given back. */
static char *copy_of(const char *text) { return text ? strdup(text) : NULL; }

static void set(const char *name, const char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
}

static void *open_with_our_settings(void)
{
    /* Debian and most others; a serial or threaded one, as the system is set up. */
    static const char *const names[] = {"libopenblas.so.0", "libopenblas.so"};
    const char *core = getenv("FRAMELOOM_OPENBLAS_CORE");
    char *before[SETTINGS];
    void *handle = NULL;
    for (size_t i = 0; i < SETTINGS; i++) {
        before[i] = copy_of(getenv(settings[i].name));
        set(settings[i].name, settings[i].value);
    }
    if (core && *core)
        setenv("OPENBLAS_CORETYPE", core, 1);
    for (size_t i = 0; i < sizeof names / sizeof *names && !handle; i++)
        handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    for (size_t i = 0; i < SETTINGS; i++) {
        set(settings[i].name, before[i]);
        free(before[i]);
    }
    return handle;
}

__attribute__((format(printf, 2, 3))) static void refuse(ob_library *library, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(library->error, sizeof library->error, format, arguments);
    va_end(arguments);
}

/* "OpenBLAS 0.3.21 NO_LAPACKE ..." */
static void read_version(ob_library *library, const char *config)
{
    size_t length = 0;
    if (strncmp(config, "OpenBLAS ", 9) == 0)
        while (length + 1 < sizeof library->version &&
               strchr("0123456789.", config[9 + length] ? config[9 + length] : ' ')) {
            library->version[length] = config[9 + length];
            length++;
        }
    library->version[length] = 0;
}

static void read_core(ob_library *library, const char *core)
{
    size_t i = 0;
    for (; core[i] && i + 1 < sizeof library->core; i++) {
        const char c = core[i];
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        library->core[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : is_plain ? c : '_';
    }
    library->core[i] = 0;
}

/* Small whole numbers, whose products any order of sums makes exactly. */
static bool multiplies(ob_sgemm sgemm)
{
    enum { ROWS = 5, COLUMNS = 18, DEPTH = 7 };
    float a[ROWS * DEPTH], b[DEPTH * COLUMNS], c[ROWS * COLUMNS];
    for (int i = 0; i < ROWS * DEPTH; i++)
        a[i] = (float)(i % 11 - 5);
    for (int i = 0; i < DEPTH * COLUMNS; i++)
        b[i] = (float)(i % 13 - 6);
    for (int i = 0; i < ROWS * COLUMNS; i++)
        c[i] = (float)i;
    sgemm(101, 111, 111, ROWS, COLUMNS, DEPTH, 1.0f, a, DEPTH, b, COLUMNS, 1.0f, c, COLUMNS);
    for (int y = 0; y < ROWS; y++)
        for (int x = 0; x < COLUMNS; x++) {
            float sum = (float)(y * COLUMNS + x);
            for (int k = 0; k < DEPTH; k++)
                sum += a[y * DEPTH + k] * b[k * COLUMNS + x];
            if (sum != c[y * COLUMNS + x])
                return false;
        }
    return true;
}

/* ISO C knows no way from an object's address to a function's. */
static void find(void *handle, const char *name, void *function)
{
    void *address = dlsym(handle, name);
    memcpy(function, &address, sizeof address);
}

void ob_load(ob_library *library)
{
    char *(*config)(void), *(*core)(void);
    void (*set_threads)(int);
    ob_sgemm sgemm;
    memset(library, 0, sizeof *library);
    void *handle = open_with_our_settings();
    if (!handle) {
        const char *reason = dlerror();
        refuse(library, "OpenBLAS cannot be loaded (Debian has it as libopenblas0): %s",
               reason ? reason : "no such library");
        return;
    }
    find(handle, "cblas_sgemm", &sgemm);
    find(handle, "openblas_get_config", &config);
    find(handle, "openblas_get_corename", &core);
    find(handle, "openblas_set_num_threads", &set_threads);
    if (!sgemm || !config || !core || !set_threads)
        return refuse(library, "what is called libopenblas lacks functions of OpenBLAS");
    const char *words = config();
    read_version(library, words);
    read_core(library, core());
    if (strstr(words, "USE64BITINT"))
        return refuse(library, "this OpenBLAS counts in 64 bits, which is not supported");
    set_threads(1);
    if (!multiplies(sgemm))
        return refuse(library, "this OpenBLAS (%s) multiplies wrongly", library->core);
    library->sgemm = sgemm;
}
