import { said } from "../parts/said.ts";

/** Has the browser save an answer of the API under a name. */
export async function saveContent(ask: () => Promise<Response>, name: string): Promise<void> {
  const content = await said(
    ask().then((answer) => answer.blob()),
    undefined,
  );
  if (content === undefined) return;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name.split("/").at(-1) ?? name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
