import { patchOfFolder } from "../../cli/patch-of-folder.ts";

const part = (name: string, quote = "") =>
  `diff --git ${quote}a/${name}${quote} ${quote}b/${name}${quote}\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+diff --git a/api/x b/api/x\n`;

test("the files of one folder are cut out of a patch, whatever their names and contents", () => {
  const [api, odd, web, other] = [
    part("api/a.txt"),
    part("api/\\303\\251.txt", '"'),
    part("web/api/a.txt"),
    part("api-2/a.txt"),
  ];
  const patch = Buffer.from(`${api}${web}${odd}${other}# Runyard: 1 file is left out.\n`, "latin1");
  expect(patchOfFolder(patch, "api").toString()).toBe(api + odd);
  expect(patchOfFolder(patch, "none").toString()).toBe("");
  expect(() => patchOfFolder(patch, "../api")).toThrow("--folder ../api is no folder of a run's");
});
