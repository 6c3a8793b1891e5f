// What jest forks inherits these.
process.execArgv.push(`--import=${new URL("test/support/early-answer.js", import.meta.url)}`);

export default {
  runner: "jest-light-runner/child-process",
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  modulePathIgnorePatterns: ["<rootDir>/dist"],
  // Some have a command of their own.
  testPathIgnorePatterns: [
    "/node_modules/",
    "<rootDir>/test/bench/",
    "<rootDir>/test/images/",
    "<rootDir>/test/soaks/",
  ],
  setupFiles: ["<rootDir>/test/support/environment.ts"],
  setupFilesAfterEnv: ["<rootDir>/test/support/time-limit.ts"],
  coverageProvider: "v8",
  dependencyExtractor: "<rootDir>/test/support/dependencies.cjs",
  // Most tests wait for processes of their own; jest would leave one of two cores to nobody.
  maxWorkers: "100%",
};
