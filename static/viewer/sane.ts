/**
 * Headers come from outside and are wrong at times. What would break the geometry or the window of a picture is taken out
 * before Cornerstone reads it, so that the picture is shown without a scale instead of not at all.
 */
import { TAG, numbers, statedSpacing, text, type Header } from "./header";

const UNIT = 0.05; // how far a direction's length may be from 1

function unit(x: number, y: number, z: number): boolean {
  return Math.abs(Math.hypot(x, y, z) - 1) < UNIT;
}

/** True for row and column cosines that span a plane (PS3.3 C.7.6.2.1.1): unit vectors at a right angle. */
function spansPlane(values: number[]): boolean {
  if (values.length !== 6) return false;
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = values;
  return unit(a, b, c) && unit(d, e, f) && Math.abs(a * d + b * e + c * f) < UNIT;
}

const RULES: [tag: string, holds: (values: number[]) => boolean][] = [
  [TAG.pixelSpacing, (values) => values.length === 2 && values.every((value) => value > 0)],
  [TAG.imagerPixelSpacing, (values) => values.length === 2 && values.every((value) => value > 0)],
  [TAG.scannedSpacing, (values) => values.length === 2 && values.every((value) => value > 0)],
  [TAG.pixelAspectRatio, (values) => values.length === 2 && values.every((value) => value > 0)],
  [TAG.imageOrientation, spansPlane],
  [TAG.imagePosition, (values) => values.length === 3],
  [TAG.windowWidth, (values) => values.length > 0 && values.every((value) => value > 0)],
  [TAG.windowCenter, (values) => values.length > 0],
  [TAG.rescaleSlope, (values) => values.length === 1 && values[0] !== 0],
];

/** A copy of the header without the values that cannot be true. */
export function sane(header: Header): Header {
  const kept = { ...header };
  for (const [tag, holds] of RULES) {
    if (kept[tag] && !holds(numbers(kept, tag))) delete kept[tag];
  }
  // A position without a direction, or the other way round, places nothing; half a window is none.
  if (!kept[TAG.imageOrientation] !== !kept[TAG.imagePosition]) {
    delete kept[TAG.imageOrientation];
    delete kept[TAG.imagePosition];
  }
  if (!kept[TAG.windowWidth] !== !kept[TAG.windowCenter]) {
    delete kept[TAG.windowWidth];
    delete kept[TAG.windowCenter];
  }
  return kept;
}

/** The shape of a pixel where nobody knows its size: height and width of which only the ratio is true (PS3.3 C.7.6.3.1.7). */
function shapeOnly(header: Header): Header[string] {
  const [height, width] = numbers(header, TAG.pixelAspectRatio);
  return height && width && height !== width ? { vr: "DS", Value: [height / width, 1] } : undefined;
}

/**
 * The header as Cornerstone is to draw it: pixels that are not square are drawn as they are even where their size is only known
 * at the detector or on the film, or only their shape, and each series without a frame of reference is one of its own.
 */
export function drawable(header: Header, seriesInstanceUid: string): Header {
  const drawn = { ...header };
  drawn[TAG.pixelSpacing] ??= header[TAG.imagerPixelSpacing] ?? header[TAG.scannedSpacing] ?? (statedSpacing(header, 1) ? undefined : shapeOnly(header));
  if (!drawn[TAG.pixelSpacing]) delete drawn[TAG.pixelSpacing];
  if (!text(header, TAG.frameOfReference)) drawn[TAG.frameOfReference] = { vr: "UI", Value: [seriesInstanceUid] };
  return drawn;
}
