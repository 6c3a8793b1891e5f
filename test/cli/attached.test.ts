import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attachedFiles } from "../../cli/attached.ts";

test("attached files keep their place in the present folder, and others their name", async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "runyard-test-"));
  const here = mkdtempSync("attached-");
  try {
    mkdirSync(join(here, "docs"));
    writeFileSync(join(here, "docs/é.md"), "text\n");
    writeFileSync(join(elsewhere, "tool"), Buffer.from([0xff, 0, 1]), { mode: 0o755 });
    writeFileSync(join(here, "large"), Buffer.alloc(65 * 1024));
    const names = [join(here, "docs/../docs/é.md"), join(elsewhere, "tool"), join(here, "large")];
    const upload = async (bytes: Uint8Array) => `upl_of_${bytes.length}`;
    expect(await attachedFiles(names, upload)).toEqual([
      { path: `${here}/docs/é.md`, content: "text\n" },
      { path: "tool", base64: "/wAB", executable: true },
      { path: `${here}/large`, upload: "upl_of_66560" },
    ]);
    const none = attachedFiles([join(here, "none")], upload);
    await expect(none).rejects.toThrow(/--attach .*none cannot be read: /);
  } finally {
    for (const folder of [here, elsewhere]) rmSync(folder, { recursive: true });
  }
});
