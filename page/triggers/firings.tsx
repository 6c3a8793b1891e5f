import type { Firing } from "../../client/types.ts";
import { address, go, hrefOf } from "../address.ts";
import { Ghosts } from "../parts/ghosts.tsx";
import { StatusMark } from "../parts/icon.tsx";
import { type Listed, useListed } from "../parts/loaded.ts";
import { Older } from "../parts/older.tsx";
import { said } from "../parts/said.ts";
import { Moment } from "../parts/time.tsx";
import { api } from "../session.ts";
import { shown } from "../words/shown.ts";
import { eventText } from "./try-it.tsx";
import { OUTCOMES } from "./words.ts";

/** What became of a trigger's events, newest first, or of those with one outcome. */
export function Firings({ id }: { id: string }) {
  const outcome = Object.keys(OUTCOMES).find((one) => one === address.value.by) as
    | Firing["outcome"]
    | undefined;
  const listed = useListed(
    (options) => api().triggers.firings(id, { ...options, ...(outcome && { outcome }) }),
    `${id} ${outcome}`,
  );
  const known = listed.known.value;
  return (
    <section aria-label="Firings" aria-busy={known === null}>
      <div class="tools">
        <label class="choice grow">
          Outcome{" "}
          <select
            class="bare"
            value={outcome ?? ""}
            onChange={({ currentTarget: { value } }) =>
              go(hrefOf({ view: "triggers", id, tab: "firings", by: value || null }), {
                replaces: true,
              })
            }
          >
            <option value="">any</option>
            {Object.entries(OUTCOMES).map(([name, { word }]) => (
              <option key={name} value={name}>
                {word}
              </option>
            ))}
          </select>
        </label>
        <button type="button" class="button low" onClick={() => void listed.load()}>
          Look again
        </button>
      </div>
      {known === null && listed.fault.value === null && <Ghosts />}
      {known?.length === 0 && (
        <p class="note">
          {outcome === undefined
            ? "No event came in 30 days."
            : "No event came to that in 30 days."}
        </p>
      )}
      <ol class="entries">
        {known?.map((firing) => (
          <Entry key={firing.id} firing={firing} listed={listed} />
        ))}
      </ol>
      <Older {...listed} />
    </section>
  );
}

function Entry({ firing, listed }: { firing: Firing; listed: Listed<Firing> }) {
  const { id, triggerId, outcome, why, runId, createdAt, duplicates, redeliveryOf } = firing;
  const mark = OUTCOMES[outcome];
  const redeliver = async () => {
    const made = await said(api().triggers.redeliver(triggerId, id), "Asked about it again.");
    if (made) await listed.load();
  };
  const more = [
    why,
    redeliveryOf !== null && "Redelivered.",
    duplicates.length > 0 && `Came ${duplicates.length + 1} times.`,
  ].filter(Boolean);
  return (
    <li class="entry">
      <StatusMark mark={mark} />
      <div>
        <span class={outcome === "error" ? "bad strong" : ""}>{mark.word}</span>{" "}
        <span class="ink2">{eventText(firing)}</span>
        {more.length > 0 && <p class="small ink2">{shown(more.join(" "))}</p>}
      </div>
      <span class="row">
        {runId !== null && (
          <a class="verb" href={hrefOf({ run: runId })}>
            Run
          </a>
        )}
        <a class="verb" href={hrefOf({ view: "triggers", id: triggerId, tab: id })}>
          Test
        </a>
        <button type="button" class="verb" onClick={() => void redeliver()}>
          Redeliver
        </button>
      </span>
      <Moment class="small ink3" at={createdAt} />
    </li>
  );
}
