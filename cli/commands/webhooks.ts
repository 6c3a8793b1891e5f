import type { Command } from "commander";
import type { CreateWebhook, Delivery, PatchWebhook, Webhook } from "../../client/types.ts";
import { table } from "../columns.ts";
import { usageFault } from "../failure.ts";
import { DELIVERY_FIELDS, jsonPrinter, WEBHOOK_FIELDS } from "../json.ts";
import { type CliContext, remote } from "../session.ts";
import { collected, jsonObject, labelOption, labelsOf, withJson } from "../settings-flags.ts";
import { complain, oneLine, printable, say, widthOf } from "../terminal.ts";

/** `runyard webhooks …`: where runs' changes of status are sent. */
export function addWebhooks(program: Command, context: CliContext): void {
  const webhooks = program
    .command("webhooks")
    .description("Addresses that are told of runs, and what was sent to them.");
  addCreate(webhooks, context);
  addList(webhooks, context);
  addShow(webhooks, context);
  addUpdate(webhooks, context);
  addDelete(webhooks, context);
  addRotate(webhooks, context);
  addPing(webhooks, context);
  addDeliveries(webhooks, context);
  addRedeliver(webhooks, context);
}

interface WebhookFlags {
  event: string[];
  label: string[];
  agent?: string;
  format?: string;
  description?: string;
  patch?: string;
}

function withFields(command: Command): Command {
  command
    .option(
      "--event <TYPE>",
      "done, * or a type as runyard.run.failed.v1; repeatable",
      collected,
      [],
    )
    .option("--agent <ID>", "only runs of this stored agent")
    .option("--format <FORMAT>", "standard, slack or google-chat")
    .option("--description <TEXT>", "what it is for");
  return labelOption(command);
}

