import { spawn } from "node:child_process";
import { once } from "node:events";
import { startSandboxWorld } from "../support/sandbox.ts";
import { type Benchmark, type Context, interleave } from "./benchmark.ts";
import { median, quantile, ratioOf } from "./statistics.ts";

const ROUNDS = 20;
const COMMAND = "/usr/bin/true";

const format = (milliseconds: number): string => milliseconds.toFixed(1);

/** What the sandbox adds to the start and the end of a program that does nothing. */
export const sandbox: Benchmark = {
  name: "sandbox",
  summary: "a program from its start to its end, as it is and in the agent's sandbox",
  async run({ rounds = ROUNDS, ...context }: Context) {
    const world = context.cleanup.use(await startSandboxWorld());
    const timed = async (work: () => Promise<unknown>): Promise<number> => {
      const startedAt = performance.now();
      await work();
      return performance.now() - startedAt;
    };
    const variants = [
      {
        name: "as it is",
        measure: () => timed(() => once(spawn(COMMAND), "close")),
      },
      {
        name: "a Node that starts it",
        measure: () => {
          const script = `require("node:child_process").spawn("${COMMAND}")`;
          return timed(() => once(spawn(process.execPath, ["-e", script]), "close"));
        },
      },
      {
        name: "in the sandbox",
        measure: () =>
          timed(async () => {
            const agent = world.inside(COMMAND);
            await agent.ended;
            await agent.kill();
          }),
      },
    ];
    const samples = await interleave(context, variants, rounds);
    const [baseline = []] = samples.values();
    return [
      {
        title: `sandbox: ${COMMAND}, ${rounds} rounds`,
        columns: ["variant", "min ms", "median ms", "p90 ms", "to as it is"],
        rows: [...samples].map(([name, values]) => [
          name,
          format(Math.min(...values)),
          format(median(values)),
          format(quantile(values, 0.9)),
          `${ratioOf(values, baseline).toFixed(1)} x`,
        ]),
        notes: ["In the sandbox a Node, the relay, stands between the runner and the program."],
      },
    ];
  },
};
