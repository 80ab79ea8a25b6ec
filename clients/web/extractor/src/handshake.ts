/** The server's handshake, `GET /init/configuration`. */

import { isShare, MOST_LABELS } from "./answers.js";
import { recipeFault, type Recipe } from "./recipe.js";
import { quoted } from "./text.js";
import type { Transport } from "./transport.js";

export const HANDSHAKE_PATH = "/init/configuration";
const MOST_NETWORKS = 100;
const NETWORK_NAME = /^(?!\.+$)[\w.-]{1,100}$/;

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
  const fault = findFault(document as Unchecked<Handshake> | null);
  if (fault !== undefined) {
    throw transport.wrongServer(`unexpected response for ${HANDSHAKE_PATH}: ${fault}`);
  }
  const handshake = document as Handshake;
  transport.url(handshake.extractor.url); // throws if it leads to another server
  transport.url(handshake.reference.url);
  return handshake;
}

type Unchecked<T> = { readonly [name in keyof T]?: unknown };

/** The first fault in the members that this module and the page use. */
function findFault(handshake: Unchecked<Handshake> | null): string | undefined {
  return (
    recipeFault(handshake?.features) ??
    countFault(handshake as Handshake) ??
    fileFault("extractor", handshake?.extractor) ??
    fileFault("reference", handshake?.reference) ??
    networksFault(handshake?.networks)
  );
}

function countFault({ numberOfMfccs, features }: Handshake): string | undefined {
  if (numberOfMfccs === features.nMfcc) return undefined;
  return `numberOfMfccs is ${quoted(numberOfMfccs)}; expected features.nMfcc, ${features.nMfcc}`;
}

function fileFault(name: string, value: unknown): string | undefined {
  const file = value as Unchecked<PublishedFile> | null | undefined;
  if (typeof file?.url !== "string") return `the address of the ${name} is missing`;
  const isHash = typeof file.sha256 === "string" && /^[0-9a-f]{64}$/i.test(file.sha256);
  return isHash ? undefined : `the hash of the ${name} is not SHA-256`;
}

function networksFault(networks: unknown): string | undefined {
  if (!Array.isArray(networks)) return "the networks are missing";
  if (networks.length > MOST_NETWORKS) {
    return `it has ${networks.length} networks; expected at most ${MOST_NETWORKS}`;
  }
  return networks.map(networkFault).find((fault) => fault !== undefined);
}

function networkFault(value: unknown): string | undefined {
  const network = value as Unchecked<Network> | null;
  const name = network?.networkType;
  if (typeof name !== "string" || !NETWORK_NAME.test(name)) {
    return `a network is named ${quoted(name)}; expected letters, digits, ".", "_" and "-"`;
  }
  const fault = Object.entries(MEMBERS).find(([key, fits]) => !fits(network?.[key as Member]));
  return fault && `${fault[0]} of the network ${name} is ${quoted(network?.[fault[0] as Member])}`;
}

type Member = Exclude<keyof Network, "networkType">;

const MEMBERS: Readonly<Record<Member, (value: unknown) => boolean>> = {
  input: (value) => value === "vector" || value === "frames",
  emotions: (value) => areTexts(value) && value.length > 0,
  speakerIndependentUar: isShare,
  protocol: (value) => typeof value === "string",
  corpus: (value) => isObject(value) && ["string", "undefined"].includes(typeof value["name"]),
  intendedUse: (value) =>
    isObject(value) && [value["for"], value["not_for"]].every((each) => areTexts(each ?? [])),
};

function areTexts(value: unknown): value is string[] {
  return (
    Array.isArray(value) &&
    value.length <= MOST_LABELS &&
    value.every((each) => typeof each === "string")
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
