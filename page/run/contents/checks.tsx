import type { Run } from "../../../client/types.ts";
import { shown } from "../../words/shown.ts";
import { type CheckResult, checksOf, checkWords } from "../checks.ts";

/** What the checks came to, and the end of what each said. */
export function Checks({ run }: { run: Run }) {
  return (
    <section aria-label="Checks" class="answer-text">
      {checksOf(run).map((check) => (
        <Check key={check.name} check={check} />
      ))}
    </section>
  );
}

function Check({ check }: { check: CheckResult }) {
  const { name, required, output, editedByAgent } = check;
  return (
    <section aria-label={name}>
      <h2>
        {shown(name)}: {checkWords(check)}
      </h2>
      {!required && <p class="small ink2">The run succeeds without it.</p>}
      {editedByAgent && <p class="small ink2">The agent changed a file that its command names.</p>}
      {output !== "" && <pre class="more">{shown(output)}</pre>}
    </section>
  );
}
