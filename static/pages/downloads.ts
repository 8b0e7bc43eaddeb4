/** Downloads are the browser's own, with its progress and its "go on"; here it is only said that one has begun. */

document.addEventListener("click", (event) => {
  const link = (event.target as Element).closest<HTMLAnchorElement>("a[data-download]");
  const said = link?.closest("dialog")?.querySelector<HTMLElement>("[data-download-begun]");
  if (!said) return;
  said.hidden = false;
});
