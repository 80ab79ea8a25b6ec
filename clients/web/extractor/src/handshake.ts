/** The server's handshake, `GET /init/configuration`. */

import type { Transport } from "./transport.js";

export const HANDSHAKE_PATH = "/init/configuration";

/** A file on the server, with its hash. */
export interface PublishedFile {
  /** Path relative to the server's address. */
  readonly url: string;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** A network of the server, with its recall on unseen speakers. */
export interface Network {
  /** Name, case-insensitive. */
  readonly networkType: string;
  readonly input: "vector" | "frames";
  /** In alphabetical order, as in every prediction. */
  readonly emotions: readonly string[];
  /** Unweighted average recall on unseen speakers, 0 to 1. */
  readonly speakerIndependentUar: number;
  /** How the recall was measured, as text. */
  readonly protocol: string;
  readonly corpus: { readonly name?: string; readonly [member: string]: unknown };
  readonly intendedUse: { readonly for?: readonly string[]; readonly not_for?: readonly string[] };
}

/** The feature recipe. The extractor implements it, so a client needs only the sample rate. */
export interface Recipe {
  /** Hz */
  readonly sampleRate: number;
  readonly [name: string]: unknown;
}

export interface Handshake {
  readonly numberOfMfccs: number;
  readonly features: Recipe;
  readonly extractor: PublishedFile;
  readonly reference: PublishedFile;
  readonly networks: readonly Network[];
}

/** @throws WrongServerError, NoServerError, ServerProblemError */
export async function fetchHandshake(transport: Transport): Promise<Handshake> {
  const document = await transport.getJson(HANDSHAKE_PATH);
  const fault = findFault(document);
  if (fault !== undefined) {
    throw transport.wrongServer(`unexpected response for ${HANDSHAKE_PATH}: ${fault}`);
  }
  return document as Handshake;
}

/** The first fault in the members that this module itself uses. */
function findFault(document: unknown): string | undefined {
  const handshake = document as Partial<Handshake> | null;
  if (!Number.isInteger(handshake?.features?.sampleRate)) return "the sample rate is missing";
  for (const name of ["extractor", "reference"] as const) {
    const file = handshake?.[name];
    if (typeof file?.url !== "string") return `the address of the ${name} is missing`;
    if (!/^[0-9a-f]{64}$/i.test(file.sha256)) return `the hash of the ${name} is not SHA-256`;
  }
  if (!Array.isArray(handshake?.networks)) return "the networks are missing";
  return undefined;
}
