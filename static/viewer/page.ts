/** Elements of the viewer's page, found once by their `data-` names; a missing one is a fault of the template, said by name. */

export function part<T extends Element = HTMLElement>(name: string, within: ParentNode = document): T {
  const found = within.querySelector<T>(`[data-${name}]`);
  if (!found) throw new Error(`The viewer's page has no data-${name}.`);
  return found;
}

/** Whether somebody looks by a link: nothing that they draw is kept, and nothing of the portal lies around the page. */
export function isVisitor(): boolean {
  return part("viewer").dataset["visitor"] !== undefined;
}

/** Draw an icon of the sprite (`stack-2`), the same as the template tag does. */
export function icon(name: string, css = "icon"): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("class", css);
  drawing.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(space, "use");
  use.setAttribute("href", `${document.documentElement.dataset["icons"] ?? ""}#i-${name}`);
  drawing.append(use);
  return drawing;
}

/** Make an element with a class and text; text is never markup. */
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, css = "", text = ""): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (css) element.className = css;
  if (text) element.textContent = text;
  return element;
}
