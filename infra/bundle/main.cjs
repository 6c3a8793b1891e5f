// Runs program.cjs, which stands beside it, with what V8 compiled of it when it was at work before:
// its functions are then read, not compiled. Node's own cache has only what a module needs to load.
// It is kept where Node keeps its own, if NODE_COMPILE_CACHE says so, under the program's checksum,
// and may be lacking, broken or of another Node: then everything is compiled as usual.
const { randomUUID } = require("node:crypto");
const { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } = require("node:fs");
const { createRequire } = require("node:module");
const { join } = require("node:path");
const vm = require("node:vm");
const { crc32 } = require("node:zlib");

const FILE = join(__dirname, "program.cjs");
const { NODE_COMPILE_CACHE: folder, FUNCTION_TARGET = "" } = process.env;
/** esbuild writes ASCII, which V8 takes as it is. */
const text = readFileSync(FILE);
const kept = folder && join(folder, `${FUNCTION_TARGET}-${crc32(text)}-${process.version}.v8`);

/** What was kept, if it is whole: its checksum stands behind it. */
function readKept() {
  if (!kept) return undefined;
  try {
    const content = readFileSync(kept);
    const end = content.length - 4;
    return crc32(content.subarray(0, end)) === content.readUInt32LE(end)
      ? content.subarray(0, end)
      : undefined;
  } catch {
    return undefined;
  }
}

/** For the next start. What cannot be kept, for want of room or permission, is not. */
function keep(script) {
  const draft = `${kept}.${randomUUID()}`;
  try {
    const compiled = script.createCachedData();
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE(crc32(compiled));
    mkdirSync(folder, { recursive: true });
    writeFileSync(draft, Buffer.concat([compiled, checksum]), { flag: "wx" });
    renameSync(draft, kept);
  } catch {
    rmSync(draft, { force: true });
  }
}

const cachedData = readKept();
const script = new vm.Script(
  `(function (exports, require, module, __filename, __dirname) {${text.latin1Slice()}\n})`,
  {
    filename: FILE,
    cachedData,
    importModuleDynamically: vm.constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  },
);
if (kept && (cachedData === undefined || script.cachedDataRejected)) {
  process.once("exit", () => keep(script));
}
script.runInThisContext()(module.exports, createRequire(FILE), module, FILE, __dirname);
