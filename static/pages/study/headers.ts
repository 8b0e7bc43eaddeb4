/**
 * The table of headers: lines found while one types, sequences folded, one line chosen by the arrow keys and its value, tag
 * or path copied. Without this script the form finds on the server and everything stands open.
 *
 * What is typed stays here: a name that one looks for gets into no address.
 */
import { belongsToField, lettersAllowed } from "../keys";

/** Sequences with more lines than this begin folded. */
const LONG = 60;

const panel = document.querySelector<HTMLElement>("[data-headers]");

class Table {
  private readonly rows: HTMLTableRowElement[];
  private readonly texts: string[];
  private readonly folded = new Set<string>();
  private wanted = "";
  private chosen = -1;
  private readonly bar: HTMLElement;

  constructor(private readonly panel: HTMLElement) {
    this.rows = [...panel.querySelectorAll<HTMLTableRowElement>("tbody tr[data-path]")];
    this.texts = this.rows.map((row) => {
      const text = (row.textContent ?? "").toLowerCase();
      const tag = /\(([0-9a-f]{4}),([0-9a-f]{4})\)/.exec(text);
      return tag ? `${text} ${tag[1]}${tag[2]}` : text;
    });
    this.bar = this.makeBar();
    this.foldLong();
    this.makeFolders();
    panel.querySelector<HTMLElement>("[data-keys-hint]")?.removeAttribute("hidden");
    const first = this.rows[0];
    if (first) first.tabIndex = 0;
    panel.addEventListener("focusin", (event) => this.chooseRow((event.target as Element).closest("tr")));
    panel.addEventListener("pointerover", (event) => {
      const row = (event.target as Element).closest<HTMLTableRowElement>("tr[data-path]");
      if (row && !this.bar.contains(document.activeElement)) this.showBar(row);
    });
    panel.addEventListener("keydown", (event) => this.key(event));
  }

  /** Keep the lines that hold the text, and the sequences around them. */
  find(text: string): void {
    this.wanted = text.trim().toLowerCase();
    this.show();
    const found = this.panel.querySelector("[data-found] small");
    if (!found) return;
    const count = this.wanted ? this.texts.filter((line) => line.includes(this.wanted)).length : 0;
    const words = (this.panel.dataset["wordFound"] ?? "").replace("{count}", String(count)).replace("{total}", String(this.rows.length));
    found.textContent = !this.wanted ? "" : count ? words : (this.panel.dataset["wordNothing"] ?? "");
  }

  private path(index: number): string {
    return this.rows[index]?.dataset["path"] ?? "";
  }

