import { aboutRun, logOf, withoutSecrets } from "../../functions/log.ts";
import { makeRun } from "../support/make-run.ts";

test("a line about a run has Cloud Logging's names of its trace", () => {
  const lines: unknown[] = [];
  const log = logOf("p", (...line) => void lines.push(line));
  const { run, state } = makeRun();
  const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  log("INFO", "lease: pending", aboutRun({ run, state: { ...state, trace } }));
  log("WARNING", "in no trace", aboutRun({ run, state }));
  const about = { runId: run.id, attempt: 1 };
  expect(lines).toEqual([
    [
      "INFO",
      "lease: pending",
      {
        ...about,
        "logging.googleapis.com/trace": "projects/p/traces/0af7651916cd43dd8448eb211c80319c",
        "logging.googleapis.com/spanId": "b7ad6b7169203331",
        "logging.googleapis.com/trace_sampled": true,
      },
    ],
    ["WARNING", "in no trace", about],
  ]);
});

test("what would open a door is not in a line, whatever took it in", () => {
  const secret = `whsec_${"A+/9".repeat(8)}=`;
  const key = `ry_${"x-Y_".repeat(10)}abc`;
  const line = withoutSecrets(JSON.stringify({ message: `bad ${secret}; ${key}`, id: "run_1" }));
  expect(line).toBe('{"message":"bad whsec_…; ry_…","id":"run_1"}');
});
