/** The viewer: studies, their series on the stage, their marks. Everything a hand or a key can do is a method here. */
import * as tools from "@cornerstonejs/tools";
import { alike } from "./alike";
import { besideInList, isOfList } from "../pages/places";
import { Following } from "./following";
import { KeyImages } from "./keyimages";
import { fetchJson, type Manifest, type PriorEntry } from "./manifest";
import { Marks } from "./marks";
import { Memory } from "./memory";
import { Notice } from "./notice";
import { isVisitor, part } from "./page";
import type { Pane } from "./pane";
import type { Port } from "./port";
import { Rail } from "./rail";
import { Saving } from "./saving";
import { change } from "./session";
import type { Slide } from "./slides";
import { Stage, at } from "./stage";
import type { Toolbar } from "./toolbar";
import { choose, setUpTools, type Choice, CHOICES } from "./tools";
import { say } from "./words";

export class Viewer {
  private readonly studies: Manifest[];
  private readonly notice = new Notice();
  private readonly memory = new Memory((series) => this.marks.forget(series.slides));
  private readonly saving = new Saving((state, message) => this.notice.saving(state, message), !isVisitor());
  private readonly marks = new Marks(this.saving, (study) => this.rootOf(study), () => this.showMarkState(), () => this.notice.tellNews(say("mark_forked"), null));
  private readonly keys = new KeyImages(this.saving, (study) => this.rootOf(study), () => this.showStars());
  private readonly group: tools.Types.IToolGroup;
  private readonly stage: Stage;
  private readonly rail: Rail;
  private readonly following: Following;
  private choice: Choice = "window";

  constructor(
    root: string,
    manifest: Manifest,
    private readonly toolbar: Toolbar,
    withoutGraphics: boolean,
  ) {
    this.studies = [manifest];
    this.group = setUpTools(this.marks.lines);
    this.rail = new Rail({
      onOpen: (study, series) => void this.open(study, series),
      onOpenPrior: (prior) => void this.openPrior(prior),
      onStar: (study, series) => this.nextKeyImage(study, series),
    });
    this.following = new Following({
      epoch: () => this.saving.epoch,
      isEmpty: () => this.stage.panes.every((pane) => !pane.opened),
      onMarks: (study, marks, flags) => {
        this.marks.merge(study, marks);
        this.keys.merge(study, flags);
      },
      onChanged: (study) => void this.readAgain(study),
      onGone: () => this.notice.tellNews(say("study_gone"), null),
      onSignedOut: () => this.saving.pending && this.notice.saving("signed_out", ""),
    });
    document.addEventListener("session:renewed", () => this.signedInAgain());
    this.stage = new Stage(root, this.memory, this.group, withoutGraphics, {
      onOpening: (pane) => pane === this.active && this.toolbar.presets([], ""),
      onOpened: (pane, opened) => {
        this.marks.show(opened.slides);
        if (pane === this.active) this.showActive();
        else this.showPlaces();
      },
      onView: (pane) => this.onView(pane),
      onLoaded: (pane, settled, failed) => this.onLoaded(pane, settled, failed),
      onPlaying: (pane) => pane === this.active && this.toolbar.pressed("cine", pane.playing),
      onTell: (pane, message) => pane === this.active && this.notice.tell(message),
      onArranged: () => this.showActive(),
      onDropped: (pane, study, series) => void this.openIn(pane, study, series),
      onSwipe: (by) => this.choice === "scroll" && this.turnSeries(by),
    });
    this.rail.studies(this.studies, manifest.priors);
    part("list-steps").hidden = !isOfList(manifest.study.study_instance_uid);
    this.following.follow(manifest.study);
    this.showMarkState();
    this.toolbar.pressed("link", true);
    this.toolbar.pressed("lines", true);
  }

  private get active(): Pane {
    return this.stage.active;
  }

  private rootOf(study: string): string {
    return this.studies.find((one) => one.study.study_instance_uid === study)?.study.root_url ?? "";
  }

