// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

// Draws the environment's G-buffer with three.js into several render targets, and packs the planes on the
// GPU into the very bytes of an FL_FRAME, so that one read brings them all.

import * as THREE from "three";
import { GLTFLoader } from "GLTFLoader";
import { FRAME_HEAD_BYTES, Format, Plane } from "/clients/javascript/frameloom.js";

const UNITS_PER_METRE = 400;
/** Of all planes, the emissive one included, which only some models read. */
const BYTES_PER_PIXEL = 13;

/** The planes in the order of their bytes, with what FL_OPEN says about them. */
export const planes = [
  { kind: Plane.BASE_COLOR, format: Format.RGB8_SRGB },
  { kind: Plane.NORMALS, format: Format.RGB8_UNORM },
  { kind: Plane.DEPTH, format: Format.R16 },
  { kind: Plane.ROUGHNESS, format: Format.R8 },
  { kind: Plane.METALLIC, format: Format.R8 },
];
/** The last plane, for models that read it. */
export const emissivePlane = { kind: Plane.EMISSIVE, format: Format.RGB8_SRGB };
export const depthScale = 1 / UNITS_PER_METRE;

const surfaceVertex = /* glsl */ `
out vec3 worldPosition;
out vec3 worldNormal;
out vec2 coordinate;
out float viewDepth;
void main() {
  vec4 world = modelMatrix * vec4(position, 1.0);
  vec4 view = viewMatrix * world;
  worldPosition = world.xyz;
  // Models are moved and scaled alike in all directions, so normals need no matrix of their own.
  worldNormal = mat3(modelMatrix) * normal;
  coordinate = uv;
  viewDepth = -view.z;
  gl_Position = projectionMatrix * view;
}`;

// Base color is kept as its square root, which spends eight bits where eyes see them; the mean over the
// samples of a pixel is taken in linear light.
const surfaceFragment = /* glsl */ `
layout(location = 0) out vec4 baseAndMetallic;
layout(location = 1) out vec4 normalAndRoughness;
layout(location = 2) out vec4 depthBytes;
layout(location = 3) out vec4 emissive;
in vec3 worldPosition;
in vec3 worldNormal;
in vec2 coordinate;
in float viewDepth;
uniform vec4 baseFactor;
uniform vec2 roughnessMetallic;
uniform float normalScale;
uniform float alphaCutoff;
uniform vec3 emissiveFactor;
#ifdef HAS_EMISSIVE
uniform sampler2D emissiveTexture;
#endif
#ifdef HAS_BASE
uniform sampler2D baseTexture;
#endif
#ifdef HAS_NORMAL
uniform sampler2D normalTexture;
#endif
#ifdef HAS_SURFACE
uniform sampler2D surfaceTexture;
#endif

// The directions in which the texture's coordinates grow, from how they change over the pixel.
vec3 mappedNormal(vec3 n) {
#ifdef HAS_NORMAL
  vec3 dx = dFdx(worldPosition), dy = dFdy(worldPosition);
  vec2 cx = dFdx(coordinate), cy = dFdy(coordinate);
  vec3 px = cross(n, dx), py = cross(dy, n);
  vec3 tangent = py * cx.x + px * cy.x;
  vec3 bitangent = py * cx.y + px * cy.y;
  float scale = max(dot(tangent, tangent), dot(bitangent, bitangent));
  if (scale > 0.0) {
    vec3 m = texture(normalTexture, coordinate).xyz * 2.0 - 1.0;
    m.xy *= normalScale;
    float unit = inversesqrt(scale);
    // glTF's second coordinate runs down the image.
    n = normalize(tangent * (m.x * unit) - bitangent * (m.y * unit) + n * m.z);
  }
#endif
  return n;
}

void main() {
  vec4 base = baseFactor;
#ifdef HAS_BASE
  base *= texture(baseTexture, coordinate);
#endif
  if (base.a < alphaCutoff) discard;
  vec2 surface = roughnessMetallic;
#ifdef HAS_SURFACE
  surface *= texture(surfaceTexture, coordinate).gb;
#endif
  vec3 n = normalize(gl_FrontFacing ? worldNormal : -worldNormal);
  n = mappedNormal(n);
  float units = clamp(floor(viewDepth * ${UNITS_PER_METRE}.0 + 0.5), 1.0, 65535.0);
  float high = floor(units / 256.0);
  baseAndMetallic = vec4(sqrt(base.rgb), surface.y);
  normalAndRoughness = vec4(n * 0.5 + 0.5, surface.x);
  vec3 light = emissiveFactor;
#ifdef HAS_EMISSIVE
  light *= texture(emissiveTexture, coordinate).rgb;
#endif
  emissive = vec4(sqrt(min(light, 1.0)), 0.0);
  depthBytes = vec4((units - high * 256.0) / 255.0, high / 255.0, 0.0, 1.0);
}`;

