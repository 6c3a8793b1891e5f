import type { Run } from "../../client/types.ts";
import { counted } from "../words/amounts.ts";
import { hasFault } from "../words/attention.ts";
import { cut, firstLine, shown } from "../words/shown.ts";
import { checksOf, checksSummary, checkWords } from "./checks.ts";
import { turns } from "./live-run.ts";
import { changeOf } from "./remedy-change.ts";
import { requestOf } from "./request.ts";
import { callCounts } from "./turns.ts";

const KINDS: Readonly<Record<string, string>> = {
  agent: "to be mended in the agent’s settings or the prompt",
  model: "the model’s own",
  limit: "a limit was reached",
  request: "to be mended in the request",
  infrastructure: "outside the request",
};

/** Bash 3 times, Write once. */
function timesEach(names: readonly string[]): string {
  const times = new Map<string, number>();
  for (const name of names) times.set(name, (times.get(name) ?? 0) + 1);
  return [...times]
    .map(([name, n]) => `${shown(name)} ${n === 1 ? "once" : `${n} times`}`)
    .join(", ");
}

/** Of a run with a fault: what to do, and how that is known. */
export function Verdict({ run }: { run: Run }) {
  if (!hasFault(run)) return null;
  const { error, verdict } = run;
  return (
    <div class={run.status === "succeeded" ? "verdict mild" : "verdict"}>
      {error !== null && (
        <section>
          <h2>What to do</h2>
          <p>{shown(error.remedy)}</p>
          <SettingChange run={run} />
        </section>
      )}
      <section>
        <h2>How we know</h2>
        <dl class="evidence">
          {verdict !== null && (
            <>
              <dt>Verdict</dt>
              <dd>
                <code>{verdict.outcome}</code>
                {error !== null && `, ${KINDS[error.kind] ?? error.kind}`}
              </dd>
            </>
          )}
          <Evidence run={run} />
        </dl>
      </section>
    </div>
  );
}

/** The remedy as a change of settings, where it comes to one. */
function SettingChange({ run }: { run: Run }) {
  const request = requestOf(run);
  const change = request && changeOf(run, request);
  if (!change) return null;
  const { setting, before, after, isContinued } = change;
  return (
    <>
      <div class="change">
        <del class="del">
          - {setting} {shown(before)}
        </del>
        <ins class="add">
          + {setting} {shown(after)}
        </ins>
      </div>
      {isContinued && <p class="small ink2">“Continue” opens with this.</p>}
    </>
  );
}

function Evidence({ run }: { run: Run }) {
  const { verdict, changes, output, error } = run;
  const checks = checksOf(run);
  const missed = checks.filter(({ state }) => state !== "passed");
  const { all, failed, denied } = callCounts(turns.value);
  const tools = verdict?.deniedTools ?? [];
  const servers = verdict?.failedServers ?? [];
  return (
    <>
      {all > 0 && (
        <>
          <dt>Tools</dt>
          <dd>
            {counted(all, "call")}, {failed} failed, {denied} denied
            {tools.length > 0 && `: ${timesEach(tools)}`}
          </dd>
        </>
      )}
      {servers.length > 0 && (
        <>
          <dt>MCP servers</dt>
          <dd>did not start: {servers.map(shown).join(", ")}</dd>
        </>
      )}
      {checks.length > 0 && (
        <>
          <dt>Checks</dt>
          <dd>
            {checksSummary(checks)}
            {verdict?.rounds !== undefined && ` in round ${verdict.rounds} of the agent`}
            {missed.length > 0 &&
              `: ${missed.map((one) => `${shown(one.name)} ${checkWords(one)}`).join(", ")}`}
          </dd>
        </>
      )}
      <dt>Changes</dt>
      <dd>{changes === null || changes.files === 0 ? "none" : counted(changes.files, "file")}</dd>
      {output !== null && output.text !== "" && (
        <>
          <dt>The agent itself said</dt>
          <dd>“{cut(firstLine(output.text), 200)}”</dd>
        </>
      )}
      {(error?.errors ?? []).slice(0, 20).map(({ pointer, detail }) => (
        <>
          <dt>
            <code>{shown(pointer) || "/"}</code>
          </dt>
          <dd>{shown(detail)}</dd>
        </>
      ))}
    </>
  );
}