  /** The session ended while the page was open, and is back: all goes on where it was. */
  private signedInAgain(): void {
    if (this.saving.pending) this.saving.retry();
    void this.following.refresh();
    for (const pane of this.stage.panes) pane.signedIn();
  }

  // Studies and series ----------------------------------------------------------------------------------------------------

  /** Open a series in the active port, at `frame` or where its ready-made picture is from. */
  async open(study: string, series: string, frame?: { sop: string; frame: number }): Promise<void> {
    await this.openIn(this.active, study, series, frame && at(frame));
  }

  private async openIn(pane: Pane, study: string, series: string, begin?: (slides: readonly Slide[]) => number): Promise<void> {
    const manifest = this.studies.find((one) => one.study.study_instance_uid === study);
    const entry = manifest?.series.find((one) => one.series_instance_uid === series);
    if (!manifest || !entry) return;
    if (pane === this.stage.panes[0] && manifest === this.studies[0]) window.history.replaceState(null, "", `#${series}`);
    const others = this.stage.panes.some((one) => one !== pane && one.hasPicture);
    await pane.open(manifest, entry, begin ?? (others && this.stage.linking.on ? (slides) => this.stage.counterpart(slides, pane) : undefined));
  }

  /** Open an earlier study beside this one: its series that is most like the one shown. */
  async openPrior(prior: PriorEntry): Promise<void> {
    let manifest = this.studies.find((one) => one.study.study_instance_uid === prior.study_instance_uid);
    if (!manifest) {
      try {
        if (prior.open_url) await change("POST", prior.open_url);
        manifest = await fetchJson<Manifest>(prior.manifest_url);
      } catch (error) {
        this.notice.tellNews(say("prior_failed"), () => void this.openPrior(prior));
        console.error(error);
        return;
      }
      this.studies.push(manifest);
      this.rail.studies(this.studies, this.studies[0]?.priors ?? []);
      this.following.follow(manifest.study);
    }
    const like = alike(this.stage.panes[0]?.entry ?? null, manifest.series);
    if (!like) return this.notice.tellNews(say("prior_empty"), null);
    const beside = this.stage.beside();
    await this.openIn(beside, prior.study_instance_uid, like.series_instance_uid);
  }

  /** The next prior beside the study: the most useful first. */
  togglePrior(): void {
    const first = this.studies[0];
    const shown = this.stage.panes.some((pane) => pane.study && pane.study !== first);
    if (shown) {
      const own = this.stage.panes.find((pane) => pane.study === first);
      if (own) this.stage.activate(own);
      void this.stage.divide("1x1");
      return;
    }
    const [prior] = first?.priors ?? [];
    if (prior) void this.openPrior(prior);
    else this.notice.tellNews(say("no_prior"), null);
  }

  turnSeries(by: number): void {
    const { study } = this.active;
    const at = study?.series.findIndex((entry) => entry.series_instance_uid === this.active.uid) ?? -1;
    const next = study?.series[at + by];
    if (study && next) void this.openIn(this.active, study.study.study_instance_uid, next.series_instance_uid);
  }

  /** The next study of the list that the reader came from, or the previous one, in place of this one. */
  async turnStudy(by: 1 | -1): Promise<void> {
    const key = this.studies[0]?.study.study_instance_uid ?? "";
    const address = await besideInList(key, by);
    const end = by > 0 ? say("list_end") : say("list_start");
    if (!address) return this.notice.tellNews(isOfList(key) ? end : say("list_none"), null);
    await this.saving.now();
    window.location.replace(address); // one step back is the list still
  }

