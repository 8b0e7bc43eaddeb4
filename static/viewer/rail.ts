/** The strip of series: those of the study, those of opened priors, what is open where, how much is loaded, what is starred. */
import type { Manifest, PriorEntry, SeriesEntry } from "./manifest";
import { icon, make, part } from "./page";
import { number, say } from "./words";

/** Name of a series as the reader calls it. */
export function seriesName(entry: SeriesEntry): string {
  return entry.description || entry.tile_reason || (entry.number === null ? entry.modality : say("series_number", { n: entry.number }));
}

/** A series dragged onto a port, as text: never handed to anything but `RailEvents.onOpen`. */
export const DRAGGED = "application/x-negatoscope-series";

export interface RailEvents {
  onOpen: (study: string, series: string) => void;
  onOpenPrior: (prior: PriorEntry) => void;
  /** The star of a series: its key images, one after another. */
  onStar: (study: string, series: string) => void;
}

export class Rail {
  private readonly root = part("rail-studies");
  private readonly links = new Map<string, HTMLAnchorElement>();

  constructor(private readonly events: RailEvents) {}

  /** Show the studies in the order in which they were opened, then the priors that can be. */
  studies(open: readonly Manifest[], priors: readonly PriorEntry[]): void {
    const later = new Set(priors.filter((prior) => prior.is_later).map((prior) => prior.study_instance_uid));
    const focused = (document.activeElement as HTMLElement | null)?.dataset["rail"];
    this.links.clear();
    const opened = new Set(open.map((study) => study.study.study_instance_uid));
    const waiting = priors.filter((prior) => !opened.has(prior.study_instance_uid));
    const offered = (words: string, of: readonly PriorEntry[]): HTMLElement[] =>
      of.length ? [this.heading(words, ""), this.list(of.map((prior) => this.prior(prior)))] : [];
    const called = (study: Manifest): string => say(later.has(study.study.study_instance_uid) ? "later" : "prior");
    this.root.replaceChildren(
      ...open.flatMap((study, index) => [
        this.heading(index ? called(study) : say("this_study"), [study.study.description, study.study.date].filter(Boolean).join(", ")),
        this.list(study.series.map((entry) => this.series(study.study.study_instance_uid, entry))),
      ]),
      ...offered(say("priors"), waiting.filter((prior) => !prior.is_later)),
      ...offered(say("laters"), waiting.filter((prior) => prior.is_later)),
    );
    if (focused) this.root.querySelector<HTMLElement>(`[data-rail="${CSS.escape(focused)}"]`)?.focus();
  }

  private heading(words: string, small: string): HTMLElement {
    const heading = make("h2", "", words);
    if (small) heading.append(make("small", "", small));
    return heading;
  }

  private list(links: HTMLElement[]): HTMLElement {
    const list = make("ul");
    list.setAttribute("role", "list");
    for (const link of links) {
      const item = make("li");
      item.append(link, ...(link.dataset["rail"] ? [this.star(link.dataset["rail"])] : []));
      list.append(item);
    }
    return list;
  }

  private picture(figure: HTMLElement, url: string | null, missing: string): void {
    if (!url) {
      figure.append(icon(missing, "icon icon-l"));
      return;
    }
    const picture = make("img");
    picture.src = url;
    picture.width = picture.height = 76;
    picture.alt = "";
    picture.loading = "lazy";
    picture.addEventListener("error", () => picture.replaceWith(icon("photo", "icon icon-l")));
    figure.append(picture);
  }

  private series(study: string, entry: SeriesEntry): HTMLElement {
    const link = make("a");
    const key = `${study}/${entry.series_instance_uid}`;
    link.href = `#${entry.series_instance_uid}`;
    link.dataset["rail"] = key;
    const figure = make("figure");
    this.picture(figure, entry.thumbnail_url, entry.is_image ? "photo" : "file-text");
    const letters = make("span", "open-in");
    letters.hidden = true;
    figure.append(letters, make("small", "", number(entry.frame_count)));
    const progress = make("progress", "thin");
    progress.max = entry.frame_count;
    progress.value = 0;
    progress.hidden = true;
    figure.append(progress);
    link.append(figure, make("b", "", seriesName(entry)));
    link.title = [entry.modality, seriesName(entry)].join(", ");
    link.addEventListener("click", (event) => {
      event.preventDefault();
      this.events.onOpen(study, entry.series_instance_uid);
    });
    link.addEventListener("dragstart", (event) => event.dataTransfer?.setData(DRAGGED, key));
    this.links.set(key, link);
    return link;
  }

  private star(key: string): HTMLElement {
    const star = make("button", "rail-star");
    star.type = "button";
    star.hidden = true;
    star.dataset["star"] = key;
    star.append(icon("star"), make("span"));
    star.addEventListener("click", () => this.events.onStar(...(key.split("/") as [string, string])));
    return star;
  }

  private prior(prior: PriorEntry): HTMLElement {
    const button = make("button", "rail-prior");
    button.type = "button";
    const figure = make("figure");
    this.picture(figure, prior.thumbnail_url, "photo");
    button.append(figure, make("b", "", prior.description || prior.modalities), make("small", "", `${prior.modalities} ${prior.date}`), make("small", "", prior.distance));
    button.addEventListener("click", () => this.events.onOpenPrior(prior));
    return button;
  }

  /** Mark which series are open in which ports (letters), and which of them is the active port's. */
  open(where: ReadonlyMap<string, string>, active: string): void {
    for (const [key, link] of this.links) {
      const letters = where.get(key) ?? "";
      if (letters) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      const mark = link.querySelector<HTMLElement>(".open-in");
      if (mark) {
        mark.textContent = letters;
        mark.hidden = !letters || where.size < 2;
      }
    }
    this.links.get(active)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** Show how many key images each series has. */
  stars(counts: ReadonlyMap<string, number>): void {
    for (const star of this.root.querySelectorAll<HTMLElement>("[data-star]")) {
      const count = counts.get(star.dataset["star"] ?? "") ?? 0;
      star.hidden = count === 0;
      const text = star.querySelector("span");
      if (text) text.textContent = number(count);
      star.setAttribute("aria-label", say("key_images_count", { n: count }));
      star.title = say("key_images_count", { n: count });
    }
  }

  /** Show how many images of a series are there; the bar goes when all are. */
  progress(key: string, settled: number, total: number, label: string): void {
    const bar = this.links.get(key)?.querySelector("progress");
    if (!bar) return;
    bar.max = total;
    bar.value = settled;
    bar.hidden = settled >= total || total < 2;
    bar.setAttribute("aria-label", label);
  }
}
