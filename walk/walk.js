// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

// The walk: input becomes a pose, the pose a G-buffer, the G-buffer a picture, again and again.
//
// Address: ?token=TOKEN, and optionally size=512 or size=640x360, samples=1..4 (per side of a pixel),
// pictures=jpeg, model=NAME.

import * as THREE from "three";
import {
  ErrorCode, Feature, FrameFlag, PictureFormat, Session,
} from "/clients/javascript/frameloom.js";
import { Controls } from "./controls.js";
import {
  GBuffer, cameraToWorld, depthScale, emissivePlane, loadEnvironment, makeCamera, planes,
} from "./gbuffer.js";
import { Ground } from "./ground.js";
import { Readout } from "./meter.js";
import { View, modes } from "./view.js";

const FIELD_OF_VIEW = 70 * Math.PI / 180;
/** Where a visitor stands at first: metres, radians. */
const START = { position: [2.9, 1.66, 6.3], yaw: 0.25, pitch: 0.02 };
/** While nothing changes, a frame now and then keeps the session alive. */
const REST_MILLISECONDS = 250;
/** Frames after the last movement until the standing picture has settled. */
const SETTLING_FRAMES = 24;

const element = (id) => document.getElementById(id);
const query = new URLSearchParams(location.search);

function statedSize() {
  const [width, height] = (query.get("size") ?? "512").split("x").map(Number);
  const whole = (value) => Math.max(64, Math.min(2048, Math.round((value || 512) / 4) * 4));
  return { width: whole(width), height: whole(height ?? width) };
}

/** Whether WebGL is drawn on the CPU, which has no time for more than one sample. */
function isSoftware(gl) {
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  const name = info ? gl.getParameter(info.UNMASKED_RENDERER_WEBGL) : "";
  return /swiftshader|llvmpipe|software/i.test(name);
}

class Walk {
  constructor() {
    this.size = statedSize();
    this.canvas = element("canvas");
    this.renderer = new THREE.WebGLRenderer({ canvas: this.canvas, antialias: false, alpha: false });
    this.renderer.autoClear = false;
    const scale = Math.max(1, Math.floor(Math.min(innerWidth / this.size.width, innerHeight / this.size.height)));
    this.renderer.setSize(this.size.width * scale, this.size.height * scale);
    this.pose = structuredClone(START);
    this.controls = new Controls(this.canvas, this.pose, (key) => this.press(key));
    this.readout = new Readout(element("readout"));
    this.view = new View(this.renderer, this.size);
    this.camera = makeCamera(this.size, FIELD_OF_VIEW);
    this.reading = [];
    this.sent = new Map();
    this.nextId = 1;
    this.sinceMovement = 0;
    this.lastSend = 0;
    this.pictureCount = 0;
    this.showsUnderstood = false;
    this.session = null;
    element("split").addEventListener("input", (event) => {
      this.view.split = Number(event.target.value);
      this.view.draw();
      this.canvas.focus();
    });
  }

  async start() {
    const gl = this.renderer.getContext();
    const isSlow = isSoftware(gl);
    const scene = await loadEnvironment("/environment/atrium.glb", {
      anisotropy: isSlow ? 1 : 8,
      onProgress: ({ loaded, total }) => {
        if (total) say(`Loading the environment: ${Math.round(loaded / total * 100)} %`);
      },
    });
    const stated = Number(query.get("samples"));
    const samples = stated >= 1 && stated <= 4 ? Math.floor(stated) : isSlow ? 1 : 3;
    this.gbuffer = new GBuffer(this.renderer, scene, { ...this.size, samples, slots: 5 });
    this.controls.ground = new Ground(scene, START.position);
    this.connectAgain();
    let last = performance.now();
    const turn = (time) => {
      this.controls.update(Math.min(0.1, Math.max(0, time - last) / 1000));
      last = time;
      this.collect();
      this.drawNext();
      requestAnimationFrame(turn);
    };
    requestAnimationFrame(turn);
  }

  /** Connects until it succeeds, at once and then every second. */
  async connectAgain(reason = "") {
    say(reason ? `${reason}. Trying again` : "Waiting for the daemon");
    for (;;) {
      try {
        return await this.connect();
      } catch (error) {
        say(`${error.message}. Trying again`);
        await new Promise((resolve) => setTimeout(resolve, 1000));
      }
    }
  }

  async connect() {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const address = `${scheme}://${location.host}/frames?token=${encodeURIComponent(query.get("token") ?? "")}`;
    const session = await this.open(address, {
      ...this.size, planes: [...planes, emissivePlane], depthScale, depthFar: 163.8, features: Feature.INCREMENTAL,
      pictureFormat: query.get("pictures") === "jpeg" ? PictureFormat.JPEG : PictureFormat.RGBA8_SRGB,
      model: query.get("model") ?? "", clientName: "walk",
    });
    session.onPicture = (picture) => this.show(picture);
    session.onError = (error) => this.refuse(error);
    session.onEnd = (reason) => {
      this.session = null;
      for (const sent of this.sent.values()) sent.slot.isFree = true;
      this.sent.clear();
      this.connectAgain(reason);
    };
    this.session = session;
    this.gbuffer.payloadBytes = session.opened.payloadBytes;
    say("");
    document.title = `Frameloom: walk (${session.opened.model} ${session.opened.precision})`;
  }

