/**
 * The tools' row stays one row: groups that find no room go into the menu at its end, the last ones first, and come back. On a
 * phone the menu is a sheet that comes up from the row, and goes when a tool is taken from it.
 */
import { part } from "./page";

/** Keep the row as long as it has room for. Groups say by `data-overflow` that they may leave, the highest number first. */
export function keepOneRow(): void {
  const row = part("toolbar");
  const menu = part("more-tools");
  const button = part("more");
  const home = [...row.querySelectorAll<HTMLElement>("[data-overflow]")].map((group) => {
    const place = document.createComment("");
    group.before(place);
    return { group, place, rank: Number(group.dataset["overflow"]) };
  });
  const leaving = [...home].sort((a, b) => b.rank - a.rank);
  const tooLong = (): boolean => row.scrollWidth > row.clientWidth + 1;

  const fit = (): void => {
    if (menu.matches(":popover-open")) return;
    const focused = document.activeElement;
    for (const { group, place } of home) if (group.parentElement !== row) place.after(group);
    button.hidden = true;
    for (const { group } of leaving) {
      if (!tooLong()) break;
      button.hidden = false;
      menu.prepend(group);
    }
    if (row.contains(focused)) (focused as HTMLElement).focus(); // moving an element takes the focus from it
  };
  // What the row holds changes with the series: presets come, cine goes.
  new ResizeObserver(fit).observe(row);
  const changes = new MutationObserver(fit);
  for (const { group } of home) changes.observe(group, { attributes: true, attributeFilter: ["hidden"] });
  changes.observe(part("presets"), { childList: true });
  menu.addEventListener("toggle", (event) => {
    const { newState } = event as ToggleEvent;
    if (newState === "open") {
      const box = button.getBoundingClientRect();
      menu.style.setProperty("--under", `${box.bottom + 4}px`);
      menu.style.setProperty("--beside", `${Math.max(8, document.documentElement.clientWidth - box.right)}px`);
    } else fit();
  });
  menu.addEventListener("click", (event) => {
    if ((event.target as Element).closest('[data-act^="tool-"]')) menu.hidePopover();
  });
  fit();
}