const screenVertex = /* glsl */ `
void main() { gl_Position = vec4(position.xy, 0.0, 1.0); }`;

// Each texel of the target is four bytes of the message.
const packFragment = /* glsl */ `
precision highp int;
layout(location = 0) out vec4 bytes;
uniform sampler2D baseAndMetallic;
uniform sampler2D normalAndRoughness;
uniform sampler2D depthBytes;
uniform sampler2D emissive;
uniform ivec2 size;
uniform int samples;

// The first sample of a pixel; pixels count from the top, rows of a texture from the bottom.
ivec2 corner(int pixel) {
  pixel = min(pixel, size.x * size.y - 1);
  return ivec2(pixel % size.x, size.y - 1 - pixel / size.x) * samples;
}

// The mean over a pixel in linear light, encoded.
vec3 color(sampler2D source, int pixel) {
  ivec2 first = corner(pixel);
  vec3 sum = vec3(0.0);
  for (int y = 0; y < samples; y++)
    for (int x = 0; x < samples; x++) {
      vec3 root = texelFetch(source, first + ivec2(x, y), 0).rgb;
      sum += root * root;
    }
  vec3 linear = sum / float(samples * samples);
  vec3 high = 1.055 * pow(linear, vec3(1.0 / 2.4)) - 0.055;
  return mix(high, linear * 12.92, vec3(lessThanEqual(linear, vec3(0.0031308))));
}

vec3 normals(int pixel) {
  ivec2 first = corner(pixel);
  vec3 sum = vec3(0.0);
  for (int y = 0; y < samples; y++)
    for (int x = 0; x < samples; x++) {
      ivec2 at = first + ivec2(x, y);
      // Without depth there is sky, which has no normal.
      if (texelFetch(depthBytes, at, 0).rg != vec2(0.0))
        sum += texelFetch(normalAndRoughness, at, 0).rgb * 2.0 - 1.0;
    }
  return dot(sum, sum) > 0.0 ? normalize(sum) * 0.5 + 0.5 : vec3(128.0 / 255.0);
}

vec2 depth(int pixel) {
  return texelFetch(depthBytes, corner(pixel) + samples / 2, 0).rg;
}

float scalar(sampler2D source, int pixel) {
  ivec2 first = corner(pixel);
  float sum = 0.0;
  for (int y = 0; y < samples; y++)
    for (int x = 0; x < samples; x++) sum += texelFetch(source, first + ivec2(x, y), 0).a;
  return sum / float(samples * samples);
}

vec4 scalars(sampler2D source, int pixel) {
  return vec4(
    scalar(source, pixel), scalar(source, pixel + 1), scalar(source, pixel + 2), scalar(source, pixel + 3));
}

vec4 rgb(vec3 first, vec3 second, int channel) {
  return channel == 0 ? vec4(first, second.r)
    : channel == 1 ? vec4(first.gb, second.rg) : vec4(first.b, second);
}

void main() {
  int count = size.x * size.y;
  int at = 4 * (int(gl_FragCoord.y) * size.x + int(gl_FragCoord.x));
  if (at < 3 * count) {
    int pixel = at / 3;
    bytes = rgb(color(baseAndMetallic, pixel), color(baseAndMetallic, pixel + 1), at - 3 * pixel);
  } else if (at < 6 * count) {
    at -= 3 * count;
    int pixel = at / 3;
    bytes = rgb(normals(pixel), normals(pixel + 1), at - 3 * pixel);
  } else if (at < 8 * count) {
    int pixel = (at - 6 * count) / 2;
    bytes = vec4(depth(pixel), depth(pixel + 1));
  } else if (at < 9 * count) {
    int pixel = at - 8 * count;
    bytes = scalars(normalAndRoughness, pixel);
  } else if (at < 10 * count) {
    int pixel = at - 9 * count;
    bytes = scalars(baseAndMetallic, pixel);
  } else {
    at -= 10 * count;
    int pixel = at / 3;
    bytes = rgb(color(emissive, pixel), color(emissive, pixel + 1), at - 3 * pixel);
  }
}`;