  /** The study changed while it is open: its strip shows it at once, its pictures when the reader wants them. */
  private async readAgain(uid: string): Promise<void> {
    const at = this.studies.findIndex((one) => one.study.study_instance_uid === uid);
    const old = this.studies[at];
    if (!old) return;
    const address = at ? (this.studies[0]?.priors.find((one) => one.study_instance_uid === uid)?.manifest_url ?? "") : (part("viewer").dataset["manifest"] ?? "");
    const fresh = await fetchJson<Manifest>(address).catch(() => null);
    if (!fresh) return; // asked again with the next change
    this.studies[at] = fresh;
    this.following.follow(fresh.study);
    this.rail.studies(this.studies, this.studies[0]?.priors ?? []);
    const changed = this.stage.panes.filter((pane) => {
      if (pane.study !== old) return false;
      pane.study = fresh;
      const entry = fresh.series.find((one) => one.series_instance_uid === pane.uid);
      return pane.entry !== null && entry?.frame_count !== pane.entry.frame_count;
    });
    this.showPlaces();
    this.showStars();
    const reopen = (): void => {
      for (const pane of changed) this.reopen(pane, fresh);
    };
    // What could not be opened is tried again with what came meanwhile.
    for (const pane of this.stage.panes) if (pane.study === fresh && pane.failed) this.reopen(pane, fresh);
    if (!this.stage.panes[0]?.entry && fresh.series[0]) return void this.openIn(this.stage.panes[0] as Pane, uid, fresh.series[0].series_instance_uid);
    this.notice.tellNews(changed.length ? say("images_changed") : say("series_arrived"), changed.length ? reopen : null);
  }

  private reopen(pane: Pane, study: Manifest): void {
    const entry = study.series.find((one) => one.series_instance_uid === pane.uid);
    const { slide } = pane;
    const stale = this.memory.find(study.study.study_instance_uid, pane.uid);
    if (stale) this.memory.outdated(stale);
    if (!entry) pane.overlay.showTile(say("no_series"), say("reason_absent"), null, false);
    else void pane.open(study, entry, at(slide));
  }

  // What the panes report ---------------------------------------------------------------------------------------------

  private onView(pane: Pane): void {
    const flag = pane.slide && this.keys.at(pane.slide);
    pane.overlay.star(flag ? flag.by : null);
    if (pane === this.active) {
      this.showWindow();
      this.toolbar.pressed("key-image", Boolean(flag));
      this.stage.follow();
    }
    this.stage.drawLines();
  }

  private onLoaded(pane: Pane, settled: number, failed: number): void {
    const total = pane.count;
    const label = say("loaded_of", { n: settled - failed, total });
    this.rail.progress(pane.key, settled, total, label);
    if (pane === this.active) this.toolbar.loading(settled, total, label, failed ? say("failed_count", { n: failed }) : "");
  }

  /** Everything of the toolbar belongs to the active port. */
  private showActive(): void {
    const { active } = this;
    this.toolbar.layout(this.stage.layout);
    this.toolbar.stack(active.count);
    this.toolbar.rate(active.storedRate);
    this.toolbar.pressed("cine", active.playing);
    this.showWindow();
    if (active.count) this.onLoaded(active, active.loaded.settled, active.loaded.failed);
    this.showPlaces();
  }

  /** Which study and series is in which port: on the ports and in the strip. */
  private showPlaces(): void {
    const [opened] = this.studies;
    const where = this.stage.label((pane) => {
      const uid = pane.study?.study.study_instance_uid;
      const prior = Boolean(uid && uid !== opened?.study.study_instance_uid);
      const entry = opened?.priors.find((one) => one.study_instance_uid === uid);
      const flag = say(entry?.is_later ? "flag_later" : "flag_prior");
      return { prior, words: prior ? [flag, entry?.distance].filter(Boolean).join(", ") : say("flag_now") };
    });
    this.rail.open(where, this.active.key);
  }

  private showWindow(): void {
    const { active } = this;
    this.toolbar.window(active.view?.width ?? null, active.view?.center ?? null);
    this.toolbar.presets(active.presets, active.presetName);
    this.toolbar.pressed("invert", active.view?.inverted ?? false);
  }

  // Marks and key images ------------------------------------------------------------------------------------------------

  choose(choice: Choice): void {
    this.choice = choice;
    choose(this.group, choice);
    for (const name of CHOICES) this.toolbar.pressed(`tool-${name}`, name === choice);
  }

  undo(): void {
    this.showStep(this.marks.undo());
  }

  redo(): void {
    this.showStep(this.marks.redo());
  }

