import { execFileSync } from "node:child_process";
import { join } from "node:path";

const LAUNCHER = join(import.meta.dirname, "../../../security/descriptors-process.ts");

test.each(["--nproc=3000", "--nofile=2000", "--fsize=1000000000"])(
  "a runner that may have less than a sandbox is given starts one all the same: %s",
  (limit) => {
    const node = [process.execPath, "--disable-warning=ExperimentalWarning"];
    const said = execFileSync("prlimit", [limit, "--", ...node, LAUNCHER], { encoding: "utf8" });
    expect(said).toMatch(/\/0\n/);
  },
);
