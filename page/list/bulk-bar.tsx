import type { Run } from "../../client/types.ts";
import { address, hrefOf } from "../address.ts";
import { ask } from "../parts/ask.tsx";
import { counted } from "../words/amounts.ts";
import { type BulkAction, bulk, doToAll, isPossible } from "./bulk.ts";
import { runs } from "./live-runs.ts";
import { selected } from "./selection.ts";

const WORDS: Readonly<Record<BulkAction, { verb: string; doing: string; done: string }>> = {
  cancel: { verb: "Cancel", doing: "Cancelling", done: "cancelled" },
  rerun: { verb: "Rerun", doing: "Sending again", done: "sent again" },
  archive: { verb: "Archive", doing: "Archiving", done: "archived" },
  delete: { verb: "Delete", doing: "Deleting", done: "deleted" },
};
const ACTIONS: readonly BulkAction[] = ["cancel", "rerun", "archive", "delete"];

/** What can be done with the runs that are selected, and how far it is. */
export function BulkBar() {
  const chosen = [...selected.value].flatMap((id) => runs.value.get(id) ?? []);
  if (chosen.length === 0 && bulk.value === null) return null;
  return (
    <section class="bulk floats" aria-label="Selected runs">
      {chosen.length > 0 && <b>{chosen.length} selected</b>}
      {chosen.length > 0 &&
        ACTIONS.map((action) => <BulkButton key={action} action={action} chosen={chosen} />)}
      <Progress />
      <button type="button" class="button plain low" onClick={close}>
        Close
      </button>
    </section>
  );
}

function close(): void {
  selected.value = new Set();
  bulk.value = null;
}

function BulkButton({ action, chosen }: { action: BulkAction; chosen: readonly Run[] }) {
  const possible = chosen.filter((run) => isPossible(action, run));
  if (possible.length === 0) return null;
  const { verb } = WORDS[action];
  const go = () => void doToAll(action, possible);
  const asks = action === "cancel" || action === "delete";
  const what = counted(possible.length, "run");
  const start = asks
    ? () => ask({ question: `${verb} ${what}?`, verb: `${verb} ${what}`, onYes: go })
    : go;
  const isSome = possible.length < chosen.length;
  return (
    <button
      type="button"
      class={action === "delete" ? "button low danger" : "button low"}
      onClick={start}
    >
      {verb}
      {isSome ? ` ${possible.length}` : ""}
    </button>
  );
}

function Progress() {
  const progress = bulk.value;
  if (progress === null) return null;
  const { action, total, done, faults } = progress;
  const left = total - done - faults.length;
  const { doing, done: over } = WORDS[action];
  const [first] = faults;
  return (
    <p class="grow" role="status">
      {left > 0
        ? `${doing} ${counted(total, "run")}: ${done} done, ${faults.length} not, ${left} to go.`
        : `${counted(done, "run")} ${over}. `}
      {left === 0 && first !== undefined && (
        <>
          <b class="bad">{faults.length} not:</b> {first.why}{" "}
          <a class="verb" href={hrefOf({ run: first.id, filter: address.value.filter })}>
            Show it
          </a>
        </>
      )}
    </p>
  );
}
