import type { Command } from "commander";
import type { Overrides } from "../../client/types.ts";
import { type AcceptFlags, accepted, withAcceptance } from "../accepted.ts";
import { usageFault } from "../failure.ts";
import { promptOf } from "../prompt.ts";
import { type CliContext, remote, runId } from "../session.ts";
import {
  labelOption,
  labelsOf,
  type SettingsFlags,
  settingsOf,
  withSettings,
} from "../settings-flags.ts";

interface AgainFlags extends AcceptFlags, SettingsFlags {
  file?: string;
  label: string[];
}

/** `runyard rerun`, `continue` and `say`: what follows on a run. */
export function addAgain(program: Command, context: CliContext): void {
  for (const verb of ["rerun", "continue"] as const) addRepeat(program, context, verb);
  addSay(program, context);
}

const AGAIN = {
  rerun: {
    description: "Sends the same request once more, in a conversation of its own, and follows it.",
    prompt: "another prompt (default: the same)",
    file: "a file with the other prompt",
  },
  continue: {
    description:
      "Goes on with a run that a limit, a timeout or a cancel ended, with its session and files.",
    prompt: "what to do now (default: to go on)",
    file: "a file with the prompt",
  },
} as const;

function addRepeat(program: Command, context: CliContext, verb: keyof typeof AGAIN): void {
  const { description, prompt, file } = AGAIN[verb];
  const command = program
    .command(verb)
    .description(description)
    .argument("<run>", "the run's id", runId)
    .argument("[prompt...]", prompt)
    .option("-f, --file <FILE>", file);
  withSettings(withAcceptance(labelOption(command)));
  remote<AgainFlags, [string, string[]]>(command, context, (given) => {
    const [id, words] = given.args;
    const body = overridesOf(words, given.options);
    return accepted(given, (once) => given.session.client.runs[verb](id, body, once));
  });
}

interface SayFlags extends AcceptFlags {
  file?: string;
  queue?: boolean;
  label: string[];
}

const CONVERSATION_ID = /^conv_[0-9A-Za-z]{22}$/;

function addSay(program: Command, context: CliContext): void {
  const command = program
    .command("say")
    .description("Sends the next turn of a conversation and follows it.")
    .argument("<conversation>", "the conversation's id, or that of a run of it")
    .argument("[prompt...]", "what to do now; - reads it from standard input")
    .option("-f, --file <FILE>", "a file with the prompt")
    .option("--queue", "wait while another turn is at work (default: it is refused)");
  withAcceptance(labelOption(command));
  remote<SayFlags, [string, string[]]>(command, context, async ({ session, args, options }) => {
    const [id, words] = args;
    const prompt = promptOf(words, options.file);
    if (prompt === undefined) throw usageFault("What shall the agent do now? Say it, or -f FILE");
    const { client } = session;
    const conversation = CONVERSATION_ID.test(id)
      ? id
      : (await client.runs.get(runId(id))).conversation.id;
    const labels = labelsOf(options.label);
    const body = {
      prompt,
      ...(options.queue && { onBusy: "queue" as const }),
      ...(Object.keys(labels).length > 0 && { labels }),
    };
    return accepted({ session, options }, (once) =>
      client.conversations.createTurn(conversation, body, once),
    );
  });
}

function overridesOf(words: string[], options: AgainFlags): Overrides {
  const prompt = promptOf(words, options.file);
  const settings = settingsOf(options);
  const labels = labelsOf(options.label);
  return {
    ...(prompt !== undefined && { prompt }),
    ...(settings !== undefined && { settings }),
    ...(Object.keys(labels).length > 0 && { labels }),
  };
}
