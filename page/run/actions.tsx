import type { Run } from "../../client/types.ts";
import { toList } from "../address.ts";
import { compose } from "../compose/draft.ts";
import { ask } from "../parts/ask.tsx";
import { said } from "../parts/said.ts";
import { archive, askToCancel, rerun } from "../remedy.ts";
import { api } from "../session.ts";
import { canContinue, remedyOf } from "../words/attention.ts";

/** What can be done with a run; what the API would refuse is not offered. */
export function Actions({ run }: { run: Run }) {
  if (!run.done) {
    if (run.status === "cancelling") return <div class="acts" />;
    return (
      <div class="acts">
        <button type="button" class="button" onClick={() => askToCancel(run)}>
          Cancel <kbd>x</kbd>
        </button>
      </div>
    );
  }
  const remedy = remedyOf(run);
  const first = (wanted: string) => (remedy === wanted ? "button first" : "button");
  return (
    <div class="acts">
      {canContinue(run) && (
        <button
          type="button"
          class={first("continue")}
          onClick={() => void compose({ kind: "continue", run })}
        >
          Continue
        </button>
      )}
      <button type="button" class={first("rerun")} onClick={() => void rerun(run)}>
        Rerun
      </button>
      <button
        type="button"
        class={first("change")}
        onClick={() => void compose({ kind: "rerun", run })}
      >
        Rerun with changes
      </button>
      {run.archivedAt === null && (
        <button type="button" class="button" onClick={() => void archive(run)}>
          Archive <kbd>e</kbd>
        </button>
      )}
      <button type="button" class="button danger" onClick={() => askToDelete(run)}>
        Delete
      </button>
    </div>
  );
}

function askToDelete({ id }: Run): void {
  const erase = async () => {
    if (
      (await said(
        api()
          .runs.delete(id)
          .then(() => true),
        "Deleted.",
      )) === true
    )
      toList();
  };
  ask({
    question: "Delete this run with all that it left?",
    verb: "Delete it",
    onYes: () => void erase(),
  });
}
