import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { perform } from "../support/runyard-command.ts";
import { startWorld, type World } from "../support/world.ts";

const LONG_MS = 300_000;

let world: World;
let folder: string;
beforeAll(async () => {
  world = await startWorld();
  folder = mkdtempSync(join(tmpdir(), "here-command-"));
}, LONG_MS);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await world[Symbol.asyncDispose]();
});

test(
  "a run begins with the working tree as it is, and what it changed comes back onto that when it has moved on",
  async () => {
    const tree = mkdtempSync(join(folder, "here-"));
    const at = (path: string) => join(tree, path);
    const git = (...args: string[]) => spawnSync("git", args, { cwd: tree }).stdout.toString();
    git("init", "-q");
    mkdirSync(at("sub"));
    writeFileSync(at("list.txt"), "1\n2\n3\n4\n5\n6\n7\n");
    writeFileSync(at(".env"), "TOKEN=of-mine\n");
    const here = (...args: string[]) => perform(world, folder, { args, cwd: at("sub") });
    const prompt = "run: ls -a; cat attached; sed -i s/2/two/ list.txt; echo new > new.txt";
    const asked = await here("run", "--here", prompt);
    expect(asked).toMatchObject({ code: 2, out: "" });
    expect(asked.said).toMatch(/ 2 files, .*\n.*Packed: 2 files, .*\n {2}There is 1 file that may/);
    expect(asked.said).toContain("Nothing was sent, as nobody can be asked: --secrets omit");
    const dry = await here("run", "--here", "--secrets", "omit", "--dry-run", prompt);
    expect(dry.out).toMatch(/^It would be accepted\.\n/);
    expect(dry.said).toContain("  Stays here: 1 file that may hold secrets: .env\n");
    writeFileSync(at("sub/attached"), "attached\n");
    const words = ["run", "--here", "--secrets", "omit", "--attach", "attached"];
    const sent = await here(...words, prompt);
    expect(sent).toMatchObject({ code: 0, out: expect.stringContaining("attached\n") });
    expect(sent.out).not.toContain(".env");
    expect(sent.said).toMatch(/Uploading \d+ bytes …\nUploaded in \d+\.\d s\.\nrun_/);
    const [id = ""] = sent.said.match(/run_\w{22}/) ?? [];
    const [conversation = ""] = sent.said.match(/conv_\w{22}/) ?? [];
    writeFileSync(at("list.txt"), "1\n2\n3\n4\n5\n6\nseven\n");
    expect((await here("apply", "--check", id)).said).toBe(
      "It applies: list.txt (+1 -1), new.txt (+1)\n",
    );
    expect(await here("apply", id)).toMatchObject({
      code: 0,
      said: expect.stringMatching(/^Applied: /),
    });
    expect(readFileSync(at("list.txt"), "utf8")).toBe("1\ntwo\n3\n4\n5\n6\nseven\n");
    expect((await here("apply", id)).said).toBe("Nothing to apply: all of it is here already.\n");
    const next = await here("say", "--apply", conversation, "run: sed -i s/two/zwei/ list.txt");
    expect(next).toMatchObject({ code: 0, said: expect.stringContaining("\nApplied: list.txt") });
    expect(readFileSync(at("list.txt"), "utf8")).toBe("1\nzwei\n3\n4\n5\n6\nseven\n");
    const refused = await here("apply", id);
    expect(refused).toMatchObject({
      code: 1,
      said: expect.stringContaining("Nothing was changed."),
    });
    const marked = await here("apply", "--3way", id);
    expect(marked).toMatchObject({ code: 1, said: expect.stringContaining("with conflicts:") });
    expect(readFileSync(at("list.txt"), "utf8")).toContain(`\n>>>>>>> ${id}\n`);
    expect(git("for-each-ref")).toBe("");
    expect((await here("run", "--here", "--from", id, "x")).said).toContain("say one of them");
    expect((await here("run", "--secrets", "omit", "x")).code).toBe(2);
  },
  LONG_MS,
);
