/**
 * Adding photos and documents: shows what was chosen, sends it with progress, and puts the answer in words on the page.
 * Without this script the form is an ordinary one.
 */
import "../../css/wrap.css";
import { signedInAgain } from "../session";

const form = document.querySelector<HTMLFormElement>("form[data-wrap]");

function chosen(within: HTMLFormElement): File[] {
  return [...within.querySelectorAll<HTMLInputElement>("input[type=file]")].flatMap((input) => [...(input.files ?? [])]);
}

function size(bytes: number): string {
  const unit = bytes < 1e6 ? "kilobyte" : "megabyte";
  const value = bytes < 1e6 ? bytes / 1e3 : bytes / 1e6;
  return new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, maximumFractionDigits: value < 10 ? 1 : 0 }).format(value);
}

function symbol(file: File): Node {
  const kind = file.type.startsWith("image/") ? "picture" : file.type.startsWith("video/") ? "film" : "paper";
  const template = document.querySelector<HTMLTemplateElement>(`#wrap-${kind}`);
  return template ? template.content.cloneNode(true) : document.createElement("span");
}

function preview(file: File): HTMLLIElement {
  const item = document.createElement("li");
  const figure = document.createElement("figure");
  const frame = document.createElement("div");
  frame.className = "frame";
  if (file.type.startsWith("image/")) {
    const picture = document.createElement("img");
    const address = URL.createObjectURL(file);
    picture.alt = "";
    picture.addEventListener("load", () => URL.revokeObjectURL(address));
    // A TIFF is a picture that no browser shows.
    picture.addEventListener("error", () => frame.replaceChildren(symbol(file)));
    picture.src = address;
    frame.append(picture);
  } else frame.append(symbol(file));
  const caption = document.createElement("figcaption");
  caption.textContent = `${file.name} · ${size(file.size)}`;
  caption.title = file.name;
  figure.append(frame, caption);
  item.append(figure);
  return item;
}

function complain(within: HTMLFormElement, word: string): void {
  const place = within.querySelector<HTMLElement>("[data-wrap-error]");
  if (!place) return;
  place.textContent = word;
  place.hidden = !word;
}

function show(within: HTMLFormElement): void {
  const list = within.querySelector<HTMLUListElement>("[data-wrap-previews]");
  const files = chosen(within);
  if (list) {
    list.replaceChildren(...files.map(preview));
    list.hidden = !files.length;
  }
  const total = files.reduce((sum, file) => sum + file.size, 0);
  const tooLarge = total > Number(within.dataset["mostBytes"]);
  complain(within, tooLarge ? (within.dataset["wordTooLarge"] ?? "") : "");
}

/** Put the answer where it belongs: the fields with their errors, or the result. */
function place(within: HTMLFormElement, answer: string): void {
  const parsed = document.createElement("template");
  parsed.innerHTML = answer;
  const fields = parsed.content.querySelector("#wrap-fields");
  if (fields) {
    within.querySelector("#wrap-fields")?.replaceWith(fields);
    within.querySelector<HTMLElement>("[aria-invalid=true]")?.focus();
    return;
  }
  const result = parsed.content.querySelector<HTMLElement>("#wrap-result");
  if (!result) {
    complain(within, within.dataset["wordBroken"] ?? "");
    return;
  }
  document.querySelector("#wrap-results")?.replaceChildren(result);
  result.scrollIntoView({ block: "start" });
  result.focus({ preventScroll: true });
  for (const input of within.querySelectorAll<HTMLInputElement>("input[type=file]")) input.value = "";
  show(within);
}

function send(within: HTMLFormElement): void {
  const button = within.querySelector<HTMLButtonElement>("button[type=submit]");
  const progress = within.querySelector<HTMLProgressElement>("[data-wrap-progress]");
  if (!button || !progress) return;
  const word = button.textContent;
  const done = (): void => {
    button.disabled = false;
    button.textContent = word;
    progress.hidden = true;
  };
  const request = new XMLHttpRequest();
  request.open("POST", window.location.href);
  request.setRequestHeader("HX-Request", "true");
  request.upload.addEventListener("progress", (event) => {
    // All sent is not all done: a bar without a value says that the portal is at work.
    if (event.lengthComputable && event.loaded < event.total) progress.value = event.loaded / event.total;
    else progress.removeAttribute("value");
  });
  request.addEventListener("load", () => {
    done();
    if (request.status === 401) void signedInAgain().then(() => send(within));
    else if (request.status === 200 || request.status === 422 || request.status === 413) place(within, request.responseText);
    else complain(within, within.dataset["wordBroken"] ?? "");
  });
  request.addEventListener("error", () => {
    done();
    complain(within, within.dataset["wordBroken"] ?? "");
  });
  button.disabled = true;
  button.textContent = button.dataset["wordBusy"] ?? word;
  progress.value = 0;
  progress.hidden = false;
  complain(within, "");
  request.send(new FormData(within));
}

if (form) {
  form.addEventListener("change", (event) => {
    if ((event.target as HTMLElement).matches("input[type=file]")) show(form);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const total = chosen(form).reduce((sum, file) => sum + file.size, 0);
    if (!chosen(form).length) complain(form, form.dataset["wordNone"] ?? "");
    else if (total <= Number(form.dataset["mostBytes"])) send(form);
  });
  const drop = form.querySelector<HTMLElement>(".drop");
  const input = form.querySelector<HTMLInputElement>("#choose");
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop?.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("is-over", name === "dragover");
      const files = (event as DragEvent).dataTransfer?.files;
      if (name === "drop" && input && files?.length) {
        input.files = files;
        show(form);
      }
    });
  }
  show(form);
}
