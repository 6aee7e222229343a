/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * Loops over floats and pixels. Nothing here allocates, locks or keeps state; Swift checks shapes.
 *
 * Every kernel exists once per kernel path, compiled from the same text with another vector width;
 * `k_kernels_of` hands out the table of one path. The order of every sum is fixed by shapes alone,
 * so that a path gives the same bytes however the work is cut into tiles.
 *
 * Activations are [h, w, c] with c padded to a multiple of 16 (what padding channels hold is
 * multiplied by weights of 0; in floats it is 0) and, where a 3x3 convolution reads them, a border
 * of one pixel of zeros.
 */
#ifndef FRAMELOOM_KERNELS_H
#define FRAMELOOM_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#define K_LANES 16       /* pixels of a 4x4 cell; channels that are padded together */
#define K_MAX_TAPS 9
#define K_MAX_OUTPUTS 4
#define K_MAX_PROBES 1024 /* channels of a probe */
#define K_CHUNK_CELLS 8  /* cells that the pixel kernels work on together */
#define K_CHUNK_PIXELS (K_CHUNK_CELLS * K_LANES)
#define K_BLOCKS 4        /* 2x2 blocks of a cell, row by row */
#define K_CHUNK_BLOCKS (K_CHUNK_CELLS * K_BLOCKS)
#define K_MAX_PLACE_LEVELS 6
#define K_MAX_PLACE_CHANNELS 48 /* features of all levels, each in K_BLOCKS blocks */
/* The mean of base color where nothing moved: over so many frames; of 255, how far one may be off. */
#define K_MEAN_FRAMES 8
#define K_MEAN_TOLERANCE 12
/* Surfaces smoother than this that are no metal show mirror images, which do not stay on them when the
 * eye moves. */
#define K_MIRROR_ROUGHNESS 0.3f
#define K_MIRROR_METALLIC 0.5f
#define K_NO_MIRRORS __builtin_inff() /* as `mirror_parallax`: the network is told of all histories */
/* Such surfaces, and metal as smooth, keep so much less of a picture while the eye moves. */
#define K_SMOOTH_SHARE 0.5f
#define K_SHOWN_STEPS 4096 /* of log light that a kept picture tells apart */
/* sRGB: where the network's picture is so far from the kept one, nothing is kept. */
#define K_KEPT_REACH 0.3f
/* Linear light of a pixel's emission, in its largest channel, beyond which it has no history: it
 * would be carried as light on a dark base color, and added again. */
#define K_SHINING (1.0f / 64.0f)
#define K_SHINING_BYTE 34 /* the least sRGB byte beyond it */

/* ---- Convolution -------------------------------------------------------------------------- */

/* What a convolution multiplies. Sums are fp32, or exact integers of 32 bits. Activations go by in
 * words of 32 bits: one float, two bf16, two int16 or four unsigned bytes. */
enum k_arithmetic { K_FP32 = 0, K_BF16, K_INT16, K_INT8 };

/* How a value is kept for its readers: as it is or the larger of it and 0. Integers are rounded
 * half to even and saturate; a number v is v * levels[channel] of them. */
enum k_form {
    K_PLAIN_FP32 = 0, K_PLAIN_BF16, K_PLAIN_S16, K_RELU_FP32, K_RELU_BF16, K_RELU_U8
};

/* A BLAS library's cblas_sgemm: c = alpha a b + beta c. Several threads may call it at once. */
typedef void (*k_sgemm)(int order, int transpose_a, int transpose_b, int rows, int columns,
                        int depth, float alpha, const float *a, int row_a, const float *b, int row_b,
                        float beta, float *c, int row_c);

typedef struct k_output {
    uint8_t *at;         /* pixel (0, 0) inside the border */
    size_t row, pixel;   /* bytes */
    size_t border;       /* pixels of zeros around it: 0 or 1 */
    const float *levels; /* [padded couts], integers only */
    int32_t form;
} k_output;

