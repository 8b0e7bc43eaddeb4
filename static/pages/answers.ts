/** The health record's word on a question of safety, taken over into the form by a press: a person decides, and sees what it says. */
export {};

/** The fields that ask this in the form as it stands; the exam decides which do. */
function fields(names: string): HTMLInputElement[] {
  const form = document.getElementById("request-form");
  return names.split(" ").flatMap((name) => [...(form?.querySelectorAll<HTMLInputElement>(`[name="${name}"]`) ?? [])]);
}

function isAnswered(asked: HTMLInputElement[], value: string): boolean {
  return asked.some((field) => (field.type === "radio" ? field.checked && field.value === value : field.value === value));
}

/** Show what answers a question that is asked, and is not answered so already. */
function show(): void {
  for (const list of document.querySelectorAll<HTMLElement>("[data-answers]")) {
    for (const line of list.querySelectorAll<HTMLElement>("[data-answer]")) {
      const asked = fields(line.dataset["answer"] ?? "");
      const value = line.querySelector<HTMLElement>("[data-value]")?.dataset["value"] ?? "";
      line.hidden = asked.length === 0 || isAnswered(asked, value);
    }
    list.hidden = !list.querySelector("[data-answer]:not([hidden])");
  }
}

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-answer] [data-value]") : null;
  const value = button?.dataset["value"];
  if (!button || value === undefined) return;
  for (const field of fields(button.closest<HTMLElement>("[data-answer]")?.dataset["answer"] ?? "")) {
    if (field.type === "radio") {
      if (field.value !== value) continue;
      field.checked = true;
    } else field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.dispatchEvent(new Event("change", { bubbles: true }));
    field.focus();
  }
  show();
});
document.addEventListener("change", show);
document.addEventListener("htmx:afterSettle", show);
