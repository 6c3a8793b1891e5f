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
