/** Off Google Cloud the clients would otherwise probe for a metadata server and wait for it. */
process.env["METADATA_SERVER_DETECTION"] = "none";
