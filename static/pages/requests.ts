/**
 * A request that is being written: nothing typed is lost when the tab is left, and a slip is printed.
 *
 * htmx keeps the draft a moment after the last key. What was typed in that moment goes on its own when the page is hidden,
 * by a request that outlives it; it holds nothing that the form would not have posted.
 */
export {};

const form = document.querySelector<HTMLFormElement>("form[data-keeps]");
let isTyped = false;

function keep(): void {
  if (!form || !isTyped || form.querySelector("[name=over]")) return;
  isTyped = false;
  const body = new FormData(form);
  const token = document.body.dataset["csrf"] ?? "";
  void fetch(form.dataset["keeps"] ?? "", {
    method: "POST",
    body,
    keepalive: true,
    headers: { "X-CSRFToken": token, "HX-Request": "true" },
  }).then(async (answer) => {
    // The page may come back from the tab behind it: it then knows of the version that it wrote itself.
    const version = /name="version" value="(\d+)"/.exec(await answer.text())?.[1];
    const field = form.querySelector<HTMLInputElement>("[name=version]");
    if (field && version) field.value = version;
  });
}

form?.addEventListener("input", (event) => {
  if (!(event.target as Element).matches("[data-not-kept]")) isTyped = true;
});
// A button pressed while the draft is being kept waits for that: it would name the version before, and be taken for another's.
let isKeeping = false;
// Nor is a draft kept once the form itself is on its way: of the two, the form would be taken for the second person's.
let isSent = false;

function isOurs(event: Event): boolean {
  return (event as CustomEvent<{ elt: Element }>).detail.elt === form;
}

form?.addEventListener("htmx:beforeRequest", (event) => {
  if (isSent && isOurs(event)) event.preventDefault();
});
form?.addEventListener("htmx:beforeSend", (event) => {
  if (!isOurs(event)) return;
  isKeeping = true;
  isTyped = false;
});
form?.addEventListener("htmx:afterRequest", (event) => {
  if (isOurs(event)) isKeeping = false;
});
form?.addEventListener("submit", (event) => {
  if (!isKeeping) {
    isTyped = false;
    isSent = true;
    return;
  }
  event.preventDefault();
  const button = event.submitter;
  const again = (done: Event): void => {
    if (!isOurs(done)) return;
    form.removeEventListener("htmx:afterRequest", again);
    window.setTimeout(() => form.requestSubmit(button), 0);
  };
  form.addEventListener("htmx:afterRequest", again);
});
// Back to a page that the browser kept whole: it is written in again.
window.addEventListener("pageshow", () => {
  isSent = false;
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") keep();
});

document.addEventListener("click", (event) => {
  if ((event.target as Element).closest("[data-print]")) window.print();
});
