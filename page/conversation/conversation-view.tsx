import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { ProblemError } from "../../client/problem-error.ts";
import type { Conversation, Run } from "../../client/types.ts";
import { type Filter, hrefOf } from "../address.ts";
import { agentText } from "../agents.ts";
import { addKeys } from "../keys.ts";
import { runs } from "../list/live-runs.ts";
import { useFollowing } from "../list/use-following.ts";
import { ChangedFiles } from "../parts/changed-files.tsx";
import { Icon, StatusMark } from "../parts/icon.tsx";
import { Time } from "../parts/time.tsx";
import { askToCancel } from "../remedy.ts";
import { FollowUp } from "../run/follow-up.tsx";
import { api, endedSession, faultOf } from "../session.ts";
import { shown } from "../words/shown.ts";
import { markOf } from "../words/status.ts";
import { Turn } from "./turn.tsx";
import { conversationHead, costOf, touchedFiles, turnAtWork, turnsOf } from "./turns.ts";

const known = signal<Conversation | null>(null);
const fault = signal<{ id: string; why: string; isMissing: boolean } | null>(null);

async function load(id: string): Promise<void> {
  try {
    known.value = await api().conversations.get(id);
    fault.value = null;
  } catch (error) {
    if (endedSession(error)) return;
    const isMissing = error instanceof ProblemError && error.status === 404;
    fault.value = { id, why: faultOf(error), isMissing };
  }
}

const filterOf = (conversation: string): Filter => ({
  conversation,
  status: "",
  agent: "",
  label: "",
  days: "90",
  q: "",
});

/** A conversation, live: its turns with what became of each, and where the next is written. */
export function ConversationView({ id }: { id: string }) {
  useFollowing(filterOf(id));
  useEffect(() => void load(id), [id]);
  useEffect(() => addKeys(CONVERSATION_KEYS), []);
  if (fault.value?.id === id) return <Missing {...fault.value} />;
  const found = known.value;
  if (found === null || found.id !== id) return <main class="page" aria-busy="true" />;
  const turns = turnsOf(found, runs.value.values());
  const last = turns.at(-1);
  return (
    <main class="page">
      <Head conversation={found} turns={turns} />
      <div class="cols">
        <div>
          {turns.length < found.turns && (
            <p class="note">
              {found.turns - turns.length} turns are not shown: they are older, or were deleted.
            </p>
          )}
          {turns.map((run) => (
            <Turn key={run.id} run={run} />
          ))}
          {last !== undefined && <FollowUp run={last} />}
        </div>
        <aside class="side" aria-label="Facts">
          <Facts turns={turns} />
        </aside>
      </div>
    </main>
  );
}

const CONVERSATION_KEYS = {
  f: () => document.getElementById("follow-up")?.focus(),
  x: () => {
    if (known.value === null) return;
    const atWork = turnAtWork(turnsOf(known.value, runs.value.values()));
    if (atWork !== undefined && atWork.status !== "cancelling") askToCancel(atWork);
  },
};

function Missing({ id, why, isMissing }: { id: string; why: string; isMissing: boolean }) {
  return (
    <main class="page">
      <div class="mid">
        <h1>{isMissing ? "There is no such conversation" : "It could not be loaded"}</h1>
        <p class="ink2">
          <code>{shown(id)}</code>
        </p>
        <p class="small ink3">{shown(why)}</p>
        <a class="button" href={hrefOf({ view: "conversations" })}>
          All conversations
        </a>
      </div>
    </main>
  );
}

function Head({ conversation, turns }: { conversation: Conversation; turns: readonly Run[] }) {
  const atWork = turnAtWork(turns);
  const last = turns.at(-1);
  const marked = atWork ?? last;
  const agent = last === undefined ? "" : agentText(last);
  return (
    <header class="head">
      <p class="crumb">
        <a href={hrefOf({ view: "conversations" })}>Conversations</a>
        <Icon name="right" />
        <code class="cut">{conversation.id}</code>
      </p>
      <h1>
        {marked !== undefined && <StatusMark mark={markOf(marked, false)} />}
        <span>{conversationHead(turns)}</span>
      </h1>
      <div class="acts">
        {atWork !== undefined && atWork.status !== "cancelling" && (
          <button type="button" class="button" onClick={() => askToCancel(atWork)}>
            Cancel turn {atWork.conversation.turn} <kbd>x</kbd>
          </button>
        )}
      </div>
      <p class="asked">
        {agent !== "" && `${shown(agent)}, `}
        {agent === "" ? "Since " : "since "}
        <Time at={conversation.createdAt} />; the agent keeps its session and files from turn to
        turn.
      </p>
    </header>
  );
}

/** Files that are named beside the turns. */
const MOST_FILES = 50;

function Facts({ turns }: { turns: readonly Run[] }) {
  const cost = costOf(turns);
  const files = touchedFiles(turns);
  const begun = turns.findLast(({ conversation }) => conversation.session !== null);
  return (
    <>
      <section>
        <dl class="facts">
          {cost !== undefined && (
            <>
              <dt>Cost</dt>
              <dd>{cost}</dd>
            </>
          )}
          {begun !== undefined && (
            <>
              <dt>Session</dt>
              <dd>
                {begun.conversation.session} in turn {begun.conversation.turn}
              </dd>
            </>
          )}
        </dl>
      </section>
      {files.length > 0 && (
        <section>
          <h2>Changed by turns</h2>
          <ChangedFiles files={files.slice(0, MOST_FILES)} />
          {files.length > MOST_FILES && (
            <p class="small ink3">{files.length - MOST_FILES} more files</p>
          )}
        </section>
      )}
    </>
  );
}
