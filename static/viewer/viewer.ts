/** The viewer: one study, its series, one viewport. Everything a hand or a key can do is a method here. */
import { cache } from "@cornerstonejs/core";
import { TAG, numbers } from "./header";
import { RequestFailed, type Manifest, type SeriesEntry } from "./manifest";
import { Overlay } from "./overlay";
import { part } from "./page";
import type { Port, Failure, View } from "./port";
import { Prefetch } from "./prefetch";
import { presets, type Preset } from "./presets";
import { Rail, seriesName } from "./rail";
import { WrongSeries, openSeries, type OpenSeries, type Slide } from "./slides";
import type { Toolbar } from "./toolbar";
import { say } from "./words";

const DEFAULT_RATE = 12; // images per second when the modality names none

export class Viewer {
  private readonly rail: Rail;
  private readonly overlay = new Overlay();
  private opened: OpenSeries | null = null;
  private at = -1;
  private page = 0; // slide of a series without pixels
  private loads: Prefetch | null = null;
  private presets: Preset[] = [];
  private playing = false;
  private shownIndex = -1;
  private request = 0;

  constructor(
    private readonly root: string,
    private readonly manifest: Manifest,
    private readonly port: Port,
    private readonly toolbar: Toolbar,
  ) {
    this.rail = new Rail(manifest.series, (index) => void this.openSeries(index));
  }

  /** Open a series by its place in the manifest, at its first slide. */
  async openSeries(index: number): Promise<void> {
    const entry = this.manifest.series[index];
    if (!entry) return;
    const request = ++this.request;
    this.stopCine();
    this.loads?.stop();
    this.port.close();
    this.opened = null;
    this.at = index;
    this.rail.open(index);
    this.overlay.waiting(entry.preview_url);
    window.history.replaceState(null, "", `#${entry.series_instance_uid}`);
    try {
      const opened = await openSeries(this.root, this.manifest.study.study_instance_uid, entry);
      if (request !== this.request) return; // the reader went on meanwhile
      this.show(opened);
    } catch (error) {
      if (request === this.request) this.cannotOpen(entry, error);
    }
  }

  private show(opened: OpenSeries): void {
    this.opened = opened;
    this.page = 0;
    this.shownIndex = -1;
    this.presets = [];
    this.overlay.series(opened);
    part("port").classList.toggle("is-document", !opened.entry.is_image);
    this.toolbar.presets([], "");
    this.toolbar.stack(opened.slides.length);
    if (!opened.entry.is_image) return this.showDocument();
    const imageIds = opened.slides.map((slide) => slide.imageId);
    this.toolbar.rate(this.storedRate(opened.slides[0]));
    this.loads = new Prefetch(imageIds, (settled, failed) => this.loaded(opened, settled, failed));
    // The ready-made picture is on the screen: begin at its slice, so that nothing jumps.
    const first = opened.slides.findIndex((slide) => slide.previewUrl !== null && slide.previewUrl === opened.entry.preview_url);
    void this.port.open(imageIds, Math.max(0, first));
  }

  private showDocument(): void {
    const slides = this.opened?.slides ?? [];
    const slide = slides[this.page];
    if (!slide) return;
    const where = slides.length > 1 ? say("image_of", { n: this.page + 1, total: slides.length }) : "";
    const detail = [slide.previewUrl ? "" : say("no_picture"), where].filter(Boolean).join(" ");
    this.overlay.showTile(slide.tile || say("document"), detail, slide.previewUrl, false);
    this.toolbar.position(this.page, slides.length);
  }

  /** How many pictures the modality took per second; a dozen when it does not say. */
  private storedRate(slide: Slide | undefined): number {
    if (!slide) return DEFAULT_RATE;
    const [rate] = [...numbers(slide.header, TAG.recommendedRate), ...numbers(slide.header, TAG.cineRate)];
    const [frameTime] = numbers(slide.header, TAG.frameTime);
    const stored = rate ?? (frameTime ? 1000 / frameTime : DEFAULT_RATE);
    return Math.min(60, Math.max(1, Math.round(stored)));
  }

  private loaded(opened: OpenSeries, settled: number, failed: number): void {
    if (this.opened !== opened) return;
    const total = opened.slides.length;
    const label = say("loaded_of", { n: settled - failed, total });
    this.rail.progress(this.at, settled, total, label);
    this.toolbar.loading(settled, total, label, failed ? say("failed_count", { n: failed }) : "");
  }

