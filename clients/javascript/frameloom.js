// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

// The Frameloom wire protocol for browsers: docs/protocol.md through frameloom-gateway, one message of
// the protocol in each binary WebSocket message. Names, numbers and offsets are those of
// Sources/CFrameProtocol/include/frame_protocol.h. Types: frameloom.d.ts.

const MAGIC = 0x4d4f4f4c;
const VERSION = 1;
export const HEADER_BYTES = 32;
const OPEN_BYTES = 328;
const FRAME_BYTES = 208;
/** Bytes of an FL_FRAME before its planes. */
export const FRAME_HEAD_BYTES = HEADER_BYTES + FRAME_BYTES;

const Type = {
  OPEN: 1, FRAME: 2, RESET: 3, RECONFIGURE: 4, CLOSE: 5,
  OPENED: 65, PICTURE: 66, ERROR: 67, CLOSED: 68,
};
export const FrameFlag = { RESET: 1, APPROXIMATE: 2, HAS_CAMERA: 4, HAS_MOTION_FROM: 8, SHOW_PLANES: 16 };
export const PictureFlag = { LATE: 1, APPROXIMATE: 2, HISTORY: 4, HALF: 64, QUARTER: 128 };
/** QUALITY_: the size at which light is computed; at most one of FULL, HALF and QUARTER. */
export const Feature = {
  INCREMENTAL: 2, QUALITY_FULL: 256, QUALITY_HALF: 512, QUALITY_QUARTER: 1024,
  QUALITY_MAY_FALL: 2048,
};
export const Plane = {
  BASE_COLOR: 1, NORMALS: 2, DEPTH: 3, ROUGHNESS: 4, METALLIC: 5, MOTION: 6, KNOWN: 7,
  EMISSIVE: 9,
};
export const Format = {
  RGBA8_SRGB: 1, RGB8_SRGB: 2, RGBA8_LINEAR: 3, RGB8_UNORM: 4, RGB10A2: 5, RGBA16F: 6,
  RG16_OCTAHEDRAL: 7, R8: 8, R16: 9, R16F: 10, R32F: 11, RG16F: 12, RG32F: 13, BGRA8_SRGB: 14,
  RGBA8_UNORM: 15, RGBA8_SNORM: 16, RG8_OCTAHEDRAL: 17, RG16F_OCTAHEDRAL: 18, RGBA8_OCTAHEDRAL: 19,
  D24_LOW: 20, D24_HIGH: 21, FROM_DEPTH: 22, CONSTANT: 23,
};
export const PlaneFlag = { SAME_BYTES: 1 };
export const Origin = { TOP_LEFT: 0, BOTTOM_LEFT: 1 };
export const Mailbox = { LATEST: 0, EVERY: 1 };
export const NormalSpace = { WORLD: 0, VIEW: 1 };
export const DepthKind = { LINEAR: 1, DEVICE_REVERSED: 2, DEVICE: 3, DEVICE_SIGNED: 4, RAY: 5 };
export const RoughnessKind = { DIRECT: 0, SMOOTHNESS: 1, GODOT: 2 };
/** A preset, and added to it where they differ from it: a unit, COLUMN_MAJOR (three.js' `elements`). */
export const Axes = {
  OPENGL: 0, UNITY: 1, UNREAL: 2, BLENDER: 3, METRES: 16, CENTIMETRES: 32, COLUMN_MAJOR: 128,
};
export const MotionFlag = { JITTERED: 1, NDC: 2, UV: 4 };
/** `FrameloomError.code` of a refusal; docs/protocol.md has them all. */
export const ErrorCode = { PLANE: 19, VALUE: 21, MODEL: 32, LIMIT_SESSIONS: 48, IDLE: 64, DRAINING: 66 };
/** JPEG is made by the gateway; the daemon itself sends RGBA8. */
export const PictureFormat = { RGBA8_SRGB: 1, JPEG: 16 };

const bytesPerPixel = {
  [Format.RGBA8_SRGB]: 4, [Format.RGB8_SRGB]: 3, [Format.RGB8_UNORM]: 3, [Format.RGB10A2]: 4,
  [Format.RGBA8_LINEAR]: 4, [Format.RGBA16F]: 8, [Format.RG16_OCTAHEDRAL]: 4,
  [Format.R8]: 1, [Format.R16]: 2, [Format.R16F]: 2, [Format.R32F]: 4, [Format.RG16F]: 4,
  [Format.RG32F]: 8, [Format.BGRA8_SRGB]: 4, [Format.RGBA8_UNORM]: 4, [Format.RGBA8_SNORM]: 4,
  [Format.RG8_OCTAHEDRAL]: 2, [Format.RG16F_OCTAHEDRAL]: 4, [Format.RGBA8_OCTAHEDRAL]: 4,
  [Format.D24_LOW]: 4, [Format.D24_HIGH]: 4, [Format.FROM_DEPTH]: 0, [Format.CONSTANT]: 0,
};

