/** The marks of the open studies: drawn by Cornerstone, kept by the server, taken back and done again by the reader. */
import * as core from "@cornerstonejs/core";
import * as tools from "@cornerstonejs/tools";
import { drawingOf, sameShape, shapeOf, type Drawing, type Mark, type Shape } from "./ink";
import { RequestFailed } from "./manifest";
import { linesOf } from "./measuring";
import type { Saving } from "./saving";
import { change } from "./session";
import type { Slide } from "./slides";
import { markOf } from "./tools";

interface Kept extends Mark {
  /** Address of the study's marks. */
  root: string;
  removed: boolean;
}

interface Step {
  key: string;
  before: Shape | null;
  after: Shape | null;
}

const MOST_STEPS = 200;

export class Marks {
  private readonly kept = new Map<string, Kept>();
  private readonly slides = new Map<string, Slide>();
  private readonly drawings = new WeakMap<object, Drawing>();
  private readonly touched = new Set<string>();
  private done: Step[] = [];
  private undone: Step[] = [];
  private silent = false;
  private isHeld = false;
  othersShown = true;

  constructor(
    private readonly saving: Saving,
    private readonly rootOf: (study: string) => string,
    /** Called when marks were added, changed or taken away. */
    private readonly onChange: () => void,
    private readonly onForked: () => void,
  ) {
    const on = (name: string, heard: (drawing: Drawing) => void): void =>
      core.eventTarget.addEventListener(name, ((event: CustomEvent<{ annotation: Drawing }>) => heard(event.detail.annotation)) as EventListener);
    const { Events } = tools.Enums;
    on(Events.ANNOTATION_ADDED, (drawing) => this.drawings.set(drawing.data, drawing));
    on(Events.ANNOTATION_COMPLETED, (drawing) => this.completed(drawing));
    on(Events.ANNOTATION_MODIFIED, (drawing) => {
      if (this.kept.get(drawing.annotationUID)?.own) this.touched.add(drawing.annotationUID);
      // The library tells of the last move when it draws, which may be after the hand let go.
      if (!this.isHeld) window.setTimeout(() => this.settle());
    });
    on(Events.ANNOTATION_REMOVED, (drawing) => this.removed(drawing));
    // A change counts once the hand lets go.
    document.addEventListener("pointerdown", () => (this.isHeld = true), true);
    for (const end of ["pointerup", "pointercancel", "close"]) {
      document.addEventListener(end, () => {
        this.isHeld = false;
        window.setTimeout(() => this.settle());
      }, true);
    }
  }

  /** The lines beside an annotation, found by its data. */
  readonly lines = (data: object): string[] => {
    const drawing = this.drawings.get(data);
    const tool = drawing && markOf(drawing.metadata.toolName);
    const slide = this.slides.get(drawing?.metadata.referencedImageId ?? "");
    if (!drawing || !tool || !slide) return [];
    const lines = linesOf(tool, slide, drawing.data.handles.points);
    const kept = this.kept.get(drawing.annotationUID);
    return kept && !kept.own ? [...lines, kept.author] : lines;
  };

  /** Slides that a viewport shows: their marks can be drawn. */
  show(slides: readonly Slide[]): void {
    for (const slide of slides) if (slide.imageId) this.slides.set(slide.imageId, slide);
    for (const mark of this.kept.values()) this.draw(mark);
    this.render();
  }

  /** Slides that no viewport shows any more. */
  forget(slides: readonly Slide[]): void {
    for (const slide of slides) this.slides.delete(slide.imageId);
    this.quietly(() => {
      for (const { key } of this.kept.values()) {
        const drawing = tools.annotation.state.getAnnotation(key);
        if (drawing && !this.slides.has(drawing.metadata?.referencedImageId ?? "")) tools.annotation.state.removeAnnotation(key);
      }
    });
  }

  /** Take over what the server says about a study; what waits to be saved here stays as it is here. */
  merge(study: string, marks: readonly Mark[]): void {
    const root = this.rootOf(study);
    const named = new Set(marks.map((mark) => mark.key));
    for (const mark of [...this.kept.values()]) {
      if (mark.root !== root || named.has(mark.key) || this.isBusy(mark.key) || mark.removed || mark.version === null) continue;
      this.erase(mark.key);
      this.kept.delete(mark.key);
    }
    for (const mark of marks) {
      const known = this.kept.get(mark.key);
      if (this.isBusy(mark.key) || (known && known.version === mark.version && !known.removed)) continue;
      const kept = { ...mark, root, removed: false };
      this.kept.set(mark.key, kept);
      this.erase(mark.key);
      this.draw(kept);
    }
    this.render();
    this.onChange();
  }

  private isBusy(key: string): boolean {
    return this.saving.has(key) || this.touched.has(key);
  }

  get count(): number {
    return [...this.kept.values()].filter((mark) => !mark.removed).length;
  }

  get hasOthers(): boolean {
    return [...this.kept.values()].some((mark) => !mark.own);
  }

  // What the hand does -------------------------------------------------------------------------------------------------

  private completed(drawing: Drawing): void {
    if (this.silent) return;
    const slide = this.slides.get(drawing.metadata.referencedImageId ?? "");
    const tool = markOf(drawing.metadata.toolName);
    if (!slide || !tool || this.kept.has(drawing.annotationUID)) return;
    const shape = shapeOf(drawing, slide);
    if (!shape) {
      this.erase(drawing.annotationUID);
      this.render();
      return;
    }
    const where = { series_instance_uid: slide.series, sop_instance_uid: slide.sop, frame: slide.frame };
    const mark = { ...where, key: drawing.annotationUID, tool, shape, author: "", own: true, version: null };
    this.kept.set(mark.key, { ...mark, root: this.rootOf(slide.study), removed: false });
    this.note({ key: mark.key, before: null, after: shape });
    this.save(mark.key);
  }

