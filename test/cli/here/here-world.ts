import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { listTree } from "../../../cli/here/listing.ts";
import { openPack, type ReadEntry, type Remarks, readTree } from "../../../cli/here/pack.ts";
import { draftTree, findSent, openSentStore } from "../../../cli/here/sent-store.ts";

/** What is to be at a path: a text, bytes, an executable text, a link, or nothing but a folder. */
export type Content = string | Buffer | { script: string } | { link: string } | "folder";

function putAt(place: string, content: Content): void {
  mkdirSync(content === "folder" ? place : dirname(place), { recursive: true });
  if (content === "folder") return;
  rmSync(place, { force: true });
  if (typeof content === "string" || Buffer.isBuffer(content)) writeFileSync(place, content);
  else if ("link" in content) symlinkSync(content.link, place);
  else writeFileSync(place, content.script, { mode: 0o755 });
}

/** A folder with a store of what was sent from it. */
export function startHere() {
  const folder = mkdtempSync(join(tmpdir(), "runyard-here-"));
  const root = join(folder, "tree");
  mkdirSync(root);
  const identity = { GIT_AUTHOR_NAME: "a", GIT_AUTHOR_EMAIL: "a@b", GIT_COMMITTER_NAME: "a" };
  const env = { ...process.env, ...identity, GIT_COMMITTER_EMAIL: "a@b", XDG_STATE_HOME: folder };
  const at = (path: string) => join(root, path);
  return {
    folder,
    root,
    env,
    at,
    git: (...args: string[]) => execFileSync("git", args, { cwd: root, env }).toString(),
    put(contents: Record<string, Content>) {
      for (const [path, content] of Object.entries(contents)) putAt(at(path), content);
    },
    /** Keeps the tree as it is now as what was sent, and packs it. */
    async send({ omitsSecrets = false, files = [] as ReadEntry[] } = {}) {
      const store = await openSentStore(env);
      const isRepository = execFileSync("ls", ["-a", root]).toString().includes(".git\n");
      const listing = await listTree(root, { isRepository, empty: store.folder, env });
      const remarks: Remarks = { secrets: [], pointers: [], unsteady: [] };
      const { signal } = new AbortController();
      const pack = await openPack();
      const entries = pack.through(readTree(listing, { omitsSecrets, signal }, remarks));
      const draft = await draftTree(store, { entries, files, origin: { root } });
      const upload = `upl_${Math.random().toString(36).slice(2)}`;
      await draft.keep(upload);
      const sent = await findSent(store, upload);
      if (sent === undefined) throw new Error("it was not kept");
      return { store, listing, remarks, sent, packed: await pack.done() };
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
}
