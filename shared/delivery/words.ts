import type { CheckResult } from "../documents/check.ts";
import type { Deliver } from "../documents/deliver.ts";
import type { Run } from "../documents/run.ts";
import { counted, cutText, preview } from "../text.ts";
import type { Mention } from "./github-hook.ts";
import { asBlock, harmlessLine } from "./harmless.ts";

/** UTF-8 bytes of an agent's answer in what GitHub shows. */
const ANSWER_BYTES = 8 * 1024;
const SUBJECT_LENGTH = 72;

const RUN_TRAILER = "Runyard-Run";
const CONVERSATION_TRAILER = "Runyard-Conversation";

/** What a commit is called, and a pull request unless its request says otherwise. */
export const titleOf = ({ promptPreview, id }: Run, deliver: Deliver): string =>
  deliver.pullRequest?.title ??
  (preview(harmlessLine(promptPreview), SUBJECT_LENGTH) || `Changes of ${id}`);

/** A commit's message; by its last lines the commit is known again. */
export function commitMessageOf(run: Run, deliver: Deliver): string {
  const subject = preview(harmlessLine(titleOf(run, deliver)), SUBJECT_LENGTH);
  const { id, conversation } = run;
  return `${subject}\n\n${RUN_TRAILER}: ${id}\n${CONVERSATION_TRAILER}: ${conversation.id}\n`;
}

/** Whose a commit is by its message. */
export function whoseIs(message: string): { runId?: string; conversationId?: string } {
  const last =
    message
      .trimEnd()
      .split(/\n\s*\n/)
      .at(-1) ?? "";
  // A message of one paragraph is a subject, which may be anything.
  if (last === message.trimEnd()) return {};
  const value = (name: string) => new RegExp(`^${name}: (\\w+)$`, "m").exec(last)?.[1];
  const [runId, conversationId] = [value(RUN_TRAILER), value(CONVERSATION_TRAILER)];
  return {
    ...(runId !== undefined && { runId }),
    ...(conversationId !== undefined && { conversationId }),
  };
}

/** Begins the one comment on a conversation's pull request; nobody sees it there. */
export const markerOf = ({ conversation }: Run): string => `<!-- runyard ${conversation.id} -->`;

/** A pull request's own text. */
export const descriptionOf = (run: Run): string =>
  ["An agent did this on request:", asBlock(run.promptPreview, ANSWER_BYTES), madeBy(run)].join(
    "\n\n",
  );

const madeBy = ({ id, conversation }: Run): string =>
  `Run \`${id}\`, turn ${conversation.turn} of \`${conversation.id}\`.`;

/** UTF-8 bytes of a comment and of the lines that it is at, in a prompt. */
const MENTION_BYTES = { text: 128 * 1024, hunk: 8 * 1024 };

/** What the turn is asked for that a comment on its pull request begins. */
export function mentionPrompt({ login, url, text, at }: Mention): string {
  const asked = `${login} commented on the pull request of this conversation, ${url}:`;
  const lines = at && `It is about ${JSON.stringify(at.path)}, which has there:`;
  const hunk = at && cutText(at.hunk, MENTION_BYTES.hunk);
  return [asked, cutText(text, MENTION_BYTES.text), lines, hunk].filter(Boolean).join("\n\n");
}

/** What else there is to be said of a delivery, each in one sentence. */
export type Remarks = readonly string[];

/** The one comment on a pull request, which says how its latest run was. */
export function commentOf(run: Run, { head, remarks }: { head: string; remarks: Remarks }): string {
  return [
    markerOf(run),
    `**${resultOf(run)}** ${madeBy(run)} Its commit is ${head}.`,
    ...remarks.map((remark) => `> ${remark}`),
    checksOf(run.verdict?.checks ?? []),
    answerOf(run),
    usageOf(run),
  ]
    .filter(Boolean)
    .join("\n\n");
}

/** The text of the check run. */
export const summaryOf = (run: Run): string =>
  [madeBy(run), checksOf(run.verdict?.checks ?? []), answerOf(run), usageOf(run)]
    .filter(Boolean)
    .join("\n\n");

/** How a run ended, in a line. */
export function resultOf({ status, verdict }: Run): string {
  const ended = status === "succeeded" ? "Succeeded" : `Ended as ${status}`;
  const outcome = verdict && verdict.outcome !== status ? ` (${verdict.outcome})` : "";
  const verified = verdict?.verified === true ? ", and its checks passed" : "";
  return `${ended}${outcome}${verified}.`;
}

/** GitHub's word for how a run ended. @see https://docs.github.com/en/rest/checks/runs */
export function conclusionOf({ status }: Run): "success" | "failure" | "timed_out" | "cancelled" {
  if (status === "succeeded") return "success";
  return status === "timed_out" || status === "cancelled" ? status : "failure";
}

function checksOf(checks: readonly CheckResult[]): string {
  if (checks.length === 0) return "";
  const lines = checks.map(({ name, state, required, editedByAgent }) => {
    const more = [!required && "not required", editedByAgent && "edited by the agent"].filter(
      Boolean,
    );
    const note = more.length === 0 ? "" : ` (${more.join(", ")})`;
    return `| ${harmlessLine(name).replace(/[|`<>\\]/g, " ")} | ${state}${note} |`;
  });
  return ["| check | |", "|---|---|", ...lines].join("\n");
}

function answerOf({ output }: Run): string {
  const text = output?.text.trim() ?? "";
  return text === "" ? "" : `What the agent says:\n\n${asBlock(text, ANSWER_BYTES)}`;
}

function usageOf({ usage, changes }: Run): string {
  const changed =
    changes && `${counted(changes.files, "file")} (+${changes.added} −${changes.removed})`;
  const cost = usage?.costUsd;
  const parts = [changed, typeof cost === "number" && `$${cost.toFixed(2)}`].filter(Boolean);
  return parts.length === 0 ? "" : parts.join(", ");
}
