// What is marked on the image, in its pixels: at most one rectangle, and strokes of a brush
// and an eraser. A pattern and an outline show it, not a colour.

import { $ } from './dom.js';

/** Its size is a part of the image's longer side. */
export const pen = { tool: 'rectangle', size: 0.06 };

let shapes = [];
let past = [];
/** The image's; null if it cannot be shown. */
let size = null;
let changed;

/** `onChange` is called after each change. */
export function init(onChange) {
  changed = onChange;
  let points = null;
  const area = $('area');
  const at = (offset, shown, most) => Math.max(0, Math.min(Math.floor((offset * most) / shown), most - 1));
  const follow = (event) => {
    if (!points || !event.isPrimary) return;
    points.push([at(event.offsetX, area.clientWidth, size.width), at(event.offsetY, area.clientHeight, size.height)]);
    show(drawn(points));
  };
  area.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || points) return;
    area.setPointerCapture(event.pointerId);
    points = [];
    follow(event);
  });
  area.addEventListener('pointermove', follow);
  area.addEventListener('lostpointercapture', () => {
    const next = drawn(points ?? []);
    points = null;
    set(next);
  });
}

/** Lays the canvas over an image; null: it cannot be shown. */
export function fit(image) {
  const area = $('area');
  area.hidden = !image;
  size = image && { width: image.naturalWidth, height: image.naturalHeight };
  if (!size) return;
  area.width = image.width;
  area.height = image.height;
  area.style.setProperty('--across', `${size.width}px`);
  area.style.setProperty('--shape', size.width / size.height);
  show(shapes);
}

export const all = () => shapes;
export const rectangle = () => shapes.find((shape) => shape.rectangle)?.rectangle;
/** An eraser alone marks nothing. */
export const isEmpty = () => shapes.every(({ isEraser }) => isEraser);

export function set(next) {
  if (next !== shapes) past.push(shapes);
  shapes = next;
  show(shapes);
  changed();
}

export function undo() {
  shapes = past.pop() ?? shapes;
  set(shapes);
}

/** Nothing can be undone then. */
export function reset(next) {
  set(next);
  past = [];
}

/** In place of another one. */
export const withRectangle = (rectangle) => [...shapes.filter((shape) => !shape.rectangle), { rectangle }];

/** A PNG of the image's size, white where it is marked; null if this browser cannot make it. */
export function mask() {
  const context = sheet(size);
  paint(context, shapes);
  context.globalCompositeOperation = 'destination-over';
  context.fillStyle = '#000';
  context.fillRect(0, 0, size.width, size.height);
  return new Promise((resolve) => context.canvas.toBlob(resolve));
}

function drawn(points) {
  if (pen.tool === 'rectangle') {
    // A click marks nothing.
    if (points.length < 2) return shapes;
    const [[left, top], [right, bottom]] = [points[0], points.at(-1)];
    const [width, height] = [Math.abs(right - left) + 1, Math.abs(bottom - top) + 1];
    return withRectangle({ x: Math.min(left, right), y: Math.min(top, bottom), width, height });
  }
  const width = Math.max(1, pen.size * Math.max(size.width, size.height));
  return [...shapes, { isEraser: pen.tool === 'eraser', width, points }];
}

function paint(context, marked) {
  context.lineCap = context.lineJoin = 'round';
  context.fillStyle = context.strokeStyle = '#fff';
  for (const { rectangle, isEraser, width, points } of marked) {
    context.globalCompositeOperation = isEraser ? 'destination-out' : 'source-over';
    if (rectangle) {
      context.fillRect(rectangle.x, rectangle.y, rectangle.width, rectangle.height);
      continue;
    }
    context.lineWidth = width;
    context.beginPath();
    // A line without length would not be drawn.
    context.moveTo(points[0][0] + 0.01, points[0][1]);
    for (const point of points) context.lineTo(...point);
    context.stroke();
  }
}

function show(marked) {
  if (!size) return;
  const { width, height } = $('area');
  const shape = sheet({ width, height });
  shape.scale(width / size.width, height / size.height);
  paint(shape, marked);
  const context = $('area').getContext('2d');
  context.clearRect(0, 0, width, height);
  context.shadowColor = '#000';
  // The shadow first: none falls on the outline.
  for (const blur of [3, 0]) {
    context.shadowBlur = blur;
    for (let turn = 0; turn < 7; turn += 0.4) context.drawImage(shape.canvas, 2 * Math.cos(turn), 2 * Math.sin(turn));
  }
  context.globalCompositeOperation = 'destination-out';
  context.drawImage(shape.canvas, 0, 0);
  context.globalCompositeOperation = 'source-over';
  shape.resetTransform();
  shape.globalCompositeOperation = 'source-in';
  shape.fillStyle = hatching();
  shape.fillRect(0, 0, width, height);
  context.drawImage(shape.canvas, 0, 0);
}

/** Black beside white, to be seen on any image. */
function hatching() {
  const tile = sheet({ width: 10, height: 10 });
  tile.lineWidth = 1.25;
  for (const [from, colour] of [[0, '#000'], [2, '#fff']]) {
    tile.strokeStyle = colour;
    tile.beginPath();
    for (const x of [from - 20, from - 10, from]) {
      tile.moveTo(x, 20);
      tile.lineTo(x + 30, -10);
    }
    tile.stroke();
  }
  return tile.createPattern(tile.canvas, 'repeat');
}

const sheet = (box) => Object.assign(document.createElement('canvas'), box).getContext('2d');
