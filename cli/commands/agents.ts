import type { Command } from "commander";
import type { Client } from "../../client/client.ts";
import type { Agent, CreateAgent } from "../../client/types.ts";
import { table } from "../columns.ts";
import { usageFault } from "../failure.ts";
import { AGENT_FIELDS, jsonPrinter, VERSION_FIELDS } from "../json.ts";
import { type CliContext, remote } from "../session.ts";
import {
  count,
  jsonObject,
  labelOption,
  labelsOf,
  type SettingsFlags,
  settingsOf,
  withJson,
  withSettings,
} from "../settings-flags.ts";
import { complain, jsonLine, oneLine, printable, say, widthOf } from "../terminal.ts";

/** `runyard agents …`: stored, versioned configurations. */
export function addAgents(program: Command, context: CliContext): void {
  const agents = program
    .command("agents")
    .description("Stored agents: settings under an id, in versions.");
  addList(agents, context);
  addShow(agents, context);
  addCreate(agents, context);
  addEdit(agents, context);
  addVersions(agents, context);
  for (const verb of ["archive", "unarchive"] as const) addPlacing(agents, context, verb);
}

function addList(agents: Command, context: CliContext): void {
  const command = agents
    .command("list")
    .description("Lists agents, newest first.")
    .option("--archived", "archived ones too");
  withJson(command, "agents");
  remote<{ archived?: boolean }, []>(command, context, async ({ session, options }) => {
    const print = jsonPrinter(options.json, AGENT_FIELDS);
    const found: Agent[] = [];
    const filter = options.archived ? ({ archived: "true" } as const) : {};
    for await (const agent of session.client.agents.list(filter)) {
      if (print) print(agent);
      else found.push(agent);
    }
    if (print) return;
    if (found.length === 0) return complain("There are no agents; agents create makes one.");
    const rows = found.map(({ id, version, archivedAt, updatedAt, name }) =>
      [
        id,
        `v${version}`,
        archivedAt === null ? "listed" : "archived",
        updatedAt.slice(0, 10),
        name,
      ].map((cell) => printable(oneLine(cell))),
    );
    const head = ["ID", "VERSION", "STATE", "CHANGED", "NAME"];
    for (const line of table([head, ...rows], widthOf(process.stdout))) say(line);
  });
}

function addShow(agents: Command, context: CliContext): void {
  const command = agents
    .command("show")
    .description("Shows an agent, as its latest version or another one has it.")
    .argument("<agent>", "its id")
    .option("--version <N>", "this version");
  withJson(command, "it");
  remote<{ version?: string }, [string]>(command, context, async ({ session, args, options }) => {
    const { client } = session;
    if (options.version === undefined) {
      const print = jsonPrinter(options.json, AGENT_FIELDS);
      const agent = await client.agents.get(args[0]);
      return print ? print(agent) : sayAgent(agent);
    }
    const print = jsonPrinter(options.json, VERSION_FIELDS);
    const version = await client.agents.version(args[0], count("--version", options.version));
    return print ? print(version) : sayAgent({ ...version, id: version.agentId });
  });
}

function sayAgent(agent: Pick<Agent, "id" | "name" | "version" | "labels" | "settings">): void {
  const { id, name, version, labels, settings } = agent;
  say(`${oneLine(id)}  version ${version}  ${oneLine(name)}`);
  for (const [key, value] of Object.entries(labels)) say(`  label ${oneLine(`${key}=${value}`)}`);
  for (const [key, value] of Object.entries(settings)) say(`  ${oneLine(key)}  ${jsonLine(value)}`);
}

interface CreateFlags extends SettingsFlags {
  label: string[];
}

function addCreate(agents: Command, context: CliContext): void {
  const command = agents
    .command("create")
    .description("Stores an agent and prints its id.")
    .argument("<name>", "what it is called");
  labelOption(command);
  withJson(command, "it");
  withSettings(command);
  remote<CreateFlags, [string]>(command, context, async ({ session, args: [name], options }) => {
    const print = jsonPrinter(options.json, AGENT_FIELDS);
    const settings = settingsOf(options);
    const body: CreateAgent = {
      name,
      labels: labelsOf(options.label),
      ...(settings && { settings }),
    };
    const agent = await session.client.agents.create(body);
    if (print) return print(agent);
    say(oneLine(agent.id));
  });
}

interface EditFlags extends SettingsFlags {
  label: string[];
  name?: string;
  patch?: string;
}

function addEdit(agents: Command, context: CliContext): void {
  const command = agents
    .command("edit")
    .description("Changes an agent; each change is its next version.")
    .argument("<agent>", "its id")
    .option("--name <NAME>", "what it is called")
    .option("--patch <FILE>", "a JSON merge patch (null removes), or - for standard input");
  labelOption(command);
  withJson(command, "it");
  withSettings(command);
  remote<EditFlags, [string]>(command, context, async ({ session, args: [id], options }) => {
    const print = jsonPrinter(options.json, AGENT_FIELDS);
    const patch = patchOf(options);
    const { agents: api } = session.client;
    const agent = await api.patch(await api.get(id), patch);
    if (print) return print(agent);
    say(`${oneLine(agent.id)}  version ${agent.version}`);
  });
}

type AgentPatch = Parameters<Client["agents"]["patch"]>[1];

function patchOf({ name, patch, label, ...flags }: EditFlags): AgentPatch {
  const settings = settingsOf(flags);
  const labels = labelsOf(label);
  const body = {
    ...(patch !== undefined && jsonObject("--patch", patch)),
    ...(name !== undefined && { name }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(settings !== undefined && { settings }),
  };
  if (Object.keys(body).length > 0) return body;
  throw usageFault("What shall be changed? Say --name, --label, a setting, or --patch FILE");
}

function addVersions(agents: Command, context: CliContext): void {
  const command = agents
    .command("versions")
    .description("Lists the versions of an agent, newest first.")
    .argument("<agent>", "its id");
  withJson(command, "versions");
  remote<object, [string]>(command, context, async ({ session, args: [id], options }) => {
    const print = jsonPrinter(options.json, VERSION_FIELDS);
    for await (const each of session.client.agents.versions(id)) {
      if (print) print(each);
      else say(`v${each.version}  ${each.createdAt.slice(0, 10)}  ${oneLine(each.name)}`);
    }
  });
}

const PLACING = {
  archive: "Archives an agent: it is no longer listed or run.",
  unarchive: "Takes an agent out of the archive.",
} as const;

function addPlacing(agents: Command, context: CliContext, verb: keyof typeof PLACING): void {
  const command = agents.command(verb).description(PLACING[verb]).argument("<agent>", "its id");
  withJson(command, "it");
  remote<object, [string]>(command, context, async ({ session, args: [id], options }) => {
    const print = jsonPrinter(options.json, AGENT_FIELDS);
    const agent = await session.client.agents[verb](id);
    if (print) return print(agent);
    say(`${oneLine(agent.id)}  ${agent.archivedAt === null ? "listed" : "archived"}`);
  });
}
