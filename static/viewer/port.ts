/** One viewport and what a reader does with it. It knows nothing of the page: it says what it shows through `onChange`. */
import * as core from "@cornerstonejs/core";
import { utilities as toolUtilities } from "@cornerstonejs/tools";
import type { Directions, Edges } from "./orientation";
import { edges } from "./orientation";
import { resizing } from "./engine";
import { pauseBefore } from "./manifest";

/** A slice that is asked for and not there after this long gets an error tile with a retry. */
const STUCK_MS = 25_000;
const MM_CHOICES = [200, 100, 50, 20, 10, 5];

export interface View {
  index: number;
  count: number;
  /** Are the pixels of `index` on the screen, on their way, or not to be had? */
  state: "shown" | "waiting" | "failed";
  width: number | null;
  center: number | null;
  zoom: number;
  /** Shown the other way round than its photometric interpretation says. */
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

/** The range that a window of the LINEAR function spans (PS3.3 C.11.2.1.2.1): one value less than its width. */
const toRange = (width: number, center: number): core.Types.VOIRange => core.utilities.windowLevel.toLowHighRange(width, center, core.Enums.VOILUTFunctionType.LINEAR);

export class Port {
  private target = 0;
  private state: View["state"] = "waiting";
  /** A new picture was set and not drawn yet; its window and camera can be asked for once it is. */
  private fresh = false;
  /** The window that the reader chose; null while each picture has its own. */
  private chosen: core.Types.VOIRange | null = null;
  /** What the viewport calls zoom when the picture fits: 1 with a graphics card, pixels per pixel without. */
  private fitted = 1;
  /** The whole picture lies in the port, as it was laid: it does so again when the port gets another size. */
  private fits = true;
  private stuck = 0;
  /** How often the slice was asked for again by itself, and the timer of the next time. */
  private tries = 0;
  private again = 0;
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
    element.addEventListener(Events.IMAGE_RENDERED, () => {
      if (!this.fresh) return;
      this.fresh = false;
      this.state = "shown";
      this.keepWindow();
      this.changed();
    });
    element.addEventListener(Events.VOI_MODIFIED, () => {
      if (this.state === "shown" && !this.fresh) this.chosen = this.viewport.getProperties().voiRange ?? null;
      this.changed();
    });
    element.addEventListener(Events.CAMERA_MODIFIED, () => this.changed());
    core.eventTarget.addEventListener(Events.IMAGE_LOAD_ERROR, this.onLoadError);
  }

  private readonly onLoadError = ((event: CustomEvent<{ imageId: string; error: unknown }>) => {
    // A list comes when the picture was there and could not be drawn; then it is one that waits to be shown.
    if (Array.isArray(event.detail)) {
      if (this.state === "waiting" && this.imageIds.length) this.failed(null);
    } else if (event.detail.imageId === this.imageIds[this.target]) this.failed(statusOf(event.detail.error));
  }) as EventListener;

  /** The viewport goes away. */
  destroy(): void {
    this.close();
    core.eventTarget.removeEventListener(core.Enums.Events.IMAGE_LOAD_ERROR, this.onLoadError);
  }

  /** Show a stack from `index` on. A first image that cannot be shown is a failure of that image, not of the stack. */
  async open(imageIds: string[], index: number): Promise<void> {
    this.stopCine();
    this.chosen = null;
    this.imageIds = imageIds;
    this.expect(index);
    try {
      await this.viewport.setStack(imageIds, index);
      if (this.imageIds !== imageIds || !this.viewport.getCornerstoneImage()) return;
      this.reset();
    } catch (error) {
      if (this.imageIds === imageIds) this.failed(statusOf(error));
    }
  }

  /** Leave the stack: what is still on its way is no longer waited for. */
  close(): void {
    this.stopCine();
    this.wait();
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
    await this.askAgain();
  }

  private async askAgain(): Promise<void> {
    const { imageIds } = this;
    const had = Boolean(this.viewport.getCornerstoneImage());
    const { voiRange, invert } = this.viewport.getProperties();
    const presentation = had ? this.viewport.getViewPresentation() : null;
    try {
      // The viewport believes to be at this image already, so the stack is set again, and looks as before.
      await this.viewport.setStack(this.imageIds, this.target);
      // A refusal was told by its event; the stack is set all the same, without this picture.
      const refused = this.state === "failed" || this.again > 0;
      if (this.imageIds !== imageIds || refused || !this.viewport.getCornerstoneImage()) return;
      if (!presentation) return this.reset();
      this.viewport.setProperties({ ...(voiRange && { voiRange }), ...(invert !== undefined && { invert }) });
      this.viewport.setViewPresentation(presentation);
      this.viewport.render();
    } catch (error) {
      if (this.imageIds === imageIds) this.failed(statusOf(error));
    }
  }

  setWindow(width: number, center: number): void {
    this.chosen = toRange(Math.max(width, 1e-3), center);
    this.viewport.setProperties({ voiRange: this.chosen });
    this.viewport.render();
  }

  zoomBy(factor: number): void {
    const wanted = (this.viewport.getZoom() / this.fitted) * factor;
    this.viewport.setZoom(Math.min(40, Math.max(0.1, wanted)) * this.fitted);
    this.viewport.render();
  }