  private settle(): void {
    if (this.isHeld) return;
    for (const key of this.touched) {
      const mark = this.kept.get(key);
      const drawing = tools.annotation.state.getAnnotation(key) as Drawing | undefined;
      const slide = drawing && this.slides.get(drawing.metadata.referencedImageId ?? "");
      const shape = slide && shapeOf(drawing, slide);
      if (!mark || mark.removed || !shape || sameShape(shape, mark.shape)) continue;
      this.note({ key, before: mark.shape, after: shape });
      mark.shape = shape;
      this.save(key);
    }
    this.touched.clear();
  }

  private removed(drawing: Drawing): void {
    const mark = this.kept.get(drawing.annotationUID);
    if (this.silent || !mark?.own || mark.removed) return;
    this.note({ key: mark.key, before: mark.shape, after: null });
    mark.removed = true;
    this.save(mark.key);
  }

  private note(step: Step): void {
    this.done = [...this.done, step].slice(-MOST_STEPS);
    this.undone = [];
    this.onChange();
  }

  get canUndo(): boolean {
    return this.done.length > 0;
  }

  get canRedo(): boolean {
    return this.undone.length > 0;
  }

  undo(): Mark | null {
    this.settle();
    const step = this.done.pop();
    if (step) this.undone.push(step);
    return step ? this.put(step.key, step.before) : null;
  }

  redo(): Mark | null {
    const step = this.undone.pop();
    if (step) this.done.push(step);
    return step ? this.put(step.key, step.after) : null;
  }

  private put(key: string, shape: Shape | null): Mark | null {
    const mark = this.kept.get(key);
    if (!mark) return null;
    mark.removed = shape === null;
    if (shape) mark.shape = shape;
    this.erase(key);
    if (shape) this.draw(mark);
    this.render();
    this.save(key);
    return mark;
  }

  /** Take away the chosen marks of the reader. Returns how many. */
  removeChosen(): number {
    const chosen = tools.annotation.selection.getAnnotationsSelected().filter((key) => this.kept.get(key)?.own);
    for (const key of chosen) tools.annotation.state.removeAnnotation(key);
    this.render();
    return chosen.length;
  }

  toggleOthers(): void {
    this.othersShown = !this.othersShown;
    for (const mark of this.kept.values()) {
      if (!mark.own && tools.annotation.state.getAnnotation(mark.key)) tools.annotation.visibility.setAnnotationVisibility(mark.key, this.othersShown);
    }
    this.render();
    this.onChange();
  }

  // Drawing and keeping ------------------------------------------------------------------------------------------------

  private draw(mark: Kept): void {
    if (mark.removed || tools.annotation.state.getAnnotation(mark.key)) return;
    const slide = [...this.slides.values()].find((one) => one.sop === mark.sop_instance_uid && one.frame === mark.frame);
    const drawing = slide && drawingOf(mark, slide);
    if (!drawing) return;
    this.drawings.set(drawing.data, drawing);
    this.quietly(() => {
      tools.annotation.state.addAnnotation(drawing, drawing.metadata.FrameOfReferenceUID ?? "");
      tools.annotation.locking.setAnnotationLocked(mark.key, !mark.own);
      if (!mark.own) tools.annotation.visibility.setAnnotationVisibility(mark.key, this.othersShown);
    });
  }

  private erase(key: string): void {
    this.quietly(() => tools.annotation.state.removeAnnotation(key));
  }

  private quietly(work: () => void): void {
    this.silent = true;
    try {
      work();
    } finally {
      this.silent = false;
    }
  }

  /** Draw what changed in every viewport. */
  render(): void {
    const ids = core.getRenderingEngines()?.flatMap((engine) => engine.getViewports().map((viewport) => viewport.id)) ?? [];
    tools.utilities.triggerAnnotationRenderForViewportIds(ids);
  }

  private save(key: string): void {
    this.saving.want(key, { send: () => this.send(key) });
  }

  private async send(key: string): Promise<void> {
    const mark = this.kept.get(key);
    if (!mark) return;
    const address = `${mark.root}annotations/${key}`;
    try {
      if (mark.removed) {
        if (mark.version !== null) mark.version = String((await change("DELETE", address))["version"]);
        return;
      }
      const { sop_instance_uid, frame, tool, shape } = mark;
      mark.version = String((await change("PUT", address, { sop_instance_uid, frame, tool, shape, seen: mark.version }))["version"]);
    } catch (error) {
      const gone = mark.removed && error instanceof RequestFailed && error.status === 404;
      if (gone) return;
      if (!(error instanceof RequestFailed) || error.answer["error"] !== "changed") throw error;
      this.fork(mark);
    }
  }

  /** Another window of the same reader changed this mark meanwhile: both are kept, this one under a key of its own. */
  private fork(mark: Kept): void {
    this.erase(mark.key);
    this.kept.delete(mark.key);
    const own = { ...mark, key: core.utilities.uuidv4(), version: null };
    this.kept.set(own.key, own);
    this.done = this.done.map((step) => (step.key === mark.key ? { ...step, key: own.key } : step));
    this.undone = this.undone.map((step) => (step.key === mark.key ? { ...step, key: own.key } : step));
    this.draw(own);
    this.render();
    this.save(own.key);
    this.onForked();
  }
}
