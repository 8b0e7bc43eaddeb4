/** The stage: up to four ports, which of them is active, how they scroll together and where their slices cross. */
import * as tools from "@cornerstonejs/tools";
import { Viewports } from "./engine";
import { LAYOUTS, isLayout, letterOf, makeSection, setLayout, type Layout } from "./layout";
import { Linking } from "./linking";
import type { Manifest, SeriesEntry } from "./manifest";
import type { Memory } from "./memory";
import { part } from "./page";
import { Pane, type PaneEvents } from "./pane";
import { DRAGGED } from "./rail";
import { drawReferenceLines } from "./reference";
import type { Slide } from "./slides";
import { say } from "./words";

export interface StageEvents extends PaneEvents {
  /** Another port is active, or what the stage holds has changed. */
  onArranged: () => void;
  onDropped: (pane: Pane, study: string, series: string) => void;
  /** A swipe to the left (1) or right (-1). */
  onSwipe: (by: number) => unknown;
}

export class Stage {
  readonly panes: Pane[] = [];
  readonly linking = new Linking();
  layout: Layout = "1x1";
  linesShown = true;
  private readonly viewports = new Viewports();
  private readonly closers = new Map<Pane, () => void>();
  private activeIndex = 0;

  constructor(
    private readonly root: string,
    private readonly memory: Memory,
    private readonly group: tools.Types.IToolGroup,
    private readonly withoutGraphics: boolean,
    private readonly events: StageEvents,
  ) {
    this.add(part("port"));
  }

  get active(): Pane {
    return (this.panes[this.activeIndex] ?? this.panes[0]) as Pane;
  }

  get first(): Pane {
    return this.panes[0] as Pane;
  }

  activate(pane: Pane): void {
    const index = this.panes.indexOf(pane);
    if (index < 0 || index === this.activeIndex) return;
    this.activeIndex = index;
    this.arranged();
  }

  private add(section: HTMLElement): Pane {
    const id = `port-${letterOf(this.panes.length)}`;
    const { viewport, close } = this.viewports.open(id, part<HTMLDivElement>("pixels", section), () => {
      pane.port.resized(this.withoutGraphics);
      this.drawLines();
    });
    this.group.addViewport(id, "viewer");
    const pane = new Pane(section, viewport, this.root, this.memory, this.events);
    this.panes.push(pane);
    this.closers.set(pane, close);
    for (const event of ["pointerdown", "focusin"]) section.addEventListener(event, () => this.activate(pane));
    section.addEventListener("dragover", (event) => {
      if (event.dataTransfer?.types.includes(DRAGGED)) event.preventDefault();
    });
    section.addEventListener("drop", (event) => {
      const [study, series] = (event.dataTransfer?.getData(DRAGGED) ?? "").split("/");
      if (!study || !series) return;
      event.preventDefault();
      this.activate(pane);
      this.events.onDropped(pane, study, series);
    });
    viewport.element.addEventListener(tools.Enums.Events.TOUCH_SWIPE, ((event: CustomEvent<{ swipe: unknown }>) => {
      if (event.detail.swipe === tools.Enums.Swipe.LEFT) this.events.onSwipe(1);
      else if (event.detail.swipe === tools.Enums.Swipe.RIGHT) this.events.onSwipe(-1);
    }) as EventListener);
    return pane;
  }

  private removeLast(): void {
    const pane = this.panes.pop();
    if (!pane) return;
    pane.destroy();
    this.group.removeViewports("viewer", pane.viewport.id);
    this.closers.get(pane)?.();
    this.closers.delete(pane);
    pane.section.remove();
  }

  // Layouts --------------------------------------------------------------------------------------------------------------

