/** Reads the bodies of responses. */

const FIRST_BUFFER = 65_536; // bytes

/** The body has more bytes than allowed. */
export class BodyTooLongError extends Error {
  override readonly name = "BodyTooLongError";
}

/**
 * Reads a body. It stops at the limit, so a small compressed body cannot fill the memory.
 *
 * @param most limit in bytes, after decompression
 * @throws BodyTooLongError; any error of the connection
 */
export async function readBody(response: Response, most: number): Promise<Uint8Array> {
  const reader = response.body?.getReader();
  // One buffer: a list of chunks of one byte each would take far more memory.
  let content = new Uint8Array(Math.min(FIRST_BUFFER, most));
  let size = 0;
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true };
    if (done) return content.subarray(0, size);
    if (size + value.length > most) {
      reader?.cancel().catch(() => undefined); // closes the connection
      throw new BodyTooLongError(`more than ${most} bytes`);
    }
    content = withRoom(content, size + value.length, most);
    content.set(value, size);
    size += value.length;
  }
}

function withRoom(
  content: Uint8Array<ArrayBuffer>,
  size: number,
  most: number,
): Uint8Array<ArrayBuffer> {
  if (size <= content.length) return content;
  const larger = new Uint8Array(Math.min(most, Math.max(size, 2 * content.length)));
  larger.set(content);
  return larger;
}
