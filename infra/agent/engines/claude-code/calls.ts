import type { DeniedCall } from "../../../../shared/documents/manifest.ts";
import { isFields } from "../../json.ts";
import type { Passed } from "../../model/passed.ts";
import { oneLine } from "../../text.ts";
import { type Seen, stringOf } from "./stream-json.ts";

/** What became of the calls that a model made. */
interface Calls {
  toolCalls: number;
  toolErrors: number;
  /** Names of the tools that were denied, once per denial. */
  deniedTools: string[];
  /** The same with what each call was to do. */
  deniedCalls: DeniedCall[];
  /** The same in the form of a result line. */
  denials: { tool_name: string; tool_use_id: string }[];
}

const NAME_LENGTH = 200;
/** How Claude Code 2.1.330 tells its model that it may not use a tool. */
const DENIAL = /^(Claude requested permissions to |Permission (to|for) .*\bdenied\b)/s;

/**
 * What became of the model's calls, by what passed its proxy: lines of the agent's command line can
 * be written by whatever the agent starts. An error or a denial that a line tells counts for a call
 * that the model has made, if it was told that it failed, or was not told any more; what it was
 * told counts without a line.
 *
 * @param maxDenied how many denials are listed
 */
export function callsOf(seen: Seen, passed: Passed, maxDenied: number): Calls {
  const untold = [...seen.failedCalls].filter((id) => passed.isUnanswered(id));
  const told = [...passed.failures].filter(([, reason]) => DENIAL.test(reason)).map(([id]) => id);
  const claimed = [...seen.deniedCalls, ...deniedIn(seen.result)].filter(
    (id) => passed.failures.has(id) || passed.isUnanswered(id),
  );
  const denied = [...new Set([...told, ...claimed])].slice(0, maxDenied);
  const nameOf = (id: string): string => oneLine(passed.call(id)?.tool ?? "tool", NAME_LENGTH);
  return {
    toolCalls: Math.min(seen.toolCalls, passed.toolCalls),
    toolErrors: passed.failures.size + untold.length,
    deniedTools: denied.map(nameOf),
    deniedCalls: denied.map((id) => ({ tool: nameOf(id), input: passed.call(id)?.input ?? "" })),
    denials: denied.map((id) => ({ tool_name: nameOf(id), tool_use_id: id })),
  };
}

/** The calls that a result line says were denied. */
function deniedIn(result: Seen["result"]): string[] {
  const denials = result?.["permission_denials"];
  return (Array.isArray(denials) ? denials : []).flatMap((denial) =>
    isFields(denial) ? (stringOf(denial["tool_use_id"]) ?? []) : [],
  );
}
