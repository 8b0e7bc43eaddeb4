/** One port of the stage: a series of a study, its slides, and what a reader does with them. */
import { cache } from "@cornerstonejs/core";
import { sessionEnded } from "../pages/session";
import { TAG, numbers } from "./header";
import { RequestFailed, type Manifest, type SeriesEntry } from "./manifest";
import type { Memory } from "./memory";
import { Overlay } from "./overlay";
import { part } from "./page";
import { Port, type Failure, type View } from "./port";
import { Prefetch } from "./prefetch";
import { presets, type Preset } from "./presets";
import { seriesName } from "./rail";
import { WrongSeries, openSeries, type OpenSeries, type Slide } from "./slides";
import { say } from "./words";
import type { StackViewport } from "@cornerstonejs/core";

const DEFAULT_RATE = 12; // images per second when the modality names none

export interface PaneEvents {
  /** Another series is asked for; the old one is still the one that was shown. */
  onOpening: (pane: Pane) => unknown;
  /** The slides of a series are known. */
  onOpened: (pane: Pane, opened: OpenSeries) => void;
  onView: (pane: Pane) => void;
  onLoaded: (pane: Pane, settled: number, failed: number) => void;
  onPlaying: (pane: Pane) => unknown;
  onTell: (pane: Pane, message: string) => unknown;
}

export class Pane {
  readonly port: Port;
  readonly overlay: Overlay;
  study: Manifest | null = null;
  entry: SeriesEntry | null = null;
  opened: OpenSeries | null = null;
  presets: Preset[] = [];
  view: View | null = null;
  playing = false;
  loaded = { settled: 0, failed: 0 };
  /** The series could not be opened at all. */
  failed = false;
  private page = 0; // slide of a series without pixels
  private loads: Prefetch | null = null;
  private shownIndex = -1;
  private request = 0;
  /** What was asked for last did not come because the session has ended. */
  private signedOut = false;

  constructor(
    readonly section: HTMLElement,
    readonly viewport: StackViewport,
    private readonly root: string,
    private readonly memory: Memory,
    private readonly events: PaneEvents,
  ) {
    this.overlay = new Overlay(section, (message) => events.onTell(this, message));
    this.port = new Port(viewport, { onChange: (view) => this.onView(view), onFailure: (failure) => this.onFailure(failure) });
    const slider = part<HTMLInputElement>("slider", section);
    slider.addEventListener("input", () => this.goTo(slider.valueAsNumber - 1));
  }

  get uid(): string {
    return this.entry?.series_instance_uid ?? "";
  }

  /** What names the series among all studies: `study/series`. */
  get key(): string {
    return `${this.study?.study.study_instance_uid ?? ""}/${this.uid}`;
  }

  get count(): number {
    return this.opened?.slides.length ?? 0;
  }

  get index(): number {
    return this.opened?.entry.is_image ? this.port.index : this.page;
  }

  get slide(): Slide | undefined {
    return this.opened?.slides[this.index];
  }

  /** Whether there is a picture to do something to. */
  get hasPicture(): boolean {
    return Boolean(this.opened?.entry.is_image && this.viewport.getCornerstoneImage());
  }

  /** Open a series, at `at` or at the slice whose picture is on the screen already. */
  async open(study: Manifest, entry: SeriesEntry, at?: (slides: readonly Slide[]) => number): Promise<void> {
    const request = ++this.request;
    this.stop();
    this.failed = false;
    this.events.onOpening(this);
    this.study = study;
    this.entry = entry;
    this.overlay.waiting(entry.preview_url);
    const uid = study.study.study_instance_uid;
    try {
      const opened = this.memory.find(uid, entry.series_instance_uid) ?? (await openSeries(this.root, uid, entry));
      if (request !== this.request) return; // the reader went on meanwhile
      this.memory.opened(opened);
      this.show(opened, at);
    } catch (error) {
      if (request === this.request) this.cannotOpen(entry, error);
    }
  }

  /** Leave the series: nothing of it is loaded any further. */
  private stop(): void {
    this.stopCine();
    this.loads?.stop();
    this.port.close();
    if (this.opened) this.memory.closed(this.opened);
    this.opened = null;
    this.view = null;
    this.presets = [];
  }

  destroy(): void {
    this.request += 1;
    this.stop();
    this.port.destroy();
  }

  private show(opened: OpenSeries, at?: (slides: readonly Slide[]) => number): void {
    this.opened = opened;
    this.page = 0;
    this.shownIndex = -1;
    this.loaded = { settled: 0, failed: 0 };
    if (this.study) this.overlay.series(opened, this.study.study);
    this.section.classList.toggle("is-document", !opened.entry.is_image);
    this.overlay.stack(opened.slides.length);
    this.events.onOpened(this, opened);
    if (!opened.entry.is_image) return this.showDocument();
    const imageIds = opened.slides.map((slide) => slide.imageId);
    const progress = (settled: number, failed: number): void => {
      if (this.opened !== opened) return;
      this.loaded = { settled, failed };
      this.events.onLoaded(this, settled, failed);
    };
    this.loads = new Prefetch(imageIds, progress, () => this.memory.hasRoom());
    // The ready-made picture is on the screen: begin at its slice, so that nothing jumps.
    const first = at ? at(opened.slides) : opened.slides.findIndex((slide) => slide.previewUrl !== null && slide.previewUrl === opened.entry.preview_url);
    void this.port.open(imageIds, Math.max(0, first));
  }