  private cannotOpen(entry: SeriesEntry, error: unknown): void {
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

  onView(view: View): void {
    const opened = this.opened;
    const slide = opened?.slides[view.index];
    if (!opened || !slide || !opened.entry.is_image) return;
    if (view.state === "shown") this.arrived(opened, slide, view);
    else if (view.state === "waiting") this.overlay.hideTile();
    this.overlay.view(view, slide, this.presetName(view), opened);
    this.toolbar.position(view.index, view.count);
    this.toolbar.window(view.width, view.center);
    this.toolbar.presets(this.presets, this.presetName(view));
    this.toolbar.pressed("invert", view.inverted);
  }

  private arrived(opened: OpenSeries, slide: Slide, view: View): void {
    if (!cache.isLoaded(slide.imageId)) return;
    this.overlay.arrived();
    this.loads?.praise(slide.imageId);
    this.overlay.marks(this.port, slide);
    if (!this.presets.length) this.presets = presets(slide.header, `${opened.entry.description} ${opened.entry.body_part} ${this.manifest.study.description}`, this.port.range());
    if (view.index !== this.shownIndex || !this.playing) {
      this.shownIndex = view.index;
      if (!this.playing) this.loads?.around(view.index);
    }
  }

  onFailure(failure: Failure): void {
    const slide = this.opened?.slides[failure.index];
    if (!slide) return;
    this.loads?.blame(slide.imageId);
    this.setPlaying(false);
    const title = say("cannot_show", { n: failure.index + 1 });
    this.overlay.showTile(title, this.reason(failure.status), slide.previewUrl, true);
    this.toolbar.position(failure.index, this.opened?.slides.length ?? 1);
    this.loads?.around(failure.index);
  }

  private presetName(view: View): string {
    if (view.width === null || view.center === null) return "";
    const { width, center } = view;
    const near = (a: number, b: number): boolean => Math.abs(a - b) < Math.max(1, width * 0.005);
    return this.presets.find((preset) => near(preset.width, width) && near(preset.center, center))?.name ?? "";
  }

  // What a reader asks ------------------------------------------------------------------------------------------------

  goTo(index: number): void {
    const count = this.opened?.slides.length ?? 0;
    const next = Math.max(0, Math.min(count - 1, index));
    if (this.opened?.entry.is_image) this.port.goTo(next);
    else if (count) {
      this.page = next;
      this.showDocument();
    }
  }

  step(by: number): void {
    this.goTo((this.opened?.entry.is_image ? this.port.index : this.page) + by);
  }

  first(): void {
    this.goTo(0);
  }

  last(): void {
    this.goTo((this.opened?.slides.length ?? 1) - 1);
  }

  turnSeries(by: number): void {
    const next = this.at + by;
    if (next >= 0 && next < this.manifest.series.length) void this.openSeries(next);
  }

  usePreset(index: number): void {
    const preset = this.presets[index];
    if (preset) this.withPicture(() => this.port.setWindow(preset.width, preset.center));
  }

  setWindow(width: number, center: number): void {
    this.withPicture(() => this.port.setWindow(width, center));
  }

  /** Do something to the picture, when there is one. */
  withPicture(action: (port: Port) => void): void {
    if (this.opened?.entry.is_image && this.port.viewport.getCornerstoneImage()) action(this.port);
  }

  toggleCine(): void {
    if (this.playing) this.stopCine();
    else if ((this.opened?.slides.length ?? 0) > 1 && this.opened?.entry.is_image) {
      this.setPlaying(true);
      this.port.playCine(this.toolbar.chosenRate());
    }
  }

  /** A new rate counts at once when the cine runs. */
  changeRate(): void {
    if (this.playing) this.port.playCine(this.toolbar.chosenRate());
  }

  private stopCine(): void {
    if (this.playing) this.port.stopCine();
    this.setPlaying(false);
  }

  private setPlaying(playing: boolean): void {
    this.playing = playing;
    this.toolbar.pressed("cine", playing);
  }

  retry(): void {
    const slide = this.opened?.slides[this.port.index];
    if (!this.opened || !slide) {
      void this.openSeries(this.at);
      return;
    }
    this.loads?.forgive(slide.imageId);
    this.overlay.waiting(slide.previewUrl);
    void this.port.retry();
  }
}
