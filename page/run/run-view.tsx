import { useEffect } from "preact/hooks";
import type { Run } from "../../client/types.ts";
import { address, hrefOf, toList } from "../address.ts";
import { now } from "../now.ts";
import { Icon, StatusMark } from "../parts/icon.tsx";
import { late } from "../parts/late.tsx";
import { said } from "../parts/said.ts";
import { say } from "../parts/toast.tsx";
import { usualQueueMs } from "../usual.ts";
import { waitsTooLong } from "../words/attention.ts";
import { headSentence } from "../words/sentence.ts";
import { firstLine } from "../words/shown.ts";
import { markOf } from "../words/status.ts";
import { unbroken } from "../words/time.ts";
import { Actions } from "./actions.tsx";
import { Answer } from "./answer.tsx";
import { Facts, Strip } from "./facts.tsx";
import { FollowUp } from "./follow-up.tsx";
import { events } from "./live-run.ts";
import { loadRequest } from "./request.ts";
import { openTab, type Tab, tabsOf } from "./tabs.ts";
import { Transcript } from "./transcript.tsx";
import { Verdict } from "./verdict.tsx";
import { WaterfallView } from "./waterfall.tsx";

const Artifacts = late(async () => (await import("./contents/artifacts.tsx")).Artifacts);
const Checks = late(async () => (await import("./contents/checks.tsx")).Checks);
const Logs = late(async () => (await import("./contents/logs.tsx")).Logs);
const Request = late(async () => (await import("./contents/request.tsx")).Request);
const Deliveries = late(async () => (await import("./contents/deliveries.tsx")).RunDeliveries);
const Changes = late(async () => (await import("./changes/changes.tsx")).Changes);

/** A run: what is going on in one sentence, its phases, and what it did. */
export function RunView({ run }: { run: Run }) {
  const tab = openTab(run, address.value.tab);
  useEffect(() => void loadRequest(run.id), [run.id]);
  // What ended well is looked at for what came of it, which gets the whole width.
  const isWide = run.status === "succeeded" || tab === "changes";
  return (
    <main class="page">
      <Head run={run} />
      <div class={isWide ? "cols whole" : "cols"}>
        <div>
          <Verdict run={run} />
          <WaterfallView run={run} />
          <Strip run={run} />
          <Tabs run={run} open={tab} />
          <Content run={run} tab={tab} />
          <FollowUp run={run} />
        </div>
        {!isWide && (
          <aside class="side" aria-label="Facts">
            <Facts run={run} />
          </aside>
        )}
      </div>
    </main>
  );
}

function Head({ run }: { run: Run }) {
  const pieces = headSentence(run, events.value, {
    now: now.value,
    queueMs: usualQueueMs.value,
  });
  return (
    <header class="head">
      <p class="crumb">
        <button type="button" class="plain-link" onClick={toList}>
          Runs
        </button>
        <Icon name="right" />
        <code class="cut">{run.id}</code>
        <button
          type="button"
          class="plain-link"
          aria-label="Copy the id"
          onClick={() => void copyId(run)}
        >
          <Icon name="copy" />
        </button>
      </p>
      <h1>
        <StatusMark mark={markOf(run, waitsTooLong(run, now.value))} />
        <span>
          {pieces.map((piece) =>
            typeof piece === "string" ? unbroken(piece) : <code key="code">{piece.code}</code>,
          )}
        </span>
      </h1>
      <Actions run={run} />
      <p class="asked">{firstLine(run.promptPreview)}</p>
    </header>
  );
}

async function copyId({ id }: Run): Promise<void> {
  const copying = navigator.clipboard?.writeText(id) ?? Promise.reject(new Error("no clipboard"));
  if (
    (await said(
      copying.then(() => true),
      undefined,
    )) === true
  )
    say("Copied.");
}

function Tabs({ run, open }: { run: Run; open: Tab["name"] }) {
  return (
    <nav class="tabs" aria-label="Run">
      {tabsOf(run).map(({ name, word, count }) => (
        <a
          key={name}
          href={hrefOf({ ...address.value, tab: name })}
          aria-current={name === open ? "page" : undefined}
        >
          {word}
          {count > 0 && <span class="n">{count}</span>}
        </a>
      ))}
    </nav>
  );
}

function Content({ run, tab }: { run: Run; tab: Tab["name"] }) {
  if (tab === "answer") return <Answer run={run} />;
  if (tab === "changes") return <Changes run={run} />;
  if (tab === "checks") return <Checks run={run} />;
  if (tab === "logs") return <Logs run={run} />;
  if (tab === "artifacts") return <Artifacts run={run} />;
  if (tab === "request") return <Request run={run} />;
  if (tab === "deliveries") return <Deliveries run={run} />;
  return <Transcript run={run} />;
}
