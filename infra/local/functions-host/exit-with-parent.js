// Loaded before a function's own code: ends the process when the one that started it is gone,
// however it went, which the closing of this pipe tells.
process.stdin.on("close", () => process.exit(0)).resume();
process.stdin.unref();
