import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { Icon } from "../../parts/icon.tsx";
import { shown } from "../../words/shown.ts";
import { ChunkView } from "./chunk-view.tsx";
import { loadLanguage } from "./highlight.ts";
import { isSplit } from "./layout.ts";
import type { ChangedFile } from "./patch.ts";
import { isSeen, setSeen } from "./seen.ts";
import { Counts } from "./tree.tsx";

/** Lines of one file that are drawn. */
const MOST_LINES = 5000;

/** Of the button that folds a file. */
export const headId = (place: number): string => `file-${place}`;

/** A file of a patch; one that was seen is folded. */
export function FileView({ run, file, place }: { run: string; file: ChangedFile; place: number }) {
  const { name, what } = file;
  const seen = isSeen(run, name);
  const isFolded = useSignal(seen);
  return (
    <section class="file" aria-label={shown(name)}>
      <header>
        <h3 class="grow cut">
          <button
            id={headId(place)}
            type="button"
            class="plain-link row"
            aria-expanded={!isFolded.value}
            onClick={() => {
              isFolded.value = !isFolded.value;
            }}
          >
            <Icon name={isFolded.value ? "right" : "down"} tone="ink3" />
            <code class="cut">{shown(name)}</code>
            <Counts file={file} />
            <span class="small ink3 cut">{shown(what.join(", "))}</span>
          </button>
        </h3>
        <label class="row small ink2">
          <input
            type="checkbox"
            class="see"
            checked={seen}
            onChange={({ currentTarget: { checked } }) => {
              setSeen(run, name, checked);
              isFolded.value = checked;
            }}
          />
          Seen
        </label>
      </header>
      {!isFolded.value && <Content file={file} />}
    </section>
  );
}

function Content({ file }: { file: ChangedFile }) {
  const { name, isBinary, lines, chunks } = file;
  const isLarge = lines > MOST_LINES;
  /** Null: it is not known yet. */
  const language = useSignal<string | undefined | null>(null);
  useEffect(() => {
    loadLanguage(name).then(
      (found) => {
        language.value = found;
      },
      () => {
        // Without it the lines have no colours.
        language.value = undefined;
      },
    );
  }, [name]);
  if (isBinary) return <p class="note">Binary: the patch has it.</p>;
  if (isLarge) return <p class="note">Too large to show: download the patch.</p>;
  if (lines === 0) return <p class="note">None of its lines changed.</p>;
  if (language.value === null) return null;
  const [code, isWide] = [language.value, isSplit.value];
  return (
    <>
      {chunks.map((chunk, i) => (
        <ChunkView key={`${i} ${isWide}`} chunk={chunk} language={code} isSplit={isWide} />
      ))}
    </>
  );
}
