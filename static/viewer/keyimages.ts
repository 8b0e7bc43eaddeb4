/** The frames that readers flagged for each other. */
import { RequestFailed } from "./manifest";
import type { Saving } from "./saving";
import { change } from "./session";
import type { Slide } from "./slides";

export interface KeyImage {
  series_instance_uid: string;
  sop_instance_uid: string;
  frame: number;
  note: string;
  by: string;
  own: boolean;
  may_unflag: boolean;
}

type Place = Pick<Slide, "study" | "series" | "sop" | "frame">;

const keyOf = (sop: string, frame: number): string => `key-images/${sop}/${frame}`;

export class KeyImages {
  private readonly ofStudy = new Map<string, KeyImage[]>();

  constructor(
    private readonly saving: Saving,
    private readonly rootOf: (study: string) => string,
    private readonly onChange: () => void,
  ) {}

  /** Take over what the server says; a flag that waits to be saved stays as the reader put it. */
  merge(study: string, flags: readonly KeyImage[]): void {
    const waits = (flag: KeyImage): boolean => this.saving.has(keyOf(flag.sop_instance_uid, flag.frame));
    const own = this.of(study).filter(waits);
    this.ofStudy.set(study, [...flags.filter((flag) => !waits(flag)), ...own]);
    this.onChange();
  }

  of(study: string): readonly KeyImage[] {
    return this.ofStudy.get(study) ?? [];
  }

  at({ study, sop, frame }: Place): KeyImage | undefined {
    return this.of(study).find((flag) => flag.sop_instance_uid === sop && flag.frame === frame);
  }

  /** Flag a frame, or take its flag away. Returns false when it is somebody else's and has to stay. */
  toggle(slide: Place): boolean {
    const flag = this.at(slide);
    if (flag && !flag.may_unflag) return false;
    const rest = this.of(slide.study).filter((one) => one !== flag);
    const mine = { series_instance_uid: slide.series, sop_instance_uid: slide.sop, frame: slide.frame, note: "", by: "", own: true, may_unflag: true };
    this.ofStudy.set(slide.study, flag ? rest : [...rest, mine]);
    const path = keyOf(slide.sop, slide.frame);
    this.saving.want(path, { send: () => this.send(slide.study, path, flag ? "DELETE" : "PUT") });
    this.onChange();
    return true;
  }

  private async send(study: string, path: string, method: "PUT" | "DELETE"): Promise<void> {
    try {
      await change(method, `${this.rootOf(study)}${path}`, method === "PUT" ? {} : undefined);
    } catch (error) {
      if (!(method === "DELETE" && error instanceof RequestFailed && error.status === 404)) throw error;
    }
  }
}
