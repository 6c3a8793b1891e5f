import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Run } from "../../client/types.ts";
import { address, go, hrefOf } from "../address.ts";
import { addKeys } from "../keys.ts";
import { now } from "../now.ts";
import { Icon } from "../parts/icon.tsx";
import { counted } from "../words/amounts.ts";
import { cut, firstLine, shown } from "../words/shown.ts";
import { countedText, durationText } from "../words/time.ts";
import { run, turns } from "./live-run.ts";
import type { Call, Turn } from "./turns.ts";

/** Turns that are drawn at once, and how many more a click shows. */
const TURNS_DRAWN = 40;
const MORE_TURNS = 200;

const drawn = signal(TURNS_DRAWN);
/** Calls of one turn that are drawn. */
const CALLS_DRAWN = 100;
const callsDrawn = signal(CALLS_DRAWN);
/** The run that what follows is of. */
let openedRun = "";
/** What was opened or closed by hand: turns by `t` and number, calls by their id. */
const toggled = signal<ReadonlyMap<string, boolean>>(new Map());

const toggle = (id: string, isOpen: boolean): void => {
  toggled.value = new Map(toggled.value).set(id, isOpen);
};

/** Opens the transcript at a call, with its input and result. */
export function showCall(id: string): void {
  const all = turns.peek();
  const at = all.findIndex(({ calls }) => calls.some((call) => call.id === id));
  const turn = all[at];
  if (turn === undefined) return;
  openedRun = run.peek()?.id ?? "";
  callsDrawn.value = Math.max(callsDrawn.value, 1 + turn.calls.findIndex((call) => call.id === id));
  drawn.value = Math.max(drawn.value, all.length - at);
  toggled.value = new Map(toggled.value).set(`t${turn.number}`, true).set(id, true);
  go(hrefOf({ ...address.value, tab: "transcript" }), { replaces: true });
  requestAnimationFrame(() => {
    const place = document.getElementById(`call-${id}`);
    place?.scrollIntoView({ block: "center" });
    place?.focus({ preventScroll: true });
  });
}

/** Goes to the turn after, or before, the one that has the focus. */
function step(by: number): void {
  const heads = [...document.querySelectorAll<HTMLElement>(".turn > h3 button")];
  const at = heads.findIndex((head) => head.closest(".turn")?.contains(document.activeElement));
  const wanted = at < 0 ? (by > 0 ? 0 : heads.length - 1) : at + by;
  const head = heads[Math.min(heads.length - 1, Math.max(0, wanted))];
  head?.scrollIntoView({ block: "nearest" });
  head?.focus({ preventScroll: true });
}

/** What the agent said and did, by turns: what is over and well is folded. */
export function Transcript({ run }: { run: Run }) {
  useEffect(() => addKeys({ "[": () => step(-1), "]": () => step(1) }), []);
  useEffect(() => {
    if (openedRun === run.id) return;
    openedRun = run.id;
    drawn.value = TURNS_DRAWN;
    callsDrawn.value = CALLS_DRAWN;
    toggled.value = new Map();
  }, [run.id]);
  const all = turns.value;
  if (all.length === 0) {
    return (
      <p class="note">
        {run.done ? "The agent said nothing." : "The agent has not said anything yet."}
      </p>
    );
  }
  const hidden = Math.max(0, all.length - drawn.value);
  return (
    <section aria-label="Transcript">
      <h2 class="sr">Transcript</h2>
      {hidden > 0 && (
        <p class="note">
          {counted(hidden, "earlier turn")} not shown.{" "}
          <button
            type="button"
            class="verb"
            onClick={() => {
              drawn.value += MORE_TURNS;
            }}
          >
            Show {Math.min(MORE_TURNS, hidden)} more
          </button>
        </p>
      )}
      {all.slice(hidden).map((turn, i, shownTurns) => (
        <TurnView
          key={turn.number}
          turn={turn}
          isLast={i >= shownTurns.length - 2}
          isLive={!run.done}
        />
      ))}
    </section>
  );
}

