/** A file that the server publishes with its hash. */

export interface PublishedFile {
  /** Path relative to the server's address. */
  readonly url: string;
  /** 64 hexadecimal digits. */
  readonly sha256: string;
}

/** The first fault of a file's entry in the handshake. */
export function fileFault(name: string, value: unknown): string | undefined {
  const file = value as { readonly [name in keyof PublishedFile]?: unknown } | null | undefined;
  if (typeof file?.url !== "string") return `the address of the ${name} is missing`;
  const isHash = typeof file.sha256 === "string" && /^[0-9a-f]{64}$/i.test(file.sha256);
  return isHash ? undefined : `the hash of the ${name} is not SHA-256`;
}
