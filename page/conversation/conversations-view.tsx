import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { ListedConversation } from "../../client/types.ts";
import { address, hrefOf } from "../address.ts";
import { agents } from "../agents.ts";
import { StatusMark } from "../parts/icon.tsx";
import { Time } from "../parts/time.tsx";
import { api, endedSession, faultOf } from "../session.ts";
import { cut, firstLine, shown } from "../words/shown.ts";
import { markOfStatus } from "../words/status.ts";
import { ConversationView } from "./conversation-view.tsx";

const STEP = 50;
const all = signal<ListedConversation[] | null>(null);
const hasMore = signal(false);
const fault = signal<string | null>(null);
/** How many are asked for. */
const wanted = signal(STEP);

async function load(most: number, stop: AbortSignal): Promise<void> {
  try {
    const found: ListedConversation[] = [];
    hasMore.value = false;
    for await (const one of api().conversations.list({ pageSize: STEP, signal: stop })) {
      if (found.length === most) {
        hasMore.value = true;
        break;
      }
      found.push(one);
    }
    all.value = found;
    fault.value = null;
  } catch (error) {
    if (!stop.aborted && !endedSession(error)) fault.value = faultOf(error);
  }
}

/** The conversations, or one of them. */
export function ConversationsView() {
  const { id } = address.value;
  if (id !== null) return <ConversationView key={id} id={id} />;
  return <List />;
}

function List() {
  useEffect(() => {
    const loading = new AbortController();
    void load(wanted.value, loading.signal);
    return () => loading.abort();
  }, [wanted.value]);
  const known = all.value;
  return (
    <main class="page" aria-busy={known === null}>
      <div class="title">
        <h1>{known === null ? "Conversations" : headOf(known)}</h1>
      </div>
      {fault.value !== null && (
        <p class="bad" role="alert">
          {fault.value}
        </p>
      )}
      {known !== null && known.length > 0 && <Table rows={known} />}
      {hasMore.value && (
        <button
          type="button"
          class="button"
          onClick={() => {
            wanted.value += STEP;
          }}
        >
          Older ones
        </button>
      )}
    </main>
  );
}

/** What is going on in them, without a full stop. */
function headOf(known: readonly ListedConversation[]): string {
  if (known.length === 0) return "There is no conversation yet";
  const atWork = known.filter(({ activeRun }) => activeRun !== null).length;
  return atWork === 0 ? "No conversation is at work" : `${atWork} at work`;
}

const Table = ({ rows }: { rows: readonly ListedConversation[] }) => (
  <table class="rows">
    <thead>
      <tr>
        <th scope="col">Conversation</th>
        <th scope="col" class="x2">
          Agent
        </th>
        <th scope="col" class="num">
          Turns
        </th>
        <th scope="col" class="num x">
          Wait
        </th>
        <th scope="col" class="num">
          Changed
        </th>
      </tr>
    </thead>
    <tbody>
      {rows.map((one) => (
        <Row key={one.id} conversation={one} />
      ))}
    </tbody>
  </table>
);

function Row({ conversation }: { conversation: ListedConversation }) {
  const { id, last, agent, turns, queue, updatedAt } = conversation;
  return (
    <tr>
      <th scope="row">
        <a class="row" href={hrefOf({ view: "conversations", id })}>
          {last !== null && <StatusMark mark={markOfStatus(last.status)} />}
          <span class={last?.done === false ? "strong" : ""}>
            {last === null ? id : cut(firstLine(last.promptPreview), 120)}
          </span>
        </a>
      </th>
      <td class="x2">
        {agent !== null &&
          `${shown(agents.value.get(agent.id)?.name ?? agent.id)} v${agent.version}`}
      </td>
      <td class="num">{turns}</td>
      <td class="num x">{queue.length > 0 && queue.length}</td>
      <td class="num">
        <Time at={updatedAt} />
      </td>
    </tr>
  );
}
