import { signal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { TestOn } from "../../client/triggers.ts";
import type { Firing, TriggerTest } from "../../client/types.ts";
import { agents } from "../agents.ts";
import { StatusMark } from "../parts/icon.tsx";
import { useLoaded } from "../parts/loaded.ts";
import { api, endedSession, faultOf } from "../session.ts";
import { cut, shown } from "../words/shown.ts";
import { utcText } from "../words/time.ts";
import { OUTCOMES } from "./words.ts";

interface TryProps {
  /** The trigger whose firings may be tried on; undefined: there are none. */
  id: string | undefined;
  /** The firing that it is tried on at once. */
  firing?: string | undefined;
  test(on: TestOn): Promise<TriggerTest>;
}

/** How many firings can be chosen from. */
const FIRINGS = 20;

async function newest(id: string | undefined, signal: AbortSignal): Promise<Firing[]> {
  const found: Firing[] = [];
  if (id === undefined) return found;
  for await (const firing of api().triggers.firings(id, { pageSize: FIRINGS, signal })) {
    if (found.push(firing) === FIRINGS) break;
  }
  return found;
}

/** Says what an event would come to, that of a firing or one that is pasted; makes nothing. */
export function TryIt({ id, firing, test }: TryProps) {
  const { known } = useLoaded((signal) => newest(id, signal), id ?? "");
  const chosen = useMemo(() => signal(firing ?? ""), [firing]);
  const event = useMemo(() => signal(""), []);
  const fault = useMemo(() => signal(""), []);
  const answer = useMemo(() => signal<TriggerTest | null>(null), []);
  const start = async () => {
    answer.value = null;
    fault.value = "";
    try {
      answer.value = await test(asked(chosen.value, event.value));
    } catch (error) {
      if (!endedSession(error)) fault.value = whyOf(error);
    }
  };
  useEffect(() => {
    if (firing !== undefined) void start();
  }, [firing]);
  const firings = known.value ?? [];
  const isOther = firing !== undefined && firings.every((one) => one.id !== firing);
  return (
    <form
      class="agent-form"
      onSubmit={(submitted) => {
        submitted.preventDefault();
        void start();
      }}
    >
      {(firings.length > 0 || isOther) && (
        <div class="form">
          <label for="try-firing">On the event</label>
          <select
            id="try-firing"
            class="field"
            value={chosen.value}
            onChange={({ currentTarget }) => {
              chosen.value = currentTarget.value;
            }}
          >
            <option value="">that is pasted below</option>
            {isOther && <option value={firing}>of {shown(firing)}</option>}
            {firings.map((one) => (
              <option key={one.id} value={one.id}>
                of {utcText(one.createdAt)}, {one.outcome}: {cut(eventText(one), 80)}
              </option>
            ))}
          </select>
        </div>
      )}
      {chosen.value === "" && (
        <div class="form">
          <label for="try-event">Event, as JSON</label>
          <textarea
            id="try-event"
            class="field lines-field"
            rows={4}
            placeholder='{"data": {"action": "opened"}}'
            aria-describedby="try-hint"
            value={event.value}
            onInput={({ currentTarget }) => {
              event.value = currentTarget.value;
            }}
          />
          <span id="try-hint" class="hint">
            A CloudEvent; what it leaves out is that of a test. Empty: a schedule’s next tick.
          </span>
        </div>
      )}
      <div class="row">
        <button type="submit" class="button">
          Test
        </button>
        <span class="small ink3">Nothing is made.</span>
      </div>
      <p class="bad small" role="alert">
        {shown(fault.value)}
      </p>
      <div role="status">{answer.value !== null && <Answer test={answer.value} />}</div>
    </form>
  );
}

/** Which event it was. */
export const eventText = ({ event: { type, subject, id } }: Firing): string =>
  shown(`${type} ${subject ?? id}`);

function asked(firing: string, text: string): TestOn {
  if (firing !== "") return { firing };
  return text.trim() === "" ? {} : { event: JSON.parse(text) as Record<string, unknown> };
}

const whyOf = (error: unknown): string =>
  error instanceof SyntaxError ? `This is no JSON: ${error.message}.` : faultOf(error);

function Answer({ test }: { test: TriggerTest }) {
  const { outcome, why, isOfSource, matches, agent } = test;
  const name = agent === null ? null : (agents.value.get(agent.id)?.name ?? agent.id);
  const told: readonly (readonly [string, string | null])[] = [
    ["Asked about it", isOfSource ? "yes" : "no: it is not of its source"],
    ["Filter", matches === null ? null : String(matches)],
    ["Agent", name === null ? null : `${name} v${agent?.version}`],
    ["Dedupe key", test.key],
    ["Conversation", test.conversation],
    ["Prompt", test.prompt],
  ];
  return (
    <section aria-label="What it would come to">
      <h2 class="lines">
        <StatusMark mark={OUTCOMES[outcome]} />{" "}
        {outcome === "matched"
          ? "It would start a run"
          : `${OUTCOMES[outcome].word}: ${shown(why ?? "it would start no run")}`}
      </h2>
      <dl class="settings">
        {told.map(
          ([term, text]) =>
            text !== null && (
              <div key={term}>
                <dt>{term}</dt>
                <dd class="lines">{shown(text)}</dd>
              </div>
            ),
        )}
      </dl>
    </section>
  );
}