  /** Hide what is folded away; while something is looked for, what does not hold it. */
  private show(): void {
    const around = new Set<string>();
    if (this.wanted)
      this.texts.forEach((line, index) => {
        if (!line.includes(this.wanted)) return;
        const path = this.path(index);
        around.add(path);
        for (let at = path.search(/[.[]/); at >= 0; at = this.next(path, at)) around.add(path.slice(0, at));
      });
    this.rows.forEach((row, index) => {
      const path = this.path(index);
      row.hidden = this.wanted ? !around.has(path) : [...this.folded].some((fold) => path !== fold && path.startsWith(`${fold}[`));
    });
  }

  private next(path: string, after: number): number {
    const found = path.slice(after + 1).search(/[.[]/);
    return found < 0 ? -1 : found + after + 1;
  }

  private foldLong(): void {
    const inside = new Map<string, number>();
    for (let index = 0; index < this.rows.length; index += 1) {
      const outer = this.path(index).split("[")[0] ?? "";
      inside.set(outer, (inside.get(outer) ?? 0) + 1);
    }
    for (const [path, count] of inside) if (count > LONG) this.folded.add(path);
    if (this.folded.size && !this.searching) this.show();
  }

  private get searching(): boolean {
    return Boolean(document.querySelector<HTMLInputElement>("[data-find-form] [name=find]")?.value);
  }

  private makeFolders(): void {
    for (const row of this.rows) {
      if (!row.matches("[data-holds]") || !row.cells[0]?.textContent?.trim()) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "fold";
      button.tabIndex = -1;
      const name = row.cells[1]?.textContent ?? "";
      button.setAttribute("aria-label", `${this.panel.dataset["wordFold"] ?? ""}: ${name}`);
      button.setAttribute("aria-expanded", String(!this.folded.has(row.dataset["path"] ?? "")));
      button.addEventListener("click", () => this.fold(row));
      row.cells[1]?.prepend(button);
    }
  }

  private fold(row: HTMLTableRowElement): void {
    const path = row.dataset["path"] ?? "";
    if (!this.folded.delete(path)) this.folded.add(path);
    row.querySelector(".fold")?.setAttribute("aria-expanded", String(!this.folded.has(path)));
    this.show();
  }

  private makeBar(): HTMLElement {
    const bar = document.createElement("span");
    bar.className = "copy-bar";
    for (const what of ["value", "tag", "path"] as const) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn btn-quiet";
      button.tabIndex = -1;
      button.textContent = this.panel.dataset[`word${what[0]!.toUpperCase()}${what.slice(1)}`] ?? what;
      button.addEventListener("click", () => void this.copy(what));
      bar.append(button);
    }
    return bar;
  }

  private showBar(row: HTMLTableRowElement): void {
    if (this.bar.closest("tr") === row) return;
    row.cells[row.cells.length - 1]?.append(this.bar);
  }

  private chooseRow(row: HTMLTableRowElement | null): void {
    if (!row || !this.rows.includes(row)) return;
    const before = this.rows[this.chosen] ?? this.rows[0];
    if (before && before !== row) before.tabIndex = -1;
    row.tabIndex = 0;
    this.chosen = this.rows.indexOf(row);
    this.showBar(row);
  }

  private step(by: number): void {
    let index = this.chosen;
    do index += by;
    while (this.rows[index]?.hidden);
    const row = this.rows[index];
    row?.focus();
    row?.scrollIntoView({ block: "nearest" });
  }

  private key(event: KeyboardEvent): void {
    if (belongsToField(event) || !(event.target instanceof HTMLTableRowElement)) return;
    const letters = lettersAllowed();
    const row = event.target;
    if (event.key === "ArrowDown") this.step(1);
    else if (event.key === "ArrowUp") this.step(-1);
    else if ((event.key === "ArrowLeft" || event.key === "ArrowRight") && row.matches("[data-holds]")) {
      const isFolded = this.folded.has(row.dataset["path"] ?? "");
      if (isFolded === (event.key === "ArrowRight")) this.fold(row);
    } else if (letters && event.key === "c") void this.copy("value");
    else if (letters && event.key === "t") void this.copy("tag");
    else if (letters && event.key === "p") void this.copy("path");
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private async copy(what: "value" | "tag" | "path"): Promise<void> {
    const row = this.bar.closest("tr");
    if (!row) return;
    const value = row.querySelector(".whole") ?? row.querySelector(".value > bdi");
    const text = what === "value" ? value?.textContent : what === "tag" ? row.cells[0]?.textContent?.trim() : row.dataset["path"];
    const found = this.panel.querySelector("[data-found] small");
    const words = this.panel.dataset;
    try {
      await navigator.clipboard.writeText(text ?? "");
      if (found) found.textContent = `${words["wordCopied"] ?? ""}: ${(text ?? "").slice(0, 60)}`;
    } catch {
      if (found) found.textContent = words["wordFailed"] ?? "";
    }
  }
}

if (panel) {
  const table = new Table(panel);
  const form = document.querySelector<HTMLFormElement>("[data-find-form]");
  const field = form?.querySelector<HTMLInputElement>("[name=find]");
  // The page of an address that already finds holds only what was found: typing anew asks the server.
  if (form && field && !field.value) {
    field.addEventListener("input", () => table.find(field.value));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      table.find(field.value);
    });
  }
}
