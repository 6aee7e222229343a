/* SPDX-License-Identifier: Apache-2.0
 * Copyright 2026 The Frameloom authors
 *
 * What the network reads of each 4x4 cell: a plane's 16 pixels are 16 channels. */

typedef struct grid_index {
    size_t low, high;
    float weight; /* of high */
} grid_index;

/* Index of p in [-1, 1] on an axis of `count` points, kept at the border. */
INLINE grid_index on_grid(float p, uint32_t count)
{
    float last = (float)(count - 1), at = (p + 1.0f) * 0.5f * last;
    at = at < 0.0f ? 0.0f : at > last ? last : at;
    size_t low = (size_t)at;
    return (grid_index){low, low + 1 < count ? low + 1 : low, at - (float)low};
}

/* out[probe_stride] = trilinear sample of the probes. */
INLINE void sample_probes(float *out, const k_model *m, float px, float py, float pz)
{
    const grid_index x = on_grid(px, m->probe_x), y = on_grid(py, m->probe_y),
                     z = on_grid(pz, m->probe_z);
    for (uint32_t v = 0; v < m->probe_stride; v += K_LANES) {
        v16 sum = 0.0f;
        UNROLL for (int corner = 0; corner < 8; corner++) {
            size_t iz = corner & 4 ? z.high : z.low, iy = corner & 2 ? y.high : y.low;
            size_t ix = corner & 1 ? x.high : x.low;
            float weight = (corner & 4 ? z.weight : 1.0f - z.weight) *
                           (corner & 2 ? y.weight : 1.0f - y.weight) *
                           (corner & 1 ? x.weight : 1.0f - x.weight);
            size_t at = ((iz * m->probe_y + iy) * m->probe_x + ix) * m->probe_stride + v;
            sum = sum + load16(m->probes + at) * weight;
        }
        store16(out + v, sum);
    }
}

INLINE v16 depth_curve16(v16 depth)
{
    v16 curve = log16(depth + 1.0f) * 0.333333333f - 1.0f;
    return pick16(depth > 0.0f, curve, (v16)1.0f);
}

/* Vectors of channels, one after the other, in the form that their reader asks for. */
INLINE void store_feature(const k_output *to, uint8_t *cell, uint32_t channel, v16 v,
                          const int32_t form)
{
    const v16 levels = form == K_PLAIN_S16 ? load16(to->levels + channel) : (v16)1.0f;
    store_form(cell + channel * bytes_of_form(form), v, levels, form);
}

/* Probes, view and place grid share vectors: `rest` holds them as they follow each other, then
 * zeros. */
INLINE void store_place(const k_output *to, uint8_t *cell, const k_model *m, const k_chunk *k,
                        int32_t index, int32_t has_camera, const int32_t form)
{
    _Alignas(64) float rest[K_MAX_PROBES + K_LANES + K_MAX_PLACE_CHANNELS];
    const uint32_t channels = m->probe_channels + 3 + m->place_channels;
    __builtin_memset(rest, 0, (channels + K_LANES - 1) / K_LANES * K_LANES * sizeof(float));
    if (has_camera) {
        /* Before the view: the padding of the probes' last vector may reach over it. */
        if (k->cell_has_surface[index])
            sample_probes(rest, m, k->cell_position[0][index], k->cell_position[1][index],
                          k->cell_position[2][index]);
        for (uint32_t c = 0; c < 3; c++)
            rest[m->probe_channels + c] = k->view[c][index];
        for (uint32_t c = 0; c < m->place_channels; c++)
            rest[m->probe_channels + 3 + c] = k->place_reads[index][c];
    }
    for (uint32_t v = 0; v < channels; v += K_LANES)
        store_feature(to, cell, m->probe_at + v, load16(rest + v), form);
}

INLINE void pack_form(const k_output *to, const k_model *m, const k_chunk *k, int32_t has_camera,
                      const int32_t form)
{
    for (int32_t index = 0; index < k->count; index++) {
        uint8_t *cell = to->at + (size_t)index * to->pixel;
        const int32_t i = index * K_LANES;
        for (uint32_t c = 0; c < 3; c++) {
            const uint32_t at = c * K_LANES;
            store_feature(to, cell, m->base_at + at, load16(k->base[c] + i) * 2.0f - 1.0f, form);
            store_feature(to, cell, m->normal_at + at, load16(k->normal[c] + i), form);
            store_feature(to, cell, m->source_at + at, load16(k->source[c] + i) * 2.0f - 1.0f,
                          form);
            store_feature(to, cell, m->light_at + at, load16(k->light[c] + i), form);
        }
        store_feature(to, cell, m->depth_at, depth_curve16(load16(k->depth + i)), form);
        store_feature(to, cell, m->roughness_at, load16(k->roughness + i) * 2.0f - 1.0f, form);
        store_feature(to, cell, m->metallic_at, load16(k->metallic + i) * 2.0f - 1.0f, form);
        store_feature(to, cell, m->sigma_at, load16(k->sigma + i) * 2.0f - 1.0f, form);
        store_place(to, cell, m, k, index, has_camera, form);
    }
}

static void pack_features(const k_output *features, const k_model *m, const k_chunk *k,
                          int32_t has_camera)
{
    switch (features->form) {
    case K_PLAIN_BF16: pack_form(features, m, k, has_camera, K_PLAIN_BF16); break;
    case K_PLAIN_S16: pack_form(features, m, k, has_camera, K_PLAIN_S16); break;
    default: pack_form(features, m, k, has_camera, K_PLAIN_FP32); break;
    }
}

static void render_cells(const k_frame *f, const k_output *features, size_t cell_y, size_t x0,
                         size_t x1)
{
    _Alignas(64) k_chunk k;
    k_output chunk = *features;
    k.cell_y = (int32_t)cell_y;
    for (k.cell_x = (int32_t)x0; k.cell_x < (int32_t)x1; k.cell_x += k.count) {
        k.count = (int32_t)x1 - k.cell_x;
        if (k.count > K_CHUNK_CELLS)
            k.count = K_CHUNK_CELLS;
        fetch_next_planes(f, &k);
        load_planes(f, &k);
        /* The place grid's rows are on their way while the history is moved. */
        place(f, &k);
        if (f->has_camera)
            fetch_places(f->model, &k);
        reproject(f, &k);
        average_base(f, &k);
        warp(f, &k);
        if (f->has_camera)
            read_places(f->model, &k);
        pack_features(&chunk, f->model, &k, f->has_camera);
        chunk.at += (size_t)k.count * chunk.pixel;
        const size_t first = cell_y * (size_t)f->cells_x + (size_t)k.cell_x;
        for (int32_t i = 0; i < k.count * K_LANES; i += K_LANES) {
            float *out = f->trusted_light + (first * K_LANES + (size_t)i) * 3;
            v16 trust = 1.0f - load16(k.sigma + i);
            for (int c = 0; c < 3; c++)
                store16(out + c * K_LANES, load16(k.light[c] + i) * trust);
        }
        if (f->kept)
            __builtin_memcpy(f->kept + first * K_LANES, k.kept, (size_t)k.count * K_LANES * 4);
    }
}
