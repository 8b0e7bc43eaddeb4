/**
 * What a pixel measures, by the rules of PS3.3 section 10.7: a size is only ever called millimetres of the patient where the
 * header says so. A projection enlarges what lies before the detector, and a film's scanner knows the film.
 */
import { TAG, item, numbers, statedSpacing, text, type Header } from "./header";

/** Where the millimetres hold: in the patient, at the detector, in the patient as estimated, or on the film. */
export type Where = "patient" | "detector" | "estimated" | "film";

export interface Scale {
  where: Where;
  /** Millimetres between rows (down) and between columns (across). */
  row: number;
  column: number;
}

const PROJECTIONS = new Set(["CR", "DX", "MG", "IO", "PX", "RF", "XA", "RG"]);
const SAME = 1e-4; // mm

const near = (a: number[], b: number[]): boolean => a.every((value, index) => Math.abs(value - (b[index] ?? Infinity)) < SAME);

/** The scale of a frame; null when a pixel has no known size. `header` as received, without what the viewer adds to draw it. */
export function scaleOf(header: Header, frame: number): Scale | null {
  const stated = statedSpacing(header, frame);
  const imager = numbers(header, TAG.imagerPixelSpacing);
  const of = (where: Where, [row = 0, column = 0]: number[]): Scale => ({ where, row, column });
  if (PROJECTIONS.has(text(header, TAG.modality))) {
    const calibrated = Boolean(text(header, TAG.spacingCalibration)) || (imager.length === 2 && stated !== null && !near(stated, imager));
    if (stated && calibrated) return of("patient", stated);
    const atDetector = imager.length === 2 ? imager : stated;
    const [factor = 0] = numbers(header, TAG.magnification);
    if (atDetector && factor > 0) return of("estimated", atDetector.map((value) => value / factor));
    if (atDetector) return of("detector", atDetector);
  }
  if (stated) return of("patient", stated);
  const scanned = numbers(header, TAG.scannedSpacing);
  if (scanned.length === 2) return of("film", scanned);
  return imager.length === 2 ? of("detector", imager) : null;
}

const CENTIMETRES = 3; // PS3.3 C.8.5.5.1.15

/** The scale where these points of an ultrasound picture lie together (PS3.3 C.8.5.5), else that of the whole picture. */
export function scaleAt(header: Header, whole: Scale | null, points: readonly (readonly [number, number])[]): Scale | null {
  const count = header[TAG.ultrasoundRegions]?.Value?.length ?? 0;
  if (!count) return whole;
  for (let index = 0; index < count; index += 1) {
    const region = item(header, TAG.ultrasoundRegions, index);
    if (!region) continue;
    const value = (tag: string): number => numbers(region, tag)[0] ?? NaN;
    const inside = points.every(
      ([x, y]) => x >= value(TAG.regionX0) && x <= value(TAG.regionX1) && y >= value(TAG.regionY0) && y <= value(TAG.regionY1),
    );
    if (!inside) continue;
    const [x, y] = [Math.abs(value(TAG.regionDeltaX)) * 10, Math.abs(value(TAG.regionDeltaY)) * 10];
    const inCentimetres = value(TAG.regionUnitsX) === CENTIMETRES && value(TAG.regionUnitsY) === CENTIMETRES;
    return inCentimetres && x > 0 && y > 0 ? { where: "patient", row: y, column: x } : null;
  }
  // Regions are stated and these points lie in none, or in two of them: what lies between has no size.
  return null;
}
