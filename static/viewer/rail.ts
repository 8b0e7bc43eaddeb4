/** The strip of series: one link each, the open one marked, how much of it is loaded under its picture. */
import type { SeriesEntry } from "./manifest";
import { icon, make, part } from "./page";
import { number, say } from "./words";

/** Name of a series as the reader calls it. */
export function seriesName(entry: SeriesEntry): string {
  return entry.description || entry.tile_reason || (entry.number === null ? entry.modality : say("series_number", { n: entry.number }));
}

export class Rail {
  private readonly list = part("rail");
  private readonly links: HTMLAnchorElement[] = [];

  constructor(entries: SeriesEntry[], onOpen: (index: number) => void) {
    this.list.replaceChildren(
      ...entries.map((entry, index) => {
        const item = make("li");
        const link = this.link(entry);
        link.addEventListener("click", (event) => {
          event.preventDefault();
          onOpen(index);
        });
        this.links.push(link);
        item.append(link);
        return item;
      }),
    );
  }

  private link(entry: SeriesEntry): HTMLAnchorElement {
    const link = make("a");
    link.href = `#${entry.series_instance_uid}`;
    const figure = make("figure");
    if (entry.thumbnail_url) {
      const picture = make("img");
      picture.src = entry.thumbnail_url;
      picture.width = picture.height = 76;
      picture.alt = "";
      picture.loading = "lazy";
      picture.addEventListener("error", () => picture.replaceWith(icon("photo", "icon icon-l")));
      figure.append(picture);
    } else figure.append(icon(entry.is_image ? "photo" : "file-text", "icon icon-l"));
    figure.append(make("small", "", number(entry.frame_count)));
    const progress = make("progress", "thin");
    progress.max = entry.frame_count;
    progress.value = 0;
    progress.hidden = true;
    figure.append(progress);
    link.append(figure, make("b", "", seriesName(entry)));
    link.title = [entry.modality, seriesName(entry)].join(", ");
    return link;
  }

  /** Mark the open series. */
  open(index: number): void {
    this.links.forEach((link, at) => (at === index ? link.setAttribute("aria-current", "true") : link.removeAttribute("aria-current")));
    this.links[index]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  /** Show how many images of a series are there; the bar goes when all are. */
  progress(index: number, settled: number, total: number, label: string): void {
    const bar = this.links[index]?.querySelector("progress");
    if (!bar) return;
    bar.max = total;
    bar.value = settled;
    bar.hidden = settled >= total || total < 2;
    bar.setAttribute("aria-label", label);
  }
}
