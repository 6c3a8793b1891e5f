import { CommitAuthor } from "../shared/documents/deliver.ts";
import { validatorOf } from "../shared/schema/validate.ts";

const validate = validatorOf(CommitAuthor);

/**
 * The author of commits whose request names none; undefined: whoever makes them.
 *
 * @param text `NAME <EMAIL>`, as git writes it
 * @throws {Error} if it is not
 */
export function commitAuthorOf(text: string | undefined): CommitAuthor | undefined {
  if (!text) return undefined;
  const [, name = "", email = ""] = /^([^<>]*\S) <([^<>]*)>$/.exec(text.trim()) ?? [];
  const author = validate({ name, email });
  if (author.ok) return author.value;
  throw new Error(
    `RUNYARD_COMMIT_AUTHOR is ${text}, and must be like Acme Agent <agent@example.com>`,
  );
}
