// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

export const HEADER_BYTES: 32;
/** Bytes of an FL_FRAME before its planes: room that `Session.send` writes into. */
export const FRAME_HEAD_BYTES: 240;

export const FrameFlag: { RESET: 1; APPROXIMATE: 2; HAS_CAMERA: 4; HAS_MOTION_FROM: 8; SHOW_PLANES: 16 };
export const PictureFlag: { LATE: 1; APPROXIMATE: 2; HISTORY: 4; HALF: 64; QUARTER: 128 };
export const Feature: {
  INCREMENTAL: 2; QUALITY_FULL: 256; QUALITY_HALF: 512; QUALITY_QUARTER: 1024;
  QUALITY_MAY_FALL: 2048;
};
export const Plane: {
  BASE_COLOR: 1; NORMALS: 2; DEPTH: 3; ROUGHNESS: 4; METALLIC: 5; MOTION: 6; KNOWN: 7;
  EMISSIVE: 9;
};
export const Format: {
  RGBA8_SRGB: 1; RGB8_SRGB: 2; RGBA8_LINEAR: 3; RGB8_UNORM: 4; RGB10A2: 5; RGBA16F: 6;
  RG16_OCTAHEDRAL: 7; R8: 8; R16: 9; R16F: 10; R32F: 11; RG16F: 12; RG32F: 13; BGRA8_SRGB: 14;
  RGBA8_UNORM: 15; RGBA8_SNORM: 16; RG8_OCTAHEDRAL: 17; RG16F_OCTAHEDRAL: 18; RGBA8_OCTAHEDRAL: 19;
  D24_LOW: 20; D24_HIGH: 21; FROM_DEPTH: 22; CONSTANT: 23;
};
export const PlaneFlag: { SAME_BYTES: 1 };
export const Origin: { TOP_LEFT: 0; BOTTOM_LEFT: 1 };
export const Mailbox: { LATEST: 0; EVERY: 1 };
export const NormalSpace: { WORLD: 0; VIEW: 1 };
export const DepthKind: { LINEAR: 1; DEVICE_REVERSED: 2; DEVICE: 3; DEVICE_SIGNED: 4; RAY: 5 };
export const RoughnessKind: { DIRECT: 0; SMOOTHNESS: 1; GODOT: 2 };
export const Axes: {
  OPENGL: 0; UNITY: 1; UNREAL: 2; BLENDER: 3; METRES: 16; CENTIMETRES: 32; COLUMN_MAJOR: 128;
};
export const MotionFlag: { JITTERED: 1; NDC: 2; UV: 4 };
export const ErrorCode: { PLANE: 19; VALUE: 21; MODEL: 32; LIMIT_SESSIONS: 48; IDLE: 64; DRAINING: 66 };
export const PictureFormat: { RGBA8_SRGB: 1; JPEG: 16 };

export interface PlaneOptions {
  kind: number;
  format: number;
  /** Bytes from one row to the next; 0 or absent: packed. */
  rowStride?: number;
  /** Which one is roughness or metallic; with CONSTANT the value, of 255. */
  channel?: number;
  flags?: number;
}

/** The conventions of a session: `fl_open`. What is absent is 0 there, but for linear depth and RGBA8 pictures. */
export interface OpenOptions {
  width: number;
  height: number;
  planes: PlaneOptions[];
  /** Of `Feature`, added up. */
  features?: number;
  origin?: number;
  mailbox?: number;
  viewIndex?: number;
  pictureFormat?: number;
  normalSpace?: number;
  /** Of `Axes`: whose world cameras and normals are in. */
  axes?: number;
  roughnessKind?: number;
  depthKind?: number;
  motionDirection?: number;
  motionFlags?: number;
  frameBudgetMicroseconds?: number;
  /** Metres per unit of a linear depth plane. */
  depthScale?: number;
  motionScale?: [number, number];
  depthNear?: number;
  depthFar?: number;
  seed?: number;
  model?: string;
  clientName?: string;
}

/** Pixels, and the world that `OpenOptions.axes` names: by default OpenGL's in metres, looks along -Z, +Y up. */
export interface Camera {
  fx: number;
  fy: number;
  cx: number;
  cy: number;
  near?: number;
  far?: number;
  /** 16 numbers for column vectors, by rows; by columns with `Axes.COLUMN_MAJOR`. */
  cameraToWorld: ArrayLike<number> & Iterable<number>;
}

export interface Frame {
  /** Above every id before it. */
  id: number;
  flags?: number;
  camera?: Camera;
  /** Pixels, right and down. */
  jitter?: [number, number];
  motionFrom?: number;
  /** Milliseconds; comes back in the picture. */
  time?: number;
}

export interface Opened {
  sessionId: number;
  features: number;
  plannedBytes: number;
  payloadBytes: number;
  pictureBytes: number;
  maxFramesInFlight: number;
  history: number;
  model: string;
  modelVersion: string;
  precision: string;
  kernelPath: string;
  /** Why the precision, for people; empty from a daemon that does not say. */
  precisionReason: string;
}

/** Times in milliseconds. */
export interface Picture {
  frameId: number;
  time: number;
  historyFrame: number | null;
  isLate: boolean;
  isApproximate: boolean;
  /** At which size its light was computed. */
  quality: "full" | "half" | "quarter";
  read: number;
  queue: number;
  convert: number;
  render: number;
  encode: number;
  age: number;
  nextSend: number;
  load: number;
  computedShare: number;
  width: number;
  height: number;
  /** Bytes; 0 in a JPEG. */
  rowStride: number;
  format: number;
  droppedCount: number;
  /** RGBA8 rows, or a JPEG file. */
  pixels: Uint8Array;
}

export class FrameloomError extends Error {
  code: number;
  field: string;
  value: number;
  limit: number;
  frameId: number;
}

export function payloadBytes(options: OpenOptions): number;

export class Session {
  static open(address: string, options: OpenOptions): Promise<Session>;
  readonly opened: Opened | null;
  readonly framesInFlight: number;
  readonly bufferedBytes: number;
  readonly isOpen: boolean;
  onPicture: ((picture: Picture) => void) | null;
  /** A refused frame, or why the session ended. */
  onError: ((error: FrameloomError) => void) | null;
  onEnd: ((reason: string) => void) | null;
  send(message: ArrayBuffer, frame: Frame): void;
  reset(): void;
  reconfigure(options: OpenOptions, keepsHistory?: boolean): Promise<Opened>;
  close(): Promise<void>;
}

/** What a watched session's pictures will be. */
export interface Watching {
  session: number;
  fps: number;
  width: number;
  height: number;
  /** Whether the first row in memory is the lowest. */
  bottom_up: boolean;
}

export function watch(address: string, handlers: {
  onStart?: (report: Watching) => void;
  onPicture: (picture: Picture) => void;
  onEnd?: (reason: string) => void;
}): () => void;
