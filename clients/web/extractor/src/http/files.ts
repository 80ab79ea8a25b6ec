/** Fetches files that the server publishes with their hashes. */

import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

import { ExtractorError } from "../errors.js";
import { pathOf, type PublishedFile } from "../handshake/file.js";
import type { Transport } from "./transport.js";

const MOST_BYTES = 32 * 1024 * 1024;

/**
 * Fetches a file and checks its hash.
 *
 * WebCrypto is not used: browsers disable it for pages that another machine serves over HTTP.
 *
 * @throws ExtractorError if the hash is wrong; NoServerError, ServerProblemError; WrongServerError
 *   if the file is longer than 32 MiB
 */
export async function fetchFile(transport: Transport, file: PublishedFile): Promise<Uint8Array> {
  const content = await transport.getBytes(pathOf(file), MOST_BYTES);
  const found = bytesToHex(sha256(content));
  if (found !== file.sha256.toLowerCase()) {
    throw new ExtractorError(
      `${file.url} is not the file of the handshake: its SHA-256 is ${found}, ` +
        `expected ${file.sha256}. The server may have been updated: reload and try again.`,
    );
  }
  return content;
}
