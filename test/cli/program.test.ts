import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Command } from "commander";
import { EXIT } from "../../cli/exit-codes.ts";
import { buildProgram } from "../../cli/program.ts";
import { parsed } from "../support/parsed.ts";

const ROOT = join(import.meta.dirname, "../..");
const RUN = "run_2MApo7WXve5lCHoJCSaJKN";
const program = () => buildProgram({ env: {}, words: [], finish() {} });

/** Every command with its path: `agents list`. */
function commandsOf(command: Command, path: string[] = []): [string, Command][] {
  return command.commands.flatMap((each) => {
    const own = [...path, each.name()];
    return [[own.join(" "), each] as [string, Command], ...commandsOf(each, own)];
  });
}

test("every command and every option says what it does", async () => {
  for (const [path, command] of commandsOf(await program())) {
    expect([path, command.summary() || command.description()]).toEqual([
      path,
      expect.stringMatching(/./),
    ]);
    for (const { flags, description } of command.options) {
      expect([path, flags, description]).toEqual([path, flags, expect.stringMatching(/./)]);
    }
  }
});

test("docs/cli.md has every command, and every exit status", async () => {
  const text = readFileSync(join(ROOT, "docs/cli.md"), "utf8");
  const leaves = commandsOf(await program()).filter(([, { commands }]) => commands.length === 0);
  const hidden = ["complete"];
  const missing = leaves
    .map(([path]) => path)
    .filter((path) => !hidden.includes(path) && !text.includes(`\`${path}`));
  expect(missing).toEqual([]);
  const statuses = [...text.matchAll(/^\| (\d+) \|/gm)].map(([, status]) => Number(status));
  expect(statuses).toEqual(Object.values(EXIT));
});

test.each([
  ["run --agnt x y", /unknown option '--agnt'\n\(Did you mean --agent\?\)/],
  ["lst", /unknown command 'lst'\n\(Did you mean list\?\)/],
  ["watch", /missing required argument 'run'/],
  ["run", /What shall the agent do\?/],
  ["run -f /nowhere", /-f \/nowhere cannot be read: no such file or directory$/],
  ["run -f x y", /The prompt is said twice/],
  ["run x --budget much", /--budget much is no amount; say it in USD, as 2\.50/],
  ["run x --timeout 1d", /--timeout 1d is no time; say 90s, 10m or 2h/],
  ["run x --max-turns some", /--max-turns some is no whole number/],
  ["run x --credential c", /--credential says what opens --repo: say that too/],
  ["run x --submodules", /--submodules are those of --repo: say that too/],
  ["run x --lfs", /--lfs is about files of --repo: say that too/],
  ["run x --path a", /--path names a folder of --repo: say that too/],
  ["run x --ref main", /--ref names a branch, tag or commit of --repo/],
  ["run x --label team", /--label team is no label; say it as team=docs/],
  ["run x --schema /nowhere", /--schema \/nowhere cannot be read/],
  ["run x --agent agent_1 --model m", /--agent names a stored agent, which has its own settings/],
  ["run x --agent @3", /--agent @3 is neither ID nor ID@VERSION/],
  ["run x --detach --apply", /--detach and --apply: say one of them/],
  ["run x --dry-run --apply", /--dry-run and --apply: say one of them/],
  ["run x --json=nope", /there is no field nope; there are id, /],
  ["watch nope", /nope is no id of a run/],
  ["show nope", /nope is no id of a run; one looks like run_/],
  [`logs ${RUN} x`, /too many arguments for 'logs'/],
  [`delete ${RUN}`, /delete needs --yes where nobody can be asked/],
  ["list --limit x", /--limit x is no whole number/],
  ["list --from soon", /--from soon is no instant; say 2027-01-31, or/],
  ["list --to 2027-13-41", /--to 2027-13-41 is no instant/],
  ["agents edit agent_1", /What shall be changed\?/],
  ["webhooks update whk_1", /What shall be changed\?/],
  ["webhooks update whk_1 --enable --disable", /--enable and --disable: say one of them/],
  ["login nowhere", /login: nowhere is no address/],
  ["profile use nope", /There is no profile nope in .*; there is: none/],
  ["capacity set default", /missing required argument 'machines'/],
  ["capacity set default E2_NONE=1", /E2_NONE=1 names no machine type; they are E2_MEDIUM/],
  ["capacity set default E2_MEDIUM=x", /E2_MEDIUM is x, and must be a whole number/],
  ["state export", /missing required argument 'file'/],
  ["state clear --json", /unknown option '--json'/],
  ["state make", /unknown command 'make'/],
  ["emulators --image x", /--image x is no image/],
])("%j is refused with what, which and what to do", async (text, message) => {
  const env = {
    RUNYARD_URL: "http://127.0.0.1:9",
    RUNYARD_KEY: "ry_x",
    XDG_CONFIG_HOME: "/nowhere",
  };
  await expect(parsed(text.split(" "), env)).rejects.toThrow(message);
});

test.each(["show nope", "watch nope", "run x --budget much"])(
  "what is wrong with %j is said where there is no server too",
  async (text) => {
    await expect(parsed(text.split(" "), { XDG_CONFIG_HOME: "/nowhere" })).rejects.toThrow(
      expect.objectContaining({ exitCode: EXIT.usage }),
    );
  },
);

/** Files that are loaded with a file, without those that it loads later, and the packages. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const code = readFileSync(join(ROOT, file), "utf8").replace(/^import type [^;]*;$/gm, "");
  for (const [, path = ""] of code.matchAll(/(?:^import|^\} from|^import .* from) "([^"]+)";$/gm)) {
    if (path.startsWith(".")) loadedWith(relative(ROOT, join(ROOT, dirname(file), path)), seen);
    else seen.add(path);
  }
  return seen;
}

test("commands for a server load the client alone, and no more than three packages", () => {
  const loaded = [...loadedWith("cli/main.ts")];
  const files = loaded.filter((path) => path.endsWith(".ts"));
  expect(files.filter((path) => !/^(cli|client)\//.test(path))).toEqual([]);
  const packages = loaded.filter((path) => !path.endsWith(".ts") && !path.startsWith("node:"));
  expect(packages.sort()).toEqual([
    "@bomb.sh/tab/commander",
    "commander",
    "eventsource-parser/stream",
  ]);
});
