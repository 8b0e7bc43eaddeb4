/** Native dialogs without inline script: `data-dialog="id"` opens, `data-close` closes, a click beside it closes too. */

document.addEventListener("click", (event) => {
  const target = event.target as Element;
  const opener = target.closest<HTMLElement>("[data-dialog]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset["dialog"] ?? "");
    if (dialog instanceof HTMLDialogElement && !dialog.open) dialog.showModal();
    return;
  }
  if (target.closest("[data-close]")) target.closest("dialog")?.close();
  else if (target instanceof HTMLDialogElement && target.open && !target.hasAttribute("data-stays")) target.close();
});

/** Fields that act when they change: `<select data-submit>` sends its form; a filter needs no button then. */
document.addEventListener("change", (event) => {
  const field = event.target as HTMLElement;
  if (field.matches("[data-submit]")) (field as HTMLInputElement).form?.requestSubmit();
});

/** A name chip of the demo fills the field: `data-fill="#id_login" data-value="emergency"`, then the password gets the focus. */
document.addEventListener("click", (event) => {
  const chip = (event.target as Element).closest<HTMLElement>("[data-fill]");
  const field = chip && document.querySelector<HTMLInputElement>(chip.dataset["fill"] ?? "");
  if (!chip || !field) return;
  event.preventDefault();
  field.value = chip.dataset["value"] ?? "";
  (field.form?.querySelector<HTMLInputElement>("[type=password]") ?? field).focus();
});
