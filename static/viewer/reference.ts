/** Reference lines: where the slice of the active port cuts those of the others, in one frame of reference. */
import type { Types } from "@cornerstonejs/core";
import { TAG, numbers, text } from "./header";
import { toWorld, type World } from "./geometry";
import { normal } from "./order";
import type { Pane } from "./pane";
import { part } from "./page";
import type { Slide } from "./slides";

const PARALLEL = 0.98;

const minus = (a: readonly number[], b: readonly number[]): World => [0, 1, 2].map((axis) => (a[axis] ?? 0) - (b[axis] ?? 0)) as World;
const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);

/** The corners of an image, going round. */
function corners(slide: Slide): World[] {
  const [rows = 0] = numbers(slide.header, TAG.rows);
  const [columns = 0] = numbers(slide.header, TAG.columns);
  return ([[-0.5, -0.5], [columns - 0.5, -0.5], [columns - 0.5, rows - 0.5], [-0.5, rows - 0.5]] as const).map(([column, row]) => toWorld(slide, [column, row]));
}

/** Where the image `source` crosses the plane of `target`: two points in the patient, or null. */
export function crossing(source: Slide, target: Slide): [World, World] | null {
  const frame = text(source.header, TAG.frameOfReference);
  if (!source.plane || !target.plane || frame !== text(target.header, TAG.frameOfReference)) return null;
  const across = normal(target.plane.orientation);
  if (Math.abs(dot(across, normal(source.plane.orientation))) > PARALLEL) return null;
  const origin = target.plane.position;
  const around = corners(source);
  const found: World[] = [];
  around.forEach((from, index) => {
    const to = around[(index + 1) % around.length] ?? from;
    const [a, b] = [dot(across, minus(from, origin)), dot(across, minus(to, origin))];
    if (a * b > 0 || a === b) return;
    const share = a / (a - b);
    found.push([0, 1, 2].map((axis) => (from[axis] ?? 0) + share * ((to[axis] ?? 0) - (from[axis] ?? 0))) as World);
  });
  const [first, second] = found;
  return first && second ? [first, second] : null;
}

/** Draw the active pane's slice into the others, or nothing when it does not cross them. */
export function drawReferenceLines(active: Pane, panes: readonly Pane[], shown: boolean): void {
  for (const pane of panes) {
    const line = part<SVGLineElement>("reference-line", pane.section);
    const [source, target] = [active.slide, pane.slide];
    const ends = shown && pane !== active && pane.hasPicture && source && target ? crossing(source, target) : null;
    line.toggleAttribute("hidden", !ends);
    if (!ends) continue;
    const [from, to] = ends.map((world) => pane.viewport.worldToCanvas(world as Types.Point3));
    for (const [name, value] of [["x1", from?.[0]], ["y1", from?.[1]], ["x2", to?.[0]], ["y2", to?.[1]]] as const) line.setAttribute(name, String(value ?? 0));
  }
}
