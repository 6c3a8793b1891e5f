import { signal, useSignal } from "@preact/signals";
import { Fragment } from "preact";
import type { Run } from "../../client/types.ts";
import { address, hrefOf } from "../address.ts";
import { now } from "../now.ts";
import { Icon } from "../parts/icon.tsx";
import { countedText, durationText, timeText } from "../words/time.ts";
import { box, Grid, percent } from "./bars.tsx";
import {
  type Bar,
  earlierAttempts,
  type Lane,
  ticksOf,
  type Waterfall,
  waterfallOf,
} from "./lanes.ts";
import { events } from "./live-run.ts";
import type { Tab } from "./tabs.ts";
import { ToolLanes } from "./tool-lanes.tsx";

const isOpen = signal(false);

export function togglePhases(): void {
  isOpen.value = !isOpen.value;
}

/**
 * The phases of a run against time; of one that is well and over only a ribbon, until asked for.
 */
export function WaterfallView({ run }: { run: Run }) {
  const waterfall = waterfallOf(run, events.value, { now: now.value });
  if (waterfall.lanes.every(({ bar }) => bar === null)) return null;
  const isFoldable = run.done && run.status === "succeeded";
  const isFolded = isFoldable && !isOpen.value;
  return (
    <>
      <div class={isFoldable ? "" : "narrow-fall"}>
        <Ribbon waterfall={waterfall} />
      </div>
      {!isFolded && <Lanes run={run} waterfall={waterfall} />}
      {!isFolded &&
        earlierAttempts(run, events.value)
          .toReversed()
          .map((attempt) => <Earlier key={attempt} run={run} attempt={attempt} />)}
    </>
  );
}

function Ribbon({ waterfall: { lanes } }: { waterfall: Waterfall }) {
  const told = lanes.flatMap(({ name, bar, ms, state }) =>
    bar === null || ms === null ? [] : [{ name, ms, state }],
  );
  return (
    <>
      <svg class="ribbon" role="img" aria-label="Phases, in proportion">
        {inARow(told).map(({ name, bar, state }) => (
          <rect key={name} class={ribbonClass(name, state)} {...box(bar)} height="8" rx="2" />
        ))}
      </svg>
      <p class="fold">
        <span>{told.map(({ name, ms }) => `${name} ${durationText(ms)}`).join(", ")}</span>
        <span class="grow" />
        <button
          type="button"
          class="plain-link ink3"
          aria-expanded={isOpen.value}
          onClick={togglePhases}
        >
          {isOpen.value ? "Hide phases" : "Show phases"}
        </button>
      </p>
    </>
  );
}

/** One after the other, each as wide as it took: without what lies between two. */
function inARow<Told extends { ms: number }>(told: readonly Told[]): (Told & { bar: Bar })[] {
  const all = Math.max(
    1,
    told.reduce((sum, { ms }) => sum + ms, 0),
  );
  let before = 0;
  return told.map((one) => {
    const bar = { from: before / all, to: (before + one.ms) / all };
    before += one.ms;
    return { ...one, bar };
  });
}

function ribbonClass(name: string, state: Lane["state"]): string {
  if (state === "failed") return "bad";
  if (state === "working") return "going";
  return name === "agent" ? "main" : "";
}

/** An attempt before the last one, folded until it is asked for. */
function Earlier({ run, attempt }: { run: Run; attempt: number }) {
  const isShown = useSignal(false);
  const waterfall = waterfallOf(run, events.value, { now: now.value, attempt });
  const { from, to, lanes } = waterfall;
  const last = lanes.findLast(({ bar }) => bar !== null);
  return (
    <>
      <button
        type="button"
        class="plain-link small ink2 earlier"
        aria-expanded={isShown.value}
        onClick={() => {
          isShown.value = !isShown.value;
        }}
      >
        <Icon name={isShown.value ? "down" : "right"} tone="ink3" /> Attempt {attempt}, given up
        after {durationText(to - from)}
        {last !== undefined && ` in ${last.name}`}
      </button>
      {isShown.value && <Lanes run={run} waterfall={waterfall} attempt={attempt} />}
    </>
  );
}

function Lanes({
  run,
  waterfall,
  attempt = run.attempt,
}: {
  run: Run;
  waterfall: Waterfall;
  attempt?: number;
}) {
  const { from, to } = waterfall;
  const ticks = ticksOf(waterfall);
  const share = (ms: number) => ms / Math.max(1, to - from);
  const grid = ticks.map(share);
  return (
    <section
      class={isOpen.value ? "fall open" : "fall"}
      aria-label={`Phases of attempt ${attempt}`}
    >
      <div class="lane axis" aria-hidden="true">
        <span />
        <svg class="l" aria-hidden="true">
          <text x="0%" y="13">
            {timeText(new Date(from).toISOString(), now.value)}
          </text>
          {ticks.map((ms) => (
            <text key={ms} x={percent(share(ms))} y="13">
              {tickText(ms)}
            </text>
          ))}
        </svg>
        <span />
      </div>
      {waterfall.lanes.map((lane) => (
        <Fragment key={lane.name}>
          <LaneRow lane={lane} grid={grid} isLive={!run.done && attempt === run.attempt} />
          {lane.name === "agent" && (
            <ToolLanes attempt={attempt} waterfall={waterfall} grid={grid} />
          )}
        </Fragment>
      ))}
    </section>
  );
}

const tickText = (ms: number): string =>
  ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1000} s`;

const LANE_CLASS: Readonly<Record<Lane["state"], string>> = {
  done: "lane",
  working: "lane now",
  failed: "lane bad",
  later: "lane never",
  skipped: "lane never",
  never: "lane never",
};
const BAR_CLASS: Readonly<Partial<Record<Lane["state"], string>>> = {
  working: "live",
  failed: "bad",
};

/** Where one sees what a phase did; all others are in the logs. */
const TABS: Readonly<Partial<Record<Lane["name"], Tab["name"]>>> = {
  agent: "transcript",
  checks: "checks",
};

function LaneRow({ lane, grid, isLive }: { lane: Lane; grid: readonly number[]; isLive: boolean }) {
  const { name, state, bar, earlier, ms } = lane;
  return (
    <div class={LANE_CLASS[state]}>
      {bar === null ? (
        <span class="cut">{name}</span>
      ) : (
        <a class="cut" href={hrefOf({ ...address.value, tab: TABS[name] ?? "logs" })}>
          {name}
        </a>
      )}
      <svg class="l" aria-hidden="true">
        <Grid at={grid} />
        {state === "never" && <line class="dash" x1="0%" x2="100%" y1="11" y2="11" />}
        {earlier.map((one) => (
          <rect
            key={one.from}
            class={one.isFailed ? "bad" : ""}
            {...box(one)}
            y="6"
            height="10"
            rx="2"
          />
        ))}
        {bar !== null && (
          <rect
            class={BAR_CLASS[state] ?? ""}
            {...box(bar)}
            y={state === "working" ? 9 : 6}
            height={state === "working" ? 4 : 10}
            rx="2"
          />
        )}
        {state === "working" && isLive && <line class="tip" x1="100%" x2="100%" y1="0" y2="22" />}
      </svg>
      <span class="num">{laneText(state, ms)}</span>
    </div>
  );
}

function laneText(state: Lane["state"], ms: number | null): string {
  if (state === "never") return "did not run";
  if (state === "skipped") return "nothing";
  if (ms === null) return "";
  return state === "working" ? countedText(ms) : durationText(ms);
}
