import type { Run } from "../../../client/types.ts";
import { Icon } from "../../parts/icon.tsx";
import { shown } from "../../words/shown.ts";
import { type CheckResult, checksOf, checkWords } from "../checks.ts";

/** What the checks came to, and the end of what each said. */
export function Checks({ run }: { run: Run }) {
  return (
    <section aria-label="Checks" class="answer-text checks">
      {checksOf(run).map((check) => (
        <Check key={check.name} check={check} />
      ))}
    </section>
  );
}

const MARKS: Readonly<Record<CheckResult["state"], { name: string; tone: string }>> = {
  passed: { name: "succeeded", tone: "ok" },
  failed: { name: "failed", tone: "bad" },
  timed_out: { name: "timed", tone: "bad" },
  not_run: { name: "expired", tone: "ink3" },
};

function Check({ check }: { check: CheckResult }) {
  const { name, required, output, editedByAgent } = check;
  return (
    <section aria-label={name}>
      <h2>
        <Icon {...MARKS[check.state]} />
        <span>
          {shown(name)}: {checkWords(check)}
        </span>
      </h2>
      {!required && <p class="small ink2">The run succeeds without it.</p>}
      {editedByAgent && <p class="small ink2">The agent changed a file that its command names.</p>}
      {output !== "" && <pre class="more">{shown(output)}</pre>}
    </section>
  );
}
