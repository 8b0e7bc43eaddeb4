/** Points between the patient (mm, as Cornerstone draws) and the image (column, row), and what lies between them. */
import type { Slide } from "./slides";

export type Point = [column: number, row: number];
export type World = [number, number, number];

type Placed = Pick<Slide, "plane" | "spacing">;

const UNPLACED = { position: [0, 0, 0], orientation: [1, 0, 0, 0, 1, 0] };

/** Column and row of a point; whole numbers are the centres of pixels. */
export function toImage(slide: Placed, world: readonly number[]): Point {
  const { position, orientation } = slide.plane ?? UNPLACED;
  const along = (first: number): number =>
    world.reduce((sum, value, axis) => sum + (value - (position[axis] ?? 0)) * (orientation[first + axis] ?? 0), 0);
  return [along(0) / slide.spacing[1], along(3) / slide.spacing[0]];
}

export function toWorld(slide: Placed, [column, row]: Point): World {
  const { position, orientation } = slide.plane ?? UNPLACED;
  const at = (axis: number): number =>
    (position[axis] ?? 0) + column * slide.spacing[1] * (orientation[axis] ?? 0) + row * slide.spacing[0] * (orientation[3 + axis] ?? 0);
  return [at(0), at(1), at(2)];
}

/** Size of one step across and one step down, in the unit that lengths are given in. */
export interface Step {
  column: number;
  row: number;
}

export function distance(a: Point, b: Point, step: Step): number {
  return Math.hypot((b[0] - a[0]) * step.column, (b[1] - a[1]) * step.row);
}

/** Angle between two directions, in degrees, 0 to 180. */
export function angleBetween(a: [Point, Point], b: [Point, Point], step: Step): number {
  const [ax, ay] = [(a[1][0] - a[0][0]) * step.column, (a[1][1] - a[0][1]) * step.row];
  const [bx, by] = [(b[1][0] - b[0][0]) * step.column, (b[1][1] - b[0][1]) * step.row];
  return (Math.atan2(Math.abs(ax * by - ay * bx), ax * bx + ay * by) * 180) / Math.PI;
}

/** A region spanned by two directions from a point: `holds(u, v)` says which of its coordinates are inside. */
export interface Region {
  origin: Point;
  u: Point;
  v: Point;
  /** Share of the parallelogram u × v that the region covers: 1 for a rectangle, π for an ellipse given by its half axes. */
  share: number;
  holds: (u: number, v: number) => boolean;
}

const minus = (a: Point, b: Point): Point => [a[0] - b[0], a[1] - b[1]];
const middle = (a: Point, b: Point): Point => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];

/** The ellipse whose axes end at these points: bottom, top, left, right. */
export function ellipse([bottom, top, left, right]: [Point, Point, Point, Point]): Region {
  const origin = middle(middle(bottom, top), middle(left, right));
  const half = (from: Point, to: Point): Point => [(to[0] - from[0]) / 2, (to[1] - from[1]) / 2];
  return { origin, u: half(left, right), v: half(bottom, top), share: Math.PI, holds: (u, v) => u * u + v * v <= 1 };
}

/** The rectangle with these corners: two on one side, then the two across from them. */
export function rectangle([a, b, c]: [Point, Point, Point, Point]): Region {
  return { origin: a, u: minus(b, a), v: minus(c, a), share: 1, holds: (u, v) => u >= 0 && u <= 1 && v >= 0 && v <= 1 };
}

/** Area of a region in square units of `step`. */
export function area(region: Region, step: Step): number {
  const { u, v } = region;
  return Math.abs(u[0] * v[1] - u[1] * v[0]) * region.share * step.column * step.row;
}

export interface Statistics {
  count: number;
  mean: number;
  deviation: number;
  min: number;
  max: number;
}

/** Statistics of the pixels whose centres lie in the region (standard deviation of all of them); null when there are none. */
export function statistics(region: Region, columns: number, rows: number, value: (index: number) => number): Statistics | null {
  const { origin, u, v } = region;
  const turn = u[0] * v[1] - u[1] * v[0];
  if (!turn) return null;
  const reach = region.share === 1 ? [0, 1] : [-1, 1];
  const corners = reach.flatMap((a) => reach.map((b): Point => [origin[0] + a * u[0] + b * v[0], origin[1] + a * u[1] + b * v[1]]));
  const from = (axis: 0 | 1): number => Math.max(0, Math.ceil(Math.min(...corners.map((corner) => corner[axis])) - 1e-6));
  const to = (axis: 0 | 1, size: number): number => Math.min(size - 1, Math.floor(Math.max(...corners.map((corner) => corner[axis])) + 1e-6));
  let [count, sum, squares, min, max] = [0, 0, 0, Infinity, -Infinity];
  // The first value is taken off all: large values with small differences keep their deviation.
  let offset: number | null = null;
  for (let row = from(1); row <= to(1, rows); row += 1) {
    for (let column = from(0); column <= to(0, columns); column += 1) {
      const [x, y] = [column - origin[0], row - origin[1]];
      if (!region.holds((x * v[1] - y * v[0]) / turn, (u[0] * y - u[1] * x) / turn)) continue;
      const pixel = value(row * columns + column);
      offset ??= pixel;
      count += 1;
      sum += pixel - offset;
      squares += (pixel - offset) ** 2;
      min = Math.min(min, pixel);
      max = Math.max(max, pixel);
    }
  }
  if (!count || offset === null) return null;
  const mean = sum / count;
  return { count, mean: mean + offset, deviation: Math.sqrt(Math.max(0, squares / count - mean * mean)), min, max };
}
