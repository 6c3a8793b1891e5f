import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

type Variables = Record<string, string>;

interface Step {
  id?: string;
  env?: Variables;
  run: string;
}

interface Workflow {
  jobs: Record<string, { env: Variables; steps: Step[] }>;
}

/** What a runner of GitHub gives to a workflow. */
interface Surroundings {
  cwd: string;
  /** What expressions stand for. One that is missing is an error. */
  values: Record<string, () => string>;
  bash(
    script: string,
    place: { cwd: string; env: Variables },
  ): Promise<{ code: number; stdout: string; stderr: string }>;
}

/** Runs the steps of a workflow's only job as GitHub does, up to the first that fails. */
export async function runSteps(source: string, { cwd, values, bash }: Surroundings) {
  const [job] = Object.values((parse(source) as Workflow).jobs);
  if (job === undefined) throw new Error("the workflow has no job");
  const runner = mkdtempSync(join(cwd, ".runner-"));
  const files = {
    GITHUB_OUTPUT: join(runner, "output"),
    GITHUB_STEP_SUMMARY: join(runner, "summary"),
  };
  for (const file of Object.values(files)) writeFileSync(file, "");
  const known = { ...values };
  const told = { code: 0, stdout: "", stderr: "" };
  for (const { id, env = {}, run } of job.steps) {
    const variables = { ...filled(job.env, known), ...filled(env, known), ...files };
    const { code, stdout, stderr } = await bash(run, { cwd, env: variables });
    told.stdout += stdout;
    told.stderr += stderr;
    told.code = code;
    if (code !== 0) break;
    for (const [name, value] of outputs(files.GITHUB_OUTPUT)) {
      known[`steps.${id}.outputs.${name}`] = () => value;
    }
  }
  return { ...told, summary: readFileSync(files.GITHUB_STEP_SUMMARY, "utf8") };
}

function outputs(file: string): [string, string][] {
  const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
  return lines.map((line) => line.split("=", 2) as [string, string]);
}

/** Variables with a value in the place of each expression. */
function filled(variables: Variables, values: Surroundings["values"]): Variables {
  const fill = (text: string) =>
    text.replace(/\$\{\{ *([\w.]+) *\}\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`nobody says what ${name} is`);
      return value();
    });
  return Object.fromEntries(Object.entries(variables).map(([name, text]) => [name, fill(text)]));
}
