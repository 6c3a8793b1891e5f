import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { address, go } from "../address.ts";
import { compose } from "../compose/draft.ts";
import { addKeys } from "../keys.ts";
import { roughNow } from "../now.ts";
import { Ghosts } from "../parts/ghosts.tsx";
import { Icon } from "../parts/icon.tsx";
import { usdText } from "../words/amounts.ts";
import { dayStart } from "../words/time.ts";
import { arranged, isPointedAt, startArranging } from "./arranged.ts";
import { BulkBar } from "./bulk-bar.tsx";
import { FilterBar, isFiltered } from "./filter-bar.tsx";
import { ATTENTION, listSentence } from "./groups.ts";
import { listKeys } from "./list-keys.ts";
import { isLoaded, refusal, runs } from "./live-runs.ts";
import { canNotify, isNotifying, toggleNotifying } from "./notify.ts";
import { Row } from "./row.tsx";
import { isUnread, setRead } from "./unread.ts";
import { useFollowing } from "./use-following.ts";
import { type Drawn, drawnOf, type Heights, topOf } from "./visible-rows.ts";

const WIDE: Heights = { head: 64, tall: 58, low: 36 };
const NARROW: Heights = { head: 64, tall: 80, low: 64 };
/** How much is drawn beyond what is seen, in pixels. */
const MARGIN = 600;

const narrow = matchMedia("(max-width: 640px)");
const heights = signal(narrow.matches ? NARROW : WIDE);
narrow.addEventListener("change", () => {
  heights.value = narrow.matches ? NARROW : WIDE;
});

/** The part of the list that is drawn, in pixels from its top. */
const seen = signal({ top: 0, bottom: 2000 });

/** Every run, live: what needs a person first. */
export function ListView() {
  const place = useRef<HTMLDivElement>(null);
  useFollowing(address.value.filter);
  useEffect(startArranging, []);
  useEffect(() => watchSeen(place.current), []);
  useEffect(() => addKeys(listKeys((id) => show(place.current, id))), []);
  return (
    <main class="page">
      <div class="title">
        <h1>{listSentence(arranged.value)}</h1>
        <CostToday />
        <span class="grow" />
        <Bell />
      </div>
      <FilterBar />
      <div
        ref={place}
        onPointerEnter={() => {
          isPointedAt.value = true;
        }}
        onPointerLeave={() => {
          isPointedAt.value = false;
        }}
      >
        {drawnOf(arranged.value, heights.value, seen.value).map((drawn) => (
          <Section key={drawn.group.title} {...drawn} />
        ))}
      </div>
      <Emptiness />
      <BulkBar />
    </main>
  );
}

function watchSeen(place: HTMLElement | null): () => void {
  const look = () => {
    if (place === null) return;
    const top = -place.getBoundingClientRect().top;
    const isDrawn = Math.abs(top - MARGIN - seen.peek().top) < MARGIN / 2;
    // A window that was made larger shows more of the same.
    if (isDrawn && top + innerHeight + MARGIN / 2 < seen.peek().bottom) return;
    seen.value = { top: top - MARGIN, bottom: top + innerHeight + MARGIN };
  };
  look();
  addEventListener("scroll", look, { passive: true });
  addEventListener("resize", look);
  return () => {
    removeEventListener("scroll", look);
    removeEventListener("resize", look);
  };
}

/** Brings a run into sight and gives it the focus, once it is drawn. */
function show(place: HTMLElement | null, id: string): void {
  const found = topOf(arranged.peek(), heights.peek(), id);
  if (place === null || found === undefined) return;
  const top = found.top + place.getBoundingClientRect().top;
  const [least, most] = [80, innerHeight - found.height - 80];
  if (top < least) scrollBy(0, top - least);
  else if (top > most) scrollBy(0, top - most);
  requestAnimationFrame(() => document.getElementById(`row-${id}`)?.focus({ preventScroll: true }));
}

function Section({ group, rowHeight, from, to }: Drawn) {
  const { title, isTall } = group;
  const asks = title === ATTENTION;
  const id = `group-${title.replaceAll(" ", "-")}`;
  const height = { height: `${group.runs.length * rowHeight}px` };
  return (
    <section class="list" aria-labelledby={id}>
      <header>
        <h2 id={id} class="grow">
          {title}
        </h2>
        {asks && <MarkAllRead ids={group.runs.filter(isUnread).map((run) => run.id)} />}
      </header>
      <ol style={height}>
        {group.runs.slice(from, to).map((run, i) => (
          <Row
            key={run.id}
            run={runs.value.get(run.id) ?? run}
            isTall={isTall}
            asks={asks}
            top={(from + i) * rowHeight}
          />
        ))}
      </ol>
    </section>
  );
}

function MarkAllRead({ ids }: { ids: string[] }) {
  if (ids.length === 0) return null;
  return (
    <button type="button" class="plain-link small ink2" onClick={() => setRead(ids, true)}>
      Mark all as read
    </button>
  );
}

/** What the runs that ended today have cost, if all of them are here. */
function CostToday() {
  if (!isLoaded.value || isFiltered(address.value.filter)) return null;
  const today = dayStart(roughNow.value, 0);
  let cost = 0;
  for (const { finishedAt, usage } of runs.value.values()) {
    if (finishedAt !== null && finishedAt >= today) cost += usage?.costUsd ?? 0;
  }
  return cost > 0 ? <span class="ink3">{usdText(cost)} today</span> : null;
}

/** Asks to be told of runs that end; never by itself. */
function Bell() {
  if (!canNotify) return null;
  const isOn = isNotifying.value;
  return (
    <button
      type="button"
      class="plain-link small ink2 row bell"
      aria-pressed={isOn}
      onClick={() => void toggleNotifying()}
    >
      <Icon name="bell" tone={isOn ? "" : "ink3"} />
      {isOn ? "Tells of runs that end" : "Tell me of runs that end"}
    </button>
  );
}

function Emptiness() {
  if (arranged.value.length > 0) return null;
  if (refusal.value !== null) {
    return <Empty title="The API does not take this filter">{refusal.value}</Empty>;
  }
  if (!isLoaded.value) return <Ghosts />;
  if (isFiltered(address.value.filter)) {
    return (
      <Empty title="No run fits the filter">
        <button type="button" class="button" onClick={() => go("/")}>
          Clear the filter
        </button>
      </Empty>
    );
  }
  return (
    <Empty title="No runs in 7 days">
      <span class="ink2">Say what shall be done, and go home. The work waits here.</span>
      <button type="button" class="button first" onClick={() => void compose({ kind: "new" })}>
        New run <kbd>c</kbd>
      </button>
      <code class="ink3">npx runyard run "Create hello.txt and explain it"</code>
    </Empty>
  );
}

function Empty({ title, children }: { title: string; children: preact.ComponentChildren }) {
  return (
    <div class="mid">
      <h2>{title}</h2>
      {children}
    </div>
  );
}
