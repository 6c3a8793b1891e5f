import type { Command } from "commander";
import type { CreateTrigger, Firing, Trigger } from "../../client/types.ts";
import { table } from "../columns.ts";
import { FIRING_FIELDS, jsonPrinter, TEST_FIELDS, TRIGGER_FIELDS } from "../json.ts";
import { type CliContext, remote } from "../session.ts";
import { count, jsonObject, withJson } from "../settings-flags.ts";
import { complain, jsonLine, oneLine, printable, say, widthOf } from "../terminal.ts";

/** `runyard triggers …`: what starts runs. */
export function addTriggers(program: Command, context: CliContext): void {
  const triggers = program
    .command("triggers")
    .description("Triggers: which events start runs, and what these are asked to do.");
  addList(triggers, context);
  addShow(triggers, context);
  addCreate(triggers, context);
  addUpdate(triggers, context);
  for (const verb of ["pause", "resume"] as const) addPausing(triggers, context, verb);
  addDelete(triggers, context);
  addTest(triggers, context);
  addFirings(triggers, context);
  addRedeliver(triggers, context);
}

const stateOf = ({ enabled, pausedWhy }: Trigger): string =>
  pausedWhy === null ? (enabled ? "enabled" : "paused") : "paused itself";

function sayRows(head: string[], rows: readonly string[][]): void {
  const cells = rows.map((row) => row.map((cell) => printable(oneLine(cell))));
  for (const line of table([head, ...cells], widthOf(process.stdout))) say(line);
}

function addList(triggers: Command, context: CliContext): void {
  const command = triggers.command("list").description("Lists triggers, newest first.");
  withJson(command, "triggers");
  remote<object, []>(command, context, async ({ session, options }) => {
    const print = jsonPrinter(options.json, TRIGGER_FIELDS);
    const found: Trigger[] = [];
    for await (const trigger of session.client.triggers.list()) {
      if (print) print(trigger);
      else found.push(trigger);
    }
    if (print) return;
    if (found.length === 0) return complain("There are no triggers; triggers create makes one.");
    const rows = found.map((one) => [one.id, one.source.kind, stateOf(one), one.name]);
    sayRows(["ID", "SOURCE", "STATE", "NAME"], rows);
  });
}

function addShow(triggers: Command, context: CliContext): void {
  const command = triggers
    .command("show")
    .description("Shows a trigger.")
    .argument("<trigger>", "its id");
  withJson(command, "it");
  remote<object, [string]>(command, context, async ({ session, args: [id], options }) => {
    const print = jsonPrinter(options.json, TRIGGER_FIELDS);
    const trigger = await session.client.triggers.get(id);
    if (print) return print(trigger);
    say(`${oneLine(trigger.id)}  ${stateOf(trigger)}  ${oneLine(trigger.name)}`);
    if (trigger.pausedWhy !== null) say(`  ${oneLine(trigger.pausedWhy)}`);
    const { source, filter, prompt, agent, dedupe, conversation, overlap, limits } = trigger;
    const shown = { source, filter, prompt, agent, dedupe, conversation, overlap, limits };
    for (const [key, value] of Object.entries({ ...shown, hook: trigger.hook })) {
      if (value !== null) say(`  ${key}  ${jsonLine(value)}`);
    }
  });
}

/** A new secret is shown by the answer that made it, and by no other. */
function sayMade({ id, hook, secret }: Trigger): void {
  say(oneLine(id));
  if (hook === null || secret === undefined) return;
  complain(`Posted to ${oneLine(hook.path)}; its secret, shown only now: ${oneLine(secret)}`);
}

function addCreate(triggers: Command, context: CliContext): void {
  const command = triggers
    .command("create")
    .description("Stores a trigger and prints its id; a hook's secret is shown only now.")
    .argument("<file>", "what POST /v1/triggers takes, as JSON; - for standard input");
  withJson(command, "it");
  remote<object, [string]>(command, context, async ({ session, args: [file], options }) => {
    const print = jsonPrinter(options.json, TRIGGER_FIELDS);
    const body = jsonObject("<file>", file) as unknown as CreateTrigger;
    const trigger = await session.client.triggers.create(body);
    return print ? print(trigger) : sayMade(trigger);
  });
}

