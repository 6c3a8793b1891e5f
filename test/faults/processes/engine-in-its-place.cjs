// Loaded before a runner's own code, for a proof that needs an agent's command line faster than the
// real one: where the real one's package is looked for, that of FAST_ENGINE is found.
const Module = require("node:module");

const resolve = Module._resolveFilename;
Module._resolveFilename = function (request, ...rest) {
  return /^@anthropic-ai\/claude-code-[\w-]+\/package\.json$/.test(request)
    ? `${process.env.FAST_ENGINE}/package.json`
    : resolve.call(this, request, ...rest);
};