function fieldsOf({ event, label, agent, format, description }: WebhookFlags): PatchWebhook {
  const labels = labelsOf(label);
  return {
    ...(event.length > 0 && { events: event }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(agent !== undefined && { agent }),
    ...(format !== undefined && { format: format as NonNullable<CreateWebhook["format"]> }),
    ...(description !== undefined && { description }),
  };
}

function addCreate(webhooks: Command, context: CliContext): void {
  const command = webhooks
    .command("create")
    .description("Has runs' ends sent to an address; prints id and secret, the latter never again.")
    .argument("<url>", "where to");
  withJson(withFields(command), "it");
  remote<WebhookFlags & Json, [string]>(command, context, async ({ session, args, options }) => {
    const print = jsonPrinter(options.json, { ...WEBHOOK_FIELDS, secret: true });
    const body = { url: args[0], ...fieldsOf(options) } as CreateWebhook;
    const made = await session.client.webhooks.create(body);
    if (print) return print(made);
    say(oneLine(made.id));
    say(oneLine(made.secret));
  });
}

interface Json {
  json?: string | true;
}

function addList(webhooks: Command, context: CliContext): void {
  const command = webhooks.command("list").description("Lists webhooks, newest first.");
  withJson(command, "webhooks");
  remote<Json, []>(command, context, async ({ session, options }) => {
    const print = jsonPrinter(options.json, WEBHOOK_FIELDS);
    const rows: string[][] = [];
    for await (const webhook of session.client.webhooks.list()) {
      if (print) print(webhook);
      else rows.push([webhook.id, stateOf(webhook), webhook.events.join(), webhook.url]);
    }
    if (!print) sayTable(["ID", "STATE", "EVENTS", "URL"], rows, "webhooks; create makes one");
  });
}

function stateOf({ enabled, failingSince }: Webhook): string {
  if (!enabled) return "disabled";
  return failingSince === null ? "enabled" : "failing";
}

function sayTable(head: string[], rows: string[][], what: string): void {
  if (rows.length === 0) {
    complain(`There are no ${what}.`);
    return;
  }
  const cells = rows.map((row) => row.map((cell) => printable(oneLine(cell))));
  for (const line of table([head, ...cells], widthOf(process.stdout))) say(line);
}

function addShow(webhooks: Command, context: CliContext): void {
  const command = webhooks
    .command("show")
    .description("Shows a webhook, without its secret.")
    .argument("<webhook>", "its id");
  withJson(command, "it");
  remote<Json, [string]>(command, context, async ({ session, args, options }) => {
    const print = jsonPrinter(options.json, WEBHOOK_FIELDS);
    const webhook = await session.client.webhooks.get(args[0]);
    return print ? print(webhook) : sayWebhook(webhook);
  });
}

function sayWebhook(webhook: Webhook): void {
  const { id, url, events, format, agent, labels, description, headers, disabledWhy } = webhook;
  say(oneLine(`${id}  ${stateOf(webhook)}  ${url}`));
  const rows = {
    ...{ events: events.join(), format, agent, description, headers: headers.join() },
    labels: Object.entries(labels)
      .map((pair) => pair.join("="))
      .join(),
    ...{ disabled: disabledWhy, "failing since": webhook.failingSince },
    "next probe": webhook.nextProbeAt,
  };
  for (const [name, value] of Object.entries(rows)) if (value) say(oneLine(`  ${name}  ${value}`));
}

function addUpdate(webhooks: Command, context: CliContext): void {
  const command = webhooks
    .command("update")
    .description("Changes a webhook.")
    .argument("<webhook>", "its id")
    .option("--to <URL>", "where to")
    .option("--enable", "begin anew")
    .option("--disable", "send nothing")
    .option("--patch <FILE>", "a JSON merge patch (null removes), or - for standard input");
  withJson(withFields(command), "it");
  remote<UpdateFlags & Json, [string]>(command, context, async ({ session, args, options }) => {
    const print = jsonPrinter(options.json, WEBHOOK_FIELDS);
    const patch = patchOf(options);
    const { webhooks: api } = session.client;
    const webhook = await api.patch(await api.get(args[0]), patch);
    return print ? print(webhook) : sayWebhook(webhook);
  });
}

interface UpdateFlags extends WebhookFlags {
  to?: string;
  enable?: boolean;
  disable?: boolean;
}

function patchOf(flags: UpdateFlags): PatchWebhook {
  const { to, enable = false, disable = false, patch } = flags;
  if (enable && disable) throw usageFault("--enable and --disable: say one of them");
  const body = {
    ...(patch !== undefined && jsonObject("--patch", patch)),
    ...fieldsOf(flags),
    ...(to !== undefined && { url: to }),
    ...((enable || disable) && { enabled: enable }),
  };
  if (Object.keys(body).length > 0) return body;
  throw usageFault("What shall be changed? Say --to, --event, --enable, or --patch FILE");
}

function addDelete(webhooks: Command, context: CliContext): void {
  const command = webhooks
    .command("delete")
    .description("Removes a webhook; what waits for it is given up.")
    .argument("<webhook>", "its id");
  remote<object, [string]>(command, context, ({ session, args }) =>
    session.client.webhooks.delete(args[0]),
  );
}

function addRotate(webhooks: Command, context: CliContext): void {
  const command = webhooks
    .command("rotate")
    .description("Prints a new secret; for 24 hours the one before counts, too.")
    .argument("<webhook>", "its id");
  remote<object, [string]>(command, context, async ({ session, args }) => {
    say(oneLine((await session.client.webhooks.rotate(args[0])).secret));
  });
}

function addPing(webhooks: Command, context: CliContext): void {
  const command = webhooks
    .command("ping")
    .description("Sends a webhook something to try it by; prints the delivery's id.")
    .argument("<webhook>", "its id");
  remote<object, [string]>(command, context, async ({ session, args }) => {
    say(oneLine((await session.client.webhooks.ping(args[0])).id));
  });
}

function addDeliveries(webhooks: Command, context: CliContext): void {
  const command = webhooks
    .command("deliveries")
    .description("Lists what was sent to a webhook, or of a run, newest first.")
    .argument("<webhook>", "id of a webhook, or of a run");
  withJson(command, "deliveries");
  remote<Json, [string]>(command, context, async ({ session, args: [id], options }) => {
    const print = jsonPrinter(options.json, DELIVERY_FIELDS);
    const { runs, webhooks: api } = session.client;
    const rows: string[][] = [];
    for await (const one of id.startsWith("run_") ? runs.deliveries(id) : api.deliveries(id)) {
      if (print) print(one);
      else rows.push(rowOf(one));
    }
    if (!print) sayTable(["ID", "STATUS", "TRIES", "EVENT", "LAST"], rows, "deliveries");
  });
}

function rowOf({ id, status, attempts, event, log, nextAttemptAt }: Delivery): string[] {
  const last = log.at(-1);
  const next = nextAttemptAt === null ? "" : ` Next at ${nextAttemptAt}.`;
  const said = last === undefined ? "" : (last.error ?? `It answered ${last.status}.`);
  return [id, status, String(attempts), event.type, `${said}${next}`];
}

function addRedeliver(webhooks: Command, context: CliContext): void {
  const command = webhooks
    .command("redeliver")
    .description("Sends a delivery that is over once more.")
    .argument("<webhook>", "its id")
    .argument("<delivery>", "the delivery's id");
  remote<object, [string, string]>(command, context, async ({ session, args }) => {
    say(oneLine((await session.client.webhooks.redeliver(...args)).id));
  });
}
