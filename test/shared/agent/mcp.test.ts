import { mcpFaults } from "../../../shared/agent/mcp.ts";

const remote = (url: string) => ({ mcpServers: { far: { type: "http" as const, url } } });

test.each([
  ["https://mcp.example.com/mcp", ["mcp.example.com"]],
  ["https://MCP.example.com:443/mcp", ["Mcp.Example.com"]],
  ["https://${HOST}/mcp", []],
])("%s can be reached with the hosts %j", (url, allowedHosts) => {
  expect(mcpFaults({ ...remote(url), allowedHosts })).toEqual([]);
});

test.each([
  ["https://mcp.example.com/mcp", "needs mcp.example.com in allowedHosts"],
  ["https://example.com.evil.test/", "needs example.com.evil.test in allowedHosts"],
  ["https://example.com:8443/", "must have port 443"],
  ["https://ex ample.com", "is no address"],
])("%s cannot, and the fault says why", (url, detail) => {
  const faults = mcpFaults({ ...remote(url), allowedHosts: ["example.com"] });
  expect(faults).toEqual([
    { pointer: "/mcpServers/far/url", detail: expect.stringContaining(detail) },
  ]);
});

test("a server in the sandbox needs no host", () => {
  expect(mcpFaults({ mcpServers: { near: { type: "stdio", command: "x" } } })).toEqual([]);
});

const STEERING = [
  "LD_PRELOAD",
  "LD_LIBRARY_PATH",
  "NODE_OPTIONS",
  "GIT_CONFIG_COUNT",
  "GIT_CONFIG_KEY_0",
  "BUN_OPTIONS",
  "BASH_ENV",
  "PYTHONPATH",
  "ANTHROPIC_BASE_URL",
  "RUNYARD_SANDBOX",
  "PATH",
  "ld_preload",
  "https_proxy",
];

test.each(STEERING)("a server in the sandbox is not given %s", (name) => {
  const near = {
    type: "stdio" as const,
    command: "x",
    env: { API_TOKEN: "${TOKEN}", [name]: "1" },
  };
  expect(mcpFaults({ mcpServers: { near } })).toEqual([
    {
      pointer: `/mcpServers/near/env/${name}`,
      detail: "is set by the runner, or steers programs; choose another name",
    },
  ]);
});

test.each(["API_TOKEN", "GITHUB_TOKEN", "DATABASE_URL", "LOG_LEVEL", "a"])(
  "a server in the sandbox may be given %s",
  (name) => {
    const near = { type: "stdio" as const, command: "x", env: { [name]: "1" } };
    expect(mcpFaults({ mcpServers: { near } })).toEqual([]);
  },
);
