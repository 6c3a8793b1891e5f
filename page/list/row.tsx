import type { Run } from "../../client/types.ts";
import { address, hrefOf } from "../address.ts";
import { agentText } from "../agents.ts";
import { now } from "../now.ts";
import { StatusMark } from "../parts/icon.tsx";
import { Time } from "../parts/time.tsx";
import { openRemedy } from "../remedy.ts";
import { usualQueueMs } from "../usual.ts";
import { usdText } from "../words/amounts.ts";
import { REMEDY_WORDS, remedyOf, waitsTooLong } from "../words/attention.ts";
import { rowSentence, tookMs } from "../words/sentence.ts";
import { firstLine, shown } from "../words/shown.ts";
import { markOf } from "../words/status.ts";
import { countedText, durationText } from "../words/time.ts";
import { current, selected, toggleSelected } from "./selection.ts";
import { isUnread } from "./unread.ts";

interface RowProps {
  run: Run;
  isTall: boolean;
  /** Whether its group asks for a look. */
  asks: boolean;
  /** In pixels from the beginning of its group. */
  top: number;
}

/** A run in the list. */
export function Row({ run, isTall, asks, top }: RowProps) {
  const isNews = isUnread(run);
  const isLate = waitsTooLong(run, now.value);
  const sentence = rowSentence(run, { now: now.value, queueMs: usualQueueMs.value });
  const isAt = current.value === run.id;
  const classes = ["run", isTall && "two", asks && "asks", isAt && "at"].filter(Boolean).join(" ");
  return (
    <li class={classes} style={{ top: `${top}px` }}>
      <Pick run={run} isNews={isNews} />
      <StatusMark mark={markOf(run, isLate)} />
      <div class="what">
        <div class="line">
          <a
            id={`row-${run.id}`}
            class={isNews ? "name cut strong" : "name cut"}
            href={hrefOf({ run: run.id, filter: address.value.filter })}
            onFocus={() => {
              current.value = run.id;
            }}
          >
            {firstLine(run.promptPreview)}
          </a>
          <Labels run={run} />
          {!isTall && <span class="why small cut">{sentence}</span>}
        </div>
        {isTall && <span class="why cut">{sentence}</span>}
        {asks && <Act run={run} />}
      </div>
      <Cells run={run} />
    </li>
  );
}

function Pick({ run, isNews }: { run: Run; isNews: boolean }) {
  const isOn = selected.value.has(run.id);
  return (
    <span class={isNews && !isOn ? "pick unread" : "pick"}>
      {isNews && <span class="sr">Unread</span>}
      <input
        type="checkbox"
        class="tick"
        checked={isOn}
        aria-label={`Select ${firstLine(run.promptPreview)}`}
        onChange={() => toggleSelected(run.id)}
      />
    </span>
  );
}

function Labels({ run: { labelPairs, conversation } }: { run: Run }) {
  const first = labelPairs[0];
  if (first === undefined && conversation.turn === 1) return null;
  return (
    <span class="label cut">
      {first !== undefined && shown(first)}{" "}
      {conversation.turn > 1 && (
        <a href={hrefOf({ view: "conversations", id: conversation.id })}>
          turn {conversation.turn}
        </a>
      )}
    </span>
  );
}

function Act({ run }: { run: Run }) {
  const remedy = remedyOf(run);
  if (remedy === undefined) return null;
  return (
    <span class="act">
      <button type="button" class="verb" onClick={() => openRemedy(remedy, run)}>
        {REMEDY_WORDS[remedy]}
      </button>
    </span>
  );
}

function Cells({ run }: { run: Run }) {
  const { changes, usage, done } = run;
  const took = tookMs(run, now.value);
  return (
    <>
      <span class="small-cell cut x2">{agentText(run)}</span>
      <span class="small-cell num x2">
        {changes !== null && changes.files > 0 && `+${changes.added} −${changes.removed}`}
      </span>
      <span class="small-cell num x">
        {usage?.costUsd !== null && usage?.costUsd !== undefined && usdText(usage.costUsd)}
      </span>
      <span class="small-cell num x">{done ? durationText(took) : countedText(took)}</span>
      <Time class="small-cell num when" at={run.createdAt} />
    </>
  );
}
