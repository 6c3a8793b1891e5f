import { signal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { ProblemError } from "../../../client/problem-error.ts";
import type { Run } from "../../../client/types.ts";
import { onConnection } from "../../list/live-runs.ts";
import { Icon } from "../../parts/icon.tsx";
import { api, endedSession, faultOf } from "../../session.ts";
import { shown } from "../../words/shown.ts";
import { saveContent } from "../save.ts";

/** Of a log that is longer the end is shown, in characters. */
const MOST_LOG = 20_000;
/** What comes is drawn so often at most, in milliseconds. */
const DRAW_MS = 250;
/** Characters that are read in one go. */
const PAUSE_EVERY = 500_000;
/** Wait before a log that broke off is asked for again. */
const AGAIN_MS = 4000;

interface Log {
  text: string;
  /** Characters of the whole. */
  length: number;
  /** Why there is none; empty: there is. */
  fault: string;
}

const NONE: Log = { text: "", length: 0, fault: "" };
const log = signal(NONE);

/** Follows a log until the run is over; goes on after what is known when it breaks off. */
async function followLog(id: string, signal: AbortSignal): Promise<void> {
  log.value = NONE;
  let known = NONE;
  let drawing: ReturnType<typeof setTimeout> | undefined;
  const draw = () => {
    drawing = undefined;
    if (!signal.aborted) log.value = known;
  };
  const add = (piece: string) => {
    const text = (known.text + piece).slice(-MOST_LOG);
    known = { text, length: known.length + piece.length, fault: "" };
    if (drawing === undefined) drawing = setTimeout(draw, DRAW_MS);
  };
  while (!signal.aborted) {
    try {
      await readLog(id, { after: known.length, add, signal });
      return;
    } catch (error) {
      if (signal.aborted || endedSession(error)) return;
      if (error instanceof ProblemError && error.status < 500) {
        log.value = { ...known, fault: faultOf(error) };
        return;
      }
      onConnection(false);
    }
    await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
  }
}

/** A log always comes from its beginning: what is known is passed over. */
async function readLog(
  id: string,
  { after, add, signal }: { after: number; add(piece: string): void; signal: AbortSignal },
): Promise<void> {
  const { body } = await api().runs.logs(id, { follow: true, signal });
  onConnection(true);
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  let toSkip = after;
  let sincePause = 0;
  for (;;) {
    const piece = await reader?.read();
    if (piece === undefined || piece.done || signal.aborted) return;
    const rest = piece.value.slice(toSkip);
    toSkip -= piece.value.length - rest.length;
    if (rest !== "") add(rest);
    sincePause += piece.value.length;
    if (sincePause < PAUSE_EVERY) continue;
    // What is there already comes without one: keys and clicks would wait for all of it.
    await new Promise((resolve) => setTimeout(resolve));
    sincePause = 0;
  }
}

/** Lines are laid out in blocks, those that are in sight alone. */
const BLOCK = /[\s\S]{1,4000}(?:\n|$)|[\s\S]{1,4000}/g;

/** A text that grows at its end, which stays in sight if it is. */
function Lines({ text }: { text: string }) {
  const place = useRef<HTMLPreElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    if (isAtEnd.current) place.current?.scrollTo(0, place.current.scrollHeight);
  }, [text]);
  return (
    <pre
      ref={place}
      class="more log"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
        isAtEnd.current = scrollTop + clientHeight > scrollHeight - 40;
      }}
    >
      {shown(text)
        .match(BLOCK)
        ?.map((block, i) => (
          <span key={`${i}`} class="block">
            {block}
          </span>
        ))}
    </pre>
  );
}

/** The log of a run's builds, which goes on while it works. */
export function Logs({ run }: { run: Run }) {
  useEffect(() => {
    const following = new AbortController();
    void followLog(run.id, following.signal);
    return () => following.abort();
  }, [run.id]);
  const { text, length, fault } = log.value;
  const isCut = length > text.length;
  return (
    <section aria-label="Logs">
      {fault !== "" && <p class="note">{fault}</p>}
      {text === "" && fault === "" && <p class="note late">Nothing yet.</p>}
      {text !== "" && (
        <>
          <div class="tools log-tools">
            <span class="small ink2 grow">
              {isCut && `The last ${MOST_LOG.toLocaleString("en")} characters.`}
              {!run.done && " It goes on while the run does."}
            </span>
            <button
              type="button"
              class="button plain low"
              onClick={() => void saveContent(() => api().runs.logs(run.id), `${run.id}.log`)}
            >
              <Icon name="load" />
              Log
            </button>
          </div>
          <Lines text={text} />
        </>
      )}
    </section>
  );
}