/** What the daemon or the gateway refused, or the connection's end. */
export class FrameloomError extends Error {
  constructor(text, detail = {}) {
    super(text);
    this.name = "FrameloomError";
    Object.assign(this, { code: 0, field: "", value: NaN, limit: NaN, frameId: 0 }, detail);
  }
}

/** Bytes of an FL_FRAME's payload with packed rows. */
export function payloadBytes(options) {
  const pixels = options.width * options.height;
  return options.planes.reduce((sum, plane) => {
    if ((plane.flags ?? 0) & PlaneFlag.SAME_BYTES) return sum;
    return sum + (plane.rowStride ? plane.rowStride * options.height : bytesPerPixel[plane.format] * pixels);
  }, 0);
}

/**
 * One session of the daemon. Open it with `Session.open`; frames and pictures then go by themselves:
 * `send` when `framesInFlight` allows it, and `onPicture` for each reply.
 */
export class Session {
  #socket;
  #awaitingOpen = null;
  #awaitingClose = null;
  #inFlight = [];

  /** Connects, opens the session and waits for FL_OPENED. */
  static open(address, options) {
    return new Promise((resolve, reject) => {
      const session = new Session(address);
      session.#awaitingOpen = { resolve: () => resolve(session), reject };
      session.#socket.onopen = () => session.#socket.send(encodeOpen(Type.OPEN, 0, options));
    });
  }

  /** Use `Session.open`. */
  constructor(address) {
    this.onPicture = null;
    this.onError = null;
    this.onEnd = null;
    this.opened = null;
    this.#socket = new WebSocket(address, "frameloom-1");
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onmessage = (event) => this.#receive(event.data);
    this.#socket.onclose = (event) => this.#end(event);
  }

