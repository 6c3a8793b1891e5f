import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually } from "../../support/eventually.ts";
import { openJournal } from "./journal.ts";
import { promptOf } from "./work.ts";

/** A journal, and agents that do one task of it. */
function startOffice() {
  const directory = mkdtempSync(join(tmpdir(), "work-"));
  const path = join(directory, "journal");
  const journal = openJournal(path);
  const key = basename(directory);
  const prompt = promptOf({ journal: path, key, milliseconds: 60_000 });
  const [, program = "", ...args] = prompt.split(" ");
  const begin = (buildId: string) =>
    spawn(program, ["--disable-warning=ExperimentalWarning", ...args], {
      env: { CLOUD_BUILD_STEP: `${buildId}/0` },
      cwd: fileURLToPath(new URL("../../../", import.meta.url)),
      stdio: "ignore",
    });
  return {
    journal,
    key,
    begin,
    [Symbol.dispose]() {
      journal.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

test("of two agents of one run the second is noticed, and one after the first is none beside it", async () => {
  using office = startOffice();
  const { journal, key, begin } = office;
  const started = (buildIds: string[]) =>
    eventually(() => {
      journal.read();
      expect(journal.agents.map(({ buildId }) => buildId)).toEqual(buildIds);
    });
  const first = begin("one");
  await started(["one"]);
  const second = begin("two");
  await once(second, "exit");
  journal.read();
  expect(journal.doubles).toMatchObject([{ key, buildId: "two" }]);
  expect(journal.liveOf(key)).toMatchObject([{ buildId: "one", endedAt: undefined }]);
  first.kill("SIGKILL");
  await once(first, "exit");
  const third = begin("three");
  await started(["one", "three"]);
  expect(journal.liveOf(key)).toMatchObject([{ buildId: "three" }]);
  expect(journal.doubles).toHaveLength(1);
  third.kill("SIGKILL");
  await once(third, "exit");
});
