/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * JPEG in memory to samples of 8 bits: grey or RGB, no color management.
 * libjpeg reports errors by a callback that must not return; longjmp out of it ends here.
 */
#ifndef FRAMELOOM_JPEG_FILE_H
#define FRAMELOOM_JPEG_FILE_H

#include <stddef.h>
#include <stdint.h>

/* `pixels`: width * height * channels bytes, rows packed from the top; channels is 1 (grey) or 3 (RGB).
 * Returns 0, or -1 for a file that is not whole or not of this width, height and channels. */
int jf_read(uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
            const uint8_t *file, size_t file_bytes);

#endif
