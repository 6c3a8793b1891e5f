import { OUTCOMES, type Outcome, outcomeEntry } from "../../shared/attempt/outcomes.ts";

const HEAD = `# Outcomes

Every way a run can end: \`verdict.outcome\`, and \`error.code\` where it is a failure. The sentence is \`why\`,
and \`error.message\` of a failure; \`…\` in it is what differs from run to run, as a path or what git, the
model's API or the agent's command line said. What mends it is \`error.remedy\`, who can is \`error.kind\`. An
outcome that is tried again is the run's only after its last attempt, three at most; \`attempt\` counts them.

This page is made of [\`shared/attempt/outcomes.ts\`](../shared/attempt/outcomes.ts), with
\`UPDATE_DOCS=1 npm test -- test/docs/outcomes\`.
`;

/** `docs/outcomes.md` as it has to be. */
export function outcomesPage(): string {
  const sections = (Object.keys(OUTCOMES) as Outcome[]).map(section);
  return `${HEAD}\n${index()}\n${sections.join("\n")}`;
}

/** One line an outcome; the rest would be too wide for a table. */
function index(): string {
  const rows = (Object.keys(OUTCOMES) as Outcome[]).map((outcome) => {
    const { status, kind = "", retry } = outcomeEntry(outcome);
    return `| [\`${outcome}\`](#${outcome}) | \`${status}\` | ${kind} | ${retry ? "yes" : "no"} |`;
  });
  return `| outcome | status | who can mend it | tried again |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

function section(outcome: Outcome): string {
  const { says, orSays, remedy } = outcomeEntry(outcome);
  const or = orSays === undefined ? "" : ` or “${orSays}”`;
  const said = says === "…" ? "What others said, in their words." : `“${says}”${or}`;
  const mend = remedy === undefined ? "" : `\n${wrapped(remedy)}\n`;
  return `## ${outcome}\n\n${wrapped(said)}\n${mend}`;
}

const WIDTH = 108;

function wrapped(text: string): string {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= WIDTH) {
      lines[lines.length - 1] = `${last} ${word}`;
    } else lines.push(word);
  }
  return lines.join("\n");
}
