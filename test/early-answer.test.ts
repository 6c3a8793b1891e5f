import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Is told something at once, and listens only later, as a process of jest's may. */
const PROGRAM = `
process.once("message", () => {
  setTimeout(() => process.once("message", ({ workerData }) => process.send({ workerData })), 50);
});
process.send("ready");
`;

test("what a process of jest's is told before it listens is not lost", async () => {
  const folder = mkdtempSync(join(tmpdir(), "early-answer-"));
  const file = join(folder, "program.mjs");
  writeFileSync(file, PROGRAM);
  const early = new URL("support/early-answer.js", import.meta.url);
  const child = fork(file, { execArgv: [`--import=${early}`] });
  try {
    await once(child, "message");
    child.send({ type: "jest-light-runner-worker-data", workerData: "kept" });
    const [answer] = await once(child, "message");
    expect(answer).toEqual({ workerData: "kept" });
  } finally {
    child.kill();
    rmSync(folder, { recursive: true, force: true });
  }
});
