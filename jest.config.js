export default {
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "<rootDir>/test/bench/"],
  extensionsToTreatAsEsm: [".ts"],
  transform: { "\\.ts$": "<rootDir>/test/support/strip-types.cjs" },
  setupFiles: ["<rootDir>/test/support/environment.ts"],
  coverageProvider: "v8",
  testTimeout: 120_000,
  // Most tests wait for processes of their own; jest would leave one of two cores to nobody.
  maxWorkers: "100%",
};