/** Loads a glTF file whose materials become surfaces of the G-buffer. */
export async function loadEnvironment(address, { anisotropy, onProgress }) {
  const gltf = await new GLTFLoader().loadAsync(address, onProgress);
  // Meshes of one material share what is made of it.
  const made = new Map();
  gltf.scene.traverse((object) => {
    if (!object.isMesh) return;
    if (!made.has(object.material)) made.set(object.material, surfaceMaterial(object.material, anisotropy));
    object.material = made.get(object.material);
  });
  return gltf.scene;
}

function surfaceMaterial(source, anisotropy) {
  const defines = {};
  const uniforms = {
    baseFactor: { value: new THREE.Vector4(source.color.r, source.color.g, source.color.b, source.opacity) },
    roughnessMetallic: { value: new THREE.Vector2(source.roughness, source.metalness) },
    normalScale: { value: source.normalScale?.x ?? 1 },
    alphaCutoff: { value: source.alphaTest },
    emissiveFactor: { value: source.emissive.clone().multiplyScalar(source.emissiveIntensity) },
  };
  const use = (texture, name, uniform) => {
    if (!texture) return;
    texture.anisotropy = anisotropy;
    defines[name] = 1;
    uniforms[uniform] = { value: texture };
  };
  use(source.map, "HAS_BASE", "baseTexture");
  use(source.normalMap, "HAS_NORMAL", "normalTexture");
  use(source.emissiveMap, "HAS_EMISSIVE", "emissiveTexture");
  use(source.roughnessMap, "HAS_SURFACE", "surfaceTexture");
  return new THREE.ShaderMaterial({
    glslVersion: THREE.GLSL3, vertexShader: surfaceVertex, fragmentShader: surfaceFragment,
    defines, uniforms, side: source.side, blending: THREE.NoBlending,
  });
}

function target(width, height, options) {
  return new THREE.WebGLRenderTarget(width, height, {
    magFilter: THREE.NearestFilter, minFilter: THREE.NearestFilter, generateMipmaps: false,
    depthBuffer: false, ...options,
  });
}

/** A pass over the whole target with a triangle that covers it. */
export class ScreenPass {
  constructor(fragmentShader, uniforms) {
    this.uniforms = uniforms;
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute(
      "position", new THREE.Float32BufferAttribute([-1, -1, 0, 3, -1, 0, -1, 3, 0], 3));
    const material = new THREE.ShaderMaterial({
      glslVersion: THREE.GLSL3, vertexShader: screenVertex, fragmentShader, uniforms,
      depthTest: false, depthWrite: false, blending: THREE.NoBlending,
    });
    this.mesh = new THREE.Mesh(geometry, material);
    this.mesh.frustumCulled = false;
    this.camera = new THREE.Camera();
  }

  draw(renderer, renderTarget) {
    renderer.setRenderTarget(renderTarget);
    renderer.render(this.mesh, this.camera);
  }
}