  /** What was taken back is shown: it may be on another image. */
  private showStep(mark: { sop_instance_uid: string; frame: number } | null): void {
    if (mark && this.active.slide?.sop !== mark.sop_instance_uid) this.active.goToFrame(mark.sop_instance_uid, mark.frame);
    this.showMarkState();
  }

  removeMark(): void {
    if (!this.marks.removeChosen()) this.notice.tell(say("no_mark_chosen"));
  }

  /** Leave a mark half drawn. Returns whether there was one. */
  cancelMark(): boolean {
    return this.stage.panes.some((pane) => Boolean(tools.cancelActiveManipulations(pane.viewport.element)));
  }

  toggleOthers(): void {
    this.marks.toggleOthers();
  }

  private showMarkState(): void {
    this.toolbar.enabled("undo", this.marks.canUndo);
    this.toolbar.enabled("redo", this.marks.canRedo);
    this.toolbar.pressed("others", this.marks.othersShown);
  }

  toggleKeyImage(): void {
    const { slide } = this.active;
    if (!slide || isVisitor()) return;
    if (this.keys.toggle(slide)) this.notice.tell(say(this.keys.at(slide) ? "key_image_flagged" : "key_image_unflagged"));
    else this.notice.tellNews(say("key_image_of_other", { name: this.keys.at(slide)?.by ?? "" }), null);
  }

  /** Go to the next key image of the study (or of one series), round and round. */
  nextKeyImage(study = this.active.study?.study.study_instance_uid ?? "", series = ""): void {
    const flags = this.keys.of(study).filter((flag) => !series || flag.series_instance_uid === series);
    const here = this.active.slide;
    const current = flags.findIndex((flag) => flag.sop_instance_uid === here?.sop && flag.frame === here.frame);
    const next = flags[(current + 1) % flags.length];
    if (!next) return this.notice.tell(say("no_key_image"));
    if (this.active.uid === next.series_instance_uid && this.active.goToFrame(next.sop_instance_uid, next.frame)) return;
    const manifest = this.studies.find((one) => one.study.study_instance_uid === study);
    const entry = manifest?.series.find((one) => one.series_instance_uid === next.series_instance_uid);
    if (manifest && entry) void this.active.open(manifest, entry, at({ sop: next.sop_instance_uid, frame: next.frame }));
  }

  private showStars(): void {
    const counts = new Map<string, number>();
    for (const { study } of this.studies) {
      for (const flag of this.keys.of(study.study_instance_uid)) {
        const key = `${study.study_instance_uid}/${flag.series_instance_uid}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    this.rail.stars(counts);
    for (const pane of this.stage.panes) {
      const flag = pane.slide && this.keys.at(pane.slide);
      pane.overlay.star(flag ? flag.by : null);
    }
    const here = this.active.slide;
    this.toolbar.pressed("key-image", Boolean(here && this.keys.at(here)));
  }

  toggleLink(): void {
    this.stage.toggleLink();
    this.toolbar.pressed("link", this.stage.linking.on);
  }

  toggleLines(): void {
    this.stage.toggleLines();
    this.toolbar.pressed("lines", this.stage.linesShown);
  }

  setLayout(layout: string): void {
    void this.stage.divide(layout);
  }

  cycleLayout(): void {
    this.stage.cycle();
  }

  // What a reader asks of the active port ----------------------------------------------------------------------------

  step(by: number): void {
    this.active.goTo(this.active.index + by);
  }

  first(): void {
    this.active.goTo(0);
  }

  last(): void {
    this.active.goTo(this.active.count - 1);
  }

  usePreset(index: number): void {
    this.active.usePreset(index);
  }

  setWindow(width: number, center: number): void {
    this.withPicture((port) => port.setWindow(width, center));
  }

  /** Do something to the picture, when there is one. */
  withPicture(action: (port: Port) => void): void {
    if (this.active.hasPicture) action(this.active.port);
  }

  toggleCine(): void {
    this.active.toggleCine(this.toolbar.chosenRate());
  }

  changeRate(): void {
    this.active.changeRate(this.toolbar.chosenRate());
  }

  retry(): void {
    this.active.retry();
  }
}