function addUpdate(triggers: Command, context: CliContext): void {
  const command = triggers
    .command("update")
    .description("Changes a trigger.")
    .argument("<trigger>", "its id")
    .argument("<file>", "a JSON merge patch (null puts back a default); - for standard input");
  withJson(command, "it");
  remote<object, [string, string]>(command, context, async ({ session, args, options }) => {
    const print = jsonPrinter(options.json, TRIGGER_FIELDS);
    const { triggers: api } = session.client;
    const patch = jsonObject("<file>", args[1]);
    const trigger = await api.patch(await api.get(args[0]), patch);
    return print ? print(trigger) : sayMade(trigger);
  });
}

const PAUSING = {
  pause: "Has a trigger start nothing until it is resumed.",
  resume: "Has a trigger start runs again, also one that paused itself.",
} as const;

function addPausing(triggers: Command, context: CliContext, verb: keyof typeof PAUSING): void {
  const command = triggers.command(verb).description(PAUSING[verb]).argument("<trigger>", "its id");
  withJson(command, "it");
  remote<object, [string]>(command, context, async ({ session, args: [id], options }) => {
    const print = jsonPrinter(options.json, TRIGGER_FIELDS);
    const { triggers: api } = session.client;
    const trigger = await api.patch(await api.get(id), { enabled: verb === "resume" });
    return print ? print(trigger) : say(`${oneLine(trigger.id)}  ${stateOf(trigger)}`);
  });
}

function addDelete(triggers: Command, context: CliContext): void {
  const command = triggers
    .command("delete")
    .description("Deletes a trigger; its runs stay.")
    .argument("<trigger>", "its id");
  remote<object, [string]>(command, context, async ({ session, args: [id] }) => {
    await session.client.triggers.delete(id);
    complain(`Deleted ${oneLine(id)}.`);
  });
}

function addTest(triggers: Command, context: CliContext): void {
  const command = triggers
    .command("test")
    .description("Says what an event would come to; makes nothing.")
    .argument("<trigger>", "its id")
    .option("--event <FILE>", "a CloudEvent as JSON, or - for standard input")
    .option("--firing <ID>", "the event of this firing");
  withJson(command, "what would become of it");
  remote<{ event?: string; firing?: string }, [string]>(
    command,
    context,
    async ({ session, args: [id], options: { event, firing, json } }) => {
      const print = jsonPrinter(json, TEST_FIELDS);
      const answer = await session.client.triggers.test(id, {
        ...(event !== undefined && { event: jsonObject("--event", event) }),
        ...(firing !== undefined && { firing }),
      });
      if (print) return print(answer);
      say(`${answer.outcome}${answer.why === null ? "" : `: ${oneLine(answer.why)}`}`);
      if (answer.prompt !== null) say(printable(answer.prompt));
    },
  );
}

function addFirings(triggers: Command, context: CliContext): void {
  const command = triggers
    .command("firings")
    .description("Lists what became of a trigger's events, newest first.")
    .argument("<trigger>", "its id")
    .option("--outcome <OUTCOME>", "matched, filtered, duplicate, limited or error")
    .option("--limit <N>", "at most so many", "20");
  withJson(command, "firings");
  remote<{ outcome?: Firing["outcome"]; limit: string }, [string]>(
    command,
    context,
    async ({ session, args: [id], options: { outcome, limit, json } }) => {
      const print = jsonPrinter(json, FIRING_FIELDS);
      const most = count("--limit", limit);
      const filter = { pageSize: Math.min(most, 100), ...(outcome !== undefined && { outcome }) };
      const found: Firing[] = [];
      for await (const firing of session.client.triggers.firings(id, filter)) {
        found.push(firing);
        print?.(firing);
        if (found.length === most) break;
      }
      if (print) return;
      if (found.length === 0) return complain("There are no such firings.");
      const rows = found.map((one) => [
        ...[one.id, one.createdAt.slice(0, 19), one.outcome, one.runId ?? "-"],
        one.why ?? one.event.type,
      ]);
      sayRows(["ID", "AT", "OUTCOME", "RUN", "WHY"], rows);
    },
  );
}

function addRedeliver(triggers: Command, context: CliContext): void {
  const command = triggers
    .command("redeliver")
    .description("Asks a trigger once more about the event of a firing.")
    .argument("<trigger>", "its id")
    .argument("<firing>", "the firing's id");
  withJson(command, "the firing that comes of it");
  remote<object, [string, string]>(command, context, async ({ session, args, options }) => {
    const print = jsonPrinter(options.json, FIRING_FIELDS);
    const firing = await session.client.triggers.redeliver(args[0], args[1]);
    if (print) return print(firing);
    say(`${oneLine(firing.id)}  ${firing.outcome}  ${oneLine(firing.runId ?? firing.why ?? "")}`);
  });
}
