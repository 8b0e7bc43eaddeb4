/** What is written around the picture: series, slice, window, letters, scale, and the error tile. Identity is the server's. */
import type { Plane } from "./header";
import { TAG, numbers, text } from "./header";
import { depth } from "./order";
import { directions } from "./orientation";
import { make, part } from "./page";
import type { Port, View } from "./port";
import { seriesName } from "./rail";
import type { OpenSeries, Slide } from "./slides";
import { number, say } from "./words";

const SCALE_ROOM = 0.3; // of the stage's height

export class Overlay {
  private readonly stage = part("port");
  private readonly picture = part<HTMLImageElement>("first-picture");
  private readonly tile = part("tile");
  private readonly tileText = part("tile-text");
  private readonly tilePicture = part<HTMLImageElement>("tile-picture");
  private readonly status = part("status");
  private saying = 0;

  constructor() {
    // A picture that the server could not make leaves black, not a broken frame.
    for (const image of [this.picture, this.tilePicture]) image.addEventListener("error", () => (image.hidden = true));
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
  showTile(title: string, detail: string, previewUrl: string | null, retry: boolean): void {
    this.picture.hidden = true;
    this.tileText.replaceChildren(make("b", "", title), make("span", "", detail));
    this.tilePicture.hidden = !previewUrl;
    if (previewUrl) this.tilePicture.src = previewUrl;
    part("retry").hidden = !retry;
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

  /** Texts of the corners that belong to the series. */
  series(series: OpenSeries): void {
    const { entry } = series;
    const label = entry.number === null ? entry.modality : `${entry.modality} ${say("series_number", { n: entry.number })}`;
    part("corner-series").textContent = label;
    part("corner-description").textContent = entry.description || entry.tile_reason;
  }

  /** Texts that follow every move. */
  view(view: View, slide: Slide, preset: string, series: OpenSeries): void {
    part("corner-slice").textContent = `${number(view.index + 1)} / ${number(view.count)}`;
    part("corner-place").textContent = this.place(slide.header, slide.plane);
    const window_ = view.width === null || view.center === null ? "" : say("window_values", { width: number(view.width), center: number(view.center) });
    part("corner-window").textContent = [window_, preset].filter(Boolean).join("  ");
    const marks = [say("zoom_factor", { n: number(view.zoom, 1) })];
    if (view.inverted) marks.push(say("inverted"));
    if (view.flipped) marks.push(say("flipped"));
    if (text(slide.header, TAG.lossyCompression) === "01") marks.push(say("lossy"));
    part("corner-zoom").textContent = marks.join(" · ");
    this.late(view.state === "waiting");
    const spoken = say("image_of", { n: view.index + 1, total: view.count });
    this.stage.setAttribute("aria-label", `${seriesName(series.entry)}, ${spoken}`);
    if (view.state !== "failed") this.tell(spoken);
  }

  /** Letters and scale, which follow the picture's place on the screen. */
  marks(port: Port, slide: Slide): void {
    const named = directions(slide.header, slide.plane);
    const letters = named ? port.edges(named) : { top: "", right: "", bottom: "", left: "" };
    for (const side of ["top", "right", "bottom", "left"] as const) part(`edge-${side}`).textContent = letters[side];
    const known = numbers(slide.header, TAG.pixelSpacing).length === 2 || slide.plane !== null;
    const scale = known ? port.scale(this.stage.clientHeight * SCALE_ROOM) : null;
    const bar = part("scale");
    bar.hidden = scale === null;
    if (!scale) return;
    bar.style.blockSize = `${scale.pixels}px`;
    part("scale-label").textContent = scale.mm >= 10 ? `${number(scale.mm / 10)} cm` : `${number(scale.mm)} mm`;
  }

  /** Say something to a screen reader once the hand rests; the foot shows it at once. */
  tell(message: string): void {
    window.clearTimeout(this.saying);
    this.saying = window.setTimeout(() => (this.status.textContent = message), 250);
  }

  private place(header: Slide["header"], plane: Plane | null): string {
    const thickness = numbers(header, TAG.sliceThickness)[0];
    const parts = thickness ? [`${number(thickness, 1)} mm`] : [];
    if (plane) parts.push(say("slice_at", { n: number(depth(plane), 1) }));
    return parts.join(", ");
  }
}
