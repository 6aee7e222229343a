# SPDX-License-Identifier: Apache-2.0
# Copyright 2026 The Frameloom authors
"""A Panda3D buffer with one target per group of planes, read back as numpy arrays."""
import numpy as np
from panda3d import core

VERTEX = """#version 330
uniform mat4 p3d_ModelMatrix, p3d_ViewMatrix, p3d_ProjectionMatrix;
in vec4 p3d_Vertex;
in vec3 p3d_Normal;
in vec2 p3d_MultiTexCoord0;
out vec3 world_position, world_normal;
out vec2 coordinate;
out float view_depth;
void main() {
  vec4 world = p3d_ModelMatrix * p3d_Vertex;
  vec4 view = p3d_ViewMatrix * world;
  world_position = world.xyz;
  world_normal = mat3(p3d_ModelMatrix) * p3d_Normal;
  coordinate = p3d_MultiTexCoord0;
  view_depth = -view.z;
  gl_Position = p3d_ProjectionMatrix * view;
}"""

# Base color and emitted light as their square roots, so that eight bits hold them; depth in units of 2.5 mm in two bytes.
FRAGMENT = """#version 330
in vec3 world_position, world_normal;
in vec2 coordinate;
in float view_depth;
uniform sampler2D base_texture, normal_texture, surface_texture, emissive_texture;
uniform vec4 base_factor;
uniform vec3 emissive_factor;
uniform vec2 roughness_metallic;
uniform float normal_scale, alpha_cutoff;
layout(location = 0) out vec4 base_and_metallic;
layout(location = 1) out vec4 normal_and_roughness;
layout(location = 2) out vec4 depth_bytes;
layout(location = 3) out vec4 emissive;
void main() {
  // Of a surface seen edge-on a pixel's coordinates can be some thousand; Mesa's software renderer (22.3) then filters
  // for 8 seconds. Wrapped here they mean the same; their derivatives are taken before.
  vec2 cx = dFdx(coordinate), cy = dFdy(coordinate), wrapped = fract(coordinate);
  vec4 base = base_factor * textureGrad(base_texture, wrapped, cx, cy);
  if (base.a < alpha_cutoff) discard;
  vec2 surface = roughness_metallic * textureGrad(surface_texture, wrapped, cx, cy).gb;
  vec3 n = normalize(gl_FrontFacing ? world_normal : -world_normal);
  vec3 dx = dFdx(world_position), dy = dFdy(world_position);
  vec3 px = cross(n, dx), py = cross(dy, n);
  vec3 tangent = py * cx.x + px * cy.x, bitangent = py * cx.y + px * cy.y;
  float scale = max(dot(tangent, tangent), dot(bitangent, bitangent));
  if (normal_scale > 0.0 && scale > 0.0) {
    vec3 m = textureGrad(normal_texture, wrapped, cx, cy).xyz * 2.0 - 1.0;
    m.xy *= normal_scale * inversesqrt(scale);
    n = normalize(tangent * m.x + bitangent * m.y + n * m.z);
  }
  float units = clamp(floor(view_depth * 400.0 + 0.5), 1.0, 65535.0);
  float high = floor(units / 256.0);
  base_and_metallic = vec4(sqrt(base.rgb), surface.y);
  normal_and_roughness = vec4(n * 0.5 + 0.5, surface.x);
  depth_bytes = vec4((units - high * 256.0) / 255.0, high / 255.0, 0.0, 1.0);
  emissive = vec4(sqrt(min(emissive_factor * textureGrad(emissive_texture, wrapped, cx, cy).rgb, 1.0)), 1.0);
}"""

DEPTH_SCALE = 1 / 400


class GBuffer:
    """Draws `scene` from `camera` with `samples` per side of a pixel and averages them.

    `shines`: whether to send what surfaces give off by themselves, for models that read it.
    """

    def __init__(self, engine, output, scene, width, height, samples, shines=False):
        self.shines = shines
        self.engine, self.width, self.height, self.samples = engine, width, height, samples
        properties = core.FrameBufferProperties()
        properties.setRgbaBits(8, 8, 8, 8)
        properties.setAuxRgba(3)
        properties.setDepthBits(24)
        self.buffer = engine.makeOutput(
            output.getPipe(), "G-buffer", -100, properties,
            core.WindowProperties.size(width * samples, height * samples),
            core.GraphicsPipe.BFRefuseWindow, output.getGsg(), output)
        if self.buffer is None:
            raise SystemExit("this driver has no buffer with four color targets")
        self.targets = []
        kind = core.GraphicsOutput
        planes = (kind.RTPColor, kind.RTPAuxRgba0, kind.RTPAuxRgba1, kind.RTPAuxRgba2)
        for plane in planes:
            texture = core.Texture()
            self.buffer.addRenderTexture(texture, kind.RTMCopyRam, plane)
            self.targets.append(texture)
        for plane in planes:
            self.buffer.setClearActive(plane, True)
            self.buffer.setClearValue(plane, core.LColor(0, 0, 0, 0))
        self.buffer.setClearDepthActive(True)
        self.lens = core.PerspectiveLens()
        self.node = core.Camera("G-buffer", self.lens)
        self.camera = core.NodePath(self.node)
        self.camera.reparentTo(scene)
        scene.setShader(core.Shader.make(core.Shader.SL_GLSL, VERTEX, FRAGMENT))
        region = self.buffer.makeDisplayRegion()
        region.setCamera(self.camera)

    def draw(self):
        """The planes of one frame, as `frameloom.Session.submit` takes them."""
        self.engine.renderFrame()
        base, normal, depth, emissive = (self._pixels(texture) for texture in self.targets)
        s = self.samples
        covered = self._cells(depth[..., :2].any(-1))
        normals = self._cells(normal[..., :3].astype(np.float32) / 127.5 - 1) * covered[..., None, :]
        normals = normals.sum(-1)
        length = np.linalg.norm(normals, axis=-1, keepdims=True)
        normals = np.where(length > 0, normals / np.maximum(length, 1e-6), 0)
        # The sample at the pixel's center, where the number of samples is odd.
        center = depth[s // 2::s, s // 2::s].astype(np.uint16)
        root = self._cells(base[..., :3].astype(np.float32) / 255)
        planes = {
            "base_color": srgb8((root * root).mean(-1)),
            "normals": np.rint(normals * 127.5 + 127.5).astype(np.uint8),
            "depth": center[..., 0] | center[..., 1] << 8,
            "roughness": np.rint(self._cells(normal[..., 3]).mean(-1)).astype(np.uint8),
            "metallic": np.rint(self._cells(base[..., 3]).mean(-1)).astype(np.uint8),
        }
        if self.shines:
            light = self._cells(emissive[..., :3].astype(np.float32) / 255)
            planes["emissive"] = srgb8((light * light).mean(-1))
        return planes

    def _pixels(self, texture):
        """RGBA, rows from the top."""
        data = np.frombuffer(texture.getRamImageAs("RGBA"), np.uint8)
        return data.reshape(self.height * self.samples, self.width * self.samples, 4)[::-1]

    def _cells(self, pixels):
        """The samples of each pixel on a last axis of their own."""
        s = self.samples
        cells = pixels.reshape(self.height, s, self.width, s, -1).transpose(0, 2, 4, 1, 3)
        cells = cells.reshape(self.height, self.width, -1, s * s)
        return cells[:, :, 0] if pixels.ndim == 2 else cells


def srgb8(linear):
    high = 1.055 * np.power(np.maximum(linear, 0), 1 / 2.4) - 0.055
    return np.rint(255 * np.where(linear <= 0.0031308, 12.92 * linear, high)).astype(np.uint8)
