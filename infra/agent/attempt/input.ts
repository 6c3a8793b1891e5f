import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type ResolvedAgent, resolveAgent } from "../../../shared/agent/settings.ts";
import { AttemptInput, INPUT_FILES } from "../../../shared/documents/attempt.ts";
import { describeFaults, validatorOf } from "../../../shared/schema/validate.ts";

/** What the build was given. */
export interface Input {
  attempt: AttemptInput;
  agent: ResolvedAgent;
  /** Byte for byte. */
  prompt: Buffer;
}

const validateAttempt = validatorOf(AttemptInput);

/**
 * Reads the input files and deletes them, since they hold secrets of the attempt and an unconfined
 * agent could read them.
 *
 * @throws if one is missing or `attempt.json` is not as its schema says.
 */
export async function takeInput(folder: string): Promise<Input> {
  const attemptFile = join(folder, INPUT_FILES.attempt);
  const promptFile = join(folder, INPUT_FILES.prompt);
  const [text, prompt] = await Promise.all([readFile(attemptFile, "utf8"), readFile(promptFile)]);
  await Promise.all([rm(attemptFile), rm(promptFile)]);
  const attempt = validateAttempt(parse(text));
  if (!attempt.ok) {
    throw new Error(`${INPUT_FILES.attempt} is not valid: ${describeFaults(attempt.faults)}`);
  }
  return { attempt: attempt.value, agent: resolveAgent(attempt.value.agent), prompt };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    // The parser's own message quotes the file, which holds secrets.
    throw new Error(`${INPUT_FILES.attempt} is not JSON`, { cause: error });
  }
}
