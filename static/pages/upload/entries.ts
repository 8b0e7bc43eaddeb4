/** What a person drops or chooses, as a flat list of files with the names they have in their folder. */

export interface Chosen {
  file: File;
  path: string;
}

/** Files of an `<input type=file>`, with or without `webkitdirectory`. */
export function ofInput(input: HTMLInputElement): Chosen[] {
  return [...(input.files ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/**
 * Files of a drop, folders walked to the bottom. The entries must be taken while the event lasts, hence before the first await.
 * A file or folder that cannot be read is named in `unreadable`, and the rest goes on.
 */
export async function ofDrop(transfer: DataTransfer, unreadable: string[]): Promise<Chosen[]> {
  const entries = [...transfer.items].map((item) => (item.kind === "file" ? item.webkitGetAsEntry() : null));
  if (entries.every((entry) => entry === null)) return [...transfer.files].map((file) => ({ file, path: file.name }));
  const found: Chosen[] = [];
  for (const entry of entries) if (entry) await walk(entry, found, unreadable);
  return found;
}

async function walk(entry: FileSystemEntry, found: Chosen[], unreadable: string[]): Promise<void> {
  const path = entry.fullPath.replace(/^\//, "");
  try {
    if (entry.isFile) found.push({ file: await fileOf(entry as FileSystemFileEntry), path });
    else for (const child of await childrenOf(entry as FileSystemDirectoryEntry)) await walk(child, found, unreadable);
  } catch {
    unreadable.push(path);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** A reader gives a folder in batches (100 in Chromium), and an empty one at the end. */
async function childrenOf(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (!batch.length) return found;
    found.push(...batch);
  }
}

/**
 * What this browser knows a file by: name, length and time of change, as a digest. The server keeps it, so that the way back
 * after a reload needs nothing on this computer, where the names of patients' files have no business.
 */
export async function fingerprint({ file, path }: Chosen): Promise<string> {
  const text = new TextEncoder().encode(`${path}\0${file.size}\0${file.lastModified}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
