/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 */
#include "jpeg_file.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

typedef struct {
    struct jpeg_error_mgr base; /* first: libjpeg hands out its address */
    jmp_buf end;
} error_end;

static void on_error(j_common_ptr jpeg) { longjmp(((error_end *)jpeg->err)->end, 1); }

static void on_message(j_common_ptr jpeg, int level) {
    (void)jpeg;
    (void)level;
}

/* A small file can hold thousands of scans over the whole picture. */
static void on_progress(j_common_ptr jpeg) {
    if (((j_decompress_ptr)jpeg)->input_scan_number > 500) on_error(jpeg);
}

static void nothing(j_decompress_ptr jpeg) { (void)jpeg; }

/* libjpeg would go on with grey pixels where a file ends early. */
static boolean no_more(j_decompress_ptr jpeg) {
    on_error((j_common_ptr)jpeg);
    return FALSE;
}

static void skip(j_decompress_ptr jpeg, long count) {
    if (count <= 0) return;
    if ((size_t)count > jpeg->src->bytes_in_buffer) no_more(jpeg);
    jpeg->src->next_input_byte += count;
    jpeg->src->bytes_in_buffer -= (size_t)count;
}

int jf_read(uint8_t *pixels, uint32_t width, uint32_t height, uint32_t channels,
            const uint8_t *file, size_t file_bytes) {
    struct jpeg_decompress_struct jpeg;
    error_end error;
    struct jpeg_source_mgr source = {0};
    struct jpeg_progress_mgr progress = {0};
    memset(&jpeg, 0, sizeof jpeg);
    jpeg.err = jpeg_std_error(&error.base);
    error.base.error_exit = on_error;
    error.base.emit_message = on_message;
    if (setjmp(error.end)) {
        jpeg_destroy_decompress(&jpeg);
        return -1;
    }
    jpeg_create_decompress(&jpeg);
    source.init_source = nothing;
    source.fill_input_buffer = no_more;
    source.skip_input_data = skip;
    source.resync_to_restart = jpeg_resync_to_restart;
    source.term_source = nothing;
    source.next_input_byte = file;
    source.bytes_in_buffer = file_bytes;
    jpeg.src = &source;
    progress.progress_monitor = on_progress;
    jpeg.progress = &progress;
    jpeg_read_header(&jpeg, TRUE);
    if (jpeg.image_width != width || jpeg.image_height != height ||
        jpeg.num_components != (int)channels)
        on_error((j_common_ptr)&jpeg);
    jpeg.out_color_space = channels == 1 ? JCS_GRAYSCALE : JCS_RGB;
    /* The exact integer transform: every build of libjpeg-turbo gives the same samples. */
    jpeg.dct_method = JDCT_ISLOW;
    jpeg_start_decompress(&jpeg);
    while (jpeg.output_scanline < height) {
        JSAMPROW row = pixels + (size_t)jpeg.output_scanline * width * channels;
        jpeg_read_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_decompress(&jpeg);
    jpeg_destroy_decompress(&jpeg);
    return 0;
}
