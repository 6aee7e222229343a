/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * PNG in memory to raw samples and back, exactly as stored: no gamma, no change of depth.
 * libpng reports errors by longjmp, which must not cross Swift frames; it ends here.
 */
#ifndef FRAMELOOM_PNG_FILE_H
#define FRAMELOOM_PNG_FILE_H

#include <stddef.h>
#include <stdint.h>

#define PF_MAX_SIDE 16384u
#define PF_TEXT_BYTES 96

/* What the samples are after reading: palettes become RGB, less than 8 bits become 8. */
typedef struct pf_info {
    uint32_t width;
    uint32_t height;
    uint32_t channels;  /* 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA */
    uint32_t bit_depth; /* 8 or 16 */
} pf_info;

/* Bytes of one picture: width * height * channels * bit_depth / 8; sides are at most PF_MAX_SIDE. */
size_t pf_byte_count(const pf_info *info);

/* Both return 0, or -1 with libpng's own words in `text`. */
int pf_read_info(pf_info *info, const uint8_t *file, size_t file_bytes, char text[PF_TEXT_BYTES]);

/* `pixels`: pf_byte_count bytes, rows packed from the top, 16 bit in the machine's byte order.
 * The whole file is checked to its last chunk. */
int pf_read(uint8_t *pixels, const pf_info *info, const uint8_t *file, size_t file_bytes,
            char text[PF_TEXT_BYTES]);

/* Writes at most `room` bytes to `file` and returns the size of the file; 0 with `text` on an error
 * (also if there is not enough room). */
size_t pf_write(uint8_t *file, size_t room, const pf_info *info, const uint8_t *pixels,
                char text[PF_TEXT_BYTES]);

/* Of zlib, which libpng stands on: the checksum of a chunk's type and data, and unpacking at most `room`
 * bytes. pf_inflate returns how many there were, 0 if `packed` is not whole. */
uint32_t pf_crc(const uint8_t *bytes, size_t count);
size_t pf_inflate(uint8_t *bytes, size_t room, const uint8_t *packed, size_t packed_bytes);

/* More than any such picture needs. */
size_t pf_room(const pf_info *info);

#endif
