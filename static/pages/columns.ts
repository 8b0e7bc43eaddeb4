/**
 * Columns of the study list: drawn wider at their headers, put in order by dragging. The form in the menu does the same
 * without a script; what is drawn here is sent to it.
 */

const LEAST = 40;
const MOST = 800;
const sheet = new CSSStyleSheet();

const table = (): HTMLTableElement | null => document.querySelector<HTMLTableElement>("table[data-columns]");
const headersOf = (list: HTMLTableElement): HTMLElement[] => [...list.querySelectorAll<HTMLElement>("th[data-column]")];
const chooser = (): HTMLFormElement | null => document.querySelector<HTMLFormElement>("[data-column-form]");
const widthField = (key: string): HTMLInputElement | null =>
  chooser()?.querySelector<HTMLInputElement>(`[name="width-${CSS.escape(key)}"]`) ?? null;

/** Draw the columns with their widths at once; the server's own style sheet says the same from the next page on. */
function draw(list: HTMLTableElement): void {
  const tracks = headersOf(list).map((header) => {
    const width = widthField(header.dataset["column"] ?? "")?.value;
    return width ? `${Number(width)}px` : (header.dataset["track"] ?? "max-content");
  });
  // Columns that made room come back: with widths of their own the list scrolls sideways instead.
  const back = headersOf(list).map((header) => `.studies .c-${header.dataset["column"] ?? ""}`);
  sheet.replaceSync(`@media (min-width: 48.01rem) { .studies { grid-template-columns: ${tracks.join(" ")}; }
    ${back.join(", ")} { display: block; } .studies th { display: flex; } .studies .c-image { display: grid; } }`);
}

async function keep(): Promise<void> {
  const form = chooser();
  if (!form) return;
  const sent = new FormData(form);
  sent.set("do", "keep");
  await fetch(form.action, {
    method: "POST",
    body: new URLSearchParams([...sent].map(([name, value]) => [name, String(value)])),
    headers: { "X-Requested-With": "fetch" },
    redirect: "manual",
  });
}

function beginResizing(event: PointerEvent, header: HTMLElement, list: HTMLTableElement): void {
  const key = header.dataset["column"] ?? "";
  const field = widthField(key);
  const grip = event.currentTarget as HTMLElement;
  if (!field || event.button !== 0) return;
  event.preventDefault();
  const start = header.getBoundingClientRect().width;
  const sign = getComputedStyle(list).direction === "rtl" ? -1 : 1;
  const before = field.value;
  grip.setPointerCapture(event.pointerId);
  const move = (moved: PointerEvent): void => {
    const width = Math.round(start + sign * (moved.clientX - event.clientX));
    field.value = String(Math.min(Math.max(width, LEAST), MOST));
    draw(list);
  };
  const end = (): void => {
    grip.removeEventListener("pointermove", move);
    if (field.value !== before) void keep();
  };
  grip.addEventListener("pointermove", move);
  grip.addEventListener("lostpointercapture", end, { once: true });
}

/** A double click on the edge lets the column fit what it holds again. */
function fit(header: HTMLElement, list: HTMLTableElement): void {
  const field = widthField(header.dataset["column"] ?? "");
  if (!field?.value) return;
  field.value = "";
  draw(list);
  void keep();
}

const list = table();
if (list) {
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
  for (const header of headersOf(list)) {
    if (!widthField(header.dataset["column"] ?? "")) continue;
    const grip = document.createElement("span");
    grip.className = "col-grip";
    grip.setAttribute("aria-hidden", "true");
    grip.addEventListener("pointerdown", (event) => beginResizing(event, header, list));
    grip.addEventListener("dblclick", () => fit(header, list));
    header.append(grip);
  }
}

/** Up and down move the line where it stands; only `Keep` sends the form. */
document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest<HTMLButtonElement>("[data-column-list] button[name=do]");
  const line = button?.closest("li");
  if (!button || !line) return;
  event.preventDefault();
  if (button.value.startsWith("up:")) line.previousElementSibling?.before(line);
  else line.nextElementSibling?.after(line);
  button.focus();
});

let dragged: HTMLElement | null = null;
document.querySelectorAll<HTMLElement>("[data-column-list] > li").forEach((line) => {
  line.draggable = true;
  line.addEventListener("dragstart", (event) => {
    dragged = line;
    line.classList.add("is-dragged");
    event.dataTransfer?.setData("text/plain", line.dataset["key"] ?? "");
  });
  line.addEventListener("dragend", () => {
    line.classList.remove("is-dragged");
    dragged = null;
  });
  line.addEventListener("dragover", (event) => {
    if (!dragged || dragged === line || dragged.parentElement !== line.parentElement) return;
    event.preventDefault();
    const box = line.getBoundingClientRect();
    if (event.clientY < box.top + box.height / 2) line.before(dragged);
    else line.after(dragged);
  });
});

/** `data-copy="#field"` copies what the field holds and says so. */
document.querySelectorAll<HTMLButtonElement>("[data-copy]").forEach((button) => {
  const field = document.querySelector<HTMLTextAreaElement>(button.dataset["copy"] ?? "");
  if (!field) return;
  button.hidden = false;
  button.addEventListener("click", async () => {
    field.select();
    await navigator.clipboard?.writeText(field.value).catch(() => document.execCommand("copy"));
    const status = document.querySelector("[data-copy-status]");
    if (status) status.textContent = field.dataset["copyWords"] ?? "";
  });
});
