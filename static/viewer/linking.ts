/** Scrolling together: by position in the patient, or from study to study by a difference that the reader can set. */
import type { Plane } from "./header";
import { TAG, text } from "./header";
import { normal } from "./order";
import type { Slide } from "./slides";

/** Planes within this of each other (cosine) are scrolled together. */
const PARALLEL = 0.95;

interface Axis {
  direction: [number, number, number];
  /** Frame of reference and direction: positions of one group compare without a difference. */
  group: string;
}

/** The direction in which a stack runs, the same for both ways of turning it over. */
function axisOf(slide: Slide): Axis | null {
  if (!slide.plane) return null;
  const along = normal(slide.plane.orientation);
  const strongest = along.reduce((best, value) => (Math.abs(value) > Math.abs(best) ? value : best), 0);
  const direction = along.map((value) => value * Math.sign(strongest || 1)) as [number, number, number];
  return { direction, group: `${text(slide.header, TAG.frameOfReference)}|${direction.map((value) => value.toFixed(1)).join()}` };
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
const along = (direction: readonly number[], plane: Plane): number => dot(direction, plane.position);

export interface Place {
  slides: readonly Slide[];
  index: number;
}

export class Linking {
  on = true;
  /** Millimetres to add to a position of a group, so that groups compare. */
  private readonly shifts = new Map<string, number>();
  /** For stacks without a position: slides to add, by series. */
  private readonly steps = new Map<string, number>();

  /** Where the other stack has to go for `from`; null when the two cannot be scrolled together. */
  target(from: Place, to: readonly Slide[]): number | null {
    const [here, first] = [from.slides[from.index], to[0]];
    if (!here || !first || to.length < 2) return null;
    const [axis, other] = [axisOf(here), axisOf(first)];
    if (!axis || !other || !here.plane) return axis || other ? null : this.byShare(from, to);
    if (Math.abs(dot(axis.direction, other.direction)) < PARALLEL) return null;
    const wanted = along(axis.direction, here.plane) + (this.shifts.get(axis.group) ?? 0) - this.shiftOf(other, axis, from, to);
    return nearest(to, other.direction, wanted);
  }

  /** A study that is seen for the first time begins at the same share of its way; from then on the difference is kept. */
  private shiftOf(other: Axis, axis: Axis, from: Place, to: readonly Slide[]): number {
    if (other.group === axis.group) return this.shifts.get(axis.group) ?? 0;
    const known = this.shifts.get(other.group);
    if (known !== undefined) return known;
    const counterpart = to[share(from, to.length)];
    const here = from.slides[from.index];
    if (!counterpart?.plane || !here?.plane) return 0;
    const shift = along(axis.direction, here.plane) + (this.shifts.get(axis.group) ?? 0) - along(other.direction, counterpart.plane);
    this.shifts.set(other.group, shift);
    return shift;
  }

  private byShare(from: Place, to: readonly Slide[]): number {
    const steps = (this.steps.get(to[0]?.series ?? "") ?? 0) - (this.steps.get(from.slides[0]?.series ?? "") ?? 0);
    return Math.max(0, Math.min(to.length - 1, share(from, to.length) + steps));
  }

  /** Keep the difference between what is shown now: the reader has laid the two side by side by hand. */
  lock(from: Place, other: Place): void {
    const [here, there] = [from.slides[from.index], other.slides[other.index]];
    const [axis, second] = [here && axisOf(here), there && axisOf(there)];
    if (here?.plane && there?.plane && axis && second) {
      if (axis.group === second.group) return;
      this.shifts.set(second.group, along(axis.direction, here.plane) + (this.shifts.get(axis.group) ?? 0) - along(second.direction, there.plane));
    } else if (there) {
      const from0 = this.steps.get(from.slides[0]?.series ?? "") ?? 0;
      this.steps.set(there.series, other.index - share(from, other.slides.length) + from0);
    }
  }
}

function share({ slides, index }: Place, count: number): number {
  return slides.length > 1 ? Math.round((index / (slides.length - 1)) * (count - 1)) : 0;
}

/** The slide nearest to a position along a direction; localisers across it are no candidates. */
function nearest(slides: readonly Slide[], direction: readonly number[], wanted: number): number | null {
  let best: number | null = null;
  let least = Infinity;
  slides.forEach((slide, index) => {
    const axis = axisOf(slide);
    if (!slide.plane || !axis || Math.abs(dot(axis.direction, direction)) < PARALLEL) return;
    const away = Math.abs(along(direction, slide.plane) - wanted);
    if (away < least) [best, least] = [index, away];
  });
  return best;
}
