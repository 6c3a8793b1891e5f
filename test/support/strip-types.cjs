const { stripTypeScriptTypes } = require("node:module");
/** Jest transform: erases types the way Node does, so tests run the code that ships. */
module.exports = { process: (source) => ({ code: stripTypeScriptTypes(source) }) };