  private showDocument(): void {
    const slides = this.opened?.slides ?? [];
    const slide = slides[this.page];
    if (!slide) return;
    const where = slides.length > 1 ? say("image_of", { n: this.page + 1, total: slides.length }) : "";
    const detail = [slide.previewUrl || slide.pageUrl ? "" : say("no_picture"), where].filter(Boolean).join(" ");
    this.overlay.showTile(slide.tile || say("document"), detail, slide.previewUrl, false, slide.pageUrl);
    this.overlay.position(this.page, slides.length);
    this.events.onView(this);
  }

  /** How many pictures the modality took per second; a dozen when it does not say. */
  get storedRate(): number {
    const header = this.opened?.slides[0]?.header;
    if (!header) return DEFAULT_RATE;
    const [rate] = [...numbers(header, TAG.recommendedRate), ...numbers(header, TAG.cineRate)];
    const [frameTime] = numbers(header, TAG.frameTime);
    const stored = rate ?? (frameTime ? 1000 / frameTime : DEFAULT_RATE);
    return Math.min(60, Math.max(1, Math.round(stored)));
  }

  private cannotOpen(entry: SeriesEntry, error: unknown): void {
    this.failed = true;
    this.signedOut = error instanceof RequestFailed && error.status === 401;
    const status = error instanceof RequestFailed ? error.status : null;
    const detail = error instanceof WrongSeries ? say("wrong_series") : this.reason(status);
    this.overlay.showTile(say("cannot_open", { name: seriesName(entry) }), detail, null, !(error instanceof WrongSeries));
  }

  /** Why something did not come, in words, and what to do next. */
  private reason(status: number | null): string {
    if (status === null) return say("reason_decode");
    if (status === 0) return say("reason_network");
    if (status === 401) return say("reason_signed_out");
    if (status === 403 || status === 404) return say("reason_absent");
    return status === 503 || status === 429 ? say("reason_busy") : say("reason_server", { n: status });
  }

  // What the port reports --------------------------------------------------------------------------------------------

  private onView(view: View): void {
    const opened = this.opened;
    const slide = opened?.slides[view.index];
    if (!opened || !slide || !opened.entry.is_image) return;
    this.view = view;
    if (view.state === "shown") this.arrived(opened, slide, view);
    else if (view.state === "waiting") this.overlay.hideTile();
    this.overlay.view(view, slide, this.presetName, opened);
    this.overlay.position(view.index, view.count);
    this.events.onView(this);
  }

  private arrived(opened: OpenSeries, slide: Slide, view: View): void {
    if (!cache.isLoaded(slide.imageId)) return;
    this.overlay.arrived();
    this.loads?.praise(slide.imageId);
    this.overlay.marks(this.port, slide);
    const described = `${opened.entry.description} ${opened.entry.body_part} ${this.study?.study.description ?? ""}`;
    if (!this.presets.length) this.presets = presets(slide.header, described, this.port.range());
    if (view.index !== this.shownIndex || !this.playing) {
      this.shownIndex = view.index;
      if (!this.playing) this.loads?.around(view.index);
    }
  }

  private onFailure(failure: Failure): void {
    const slide = this.opened?.slides[failure.index];
    if (!slide) return;
    this.loads?.blame(slide.imageId);
    this.signedOut = failure.status === 401;
    if (this.signedOut) sessionEnded(); // Cornerstone asks for the pixels itself
    this.setPlaying(false);
    const title = say("cannot_show", { n: failure.index + 1 });
    this.overlay.showTile(title, this.reason(failure.status), slide.previewUrl, true);
    this.overlay.position(failure.index, this.count);
    this.loads?.around(failure.index);
  }

  /** Name of the preset that the window is; empty for any other. */
  get presetName(): string {
    const { width = null, center = null } = this.view ?? {};
    if (width === null || center === null) return "";
    const near = (a: number, b: number): boolean => Math.abs(a - b) < Math.max(1, width * 0.005);
    return this.presets.find((preset) => near(preset.width, width) && near(preset.center, center))?.name ?? "";
  }

  // What a reader asks ------------------------------------------------------------------------------------------------

  goTo(index: number): void {
    const next = Math.max(0, Math.min(this.count - 1, index));
    if (this.opened?.entry.is_image) this.port.goTo(next);
    else if (this.count) {
      this.page = next;
      this.showDocument();
    }
  }

  /** Go to a frame of an object. Returns whether it is in this series. */
  goToFrame(sop: string, frame: number): boolean {
    const index = this.opened?.slides.findIndex((slide) => slide.sop === sop && slide.frame === frame) ?? -1;
    if (index >= 0) this.goTo(index);
    return index >= 0;
  }

  usePreset(index: number): void {
    const preset = this.presets[index];
    if (preset && this.hasPicture) this.port.setWindow(preset.width, preset.center);
  }

  toggleCine(rate: number): void {
    if (this.playing) this.stopCine();
    else if (this.count > 1 && this.opened?.entry.is_image) {
      this.setPlaying(true);
      this.port.playCine(rate);
    }
  }

  /** A new rate counts at once when the cine runs. */
  changeRate(rate: number): void {
    if (this.playing) this.port.playCine(rate);
  }

  private stopCine(): void {
    if (this.playing) this.port.stopCine();
    this.setPlaying(false);
  }

  private setPlaying(playing: boolean): void {
    if (this.playing === playing) return;
    this.playing = playing;
    this.events.onPlaying(this);
  }

  /** The session is back: what did not come for want of it is asked for again. */
  signedIn(): void {
    this.loads?.signedIn();
    if (this.signedOut) this.retry();
  }

  retry(): void {
    this.signedOut = false;
    const slide = this.opened?.slides[this.port.index];
    if (!this.opened || !slide) {
      if (this.study && this.entry) void this.open(this.study, this.entry);
      return;
    }
    this.loads?.forgive(slide.imageId);
    this.overlay.waiting(slide.previewUrl);
    void this.port.retry();
  }
}
