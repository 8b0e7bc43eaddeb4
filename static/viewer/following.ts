/** Keeps an open viewer true: what others mark, and images that come or go, asked for by a cheap conditional request. */
import { sessionBack } from "../pages/session";
import type { Mark } from "./ink";
import type { KeyImage } from "./keyimages";
import { RequestFailed, ask, type StudyEntry } from "./manifest";
import { renewToken } from "./session";

const EVERY_MS = 20_000;
const SOON_MS = 1_500;
/** While there is nothing to look at yet, the first pictures of a study that arrives are waited for. */
const EAGER_MS = 2_000;

interface Answer {
  study_version: string;
  annotations: Mark[];
  key_images: KeyImage[];
  csrf: string;
}

export interface Follower {
  /** Changes whenever something is saved: an answer from before it is not taken. */
  epoch: () => number;
  /** Nothing is on the screen yet: the study still arrives. */
  isEmpty: () => boolean;
  onMarks: (study: string, marks: Mark[], flags: KeyImage[]) => void;
  /** Images of the study came or went. */
  onChanged: (study: string) => void;
  /** The reader may not see the study any more. */
  onGone: (study: string) => void;
  onSignedOut: () => unknown;
}

export class Following {
  private readonly studies = new Map<string, { entry: StudyEntry; etag: string }>();
  private timer = 0;
  private signedOut = false;

  constructor(private readonly follower: Follower) {
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) void this.all();
    });
  }

  /** Follow a study, or its new state after it was read again. */
  follow(entry: StudyEntry): void {
    const known = this.studies.get(entry.study_instance_uid);
    this.studies.set(entry.study_instance_uid, { entry, etag: known?.etag ?? "" });
    if (!known) void this.one(entry.study_instance_uid);
    this.again();
  }

  /** Ask for everything anew: after the session came back there is a new token in the answer. */
  async refresh(): Promise<void> {
    for (const state of this.studies.values()) state.etag = "";
    await this.all();
  }

  private again(after = this.follower.isEmpty() ? EAGER_MS : EVERY_MS): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.all(), after);
  }

  private async all(): Promise<void> {
    this.again();
    if (!document.hidden) for (const uid of [...this.studies.keys()]) await this.one(uid);
  }

  private async one(uid: string): Promise<void> {
    const state = this.studies.get(uid);
    if (!state) return;
    const epoch = this.follower.epoch();
    try {
      const response = await ask(`${state.entry.root_url}markings.json`, { headers: { Accept: "application/json", ...(state.etag && { "If-None-Match": state.etag }) }, cache: "no-store" });
      if (this.signedOut) {
        this.signedOut = false;
        sessionBack(); // in another window; the page hears of it as of its own
      }
      if (response.status === 304) return;
      const answer = (await response.json()) as Answer;
      renewToken(answer.csrf);
      if (epoch !== this.follower.epoch()) return this.again(SOON_MS);
      state.etag = response.headers.get("ETag") ?? "";
      this.follower.onMarks(uid, answer.annotations, answer.key_images);
      if (answer.study_version !== state.entry.version) this.follower.onChanged(uid);
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      if (error.status === 401) {
        this.signedOut = true;
        state.etag = "";
        this.follower.onSignedOut();
      } else if (error.status === 404 || error.status === 403) {
        this.studies.delete(uid);
        this.follower.onGone(uid);
      }
    }
  }
}
