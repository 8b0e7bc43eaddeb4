/** In which order slices are read: along the normal of the plane (PS3.3 C.7.6.2.1.1), because numbers and arrival are not geometry. */
import type { Plane } from "./header";

export interface Orderable {
  plane: Plane | null;
  instanceNumber: number;
  frame: number;
}

const TOLERANCE = 1e-3; // mm: two slices closer than this lie at the same place

/** Unit normal of a plane out of its row and column cosines. */
export function normal(orientation: number[]): [number, number, number] {
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = orientation;
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

/** Distance of a plane along its normal, in mm. */
export function depth(plane: Plane): number {
  const along = normal(plane.orientation);
  return plane.position.reduce((sum, value, axis) => sum + value * (along[axis] ?? 0), 0);
}

const byNumber = (a: Orderable, b: Orderable): number => a.instanceNumber - b.instanceNumber || a.frame - b.frame;

/**
 * Sort one group of parallel slices: by depth where each has its own place; where several share a place (phases, echoes,
 * b-values) or none is known, by instance number and frame, as the modality counted them.
 */
function sortGroup<T extends Orderable>(group: T[]): T[] {
  if (group.some((slice) => !slice.plane)) return [...group].sort(byNumber);
  const measured = group
    .map((slice) => ({ slice, at: slice.plane ? depth(slice.plane) : 0 }))
    .sort((a, b) => a.at - b.at || byNumber(a.slice, b.slice));
  const shared = measured.some(({ at }, index) => index > 0 && at - (measured[index - 1]?.at ?? 0) < TOLERANCE);
  return shared ? [...group].sort(byNumber) : measured.map(({ slice }) => slice);
}

/** Order the slices of a series: localisers and other planes stay together, groups in the order of their lowest number. */
export function inReadingOrder<T extends Orderable>(slices: T[]): T[] {
  const groups = new Map<string, T[]>();
  for (const slice of slices) {
    const key = slice.plane ? slice.plane.orientation.map((value) => value.toFixed(2).replace("-0.00", "0.00")).join() : "";
    groups.set(key, [...(groups.get(key) ?? []), slice]);
  }
  const lowest = (group: T[]): number => Math.min(...group.map((slice) => slice.instanceNumber));
  return [...groups.values()].sort((a, b) => lowest(a) - lowest(b)).flatMap(sortGroup);
}
