// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

// Where a visitor can stand: the environment's surfaces in small cubes, filled once when it is loaded.

import * as THREE from "three";

const CUBE = 0.2;
const SAMPLE = 0.1;
const EYE = 1.66;
const HEAD = 0.12;
const RADIUS = 0.22;
/** What a foot gets over: a stair. */
const STEP = 0.45;
const FALL_METRES_PER_SECOND = 4;
/** Metres around the start that one can bump into anything in, and above it; beyond, nothing stops anybody. */
const REACH = 32;
const HEIGHT = 14;
/** Larger triangles are cut, so that what lies out of reach is left out. */
const PIECE = 4;

export class Ground {
  /**
   * @param scene after loading; two-sided surfaces are foliage, which nobody bumps into.
   * @param start metres.
   */
  constructor(scene, start) {
    scene.updateMatrixWorld(true);
    this.low = new THREE.Vector3(start[0] - REACH, start[1] - EYE - 2, start[2] - REACH);
    this.counts = new THREE.Vector3(2 * REACH, HEIGHT, 2 * REACH).divideScalar(CUBE).round();
    this.high = this.counts.clone().multiplyScalar(CUBE).add(this.low);
    // The highest surface in each cube; -Infinity where there is none.
    this.tops = new Float32Array(this.counts.x * this.counts.y * this.counts.z).fill(-Infinity);
    const corners = [new THREE.Vector3(), new THREE.Vector3(), new THREE.Vector3()];
    scene.traverse((object) => {
      if (!object.isMesh || object.material.side === THREE.DoubleSide) return;
      const { position } = object.geometry.attributes, { index } = object.geometry;
      for (let i = 0; i < index.count; i += 3) {
        corners.forEach((corner, j) =>
          corner.fromBufferAttribute(position, index.getX(i + j)).applyMatrix4(object.matrixWorld));
        this.cut(...corners);
      }
    });
  }

  /** Halves a triangle at its longest side until its pieces are small. */
  cut(a, b, c) {
    for (const axis of ["x", "y", "z"]) {
      if (Math.max(a[axis], b[axis], c[axis]) < this.low[axis]) return;
      if (Math.min(a[axis], b[axis], c[axis]) > this.high[axis]) return;
    }
    const ab = a.distanceTo(b), bc = b.distanceTo(c), ca = c.distanceTo(a);
    const longest = Math.max(ab, bc, ca);
    if (longest <= PIECE) return this.fill(a, b, c);
    if (longest !== ab) return longest === bc ? this.cut(b, c, a) : this.cut(c, a, b);
    const middle = a.clone().add(b).multiplyScalar(0.5);
    this.cut(a, middle, c);
    this.cut(middle, b, c);
  }

  fill(a, b, c) {
    const steps = Math.ceil(Math.max(a.distanceTo(b), a.distanceTo(c), b.distanceTo(c)) / SAMPLE) || 1;
    for (let i = 0; i <= steps; i++) {
      for (let j = 0; j <= steps - i; j++) {
        const u = i / steps, v = j / steps, w = 1 - u - v;
        const y = a.y * w + b.y * u + c.y * v;
        const at = this.cube(a.x * w + b.x * u + c.x * v, y, a.z * w + b.z * u + c.z * v);
        if (at >= 0 && y > this.tops[at]) this.tops[at] = y;
      }
    }
  }

  /** The cube's place in `tops`; -1 out of reach, where reading finds nothing. */
  cube(x, y, z) {
    const { low, counts } = this;
    const i = Math.floor((x - low.x) / CUBE), j = Math.floor((y - low.y) / CUBE), k = Math.floor((z - low.z) / CUBE);
    if (i < 0 || j < 0 || k < 0 || i >= counts.x || j >= counts.y || k >= counts.z) return -1;
    return (j * counts.z + k) * counts.x + i;
  }

  /** Whether a body stands free with its eye here. */
  isFree(x, eye, z) {
    const foot = eye - EYE;
    for (const [dx, dz] of [[0, 0], [RADIUS, 0], [-RADIUS, 0], [0, RADIUS], [0, -RADIUS]]) {
      for (let y = foot + STEP; y < eye + HEAD; y += CUBE / 2) {
        if (this.tops[this.cube(x + dx, y, z + dz)] >= foot + STEP) return false;
      }
    }
    return true;
  }

  /** The highest surface that a foot can be put on, or null above nothing. */
  floor(x, eye, z) {
    const foot = eye - EYE;
    for (let y = foot + STEP; y > this.low.y - CUBE; y -= CUBE) {
      const top = this.tops[this.cube(x, y, z)];
      if (top > -Infinity && top <= foot + STEP) return top;
    }
    return null;
  }

  /** Takes a step, along a wall where it would lead into one, and follows the floor. Changes `position`. */
  walk(position, dx, dz, seconds) {
    const [x, eye, z] = position;
    // Who stands in something (after flying) may leave it.
    const isStuck = !this.isFree(x, eye, z);
    const tries = [[dx, dz], [dx, 0], [0, dz]];
    const step = tries.find(([sx, sz]) => (sx || sz) && (isStuck || this.isFree(x + sx, eye, z + sz)));
    if (step) {
      position[0] += step[0];
      position[2] += step[1];
    }
    const floor = this.floor(position[0], eye, position[2]);
    if (floor === null) return;
    const fall = floor + EYE - eye;
    position[1] += Math.sign(fall) * Math.min(Math.abs(fall), FALL_METRES_PER_SECOND * seconds);
  }
}
