/** One viewport and what a reader does with it. It knows nothing of the page: it says what it shows through `onChange`. */
import * as core from "@cornerstonejs/core";
import { utilities as toolUtilities } from "@cornerstonejs/tools";
import type { Directions, Edges } from "./orientation";
import { edges } from "./orientation";

/** A slice that is asked for and not there after this long gets an error tile with a retry. */
const STUCK_MS = 25_000;
const MM_CHOICES = [200, 100, 50, 20, 10, 5];

export interface View {
  index: number;
  count: number;
  /** Pixels of `index` are on the screen. */
  shown: boolean;
  width: number | null;
  center: number | null;
  zoom: number;
  inverted: boolean;
  /** The picture is not as stored: mirrored. */
  flipped: boolean;
}

export type Failure = { index: number; status: number | null };

interface Listener {
  onChange: (view: View) => void;
  onFailure: (failure: Failure) => void;
}

/** HTTP status of a failed load; null when the bytes came but could not be decoded, or nothing came in time. */
function statusOf(error: unknown): number | null {
  const request = error as { status?: unknown; error?: { status?: unknown } } | undefined;
  const status = request?.status ?? request?.error?.status;
  return typeof status === "number" && status !== 200 ? status : null;
}

export class Port {
  private target = 0;
  private shown = false;
  private stuck = 0;
  private imageIds: string[] = [];

  constructor(
    readonly viewport: core.StackViewport,
    private readonly listener: Listener,
  ) {
    const { Events } = core.Enums;
    const { element } = viewport;
    element.addEventListener(Events.STACK_VIEWPORT_SCROLL, ((event: CustomEvent<{ newImageIdIndex: number }>) => {
      this.expect(event.detail.newImageIdIndex);
    }) as EventListener);
    element.addEventListener(Events.STACK_NEW_IMAGE, ((event: CustomEvent<{ imageIdIndex: number }>) => {
      if (event.detail.imageIdIndex === this.target) this.arrived();
    }) as EventListener);
    for (const name of [Events.VOI_MODIFIED, Events.CAMERA_MODIFIED]) element.addEventListener(name, () => this.changed());
    core.eventTarget.addEventListener(Events.IMAGE_LOAD_ERROR, ((event: CustomEvent<{ imageId: string; error: unknown }>) => {
      if (event.detail.imageId === this.imageIds[this.target]) this.failed(statusOf(event.detail.error));
    }) as EventListener);
  }

  /** Show a stack from `index` on. A first image that cannot be shown is a failure of that image, not of the stack. */
  async open(imageIds: string[], index: number): Promise<void> {
    this.stopCine();
    this.imageIds = imageIds;
    this.expect(index);
    try {
      await this.viewport.setStack(imageIds, index);
      if (this.imageIds !== imageIds) return;
      this.viewport.render();
    } catch (error) {
      if (this.imageIds === imageIds) this.failed(statusOf(error));
    }
  }

  /** Leave the stack: what is still on its way is no longer waited for. */
  close(): void {
    this.stopCine();
    window.clearTimeout(this.stuck);
    this.imageIds = [];
  }

  get index(): number {
    return this.target;
  }

  goTo(index: number): void {
    const next = Math.max(0, Math.min(this.imageIds.length - 1, index));
    if (next !== this.target) core.utilities.scroll(this.viewport, { delta: next - this.viewport.getTargetImageIdIndex(), debounceLoading: true });
  }

  /** Ask again for the slice that failed. */
  async retry(): Promise<void> {
    this.expect(this.target);
    try {
      // A stack whose first image failed has no picture to replace yet: it is set again.
      if (this.viewport.getCornerstoneImage()) await this.viewport.setImageIdIndex(this.target);
      else await this.viewport.setStack(this.imageIds, this.target);
      this.viewport.render();
    } catch (error) {
      this.failed(statusOf(error));
    }
  }

  setWindow(width: number, center: number): void {
    const safe = Math.max(width, 1e-3);
    this.viewport.setProperties({ voiRange: { lower: center - safe / 2, upper: center + safe / 2 } });
    this.viewport.render();
  }

  zoomBy(factor: number): void {
    this.viewport.setZoom(Math.min(40, Math.max(0.1, this.viewport.getZoom() * factor)));
    this.viewport.render();
  }

