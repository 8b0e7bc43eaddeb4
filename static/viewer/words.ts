/** The viewer's texts in the reader's language: the page carries them as a JSON block, so that the catalogues hold them. */

let words: Record<string, string> = {};

/** Read the block `<script type="application/json" id="viewer-words">` once, at start. */
export function readWords(id: string): void {
  const block = document.getElementById(id);
  if (!block?.textContent) throw new Error(`The page carries no ${id}.`);
  words = JSON.parse(block.textContent) as Record<string, string>;
}

/** Return one text; `{name}` in it is replaced by the value. A missing one shows its key, which the browser test refuses. */
export function say(key: string, values: Record<string, string | number> = {}): string {
  const text = words[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

const reader = document.documentElement.lang || "en";

/** Write a number as the reader does: decimal comma in French, a real minus sign. */
export function number(value: number, digits = 0): string {
  const text = new Intl.NumberFormat(reader, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  return text.replace("-", "−");
}