/** Draws frames of one size and reads them back; several may be on their way. */
export class GBuffer {
  /**
   * @param samples per side of a pixel; odd numbers have one at the pixel's center, where depth is taken.
   * @param slots frames whose planes are kept for the display.
   */
  constructor(renderer, scene, { width, height, samples, slots }) {
    this.renderer = renderer;
    this.scene = scene;
    this.size = { width, height };
    this.maxPayloadBytes = width * height * BYTES_PER_PIXEL;
    /** What the daemon agreed to read; planes behind it stay here. */
    this.payloadBytes = this.maxPayloadBytes;
    this.surfaces = target(width * samples, height * samples, { count: 4, depthBuffer: true });
    this.pack = new ScreenPass(packFragment, {
      baseAndMetallic: { value: this.surfaces.textures[0] },
      normalAndRoughness: { value: this.surfaces.textures[1] },
      depthBytes: { value: this.surfaces.textures[2] },
      emissive: { value: this.surfaces.textures[3] },
      size: { value: new THREE.Vector2(width, height) },
      samples: { value: samples },
    });
    const gl = renderer.getContext();
    this.slots = Array.from({ length: slots }, () => {
      const pixelBuffer = gl.createBuffer();
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, pixelBuffer);
      gl.bufferData(gl.PIXEL_PACK_BUFFER, this.maxPayloadBytes, gl.STREAM_READ);
      gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
      return {
        packed: target(width, height * BYTES_PER_PIXEL / 4), pixelBuffer, fence: null,
        message: new ArrayBuffer(FRAME_HEAD_BYTES + this.maxPayloadBytes), isFree: true,
      };
    });
  }

  /** A slot that nothing holds, or undefined. */
  freeSlot() { return this.slots.find((slot) => slot.isFree); }

  /** Draws the scene into a slot and asks for its bytes; `isReady` says when they are there. */
  draw(camera, slot) {
    const gl = this.renderer.getContext();
    slot.isFree = false;
    this.renderer.setRenderTarget(this.surfaces);
    this.renderer.setClearColor(0, 0);
    this.renderer.clear();
    this.renderer.render(this.scene, camera);
    this.pack.draw(this.renderer, slot.packed);
    // The target that was drawn last is still bound for reading.
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, slot.pixelBuffer);
    gl.readPixels(0, 0, slot.packed.width, slot.packed.height, gl.RGBA, gl.UNSIGNED_BYTE, 0);
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
    slot.fence = gl.fenceSync(gl.SYNC_GPU_COMMANDS_COMPLETE, 0);
    gl.flush();
  }

  isReady(slot) {
    const gl = this.renderer.getContext();
    const status = gl.clientWaitSync(slot.fence, 0, 0);
    return status === gl.ALREADY_SIGNALED || status === gl.CONDITION_SATISFIED;
  }

  /** Copies the planes into the slot's message, behind the room for the head. */
  read(slot) {
    const gl = this.renderer.getContext();
    gl.deleteSync(slot.fence);
    slot.fence = null;
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, slot.pixelBuffer);
    gl.getBufferSubData(
      gl.PIXEL_PACK_BUFFER, 0, new Uint8Array(slot.message, FRAME_HEAD_BYTES, this.payloadBytes));
    gl.bindBuffer(gl.PIXEL_PACK_BUFFER, null);
  }
}

/** The camera of a pose, with the projection that its numbers in FL_FRAME describe. */
export function makeCamera({ width, height }, fieldOfView) {
  const f = width / 2 / Math.tan(fieldOfView / 2);
  const vertical = 2 * Math.atan(height / 2 / f) * 180 / Math.PI;
  const camera = new THREE.PerspectiveCamera(vertical, width / height, 0.05, 300);
  camera.rotation.order = "YXZ";
  return { camera, fx: f, fy: f, cx: width / 2, cy: height / 2 };
}

/** three.js keeps matrices by columns, the protocol by rows. */
export function cameraToWorld(camera) {
  camera.updateMatrixWorld();
  return camera.matrixWorld.clone().transpose().elements.slice();
}
