/** The server's handshake, `GET /init/configuration`. */

import { isShare, MOST_LABELS } from "./answers.js";
import { fileFault, isAddress, pathOf, type Address, type PublishedFile } from "./file.js";
import { isRecall, type Recall } from "./recall.js";
import { recipeFault, type Recipe } from "./recipe.js";
import {
  prosodyFault,
  recordingsFault,
  referencesFault,
  type ProsodyRecipe,
  type Recordings,
  type Reference,
} from "./recordings.js";
import { quoted } from "../text.js";
import type { Transport } from "../http/transport.js";

export const HANDSHAKE_PATH = "/init/configuration";
const MOST_NETWORKS = 100;
const NETWORK_NAME = /^(?!\.+$)[\w.-]{1,100}$/;

/** A network of the server, with its recall. */
export interface Network {
  /** Name, case-insensitive. */
  readonly networkType: string;
  readonly input: "vector" | "frames";
  /** In alphabetical order, as in every prediction. */
  readonly emotions: readonly string[];
  /** Unweighted average recall on new speakers, from MFCCs alone, 0 to 1. */
  readonly speakerIndependentUar: number;
  /** On new speakers of the corpora that it was trained on; null: not measured by corpus. */
  readonly newSpeakers: Recall | null;
  /** On corpora that it was not trained on: what to expect elsewhere; null: not measured. */
  readonly otherCorpora: Recall | null;
  /** How the recall was measured, as text. */
  readonly protocol: string;
  readonly corpus: { readonly name?: string; readonly [member: string]: unknown };
  readonly intendedUse: { readonly for?: readonly string[]; readonly not_for?: readonly string[] };
  /** Members of a request, beside the MFCCs, that the network can use: prosody, baseline. */
  readonly optionalMembers: readonly string[];
  /** Where it takes the same input over the Open Inference Protocol; null: nowhere. */
  readonly inference: Inference | null;
  /** The network itself; missing if the server does not offer it. */
  readonly file?: PublishedFile;
}

export interface Inference extends Address {
  /** Whether it takes binary tensors. */
  readonly binary: boolean;
  /** Whether it knows the parameter `warning_details`. */
  readonly warningDetails: boolean;
}

export interface Handshake {
  readonly numberOfMfccs: number;
  readonly features: Recipe;
  readonly extractor: PublishedFile;
  readonly reference: PublishedFile;
  readonly networks: readonly Network[];
  /** Missing if the server has no extractors for recordings; so are the two others. */
  readonly recordings?: Recordings;
  readonly prosody?: ProsodyRecipe;
  readonly references?: readonly Reference[];
}

/** @throws WrongServerError, NoServerError, ServerProblemError */
export async function fetchHandshake(transport: Transport): Promise<Handshake> {
  const document = await transport.getJson(HANDSHAKE_PATH);
  const fault = findFault(document as Unchecked<Handshake> | null);
  if (fault !== undefined) {
    throw transport.wrongServer(`unexpected response for ${HANDSHAKE_PATH}: ${fault}`);
  }
  const handshake = withLaterMembers(document as Handshake);
  for (const address of addressesOf(handshake)) transport.url(pathOf(address)); // may throw
  return handshake;
}

/** Older servers do not list these members. */
function withLaterMembers(handshake: Handshake): Handshake {
  const networks = handshake.networks.map((each) => ({
    ...each,
    optionalMembers: each.optionalMembers ?? [],
    newSpeakers: each.newSpeakers ?? null,
    otherCorpora: each.otherCorpora ?? null,
    inference: each.inference ?? null,
  }));
  return { ...handshake, networks };
}

function addressesOf(handshake: Handshake): Address[] {
  const { extractor, reference, recordings, references, networks } = handshake;
  const ofNetworks = networks.flatMap(({ inference, file }) =>
    [inference ?? [], file ?? []].flat(),
  );
  return [extractor, reference, recordings?.extractors ?? [], references ?? [], ofNetworks].flat();
}

type Unchecked<T> = { readonly [name in keyof T]?: unknown };

/** The first fault in the members that this module and the page use. */
function findFault(handshake: Unchecked<Handshake> | null): string | undefined {
  return (
    recipeFault(handshake?.features) ??
    countFault(handshake as Handshake) ??
    fileFault("extractor", handshake?.extractor) ??
    fileFault("reference", handshake?.reference) ??
    networksFault(handshake?.networks) ??
    additionsFault(handshake as Handshake)
  );
}

/** The first fault in the members that version 2 of the contract added. */
function additionsFault({ recordings, prosody, references }: Handshake): string | undefined {
  if ([recordings, prosody, references].every((each) => each === undefined)) return undefined;
  return recordingsFault(recordings) ?? prosodyFault(prosody) ?? referencesFault(references);
}

function countFault({ numberOfMfccs, features }: Handshake): string | undefined {
  if (numberOfMfccs === features.nMfcc) return undefined;
  return `numberOfMfccs is ${quoted(numberOfMfccs)}; expected features.nMfcc, ${features.nMfcc}`;
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
  newSpeakers: isRecall,
  otherCorpora: isRecall,
  protocol: (value) => typeof value === "string",
  corpus: (value) => isObject(value) && ["string", "undefined"].includes(typeof value["name"]),
  intendedUse: (value) =>
    isObject(value) && [value["for"], value["not_for"]].every((each) => areTexts(each ?? [])),
  optionalMembers: (value) => value === undefined || areTexts(value),
  inference: (value) => value === undefined || value === null || isInference(value),
  file: (value) => value === undefined || fileFault("network", value) === undefined,
};

function isInference(value: unknown): boolean {
  const { binary, warningDetails } = (value ?? {}) as Unchecked<Inference>;
  return [binary, warningDetails].every((each) => typeof each === "boolean") && isAddress(value);
}

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
