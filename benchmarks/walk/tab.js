// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

// A page of its own without WebGL, which on a machine without a GPU would be all that ten of them measure:
// planes made by a few lines, sent through the JavaScript client, pictures drawn into a canvas. A frame every
// 33 ms, as `walk` sends them, at most two under way.
(async () => {
  const { FRAME_HEAD_BYTES, FrameFlag, Format, Plane, Session, payloadBytes } =
    await import("/clients/javascript/frameloom.js");
  const { Readout } = await import("/meter.js");
  const query = new URLSearchParams(location.search);
  const side = Number(query.get("size") ?? "128");
  const planes = [
    [Plane.BASE_COLOR, Format.RGB8_SRGB], [Plane.NORMALS, Format.RGB8_UNORM], [Plane.DEPTH, Format.R16],
    [Plane.ROUGHNESS, Format.R8], [Plane.METALLIC, Format.R8],
  ].map(([kind, format]) => ({ kind, format }));
  const options = { width: side, height: side, planes, depthScale: 1 / 400, depthFar: 163.8, clientName: "tab" };
  const session = await Session.open(
    `ws://${location.host}/frames?token=${encodeURIComponent(query.get("token"))}`, options);
  const pixels = side * side;
  const message = new ArrayBuffer(FRAME_HEAD_BYTES + payloadBytes(options));
  const [base, normals, depth] = [
    new Uint8Array(message, FRAME_HEAD_BYTES, 3 * pixels),
    new Uint8Array(message, FRAME_HEAD_BYTES + 3 * pixels, 3 * pixels),
    new DataView(message, FRAME_HEAD_BYTES + 6 * pixels, 2 * pixels)];
  for (let pixel = 0; pixel < pixels; pixel += 1) {
    normals.set([128, 128, 255], 3 * pixel);
    depth.setUint16(2 * pixel, 1200, true);
  }
  const canvas = document.body.appendChild(document.createElement("canvas"));
  canvas.width = canvas.height = side;
  const drawing = canvas.getContext("2d");
  const readout = new Readout(document.body.appendChild(document.createElement("pre")));
  const sent = new Map();
  window.walk = { pictureCount: 0, readout, session };
  session.onPicture = (picture) => {
    const times = sent.get(picture.frameId);
    for (const id of sent.keys()) if (id <= picture.frameId) sent.delete(id);
    drawing.putImageData(new ImageData(new Uint8ClampedArray(picture.pixels), side, side), 0, 0);
    window.walk.pictureCount += 1;
    if (times) readout.add(picture, { ...times, shown: performance.now() });
  };
  let id = 0;
  setInterval(() => {
    if (!session.isOpen || session.framesInFlight >= Math.min(2, session.opened.maxFramesInFlight)) return;
    const posed = performance.now();
    id += 1;
    for (let at = 0; at < base.length; at += 3) base.fill(80 + (at + 5 * id) % 90, at, at + 3);
    const drawn = performance.now();
    sent.set(id, { posed, drawn, input: 0 });
    session.send(message, {
      id, flags: FrameFlag.HAS_CAMERA,
      camera: {
        fx: side * 0.7, fy: side * 0.7, cx: side / 2, cy: side / 2, near: 0.05, far: 163.8,
        cameraToWorld: [1, 0, 0, 0.01 * id, 0, 1, 0, 1.6, 0, 0, 1, 0, 0, 0, 0, 1],
      },
    });
  }, 33);
})()
