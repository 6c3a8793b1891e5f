import {
  faultsOf,
  NOTHING_WRITTEN,
  settingsOf,
  writtenOf,
} from "../../../page/settings/written.ts";
import type { AgentSettings } from "../../../shared/agent/settings.ts";

const ALL: AgentSettings = {
  model: "opus",
  fallbackModels: ["sonnet"],
  effort: "high",
  maxTurns: 30,
  maxBudgetUsd: 0.5,
  tools: [],
  allowedTools: ["Bash(git log:*)", "Read"],
  disallowedTools: ["WebFetch"],
  permissionMode: "dontAsk",
  instructions: "Be brief.\n\n  Two spaces stay. ",
  mcpServers: { github: { type: "http", url: "https://mcp.example.com/mcp" } },
  setupCommands: ["npm ci", "npm run build"],
  repository: {
    url: "https://github.com/acme/shop",
    ref: "main",
    credential: {
      secret: "projects/p/secrets/s/versions/1",
      submodules: ["https://github.com/acme/lib", "https://github.com/acme-web/*"],
    },
    paths: ["apps/web", "libs"],
    submodules: true,
    lfs: true,
  },
  outputSchema: { type: "object" },
  timeoutSeconds: 1200,
  machineType: "E2_HIGHCPU_8",
  allowedHosts: ["registry.npmjs.org"],
};

test("every setting is written in a field and read from it unchanged", () => {
  expect(settingsOf(writtenOf(ALL))).toEqual(ALL);
  const opened = {
    repository: { url: "https://x.example/y", credential: { githubApp: true } },
  } as const;
  expect(settingsOf(writtenOf(opened))).toEqual(opened);
  expect(settingsOf(writtenOf({}))).toEqual({});
  expect(settingsOf(NOTHING_WRITTEN)).toEqual({});
});

test("what a line cannot hold is written as JSON", () => {
  const settings = { setupCommands: ["cat <<E\n x\nE"], allowedHosts: ["a.example"] };
  const written = writtenOf(settings);
  expect(written).toMatchObject({ setupCommands: "", allowedHosts: "a.example" });
  expect(JSON.parse(written.other)).toEqual({ setupCommands: settings.setupCommands });
  expect(settingsOf(written)).toEqual(settings);
});

test("times, amounts and lists are read as people write them", () => {
  const written = {
    timeoutSeconds: "1 h 30 min",
    maxBudgetUsd: "$2.50",
    tools: " Read \n\n Edit ",
  };
  expect(settingsOf({ ...NOTHING_WRITTEN, ...written })).toEqual({
    timeoutSeconds: 5400,
    maxBudgetUsd: 2.5,
    tools: ["Read", "Edit"],
  });
  expect(writtenOf({ timeoutSeconds: 90 }).timeoutSeconds).toBe("90 s");
  expect(writtenOf({ timeoutSeconds: 7200 }).timeoutSeconds).toBe("2 h");
});

test("what cannot be read is a fault of its field", () => {
  const wrong = {
    maxBudgetUsd: "much",
    timeoutSeconds: "soon",
    maxTurns: "1.5",
    ref: "main",
    paths: "apps/web",
    parts: "submodules",
    credential: "projects/p/secrets/s/versions/1",
    other: "[1]",
  };
  expect(Object.keys(faultsOf({ ...NOTHING_WRITTEN, ...wrong }))).toEqual(Object.keys(wrong));
  expect(faultsOf(writtenOf(ALL))).toEqual({});
  const opened = { url: "https://x.example/y", opened: "https://x.example/*" };
  for (const credential of ["", "github-app"]) {
    const faults = faultsOf({ ...NOTHING_WRITTEN, ...opened, credential });
    expect(Object.keys(faults)).toEqual(["opened"]);
  }
});
