import type { Fault } from "../errors.ts";
import type { AgentSettings } from "./settings.ts";
import { STEERING, steersPrograms } from "./steering-names.ts";

type McpServers = NonNullable<AgentSettings["mcpServers"]>;

/**
 * What is wrong with an agent's servers of the Model Context Protocol: remote ones that it could
 * not reach, since it gets to port 443 of the allowed hosts and nowhere else, and variables of its
 * own ones whose names steer programs, as those of `environment` may not either. Pointers begin at
 * the settings. An address that names a variable in its host is left to the sandbox.
 */
export function mcpFaults({
  mcpServers = {},
  allowedHosts = [],
}: Pick<AgentSettings, "mcpServers" | "allowedHosts">): Fault[] {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  return Object.entries(mcpServers).flatMap(([name, server]) =>
    faultsOf(server, allowed).map(({ pointer, detail }) => ({
      pointer: `/mcpServers/${name}${pointer}`,
      detail,
    })),
  );
}

function faultsOf(server: McpServers[string], allowed: ReadonlySet<string>): Fault[] {
  if (server.type === "stdio") {
    return Object.keys(server.env ?? {})
      .filter(steersPrograms)
      .map((variable) => ({ pointer: `/env/${variable}`, detail: STEERING }));
  }
  const detail = refusalOf(server.url, allowed);
  return detail === undefined ? [] : [{ pointer: "/url", detail }];
}

function refusalOf(address: string, allowed: ReadonlySet<string>): string | undefined {
  if (address.replace(/^https:\/\//, "").match(/^[^/?#]*\$\{/)) return undefined;
  if (!URL.canParse(address)) return "is no address; one looks like https://mcp.example.com/mcp";
  const { hostname, port } = new URL(address);
  if (port !== "") return "must have port 443, the only one that leaves the sandbox";
  return allowed.has(hostname) ? undefined : `needs ${hostname} in allowedHosts`;
}