  /** With the emissive plane, or without it at a model that does not read it. */
  async open(address, options) {
    try {
      return await Session.open(address, options);
    } catch (error) {
      if (error.code !== ErrorCode.MODEL || error.field !== "planes") throw error;
      return Session.open(address, { ...options, planes });
    }
  }

  /** Draws a frame if the daemon may have one more. */
  drawNext() {
    if (!this.session?.isOpen) return;
    const underWay = this.session.framesInFlight + this.reading.length;
    // Two under way: one is rendered while the next is drawn. More would only make pictures older.
    if (underWay >= Math.min(2, this.session.opened.maxFramesInFlight)) return;
    if (this.session.bufferedBytes > this.gbuffer.payloadBytes) return;
    const slot = this.gbuffer.freeSlot();
    if (!slot) return;
    const hasMoved = this.controls.takeMovement();
    this.sinceMovement = hasMoved ? 0 : this.sinceMovement + 1;
    const posed = performance.now();
    if (this.sinceMovement > SETTLING_FRAMES && posed - this.lastSend < REST_MILLISECONDS) return;
    this.lastSend = posed;

    const { camera, fx, fy, cx, cy } = this.camera;
    camera.position.set(...this.pose.position);
    camera.rotation.set(this.pose.pitch, this.pose.yaw, 0);
    const frame = {
      id: this.nextId++, time: posed,
      flags: (hasMoved ? 0 : FrameFlag.APPROXIMATE) | (this.showsUnderstood ? FrameFlag.SHOW_PLANES : 0),
      camera: { fx, fy, cx, cy, near: 0.05, far: 163.8, cameraToWorld: cameraToWorld(camera) },
    };
    this.gbuffer.draw(camera, slot);
    this.reading.push({ slot, frame, posed, input: this.controls.takeInputTime() });
    this.collectSoon();
  }

  /** The GPU's answer is looked for between two turns too, so that it does not wait for the screen. */
  collectSoon() {
    if (this.isCollecting) return;
    this.isCollecting = true;
    setTimeout(() => {
      this.isCollecting = false;
      this.collect();
      if (this.reading.length > 0) this.collectSoon();
    }, 1);
  }

  collect() {
    while (this.reading.length > 0 && this.gbuffer.isReady(this.reading[0].slot)) {
      const drawn = this.reading.shift();
      this.gbuffer.read(drawn.slot);
      drawn.drawn = performance.now();
      if (!this.session?.isOpen) {
        drawn.slot.isFree = true;
        continue;
      }
      this.sent.set(drawn.frame.id, drawn);
      this.session.send(drawn.slot.message, drawn.frame);
    }
  }

  async show(picture) {
    const sent = this.sent.get(picture.frameId);
    for (const [id, old] of this.sent) {
      if (id >= picture.frameId) continue;
      old.slot.isFree = true;
      this.sent.delete(id);
    }
    if (!sent) return;
    this.sent.delete(picture.frameId);
    this.view.isSheet = (sent.frame.flags & FrameFlag.SHOW_PLANES) !== 0;
    await this.view.show(picture, sent.slot);
    this.pictureCount += 1;
    this.readout.add(picture, { ...sent, shown: performance.now() });
  }

  refuse(error) {
    const sent = this.sent.get(error.frameId);
    if (sent) {
      sent.slot.isFree = true;
      this.sent.delete(error.frameId);
      if (this.showsUnderstood) this.showsUnderstood = false;
    }
    say(error.message);
    setTimeout(() => this.session && say(""), 4000);
  }

  press(key) {
    const mode = Number(key) - 1;
    if (mode >= 0 && mode < modes.length) {
      this.view.mode = mode;
      this.showsUnderstood = false;
    } else if (key === "b") this.view.isBeside = !this.view.isBeside;
    else if (key === "p") { this.showsUnderstood = !this.showsUnderstood; this.view.mode = 0; }
    else if (key === "f") this.controls.isFlying = !this.controls.isFlying;
    else if (key === "x") this.session?.reset();
    else if (key === "r") this.record();
    else if (key === "o") element("readout").classList.toggle("hidden");
    else if (key === "h") element("help").classList.toggle("hidden");
    this.sinceMovement = 0;
    this.view.draw();
  }

  /** Records the canvas; the second press saves it. */
  record() {
    if (this.recorder) {
      this.recorder.stop();
      this.recorder = null;
      return;
    }
    const parts = [];
    const recorder = new MediaRecorder(this.canvas.captureStream(30), { videoBitsPerSecond: 12e6 });
    recorder.ondataavailable = (event) => parts.push(event.data);
    recorder.onstop = () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob(parts, { type: recorder.mimeType }));
      link.download = "frameloom-walk.webm";
      link.click();
      say("");
    };
    recorder.start();
    this.recorder = recorder;
    say("Recording: R saves");
  }
}

function say(text) { element("message").textContent = text; }

const walk = new Walk();
// For tests and the curious.
window.walk = walk;
walk.start().catch((error) => say(error.message));
