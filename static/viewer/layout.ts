/** How the stage is divided: ports by letter, made when a layout needs them and taken down when it does not. */
import { part } from "./page";

export const LAYOUTS = { "1x1": 1, "1x2": 2, "2x1": 2, "2x2": 4 } as const;
export type Layout = keyof typeof LAYOUTS;

export const isLayout = (text: string): text is Layout => text in LAYOUTS;

/** Letter of a port by its place. */
export const letterOf = (index: number): string => "ABCD"[index] ?? "";

const stage = (): HTMLElement => part("stage");

export function setLayout(layout: Layout): void {
  stage().dataset["layout"] = layout;
}

/** Another port for the stage, as the server wrote it, without a picture. */
export function makeSection(): HTMLElement {
  const template = part<HTMLTemplateElement>("port-template");
  const section = template.content.firstElementChild?.cloneNode(true) as HTMLElement | undefined;
  if (!section) throw new Error("The viewer's page has no port to copy.");
  const index = stage().childElementCount;
  section.setAttribute("aria-label", `${section.getAttribute("aria-label") ?? ""} ${letterOf(index)}`); // no two regions have one name
  stage().append(section);
  return section;
}