  /** Divide the stage; what was in the active port stays, new ports go on with the next series. */
  async divide(text: string): Promise<void> {
    if (!isLayout(text)) return;
    const wanted = LAYOUTS[text];
    const kept = this.active;
    if (this.activeIndex >= wanted) {
      this.activeIndex = 0;
      if (kept.study && kept.entry) await this.first.open(kept.study, kept.entry, at(kept.slide));
    }
    while (this.panes.length > wanted) this.removeLast();
    this.lay(text);
    while (this.panes.length < wanted) {
      const pane = this.add(makeSection());
      const next = this.nextUnshown();
      if (next) await pane.open(next.study, next.entry, (slides) => this.counterpart(slides, pane));
      else pane.overlay.showTile(say("empty_port"), say("empty_port_hint"), null, false);
    }
    this.arranged();
  }

  cycle(): void {
    const names = Object.keys(LAYOUTS) as Layout[];
    void this.divide(names[(names.indexOf(this.layout) + 1) % names.length] ?? "1x1");
  }

  /** A port beside the active one, made when there is only one. */
  beside(): Pane {
    if (this.panes.length < 2) {
      this.add(makeSection());
      this.lay("1x2");
      this.arranged();
    }
    return this.panes[this.activeIndex === 0 ? 1 : this.activeIndex] as Pane;
  }

  private lay(layout: Layout): void {
    this.layout = layout;
    setLayout(layout);
  }

  private nextUnshown(): { study: Manifest; entry: SeriesEntry } | null {
    const { study, uid } = this.active;
    const shown = new Set(this.panes.map((pane) => pane.uid));
    const from = study?.series.findIndex((entry) => entry.series_instance_uid === uid) ?? 0;
    const order = study ? [...study.series.slice(from), ...study.series.slice(0, from)] : [];
    const entry = order.find((one) => one.is_image && !shown.has(one.series_instance_uid));
    return study && entry ? { study, entry } : null;
  }

  /** Write letters, and which study is which; tell who listens what is where: letters by `study/series`. */
  label(flag: (pane: Pane) => { words: string; prior: boolean }): Map<string, string> {
    const where = new Map<string, string>();
    this.panes.forEach((pane, index) => {
      const { words, prior } = flag(pane);
      pane.overlay.flag(prior || this.panes.length > 1 ? `${letterOf(index)}  ${words}` : "", prior);
      pane.section.classList.toggle("active", pane === this.active);
      if (pane.uid) where.set(pane.key, `${where.get(pane.key) ?? ""}${letterOf(index)}`);
    });
    return where;
  }

  private arranged(): void {
    this.drawLines();
    this.events.onArranged();
  }

  // Together ---------------------------------------------------------------------------------------------------------------

  /** Where a stack begins beside those that are open already. */
  counterpart(slides: readonly Slide[], pane: Pane): number {
    const from = this.active !== pane && this.active.hasPicture ? this.active : this.panes.find((one) => one !== pane && one.hasPicture);
    const found = from?.opened && this.linking.on ? this.linking.target({ slides: from.opened.slides, index: from.index }, slides) : null;
    return found ?? Math.floor((slides.length - 1) / 2);
  }

  /** The others go where the active port went. */
  follow(): void {
    const { active } = this;
    if (!this.linking.on || !active.opened?.entry.is_image) return;
    for (const pane of this.panes) {
      if (pane === active || !pane.opened?.entry.is_image) continue;
      const target = this.linking.target({ slides: active.opened.slides, index: active.index }, pane.opened.slides);
      if (target !== null && target !== pane.index) pane.goTo(target);
    }
  }

  toggleLink(): void {
    this.linking.on = !this.linking.on;
    const { opened, index } = this.active;
    if (!this.linking.on || !opened) return;
    for (const pane of this.panes) {
      if (pane !== this.active && pane.opened) this.linking.lock({ slides: opened.slides, index }, { slides: pane.opened.slides, index: pane.index });
    }
  }

  toggleLines(): void {
    this.linesShown = !this.linesShown;
    this.drawLines();
  }

  drawLines(): void {
    drawReferenceLines(this.active, this.panes, this.linesShown && this.panes.length > 1);
  }
}

/** Finds a slide again in slides that were read anew. */
export function at(slide: Pick<Slide, "sop" | "frame"> | undefined): (slides: readonly Slide[]) => number {
  return (slides) => slides.findIndex((one) => one.sop === slide?.sop && one.frame === slide.frame);
}
