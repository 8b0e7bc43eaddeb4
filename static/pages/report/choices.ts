/** A short list beside the cursor: options of a field, macros, a day. Digits, arrows and Enter choose; anything else goes on typing. */

export interface Choice {
  text: string;
  note?: string;
}

const list = document.querySelector<HTMLElement>("[data-choices]");
let chosen: ((choice: Choice) => void) | null = null;
let choices: Choice[] = [];
let at = 0;

export const isOpen = (): boolean => Boolean(chosen);

export function close(): void {
  chosen = null;
  if (list?.matches(":popover-open")) list.hidePopover();
  list?.replaceChildren();
}

function mark(index: number): void {
  const rows = [...(list?.children ?? [])];
  at = (index + rows.length) % rows.length;
  rows.forEach((row, number) => row.setAttribute("aria-selected", String(number === at)));
  rows[at]?.scrollIntoView({ block: "nearest" });
}

function choose(index: number): void {
  const [choice, act] = [choices[index], chosen];
  close();
  if (choice && act) act(choice);
}

function row(choice: Choice, index: number): HTMLButtonElement {
  const button = document.createElement("button");
  button.type = "button";
  button.tabIndex = -1;
  button.setAttribute("role", "option");
  const digit = document.createElement("small");
  digit.textContent = index < 9 ? String(index + 1) : "";
  const words = document.createElement("span");
  words.textContent = choice.note ? `${choice.text} — ${choice.note.slice(0, 90)}` : choice.text;
  button.append(digit, words);
  button.addEventListener("pointerdown", (event) => event.preventDefault());
  button.addEventListener("click", () => choose(index));
  return button;
}

/** Offer choices below a field. */
export function offer(area: HTMLElement, offered: Choice[], act: (choice: Choice) => void): void {
  if (!list || !offered.length) return;
  close();
  choices = offered;
  chosen = act;
  list.replaceChildren(...offered.map(row));
  list.showPopover();
  const box = area.getBoundingClientRect();
  const below = Math.min(box.bottom, window.innerHeight - list.offsetHeight - 8);
  list.style.left = `${Math.max(8, Math.min(box.left + 12, window.innerWidth - list.offsetWidth - 8))}px`;
  list.style.top = `${Math.max(8, below)}px`;
  mark(0);
}

/** Whether the key was for the list. */
export function handled(event: KeyboardEvent): boolean {
  if (!chosen) return false;
  if (/^[1-9]$/.test(event.key) && Number(event.key) <= choices.length && !event.ctrlKey && !event.altKey) choose(Number(event.key) - 1);
  else if (event.key === "ArrowDown") mark(at + 1);
  else if (event.key === "ArrowUp") mark(at - 1);
  else if (event.key === "Enter" && !event.ctrlKey) choose(at);
  else if (event.key === "Escape") close();
  else {
    if (event.key.length === 1 || event.key === "Backspace" || event.key === "Tab") close();
    return false;
  }
  event.preventDefault();
  event.stopPropagation();
  return true;
}

document.addEventListener("focusout", (event) => {
  if (chosen && !list?.contains(event.relatedTarget as Node | null)) close();
});
