import { buildProgram } from "../../cli/program.ts";

/**
 * Has the program of the command line perform words in this process, as far as that needs no
 * server.
 *
 * @returns what it ends with
 * @throws what is wrong with the words
 */
export async function parsed(
  words: string[],
  env: Record<string, string> = {},
): Promise<number | undefined> {
  let code: number | undefined;
  const finish = (ended: number) => {
    code = ended;
  };
  const program = await buildProgram({ env, words, finish });
  await program.parseAsync(words, { from: "user" });
  return code;
}
