/** A file that the server publishes with its hash. */

/** An address in the handshake. */
export interface Address {
  /** Path below the server's address. */
  readonly url: string;
  /** The same relative to the address of the handshake; older servers do not give it. */
  readonly relativeUrl?: string;
}

export interface PublishedFile extends Address {
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** The path of an address, below that of the server; `transport.url` checks it. */
export function pathOf({ url, relativeUrl }: Address): string {
  return relativeUrl === undefined ? url : `init/${relativeUrl}`; // the folder of the handshake
}

/** Whether a value has the members of an address. */
export function isAddress(value: unknown): value is Address {
  const { url, relativeUrl } = (value ?? {}) as { readonly [name in keyof Address]?: unknown };
  return typeof url === "string" && ["string", "undefined"].includes(typeof relativeUrl);
}

/** The first fault of a file's entry in the handshake. */
export function fileFault(name: string, value: unknown): string | undefined {
  if (!isAddress(value)) return `the address of the ${name} is missing`;
  const { sha256 } = value as { readonly sha256?: unknown };
  const isHash = typeof sha256 === "string" && /^[0-9a-f]{64}$/i.test(sha256);
  return isHash ? undefined : `the hash of the ${name} is not SHA-256`;
}
