import { signal } from "@preact/signals";
import { Icon } from "../parts/icon.tsx";
import { cut, firstLine, shown } from "../words/shown.ts";
import { durationText } from "../words/time.ts";
import { box, Grid } from "./bars.tsx";
import type { Bar, Waterfall } from "./lanes.ts";
import { turns } from "./live-run.ts";
import { showCall } from "./transcript.tsx";
import { type Call, callCounts } from "./turns.ts";

/** As many ticks as are drawn: more would lie on each other. */
const MOST_TICKS = 500;
/** As many calls as are listed: those with trouble, then the longest. */
const MOST_LISTED = 30;

const isOpen = signal(false);

const TICK_CLASS: Readonly<Record<Call["state"], string>> = {
  done: "",
  working: "live",
  failed: "bad",
  denied: "warn",
};
const LANE_CLASS: Readonly<Record<Call["state"], string>> = {
  done: "lane",
  working: "lane now",
  failed: "lane bad",
  denied: "lane denied",
};

interface Shown {
  attempt: number;
  waterfall: Waterfall;
  grid: readonly number[];
}

/**
 * The tool calls of an attempt against time: one lane of ticks, and one lane each once it is
 * opened.
 */
export function ToolLanes({ attempt, waterfall, grid }: Shown) {
  const told = turns.value.filter((turn) => turn.attempt === attempt);
  const { all, failed, denied } = callCounts(told);
  if (all === 0) return null;
  const calls = told.flatMap((turn) => turn.calls);
  const said = [failed > 0 && `${failed} failed`, denied > 0 && `${denied} denied`].filter(Boolean);
  return (
    <>
      <div class="lane">
        <button
          type="button"
          class="plain-link cut in"
          aria-expanded={isOpen.value}
          onClick={() => {
            isOpen.value = !isOpen.value;
          }}
        >
          <Icon name={isOpen.value ? "down" : "right"} />
          tools, {all}
        </button>
        <Ticks calls={calls} waterfall={waterfall} grid={grid} />
        <span class={failed > 0 ? "num bad" : denied > 0 ? "num warn" : "num"}>
          {said.join(", ")}
        </span>
      </div>
      {isOpen.value && <CallLanes calls={calls} waterfall={waterfall} grid={grid} />}
    </>
  );
}

/** Where a call stands; one at work reaches to the end. */
function barOf({ startedAt, state, ms }: Call, { from, to }: Waterfall): Bar {
  const share = (at: number) => Math.min(1, Math.max(0, (at - from) / Math.max(1, to - from)));
  const end = ms === null ? (state === "working" ? to : startedAt) : startedAt + ms;
  return { from: share(startedAt), to: share(end) };
}

function Ticks({ calls, waterfall, grid }: Omit<Shown, "attempt"> & { calls: readonly Call[] }) {
  const every = Math.ceil(calls.length / MOST_TICKS);
  const drawn = calls.filter(({ state }, i) => i % every === 0 || hasTrouble(state));
  const show = ({ target }: Event) => {
    const { id } = (target as SVGElement).dataset;
    if (id !== undefined) showCall(id);
  };
  return (
    <svg class="l" aria-hidden="true" onClick={show}>
      <Grid at={grid} />
      {drawn.slice(-2 * MOST_TICKS).map((call) => (
        <rect
          key={call.id}
          data-id={call.id}
          class={`tick ${TICK_CLASS[call.state]}`}
          {...box(barOf(call, waterfall))}
          y="6"
          height="10"
          rx="2"
        />
      ))}
    </svg>
  );
}

const hasTrouble = (state: Call["state"]): boolean => state === "failed" || state === "denied";

/** The calls that say most, in their order. */
function worthListing(calls: readonly Call[], { from, to }: Waterfall): Call[] {
  const lengthOf = (call: Call) => barOf(call, { from, to, lanes: [] });
  const weight = (call: Call) => {
    const bar = lengthOf(call);
    return bar.to - bar.from + (hasTrouble(call.state) ? 1 : 0);
  };
  const chosen = new Set(calls.toSorted((a, b) => weight(b) - weight(a)).slice(0, MOST_LISTED));
  return calls.filter((call) => chosen.has(call));
}

function CallLanes({
  calls,
  waterfall,
  grid,
}: Omit<Shown, "attempt"> & { calls: readonly Call[] }) {
  const listed = worthListing(calls, waterfall);
  const more = calls.length - listed.length;
  return (
    <>
      {listed.map((call) => (
        <div key={call.id} class={LANE_CLASS[call.state]}>
          <button type="button" class="plain-link cut inner" onClick={() => showCall(call.id)}>
            {shown(call.tool)} <code>{cut(firstLine(call.input), 80)}</code>
          </button>
          <svg class="l" aria-hidden="true">
            <Grid at={grid} />
            <rect
              class={TICK_CLASS[call.state]}
              {...box(barOf(call, waterfall))}
              y="8"
              height="6"
              rx="2"
            />
          </svg>
          <span class="num">{endOf(call)}</span>
        </div>
      ))}
      {more > 0 && <p class="lane-note">{more} shorter calls are in the transcript.</p>}
    </>
  );
}

function endOf({ state, ms }: Call): string {
  if (state === "denied" || state === "failed") return state;
  return ms === null ? "" : durationText(ms);
}