function TurnView({ turn, isLast, isLive }: { turn: Turn; isLast: boolean; isLive: boolean }) {
  const hasTrouble = turn.calls.some(({ state }) => state === "failed" || state === "denied");
  const id = `t${turn.number}`;
  const isOpen = toggled.value.get(id) ?? (isLast || hasTrouble || turn.notes.length > 0);
  return (
    <article class={isOpen ? "turn" : "turn shut"}>
      <h3>
        <button
          type="button"
          class="plain-link"
          aria-expanded={isOpen}
          onClick={() => toggle(id, !isOpen)}
        >
          <span class="sr">Turn </span>
          {turn.number}
        </button>
      </h3>
      {isOpen ? <OpenTurn turn={turn} isLive={isLive} /> : <ShutTurn turn={turn} />}
    </article>
  );
}

function ShutTurn({ turn: { words, calls, startedAt, endedAt } }: { turn: Turn }) {
  const first = words[0] ?? calls.map(({ tool, input }) => `${tool} ${input}`).join(", ");
  return (
    <div class="body">
      <p class="says cut">{firstLine(first)}</p>
      <span class="num small ink3">
        {calls.length > 0 && `${counted(calls.length, "tool")} · `}
        {durationText(endedAt - startedAt)}
      </span>
    </div>
  );
}

function OpenTurn({ turn: { words, calls, notes }, isLive }: { turn: Turn; isLive: boolean }) {
  return (
    <div class="body">
      {words.map((text, i) => (
        <p key={`${i}`} class="says lines">
          {shown(text)}
        </p>
      ))}
      <ul class="calls">
        {calls.slice(0, callsDrawn.value).map((call) => (
          <CallView key={call.id} call={call} isLive={isLive} />
        ))}
      </ul>
      {calls.length > callsDrawn.value && (
        <p class="note">
          {counted(calls.length - callsDrawn.value, "more call")} not shown.{" "}
          <button
            type="button"
            class="verb"
            onClick={() => {
              callsDrawn.value += CALLS_DRAWN;
            }}
          >
            Show {Math.min(CALLS_DRAWN, calls.length - callsDrawn.value)} more
          </button>
        </p>
      )}
      {notes.map((note, i) => (
        <p key={`${i}`} class="note">
          {shown(note)}
        </p>
      ))}
    </div>
  );
}

const CALL_CLASS: Readonly<Record<Call["state"], string>> = {
  done: "call",
  working: "call live",
  failed: "call bad",
  denied: "call denied",
};

function CallView({ call, isLive }: { call: Call; isLive: boolean }) {
  const { id, tool, input, state, preview } = call;
  const isOpen = toggled.value.get(id) ?? false;
  const isWorking = state === "working" && isLive;
  return (
    <li>
      <button
        id={`call-${id}`}
        type="button"
        class={isWorking || state !== "working" ? CALL_CLASS[state] : "call"}
        aria-expanded={isOpen}
        onClick={() => toggle(id, !isOpen)}
      >
        <CallIcon state={state} isWorking={isWorking} isOpen={isOpen} />
        <span class="tool cut">{shown(tool)}</span>
        <code class="cut">{firstLine(input)}</code>
        <span class="said cut">{saidOf(call)}</span>
        <span class="num small">{timeOf(call, isWorking)}</span>
      </button>
      {isOpen && <pre class="more">{shown([input, preview].filter(Boolean).join("\n\n"))}</pre>}
    </li>
  );
}

function CallIcon({
  state,
  isWorking,
  isOpen,
}: {
  state: Call["state"];
  isWorking: boolean;
  isOpen: boolean;
}) {
  if (state === "failed") return <Icon name="failed" tone="bad" label="Failed" />;
  if (state === "denied") return <Icon name="lock" tone="warn" label="Denied" />;
  if (isWorking) return <Icon name="running" tone="live" label="At work" />;
  return <Icon name={isOpen ? "down" : "right"} tone="ink3" />;
}

function saidOf({ state, preview }: Call): string {
  if (state === "denied") return "denied";
  if (state === "failed") return cut(firstLine(preview) || "failed", 60);
  const lines = preview === "" ? 0 : preview.split("\n").length;
  return lines > 1 ? counted(lines, "line") : cut(firstLine(preview), 60);
}

function timeOf({ ms, startedAt }: Call, isWorking: boolean): string {
  if (ms !== null) return durationText(ms);
  return isWorking ? countedText(now.value - startedAt) : "";
}