/* One convolution on one pair of tensors. Strides and offsets are in bytes. */
typedef struct k_conv {
    const uint8_t *in;     /* pixel (0, 0) inside the border */
    size_t in_row;         /* from one row to the next */
    size_t in_pixel;       /* from one pixel to the next */
    size_t in_channels;    /* channels that are summed over */
    size_t in_words;       /* words that they fill */
    size_t in_step;        /* input pixels per output pixel, 1 or 2 */
    size_t in_x0;          /* output column whose pixel `in` points at */
    int32_t in_relu;       /* Winograd's only: 1: the larger of the input and 0 is read */
    size_t tap_count;
    ptrdiff_t taps[K_MAX_TAPS]; /* offset of each tap from the output pixel's place in `in` */
    const uint32_t *weights; /* k_pack_conv, k_pack_quantised */
    const float *bias;     /* [padded couts] */
    const float *scale;    /* [padded couts], integers only: result = sum * scale + bias */
    size_t out_vectors;    /* padded couts / 16 */
    size_t out_width;
    size_t out_height;
    /* Added after the sum; NULL: nothing. Plain, read at (y >> shift, x >> shift). */
    const uint8_t *residual;
    size_t residual_row;
    size_t residual_pixel;
    size_t residual_shift;
    int32_t residual_form;
    const float *residual_steps; /* [padded couts], integers only: 1 / levels */
    k_sgemm sgemm;         /* K_OPENBLAS's fp32 only */
    size_t output_count;
    k_output outputs[K_MAX_OUTPUTS];
} k_conv;

/* A part of a convolution: blocks of couts, rows and columns. */
typedef struct k_tile {
    size_t b0, b1, y0, y1, x0, x1;
} k_tile;

/* The loops of one arithmetic on one kernel path. */
typedef struct k_convolution {
    const char *name;    /* instructions and arithmetic, e.g. "avx512vnni-int8" */
    size_t max_block;    /* vectors of 16 couts that are worked on together */
    size_t weight_words; /* words of weights for a word of activations */
    /* b0 == 0 also clears the border beside the tile. */
    void (*run)(const k_conv *conv, const k_tile *tile);
} k_convolution;

/* Couts are worked on in blocks of at most `max_block` vectors of 16, as equal as they come. */
size_t k_block_count(size_t out_vectors, size_t max_block);
/* First vector of block `index`; `index` == count gives out_vectors. */
size_t k_block_start(size_t out_vectors, size_t max_block, size_t index);

/* Words of packed weights. */
size_t k_packed_words(const k_convolution *kernel, enum k_arithmetic arithmetic, size_t couts,
                      size_t cin, size_t taps);

/* packed[block][tap][word][couts of the block] = weight[cout][cins of the word][tap], fp32 or bf16;
 * padding: 0. */
void k_pack_conv(uint32_t *restrict packed, const float *restrict weight,
                 const k_convolution *kernel, enum k_arithmetic arithmetic, size_t couts,
                 size_t cin, size_t taps);

/* The same of integers. With c = weight * steps[cin], the input's number per level: quantised = c /
 * scale[cout], where scale is the smallest that keeps quantised within +-limit and every sum, at
 * inputs of at most `largest`, within 32 bits. `quantised` [cout][cin][tap] is scratch. */
void k_pack_quantised(uint32_t *restrict packed, float *restrict scale,
                      int16_t *restrict quantised, const float *restrict weight,
                      const float *restrict steps, const k_convolution *kernel,
                      enum k_arithmetic arithmetic, size_t couts, size_t cin, size_t taps);

/* Winograd's loops of one arithmetic on one kernel path, for 3x3 convolutions with a border around
 * their input. They transform inputs and sums in fp32, whatever these are kept as. */
typedef struct k_winograd {
    size_t numbers; /* that are multiplied at once, a word: 1 of fp32 or 2 of bf16 */
    int32_t has_rows; /* 1: weights lie [K_WINOGRAD_PLACES][word][padded couts] */
    /* Couts b0 * 16 ..< b1 * 16 of all tiles of 4x4 outputs that meet the rows and columns of
     * `tile`; b0 == 0 also clears the border beside them. scratch: K_WINOGRAD_FLOATS. */
    void (*run)(const k_conv *conv, float *scratch, const k_tile *tile);
} k_winograd;

#define K_WINOGRAD_PLACES 36
/* Floats of scratch memory that they work in: in a core's own cache with some to spare. */
#define K_WINOGRAD_FLOATS 262144
/* Cins that leave room in it for a few tiles. */
#define K_WINOGRAD_MAX_CIN 1024

/* Words of a 3x3 convolution's weights for `kernel`, and the weights transformed, 4 times as many as
 * there were: packed[couts / 16][K_WINOGRAD_PLACES][word][16]. A word is a cin, or of each 32 cins,
 * the last 16 of an odd number of them, first the even ones in pairs, then the odd ones; padding:
 * 0. */
size_t k_winograd_words(const k_winograd *kernel, size_t couts, size_t cin);
void k_pack_winograd(uint32_t *restrict packed, const float *restrict weight,
                     const k_winograd *kernel, size_t couts, size_t cin);

