import { useEffect } from "preact/hooks";
import type { Delivery } from "../../client/types.ts";
import { hrefOf } from "../address.ts";
import { now } from "../now.ts";
import { Ghosts } from "../parts/ghosts.tsx";
import { StatusMark } from "../parts/icon.tsx";
import { type Listed, useListed } from "../parts/loaded.ts";
import { Older } from "../parts/older.tsx";
import { said } from "../parts/said.ts";
import { Moment } from "../parts/time.tsx";
import { api } from "../session.ts";
import { counted } from "../words/amounts.ts";
import { shown } from "../words/shown.ts";
import { clockText, instant } from "../words/time.ts";
import { attemptText, DELIVERY_MARKS } from "./words.ts";

/** How long after an attempt was due it is looked for: attempts may come a minute late. */
const LATE_MS = 90_000;
const AGAIN_MS = 3000;

interface DeliveriesProps {
  /** Id of the webhook or the run whose they are. */
  of: string;
  list(options: { pageSize: number; signal: AbortSignal }): AsyncIterable<Delivery>;
  /** Whether it is said where each was sent. */
  hasWebhooks?: boolean;
}

/** What was sent, newest first; while one is under way it is looked for by itself. */
export function Deliveries({ of, list, hasWebhooks = false }: DeliveriesProps) {
  const listed = useListed(list, of);
  const known = listed.known.value;
  const isUnderWay = known?.some(isDue) ?? false;
  useEffect(() => {
    if (!isUnderWay) return;
    const looking = setInterval(() => {
      if (!document.hidden) void listed.load();
    }, AGAIN_MS);
    return () => clearInterval(looking);
  }, [isUnderWay, of]);
  return (
    <section aria-label="Deliveries" aria-busy={known === null}>
      <div class="tools">
        <span class="grow small ink3">Of the last 30 days, newest first.</span>
        <button type="button" class="button low" onClick={() => void listed.load()}>
          Look again
        </button>
      </div>
      {known === null && listed.fault.value === null && <Ghosts />}
      {known?.length === 0 && (
        <p class="note">{hasWebhooks ? "No webhook was told of this run." : "Nothing was sent."}</p>
      )}
      <ol class="entries">
        {known?.map((delivery) => (
          <Entry key={delivery.id} {...{ delivery, listed, hasWebhooks }} />
        ))}
      </ol>
      <Older {...listed} />
    </section>
  );
}

/** Whether an attempt is to be expected now. */
function isDue({ status, nextAttemptAt }: Delivery): boolean {
  if (status !== "pending" || nextAttemptAt === null) return false;
  const since = now.peek() - instant(nextAttemptAt);
  return since > -LATE_MS && since < LATE_MS;
}

interface EntryProps {
  delivery: Delivery;
  listed: Listed<Delivery>;
  hasWebhooks: boolean;
}

function Entry({ delivery, listed, hasWebhooks }: EntryProps) {
  const { id, webhookId, runId, event, status, attempts, nextAttemptAt, createdAt } = delivery;
  const mark = DELIVERY_MARKS[status];
  const last = delivery.log.at(-1);
  const redeliver = async () => {
    const sent = await said(api().webhooks.redeliver(webhookId, id), "It is sent once more.");
    if (sent) await listed.load();
  };
  return (
    <li class="entry">
      <StatusMark mark={mark} />
      <div>
        <span class={status === "failed" ? "bad strong" : ""}>{mark.word}</span>{" "}
        <span class="ink2">{shown(event.type)}</span>
        <p class="small ink2">
          {counted(attempts, "attempt")}
          {last !== undefined && `. ${attemptText(last)}`}
          {nextAttemptAt !== null && (
            <>
              ; the next at <Moment at={nextAttemptAt} />
            </>
          )}
        </p>
        <Details delivery={delivery} />
      </div>
      <span class="row">
        {hasWebhooks && (
          <a class="verb" href={hrefOf({ view: "webhooks", id: webhookId })}>
            Webhook
          </a>
        )}
        {!hasWebhooks && runId !== null && (
          <a class="verb" href={hrefOf({ run: runId })}>
            Run
          </a>
        )}
        {status !== "pending" && (
          <button type="button" class="verb" onClick={() => void redeliver()}>
            Redeliver
          </button>
        )}
      </span>
      <Moment class="small ink3" at={createdAt} />
    </li>
  );
}

/** What was sent, and what each attempt was answered. */
const Details = ({ delivery: { id, body, log } }: { delivery: Delivery }) => (
  <details>
    <summary class="small">Request and answers</summary>
    <p class="small ink3">
      webhook-id: <code>{id}</code>
    </p>
    <pre class="more">{shown(body)}</pre>
    {log.map((attempt) => (
      <div key={attempt.at}>
        <p class="small">
          <time dateTime={attempt.at} title={attempt.at}>
            {clockText(instant(attempt.at))}
          </time>{" "}
          {attemptText(attempt)}
        </p>
        {attempt.answer !== "" && <pre class="more">{shown(attempt.answer)}</pre>}
      </div>
    ))}
  </details>
);
