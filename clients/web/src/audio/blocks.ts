/** Blocks of samples from the microphone. */

import type { Channel } from "../clip.js";
import type { Block } from "./microphone.js";

/** The blocks one after the other; as many channels as every block has, at least one. */
export function joined(blocks: readonly Block[]): Channel[] {
  const channels = Math.min(...blocks.map((block) => block.length));
  return Array.from({ length: Number.isFinite(channels) ? channels : 1 }, (_, channel) =>
    inOne(blocks.map((block) => block[channel]!)),
  );
}

/** Root mean square in dB relative to full scale. */
export function levelOf(block: Block): number {
  let power = 0;
  for (const samples of block) for (const sample of samples) power += sample * sample;
  return 10 * Math.log10(power / (block.length * block[0]!.length) + 1e-12);
}

function inOne(parts: readonly Channel[]): Channel {
  const all = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}