/* ---- Pixels ------------------------------------------------------------------------------- */

/* Formats as the kernels read them. */
enum k_format {
    K_ABSENT = 0, K_RGBA8, K_RGB8, K_RGB10A2, K_R8, K_R16, K_R32F, K_RG16F, K_RGBA16F
};

typedef struct k_plane {
    const uint8_t *top;   /* the picture's top row, whatever row comes first in memory */
    ptrdiff_t row_stride; /* bytes to the next row below; negative with a bottom-left origin */
    int32_t format;
} k_plane;

enum k_plane_kind {
    K_BASE_COLOR = 0, K_NORMALS, K_DEPTH, K_ROUGHNESS, K_METALLIC, K_MOTION, K_KNOWN, K_EMISSIVE,
    K_PLANE_COUNT
};

/* What the model knows of each place: hashed levels of cells, each half as wide as the one before, of
 * two features. A corner (x, y, z) of a level's cells is row (x ^ y * 2654435761 ^ z * 805459861) %
 * rows of the level's table. */
typedef struct k_place {
    const uint32_t *tables; /* one after the other; two halves a row, the first feature in the low */
    uint32_t rows[K_MAX_PLACE_LEVELS];  /* powers of two */
    uint32_t first[K_MAX_PLACE_LEVELS]; /* where each level's table begins */
    uint32_t levels;        /* 0: there is no grid */
    uint32_t fine_levels;   /* the last so many are read in each 2x2 block, the others once a cell */
    float coarsest_side;    /* metres */
    float bounds_min[3], bounds_max[3]; /* metres: points are kept inside */
    float normal_offset;    /* metres */
} k_place;

/* What the model fixes. */
typedef struct k_model {
    float eps;
    float light_range;         /* D' stays within +- this */
    float carried_light_limit;
    float own_trust;           /* sigma where the history is valid */
    float accumulation;        /* share of a picture that is kept from the one before; 0: nothing */
    float mirror_parallax;     /* radians that the eye moves around a mirror until the network does
                                * without its history; or K_NO_MIRRORS */
    float depth_relative, depth_absolute; /* metres: how far depths may differ */
    float sky_distance;        /* metres */
    float depth_limit;         /* metres: at or beyond it a previous depth is sky, as the frame's own is */
    float bounds_min[3], bounds_scale[3]; /* p = (position - min) * scale - 1 */
    float normal_offset;       /* metres */
    /* Channel of the first plane of each input, and of each output of the head. */
    uint32_t base_at, normal_at, depth_at, roughness_at, metallic_at, source_at, sigma_at, light_at;
    uint32_t probe_at; /* probe features, then 3 of the view, then `place_channels` of the grid */
    uint32_t light_out_at, added_out_at, gate_out_at;
    uint32_t probe_channels, probe_stride; /* stride: padded to 16 */
    uint32_t probe_x, probe_y, probe_z;
    uint32_t place_channels;
    const float *probes;       /* [z, y, x, probe_stride] */
    k_place place;
    float lin[256];            /* linear light of an sRGB byte */
    float log_lin[256];        /* log(lin + eps) */
    /* sRGB bytes of exp(y) - eps in the middle of each of the steps from y = log(eps) to log(1 + eps). */
    uint8_t shown[K_SHOWN_STEPS];
    float shown_low, shown_scale; /* step = (y - low) * scale */
} k_model;

/* The table of what light shows, by the model's eps. */
void k_fill_shown(k_model *model);

/* packed[point, stride] = probes[channel, point]; padding channels: 0. */
void k_pack_probes(float *restrict packed, const float *restrict probes, size_t channels,
                   size_t points, size_t stride);

enum k_motion { K_MOTION_NONE = 0, K_MOTION_STILL, K_MOTION_CAMERA, K_MOTION_PLANE };

