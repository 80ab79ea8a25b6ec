/**
 * Resampling with the filter of soxr's quality HQ, with which the training recordings were
 * resampled.
 *
 * The features depend on the resampler's attenuation just below the Nyquist frequency. Largest
 * change of a probability of the network DNN relative to soxr HQ, for eight RAVDESS clips from 48
 * to 22.05 kHz: Chromium's decoder 0.057, its audio graph 0.21, Speex (quality 10) 0.061,
 * libsamplerate (best) 0.038, soxr's quality VHQ 0.0056, this filter 0.0001.
 */

import { InvalidOptionError } from "../errors.js";

const RATES = [8_000, 192_000] as const; // Hz
/** Stop-band attenuation in dB, of 20 bits as in soxr. */
const ATTENUATION = 20 * 20 * Math.log10(2);
/** End of the pass band, relative to half the lower sample rate; soxr's formula for 20 bits. */
const PASSBAND = 1 - 0.05 / ((1.6e-6 * ATTENUATION - 7.5e-4) * ATTENUATION + 0.646);
const KAISER_BETA = 0.1102 * (ATTENUATION - 8.7);

/** Windowed-sinc filters, one for each phase of an output sample between two input samples. */
interface FilterBank {
  readonly phases: number;
  /** Input samples on each side. */
  readonly reach: number;
  /** `phases` rows of 2 * reach. */
  readonly taps: Float32Array;
}

/** Resamples mono samples from one rate to another, where no extractor takes their rate. */
export class Resampler {
  readonly #from: number;
  readonly #to: number;
  /** Distance between output samples, in input samples times the number of phases. */
  readonly #step: number;
  readonly #bank: FilterBank;

  /**
   * Computes the filter; keep the resampler for the next clips.
   *
   * @param from Hz, a whole number from 8,000 to 192,000
   * @param to Hz, the same; usually `client.sampleRate`
   * @throws InvalidOptionError
   */
  constructor(from: number, to: number) {
    checkRates({ from, to });
    const divisor = greatestCommonDivisor(from, to);
    this.#from = from;
    this.#to = to;
    this.#step = from / divisor;
    this.#bank = makeFilterBank(to / divisor, Math.min(1, to / from));
  }

  /**
   * @param samples mono
   * @returns samples of the same duration
   */
  resample(samples: Float32Array): Float32Array<ArrayBuffer> {
    if (this.#from === this.#to) return new Float32Array(samples);
    const { phases, reach, taps } = this.#bank;
    const width = 2 * reach;
    const padded = new Float32Array(samples.length + width);
    padded.set(samples, reach - 1);
    return new Float32Array(Math.round((samples.length * this.#to) / this.#from)).map(
      (_, index) => {
        const place = index * this.#step;
        const first = Math.floor(place / phases);
        const row = (place % phases) * width;
        let sum = 0;
        for (let tap = 0; tap < width; tap++) sum += padded[first + tap]! * taps[row + tap]!;
        return sum;
      },
    );
  }
}

function checkRates(rates: Readonly<Record<string, number>>): void {
  const [low, high] = RATES;
  for (const [name, rate] of Object.entries(rates)) {
    if (!Number.isInteger(rate) || rate < low || rate > high) {
      throw new InvalidOptionError(
        `${name} is ${rate}; expected a sample rate in whole Hz from ${low} to ${high}.`,
      );
    }
  }
}

/** @param bandwidth half the lower sample rate, relative to half the input's */
function makeFilterBank(phases: number, bandwidth: number): FilterBank {
  const cutoff = ((1 + PASSBAND) / 2) * bandwidth;
  const transition = (1 - PASSBAND) * bandwidth * Math.PI; // radians
  // Kaiser's estimate of the filter length.
  const reach = Math.ceil((ATTENUATION - 7.95) / (2.285 * transition) / 2) + 1;
  const width = 2 * reach;
  const taps = new Float32Array(phases * width).map((_, index) => {
    const distance = (index % width) - reach + 1 - Math.floor(index / width) / phases;
    return cutoff * sinc(cutoff * distance) * kaiser(distance / reach);
  });
  return { phases, reach, taps };
}

function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The Kaiser window at `x` in [-1, 1]. */
function kaiser(x: number): number {
  return bessel(KAISER_BETA * Math.sqrt(Math.max(0, 1 - x * x))) / bessel(KAISER_BETA);
}

/** The modified Bessel function of order 0, by its power series. */
function bessel(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * Number.EPSILON; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
