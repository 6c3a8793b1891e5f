import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Conversation, Run } from "../../client/types.ts";
import { hrefOf } from "../address.ts";
import { Icon } from "../parts/icon.tsx";
import { said } from "../parts/said.ts";
import { say } from "../parts/toast.tsx";
import { api, endedSession } from "../session.ts";
import { cut, firstLine } from "../words/shown.ts";

type Turns = Conversation["items"];

/** The turns of the conversation of the run that is looked at. */
const turns = signal<Turns>([]);
const text = signal("");
const isSending = signal(false);

async function loadTurns(id: string): Promise<void> {
  try {
    turns.value = (await api().conversations.get(id)).items;
  } catch (error) {
    // Without it only who waits is not known.
    endedSession(error);
  }
}

async function sendTurn(run: Run, idempotencyKey: string): Promise<void> {
  const prompt = text.value;
  if (prompt.trim() === "" || isSending.value) return;
  isSending.value = true;
  const { id } = run.conversation;
  const body = { prompt, onBusy: "queue" as const };
  const sent = await said(api().conversations.createTurn(id, body, { idempotencyKey }), undefined);
  isSending.value = false;
  if (sent === undefined) return;
  text.value = "";
  say(run.done ? "Sent." : "It waits for the end of this run.", {
    link: { href: hrefOf({ run: sent.id }), word: "Open" },
  });
  await loadTurns(id);
}

/** Where the next turn of the conversation is written, and who waits for it already. */
export function FollowUp({ run }: { run: Run }) {
  const { id, turn } = run.conversation;
  useEffect(() => {
    text.value = "";
    turns.value = [];
  }, [run.id]);
  useEffect(() => {
    void loadTurns(id);
  }, [id, run.id, run.done]);
  const waiting = turns.value.filter((one) => one.conversation.turn > turn && !one.done);
  const send = () => void sendTurn(run, crypto.randomUUID());
  return (
    <form
      class="follow"
      aria-label="Follow up"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {waiting.map((one) => (
        <Waiting key={one.id} run={one} conversation={id} />
      ))}
      <div class="row">
        <label class="grow">
          <span class="sr">Say what comes next: a further turn with the same agent and files</span>
          <textarea
            id="follow-up"
            class="bare"
            rows={1}
            placeholder="Say what comes next"
            value={text.value}
            onInput={({ currentTarget }) => {
              text.value = currentTarget.value;
            }}
            onKeyDown={(event) => {
              if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) send();
              if (event.key === "Escape") event.currentTarget.blur();
            }}
          />
        </label>
        <button type="submit" class="button first low" disabled={isSending.value}>
          {run.done ? "Send" : "Queue"} <kbd>⌘↵</kbd>
        </button>
      </div>
    </form>
  );
}

function Waiting({ run, conversation }: { run: Turns[number]; conversation: string }) {
  const takeBack = async () => {
    await said(api().runs.cancel(run.id), "Taken back.");
    await loadTurns(conversation);
  };
  return (
    <p class="queue">
      <Icon name="queued" tone="ink3" />
      <a class="grow cut" href={hrefOf({ run: run.id })}>
        {run.status === "pending" ? "Waits" : "At work"}: “{cut(firstLine(run.promptPreview), 120)}”
      </a>
      {run.status === "pending" && (
        <button type="button" class="plain-link ink3" onClick={() => void takeBack()}>
          Take back
        </button>
      )}
    </p>
  );
}
