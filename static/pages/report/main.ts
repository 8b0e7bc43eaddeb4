/** The editor of reports: sections, saving, fields and macros, what comes from the images, dictation, signing; all by keys. */
import "../../css/report-write.css";
import { dictate } from "./dictation";
import "./fields";
import "./pulling";
import { isChanged, leaving, saved, seen, touched, type Section } from "./saving";
import { areas, current, page } from "./text";

document.addEventListener("input", (event) => {
  if ((event.target as Element).matches("[data-parts] [data-text]")) touched();
});

function jump(step: number): void {
  const all = areas();
  const here = current();
  const index = here ? all.indexOf(here) : -1;
  all[Math.max(0, Math.min(all.length - 1, index + step))]?.focus();
}

/** Show what is to be signed once all of it is saved: the revision that is signed is the one on this page. */
async function sign(): Promise<void> {
  if (!(await saved())) return;
  const dialog = document.querySelector<HTMLDialogElement>("#sign-report");
  if (!dialog || dialog.open) return;
  dialog.showModal();
  dialog.querySelector<HTMLElement>("#sign-reason, [data-sign-final]")?.focus();
}

/** Tell somebody at once: what is written is saved first, and is here again afterwards. */
async function raise(): Promise<void> {
  const link = document.querySelector<HTMLAnchorElement>("[data-critical]");
  if (link && (await saved())) window.location.assign(link.href);
}

document.addEventListener("keydown", (event) => {
  const dialog = document.querySelector<HTMLDialogElement>("dialog[open]");
  if (event.ctrlKey && event.key === "Enter") {
    event.preventDefault();
    if (!dialog) void sign();
    else if (dialog.id === "sign-report") {
      const button = dialog.querySelector<HTMLButtonElement>("[data-sign-final]") ?? dialog.querySelector<HTMLButtonElement>("[name=kind]");
      button?.click();
    }
    return;
  }
  if (!event.altKey || event.ctrlKey || event.metaKey || dialog) return;
  const digit = /^Digit([1-9])$/.exec(event.code)?.[1];
  if (digit) areas()[Number(digit) - 1]?.focus();
  else if (event.key === "ArrowDown") jump(1);
  else if (event.key === "ArrowUp") jump(-1);
  else if (event.code === "KeyI") document.querySelector<HTMLAnchorElement>("a[target=negatoscope-images]")?.click();
  else if (event.code === "KeyC") void raise();
  else if (event.code === "KeyD") dictate();
  else return;
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  if ((event.target as Element).closest("[data-sign]")) void sign();
  if (!(event.target as Element).closest("[data-critical]") || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  void raise();
});
document.querySelectorAll<HTMLFormElement>("[data-sign-form], #discard-draft form").forEach((form) => form.addEventListener("submit", leaving));

function part(section: Section): HTMLTextAreaElement | null {
  const template = document.querySelector<HTMLTemplateElement>("[data-part-template]");
  const made = (template?.content.cloneNode(true) as DocumentFragment | undefined)?.firstElementChild;
  const area = made?.querySelector<HTMLTextAreaElement>("[data-text]");
  const title = made?.querySelector<HTMLLabelElement>("[data-title]");
  if (!made || !area || !title) return null;
  area.id = `part-${section.code}`;
  area.dataset["code"] = section.code;
  title.htmlFor = area.id;
  title.textContent = section.title;
  document.querySelector("[data-parts]")?.append(made);
  return area;
}

/** Put a template into what is written: empty sections are filled, others get its text below theirs. Nothing goes. */
async function use(key: string): Promise<void> {
  const answer = await fetch(`${page?.dataset["templateText"] ?? ""}?template=${encodeURIComponent(key)}`, { headers: { "X-Requested-With": "fetch" } });
  if (!answer.ok || !page) return;
  const { sections } = (await answer.json()) as { sections: Section[] };
  for (const section of sections) {
    const area = areas().find((each) => each.dataset["code"] === section.code) ?? part(section);
    if (area && section.text && area.value.trim() !== section.text.trim()) area.value = area.value.trim() ? `${area.value.trimEnd()}\n${section.text}` : section.text;
  }
  page.dataset["template"] = key;
  touched();
}

document.querySelector<HTMLSelectElement>("[data-template-choice]")?.addEventListener("change", (event) => {
  const key = (event.target as HTMLSelectElement).value;
  if (seen() === 0 && !isChanged()) {
    window.location.assign(`?template=${encodeURIComponent(key)}`);
  } else if (key.length > 2) void use(key);
});

current()?.focus();
