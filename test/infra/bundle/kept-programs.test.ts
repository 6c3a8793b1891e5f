import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { keepPrograms } from "../../../infra/bundle/kept-programs.ts";

const TIMEOUT_MS = 180_000;

test(
  "bundles of the sources are kept, and those that nobody uses any more are removed",
  async () => {
    const programs = (await keepPrograms())?.programs;
    const folder = dirname(programs?.compiled ?? "");
    const unused = join(dirname(folder), "unused");
    mkdirSync(unused, { recursive: true });
    const anHourAgo = Date.now() / 1000 - 3600;
    for (const path of [unused, folder]) utimesSync(path, anHourAgo, anHourAgo);
    const { ino } = statSync(folder);
    const again = await keepPrograms();
    expect([again?.programs, statSync(folder).ino, existsSync(unused)]).toEqual([
      programs,
      ino,
      false,
    ]);
  },
  TIMEOUT_MS,
);

test("where no bundle can be kept there is none", async () => {
  const root = mkdtempSync(join(tmpdir(), "kept-"));
  writeFileSync(join(root, "file"), "");
  expect(await keepPrograms(join(root, "file/kept"))).toBeUndefined();
  rmSync(root, { recursive: true });
});
