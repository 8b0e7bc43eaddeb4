/** The text areas of the editor, and the smallest changes to them: each can be undone, and each is saved. */

export const page = document.querySelector<HTMLElement>("[data-report]");

export const say = (name: string): string => page?.dataset[`words${name}`] ?? "";

export function areas(): HTMLTextAreaElement[] {
  return [...document.querySelectorAll<HTMLTextAreaElement>("[data-parts] [data-text]")];
}

let last: HTMLTextAreaElement | null = null;

/** Where the writer is, or was before they went to the side. */
export function current(): HTMLTextAreaElement | null {
  return last?.isConnected ? last : (areas()[0] ?? null);
}

document.addEventListener("focusin", (event) => {
  const target = event.target as Element;
  if (target instanceof HTMLTextAreaElement && target.matches("[data-parts] [data-text]")) last = target;
});

/** Put text in place of a range, as if it had been typed: the browser's undo knows it. */
export function replace(area: HTMLTextAreaElement, start: number, end: number, text: string): void {
  area.focus();
  area.setSelectionRange(start, end);
  // The only way to write into a field that its undo takes back; where it is gone the text is set, and saved, all the same.
  const done = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
  if (done && area.value.slice(start, start + text.length) === text) return;
  area.setRangeText(text, start, end, "end");
  area.dispatchEvent(new Event("input", { bubbles: true }));
}

/** Insert at the cursor, apart from the words on both sides. */
export function insert(area: HTMLTextAreaElement, text: string): void {
  const [start, end] = [area.selectionStart, area.selectionEnd];
  const before = start > 0 && !/\s$/.test(area.value.slice(0, start)) ? " " : "";
  replace(area, start, end, before + text);
}
