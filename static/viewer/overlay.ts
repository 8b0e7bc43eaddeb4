/** What is written around the picture: series, slice, window, letters, scale, and the error tile. Identity is the server's. */
import type { Plane } from "./header";
import { TAG, numbers, text } from "./header";
import { depth } from "./order";
import { directions } from "./orientation";
import { make, part } from "./page";
import type { Port, View } from "./port";
import type { StudyEntry } from "./manifest";
import { seriesName } from "./rail";
import type { OpenSeries, Slide } from "./slides";
import { number, say } from "./words";

const SCALE_ROOM = 0.3; // of the stage's height

export class Overlay {
  private readonly picture: HTMLImageElement;
  private readonly tile: HTMLElement;
  private readonly tilePicture: HTMLImageElement;
  private readonly slider: HTMLInputElement;

  /** `stage` is the port's section; what a screen reader should hear goes to `tell`. */
  constructor(
    private readonly stage: HTMLElement,
    private readonly tell: (message: string) => void,
  ) {
    this.picture = this.part("first-picture");
    this.tile = this.part("tile");
    this.tilePicture = this.part("tile-picture");
    this.slider = this.part("slider");
    // A picture that the server could not make leaves black, not a broken frame.
    for (const image of [this.picture, this.tilePicture]) image.addEventListener("error", () => (image.hidden = true));
  }

  private part<T extends Element = HTMLElement>(name: string): T {
    return part<T>(name, this.stage);
  }

  /** Show the ready-made picture while the pixels come. */
  waiting(previewUrl: string | null): void {
    this.hideTile();
    this.picture.hidden = !previewUrl;
    if (previewUrl) this.picture.src = previewUrl;
  }

  /** The pixels are there: the ready-made picture goes. */
  arrived(): void {
    this.picture.hidden = true;
    this.hideTile();
  }

  /** A tile in place of a picture: what it is or why it cannot be shown, and a way on. */
  showTile(title: string, detail: string, previewUrl: string | null, retry: boolean, pageUrl = ""): void {
    this.picture.hidden = true;
    this.part("tile-text").replaceChildren(make("b", "", title), make("span", "", detail));
    const page = this.part<HTMLAnchorElement>("tile-page");
    page.hidden = !pageUrl;
    if (pageUrl) page.href = pageUrl;
    this.tilePicture.hidden = !previewUrl;
    if (previewUrl) this.tilePicture.src = previewUrl;
    this.part("retry").hidden = !retry;
    this.tile.hidden = false;
    this.stage.classList.add("has-tile");
    this.stage.classList.remove("is-waiting");
    this.tell(detail ? `${title} ${detail}` : title);
  }

  hideTile(): void {
    this.tile.hidden = true;
    this.stage.classList.remove("has-tile");
  }

  /** The slice asked for is not there yet: the one still on the screen steps back, so that nobody takes it for the new one. */
  late(late: boolean): void {
    this.stage.classList.toggle("is-waiting", late && this.picture.hidden === true);
  }

  /** Letter of the port, and whether it shows the study opened or an earlier one; nothing while there is only one port. */
  flag(words: string, prior: boolean): void {
    const flag = this.part("flag");
    flag.hidden = !words;
    flag.textContent = words;
    flag.className = `port-flag ${prior ? "prior" : "now"}`;
  }

  /** Fit the slider to a stack of `count` slides. */
  stack(count: number): void {
    this.slider.max = String(count);
    this.slider.value = "1";
    this.part("slider-track").hidden = count < 2;
  }

  position(index: number, count: number): void {
    this.slider.value = String(index + 1);
    this.slider.setAttribute("aria-valuetext", `${number(index + 1)} / ${number(count)}`);
  }

  /** Is the image flagged, and by whom? */
  star(by: string | null): void {
    const star = this.part("star");
    star.hidden = by === null;
    this.part("star-text").textContent = by === null ? "" : by ? say("key_image_by", { name: by }) : say("key_image");
  }

  /** Texts of the corners that belong to the series. */
  series(series: OpenSeries, study: StudyEntry): void {
    const { entry } = series;
    this.part("corner-date").textContent = study.date;
    const label = entry.number === null ? entry.modality : `${entry.modality} ${say("series_number", { n: entry.number })}`;
    this.part("corner-series").textContent = label;
    this.part("corner-description").textContent = entry.description || entry.tile_reason;
  }

  /** Texts that follow every move. */
  view(view: View, slide: Slide, preset: string, series: OpenSeries): void {
    this.part("corner-slice").textContent = `${number(view.index + 1)} / ${number(view.count)}`;
    this.part("corner-place").textContent = this.place(slide.header, slide.plane);
    const window_ = view.width === null || view.center === null ? "" : say("window_values", { width: number(view.width), center: number(view.center) });
    this.part("corner-window").textContent = [window_, preset].filter(Boolean).join("  ");
    const marks = [say("zoom_factor", { n: number(view.zoom, 1) })];
    if (view.inverted) marks.push(say("inverted"));
    if (view.flipped) marks.push(say("flipped"));
    if (text(slide.header, TAG.lossyCompression) === "01") marks.push(say("lossy"));
    this.part("corner-zoom").textContent = marks.join(" · ");
    this.late(view.state === "waiting");
    const spoken = say("image_of", { n: view.index + 1, total: view.count });
    const flag = this.part("flag").textContent;
    this.stage.setAttribute("aria-label", [flag, seriesName(series.entry), spoken].filter(Boolean).join(", "));
    if (view.state !== "failed") this.tell(spoken);
  }

  /** Letters and scale, which follow the picture's place on the screen. */
  marks(port: Port, slide: Slide): void {
    const named = directions(slide.header, slide.plane);
    const letters = named ? port.edges(named) : { top: "", right: "", bottom: "", left: "" };
    for (const side of ["top", "right", "bottom", "left"] as const) this.part(`edge-${side}`).textContent = letters[side];
    const scale = slide.scale ? port.scale(this.stage.clientHeight * SCALE_ROOM) : null;
    const bar = this.part("scale");
    bar.hidden = scale === null;
    if (!scale) return;
    bar.style.blockSize = `${scale.pixels}px`;
    const length = scale.mm >= 10 ? `${number(scale.mm / 10)} cm` : `${number(scale.mm)} mm`;
    // On a projection the bar is as long as it says at the detector, not in the patient.
    this.part("scale-label").textContent = slide.scale?.where === "patient" ? length : `${length} ${say(`scale_${slide.scale?.where ?? "film"}`)}`;
  }

  private place(header: Slide["header"], plane: Plane | null): string {
    const thickness = numbers(header, TAG.sliceThickness)[0];
    const parts = thickness ? [`${number(thickness, 1)} mm`] : [];
    if (plane) parts.push(say("slice_at", { n: number(depth(plane), 1) }));
    return parts.join(", ");
  }
}
