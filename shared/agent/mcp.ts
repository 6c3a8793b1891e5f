import type { Fault } from "../errors.ts";
import type { AgentSettings } from "./settings.ts";

/**
 * Remote servers of the Model Context Protocol that the agent could not reach: it gets to port 443 of the
 * allowed hosts and nowhere else. Pointers begin at the settings. An address that names a variable in
 * its host is left to the sandbox.
 */
export function mcpFaults({
  mcpServers = {},
  allowedHosts = [],
}: Pick<AgentSettings, "mcpServers" | "allowedHosts">): Fault[] {
  const allowed = new Set(allowedHosts.map((host) => host.toLowerCase()));
  return Object.entries(mcpServers).flatMap(([name, server]) => {
    const detail = server.type === "stdio" ? undefined : refusalOf(server.url, allowed);
    return detail === undefined ? [] : [{ pointer: `/mcpServers/${name}/url`, detail }];
  });
}

function refusalOf(address: string, allowed: ReadonlySet<string>): string | undefined {
  if (address.replace(/^https:\/\//, "").match(/^[^/?#]*\$\{/)) return undefined;
  if (!URL.canParse(address)) return "is no address";
  const { hostname, port } = new URL(address);
  if (port !== "") return "must have port 443, the only one that leaves the sandbox";
  return allowed.has(hostname) ? undefined : `needs ${hostname} in allowedHosts`;
}
