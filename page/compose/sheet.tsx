import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ProblemError } from "../../client/problem-error.ts";
import { hrefOf } from "../address.ts";
import { loadAgents } from "../agents.ts";
import { Icon } from "../parts/icon.tsx";
import { say } from "../parts/toast.tsx";
import { endedSession, faultOf } from "../session.ts";
import type { Faults } from "../settings/written.ts";
import { shown } from "../words/shown.ts";
import { type Draft, draft, faultsOf, forget, type Purpose, purpose, send } from "./draft.ts";
import { Forecast } from "./forecast.tsx";
import { ChangesToSend, Fields } from "./sheet-fields.tsx";

/** Faults at their fields, once somebody has tried to send. */
const faults = signal<Faults<keyof Draft>>({});
/** What the API has against it as a whole. */
const refusal = signal<string | null>(null);
const isSending = signal(false);

const TITLES: Readonly<Record<Purpose["kind"], string>> = {
  new: "New run",
  rerun: "Rerun with changes",
  continue: "Continue",
};

/** The sheet in which a run is written. */
export function Sheet() {
  const dialog = useRef<HTMLDialogElement>(null);
  const once = useRef("");
  const wanted = purpose.value;
  useEffect(() => {
    if (wanted === null) return;
    once.current = crypto.randomUUID();
    faults.value = {};
    refusal.value = null;
    dialog.current?.showModal();
    void loadAgents();
  }, [wanted]);
  if (wanted === null) return null;
  const close = () => dialog.current?.close();
  const submit = () => void sendDraft(wanted, { once, close });
  return (
    <dialog
      ref={dialog}
      class="sheet"
      aria-labelledby="sheet-title"
      onClose={() => {
        purpose.value = null;
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) submit();
      }}
    >
      <header>
        <h1 id="sheet-title" class="grow">
          {TITLES[wanted.kind]}
        </h1>
        <button type="button" class="button plain" aria-label="Close" onClick={close}>
          <Icon name="close" />
          <kbd>esc</kbd>
        </button>
      </header>
      <div class="fields">
        <Fields kind={wanted.kind} faults={faults.value} />
        <ChangesToSend wanted={wanted} />
        <Forecast kind={wanted.kind} />
      </div>
      <footer>
        <p class="grow bad small" role="alert">
          {refusal.value}
        </p>
        <button type="button" class="button first" disabled={isSending.value} onClick={submit}>
          Send <kbd>⌘↵</kbd>
        </button>
      </footer>
    </dialog>
  );
}

async function sendDraft(
  wanted: Purpose,
  { once, close }: { once: { current: string }; close(): void },
): Promise<void> {
  faults.value = faultsOf(draft.value, wanted.kind);
  if (isSending.value || Object.keys(faults.value).length > 0) return;
  isSending.value = true;
  refusal.value = null;
  try {
    const run = await send(wanted, draft.value, once.current);
    if (wanted.kind === "new") forget();
    close();
    say(`Sent. ${shown(run.why)}`, { link: { href: hrefOf({ run: run.id }), word: "Open" } });
  } catch (error) {
    // Once it is changed it is another request.
    if (error instanceof ProblemError) once.current = crypto.randomUUID();
    if (!endedSession(error)) refusal.value = faultOf(error);
  } finally {
    isSending.value = false;
  }
}
