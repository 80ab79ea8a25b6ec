/** Fetches files that the server publishes with their hashes. */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

import { ExtractorError } from "./errors.js";
import type { PublishedFile } from "./handshake.js";
import type { Transport } from "./transport.js";

/**
 * Fetches a file and checks its hash.
 *
 * WebCrypto is not used: browsers disable it for pages that another machine serves over HTTP.
 *
 * @throws ExtractorError if the hash is wrong; NoServerError, ServerProblemError
 */
export async function fetchFile(transport: Transport, file: PublishedFile): Promise<Uint8Array> {
  const content = await transport.getBytes(file.url);
  const found = bytesToHex(sha256(content));
  if (found !== file.sha256.toLowerCase()) {
    throw new ExtractorError(
      `${file.url} is not the file of the handshake: its SHA-256 is ${found}, ` +
        `expected ${file.sha256}. The server may have been updated: reload and try again.`,
    );
  }
  return content;
}