  fit(): void {
    this.viewport.resetCamera({ resetPan: true, resetZoom: true, resetToCenter: true, resetRotation: false } as never);
    this.viewport.render();
    this.changed();
  }

  rotateBy(degrees: number): void {
    const { rotation = 0 } = this.viewport.getViewPresentation();
    this.viewport.setViewPresentation({ rotation: (rotation + degrees + 360) % 360 });
    this.viewport.render();
    this.changed();
  }

  flip(axis: "horizontal" | "vertical"): void {
    const camera = this.viewport.getCamera();
    this.viewport.setCamera(axis === "horizontal" ? { flipHorizontal: !camera.flipHorizontal } : { flipVertical: !camera.flipVertical });
    this.viewport.render();
    this.changed();
  }

  invert(): void {
    this.viewport.setProperties({ invert: !this.viewport.getProperties().invert });
    this.viewport.render();
    this.changed();
  }

  reset(): void {
    this.viewport.resetProperties();
    this.viewport.resetCamera();
    this.viewport.render();
    this.changed();
  }

  /** Play the stack in a loop. */
  playCine(framesPerSecond: number): void {
    toolUtilities.cine.playClip(this.viewport.element, { framesPerSecond, loop: true });
  }

  stopCine(): void {
    toolUtilities.cine.stopClip(this.viewport.element, { stopDynamicCine: true });
  }

  /** Smallest and largest value of the current picture, in units of the modality; null before there is one. */
  range(): [number, number] | null {
    const image = this.viewport.getCornerstoneImage();
    if (!image || image.color) return null;
    const scaled = Boolean(image.preScale?.scaled);
    const toUnits = (value: number): number => (scaled ? value : value * (image.slope || 1) + (image.intercept || 0));
    return [toUnits(image.minPixelValue), toUnits(image.maxPixelValue)];
  }

  /** Letters for the four edges as the picture lies now. */
  edges(named: Directions): Edges {
    const [row, column] = this.axes();
    return edges(named, row, column);
  }

  /** A length in mm that fits well beside the picture, and how many CSS pixels it is; null when the picture is too small. */
  scale(room: number): { mm: number; pixels: number } | null {
    const [x, y] = this.axes()[1];
    const perMm = Math.hypot(x, y);
    const mm = MM_CHOICES.find((length) => length * perMm < room);
    return mm && perMm > 0 ? { mm, pixels: mm * perMm } : null;
  }

  /** Where one mm along the image's rows and columns goes on the screen, in CSS pixels. */
  private axes(): [[number, number], [number, number]] {
    const data = this.viewport.getImageData();
    const direction = data?.direction ?? [1, 0, 0, 0, 1, 0];
    const origin = (data?.origin ?? [0, 0, 0]) as core.Types.Point3;
    const from = this.viewport.worldToCanvas(origin);
    const along = (first: number): [number, number] => {
      const to = this.viewport.worldToCanvas(origin.map((value, axis) => value + (direction[first + axis] ?? 0)) as core.Types.Point3);
      return [to[0] - from[0], to[1] - from[1]];
    };
    return [along(0), along(3)];
  }

  private expect(index: number): void {
    this.target = index;
    this.shown = core.cache.isLoaded(this.imageIds[index] ?? "");
    window.clearTimeout(this.stuck);
    if (!this.shown) this.stuck = window.setTimeout(() => this.failed(null), STUCK_MS);
    this.changed();
  }

  private arrived(): void {
    window.clearTimeout(this.stuck);
    this.shown = true;
    this.changed();
  }

  private failed(status: number | null): void {
    window.clearTimeout(this.stuck);
    this.stopCine();
    this.listener.onFailure({ index: this.target, status });
  }

  private changed(): void {
    if (!this.imageIds.length) return;
    const { voiRange, invert } = this.viewport.getProperties();
    const camera = this.viewport.getCamera();
    this.listener.onChange({
      index: this.target,
      count: this.imageIds.length,
      shown: this.shown,
      width: voiRange ? voiRange.upper - voiRange.lower : null,
      center: voiRange ? (voiRange.upper + voiRange.lower) / 2 : null,
      zoom: this.viewport.getZoom(),
      inverted: Boolean(invert),
      flipped: Boolean(camera.flipHorizontal) !== Boolean(camera.flipVertical),
    });
  }
}
