// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

// Shows a picture beside the planes of the very frame it was rendered from.

import * as THREE from "three";
import { PictureFormat } from "/clients/javascript/frameloom.js";
import { ScreenPass } from "./gbuffer.js";

export const modes = ["picture", "base color", "normals", "depth", "roughness", "metallic", "emissive"];

// The planes are taken out of the bytes that were sent, not out of what was drawn.
const fragment = /* glsl */ `
precision highp int;
layout(location = 0) out vec4 color;
uniform sampler2D packed;
uniform sampler2D picture;
uniform bool hasPicture;
uniform bool isBottomUp;
uniform ivec2 size;
uniform vec2 canvas;
uniform int mode;
uniform float split;
uniform bool isBeside;

float byteAt(int index) {
  int word = index / 4;
  return texelFetch(packed, ivec2(word % size.x, word / size.x), 0)[index - 4 * word];
}

vec3 plane(ivec2 at, int which) {
  int count = size.x * size.y, pixel = at.y * size.x + at.x;
  if (which == 1) return vec3(byteAt(3 * pixel), byteAt(3 * pixel + 1), byteAt(3 * pixel + 2));
  if (which == 2) {
    int first = 3 * count + 3 * pixel;
    return vec3(byteAt(first), byteAt(first + 1), byteAt(first + 2));
  }
  if (which == 3) {
    int first = 6 * count + 2 * pixel;
    float metres = (byteAt(first) + 256.0 * byteAt(first + 1)) * 255.0 / 400.0;
    return metres == 0.0 ? vec3(0.0) : vec3(1.0 / (1.0 + 0.15 * metres));
  }
  if (which == 6) {
    int first = 10 * count + 3 * pixel;
    return vec3(byteAt(first), byteAt(first + 1), byteAt(first + 2));
  }
  return vec3(byteAt((which == 4 ? 8 : 9) * count + pixel));
}

vec3 lit(vec2 at) {
  if (!hasPicture) return plane(ivec2(at), 1);
  vec2 unit = at / vec2(size);
  return texture(picture, isBottomUp ? vec2(unit.x, 1.0 - unit.y) : unit).rgb;
}

void main() {
  vec2 unit = vec2(gl_FragCoord.x, canvas.y - gl_FragCoord.y) / canvas;
  bool showsPlane = mode > 0;
  int which = max(mode, 1);
  if (isBeside) {
    showsPlane = unit.x < 0.5;
    unit.x = fract(unit.x * 2.0);
  } else if (mode == 0) {
    showsPlane = unit.x < split;
  }
  vec2 at = min(unit * vec2(size), vec2(size) - 0.001);
  color = vec4(showsPlane ? plane(ivec2(at), which) : lit(at), 1.0);
  if (mode == 0 && !isBeside && split > 0.0 && abs(gl_FragCoord.x - split * canvas.x) < 1.0) color = vec4(1.0);
}`;

export class View {
  constructor(renderer, size) {
    this.renderer = renderer;
    this.size = size;
    this.mode = 0;
    this.split = 0;
    this.isBeside = false;
    /** The picture is a sheet of what the daemon understood: nothing is laid over it. */
    this.isSheet = false;
    this.slot = null;
    this.texture = null;
    this.pass = new ScreenPass(fragment, {
      packed: { value: null }, picture: { value: null }, hasPicture: { value: false },
      isBottomUp: { value: false }, size: { value: new THREE.Vector2(size.width, size.height) },
      canvas: { value: new THREE.Vector2() }, mode: { value: 0 }, split: { value: 0 },
      isBeside: { value: false },
    });
  }

  /**
   * Takes a picture and the slot with its planes; the slot shown before is free again.
   * A JPEG is decoded by the browser first, so that this returns later.
   */
  async show(picture, slot) {
    const image = picture.format === PictureFormat.JPEG
      ? await createImageBitmap(new Blob([picture.pixels], { type: "image/jpeg" })) : null;
    if (image) {
      this.texture?.dispose();
      this.texture = new THREE.Texture(image);
      this.texture.flipY = false;
    } else {
      const { width, height } = picture;
      const fits = this.texture?.isDataTexture && this.texture.image.width === width
        && this.texture.image.height === height;
      if (!fits) {
        this.texture?.dispose();
        this.texture = new THREE.DataTexture(null, width, height);
      }
      this.texture.image.data = picture.pixels;
    }
    this.texture.minFilter = this.texture.magFilter = THREE.LinearFilter;
    this.texture.generateMipmaps = false;
    this.texture.needsUpdate = true;
    if (this.slot && this.slot !== slot) this.slot.isFree = true;
    this.slot = slot;
    this.draw();
  }

  draw() {
    if (!this.slot) return;
    const uniforms = this.pass.uniforms;
    this.renderer.getDrawingBufferSize(uniforms.canvas.value);
    uniforms.packed.value = this.slot.packed.texture;
    uniforms.picture.value = this.texture;
    uniforms.hasPicture.value = this.texture !== null;
    uniforms.mode.value = this.mode;
    uniforms.split.value = this.isSheet ? 0 : this.split;
    uniforms.isBeside.value = this.isBeside;
    this.pass.draw(this.renderer, null);
  }
}
