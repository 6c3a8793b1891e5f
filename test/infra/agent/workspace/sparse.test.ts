import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fault, startWorld } from "./checkout-world.ts";
import { LFS_ATTRIBUTES } from "./lfs-store.ts";

test("folders alone are checked out and fetched, with their files of Git LFS, also from a host that serves files", async () => {
  await using world = await startWorld("bubblewrap");
  const { commit, folder, git, lfs } = world.server;
  git("config", "uploadpack.allowFilter", "true");
  for (const name of ["apps/web/in", "apps/api", "libs [x]"]) {
    mkdirSync(join(folder, name), { recursive: true });
  }
  const [wanted, other] = [Buffer.from("wanted"), Buffer.from("other")];
  commit({
    ".gitattributes": LFS_ATTRIBUTES,
    "top.txt": "top\n",
    "apps/near.txt": "near\n",
    "apps/web/in/a.bin": lfs.add(wanted),
    "apps/api/b.bin": lfs.add(other),
    "apps/api/c.txt": "c\n",
    "libs [x]/d.txt": "d\n",
  });
  expect(await world.checkOutPaths(["apps/web", "libs [x]"])).toMatchObject({ notes: [] });
  const files = world.inside("find . -path ./.git -prune -o -type f -print | sort");
  const own = ["./.gitattributes", "./apps/near.txt", "./apps/web/in/a.bin", "./libs [x]/d.txt"];
  expect(files).toBe([...own, "./top.txt", ""].join("\n"));
  expect(world.read("apps/web/in/a.bin")).toBe("wanted");
  expect(lfs.fetched).toHaveLength(1);
  expect(world.inside("git status --short")).toBe("");
  const missing = "git rev-list --objects --missing=print HEAD | grep -c '^?'";
  expect(world.inside(missing)).toBe("2\n");
  await world.empty();
  const dumb = "https://git.example/dumb";
  expect(await world.checkOutPaths(["apps/web", "libs [x]"], dumb)).not.toHaveProperty("error");
  expect(world.has("apps/api")).toBe(false);
  await world.empty();
  expect(fault(await world.checkOutPaths(["apps/nope"]))).toContain("it has no folder apps/nope");
}, 60_000);
