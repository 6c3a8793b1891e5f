import type { Trigger } from "../../client/types.ts";
import { address, hrefOf } from "../address.ts";
import { EventsNav } from "../events/events-nav.tsx";
import { Ghosts } from "../parts/ghosts.tsx";
import { StatusMark } from "../parts/icon.tsx";
import { useListed, useLoaded } from "../parts/loaded.ts";
import { Older } from "../parts/older.tsx";
import { Time } from "../parts/time.tsx";
import { api } from "../session.ts";
import { shown } from "../words/shown.ts";
import { TriggerForm } from "./trigger-form.tsx";
import { TriggerView } from "./trigger-view.tsx";
import { OUTCOMES, sourceText, stateOf, todayText, triggersHead } from "./words.ts";

/** The triggers, or one of them, or the form of a new one. */
export function TriggersView() {
  const { id } = address.value;
  if (id === "new") return <TriggerForm key="new" stored={null} />;
  if (id !== null) return <TriggerView key={id} id={id} />;
  return <List />;
}

function List() {
  const listed = useListed((options) => api().triggers.list(options), "");
  const known = listed.known.value;
  return (
    <main class="page" aria-busy={known === null}>
      <div class="title row">
        <h1 class="grow">{known === null ? "Triggers" : triggersHead(known)}</h1>
        <a class="button" href={hrefOf({ view: "triggers", id: "new" })}>
          New trigger
        </a>
      </div>
      <EventsNav open="triggers" />
      {known === null && listed.fault.value === null && <Ghosts />}
      {known?.length === 0 && (
        <p class="note">
          A trigger says which events start runs, and what these are asked to do: a schedule, a
          hook, an event of the project, or the end of a run.
        </p>
      )}
      {known !== null && known.length > 0 && <Table rows={known} />}
      <Older {...listed} />
    </main>
  );
}

const Table = ({ rows }: { rows: readonly Trigger[] }) => (
  <table class="rows">
    <thead>
      <tr>
        <th scope="col">Trigger</th>
        <th scope="col" class="x">
          Fires on
        </th>
        <th scope="col" class="x2">
          Today
        </th>
        <th scope="col" class="num">
          Last event
        </th>
      </tr>
    </thead>
    <tbody>
      {rows.map((trigger) => (
        <Row key={trigger.id} trigger={trigger} />
      ))}
    </tbody>
    <caption class="small ink3">
      Days are those of UTC; what runs at work may still spend counts as spent.
    </caption>
  </table>
);

function Row({ trigger }: { trigger: Trigger }) {
  const { id, name, pausedWhy } = trigger;
  const state = stateOf(trigger);
  return (
    <tr>
      <th scope="row">
        <a class="strong" href={hrefOf({ view: "triggers", id })}>
          {shown(name)}
        </a>{" "}
        {state !== undefined && (
          <span class={`small ${state.tone}`}>
            {state.word}
            {pausedWhy !== null && `: ${shown(pausedWhy)}`}
          </span>
        )}
      </th>
      <td class="x">{sourceText(trigger)}</td>
      <td class="x2">{todayText(trigger)}</td>
      <td class="num">
        <LastFiring id={id} />
      </td>
    </tr>
  );
}

function LastFiring({ id }: { id: string }) {
  const { known } = useLoaded(async (signal) => {
    for await (const firing of api().triggers.firings(id, { pageSize: 1, signal })) return firing;
    return "none";
  }, id);
  const last = known.value;
  if (last === null || typeof last === "string") return <>{last}</>;
  return (
    <a href={hrefOf({ view: "triggers", id, tab: "firings" })}>
      <StatusMark mark={OUTCOMES[last.outcome]} /> <Time at={last.createdAt} />
    </a>
  );
}
