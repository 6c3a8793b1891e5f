import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

/** A file in each room, what it must not import, and what it may. */
const WALLS: readonly { file: string; refused: readonly string[]; taken: readonly string[] }[] = [
  {
    file: "shared/run/planted.ts",
    refused: [
      "../../functions/log.ts",
      "../../infra/agent/clock.ts",
      "../../client/client.ts",
      "../../cli/terminal.ts",
      "../../test/support/make-run.ts",
      "@google-cloud/firestore",
      "@grpc/grpc-js",
      "node:fs",
      "node:timers/promises",
    ],
    taken: ["../limits.ts", "node:crypto", "ajv"],
  },
  {
    file: "client/planted.ts",
    refused: [
      "../functions/log.ts",
      "../infra/agent/clock.ts",
      "../cli/terminal.ts",
      "@google-cloud/storage",
    ],
    taken: ["../shared/documents/run.ts", "eventsource-parser/stream"],
  },
  {
    file: "page/run/planted.ts",
    refused: [
      "../../functions/log.ts",
      "../../infra/local/start.ts",
      "../../cli/terminal.ts",
      "../../test/support/make-run.ts",
      "@google-cloud/storage",
      "node:fs",
    ],
    taken: ["../words/time.ts", "../../client/client.ts", "../../shared/limits.ts", "preact"],
  },
  {
    file: "cli/commands/planted.ts",
    refused: [
      "../../functions/log.ts",
      "../../infra/local/serve.ts",
      "../../infra/agent/clock.ts",
      "../../shared/limits.ts",
      "../../test/support/make-run.ts",
      "@google-cloud/firestore",
      "google-auth-library",
    ],
    taken: ["../session.ts", "../../client/client.ts", "commander", "node:fs"],
  },
  {
    file: "cli/local/planted.ts",
    refused: [
      "../../functions/log.ts",
      "../../infra/emulators/pubsub/start.ts",
      "../../infra/agent/clock.ts",
      "../../shared/limits.ts",
      "../../test/support/make-run.ts",
      "@google-cloud/firestore",
    ],
    taken: [
      "../session.ts",
      "../../infra/local/serve.ts",
      "../../infra/keys/keys.ts",
      "../../infra/capacity/capacity.ts",
    ],
  },
  {
    file: "functions/api/runs/planted.ts",
    refused: [
      "../../../infra/local/start.ts",
      "../../../client/client.ts",
      "../../../cli/terminal.ts",
      "../../../test/support/make-run.ts",
      "@google-cloud/firestore",
      "google-gax",
      "google-auth-library",
    ],
    taken: [
      "../../services/services.ts",
      "../../../shared/limits.ts",
      "@google-cloud/functions-framework",
    ],
  },
  {
    file: "functions/cloud/firestore/planted.ts",
    refused: [
      "../../api/http/page.ts",
      "../../attempts/sweep.ts",
      "../../index.ts",
      "../../../infra/local/start.ts",
      "../../../cli/terminal.ts",
      "../../../test/support/make-run.ts",
    ],
    taken: [
      "../google-error.ts",
      "../../services/runs.ts",
      "../../../shared/api/page.ts",
      "@google-cloud/firestore",
    ],
  },
  {
    file: "infra/agent/sandbox/planted.ts",
    refused: [
      "../../../functions/log.ts",
      "../../emulators/wire/clock.ts",
      "../../local/start.ts",
      "../../keys/keys.ts",
      "../../../client/client.ts",
      "../../../cli/terminal.ts",
      "../../../test/support/make-run.ts",
    ],
    taken: ["../clock.ts", "../../../shared/limits.ts"],
  },
  {
    file: "infra/deploy/planted.ts",
    refused: [
      "../../functions/api/app.ts",
      "../emulators/wire/clock.ts",
      "../local/start.ts",
      "../keys/keys.ts",
      "../agent/clock.ts",
      "../../client/client.ts",
      "../../cli/commands/run.ts",
      "../../test/support/make-run.ts",
    ],
    taken: [
      "../../functions/config.ts",
      "../../shared/names.ts",
      "../../shared/agent/settings.ts",
      "../../cli/failure.ts",
      "../capacity/capacity.ts",
    ],
  },
  {
    file: "infra/doctor/cloud/planted.ts",
    refused: [
      "../../../functions/config.ts",
      "../../emulators/wire/clock.ts",
      "../../agent/clock.ts",
      "../../keys/keys.ts",
      "../../../client/client.ts",
      "../../../cli/commands/run.ts",
      "../../../cli/local/doctor.ts",
      "../../../test/support/make-run.ts",
    ],
    taken: [
      "../check.ts",
      "../../agent/engines/claude-code/command.ts",
      "../../deploy/names.ts",
      "../../local/ports.ts",
      "../../../shared/agent/settings.ts",
      "../../../cli/terminal.ts",
      "@google-cloud/storage",
    ],
  },
  {
    file: "infra/keys/planted.ts",
    refused: [
      "../../functions/api/app.ts",
      "../../functions/config.ts",
      "../emulators/wire/clock.ts",
      "../agent/clock.ts",
      "../../client/client.ts",
      "../../cli/commands/run.ts",
      "../../cli/local/keys.ts",
      "../../test/support/make-run.ts",
    ],
    taken: [
      "../../functions/cloud/firestore/key-store.ts",
      "../../functions/services/callers.ts",
      "../../cli/terminal.ts",
      "../local/state/place.ts",
      "../../shared/documents/key.ts",
    ],
  },
  {
    file: "infra/capacity/planted.ts",
    refused: [
      "../../functions/config.ts",
      "../emulators/wire/clock.ts",
      "../agent/clock.ts",
      "../keys/table.ts",
      "../../client/client.ts",
      "../../cli/commands/run.ts",
      "../../cli/local/capacity.ts",
      "../../test/support/make-run.ts",
    ],
    taken: ["../../cli/terminal.ts", "../local/state/place.ts", "../../shared/capacity/target.ts"],
  },
  {
    file: "infra/emulators/pubsub/planted.ts",
    refused: [
      "../firestore/state.ts",
      "../storage/state.ts",
      "../cloud-build/state.ts",
      "../../local/start.ts",
      "../../agent/clock.ts",
      "../../../shared/limits.ts",
      "../../../functions/log.ts",
      "../../../client/client.ts",
      "../../../cli/terminal.ts",
      "../../../test/support/make-run.ts",
    ],
    taken: ["./state.ts", "./operations/topics.ts", "../wire/clock.ts", "@grpc/grpc-js"],
  },
  {
    file: "infra/emulators/storage/operations/planted.ts",
    refused: ["../../firestore/state.ts", "../../../local/start.ts", "../../../../shared/text.ts"],
    taken: ["./objects.ts", "../state.ts", "../../wire/clock.ts"],
  },
  {
    file: "infra/emulators/wire/planted.ts",
    refused: ["../pubsub/state.ts", "../../local/start.ts", "../../../shared/text.ts"],
    taken: ["./clock.ts"],
  },
  {
    file: "infra/local/planted.ts",
    refused: [
      "../../functions/config.ts",
      "../agent/clock.ts",
      "../keys/keys.ts",
      "../../cli/commands/run.ts",
      "../../cli/local/start.ts",
      "../../test/support/make-run.ts",
    ],
    taken: [
      "../emulators/wire/disk.ts",
      "../../shared/limits.ts",
      "../../client/client.ts",
      "../../cli/terminal.ts",
      "../../cli/follow/follow.ts",
    ],
  },
  {
    file: "examples/planted/main.ts",
    refused: [
      "../../functions/log.ts",
      "../../infra/local/start.ts",
      "../../shared/limits.ts",
      "../../client/client.ts",
      "../../cli/terminal.ts",
      "../../test/support/make-run.ts",
    ],
    taken: ["@google-cloud/firestore", "runyard"],
  },
];

