/** Files that the server publishes with their hashes. */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

import { ExtractorError } from "./errors.js";
import type { PublishedFile } from "./handshake.js";
import type { Transport } from "./transport.js";

/**
 * Fetches a file and checks its hash.
 *
 * The hash is not WebCrypto's, which browsers keep from pages that came over plain HTTP from
 * another machine.
 *
 * @throws ExtractorError where the hash is another one; NoServerError, ServerProblemError
 */
export async function fetchFile(transport: Transport, file: PublishedFile): Promise<Uint8Array> {
  const content = await transport.getBytes(file.url);
  const found = bytesToHex(sha256(content));
  if (found !== file.sha256.toLowerCase()) {
    throw new ExtractorError(
      `${file.url} is not the file that the server announced: its SHA-256 is ${found}, ` +
        `expected ${file.sha256}. The server may just have been updated: reload and try again.`,
    );
  }
  return content;
}
