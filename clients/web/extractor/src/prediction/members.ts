/** The bodies of requests: which numbers are sent, and with how many decimals. */

import type { Baseline, ColumnStatistics } from "./baseline.js";
import type { Features } from "./extraction/features.js";
import type { Network } from "./handshake/handshake.js";
import { PROSODY_COLUMNS } from "./handshake/recordings.js";

/** Decimals of a posted number. Its rounding error is far below the server's tolerance. */
const DECIMALS = 4;

/** The body of a prediction. */
export interface PredictionBody {
  readonly mfccs: readonly number[] | readonly (readonly number[])[];
  readonly prosody?: readonly number[] | readonly (readonly number[])[];
  readonly baseline?: Baseline;
}

/**
 * The body for a network, with the optional members that the network can use.
 *
 * @param network undefined for one that was added after the handshake: any accepts frames
 */
export function predictionBody(
  network: Network | undefined,
  features: Features,
  baseline: Baseline | undefined,
): PredictionBody {
  const { mfccs, prosody } =
    network?.input === "vector" ? vectorBody(features) : framesBody(features);
  const takes = (member: string): boolean => network?.optionalMembers.includes(member) ?? false;
  return {
    mfccs,
    ...(prosody && takes("prosody") && { prosody }),
    ...(baseline && takes("baseline") && { baseline: roundedBaseline(baseline) }),
  };
}

/** The MFCCs as a vector, and the statistics of the prosody if there is any. */
export function vectorBody({ mfccs, prosodyStatistics }: Features): PredictionBody {
  return {
    mfccs: rounded(mfccs),
    ...(prosodyStatistics && { prosody: rounded(prosodyStatistics) }),
  };
}

/** The frames, and the prosody of each if there is any. */
export function framesBody({ frames, mfccs, prosody }: Features): PredictionBody {
  return {
    mfccs: rows(frames, mfccs.length),
    ...(prosody && { prosody: rows(prosody, PROSODY_COLUMNS.length) }),
  };
}

function roundedBaseline({ clips, mfccs, prosody }: Baseline): Baseline {
  const both = ({ mean, spread }: ColumnStatistics): ColumnStatistics => ({
    mean: rounded(mean),
    spread: rounded(spread),
  });
  return { clips, mfccs: both(mfccs), ...(prosody && { prosody: both(prosody) }) };
}

function rows(values: Float32Array, columns: number): number[][] {
  return Array.from({ length: values.length / columns }, (_, row) =>
    rounded(values.subarray(row * columns, (row + 1) * columns)),
  );
}

function rounded(values: ArrayLike<number>): number[] {
  return Array.from(values, (value) => Number(value.toFixed(DECIMALS)));
}
