import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import {
  claudeArguments,
  claudeEnvironment,
  installedClaudeCode,
} from "../../infra/agent/engines/claude-code/command.ts";
import { resolveAgent } from "../../shared/agent/settings.ts";
import { newUuid } from "../../shared/ids.ts";
import { type Benchmark, type Context, figure, interleave, type Table } from "./benchmark.ts";
import { median, quantile, ratioOf } from "./statistics.ts";
import { temporaryFolder } from "./temporary.ts";
import { STEPS, type Step, startTimedWorld, type Timeline } from "./timeline.ts";

const ROUNDS = 10;
const PROMPT = "Create hello.txt and explain it";
const ALONE = "Claude Code alone";
const RUN = "a run";

/** Where a run's time goes, with the offline model and the real Claude Code. */
export const latency: Benchmark = {
  name: "latency",
  summary: "POST to agent start, agent end to the listener's last snapshot, and what lies between",
  async run(context: Context): Promise<Table[]> {
    context.progress("starting Runyard");
    const { world, time } = await startTimedWorld(context.cleanup);
    await time(PROMPT);
    const timelines: Timeline[] = [];
    const variants = [
      { name: ALONE, measure: () => claudeAlone(context, world.modelUrl) },
      {
        name: RUN,
        async measure() {
          const timeline = await time(PROMPT);
          timelines.push(timeline);
          return timeline.seen;
        },
      },
    ];
    const samples = await interleave(context, variants, context.rounds ?? ROUNDS);
    const alone = samples.get(ALONE) ?? [];
    return [wholeTable(timelines, alone, world.sandbox), stepsTable(timelines)];
  },
};

/**
 * The agent's command line without anything of ours around it: what no orchestration can be faster
 * than.
 */
async function claudeAlone({ cleanup }: Context, modelUrl: string): Promise<number> {
  const installed = installedClaudeCode();
  const home = temporaryFolder(cleanup, "claude");
  const workspace = join(home, "workspace");
  mkdirSync(workspace);
  const isRoot = process.getuid?.() === 0;
  const place = {
    program: join(installed.folder, installed.program),
    home,
    temporary: home,
    path: process.env["PATH"] ?? "",
    isUnconfinedRoot: isRoot,
  };
  const args = claudeArguments(
    resolveAgent({}),
    { id: newUuid(randomBytes), isRestored: false },
    place,
  );
  const env = { ...claudeEnvironment(place, "offline"), ANTHROPIC_BASE_URL: modelUrl };
  const startedAt = performance.now();
  await new Promise<void>((resolve, reject) => {
    const child = execFile(place.program, args, { env, cwd: workspace }, (error) =>
      error ? reject(error) : resolve(),
    );
    child.stdin?.end(PROMPT);
  });
  return performance.now() - startedAt;
}

function wholeTable(timelines: Timeline[], alone: number[], sandbox: string): Table {
  const row = (name: string, values: number[]) => [
    name,
    figure(median(values)),
    figure(quantile(values, 0.99)),
    `${ratioOf(values, alone).toPrecision(3)}x`,
  ];
  const of = (pick: (timeline: Timeline) => number) => timelines.map(pick);
  return {
    title: `latency: ${timelines.length} runs, offline model, real Claude Code, sandbox ${sandbox}`,
    columns: ["from – to", "p50 ms", "p99 ms", `/${ALONE}`],
    rows: [
      row(`${ALONE}: spawn – exit`, alone),
      row(
        "POST – 202",
        of(({ accepted }) => accepted),
      ),
      row(
        "POST – claim",
        of(({ claimed }) => claimed),
      ),
      row(
        "POST – agent is started",
        of(({ started }) => started),
      ),
      row(
        "agent is started – its end",
        of(({ started, ended }) => ended - started),
      ),
      row(
        "agent's end – last snapshot",
        of(({ ended, seen }) => seen - ended),
      ),
      row(
        "POST – last snapshot",
        of(({ seen }) => seen),
      ),
    ],
    notes: ["with few runs p99 is the slowest"],
  };
}

function stepsTable(timelines: Timeline[]): Table {
  const total = median(timelines.map(({ seen }) => seen));
  const rows = STEPS.map(([step, what], at) => {
    const before: Step | undefined = STEPS[at - 1]?.[0];
    const values = timelines.map((timeline) => timeline[step] - (before ? timeline[before] : 0));
    const middle = median(values);
    return [
      what,
      figure(middle),
      figure(quantile(values, 0.99)),
      `${Math.round((100 * middle) / total)} %`,
    ];
  });
  return {
    title: "latency: where the time of a run goes",
    columns: ["step", "p50 ms", "p99 ms", "of all"],
    rows,
    notes: [
      "each as the stand-in saw the calls; the agent's start and end as the build's log told",
    ],
  };
}
