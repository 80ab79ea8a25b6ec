/** The JSON of requests: which numbers are sent, and with how many decimals. */

import type { Baseline, ColumnStatistics } from "../baseline.js";
import type { Features } from "../extraction/features.js";
import type { Network } from "../handshake/handshake.js";
import { PROSODY_COLUMNS } from "../handshake/recordings.js";

/** Of a posted number. With these, no probability of the networks in models/ changes by 1e-4. */
const MFCC_DECIMALS = 3;
/** Of prosody and baselines: networks multiply them by larger weights. */
const DECIMALS = 5;

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
  return {
    mfccs,
    ...(prosody && takes(network, "prosody") && { prosody }),
    ...(baseline && takes(network, "baseline") && { baseline: roundedBaseline(baseline) }),
  };
}

/** Whether a network can use an optional member. */
export function takes(network: Network | undefined, member: "prosody" | "baseline"): boolean {
  return network?.optionalMembers.includes(member) ?? false;
}

/** The MFCCs as a vector, and the statistics of the prosody if there is any. */
export function vectorBody({ mfccs, prosodyStatistics }: Features): PredictionBody {
  return {
    mfccs: rounded(mfccs, MFCC_DECIMALS),
    ...(prosodyStatistics && { prosody: rounded(prosodyStatistics, DECIMALS) }),
  };
}

/** The frames, and the prosody of each if there is any. */
export function framesBody({ frames, mfccs, prosody }: Features): PredictionBody {
  return {
    mfccs: rows(frames, mfccs.length, MFCC_DECIMALS),
    ...(prosody && { prosody: rows(prosody, PROSODY_COLUMNS.length, DECIMALS) }),
  };
}

function roundedBaseline({ clips, mfccs, prosody }: Baseline): Baseline {
  const both = ({ mean, spread }: ColumnStatistics): ColumnStatistics => ({
    mean: rounded(mean, DECIMALS),
    spread: rounded(spread, DECIMALS),
  });
  return { clips, mfccs: both(mfccs), ...(prosody && { prosody: both(prosody) }) };
}

function rows(values: Float32Array, columns: number, decimals: number): number[][] {
  return Array.from({ length: values.length / columns }, (_, row) =>
    rounded(values.subarray(row * columns, (row + 1) * columns), decimals),
  );
}

function rounded(values: ArrayLike<number>, decimals: number): number[] {
  return Array.from(values, (value) => Number(value.toFixed(decimals)));
}
