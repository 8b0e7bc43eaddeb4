/**
 * `@` in a comment offers the members: `<textarea data-mentions="id">`, and a `<datalist id>` of user names with their people.
 *
 * Arrows choose, Enter or Tab takes, Esc closes; a screen reader hears the choice (`aria-activedescendant`, ARIA combobox
 * with a listbox). Without this script a user name is typed as it stands in the list of members.
 */
const MOST = 8;

interface Member {
  name: string;
  label: string;
}

class Mentions {
  private readonly list = document.createElement("ul");
  private found: Member[] = [];
  private at = 0;

  constructor(
    private readonly field: HTMLTextAreaElement,
    private readonly members: Member[],
    label: string,
  ) {
    this.list.id = `${field.id}-members`;
    this.list.className = "mentions";
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", label);
    this.list.hidden = true;
    field.after(this.list);
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.list.id);
    field.addEventListener("input", () => this.offer());
    field.addEventListener("blur", () => this.close());
    field.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("pointerdown", (event) => {
      const line = (event.target as Element).closest<HTMLElement>("li");
      if (!line) return;
      event.preventDefault();
      this.take([...this.list.children].indexOf(line));
    });
  }

  /** The word before the caret that begins with `@`; null where there is none. */
  private begun(): string | null {
    const before = this.field.value.slice(0, this.field.selectionStart);
    return /(?:^|[^\w@.+-])@([\w.@+-]*)$/.exec(before)?.[1] ?? null;
  }

  private offer(): void {
    const begun = this.begun()?.toLowerCase();
    if (begun === undefined) return this.close();
    const fits = ({ name, label }: Member): boolean => name.toLowerCase().startsWith(begun) || label.toLowerCase().split(/\s+/).some((word) => word.startsWith(begun));
    this.found = this.members.filter(fits).slice(0, MOST);
    if (!this.found.length) return this.close();
    this.at = 0;
    this.show();
  }

  private show(): void {
    this.list.replaceChildren(
      ...this.found.map(({ name, label }, index) => {
        const line = document.createElement("li");
        line.id = `${this.list.id}-${index}`;
        line.setAttribute("role", "option");
        line.setAttribute("aria-selected", String(index === this.at));
        const who = document.createElement("b");
        who.textContent = label;
        const account = document.createElement("small");
        account.className = "muted";
        account.textContent = `@${name}`;
        line.append(who, account);
        return line;
      }),
    );
    this.list.hidden = false;
    this.field.setAttribute("aria-activedescendant", `${this.list.id}-${this.at}`);
  }

  private close(): void {
    this.list.hidden = true;
    this.found = [];
    this.field.removeAttribute("aria-activedescendant");
  }

  private take(index: number): void {
    const member = this.found[index];
    const begun = this.begun();
    if (!member || begun === null) return this.close();
    const end = this.field.selectionStart;
    this.field.setRangeText(`${member.name} `, end - begun.length, end, "end");
    this.close();
  }

  private key(event: KeyboardEvent): void {
    if (this.list.hidden) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
    if (step) {
      this.at = (this.at + step + this.found.length) % this.found.length;
      this.show();
    } else if (event.key === "Enter" || event.key === "Tab") this.take(this.at);
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}

for (const field of document.querySelectorAll<HTMLTextAreaElement>("textarea[data-mentions]")) {
  const source = document.getElementById(field.dataset["mentions"] ?? "");
  const members = [...(source?.querySelectorAll("option") ?? [])].map(({ value, text }) => ({ name: value, label: text }));
  if (members.length) new Mentions(field, members, source?.dataset["label"] ?? "");
}

export {};
