import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { attachedFiles } from "../../cli/attached.ts";

test("attached files keep their place in the present folder, and others their name", () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "runyard-test-"));
  const here = mkdtempSync("attached-");
  try {
    mkdirSync(join(here, "docs"));
    writeFileSync(join(here, "docs/é.md"), "text\n");
    writeFileSync(join(elsewhere, "tool"), Buffer.from([0xff, 0, 1]), { mode: 0o755 });
    expect(attachedFiles([join(here, "docs/../docs/é.md"), join(elsewhere, "tool")])).toEqual([
      { path: `${here}/docs/é.md`, content: "text\n" },
      { path: "tool", base64: "/wAB", executable: true },
    ]);
    expect(() => attachedFiles([join(here, "none")])).toThrow(/--attach .*none cannot be read: /);
  } finally {
    for (const folder of [here, elsewhere]) rmSync(folder, { recursive: true });
  }
});
