import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Run } from "../../../client/types.ts";
import { addKeys } from "../../keys.ts";
import { Icon } from "../../parts/icon.tsx";
import { api, endedSession, faultOf } from "../../session.ts";
import { bytesText, counted } from "../../words/amounts.ts";
import { shown } from "../../words/shown.ts";
import { saveContent } from "../save.ts";
import { FileView, headId } from "./file-view.tsx";
import { hasRoom, isSplit, setSplit } from "./layout.ts";
import { type ChangedFile, type Patch, parsePatch } from "./patch.ts";
import { openSeen, seenCount } from "./seen.ts";
import { FileTree } from "./tree.tsx";

/** What is larger is not drawn but downloaded. */
const MOST_BYTES = 500_000;
/** Files that are drawn at once, and how many more a click shows. */
const FILES_DRAWN = 100;

type Loaded = { id: string; patch: Patch } | { id: string; why: string };

const loaded = signal<Loaded | null>(null);
const drawn = signal(FILES_DRAWN);
/** The file that was gone to last, by its place. */
const current = signal(0);

async function load(run: Run, signal: AbortSignal): Promise<void> {
  const { id } = run;
  try {
    const text = await (await api().runs.patch(id, { signal })).text();
    if (!signal.aborted) loaded.value = { id, patch: parsePatch(text) };
  } catch (error) {
    if (!signal.aborted && !endedSession(error)) loaded.value = { id, why: faultOf(error) };
  }
}

const sizeOf = ({ artifacts }: Run): number =>
  artifacts.find(({ name }) => name === "patch.diff")?.sizeBytes ?? 0;

/** What a run changed, file by file. */
export function Changes({ run }: { run: Run }) {
  const bytes = sizeOf(run);
  const isLarge = bytes > MOST_BYTES;
  useEffect(() => {
    loaded.value = null;
    drawn.value = FILES_DRAWN;
    current.value = 0;
    openSeen();
    const loading = new AbortController();
    if (!isLarge) void load(run, loading.signal);
    return () => loading.abort();
  }, [run.id, isLarge]);
  useEffect(() => addKeys({ "[": () => step(-1), "]": () => step(1) }), []);
  const found = loaded.value?.id === run.id ? loaded.value : null;
  const patch = found !== null && "patch" in found ? found.patch : null;
  const files = patch?.files.slice(0, drawn.value) ?? [];
  return (
    <section class="diffs" aria-label="Changes">
      <FileTree run={run.id} files={files} current={current.value} onPick={goTo} />
      <div>
        <h2 class="sr">Changes</h2>
        <Tools run={run} bytes={bytes} />
        {isLarge && <p class="note">Too large to show: download the patch.</p>}
        {found === null && !isLarge && <p class="note late">Loading the patch.</p>}
        {found !== null && "why" in found && <p class="note bad">{found.why}</p>}
        {files.map((file, place) => (
          <FileView key={file.name} run={run.id} file={file} place={place} />
        ))}
        {patch !== null && <Rest patch={patch} />}
      </div>
    </section>
  );
}

function Tools({ run, bytes }: { run: Run; bytes: number }) {
  const files = run.changes?.files ?? 0;
  const seen = seenCount(run.id);
  return (
    <div class="tools">
      <span class="small ink2 grow" role="status">
        {counted(files, "file")}
        {seen > 0 && `, ${seen} seen`}
      </span>
      <button
        type="button"
        class="button plain low"
        onClick={() => void saveContent(() => api().runs.patch(run.id), `${run.id}.patch`)}
      >
        <Icon name="load" />
        Patch, {bytesText(bytes)}
      </button>
      {hasRoom.value && (
        <fieldset class="switch" aria-label="Layout">
          <button type="button" aria-pressed={!isSplit.value} onClick={() => setSplit(false)}>
            Unified
          </button>
          <button type="button" aria-pressed={isSplit.value} onClick={() => setSplit(true)}>
            Split
          </button>
        </fieldset>
      )}
    </div>
  );
}

/** What is not drawn, and what the patch itself says that it leaves out. */
function Rest({ patch: { files, remarks } }: { patch: Patch }) {
  const hidden = files.length - drawn.value;
  return (
    <>
      {hidden > 0 && (
        <p class="note">
          {counted(hidden, "more file")} not shown.{" "}
          <button
            type="button"
            class="verb"
            onClick={() => {
              drawn.value += FILES_DRAWN;
            }}
          >
            Show {Math.min(FILES_DRAWN, hidden)} more
          </button>
        </p>
      )}
      {remarks.map((remark) => (
        <p key={remark} class="note">
          {shown(remark)}
        </p>
      ))}
    </>
  );
}

function filesDrawn(): readonly ChangedFile[] {
  const found = loaded.peek();
  return found !== null && "patch" in found ? found.patch.files.slice(0, drawn.peek()) : [];
}

function step(by: number): void {
  const head = document.getElementById(headId(current.peek()));
  // The first press goes to the first file.
  const isThere = document.activeElement === head;
  const wanted = current.peek() + (isThere || by < 0 ? by : 0);
  goTo(Math.min(filesDrawn().length - 1, Math.max(0, wanted)));
}

function goTo(place: number): void {
  const head = document.getElementById(headId(place));
  if (head === null) return;
  current.value = place;
  head.closest(".file")?.scrollIntoView({ block: "start" });
  head.focus({ preventScroll: true });
}
