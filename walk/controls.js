// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

// Keys, mouse, touch and gamepad become a pose that moves.

const METRES_PER_SECOND = 1.6;
const RADIANS_PER_PIXEL = 0.0035;
const RADIANS_PER_SECOND = 1.8;
const MAX_PITCH = 1.45;
const DEAD_ZONE = 0.12;

export class Controls {
  /** @param onKey called for keys that do not move. */
  constructor(element, pose, onKey) {
    this.pose = pose;
    this.held = new Set();
    this.touches = new Map();
    this.lastInput = 0;
    this.didMove = false;
    /** Where one can stand; without it, and while flying, nothing stops anybody. */
    this.ground = null;
    this.isFlying = false;
    this.turn(0, 0);

    window.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "INPUT") return;
      if (movingKeys.has(event.code)) {
        if (!event.repeat) this.note(event);
        this.held.add(event.code);
        event.preventDefault();
      } else if (!event.repeat) {
        onKey(event.key);
      }
    });
    window.addEventListener("keyup", (event) => this.held.delete(event.code));
    window.addEventListener("blur", () => this.held.clear());

    element.addEventListener("pointerdown", (event) => {
      element.focus();
      element.setPointerCapture(event.pointerId);
      const isStick = event.pointerType === "touch" && event.offsetX < element.clientWidth / 2;
      this.touches.set(event.pointerId, { x: event.clientX, y: event.clientY, isStick, dx: 0, dy: 0 });
    });
    element.addEventListener("pointermove", (event) => {
      const touch = this.touches.get(event.pointerId);
      if (!touch) return;
      this.note(event);
      if (touch.isStick) {
        // The left half of a touch screen is a stick: as far as the finger moved from where it landed.
        touch.dx = clamp((event.clientX - touch.x) / 60);
        touch.dy = clamp((event.clientY - touch.y) / 60);
      } else {
        this.turn(-(event.clientX - touch.x) * RADIANS_PER_PIXEL, -(event.clientY - touch.y) * RADIANS_PER_PIXEL);
        touch.x = event.clientX;
        touch.y = event.clientY;
      }
    });
    for (const end of ["pointerup", "pointercancel"]) {
      element.addEventListener(end, (event) => this.touches.delete(event.pointerId));
    }
  }

  /** Moves the pose by what is held. Seconds. */
  update(seconds) {
    const axis = (more, less) => (this.held.has(more) ? 1 : 0) - (this.held.has(less) ? 1 : 0);
    let right = axis("KeyD", "KeyA"), forward = axis("KeyW", "KeyS"), up = axis("KeyE", "KeyQ");
    let yaw = axis("ArrowLeft", "ArrowRight"), pitch = 0;
    forward += axis("ArrowUp", "ArrowDown");
    for (const touch of this.touches.values()) {
      if (touch.isStick) { right += touch.dx; forward -= touch.dy; }
    }
    for (const pad of navigator.getGamepads?.() ?? []) {
      if (!pad?.connected) continue;
      const stick = (index) => Math.abs(pad.axes[index] ?? 0) > DEAD_ZONE ? pad.axes[index] : 0;
      right += stick(0);
      forward -= stick(1);
      yaw -= stick(2);
      pitch -= stick(3);
      up += (pad.buttons[5]?.value ?? 0) - (pad.buttons[4]?.value ?? 0);
    }
    const length = Math.hypot(right, forward);
    const isFast = this.held.has("ShiftLeft") || this.held.has("ShiftRight");
    const step = seconds * METRES_PER_SECOND * (isFast ? 2.5 : 1) / Math.max(1, length);
    const { yaw: angle, position } = this.pose;
    const dx = step * (right * Math.cos(angle) - forward * Math.sin(angle));
    const dz = -step * (right * Math.sin(angle) + forward * Math.cos(angle));
    const height = position[1];
    if (this.ground && !this.isFlying) {
      this.ground.walk(position, dx, dz, seconds);
    } else {
      position[0] += dx;
      position[1] += seconds * METRES_PER_SECOND * up;
      position[2] += dz;
    }
    if (yaw || pitch) this.turn(yaw * RADIANS_PER_SECOND * seconds, pitch * RADIANS_PER_SECOND * seconds);
    if (length || position[1] !== height) this.didMove = true;
  }

  turn(yaw, pitch) {
    this.pose.yaw += yaw;
    this.pose.pitch = Math.max(-MAX_PITCH, Math.min(MAX_PITCH, this.pose.pitch + pitch));
    this.didMove = true;
  }

  /** Whether the pose changed since the last call. */
  takeMovement() {
    const moved = this.didMove;
    this.didMove = false;
    return moved;
  }

  /** The time of the first input that no frame has shown yet, or 0. */
  takeInputTime() {
    const time = this.lastInput;
    this.lastInput = 0;
    return time;
  }

  note(event) { this.lastInput ||= event.timeStamp; }
}

const movingKeys = new Set([
  "KeyW", "KeyA", "KeyS", "KeyD", "KeyQ", "KeyE", "ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight",
  "ShiftLeft", "ShiftRight",
]);

function clamp(value) { return Math.max(-1, Math.min(1, value)); }