  fit(): void {
    const { rotation = 0 } = this.viewport.getViewPresentation();
    const { flipHorizontal = false, flipVertical = false } = this.viewport.getCamera();
    this.lay(rotation, flipHorizontal, flipVertical);
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

  /** The viewport has another size. A picture that fitted fits again; without a graphics card it would keep its pixels' size. */
  resized(withoutGraphics: boolean): void {
    if (withoutGraphics || this.fits) this.fit();
    else this.changed();
  }

  /** Whether the least value is shown white (MONOCHROME1, PS3.3 C.7.6.3.1.2). */
  private get leastIsWhite(): boolean {
    const { photometricInterpretation } = core.metaData.get("imagePixelModule", this.viewport.getCurrentImageId()) ?? {};
    return photometricInterpretation === "MONOCHROME1";
  }

  /** Show the least value white again: the library's reset forgets it, in one way on a graphics card and in another without. */
  private turnWhite(): void {
    if (core.getShouldUseCPURendering()) return this.viewport.setProperties({ invert: true });
    const { actor } = this.viewport.getDefaultActor() as { actor: core.Types.ImageActor };
    const shades = actor.getProperty().getRGBTransferFunction(0);
    if (shades) core.utilities.invertRgbTransferFunction(shades);
  }

  reset(): void {
    this.viewport.resetProperties();
    if (this.leastIsWhite) this.turnWhite();
    this.chosen = null;
    this.lay(0, false, false);
  }

  /** Lay the whole picture into the viewport, turned and flipped as said. */
  private lay(rotation: number, flipHorizontal: boolean, flipVertical: boolean): void {
    const { viewport } = this;
    // Without a graphics card resetCamera leaves flips as they are; with one it takes them away.
    const lift = viewport.getCamera();
    if (lift.flipHorizontal) viewport.setCamera({ flipHorizontal: false });
    if (lift.flipVertical) viewport.setCamera({ flipVertical: false });
    viewport.resetCamera();
    this.fitted = viewport.getZoom() || 1;
    if (flipHorizontal) viewport.setCamera({ flipHorizontal });
    if (flipVertical) viewport.setCamera({ flipVertical });
    viewport.setViewPresentation({ rotation });
    viewport.render();
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

  /** A chosen window holds for the whole stack; without a graphics card the viewport forgets it with each picture. */
  private keepWindow(): void {
    const now = this.viewport.getProperties().voiRange;
    if (!this.chosen || !now || (now.lower === this.chosen.lower && now.upper === this.chosen.upper)) return;
    this.viewport.setProperties({ voiRange: this.chosen });
    this.viewport.render();
  }

  private expect(index: number): void {
    this.target = index;
    this.state = "waiting";
    this.fresh = false;
    this.tries = 0;
    this.wait(STUCK_MS);
    this.changed();
  }

  /** Wait for a slice no longer than this; without a time, for nothing any more. */
  private wait(longest = 0): void {
    window.clearTimeout(this.stuck);
    window.clearTimeout(this.again);
    this.again = 0;
    if (longest) this.stuck = window.setTimeout(() => this.failed(null), longest);
  }

  /** The picture is set; it counts as shown once it is drawn. */
  private arrived(): void {
    this.wait();
    this.fresh = true;
  }

  /** The slice did not come. A server that is busy is asked again, with longer and longer pauses, before anybody hears of it. */
  private failed(status: number | null): void {
    if (this.again) return; // a refusal is told twice: by the event, and by the stack that was set
    const pause = pauseBefore(status, this.tries);
    this.wait();
    if (pause !== null) {
      this.tries += 1;
      this.again = window.setTimeout(() => {
        this.wait(STUCK_MS);
        void this.askAgain();
      }, pause);
      return;
    }
    this.stopCine();
    this.state = "failed";
    this.listener.onFailure({ index: this.target, status });
  }

  private changed(): void {
    if (!this.imageIds.length) return;
    const image = this.viewport.getCornerstoneImage();
    // Before the first picture there is nothing to ask (without a graphics card the question itself fails).
    if (!image) {
      this.listener.onChange({ index: this.target, count: this.imageIds.length, state: this.state, width: null, center: null, zoom: 1, inverted: false, flipped: false });
      return;
    }
    const { voiRange, invert } = this.viewport.getProperties();
    const window = voiRange && core.utilities.windowLevel.toWindowLevel(voiRange.lower, voiRange.upper);
    const camera = this.viewport.getCamera();
    const zoom = this.viewport.getZoom() / this.fitted;
    const [x, y] = this.viewport.getPan();
    if (!resizing.now) this.fits = Math.abs(zoom - 1) < 0.01 && Math.hypot(x, y) < 2;
    this.listener.onChange({
      index: this.target,
      count: this.imageIds.length,
      state: this.state,
      width: window ? window.windowWidth : null,
      center: window ? window.windowCenter : null,
      zoom,
      inverted: Boolean(invert) !== this.leastIsWhite,
      flipped: Boolean(camera.flipHorizontal) !== Boolean(camera.flipVertical),
    });
  }
}
