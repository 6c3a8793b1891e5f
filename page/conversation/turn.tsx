import type { Run } from "../../client/types.ts";
import { hrefOf } from "../address.ts";
import { now } from "../now.ts";
import { StatusMark } from "../parts/icon.tsx";
import { Time } from "../parts/time.tsx";
import { openRemedy } from "../remedy.ts";
import { usualQueueMs } from "../usual.ts";
import { usdText } from "../words/amounts.ts";
import { REMEDY_WORDS, remedyOf, waitsTooLong } from "../words/attention.ts";
import { rowSentence, tookMs } from "../words/sentence.ts";
import { cut, firstLine, shown } from "../words/shown.ts";
import { markOf } from "../words/status.ts";
import { countedText, durationText } from "../words/time.ts";

/** How much of an answer is shown here, in characters. */
const ANSWER_LENGTH = 360;

/** A turn of a conversation: what was asked, what became of it, and how its answer begins. */
export function Turn({ run }: { run: Run }) {
  const { id, conversation, promptPreview, output } = run;
  const answer = output?.text.trim() ?? "";
  return (
    <article class="talk">
      <h2>{conversation.turn}</h2>
      <div>
        <a class="asked-big" href={hrefOf({ run: id })}>
          {firstLine(promptPreview)}
        </a>
        <Outcome run={run} />
        {answer !== "" && <p class="answer lines">{cut(shown(answer), ANSWER_LENGTH)}</p>}
        <Links run={run} isCut={answer.length > ANSWER_LENGTH} />
      </div>
    </article>
  );
}

function Outcome({ run }: { run: Run }) {
  const { changes, usage, done, status } = run;
  const took = tookMs(run, now.value);
  return (
    <div class="row said-line">
      <StatusMark mark={markOf(run, waitsTooLong(run, now.value))} />
      <span class="grow cut">
        {rowSentence(run, { now: now.value, queueMs: usualQueueMs.value })}
      </span>
      <span class="small-cell num">
        {changes !== null && changes.files > 0 && `+${changes.added} −${changes.removed}`}
      </span>
      <span class="small-cell num c56">
        {usage !== null && usage.costUsd !== null && usdText(usage.costUsd)}
      </span>
      <span class="small-cell num c80">
        {status !== "pending" && (done ? durationText(took) : countedText(took))}
      </span>
      <Time class="small-cell num c56" at={run.createdAt} />
    </div>
  );
}

function Links({ run, isCut }: { run: Run; isCut: boolean }) {
  const remedy = run.done ? remedyOf(run) : undefined;
  if (!isCut && remedy === undefined) return null;
  return (
    <p class="small row">
      {isCut && (
        <a class="verb ink2" href={hrefOf({ run: run.id, tab: "answer" })}>
          Whole answer
        </a>
      )}
      {remedy !== undefined && (
        <button type="button" class="verb" onClick={() => openRemedy(remedy, run)}>
          {REMEDY_WORDS[remedy]}
        </button>
      )}
    </p>
  );
}
