import { Icon } from "../../parts/icon.tsx";
import { tokensText } from "../../words/amounts.ts";
import { shown } from "../../words/shown.ts";
import type { ChangedFile } from "./patch.ts";
import { isSeen } from "./seen.ts";

interface Folder {
  name: string;
  files: { name: string; place: number; file: ChangedFile }[];
}

/** Files by their folders, in the order of the patch. */
function foldersOf(files: readonly ChangedFile[]): Folder[] {
  const folders = new Map<string, Folder>();
  for (const [place, file] of files.entries()) {
    const cutAt = file.name.lastIndexOf("/");
    const name = file.name.slice(0, Math.max(0, cutAt));
    const folder = folders.get(name) ?? { name, files: [] };
    folder.files.push({ name: file.name.slice(cutAt + 1), place, file });
    folders.set(name, folder);
  }
  return [...folders.values()];
}

/** The files of a patch, by folder, each with its counts; on a wide window. */
export function FileTree({
  run,
  files,
  current,
  onPick,
}: {
  run: string;
  files: readonly ChangedFile[];
  current: number;
  onPick(place: number): void;
}) {
  return (
    <nav class="files" aria-label="Files">
      {foldersOf(files).map(({ name, files: inFolder }) => (
        <section key={name}>
          <p class="dir cut">{shown(name) || "top level"}</p>
          <ul>
            {inFolder.map(({ name: own, place, file }) => (
              <li key={place} aria-current={place === current ? "true" : undefined}>
                <button type="button" class="plain-link in row grow" onClick={() => onPick(place)}>
                  <span class="grow cut" title={shown(file.name)}>
                    {shown(own)}
                  </span>
                  {isSeen(run, file.name) && <Icon name="succeeded" label="Seen" />}
                  <Counts file={file} />
                </button>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </nav>
  );
}

export function Counts({ file: { added, removed } }: { file: ChangedFile }) {
  if (added + removed === 0) return null;
  return (
    <span class="small counts">
      <span class="plus">+{tokensText(added)}</span>{" "}
      <span class="minus">−{tokensText(removed)}</span>
    </span>
  );
}