  /** Frames sent and not answered yet; never more than `opened.maxFramesInFlight`. */
  get framesInFlight() { return this.#inFlight.length; }
  /** Bytes that the browser has not handed to the network yet. */
  get bufferedBytes() { return this.#socket.bufferedAmount; }
  get isOpen() { return this.opened !== null && this.#socket.readyState === WebSocket.OPEN; }

  /**
   * Sends one frame. `message` holds FRAME_HEAD_BYTES of room, then the planes; the head is written
   * here, and the browser copies the rest, so that the memory can be used again at once.
   */
  send(message, frame) {
    if (!this.isOpen) throw new FrameloomError("the session is not open");
    writeFrameHead(message, this.opened.payloadBytes, frame);
    this.#inFlight.push(frame.id);
    this.#socket.send(new Uint8Array(message, 0, FRAME_HEAD_BYTES + this.opened.payloadBytes));
  }

  /** The next frame starts without history. */
  reset() { this.#socket.send(header(Type.RESET)); }

  /** A new size or new planes, between frames. */
  reconfigure(options, keepsHistory = false) {
    return new Promise((resolve, reject) => {
      this.#awaitingOpen = { resolve: () => resolve(this.opened), reject };
      this.#socket.send(encodeOpen(Type.RECONFIGURE, keepsHistory ? 2 : 0, options));
    });
  }

  /** Ends the session; frames already sent are still answered. */
  close() {
    return new Promise((resolve) => {
      if (this.#socket.readyState !== WebSocket.OPEN) return resolve();
      this.#awaitingClose = resolve;
      this.#socket.send(header(Type.CLOSE));
    });
  }

  #receive(buffer) {
    let reply;
    try {
      reply = decodeReply(buffer);
    } catch (error) {
      this.#socket.close(4000, "not a reply");
      return this.onError?.(error);
    }
    switch (reply.type) {
      case Type.OPENED:
        this.opened = reply;
        this.#awaitingOpen?.resolve();
        this.#awaitingOpen = null;
        break;
      case Type.PICTURE:
        // Pictures come in order: an older frame without an answer was dropped.
        this.#inFlight = this.#inFlight.filter((id) => id > reply.frameId);
        this.onPicture?.(reply);
        break;
      case Type.ERROR: {
        const error = new FrameloomError(reply.text, reply);
        if (reply.severity === 1) {
          this.#inFlight = this.#inFlight.filter((id) => id !== reply.frameId);
          this.onError?.(error);
        } else if (this.#awaitingOpen) {
          this.#awaitingOpen.reject(error);
          this.#awaitingOpen = null;
        } else {
          this.onError?.(error);
        }
        break;
      }
      default:
        this.#awaitingClose?.();
        this.#awaitingClose = null;
    }
  }

  #end(event) {
    this.opened = null;
    this.#inFlight = [];
    const text = event.reason || (event.code === 1006
      ? "the connection was refused or broke" : `the connection ended (${event.code})`);
    this.#awaitingOpen?.reject(new FrameloomError(text, { code: event.code }));
    this.#awaitingOpen = null;
    this.#awaitingClose?.();
    this.#awaitingClose = null;
    this.onEnd?.(text);
  }
}

/**
 * Watches another client's session through a gateway that was given the control socket. `onPicture` gets
 * its pictures, `onStart` first what they will be, `onEnd` why no more come. Returns a function that ends it.
 */
export function watch(address, { onStart, onPicture, onEnd }) {
  const socket = new WebSocket(address, "frameloom-1");
  let refusal = "";
  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") {
      const line = JSON.parse(data);
      refusal = line.error?.text ?? "";
      if (line.watching) onStart?.(line.watching);
      return;
    }
    const reply = decodeReply(data);
    if (reply.type === Type.PICTURE) onPicture(reply);
    else refusal = "the session ended";
  };
  socket.onclose = (event) => onEnd?.(refusal || event.reason || "the connection was refused or broke");
  return () => socket.close();
}

function header(type, flags = 0, body = 0, payload = 0, frameId = 0) {
  const buffer = new ArrayBuffer(HEADER_BYTES + body);
  writeHeader(new DataView(buffer), type, flags, body, payload, frameId);
  return buffer;
}

function writeHeader(view, type, flags, body, payload, frameId) {
  view.setUint32(0, MAGIC, true);
  view.setUint16(4, VERSION, true);
  view.setUint16(6, type, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, body, true);
  view.setBigUint64(16, BigInt(payload), true);
  view.setBigUint64(24, BigInt(frameId), true);
}

/** FL_OPEN or FL_RECONFIGURE. */
function encodeOpen(type, flags, o) {
  const buffer = header(type, flags, OPEN_BYTES);
  const view = new DataView(buffer, HEADER_BYTES);
  view.setBigUint64(0, BigInt(o.features ?? 0), true);
  view.setUint32(8, o.width, true);
  view.setUint32(12, o.height, true);
  view.setUint8(16, o.planes.length);
  view.setUint8(17, o.origin ?? Origin.TOP_LEFT);
  view.setUint8(18, o.mailbox ?? Mailbox.LATEST);
  view.setUint8(19, o.viewIndex ?? 0);
  view.setUint8(20, o.pictureFormat ?? PictureFormat.RGBA8_SRGB);
  view.setUint8(22, o.normalSpace ?? NormalSpace.WORLD);
  view.setUint8(23, o.axes ?? Axes.OPENGL);
  view.setUint8(24, o.depthKind ?? DepthKind.LINEAR);
  view.setUint8(25, o.roughnessKind ?? RoughnessKind.DIRECT);
  view.setUint8(26, o.motionDirection ?? 0);
  view.setUint8(27, o.motionFlags ?? 0);
  view.setUint32(28, o.frameBudgetMicroseconds ?? 0, true);
  view.setFloat32(32, o.depthScale ?? 0, true);
  view.setFloat32(36, o.motionScale?.[0] ?? 0, true);
  view.setFloat32(40, o.motionScale?.[1] ?? 0, true);
  view.setFloat64(48, o.depthNear ?? 0, true);
  view.setFloat64(56, o.depthFar ?? 0, true);
  view.setBigUint64(64, BigInt(o.seed ?? 0), true);
  writeText(buffer, HEADER_BYTES + 72, o.model ?? "");
  writeText(buffer, HEADER_BYTES + 136, o.clientName ?? "");
  o.planes.forEach((plane, index) => {
    view.setUint8(200 + 8 * index, plane.kind);
    view.setUint8(201 + 8 * index, plane.format);
    view.setUint8(202 + 8 * index, plane.channel ?? 0);
    view.setUint8(203 + 8 * index, plane.flags ?? 0);
    view.setUint32(204 + 8 * index, plane.rowStride ?? 0, true);
  });
  return buffer;
}

function writeText(buffer, offset, text) {
  new Uint8Array(buffer, offset, 63).set(new TextEncoder().encode(text).subarray(0, 63));
}

function writeFrameHead(message, payload, frame) {
  const flags = (frame.flags ?? 0) | (frame.camera ? FrameFlag.HAS_CAMERA : 0)
    | (frame.motionFrom !== undefined ? FrameFlag.HAS_MOTION_FROM : 0);
  writeHeader(new DataView(message), Type.FRAME, flags, FRAME_BYTES, payload, frame.id);
  const view = new DataView(message, HEADER_BYTES, FRAME_BYTES);
  view.setBigUint64(0, BigInt(frame.motionFrom ?? 0), true);
  view.setBigUint64(8, BigInt(Math.round((frame.time ?? 0) * 1e6)), true);
  view.setFloat32(16, 1, true);
  view.setFloat32(20, 1, true);
  view.setFloat32(24, frame.jitter?.[0] ?? 0, true);
  view.setFloat32(28, frame.jitter?.[1] ?? 0, true);
  const c = frame.camera;
  const numbers = c ? [c.fx, c.fy, c.cx, c.cy, c.near ?? 0, c.far ?? 0, ...c.cameraToWorld]
    : new Array(22).fill(0);
  numbers.forEach((value, index) => view.setFloat64(32 + 8 * index, value, true));
}

/** A reply's fields; `pixels` is a view into `buffer`. */
function decodeReply(buffer) {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) {
    throw new FrameloomError("not a Frameloom reply");
  }
  const type = view.getUint16(6, true);
  const flags = view.getUint32(8, true);
  const bodyBytes = view.getUint32(12, true);
  const frameId = Number(view.getBigUint64(24, true));
  const end = HEADER_BYTES + bodyBytes;
  if (end > buffer.byteLength) throw new FrameloomError("a reply without its body");
  const body = new DataView(buffer, HEADER_BYTES, bodyBytes);
  const u64 = (offset) => Number(body.getBigUint64(offset, true));
  const milliseconds = (offset) => u64(offset) / 1e6;
  switch (type) {
    case Type.OPENED:
      return {
        type, sessionId: u64(0), features: u64(8), plannedBytes: u64(16), payloadBytes: u64(24),
        pictureBytes: u64(32), maxFramesInFlight: body.getUint32(40, true),
        history: body.getUint32(44, true), model: readText(buffer, HEADER_BYTES + 48, 64),
        modelVersion: readText(buffer, HEADER_BYTES + 112, 32),
        precision: readText(buffer, HEADER_BYTES + 144, 16),
        kernelPath: readText(buffer, HEADER_BYTES + 160, 48),
        // Earlier daemons end before it.
        precisionReason: bodyBytes >= 304 ? readText(buffer, HEADER_BYTES + 208, 96) : "",
      };
    case Type.PICTURE:
      return {
        type, frameId, time: milliseconds(0),
        historyFrame: flags & PictureFlag.HISTORY ? u64(8) : null,
        isLate: (flags & PictureFlag.LATE) !== 0,
        isApproximate: (flags & PictureFlag.APPROXIMATE) !== 0,
        quality: flags & PictureFlag.HALF ? "half" : flags & PictureFlag.QUARTER ? "quarter" : "full",
        read: milliseconds(16), queue: milliseconds(24), convert: milliseconds(32),
        render: milliseconds(40), encode: milliseconds(48), age: milliseconds(56),
        nextSend: milliseconds(64), load: body.getFloat32(72, true),
        computedShare: body.getFloat32(76, true), width: body.getUint32(80, true),
        height: body.getUint32(84, true), rowStride: body.getUint32(88, true),
        format: body.getUint32(92, true), droppedCount: body.getUint32(100, true),
        pixels: new Uint8Array(buffer, end),
      };
    case Type.ERROR:
      return {
        type, frameId, code: body.getUint32(0, true), severity: body.getUint32(4, true),
        value: body.getFloat64(8, true), limit: body.getFloat64(16, true),
        field: readText(buffer, HEADER_BYTES + 24, 64), text: readText(buffer, HEADER_BYTES + 88, 256),
      };
    case Type.CLOSED:
      return { type };
    default:
      throw new FrameloomError(`a reply of unknown type ${type}`);
  }
}

function readText(buffer, offset, count) {
  const bytes = new Uint8Array(buffer, offset, count);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? count : end));
}