/* One frame: where its planes lie, how they are read, where results go. */
typedef struct k_frame {
    const k_model *model;
    int32_t width, height;   /* pixels */
    int32_t cells_x, cells_y; /* 4x4 cells of the padded frame */
    k_plane planes[K_PLANE_COUNT]; /* by k_plane_kind */
    /* Depth. Linear: value * depth_scale. Device: depth_product / (depth_near + d * depth_span). */
    int32_t depth_is_device;
    float depth_scale, depth_near, depth_span, depth_product;
    float depth_far;         /* metres; at or beyond it is sky; may be infinite */
    int32_t turns_normals;   /* 1: view-space normals, turned by `rotation` */
    /* Camera. Ray of pixel (i, j): ((i + ray_x) * ray_sx, (j + ray_y) * ray_sy, -1). */
    int32_t has_camera;
    float ray_x, ray_y, ray_sx, ray_sy;
    float rotation[9], position[3];
    /* Previous frame. q = to_previous * (ray * depth) + previous_origin, then
     * px = previous_sx * q.x / -q.z + previous_cx, the same with y. */
    int32_t motion_kind;
    int32_t has_camera_depth; /* 1: z of the point in the previous camera is known */
    float to_previous[9], previous_origin[3];
    float previous_sx, previous_sy; /* pixels: fx and -fy */
    float previous_cx, previous_cy; /* less the previous jitter */
    /* Motion plane: px = (i + motion_x + motion_sx * value) * motion_rx - motion_px. */
    float motion_x, motion_y, motion_sx, motion_sy, motion_rx, motion_ry, motion_px, motion_py;
    int32_t previous_width, previous_height;
    const uint8_t *previous_picture, *previous_base; /* RGBA8 [h, w]; base alpha: see next_base */
    const float *previous_depth;                     /* [h, w] metres, 0: sky */
    const uint8_t *previous_coverage;                /* [h, w] */
    int32_t shows_mirrors;   /* 1: mirrors have their history like all, for whoever wants to see it */
    float *history;          /* [h, w, 8]: picture 3, 0, carried light 3, 0 */
    /* Results. NULL where next_base, next_depth and next_coverage are not wanted. */
    uint8_t *next_picture, *next_base;               /* RGBA8 [height, width], top-left; base color's
                                                      * alpha: 256 - the frames in its mean */
    float *next_depth;
    uint8_t *next_coverage;
    uint8_t *picture;        /* RGBA8, the picture's top row */
    ptrdiff_t picture_row_stride;
    float *trusted_light;    /* [cells_y, cells_x, 3, 16]: carried light * (1 - sigma) */
    uint32_t *kept;          /* [cells_y, cells_x, 16]: the previous picture as it would look here, RGB, and
                              * in 255ths how much of it is kept; NULL: nothing is */
    size_t head_stride;      /* floats from one cell of the head's output to the next */
} k_frame;

/* C arrays reach Swift as tuples. */
static inline k_plane k_plane_of(const k_frame *frame, enum k_plane_kind kind)
{
    return frame->planes[kind];
}

static inline void k_set_plane(k_frame *frame, enum k_plane_kind kind, k_plane plane)
{
    frame->planes[kind] = plane;
}

/* A run of cells of one row of cells, pixel by pixel: index = cell * 16 + (y % 4) * 4 + x % 4. The
 * planes come first: on a cache line's start, each of them begins at one. */
typedef struct k_chunk {
    float base[3][K_CHUNK_PIXELS];   /* sRGB 0...1 */
    float normal[3][K_CHUNK_PIXELS]; /* world */
    float depth[K_CHUNK_PIXELS];     /* metres, 0: sky */
    float roughness[K_CHUNK_PIXELS];
    float metallic[K_CHUNK_PIXELS];
    float motion[2][K_CHUNK_PIXELS]; /* units of the plane; NaN: none */
    float previous[2][K_CHUNK_PIXELS]; /* previous pixel, centers at + 0.5 */
    float previous_z[K_CHUNK_PIXELS];  /* z_reprojected */
    int32_t shines[K_CHUNK_PIXELS];    /* 1: gives off so much that it has no history; only with an
                                        * emissive plane */
    int32_t valid[K_CHUNK_PIXELS];     /* 1: has history */
    int32_t frames[K_CHUNK_PIXELS];    /* in base color's mean; 1: the pixel did not stay */
    float source[3][K_CHUNK_PIXELS];   /* x, sRGB 0...1 */
    float sigma[K_CHUNK_PIXELS];
    float light[3][K_CHUNK_PIXELS];    /* carried light */
    int32_t kept[K_CHUNK_PIXELS];      /* see k_frame; only where that has room for it */
    float cell_position[3][K_CHUNK_CELLS];          /* [-1, 1] */
    int32_t cell_has_surface[K_CHUNK_CELLS];
    float view[3][K_CHUNK_CELLS];
    float block_position[3][K_CHUNK_BLOCKS]; /* metres from the place grid's lower corner */
    int32_t block_has_surface[K_CHUNK_BLOCKS];
    /* Coarse levels' features, then of each fine level's features the four blocks. */
    float place_reads[K_CHUNK_CELLS][K_MAX_PLACE_CHANNELS];
    int32_t cell_y, cell_x, count;
} k_chunk;