interface Diagnostic {
  category: string;
  location: { path: string; start: { line: number } };
}

test("each wall between rooms refuses what must not pass, and nothing else", () => {
  const folder = mkdtempSync(join(tmpdir(), "walls-"));
  try {
    copyFileSync(join(ROOT, "biome.json"), join(folder, "biome.json"));
    for (const { file, refused, taken } of WALLS) {
      mkdirSync(join(folder, dirname(file)), { recursive: true });
      const lines = [...refused, ...taken].map((specifier) => `import "${specifier}";\n`);
      writeFileSync(join(folder, file), lines.join(""));
    }
    const diagnostics = lint(folder);
    const found = WALLS.map(({ file, refused, taken }) => {
      const specifiers = [...refused, ...taken];
      const at = diagnostics.filter(({ location }) => location.path === file);
      const lines = at.map(({ location }) => location.start.line).sort((a, b) => a - b);
      return [file, lines.map((line) => specifiers[line - 1])];
    });
    expect(found).toEqual(WALLS.map(({ file, refused }) => [file, refused]));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

/** What the linter says about imports below a folder. */
function lint(folder: string): Diagnostic[] {
  const args = [
    "lint",
    "--only=style/noRestrictedImports",
    "--reporter=json",
    "--max-diagnostics=none",
  ];
  try {
    execFileSync(join(ROOT, "node_modules/.bin/biome"), args, { cwd: folder, stdio: "pipe" });
  } catch (error) {
    const report = String((error as { stdout: Buffer }).stdout);
    return (JSON.parse(report) as { diagnostics: Diagnostic[] }).diagnostics;
  }
  return [];
}
