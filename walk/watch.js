// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 The Frameloom authors

// Shows what another client's session renders. Address: view.html?token=TOKEN&session=N, and optionally
// fps=10 and pictures=jpeg.

import { PictureFormat, watch } from "/clients/javascript/frameloom.js";

const query = new URLSearchParams(location.search);
const canvas = document.getElementById("canvas");
const context = canvas.getContext("2d");
const say = (text) => { document.getElementById("message").textContent = text; };
const shown = [];

async function show(picture, isBottomUp) {
  if (canvas.width !== picture.width || canvas.height !== picture.height) {
    canvas.width = picture.width;
    canvas.height = picture.height;
  }
  const image = picture.format === PictureFormat.JPEG
    ? await createImageBitmap(new Blob([picture.pixels], { type: "image/jpeg" }))
    : await createImageBitmap(new ImageData(
      new Uint8ClampedArray(picture.pixels.buffer, picture.pixels.byteOffset, picture.pixels.byteLength),
      picture.width, picture.height));
  context.setTransform(1, 0, 0, isBottomUp ? -1 : 1, 0, isBottomUp ? picture.height : 0);
  context.drawImage(image, 0, 0);
  image.close();
  shown.push(performance.now());
  while (shown[0] < shown.at(-1) - 2000) shown.shift();
  const span = shown.at(-1) - shown[0];
  document.getElementById("readout").textContent =
    `session ${query.get("session")}   frame ${picture.frameId}   ${picture.width}x${picture.height}`
    + `   shown ${span > 0 ? ((shown.length - 1) * 1000 / span).toFixed(1) : "-"} a second\n`
    + `rendered in ${(picture.convert + picture.render + picture.encode).toFixed(1)} ms`
    + `   load ${Math.round(picture.load * 100)} %   ${picture.historyFrame === null ? "no history" : "history"}`;
  say("");
  window.pictureCount = (window.pictureCount ?? 0) + 1;
}

let isBottomUp = false;
watch(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/watch${location.search}`, {
  onStart: (report) => { isBottomUp = report.bottom_up; },
  onPicture: (picture) => show(picture, isBottomUp),
  onEnd: (reason) => say(reason),
});