/* ---- Tables ------------------------------------------------------------------------------- */

typedef struct k_kernels {
    /* Writes the one output of `conv` from its input, fp32 and without taps or weights, that has the
     * same channels. */
    void (*convert)(const k_conv *conv, const k_tile *tile);

    /* out[i] = f(in[i]), any count. */
    void (*exp)(float *restrict out, const float *restrict in, size_t count);
    void (*log)(float *restrict out, const float *restrict in, size_t count);
    void (*tanh)(float *restrict out, const float *restrict in, size_t count);
    void (*sigmoid)(float *restrict out, const float *restrict in, size_t count);
    void (*softplus)(float *restrict out, const float *restrict in, size_t count);
    /* sRGB curve of linear light 0...1. */
    void (*srgb)(float *restrict out, const float *restrict in, size_t count);

    /* Rows y0 ..< y1, columns x0 ..< x1 of the previous frame: picture and carried light, as
     * floats. */
    void (*expand_history)(const k_frame *frame, size_t y0, size_t y1, size_t x0, size_t x1);

    /* The parts of `cells` on one chunk, in this order. */
    void (*load)(const k_frame *frame, k_chunk *chunk);
    void (*reproject)(const k_frame *frame, k_chunk *chunk);
    void (*average)(const k_frame *frame, k_chunk *chunk);
    void (*warp)(const k_frame *frame, k_chunk *chunk);
    void (*place)(const k_frame *frame, k_chunk *chunk);
    /* The place grid at the chunk's blocks. */
    void (*read_places)(const k_model *model, k_chunk *chunk);
    /* Features of the chunk's cells from `features->at` on, `features->pixel` bytes apart, in a plain
     * form. */
    void (*pack)(const k_output *features, const k_model *model, const k_chunk *chunk,
                 int32_t has_camera);
    /* Cells x0 ..< x1 of one row: planes and history to features, from x0 at `features->at` on,
     * trusted light and the next history. */
    void (*cells)(const k_frame *frame, const k_output *features, size_t cell_y, size_t x0,
                  size_t x1);

    /* linear, picture [3, 16 * count] from head [count, head_stride], trusted_light [count, 3, 16]
     * linear_base [3, 16 * count] and emissive, linear [3, 16 * count] or NULL; picture is sRGB
     * 0...1. Count: at most K_CHUNK_CELLS. */
    void (*compose)(float *restrict linear, float *restrict picture, const k_model *model,
                    const float *restrict head, size_t head_stride,
                    const float *restrict trusted_light, const float *restrict linear_base,
                    const float *restrict emissive, size_t count);
    /* Cells x0 ..< x1 of one row: head to picture and next history. `head` is that row's, from cell 0
     * on. */
    void (*pictures)(const k_frame *frame, const float *head, size_t cell_y, size_t x0,
                     size_t x1);
} k_kernels;

/* The portable path is NEON on AArch64, and says so in its name: products are fused there. On
 * K_OPENBLAS a BLAS library makes the products of fp32; everything else is the portable path's. */
enum k_path { K_AVX512 = 0, K_AVX2, K_OPENBLAS, K_PORTABLE };

/* NULL where the processor cannot run the path. */
const k_kernels *k_kernels_of(enum k_path path);

/* Loops that the processor can run on a path, the one to take first, by `choice` from 0; NULL after
 * the last. All choices give the same integers; bf16 by instruction and by fp32 may differ in the
 * last bit of a sum. */
const k_convolution *k_convolution_of(enum k_path path, enum k_arithmetic arithmetic,
                                      size_t choice);

/* Winograd's loops beside them; NULL where integers are multiplied. With an instruction for bf16,
 * those of bf16 round transformed values and weights; without, they multiply them in fp32. */
const k_winograd *k_winograd_of(enum k_path path, enum k_arithmetic arithmetic, size_t choice);

#define K_PROCESSOR_NAME 96 /* bytes with the 0 at the end */

/* What the processor calls itself, with its family, model and stepping where they can be asked: two
 * processors of one name are expected to be as fast as each other. Printable ASCII; ends with 0. */
void k_processor_name(char name[K_PROCESSOR_NAME]);

extern const float k_srgb_to_linear[256];

/* Round to nearest, flush to zero, denormals are zero: for the calling thread. */
void k_prepare_thread(void);

#endif
